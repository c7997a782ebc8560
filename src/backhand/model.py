"""A trained model and its file: safetensors, four tensors and a JSON header. No pickle."""

from __future__ import annotations

import math
import platform
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from array_api_compat import is_array_api_obj
from numpy.typing import ArrayLike, NDArray

from backhand import validation
from backhand.choices import EngineName
from backhand.engines import Predictor, make_engine
from backhand.equations import Parameters
from backhand.errors import InputError, comma_list, listed, warn
from backhand.evaluation import Evaluation
from backhand.option_names import named
from backhand.selection.chosen import Chosen
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
from backhand.tables.row_sketch import RowSketch
from backhand.tables.schema.notes import Note
from backhand.tables.schema.schema import Schema
from backhand.training.data import host
from backhand.training.history import History

if TYPE_CHECKING:
    from os import PathLike

    from backhand.estimator import MLPClassifier
    from backhand.tables.table import Table
    from backhand.training.result import TrainResult

    Rows = ArrayLike | Mapping[str, Any] | PathLike[str] | Table
    """What a model predicts; data frames are `ArrayLike` to a type checker, and so is a text."""

    Trained: TypeAlias = "Model | MLPClassifier | TrainResult | Parameters"
    """What can be saved and exported."""

FORMAT = 1
"""Version of the header's layout."""

HEAD = re.compile(rb'.{8}\{"__metadata__":\{"backhand":', re.DOTALL)
"""How a model file begins; see `safetensors_io.write_tensors`."""

MOST_CLASS_CHARACTERS, MOST_CHARACTERS_OF_CLASSES = 1000, 2**24
"""Characters of one class, and of the longest class times the number of classes."""

LONGEST_FIGURE = len(", -1.23456e-300")
"""Bytes of a figure in the history."""


@display.shown
@dataclass(frozen=True)
class Model:
    """A trained network: parameters and all that is needed to use them.

    Attributes
    ----------
    params : Parameters
        NumPy arrays, float32 or float64.
    sizes : tuple of int
        d, H and K.
    classes : tuple
        The K classes, in the order of the columns of P: texts, numbers or booleans.
    labels : ndarray of shape (K,)
        The classes as an array: texts, int64, float64 or bool.
    schema : Schema, optional
        How a table's columns become X; None for a model of plain arrays.
    hyperparameters, metrics, versions : dict
        How it was trained, the figures it reached, and the versions that made it; JSON values.
    history : History
        The curves of its training.
    training_rows : RowSketch, optional
        A digest of the rows of a table that it was trained on, by which `evaluate` recognises them.
    chosen : Chosen, optional
        What a search chose: penalty, epochs and temperature, with the losses of all that it tried.
    evaluation : Evaluation, optional
        What `fit` measured on the held-out rows. It is not in the file: a loaded model has None.
    notes : tuple of Note
        What `fit` found out about the columns of the table; not in the file either.

    See Also
    --------
    fit : Makes one from a table.
    save : Writes it to a file, which `load` reads.

    Examples
    --------
    Parameters from elsewhere, with the names of the classes:

    >>> import backhand
    >>> model = backhand.Model(backhand.init(d=4, H=8, K=2), classes=("no", "yes"))
    >>> model
    Model of d 4, H 8, K 2 (float32): classes 'no', 'yes'
    >>> model.sizes
    (4, 8, 2)
    """

    params: Parameters
    classes: tuple[Any, ...]
    schema: Schema | None = None
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    history: History = field(default_factory=History)
    versions: dict[str, str] = field(default_factory=lambda: present_versions())
    training_rows: RowSketch | None = None
    chosen: Chosen | None = None
    evaluation: Evaluation | None = field(default=None, compare=False, repr=False)
    notes: tuple[Note, ...] = field(default=(), compare=False, repr=False)

    def _summary(self) -> display.Summary:
        d, H, K = self.sizes
        rows: list[tuple[str, ...]] = [("classes", display.some(self.classes))]
        if self.schema is not None:
            rows.append(("columns", display.some(c.name for c in self.schema.columns)))
        if self.metrics:
            figures = (f"{k} {v:.4g}" for k, v in self.metrics.items() if isinstance(v, float))
            rows.append(("metrics", ", ".join(list(figures)[:6])))
        if len(self.history):
            loss, with_penalty = self.history.loss, ", with penalty" if penalised(self) else ""
            span = f"{loss[0]:.4g} to {loss[-1]:.4g} in {len(loss):,} epochs"
            searched = self.chosen is not None and self.chosen.trials
            of = ": mean of the networks of the search" if searched else ""
            rows.append(("loss", span + with_penalty + of))
        title = f"Model of d {d:,}, H {H:,}, K {K:,} ({self.params.W1.dtype})"
        return display.Summary(title, rows, curve=self.history.loss)

    @property
    def sizes(self) -> tuple[int, int, int]:
        """The sizes d, H and K."""
        d, H = self.params.W1.shape
        return int(d), int(H), int(self.params.W2.shape[1])

    @property
    def labels(self) -> NDArray[Any]:
        """The classes (K,) as an array: texts, int64, float64 or bool."""
        return np.asarray([plain(value) for value in self.classes])

    def predict_proba(self, X: Rows, engine: EngineName = "auto") -> NDArray[Any]:
        """Compute the probability of each class.

        Parameters
        ----------
        X : array_like of shape (N, d), or a table
            What the model was trained on: finite numbers, dense or sparse; or, if it has a schema,
            a data frame of pandas, polars or Arrow, a dict of columns, the path of a file or glob,
            or a `Table`. A table's columns are found by name. A model with a schema takes an array
            too: the encoded columns, `model.schema.features`.
        engine : {"auto", "fused", "reference", "torch"}
            All compute in the parameters' dtype and agree to rounding: within 1e-6 in float32 and
            1e-12 in float64, or more where a row's logits are sums of many or large terms.

        Returns
        -------
        ndarray of shape (N, K)
            P, in the parameters' dtype; column k belongs to `model.classes[k]`.

        Raises
        ------
        InputError
            If X is not what the model was trained on: another number of columns, a column that is
            missing or holds something else, a number that is not finite or from which the logits
            overflow.
        MissingFileError
            If X is a path and there is no such file.
        MissingDependencyError
            If X is a table and DuckDB is not installed.

        Examples
        --------
        >>> import backhand, numpy as np
        >>> model = backhand.Model(backhand.init(d=4, H=8, K=2), ("no", "yes"))
        >>> model.predict_proba(np.zeros((2, 4))).tolist()
        [[0.5, 0.5], [0.5, 0.5]]
        """
        rows: Any = X
        if type(rows) is not np.ndarray:
            if isinstance(rows, list | tuple):
                rows = _array_of(rows)
            # A sparse matrix is in CSR form, which the predictor checks.
            is_matrix = is_array_api_obj(rows) or hasattr(rows, "tocsr")
            if self.schema is not None and not is_matrix:
                return self._predict_table(rows, engine)
            rows = host(rows)
        check_encoded(self, rows)
        if not hasattr(rows, "tocsr") and (type(rows) is not np.ndarray or rows.ndim != 2):
            validation.check_forward(self.params, rows)
        if rows.shape[0] == 0:
            raise InputError(f"X is {rows.shape}: it has no rows; expected one or more.")
        return self._predictor(engine).predict_proba(rows)

    def _predictor(self, engine: str) -> Predictor:
        """The predictor of an engine, made once. It is no field: copies and files are without."""
        kept: dict[str, Predictor] = self.__dict__.setdefault("_predictors", {})
        if engine not in kept:
            kept[engine] = make_engine(engine).predictor(self.params)
        return kept[engine]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_predictors"}

    def _predict_table(self, rows: Any, engine: str) -> NDArray[Any]:
        """P of a table's rows, whose columns are found by name."""
        from backhand.tables.reading.frames import as_table

        assert self.schema is not None
        predictor = self._predictor(engine)
        needed = {column.name for column in self.schema.columns}
        with as_table(rows, needed, once=True) as table, table.unchanged():
            changes = self.schema.count_changes()
            parts = (part for _, part, _ in self.schema.encoded_chunks(table, changes=changes))
            P = np.concatenate([predictor.predict_proba(part) for part in parts])
            found = changes.found(table)
        for change in found:
            warn(f"column {change}.")
        return P

    def predict(self, X: Rows, engine: EngineName = "auto") -> NDArray[Any]:
        """Return the most probable class of each row.

        Parameters
        ----------
        X : array_like of shape (N, d), or a table
            What the model was trained on, as for `predict_proba`.
        engine : {"auto", "fused", "reference", "torch"}
            What computes, as for `predict_proba`.

        Returns
        -------
        ndarray of shape (N,)
            Of the classes' own type: texts, int64, float64 or bool.

        Raises
        ------
        InputError, MissingFileError, MissingDependencyError
            As `predict_proba` does.

        Examples
        --------
        >>> import backhand, numpy as np
        >>> X, y = np.array([[-1.0], [1.0]]), np.array([0, 1])
        >>> start = backhand.init(d=1, H=4, K=2)
        >>> result = backhand.train(start, X, y, learning_rate=0.5, epochs=100)
        >>> backhand.Model(result.params, ("negative", "positive")).predict(X).tolist()
        ['negative', 'positive']
        """
        if len(self.classes) != (K := self.sizes[2]):
            raise InputError(f"the model has {len(self.classes)} classes; its W2 has {K} columns.")
        labels: NDArray[Any] = np.asarray(self.classes)[
            self.predict_proba(X, engine).argmax(axis=1)
        ]
        return labels


def class_names(model: Model) -> list[str]:
    """Return the classes as texts, as a table has them: true and false in lower case."""
    return [str(name).lower() if isinstance(name, bool) else str(name) for name in model.classes]


def _classes_listed(model: Model) -> str:
    """The classes for a message: texts in quotes, numbers without."""
    if all(isinstance(name, str) for name in model.classes):
        return listed(model.classes)
    return comma_list(class_names(model), most=8)


def class_places(model: Model, labels: Sequence[Any]) -> list[int]:
    """Return the index of each class, given by its name, as a text or not, or by its index.

    Raises
    ------
    InputError
        If one is not a class of the model.
    """
    indices = {k: k for k in range(model.sizes[2])}
    labels = [label if isinstance(label, Hashable) else repr(label) for label in labels]
    named = {name: k for k, name in enumerate(model.classes)}
    spelled = {name: k for k, name in enumerate(class_names(model))}
    for known in (named, spelled, indices):
        if all(label in known for label in labels):
            return [known[label] for label in labels]
    known = {**indices, **spelled, **named}
    unknown = next((label for label in labels if label not in known), labels[0])
    raise InputError(
        f"y holds {unknown!r}; expected classes of the model ({_classes_listed(model)}), or "
        f"their indices 0..{len(indices) - 1}."
    )


def penalised(model: Model) -> bool:
    """Return whether the training loss in the history is known to contain a penalty."""
    alpha = model.hyperparameters.get("alpha")  # scikit-learn's name, and another multiple
    return trained_l2(model) > 0 or (isinstance(alpha, int | float) and alpha > 0)


def trained_l2(model: Model) -> float:
    """Return λ of the penalty that a model was trained with; 0 for none, or if it is unknown."""
    l2 = model.hyperparameters.get("l2") if model.chosen is None else model.chosen.l2
    return float(l2) if isinstance(l2, int | float) else 0.0


def check_encoded(model: Model, rows: Any) -> None:
    """Check that an array is the encoded columns of the table that a model was trained on.

    Raises
    ------
    InputError
        If the model was, and the array is another one, such as that of the table's own columns.
    """
    if model.schema is None:
        return
    rows = _array_of(rows) if isinstance(rows, list | tuple) else rows
    width, shape = model.schema.width, tuple(rows.shape)
    if len(shape) == 2 and shape[1] == width and rows.dtype.kind in "biufV":  # V: bfloat16
        return
    names = listed([column.name for column in model.schema.columns])
    raise InputError(
        f"the model was trained on a table, and X is an array {shape}; expected a data frame, a "
        f"dict of lists or the path of a file with the columns {names}; or an array of the {width} "
        "encoded columns, model.schema.features."
    )


def _array_of(rows: Any) -> NDArray[Any]:
    """An array of nested sequences of numbers."""
    try:
        return np.asarray(rows)
    except ValueError as error:
        raise InputError("the rows of X are of several lengths; expected (N, d).") from error


def present_versions() -> dict[str, str]:
    """Return the versions that matter for reading the model's numbers again."""
    return {
        "backhand": version("backhand"),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def as_model(source: Any) -> Model:
    """Make a Model of a Model, an MLPClassifier, a TrainResult or Parameters."""
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
    arrays = Parameters(*map(host, params))
    return Model(arrays, tuple(range(arrays.b2.shape[0])), history=history)


def save(model: Trained, path: str | Path) -> None:
    """Write a model to a .safetensors file, whole or not at all. Equal models give equal bytes.

    Parameters
    ----------
    model : Model, MLPClassifier, TrainResult or Parameters
        A TrainResult or Parameters become a model of the classes 0..K-1.
    path : str or path
        The file to write; one that is there is replaced once the new one is complete.

    Raises
    ------
    InputError
        If `model` is none of these, or holds what `load` would refuse; or `path` cannot be written
        to.
    OutputError
        If writing fails.

    Examples
    --------
    >>> import backhand, pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.safetensors"
    >>> backhand.save(backhand.init(d=4, H=8, K=2), path)
    >>> backhand.load(path)
    Model of d 4, H 8, K 2 (float32): classes 0, 1
    """
    found, path = as_model(model), check_output(path, "the model file")
    header = _checked_header(found)
    with replacing(path) as temporary:
        write_tensors(temporary, found.params._asdict(), header)


def check_model(model: Model, epochs: int) -> None:
    """Check that a model with a history of that many epochs can be saved and loaded.

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
            f"train fewer, with more updates each (a smaller {named('batch_size')})."
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
        "training_rows": None if model.training_rows is None else model.training_rows.to_json(),
        "chosen": None if model.chosen is None else model.chosen.to_json(),
    }
    try:
        _fields(model.params, header)
    except InputError as error:
        raise InputError(f"the model cannot be saved: {error}.") from error
    return header


def load(path: str | Path) -> Model:
    """Read a model that `save` wrote. Nothing in the file is executed.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    Model
        Equal to the one that was saved; `evaluation` and `notes` are not in the file.

    Raises
    ------
    MissingFileError
        If there is no such file.
    InputError
        If it is not a safetensors file, not a model of Backhand, or not whole; or if a later
        version wrote it in a format that this one does not read.

    Examples
    --------
    >>> import backhand, pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.safetensors"
    >>> backhand.save(backhand.Model(backhand.init(d=4, H=8, K=2), ("no", "yes")), path)
    >>> backhand.load(path).classes
    ('no', 'yes')
    """
    tensors, fields = read_tensors(path, expected=_expected, newest=FORMAT)
    params = Parameters(**tensors)
    if not all(np.isfinite(value).all() for value in params):
        raise InputError(f"{path} is damaged: its parameters are not all finite numbers.")
    return Model(params, **fields)


def _expected(entries: Mapping[str, Entry], header: Any) -> dict[str, Any]:
    """Return a model's fields beside its parameters, once tensors and header agree."""
    if set(entries) != set(Parameters._fields):
        raise InputError(f"it holds {listed(sorted(entries))}; expected W1, b1, W2 and b2")
    return _fields(Parameters(**{name: e.stand_in for name, e in entries.items()}), header)


def _fields(params: Parameters, header: Any) -> dict[str, Any]:
    """The same for parameters of these shapes; raises InputError with a clause."""
    validation.check_parameters(params)
    d, K = params.W1.shape[0], params.b2.shape[0]
    if 0 in (*params.W1.shape, K):
        raise InputError(f"W1 is {params.W1.shape} and W2 {params.W2.shape}; expected no 0 there")
    names = (
        "classes", "schema", "hyperparameters", "metrics", "history", "versions", "training_rows",
        "chosen",
    )  # fmt: skip
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
        "training_rows": _sketch_from_json(header["training_rows"]),
        "chosen": _checked_choice(header["chosen"], params.W1.shape[1]),
    }


def _checked_choice(value: Any, H: int) -> Chosen | None:
    chosen = None if value is None else Chosen.from_json(value)
    if chosen is not None and H % chosen.networks:
        raise InputError(
            f"W1 has {H} columns, but its header names {chosen.networks} networks of one size"
        )
    return chosen


def _sketch_from_json(value: Any) -> RowSketch | None:
    return None if value is None else RowSketch.from_json(value)


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
        if longest > MOST_CLASS_CHARACTERS or longest * K > MOST_CHARACTERS_OF_CLASSES:
            raise InputError(f"a class has {longest:,} characters, too many for a name")
    labels = np.asarray(classes)
    if labels.dtype.kind not in "Ubiuf":
        raise InputError("its classes are whole numbers of more than 64 bits")
    if kinds == {str} and labels.tolist() != classes:
        raise InputError("a class ends in NUL, which NumPy's texts cannot")
    if len(set(labels.tolist())) < K:  # np.unique would copy 64 MB of texts twice
        raise InputError("its classes are not all different")
    return tuple(classes)


def plain(value: Any) -> Any:
    """Return a NumPy scalar as a JSON value: a text, a number or a bool."""
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
