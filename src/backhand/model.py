"""A trained model and its file: safetensors, four tensors and a JSON header. No pickle."""

from __future__ import annotations

import math
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand import validation
from backhand.engines import make_engine
from backhand.equations import Parameters
from backhand.errors import InputError, listed
from backhand.support import display
from backhand.support.atomic_files import check_output, replacing
from backhand.support.safetensors_io import (
    MAX_HEADER,
    Entry,
    check_writable,
    read_tensors,
    write_tensors,
)
from backhand.support.untrusted_json import MAX_VALUES
from backhand.tables.schema.schema import Schema
from backhand.training.data import check_finite, host
from backhand.training.history import History

FORMAT = 1
"""Version of the header's layout."""

HEAD = re.compile(rb'.{8}\{"__metadata__":\{"backhand":', re.DOTALL)
"""How a file of ours begins; see `tensors.write_tensors`."""

MOST_CLASS_LETTERS, MOST_LETTERS_OF_CLASSES = 1000, 2**24
"""Letters of one class; of the longest times the number of classes."""

LONGEST_FIGURE = len(", -1.23456e-300")
"""Bytes of a figure of the history."""


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

    def __repr__(self) -> str:
        return display.as_text(*self._summary())

    def _repr_html_(self) -> str:
        return display.as_html(*self._summary(), self.history.loss)

    def _summary(self) -> tuple[str, list[tuple[str, ...]]]:
        d, H, K = self.sizes
        rows: list[tuple[str, ...]] = [("classes", display.some(self.classes))]
        if self.schema is not None:
            rows.append(("columns", display.some(c.name for c in self.schema.columns)))
        if self.metrics:
            figures = (f"{k} {v:.4g}" for k, v in self.metrics.items() if isinstance(v, float))
            rows.append(("metrics", ", ".join(list(figures)[:6])))
        if len(self.history):
            loss = self.history.loss
            rows.append(("loss", f"{loss[0]:.4g} to {loss[-1]:.4g} in {len(loss):,} epochs"))
        return f"Model: d {d:,}, H {H:,}, K {K:,} in {self.params.W1.dtype}", rows

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
        validation.check_forward(self.params, X)
        check_finite(X, self.params.W1.dtype)
        return make_engine(engine).predict_proba(self.params, X)

    def predict(self, X: Any, engine: str = "auto") -> NDArray[Any]:
        """The most probable class of each row of X (N, d): (N,)."""
        if len(self.classes) != (K := self.sizes[2]):
            raise InputError(f"the model has {len(self.classes)} classes; its W2 has {K} columns.")
        labels: NDArray[Any] = np.asarray(self.classes)[
            self.predict_proba(X, engine).argmax(axis=1)
        ]
        return labels


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
    validation.check_parameters(params)
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
        If `model` is none of these, or holds what `load` would refuse; or `path` cannot be written
        to.
    OutputError
        If writing fails.
    """
    model = as_model(model)
    path = check_output(path, "the model file")
    header = _checked_header(model)
    with replacing(path) as temporary:
        write_tensors(temporary, model.params._asdict(), header)


def check_model(model: Model, epochs: int) -> None:
    """Whether `save` would take a model once its history has so many epochs, and `load` the file.

    Raises
    ------
    InputError
        If not; the message says why.
    """
    _, raw = check_writable(model.params._asdict(), _checked_header(model))
    figures = len(History.__dataclass_fields__) * epochs
    size, values = len(raw) + figures * LONGEST_FIGURE, raw.count(b",") + figures
    if epochs and (size > MAX_HEADER or values > MAX_VALUES):
        raise InputError(
            f"the model cannot be saved: a history of {epochs:,} epochs is too long for its file; "
            "train fewer, with more updates each (a smaller --batch-size)."
        )


def _checked_header(model: Model) -> dict[str, Any]:
    header = {
        "format": FORMAT,
        "classes": [plain(value) for value in model.classes],
        "schema": None if model.schema is None else model.schema.to_json(),
        "hyperparameters": model.hyperparameters,
        "metrics": model.metrics,
        "history": _history_to_json(model.history),
        "versions": model.versions,
    }
    try:
        _fields(model.params, header)
    except InputError as error:
        raise InputError(f"the model cannot be saved: {error}.") from error
    return header


def load(path: str | Path) -> Model:
    """Read a model that `save` wrote. Nothing in the file is executed.

    Raises
    ------
    MissingFileError
        If there is no such file.
    InputError
        If it is not a safetensors file, not a model of Backhand, or not whole.
    """
    tensors, fields = read_tensors(path, expected=_expected)
    params = Parameters(**tensors)
    if not all(np.isfinite(value).all() for value in params):
        raise InputError(f"{path} is damaged: its parameters are not all finite numbers.")
    return Model(params, **fields)


def _expected(entries: Mapping[str, Entry], header: Any) -> dict[str, Any]:
    """A model's fields beside its parameters, once tensors and header are found to agree."""
    if set(entries) != set(Parameters._fields):
        raise InputError(f"it holds {listed(sorted(entries))}; expected W1, b1, W2 and b2")
    return _fields(Parameters(**{name: e.stand_in for name, e in entries.items()}), header)


def _fields(params: Parameters, header: Any) -> dict[str, Any]:
    """The same for parameters of these shapes; raises InputError with a clause."""
    validation.check_parameters(params)
    d, K = params.W1.shape[0], params.b2.shape[0]
    if 0 in (*params.W1.shape, K):
        raise InputError(f"W1 is {params.W1.shape} and W2 {params.W2.shape}; expected no 0 there")
    names = ("classes", "schema", "hyperparameters", "metrics", "history", "versions")
    if not isinstance(header, dict) or not {"format", *names} <= set(header):
        raise InputError(f"its header lacks what is expected: format, {', '.join(names)}")
    if type(header["format"]) is not int or header["format"] != FORMAT:
        raise InputError(
            f"its format is {header['format']!r:.20}, and this version of Backhand reads format "
            f"{FORMAT}"
        )
    for name in ("hyperparameters", "metrics", "versions"):
        if not isinstance(header[name], dict):
            raise InputError(f"its {name} are not values by name")
    if not all(isinstance(value, str) for value in header["versions"].values()):
        raise InputError("its versions are not all texts")
    return {name: header[name] for name in names} | {
        "classes": _checked_classes(header["classes"], K),
        "schema": _checked_schema(header["schema"], d),
        "history": _history_from_json(header["history"]),
    }


def _checked_schema(value: Any, d: int) -> Schema | None:
    schema = None if value is None else Schema.from_json(value)
    if schema is not None and schema.width != d:
        raise InputError(f"W1 has {d} rows, but its header names {schema.width} features")
    return schema


def _checked_classes(classes: Any, K: int) -> tuple[Any, ...]:
    """K different texts, numbers or booleans that NumPy can hold in one small array."""
    if not isinstance(classes, list) or len(classes) != K:
        found = f"{len(classes)} classes" if isinstance(classes, list) else "no list of classes"
        raise InputError(f"W2 has {K} columns, but its header names {found}")
    kinds = set(map(type, classes))
    if kinds not in ({str}, {bool}) and not kinds <= {int, float}:
        raise InputError("its classes are not all texts, or all numbers, or all booleans")
    if kinds == {str}:
        longest = max(map(len, classes))
        # An array of texts has room for the longest in every place, and so has one of predictions.
        if longest > MOST_CLASS_LETTERS or longest * K > MOST_LETTERS_OF_CLASSES:
            raise InputError(f"a class has {longest:,} letters, too many for a name")
    labels = np.asarray(classes)
    if labels.dtype.kind not in "Ubiuf":
        raise InputError("its classes are whole numbers of more than 64 bits")
    if kinds == {str} and labels.tolist() != classes:
        raise InputError("a class ends in NUL, which NumPy's texts cannot")
    if len(set(labels.tolist())) < K:  # np.unique would copy 64 MB of texts twice
        raise InputError("its classes are not all different")
    return tuple(classes)


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


def _history_from_json(value: Any) -> History:
    """The curves of `_history_to_json`; raises InputError with a clause."""
    names = list(History.__dataclass_fields__)
    if not isinstance(value, dict) or set(value) != set(names):
        raise InputError(f"its history is not of {', '.join(names)}")
    curves = [value[name] for name in names]
    numbers = {int, float, type(None)}
    if not all(isinstance(curve, list) and set(map(type, curve)) <= numbers for curve in curves):
        raise InputError("its history is not of numbers")
    if len(set(map(len, curves))) > 1:
        raise InputError("its history has more epochs in one curve than in another")
    return History(*(
        np.array([math.nan if v is None else float(v) for v in curve]) for curve in curves
    ))  # fmt: skip
