"""Compares an export's predictions with the model's, on rows that use every part of the model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.equations import Parameters, forward
from backhand.errors import BackhandError, InputError
from backhand.exports.date_texts import written
from backhand.model import Model
from backhand.support.project import REPORT_WITH_MODEL
from backhand.tables.cells.texts import spellings
from backhand.tables.schema.columns import CLIP, Category, Date
from backhand.tables.schema.schema import Schema

TOLERANCES = {"float32": 1e-6, "float64": 1e-12}
"""Maximum difference of a probability, by the parameters' dtype; more where sums are large."""

ROUNDED_ALIKE = 64
"""Features and hidden units up to which the tolerance does not grow with the number of terms."""

ROWS = 256
"""Rows that are drawn; more if a column has more categories."""

MISSING, FAR = 0.1, 0.1
"""Shares of the numbers that are missing (nan or infinite), and that are clipped."""

MAX_NORM = 1e6
"""Maximum Euclidean norm of a row that is drawn to switch a hidden unit."""


@dataclass(frozen=True)
class Sample:
    """Rows to run an export on.

    Attributes
    ----------
    columns : dict of str to (N,)
        The raw columns of a model of a table: float64, not finite where missing, or texts, None
        where missing; dates as texts in all forms that are read. Empty for a model of arrays.
    days : dict of str to (N,)
        The date columns as days since 1970, nan where missing.
    X : (N, d)
        The network's input for these rows.
    P : (N, K)
        The model's probabilities.
    tolerance : (N,)
        Maximum difference of a probability of each row.
    """

    columns: dict[str, NDArray[Any]]
    days: dict[str, NDArray[np.float64]]
    X: NDArray[Any]
    P: NDArray[Any]
    tolerance: NDArray[np.float64]


def draw_sample(model: Model, seed: int = 0) -> Sample:
    """Draw rows that use every part of a model, the same for the same model and seed.

    For a table: numbers that are typical, missing or clipped; for each category column every
    category, an unseen one, and missing. For arrays: random rows, and rows that switch a hidden
    unit on that is off at 0, or off that is on.
    """
    rng = np.random.default_rng(seed)
    columns: dict[str, NDArray[Any]] = {}
    days: dict[str, NDArray[np.float64]] = {}
    if model.schema is None:
        X = _array_rows(model.params, rng)
    else:
        columns, days, X = _table_rows(model.schema, rng)
    return Sample(columns, days, X, model.predict_proba(X), tolerances(model.params, X))


def tolerances(params: Parameters, X: NDArray[Any]) -> NDArray[np.float64]:
    """Return by how much P of each row (N,) may differ between two programs.

    They add up the same terms in different orders. Rounding changes S by about the unit roundoff
    times the sum of the sizes of all terms, which are the equations of absolute values. With many
    terms it is more, by the root of their number, since errors of both signs partly cancel. No
    probability changes more than S. In float32 and with few features the tolerance is above 1e-6
    where that sum is above 17.
    """
    sizes = Parameters(*(np.abs(value.astype(np.float64)) for value in params))
    dtype = params.W1.dtype
    longer = max(1.0, math.sqrt(sum(params.W1.shape) / ROUNDED_ALIKE))
    unit = longer * np.finfo(dtype).eps / 2
    rounding = unit * forward(sizes, np.abs(X.astype(np.float64))).S.max(axis=1)
    found: NDArray[np.float64] = np.maximum(TOLERANCES[dtype.name], rounding)
    return found


def class_labels(model: Model) -> list[Any]:
    """Return the K classes as Python values of one type: str, int, float or bool.

    Raises
    ------
    InputError
        If they are numbers that other programs cannot read: not finite, or beyond 64 bits.
    """
    labels = model.labels
    if labels.dtype.kind not in "Uifb" or (labels.dtype.kind == "f" and not _finite(labels)):
        raise InputError(
            f"the classes {model.classes} cannot be exported; expected texts, whole numbers of 64 "
            "bits, finite numbers or booleans."
        )
    found: list[Any] = labels.tolist()
    return found


def check_predictions(
    sample: Sample, labels: Sequence[Any], predicted: Sequence[Any], P: NDArray[Any]
) -> float:
    """Check an export's predictions, and return the largest difference of a probability.

    Parameters
    ----------
    sample : Sample
    labels : sequence of K labels
    predicted : sequence of N labels
        The export's predictions for the sample's rows.
    P : (N, K)
        Its probabilities.

    Raises
    ------
    BackhandError
        If P of a row differs by more than its tolerance, or a predicted class is not the most
        probable one. (Two classes whose probabilities are equal to rounding may change places.)
    """
    if P.shape != sample.P.shape or P.dtype != sample.P.dtype:
        raise BackhandError(
            f"the exported model returns {P.dtype} {P.shape}, the model {sample.P.dtype} "
            f"{sample.P.shape}; it was not written. {REPORT_WITH_MODEL}"
        )
    differences = np.abs(P - sample.P).max(axis=1)
    row = int(np.argmax(differences / sample.tolerance))  # the first nan, if there is one
    if not differences[row] <= sample.tolerance[row]:  # nan is not a small difference
        raise BackhandError(
            "the exported model's probabilities differ from the model's by up to "
            f"{differences[row]:.2g}, more than {sample.tolerance[row]:.2g}; it was not written. "
            f"{REPORT_WITH_MODEL}"
        )
    places = {label: place for place, label in enumerate(labels)}
    chosen = np.array([places.get(label, -1) for label in predicted])
    reached = sample.P[np.arange(len(chosen)), chosen]
    # Both probabilities of a tie may be off, in opposite directions.
    if (chosen < 0).any() or (reached < sample.P.max(axis=1) - 2 * sample.tolerance).any():
        raise BackhandError(
            "the exported model's classes differ from the model's; it was not written. "
            f"{REPORT_WITH_MODEL}"
        )
    return float(differences.max())


def _finite(values: NDArray[Any]) -> bool:
    return bool(np.isfinite(values).all())


def _table_rows(
    schema: Schema, rng: np.random.Generator
) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[np.float64]], NDArray[np.float32]]:
    """Draw raw columns, and return them with the days of dates, and X (N, d) as it is encoded."""
    most = max((len(c.categories) for c in schema.columns if isinstance(c, Category)), default=0)
    N = max(ROWS, most + 2)
    columns, days, values = {}, {}, []
    absent = spellings(schema.missing)
    for column in schema.columns:
        if isinstance(column, Category):
            place = rng.permutation(np.arange(N) % (len(column.categories) + 2))
            # In this order: in `Category.encode`, -2 is missing and -1 unseen.
            texts = np.array([None, _unseen(column), *column.categories], dtype=object)
            columns[column.name] = texts[place]
            values.append(place - 2)
            continue
        x = column.mean + column.std * _deviations(N, rng)
        if isinstance(column, Date):
            x, columns[column.name] = written(x, column.order, rng)
            x[[text in absent for text in columns[column.name]]] = np.nan
            days[column.name] = x
            values.append(x)
        else:
            columns[column.name] = x
            values.append(x)
    X = np.empty((N, schema.width), np.float32)
    schema.encode_values(values, X)
    return columns, days, X


def _deviations(N: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw N standardised numbers: typical, clipped and missing ones."""
    z, kind = rng.standard_normal(N), rng.random(N)
    beyond = np.sign(z) * rng.uniform(CLIP, 10 * CLIP, N)
    z = np.where(kind < FAR, beyond, z)
    return np.where(kind > 1 - MISSING, rng.choice([np.nan, np.inf, -np.inf], N), z)


def _unseen(column: Category) -> str:
    text = "a category that is not in training"
    while text in column.categories:
        text += "!"
    return text


def _array_rows(params: Parameters, rng: np.random.Generator) -> NDArray[Any]:
    """Return X (N, d): random rows, 0, and for each hidden unit a row in which Z1 is -b1."""
    W1, b1 = params.W1.astype(np.float64), params.b1.astype(np.float64)
    d, H = W1.shape
    units = rng.permutation(H)[:ROWS]
    w = W1[:, units].T
    square = np.maximum(np.square(w).sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    mirrored = -2 * b1[units, None] / square * w
    # A nearly constant unit switches only far outside the data.
    length = np.sqrt(np.square(mirrored).sum(axis=1, keepdims=True))
    mirrored *= np.minimum(1, MAX_NORM / np.maximum(length, 1))
    rows = [rng.standard_normal((ROWS, d)), np.zeros((1, d)), mirrored]
    return np.vstack(rows).astype(params.W1.dtype)
