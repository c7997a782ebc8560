"""The bits of trained models, written down before a change and compared after it.

    python tests/slow/bits.py record build/bits.json
    python tests/slow/bits.py compare build/bits.json

Trains in many ways, through the public functions and the command line, and takes a SHA-256 digest
of every array that comes out: its name, dtype, shape and bytes. A change that is to change no
number leaves all of them as they are. `record` writes the digests; `compare` trains again, prints a
line an array, and ends with 1 if one differs. Both end with 1 if a training that was broken off and
resumed does not give the bits of the one that was not.

Bits depend on the CPU and on the versions of the libraries, so digests are never committed: record
and compare on one machine, with one environment, one after the other. PYTHONPATH says whose bits
are taken: that of an older checkout's `src` takes its bits with this very script. MNIST comes from
`../shared/data`; without that folder it is left out, and a line says so. Takes half a minute.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import backhand

ROOT = Path(__file__).parent.parent.parent
SHARED = ROOT.parent / "shared" / "data"
PENGUINS = ROOT / "examples" / "penguins.csv"

Digests = dict[str, str]

LONG_EPOCHS = "20000"
"""Of the penguins: some seconds of training, so that it can be broken off midway."""


# ------------------------------------------------------------------------------------ digests


def leaves(name: str, value: Any) -> Iterator[tuple[str, NDArray[Any]]]:
    """The arrays in tuples, lists and dicts, by names that say where each was; numbers too."""
    if value is None:
        return
    if isinstance(value, dict):
        parts = list(value.items())
    elif isinstance(value, tuple | list):
        parts = list(zip(getattr(value, "_fields", range(len(value))), value, strict=True))
    else:
        yield name, np.asarray(value)
        return
    for key, part in parts:
        yield from leaves(f"{name}.{key}", part)


def digest(name: str, array: NDArray[Any]) -> str:
    """SHA-256 of an array's name, dtype, shape and bytes."""
    found = hashlib.sha256(f"{name} {array.dtype.str} {array.shape}\n".encode())
    found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def digests_of(name: str, value: Any) -> Digests:
    """The digest of each array in `value`; the name in a digest is without the training's own."""
    return {path: digest(path.removeprefix(name), array) for path, array in leaves(name, value)}


def of_history(history: backhand.History) -> dict[str, Any]:
    """Its four curves."""
    names = ("loss", "accuracy", "validation_loss", "validation_accuracy")
    return {name: getattr(history, name) for name in names}


def of_result(result: backhand.TrainResult) -> dict[str, Any]:
    """All that `backhand.train` gives back but the seconds."""
    return {
        "params": result.params, "history": of_history(result.history),
        "best_epoch": result.best_epoch, "ended": result.ended,
        "last": result.last, "best": result.best,
    }  # fmt: skip


def of_file(path: Path) -> dict[str, Any]:
    """A model file: as it lies there, and what `backhand.load` makes of it."""
    model = backhand.load(path)
    return {
        "file": np.frombuffer(path.read_bytes(), np.uint8),
        "params": model.params, "history": of_history(model.history),
        "classes": [str(value) for value in model.classes],
    }  # fmt: skip


def of_classifier(clf: backhand.MLPClassifier, X: NDArray[Any]) -> dict[str, Any]:
    """The estimator's weights and losses, and its probabilities on a few rows."""
    return {
        "coefs_": clf.coefs_, "intercepts_": clf.intercepts_, "loss_": clf.loss_,
        "loss_curve_": np.asarray(clf.loss_curve_), "n_iter_": clf.n_iter_,
        "proba": clf.predict_proba(X),
    }  # fmt: skip


# ------------------------------------------------------------------------------------ trainings


def small_rows(dtype: str = "float32") -> tuple[NDArray[Any], NDArray[Any]]:
    """X (600, 20) and y (600,) of five classes, which a network can learn in part."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((600, 20))
    y = (X[:, :5] + 0.5 * rng.standard_normal((600, 5))).argmax(axis=1)
    return X.astype(dtype), y


def settings(_: Path) -> Iterator[tuple[str, Any]]:
    """Each way to train that `backhand.train` has, on few rows."""
    weights = np.random.default_rng(1).uniform(0.5, 2.0, 600).astype(np.float32)
    stop = backhand.EarlyStopping
    ways: dict[str, dict[str, Any]] = {
        "full batch": {"learning_rate": 0.5},
        "sgd in order": {"batch_size": 64, "shuffle": False},
        "momentum invscaling": {"optimizer": "momentum", "schedule": "invscaling", "power_t": 0.3,
                                "batch_size": 32},
        "nesterov adaptive": {"optimizer": "nesterov", "schedule": "adaptive", "batch_size": 32,
                              "early_stopping": stop(patience=2, min_delta=0.05, monitor="loss")},
        "adam cosine": {"optimizer": "adam", "schedule": "cosine", "warmup": 0.1, "l2": 1e-3,
                        "learning_rate": 0.01, "batch_size": 50},
        "weights and alpha": {"sample_weight": weights, "alpha": 0.1, "batch_size": 64},
        "dropout": {"dropout": 0.3, "batch_size": 64, "optimizer": "adam", "learning_rate": 0.01},
        "two threads": {"batch_size": 200, "threads": 2},
        "validation": {"batch_size": 64, "validation": small_rows(), "validation_every": 3},
        "by epochs": {"batch_size": 64, "callbacks": [lambda _: None]},
    }  # fmt: skip
    for dtype in ("float32", "float64"):
        X, y = small_rows(dtype)
        start = backhand.init(20, 32, 5, seed=0, dtype=np.dtype(dtype))
        for name, way in ways.items():
            chosen: dict[str, Any] = {"epochs": 12, "threads": 1, "engine": "fused", **way}
            yield f"{name} {dtype}", of_result(backhand.train(start, X, y, **chosen))
        chosen = {"epochs": 5, "batch_size": 64, "optimizer": "adam", "threads": 1}
        first = backhand.train(start, X, y, engine="reference", **chosen)
        yield f"reference {dtype}", of_result(first)
        again = backhand.train(first.last.params, X, y, engine="reference", state=first.last,
                               **chosen)  # fmt: skip
        yield f"reference gone on {dtype}", of_result(again)


def mnist(_: Path) -> Iterator[tuple[str, Any]]:
    """MNIST: an epoch of all, a few thousand rows with all the trimmings, and the estimator."""
    if not SHARED.is_dir():
        print(f"MNIST is left out: {SHARED} is not there")
        return
    X, y = mnist_rows(SHARED / "mnist_train.parquet")
    result = backhand.train(
        backhand.init(784, 128, 10, seed=0), X, y, epochs=1, batch_size=128, seed=0,
        engine="fused", threads=1,
    )  # fmt: skip
    yield "float32, an epoch", of_result(result)
    few, held_out = slice(0, 3000), slice(3000, 4000)
    result = backhand.train(
        backhand.init(784, 128, 10, seed=0), X[few], y[few], epochs=30, batch_size=128,
        optimizer="adam", learning_rate=0.004, dropout=0.2, l2=1e-4, seed=0, engine="fused",
        threads=1, validation=(X[held_out], y[held_out]),
        early_stopping=backhand.EarlyStopping(patience=2),
    )  # fmt: skip
    yield "float32, stopped early", of_result(result)
    result = backhand.train(
        backhand.init(784, 32, 10, seed=0, dtype=np.float64), X[few].astype(np.float64), y[few],
        epochs=2, batch_size=100, optimizer="nesterov", seed=0, engine="fused", threads=1,
    )  # fmt: skip
    yield "float64", of_result(result)
    yield from estimators(X[:2000], y[:2000])


def mnist_rows(path: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    """X (N, 784) float32 in 0..1, y (N,) int64."""
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    columns = [table.column(f"p{i}").to_numpy() for i in range(784)]
    return np.column_stack(columns).astype(np.float32) / 255, table.column("label").to_numpy()


def estimators(X: NDArray[Any], y: NDArray[Any]) -> Iterator[tuple[str, Any]]:
    """`MLPClassifier` by each solver: fitted, fitted on, and in parts; dense and sparse."""
    from scipy import sparse

    chosen: dict[str, Any] = {"hidden_layer_sizes": (40,), "random_state": 0, "threads": 1}
    for solver, epochs in (("sgd", 4), ("adam", 4), ("lbfgs", 8)):
        clf = backhand.MLPClassifier(solver=solver, max_iter=epochs, warm_start=True, **chosen)
        yield f"{solver} fit", of_classifier(clf.fit(X, y), X[:100])
        yield f"{solver} warm", of_classifier(clf.fit(X, y), X[:100])
        if solver == "lbfgs":
            continue
        for kind, rows in (("dense", X), ("sparse", sparse.csr_matrix(X))):
            clf = backhand.MLPClassifier(solver=solver, **chosen)
            for first in range(0, 2000, 500):
                part = slice(first, first + 500)
                clf.partial_fit(rows[part], y[part], classes=np.arange(10))
            yield f"{solver} in parts, {kind}", of_classifier(clf, X[:100])
    clf = backhand.MLPClassifier(max_iter=10, early_stopping=True, n_iter_no_change=2, dropout=0.1,
                                 class_weight="balanced", **chosen)  # fmt: skip
    yield "adam stopped early", of_classifier(clf.fit(X, y), X[:100])


def penguins(folder: Path) -> Iterator[tuple[str, Any]]:
    """The example, as README trains it, and what it predicts."""
    output, predicted = folder / "penguins.safetensors", folder / "predicted.csv"
    command("train", "--quick", PENGUINS, "--target", "species", "--output", output)
    yield "model", of_file(output)
    command("predict", output, PENGUINS, "-o", predicted)
    yield "predictions", {"file": np.frombuffer(predicted.read_bytes(), np.uint8)}


def broken_off(folder: Path) -> Iterator[tuple[str, Any]]:
    """Trainings from Python: whole, stopped by a callback, and resumed."""
    X, y = small_rows()
    for every in ("1epochs", "4epochs"):

        def trained(resume: bool = False, callbacks: Any = (), every: str | None = every) -> Any:
            checkpoint = None
            if every is not None:
                checkpoint = backhand.Checkpoint(folder / every, every, resume=resume)
            return of_result(backhand.train(
                backhand.init(20, 32, 5, seed=0), X[:500], y[:500], epochs=20, batch_size=32,
                optimizer="adam", schedule="cosine", warmup=0.1, learning_rate=0.01, dropout=0.1,
                engine="fused", threads=1, validation=(X[500:], y[500:]), callbacks=callbacks,
                early_stopping=backhand.EarlyStopping(patience=50), checkpoint=checkpoint,
            ))  # fmt: skip

        whole = trained(every=None)
        yield f"{every} whole", whole
        yield f"{every} broken off", trained(callbacks=[stop_after(9)])
        resumed = trained(resume=True)
        same(f"{every} resumed", resumed, whole)
        yield f"{every} resumed", resumed


def stop_after(epochs: int) -> Callable[[backhand.Progress], None]:
    """A callback that ends training once so many epochs are done."""

    def stop(progress: backhand.Progress) -> None:
        if progress.epoch >= epochs:
            raise backhand.StopTraining

    return stop


def killed(folder: Path) -> Iterator[tuple[str, Any]]:
    """Trainings of the command line: whole, ended by a signal, and resumed."""
    options = (PENGUINS, "--target", "species", "--epochs", LONG_EPOCHS, "--threads", "1")
    command("train", "--quick", *options, "--output", folder / "whole.safetensors")
    whole = of_file(folder / "whole.safetensors")
    yield "whole", whole
    for number in (signal.SIGINT, signal.SIGKILL):
        kept, output = folder / number.name, folder / f"{number.name}.safetensors"
        keeping = (*options, "--output", output, "--checkpoint", kept, "--every", "0.05s")
        end_by(number, kept, "train", *keeping)
        command("train", "--quick", *keeping, "--resume")
        resumed = of_file(output)
        same(f"{number.name} resumed", resumed, whole)
        yield f"{number.name} resumed", resumed


TRAININGS: dict[str, Callable[[Path], Iterator[tuple[str, Any]]]] = {
    "penguins": penguins, "settings": settings, "mnist": mnist, "broken off": broken_off,
    "killed": killed,
}  # fmt: skip


# ------------------------------------------------------------------------------------ processes


def command_line(*arguments: object) -> list[str]:
    """`backhand` with these arguments, by the interpreter that runs this."""
    return [sys.executable, "-m", "backhand", *map(str, arguments)]


def command(*arguments: object) -> None:
    """Run a command of Backhand's; its output is shown only if it fails."""
    done = subprocess.run(command_line(*arguments), capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(done.args)} ended with {done.returncode}:\n{done.stderr}")


def end_by(number: signal.Signals, kept: Path, *arguments: object) -> None:
    """Start a command, and send it a signal once the folder `kept` holds a checkpoint."""
    started = subprocess.Popen(
        command_line(*arguments), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while started.poll() is None and not list(kept.glob("checkpoint-*")):
        time.sleep(0.01)
    started.send_signal(number)  # nothing, where it has ended
    if started.wait() == 0:
        sys.exit(f"{number.name} came when training was done; LONG_EPOCHS are too few here")


DIFFERENT: list[str] = []
"""What was resumed, and is not as it would have been without the break."""


def same(name: str, resumed: Any, whole: Any) -> None:
    """Note a training that was resumed, and does not have the bits of the whole one."""
    if digests_of("", resumed) != digests_of("", whole):
        DIFFERENT.append(name)
        print(f"different {name}: not the bits of the whole training")


# ------------------------------------------------------------------------------------ record


def trained() -> Digests:
    """Train in all ways; the digest of each array."""
    found: Digests = {}
    for subject, trainings in TRAININGS.items():
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            for name, values in trainings(Path(folder)):
                found |= digests_of(f"{subject}: {name}", values)
        print(f"{subject} trained in {time.perf_counter() - began:.1f} s", file=sys.stderr)
    return found


def compare(found: Digests, recorded: Digests) -> int:
    """Print a line an array; returns how many are not as recorded."""
    verdicts = []
    for name in dict.fromkeys([*recorded, *found]):
        if name not in found:
            verdicts.append("missing")
        elif name not in recorded:
            verdicts.append("new")
        else:
            verdicts.append("equal" if found[name] == recorded[name] else "different")
        print(f"{verdicts[-1]:10}{name}")
    equal = verdicts.count("equal")
    print(f"{equal} of {len(verdicts)} arrays are equal")
    return len(verdicts) - equal


def main() -> None:
    """Record or compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("action", choices=["record", "compare"])
    parser.add_argument("file", type=Path, help="JSON: the digest of each array")
    arguments = parser.parse_args()
    # What tests compile is no business of the user's cache.
    os.environ.setdefault("BACKHAND_CACHE_DIR", str(ROOT / "build" / "cache"))
    recorded = json.loads(arguments.file.read_text()) if arguments.action == "compare" else None
    warnings.simplefilter("ignore")  # scikit-learn's, that it could go on
    print(f"bits of {Path(backhand.__file__).parent}", file=sys.stderr)
    found = trained()
    made_by = {"python": platform.python_version(), "numpy": np.__version__,
               "machine": platform.machine()}  # fmt: skip
    if recorded is None:
        values = {"made by": made_by, "digests": found}
        arguments.file.write_text(json.dumps(values, indent=1) + "\n")
        print(f"{len(found)} arrays recorded in {arguments.file}")
    else:
        if recorded["made by"] != made_by:
            print(f"recorded with {recorded['made by']}, compared with {made_by}")
        DIFFERENT.extend(["compared"] * compare(found, recorded["digests"]))
    sys.exit(1 if DIFFERENT else 0)


if __name__ == "__main__":
    main()
