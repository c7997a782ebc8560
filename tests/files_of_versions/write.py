"""Write the files that the present version makes, for tests of the versions after it.

    python tests/files_of_versions/write.py

They are written to a folder named after the version, which must not exist: what a released version
wrote is evidence, and is never written again. Before a release, delete the folder of the version
that is not released yet, and run this. `docs/reference/compatibility.md` has the promise.
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
import warnings
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

import backhand
from backhand.training.checkpoints import manager
from backhand.training.checkpoints.fleet_manager import FleetManager
from backhand.training.fleet import train_fleet
from files_of_versions.trainings import RESUMABLE, TABLE, X, Y, numbers, start, table

HERE = Path(__file__).parent
NEW = numbers(6, X.shape[1], scale=1.5)
"""Rows whose probabilities are kept."""


class _Stop(Exception):
    """Ends a training as a kill would."""


def trained(dtype: Any = np.float32, **more: Any) -> backhand.TrainResult:
    """A network that has learned a little."""
    given = {"epochs": 8, "batch_size": 12, "learning_rate": 0.05, "optimizer": "adam", **more}
    return backhand.train(start(dtype), X.astype(dtype), Y, **given)


def models() -> dict[str, Any]:
    """A model of each kind, by the name of its file."""
    engine = backhand.make_engine("reference", precision="bf16")
    chooser = backhand.MLPClassifierCV(hidden=4, max_iter=6, random_state=0, engine="reference")
    binned, auto = TABLE | {"number_encoding": "bins"}, TABLE | {"number_encoding": "auto"}
    named = trained(epochs=3)
    return {
        "parameters": start(),
        "plain": trained(validation=(X[:9], Y[:9])),
        "float64": trained(np.float64),
        "bf16": trained(engine=engine),
        "folded": backhand.fold([trained(seed=seed) for seed in range(3)], temperature=1.3),
        "texts": backhand.Model(
            named.params, ("größer", "kleiner", "= gleich"), history=named.history
        ),
        "decimals": backhand.Model(named.params, (-0.5, 0.25, 3.0)),
        "classifier": backhand.MLPClassifier((5,), max_iter=5, random_state=0).fit(X, Y == 1),
        "calibrated": chooser.fit(X, Y),
        "table": backhand.fit(table(), "sold", quick=True, missing=["Ulm", ""], **TABLE),
        "table-bins": backhand.fit(table(), "sold", quick=True, **binned),
        "table-search": backhand.fit(table(), "sold", members=2, **auto),
    }


def write_models(folder: Path) -> dict[str, Any]:
    """Save the models; return what each predicts."""
    expected = {}
    for name, source in models().items():
        backhand.save(source, folder / f"{name}.safetensors")
        model = backhand.load(folder / f"{name}.safetensors")
        rows = folder / "rows.csv" if model.schema is not None else NEW
        P = model.predict_proba(rows, engine="reference")
        expected[name] = {
            "classes": list(model.classes), "dtype": str(P.dtype),
            "P": [[float(f"{p:.9g}") for p in row] for row in P],
        }  # fmt: skip
    return expected


def write_rows(path: Path) -> None:
    """The first rows of the table, and one with everything that training never saw."""
    columns = table()
    strange = {"area": "1e6", "price": "", "floor": "x", "town": "Rom", "agent": "", "day": "",
               "seen": "31.12.1999", "hour": "2030-01-01 00:00:00", "sold": ""}  # fmt: skip
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([values[i] for values in columns.values()] for i in range(8))
        writer.writerow([strange[name] for name in columns])


def results_in(folder: Path) -> Any:
    """Files of members that are done."""
    return folder.glob("results-*")


@contextmanager
def killed_midway(name: str) -> Any:
    """End a training, a fleet or a search after some of its saves."""
    saves = {"fleet": 1, "search": 3}.get(name, 4)
    owner = FleetManager if name in ("fleet", "search") else manager.CheckpointManager
    save = owner.save

    def counted(self: Any, *states: Any) -> None:
        nonlocal saves
        save(self, *states)
        done = name not in ("fleet", "search") or (
            states[1] and list(self.folder.glob("results-*"))
        )
        saves -= bool(done)
        if saves <= 0:
            raise _Stop

    owner.save = counted
    try:
        yield
    except _Stop:
        return
    finally:
        owner.save = save
    raise SystemExit(f"the training '{name}' ended before it was stopped")


def write_checkpoint(name: str, folder: Path) -> list[Any]:
    """Keep the checkpoint of a training that was stopped; return what is learned without a stop."""
    fleet = name in ("fleet", "search")
    with tempfile.TemporaryDirectory() as parent:
        place = Path(parent) / "c"
        with killed_midway(name):
            RESUMABLE[name](backhand.Checkpoint(place, "0.001s" if fleet else "1epochs"))
        for path in needed(place):
            kept = folder / name / path.relative_to(place)
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(path.read_bytes())
    return [[float(f"{v:.9g}") for v in array.ravel()] for array in RESUMABLE[name](None)]


def needed(place: Path) -> list[Path]:
    """All results, and the last of the files that supersede each other."""
    newest = {path.parent / path.name.rpartition("-")[0]: path
              for path in sorted(place.rglob("*.safetensors"))}  # fmt: skip
    return sorted({*newest.values(), *place.rglob("results-*")})


def main() -> None:
    """Write everything, or nothing if the folder is there."""
    folder = HERE / version("backhand")
    if folder.exists():
        sys.exit(f"{folder} exists: the files of a version are written once. Delete it only if "
                 "that version is not released.")  # fmt: skip
    warnings.simplefilter("ignore")
    train_fleet.WAIT_SECONDS = 0.001
    (folder / "checkpoints").mkdir(parents=True)
    write_rows(folder / "rows.csv")
    expected = {
        "rows": NEW.tolist(),
        "models": write_models(folder),
        "parameters after resuming": {
            name: write_checkpoint(name, folder / "checkpoints") for name in RESUMABLE
        },
    }
    (folder / "expected.json").write_text(json.dumps(expected, ensure_ascii=False) + "\n", "utf-8")
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            print(f"{path.stat().st_size:8,}  {path.relative_to(folder)}")


if __name__ == "__main__":
    main()
