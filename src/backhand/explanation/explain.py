"""`explain`: a trace of parameters or a model and a few rows, or of a function of one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backhand import validation
from backhand.constraints import Choice, Number
from backhand.constraints import check as check_setting
from backhand.equations import Parameters
from backhand.errors import InputError
from backhand.explanation.examples import EXAMPLES
from backhand.explanation.examples import example as example_problem
from backhand.explanation.problem import Problem
from backhand.explanation.rows import RowChoice, Rows, checked_mask, rows_of
from backhand.explanation.trace.trace import Trace
from backhand.model import Model, as_model, class_names, load, trained_l2
from backhand.training.data import checked_weights, from_lists, host, host_parameters

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from backhand.model import Rows as ModelRows
    from backhand.model import Trained

EXPECTED = (
    "expected Parameters, a Model, a TrainResult, an MLPClassifier, the path of a model file or a "
    "function"
)


def explain(
    source: Trained | str | PathLike[str] | Callable[..., Any] | None = None,
    X: ModelRows | None = None,
    y: ArrayLike | None = None,
    *,
    learning_rate: float | None = None,
    sample_weight: ArrayLike | None = None,
    l2: float = 0.0,
    mask: ArrayLike | None = None,
    rows: RowChoice = None,
    target: str | None = None,
    features: Sequence[str] | None = None,
    example: str | None = None,
) -> Trace:
    """Compute one forward pass, backward pass and update, with where each number comes from.

    Parameters
    ----------
    source : Parameters, Model, TrainResult, MLPClassifier, path or callable, optional
        What is explained: parameters or a model, with a few rows; or the file of a model; or a
        backward pass of one's own, as `backhand.check` takes it, which is called on the doctor's
        problem. By default a built-in example.
    X : array_like of shape (N, d), or a table
        The rows. For a model that was trained on a table: a data frame, a dict of columns, the path
        of a file, or a `Table`.
    y : array_like of shape (N,) or (N, K)
        Their classes: indices 0..K-1, the model's classes, or one-hot. For a table it may be left
        out: then the classes are read from the target column.
    learning_rate : float, default 0.1
        η of the update.
    sample_weight : array_like of shape (N,), optional
        w: 1/N becomes wᵢ / Σw.
    l2 : float, default 0.0
        λ of the penalty λ/2 (‖W1‖² + ‖W2‖²).
    mask : array_like of shape (N, H), optional
        M of dropout, as `backhand.dropout_mask` draws it.
    rows : int or sequence of int, optional
        How many of the first rows are explained, or the positions of some, from 0; by default all.
        At most 1,000 rows are explained at once. y, `sample_weight` and `mask` have all rows of X.
    target : str, optional
        The column of a table with the classes; by default that of the model's training.
    features : sequence of str, optional
        Names of the d columns of an array X; by default those that the model knows, or none.
    example : {"penguins", "two measurements", "xor"}, optional
        A built-in example.

    Returns
    -------
    Trace
        All values in float64, each entry with the terms that it is the sum of.

    Raises
    ------
    InputError
        If `source` is none of these, the rows do not fit it, or an argument is out of range.
    MissingFileError
        If a file does not exist.
    MissingDependencyError
        If X is a table and DuckDB is not installed.

    Examples
    --------
    >>> import backhand
    >>> trace = backhand.explain()
    >>> print(trace["dW1"][3, 7])
    dW1[3,7] = -0.00169166   feature 3 (body mass), hidden unit 7
      dW1 = X.T @ dZ1   with X (8, 4), dZ1 (8, 8)
      dW1[i,h] = Σ_n X[n,i] · dZ1[n,h]
      summed over the rows n, which X and dZ1 share; i and h remain
    <BLANKLINE>
      row n  X[n,3]   dH1[n,7]  Z1 > 0   dZ1[n,7]    product
      0       -1.26  -0.034034     yes  -0.034034   0.042883
      1       -0.31   0.029220      no          0          0
      2        0.58  -0.006450     yes  -0.006450  -0.003741
      3        0.43  -0.052803      no          0          0
      4       -0.87   0.054790     yes   0.054790  -0.047668
      5        1.47  -0.018499      no          0          0
      6       -1.38  -0.039485     yes  -0.039485   0.054489
      7       -0.84   0.056732     yes   0.056732  -0.047655
                                   sum = dW1[3,7]  -0.001692
    <BLANKLINE>
    3 of 8 terms are 0 because Z1 is not above 0 there.
    Without these masks, the terms would sum to -0.060649.
    >>> trace["dW1"][3, 7].back()[:2]
    [X[0,3] = -1.26, X[1,3] = -0.31]

    With parameters and rows of one's own:

    >>> import numpy as np
    >>> params = backhand.init(d=2, H=3, K=2, seed=1)
    >>> X, y = np.array([[1.0, 2.0], [-1.0, 0.5]]), np.array([0, 1])
    >>> backhand.explain(params, X, y)["dW1"].shape
    (2, 3)
    """
    if isinstance(source, str | PathLike):
        source = load(Path(source))
    of_rows = {"X": X, "y": y, "sample_weight": sample_weight, "mask": mask, "rows": rows,
               "target": target, "features": features}  # fmt: skip
    if source is None:
        _check_absent(f"without a model; {EXPECTED}", of_rows)
        return _built_in(example, learning_rate, l2)
    if _is_function(source):
        others = {**of_rows, "learning_rate": learning_rate, "l2": l2 or None, "example": example}
        _check_absent("with a function; expected the function alone, which is called on the "
                      "doctor's problem", others)  # fmt: skip
        from backhand.explanation.own_function import problem_of  # which imports all of the doctor

        return Trace(*problem_of(source))  # type: ignore[arg-type]
    _check_absent("with a model; expected one of both", {"example": example})
    model = _as_model(source)
    named = _fitted_names(source) if features is None else _checked_names(features, model)
    return _of_model(model, X, y, rows, target, named, {
        "learning_rate": 0.1 if learning_rate is None else learning_rate, "l2": l2,
        "sample_weight": sample_weight, "mask": mask,
    })  # fmt: skip


def _is_function(source: Any) -> bool:
    return callable(source) and not isinstance(source, type) and not hasattr(source, "to_model")


def _check_absent(beside: str, given: Mapping[str, Any]) -> None:
    """Check that none of these is given beside the source that there is."""
    for name, value in given.items():
        if value is not None:
            raise InputError(f"{name} is given {beside}.")


def _built_in(name: str | None, learning_rate: float | None, l2: float) -> Trace:
    """The trace of an example, whose page has the others too."""
    chosen = next(iter(EXAMPLES)) if name is None else name
    check_setting("example", chosen, Choice(tuple(EXAMPLES)))
    first = example_problem(chosen)
    check_setting("l2", l2, Number(0))
    eta = first.learning_rate if learning_rate is None else learning_rate
    check_setting("learning_rate", eta, Number(0))
    others = tuple(example_problem(other) for other in EXAMPLES if other != chosen)
    return Trace(replace(first, l2=float(l2), learning_rate=float(eta)), examples=others)


def _as_model(source: Any) -> Model:
    known = isinstance(source, Model | tuple) or hasattr(source, "to_model")
    if not known and not hasattr(source, "params"):
        raise InputError(f"a {type(source).__name__} cannot be explained; {EXPECTED}.")
    return as_model(source)


def _fitted_names(source: Any) -> tuple[str, ...]:
    """The names of features that a classifier was fitted with."""
    names = getattr(source, "feature_names_in_", ())
    return tuple(map(str, names))


def _checked_names(features: Sequence[str], model: Model) -> tuple[str, ...]:
    """The names of features that the caller gives, for a model that has none of its own."""
    d = model.sizes[0]
    if model.schema is not None:
        raise InputError(
            "features is given, but the model has the names of its table; leave it out."
        )
    if isinstance(features, str) or len(features) != d:
        got = "one text" if isinstance(features, str) else f"{len(features)} names"
        raise InputError(
            f"features is {got}; expected a sequence of {d} names, one per column of X."
        )
    return tuple(map(str, features))


def _of_model(
    model: Model, X: Any, y: Any, rows: RowChoice, target: str | None,
    features: tuple[str, ...], settings: Mapping[str, Any],
) -> Trace:  # fmt: skip
    if X is None:
        raise InputError(
            "X is missing: a trace is of a few rows and their classes; expected explain(model, X, "
            "y)."
        )
    params = Parameters(*(array.astype(np.float64) for array in host_parameters(model.params)))
    found = rows_of(replace(model, params=params), X, y, rows, target)
    for name in ("learning_rate", "l2"):
        check_setting(name, settings[name], Number(0))
    problem = Problem(
        params, found.X, found.Y, _weights(settings["sample_weight"], found),
        _mask(settings["mask"], found, params), float(settings["l2"]),
        float(settings["learning_rate"]), found.names, found.features or features,
        tuple(class_names(model)), origins=found.origins, trained_l2=trained_l2(model),
    )  # fmt: skip
    return Trace(problem)


def _weights(sample_weight: Any, rows: Rows) -> NDArray[np.float64] | None:
    """The weights of the chosen rows."""
    if sample_weight is None:
        return None
    weights = host(from_lists("sample_weight", sample_weight))
    validation.check_sample_weight(weights, rows.count)
    return checked_weights(weights[rows.places], len(rows.places), np.dtype(np.float64))


def _mask(mask: Any, rows: Rows, params: Parameters) -> NDArray[np.float64] | None:
    """The mask of the chosen rows."""
    if mask is None:
        return None
    array = host(from_lists("mask", mask))
    validation.check_mask(array, np.empty((rows.count, 0)), params.W1)
    return checked_mask(array[rows.places].astype(np.float64))
