"""Record the reference run for the page and the lesson: both starts, by hand and by autograd.

    python benchmarks/reference_run.py

Writes src/backhand/explanation/reference_run.json (about 45 KB): X, y, the two initialisations, and
the loss and accuracy of 200 epochs of each way from each of them, all in float32. Prints how far
the two ways are apart. Needs torch, and takes about two seconds.
"""

from __future__ import annotations

import json
import platform
from argparse import ArgumentParser
from typing import Any

import numpy as np
import torch

import backhand
from backhand.engines import make_engine
from backhand.equations import Parameters
from backhand.explanation.reference_run import FILE, packed
from backhand.torch_twin import (
    REFERENCE_EPOCHS,
    REFERENCE_LEARNING_RATE,
    TwinRun,
    from_torch,
    reference_start,
    to_torch,
)

NAMES = ("W1 and W2 from a normal distribution, times 0.02; biases 0", "PyTorch's initialisation")


def main() -> None:
    ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    X, y, by_hand, autograd = reference_start()
    starts = (Parameters(*(tensor.numpy() for tensor in by_hand)), from_torch(autograd))
    recorded = {
        "X": packed(X.numpy()),
        "y": y.tolist(),
        "learning_rate": REFERENCE_LEARNING_RATE,
        "starts": [
            _both_ways(name, params, X, y) for name, params in zip(NAMES, starts, strict=True)
        ],
        "versions": f"NumPy {np.__version__}, torch {torch.__version__.partition('+')[0]}, "
        f"Python {platform.python_version()}",
    }
    FILE.write_text(json.dumps(recorded, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{FILE.stat().st_size / 1000:.1f} kB")


def _both_ways(name: str, params: Parameters, X: Any, y: Any) -> dict[str, Any]:
    """Train by hand and by autograd from the same parameters."""
    rows, labels = X.numpy(), y.numpy()
    history = backhand.train(
        params,
        rows,
        labels,
        learning_rate=REFERENCE_LEARNING_RATE,
        epochs=REFERENCE_EPOCHS,
        engine=make_engine("reference"),
    ).history
    loss, accuracy = TwinRun(to_torch(params), X, y, REFERENCE_LEARNING_RATE).advance(
        REFERENCE_EPOCHS
    )
    apart = np.abs(history.loss / loss - 1).max()
    print(
        f"{name}: losses are at most {apart:.1e} apart (relative), "
        f"accuracies {np.abs(history.accuracy - accuracy).max():.1e}"
    )
    return {
        "name": name,
        "params": {key: packed(value) for key, value in params._asdict().items()},
        "by_hand": _curve(history.loss, history.accuracy),
        "autograd": _curve(loss, accuracy),
    }


def _curve(loss: Any, accuracy: Any) -> dict[str, Any]:
    """The losses in full; accuracies are multiples of 1/128, which float32 has exactly."""
    return {
        "loss": packed(np.asarray(loss, np.float64)),
        "accuracy": packed(np.asarray(accuracy, np.float32)),
    }


if __name__ == "__main__":
    main()
