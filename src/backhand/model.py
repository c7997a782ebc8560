"""A trained model and its file: safetensors, four tensors and a JSON header. No pickle."""

from __future__ import annotations

import json
import math
import platform
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand import shapes
from backhand.engines import Engine, make_engine
from backhand.equations import Parameters
from backhand.errors import InputError, MissingFileError, listed
from backhand.files import check_output, replacing
from backhand.tables.schema import Schema
from backhand.training.history import History
from backhand.training.inputs import check_finite, host

FORMAT = 1
"""Version of the header's layout."""

KEY = "backhand"
"""The entry of the safetensors metadata that holds the header."""

AT_A_TIME = 8192
"""Rows that are predicted at a time: of no more is there a copy in double."""


@dataclass(frozen=True)
class Model:
    """Parameters and all that is needed to use them.

    Attributes
    ----------
    params : Parameters
        NumPy arrays.
    classes : tuple
        The K classes, in the order of the columns of P: texts, or numbers as given.
    schema : Schema, optional
        How a table's columns become X; None for a model of plain arrays.
    hyperparameters, metrics, versions : dict
        What it was trained with and what came out; JSON values.
    history : History
        Of its training.
    """

    params: Parameters
    classes: tuple[Any, ...]
    schema: Schema | None = None
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    history: History = field(default_factory=History)
    versions: dict[str, str] = field(default_factory=lambda: present_versions())

    @property
    def sizes(self) -> tuple[int, int, int]:
        """d, H, K."""
        d, H = self.params.W1.shape
        return int(d), int(H), int(self.params.W2.shape[1])

    @property
    def labels(self) -> NDArray[Any]:
        """The classes (K,) as an array: texts, int64, float64 or bool."""
        return np.asarray([plain(value) for value in self.classes])

    def predict_proba(self, X: Any, engine: str = "auto") -> NDArray[Any]:
        """P (N, K) of X (N, d), finite numbers; one column a class."""
        X = host(X)
        shapes.check_forward(self.params, X)
        check_finite(X, self.params.W1.dtype)
        return probabilities(make_engine(engine), self.params, X)

    def predict(self, X: Any, engine: str = "auto") -> NDArray[Any]:
        """The most probable class of each row of X (N, d): (N,)."""
        labels: NDArray[Any] = np.asarray(self.classes)[
            self.predict_proba(X, engine).argmax(axis=1)
        ]
        return labels


def probabilities(engine: Engine, params: Parameters, X: NDArray[Any]) -> NDArray[Any]:
    """P (N, K) of X (N, d), both in the parameters' dtype, and computed in double between.

    A sum of hundreds of float32 products depends on their order, which differs from one engine, one
    machine and one exported file to the next: by more than 1e-6 of P where logits are large.
    Rounded from double, P is the same for all of them, to the last digit or so.
    """
    dtype = params.W1.dtype
    wide = Parameters(*(value.astype(np.float64, copy=False) for value in params))
    P = np.empty((X.shape[0], params.b2.shape[0]), dtype)
    for start in range(0, X.shape[0], AT_A_TIME):
        rows = slice(start, start + AT_A_TIME)
        P[rows] = engine.predict_proba(wide, X[rows].astype(dtype, copy=False))
    return P


def present_versions() -> dict[str, str]:
    """What made the model: versions that matter for reading its numbers again."""
    return {
        "backhand": version("backhand"),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def as_model(source: Any) -> Model:
    """A Model of what was trained: a Model, an MLPClassifier, a TrainResult or Parameters."""
    if isinstance(source, Model):
        return source
    if hasattr(source, "to_model"):
        model: Model = source.to_model()
        return model
    params = getattr(source, "params", source)
    if not isinstance(params, tuple):
        raise InputError(
            f"a {type(source).__name__} cannot be saved; expected a Model, an MLPClassifier, a "
            "TrainResult or Parameters."
        )
    shapes.check_parameters(params)
    history = getattr(source, "history", History())
    arrays = Parameters(*(np.asarray(value) for value in params))
    return Model(arrays, tuple(range(arrays.b2.shape[0])), history=history)


def save(model: Any, path: str | Path) -> None:
    """Write a model to a .safetensors file, whole or not at all. Equal models give equal bytes.

    Parameters
    ----------
    model : Model, MLPClassifier, TrainResult or Parameters

    Raises
    ------
    InputError
        If `model` is none of these, or `path` cannot be written to.
    OutputError
        If writing fails.
    """
    from safetensors.numpy import save as to_bytes

    model = as_model(model)
    path = check_output(path, "the model file")
    header = {
        "format": FORMAT,
        "classes": [plain(value) for value in model.classes],
        "schema": None if model.schema is None else model.schema.to_json(),
        "hyperparameters": model.hyperparameters,
        "metrics": model.metrics,
        "history": _history_to_json(model.history),
        "versions": model.versions,
    }
    tensors = {name: np.ascontiguousarray(value) for name, value in model.params._asdict().items()}
    try:
        text = json.dumps(header, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"the model's hyperparameters and metrics must be JSON values: {error}."
        ) from error
    with replacing(path) as temporary:
        temporary.write_bytes(to_bytes(tensors, metadata={KEY: text}))


def load(path: str | Path) -> Model:
    """Read a model that `save` wrote. Nothing in the file is executed.

    Raises
    ------
    MissingFileError
        If there is no such file.
    InputError
        If it is not a safetensors file, not a model of Backhand, or not whole.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.exists():
        raise MissingFileError(f"{path}: there is no model file by that name.")
    if path.is_dir():
        raise InputError(f"{path} is a folder; name the model file in it.")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata, names = file.metadata() or {}, list(file.keys())
            if KEY not in metadata or set(names) != set(Parameters._fields):
                raise InputError(
                    f"{path} is a safetensors file, but no model of Backhand: it holds "
                    f"{listed(sorted(names))}; expected W1, b1, W2, b2 and their header."
                )
            params = Parameters(*(file.get_tensor(name) for name in Parameters._fields))
    except (SafetensorError, OSError, TypeError) as error:
        raise InputError(
            f"{path} cannot be read as a model file ({error}); expected a .safetensors "
            "file that `backhand train` wrote."
        ) from error
    return _checked(path, params, metadata[KEY])


def _checked(path: Path, params: Parameters, text: str) -> Model:
    """The model, once header and tensors are found to agree."""
    try:
        shapes.check_parameters(params)
        if not all(np.isfinite(value).all() for value in params):
            raise InputError("its parameters are not all finite")
        header = json.loads(text)
        if header["format"] != FORMAT:
            raise InputError(
                f"its format is {header['format']}, and this version of Backhand "
                f"reads format {FORMAT}"
            )
        schema = None if header["schema"] is None else Schema.from_json(header["schema"])
        model = Model(
            params,
            tuple(header["classes"]),
            schema,
            dict(header["hyperparameters"]),
            dict(header["metrics"]),
            _history_from_json(header["history"]),
            {str(key): str(value) for key, value in header["versions"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path} is damaged or was not written by Backhand: {error}.") from error
    d, _, K = model.sizes
    if len(model.classes) != K or (schema is not None and len(schema.features) != d):
        raise InputError(
            f"{path} is damaged: W1 has {d} rows and W2 {K} columns, but its header "
            f"names {len(model.classes)} classes"
            + (f" and {len(schema.features)} features." if schema else ".")
        )
    return model


def plain(value: Any) -> Any:
    """A NumPy scalar as the JSON value it stands for: a text, a number or a bool."""
    value = value.item() if isinstance(value, np.generic) else value
    if not isinstance(value, str | int | float | bool):
        raise InputError(
            f"the class {value!r} is a {type(value).__name__}; a model file holds "
            "classes that are texts, numbers or booleans."
        )
    return value


def _history_to_json(history: History) -> dict[str, list[float | None]]:
    """Six digits are enough to draw a curve; nan is null."""
    return {
        name: [float(f"{v:.6g}") if math.isfinite(v) else None for v in getattr(history, name)]
        for name in History.__dataclass_fields__
    }


def _history_from_json(value: dict[str, Any]) -> History:
    return History(**{
        name: np.array([math.nan if v is None else float(v) for v in value[name]])
        for name in History.__dataclass_fields__
    })  # fmt: skip
