"""What can be drawn: a trained network with its names, and rows and classes that belong to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import is_array_api_obj
from numpy.typing import NDArray

from backhand import validation
from backhand.constraints import is_integer
from backhand.engines import is_sparse
from backhand.equations import Parameters
from backhand.errors import InputError, listed
from backhand.model import Model, as_model, class_names, class_places
from backhand.tables.schema.schema import Schema
from backhand.training.data import host, host_parameters


class Network(NamedTuple):
    """A network that is drawn.

    Attributes
    ----------
    params : Parameters
        In float64.
    model : Model
    classes : list of str
        K names.
    features : list of str
        d names.
    before : Pipeline, optional
        What transforms rows before the network; fitted.
    """

    params: Parameters
    model: Model
    classes: list[str]
    features: list[str]
    before: Any = None


def model_of(source: Any) -> Model:
    """Return the model of whatever has one."""
    source, _ = _last_step(source)
    if not (hasattr(source, "to_model") or hasattr(source, "params") or isinstance(source, tuple)):
        raise InputError(
            f"a {type(source).__name__} cannot be drawn; expected a TrainResult, a Model, an "
            "MLPClassifier (or a search or pipeline that ends in one) or Parameters."
        )
    return as_model(source)


def _last_step(source: Any) -> tuple[Any, Any]:
    """The best classifier of a search, the last step of a pipeline, and the steps before it."""
    source = getattr(source, "best_estimator_", source)
    steps = getattr(source, "steps", ())
    if not steps:
        return source, None
    return steps[-1][1], source[:-1] if len(steps) > 1 else None


def network_of(source: Any, X: Any = None) -> Network:
    """Return the network of a TrainResult, a Model, an MLPClassifier or Parameters.

    If nothing else names its features, the columns of X do, if that is a data frame.
    """
    model, (step, before) = model_of(source), _last_step(source)
    params = Parameters(*(value.astype(np.float64) for value in host_parameters(model.params)))
    columns = getattr(X, "columns", ())
    features = [f"feature {i}" for i in range(params.W1.shape[0])]
    if before is not None:
        features = _names_after(before) or features
    elif hasattr(step, "feature_names_in_"):
        features = [str(name) for name in step.feature_names_in_]
    elif model.schema is not None:
        features = list(model.schema.features)
    elif len(columns) == len(features):
        features = [str(name) for name in columns]
    return Network(params, model, class_names(model), features, before)


def _names_after(before: Any) -> list[str]:
    """The names of what the steps of a pipeline return, if they have any."""
    try:
        return [f"{name}, transformed" for name in before.get_feature_names_out()]
    except AttributeError:
        return []


def rows_of(network: Network, X: Any) -> NDArray[np.float64]:
    """Return X (N, d) as a dense float64 array.

    A table's rows are encoded by the model's schema; the steps of a pipeline transform X.

    Raises
    ------
    InputError
        If it is not N rows of the network's d features, all finite numbers.
    """
    if network.before is not None:
        X = network.before.transform(X)
    if is_sparse(X):
        X = X.toarray()
    elif network.model.schema is not None and not is_array_api_obj(X):
        X = _encoded(network.model.schema, X)
    try:
        rows = np.asarray(host(X), np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            "X does not consist of numbers; expected (N, d) numbers. Tables are for models that "
            "were trained on one."
        ) from error
    validation.check_forward(network.params, rows)
    if not np.isfinite(rows).all():
        raise InputError("X has numbers that are not finite; expected finite numbers.")
    return rows


def _encoded(schema: Schema, table: Any) -> NDArray[np.float32]:
    from backhand.tables.reading.frames import as_table

    with as_table(table, {column.name for column in schema.columns}, once=True) as rows:
        return schema.encode(rows)


def classes_of(network: Network, y: Any, N: int) -> NDArray[np.int64]:
    """Return the class index (N,) of each row, given as a class, an index or one-hot.

    Raises
    ------
    InputError
        If there are not N, or one is not a class of the network.
    """
    y, K = np.asarray(y), len(network.classes)
    if y.shape == (N, K):
        return np.asarray(y.argmax(axis=1), np.int64)
    if y.shape != (N,):
        raise InputError(f"y is {y.shape}; expected the classes of the {N:,} rows, ({N},).")
    return np.array(class_places(network.model, y.tolist()), np.int64)


def feature_place(network: Network, feature: Any) -> int:
    """Return the column of a feature, given by its name or its number from 0."""
    if is_integer(feature) and 0 <= feature < len(network.features):
        return int(feature)
    if isinstance(feature, str) and feature in network.features:
        return network.features.index(feature)
    raise InputError(
        f"features has {feature!r}; expected numbers from 0 to {len(network.features) - 1}, or "
        f"names: {listed(network.features)}."
    )


def chosen(units: Sequence[int] | None, size: NDArray[np.float64], most: int) -> list[int]:
    """Return the units that are shown: those named, or up to `most` of the largest size.

    In the order of their numbers, unless they are named.
    """
    H = len(size)
    if units is None:
        if not is_integer(most) or most < 1:
            raise InputError(f"most is {most!r}; expected an integer of 1 or more.")
        return sorted(np.argsort(-size, kind="stable")[:most].tolist())
    if not isinstance(units, Iterable):
        raise InputError(f"units is {units!r}; expected a sequence of numbers from 0 to {H - 1}.")
    places = list(units)
    for unit in places:
        if not is_integer(unit) or not 0 <= unit < H:
            raise InputError(f"units has {unit!r}; expected numbers from 0 to {H - 1}.")
    if not places:
        raise InputError("units is empty; expected one or more numbers.")
    return [int(unit) for unit in places]
