"""Backhand: the two-layer MLP classifier with its backward pass written by hand."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backhand.doctor import assert_gradients, check
    from backhand.equations import Activations, Gradients, Parameters
    from backhand.errors import (
        BackhandError,
        InputError,
        MissingDependencyError,
        MissingFileError,
        OutputError,
    )
    from backhand.estimator import MLPClassifier
    from backhand.functional import accuracy, backward, cross_entropy, forward, init, sgd
    from backhand.model import Model, load, save
    from backhand.training.callbacks import Every, Progress, StopTraining
    from backhand.training.checkpoints.checkpoint import Checkpoint
    from backhand.training.early_stopping import DivergenceError, EarlyStopping
    from backhand.training.history import History
    from backhand.training.result import TrainResult
    from backhand.training.train import train

__version__ = "0.1.0"

# Each is imported when it is first used: `import backhand` costs nothing, and never imports torch,
# DuckDB or scikit-learn for somebody who does not need them.
_LATER = {
    "Activations": "backhand.equations",
    "Gradients": "backhand.equations",
    "Parameters": "backhand.equations",
    "accuracy": "backhand.functional",
    "backward": "backhand.functional",
    "cross_entropy": "backhand.functional",
    "forward": "backhand.functional",
    "init": "backhand.functional",
    "sgd": "backhand.functional",
    "BackhandError": "backhand.errors",
    "InputError": "backhand.errors",
    "MissingDependencyError": "backhand.errors",
    "MissingFileError": "backhand.errors",
    "OutputError": "backhand.errors",
    "MLPClassifier": "backhand.estimator",
    "Model": "backhand.model",
    "load": "backhand.model",
    "save": "backhand.model",
    "DivergenceError": "backhand.training.early_stopping",
    "EarlyStopping": "backhand.training.early_stopping",
    "Every": "backhand.training.callbacks",
    "History": "backhand.training.history",
    "Progress": "backhand.training.callbacks",
    "StopTraining": "backhand.training.callbacks",
    "Checkpoint": "backhand.training.checkpoints.checkpoint",
    "TrainResult": "backhand.training.result",
    "train": "backhand.training.train",
    "assert_gradients": "backhand.doctor",
    "check": "backhand.doctor",
    "Table": "backhand.tables.table",
    "read_table": "backhand.tables.reading.reader",
}

__all__ = [
    "Activations",
    "BackhandError",
    "Checkpoint",
    "DivergenceError",
    "EarlyStopping",
    "Every",
    "Gradients",
    "History",
    "InputError",
    "MLPClassifier",
    "MissingDependencyError",
    "MissingFileError",
    "Model",
    "OutputError",
    "Parameters",
    "Progress",
    "StopTraining",
    "Table",
    "TrainResult",
    "__version__",
    "accuracy",
    "assert_gradients",
    "backward",
    "check",
    "cross_entropy",
    "forward",
    "init",
    "load",
    "read_table",
    "save",
    "sgd",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'backhand' has no attribute '{name}'")
    value = getattr(import_module(_LATER[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
