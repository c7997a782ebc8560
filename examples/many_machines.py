"""Train on rows that are on a Ray cluster already, and save a model that needs no cluster.

    python -m pip install '.[ray,sklearn,fast]' pandas     # in a clone of this repository
    python examples/many_machines.py examples/penguins.csv ...

The machines of the cluster read the files, one task for each, and keep their rows; only sums of
gradients, and the labels, travel. With a cluster (`ray start --head` on one machine, and
`ray start --address=...` on the others), set RAY_ADDRESS=auto; without one, Ray is started here.
"""

import sys

import numpy as np
import pandas as pd
import ray

from backhand import RayMLPClassifier, save

NUMBERS = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
TARGET = "species"
PARTS = 4


@ray.remote
def moments(table: pd.DataFrame) -> np.ndarray:
    """Number, sum and sum of squares of each column: (3, d)."""
    x = table[NUMBERS].to_numpy(float)
    return np.stack([np.full(x.shape[1], float(len(x))), x.sum(axis=0), (x * x).sum(axis=0)])


@ray.remote(num_returns=PARTS)
def parts_of(path: str) -> list[pd.DataFrame]:
    """The complete rows of a file, in parts."""
    rows = pd.read_csv(path)[[*NUMBERS, TARGET]].dropna()
    return [rows[part::PARTS] for part in range(PARTS)]


@ray.remote(num_returns=2)
def scaled(table: pd.DataFrame, mean: np.ndarray, std: np.ndarray) -> tuple:
    """X and y of a part."""
    return (table[NUMBERS] - mean) / std, table[TARGET].to_numpy(str)


def main(paths: list[str]) -> None:
    """Read, scale, train, save."""
    ray.init()
    tables = [part for path in paths for part in parts_of.remote(path)]
    N, total, squares = sum(ray.get([moments.remote(table) for table in tables]))
    mean = total / N
    std = np.sqrt(squares / N - mean**2)
    X, y = zip(*(scaled.remote(table, mean, std) for table in tables), strict=True)

    clf = RayMLPClassifier((32,), num_workers=2, solver="lbfgs", max_iter=500, random_state=0)
    clf.fit(list(X), list(y))  # references: no row comes here
    print(f"accuracy on the training rows {clf.score(list(X), list(y)):.3f}")

    save(clf, "many_machines.safetensors")
    print("saved many_machines.safetensors")
    local = clf.to_local()  # an MLPClassifier, which predicts and continues anywhere
    one = (pd.DataFrame([[39.1, 18.7, 181.0, 3750.0]], columns=NUMBERS) - mean) / std
    print(f"a bird of 3,750 g is {local.predict(one)[0]}")


if __name__ == "__main__":
    main(sys.argv[1:])
