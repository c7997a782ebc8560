"""Checks of an engine's arguments: whatever reaches compiled code is checked here, for any caller.

Compiled code takes sizes, addresses and row numbers as they are. So each of an engine's methods
begins with one of these checks: of shapes and dtypes, in a microsecond or two, and of class
indices, row numbers and sparse indices, which are read once per call. Valid arguments pass at once;
for others, `validation` writes the messages.

Everything raises `InputError`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand import validation
from backhand.constraints import is_integer
from backhand.engines.contract import (
    Block,
    Data,
    Objective,
    OptimizerState,
    Rows,
)
from backhand.engines.matrices import is_sparse
from backhand.equations import Parameters
from backhand.errors import InputError
from backhand.optimizers import Optimizer, make_optimizer
from backhand.validation import size as shape_of

MAX_UPDATES = 2**53
"""Updates that a session counts: up to there a double, as in Adam's correction, is exact."""

SPARSE_DTYPES = tuple(
    map(np.dtype, ("f4", "f8", "?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"))
)
PLAIN = (np.ndarray, np.memmap)
STRETCH = 2**16
"""Selected values that are looked at together."""
INDEX_DTYPES = (np.dtype(np.int32), np.dtype(np.int64))


def check_theta(params: Any) -> None:
    """Parameters of NumPy arrays W1 (d, H), b1 (H,), W2 (H, K), b2 (K,), of one floating dtype."""
    if is_theta(params):
        return
    validation.check_parameters(params)
    W1, _, W2, _ = params
    raise InputError(
        f"the parameters are {_kind(params)} of {', '.join(dict.fromkeys(map(_kind, params)))}, "
        f"with W1 {shape_of(W1)} and W2 {shape_of(W2)}; expected Parameters of NumPy arrays "
        "in this machine's byte order, with no size of 0."
    )


def is_theta(params: Any) -> bool:
    """Whether these are such parameters."""
    if type(params) is not Parameters:
        return False
    W1, b1, W2, b2 = params
    return (
        _is_plain(W1)
        and _is_plain(b1)
        and _is_plain(W2)
        and _is_plain(b2)
        and W1.ndim == 2
        and b1.shape == W1.shape[1:]
        and b2.ndim == 1
        and W2.shape == b1.shape + b2.shape
        and 0 not in W1.shape + b2.shape
        and W1.dtype == b1.dtype == W2.dtype == b2.dtype
        and W1.dtype.kind == "f"
        and W1.dtype.isnative
    )


def check_learning(params: Any, data: Any) -> None:
    """Parameters, and rows to learn from or to evaluate on."""
    check_theta(params)
    check_data(data, params.W1.shape[0], params.b2.shape[0])


def check_precision(precision: str, params: Parameters, *data: Data | None) -> None:
    """Parameters and rows, checked before, that an engine of this precision trains and evaluates.

    In bf16 the parameters are float32, and the rows are dense: what a sparse row costs is the
    memory that it reads, and the products of its few numbers are not worth rounding them.
    """
    if precision == "auto":
        return
    if params.W1.dtype != np.float32:
        raise InputError(
            f"the parameters are {params.W1.dtype}; precision='{precision}' trains float32 "
            "parameters. Convert W1, b1, W2 and b2 with .astype('float32') (of a classifier: the "
            "arrays of coefs_ and intercepts_), or use precision='auto'."
        )
    if any(rows is not None and is_sparse(rows.X) for rows in data):
        raise InputError(
            f"X is sparse; precision='{precision}' trains on dense rows. Use precision='auto', or "
            "X.toarray() where it fits in memory."
        )


def check_data(data: Any, d: int, K: int) -> None:
    """X (N, d), y (N,) of 0..K-1, sample_weight (N,) or None; N of 1 or more, or n of them.

    Where rows are selected, the labels and weights of other rows may be anything.
    """
    _check_is_data(data)
    check_rows(data.X, d)
    check_labelled(data, K)


def check_labelled(data: Any, K: int) -> None:
    """As `check_data`, all but the numbers of X, which may be elsewhere: it needs a shape only."""
    if (N := data.X.shape[0]) == 0:
        raise InputError(f"X is {shape_of(data.X)}: it has no rows; expected one or more.")
    y, w, numbers = data.y, data.sample_weight, data.numbers
    if numbers is not None:
        _check_selection(numbers, N)
    if not (_is_flat(y, N, "iu") and _of_all(lambda some: _are_below(some, K), y, numbers)):
        validation.check_labels(y, N, K)
        raise InputError(f"y is {_kind(y)} {shape_of(y)}; expected {N} class indices, integers.")
    if w is not None and not (_is_flat(w, N, "fiub") and _weigh(w, numbers)):
        validation.check_sample_weight(w, N)
        raise InputError(
            f"sample_weight is {_kind(w)}; expected {N} numbers of 0 or more, not all of them 0."
        )


def checked_batch(data: Any, rows: Any, d: int, K: int) -> Any:
    """As `check_data`, of some rows alone, which are returned as by `checked_rows`.

    It takes the time of these rows, however many others there are. All of them may weigh 0.
    """
    _check_is_data(data)
    if data.numbers is not None:
        _check_are_numbers(data.numbers)
    check_rows(data.X, d, slice(0, 0))
    N = data.X.shape[0]
    chosen = checked_rows(rows, data.rows)
    there = data.places(chosen)
    if data.numbers is not None:
        _check_row_numbers("the selection", there, N)
    if is_sparse(data.X):
        check_sparse(data.X, there)
    y, w = data.y, data.sample_weight
    if not (_is_flat(y, N, "iu") and _are_below(y[there], K)):
        validation.check_labels(y, N, K)
        raise InputError(f"y is {_kind(y)} {shape_of(y)}; expected {N} class indices, integers.")
    if w is not None and not (_is_flat(w, N, "fiub") and w[there].min() >= 0):
        validation.check_sample_weight(w, N)
        raise InputError(f"sample_weight is {_kind(w)}; expected {N} numbers of 0 or more.")
    return chosen


def checked_first(first: Any) -> int:
    """The position of a row in a batch."""
    if not is_integer(first) or first < 0:
        raise InputError(f"first is {_brief(first)}; expected an integer of 0 or more.")
    return int(first)


def _check_is_data(data: Any) -> None:
    if not isinstance(data, Data):
        raise InputError(f"the data are {_kind(data)}; expected Data(X, y, sample_weight).")


def _check_selection(numbers: Any, N: int) -> None:
    """The numbers (n,) of selected rows, all of 0..N-1."""
    _check_are_numbers(numbers)
    _check_row_numbers("the selection", numbers, N)


def _check_are_numbers(numbers: Any) -> None:
    if not _is_flat(numbers, None, "i") or numbers.dtype not in INDEX_DTYPES:
        raise InputError(
            f"the numbers of the selected rows are {_kind(numbers)}; expected int32 or int64, (n,)."
        )


def _of_all(holds: Callable[[Any], bool], values: Any, numbers: Any) -> bool:
    """Whether something holds of all values, or of the selected ones, in bounded memory.

    Where it holds of all, that is faster found out than by a look at each of many selected ones.
    """
    if numbers is None or len(values) < 8 * len(numbers):
        if holds(values):
            return True
        if numbers is None:
            return False
    return all(map(holds, _selected(values, numbers)))


def _weigh(w: Any, numbers: Any) -> bool:
    """Whether these are weights: none negative, and not all of them 0."""
    return _of_all(lambda some: bool(some.min() >= 0), w, numbers) and any(
        some.max() > 0 for some in ([w] if numbers is None else _selected(w, numbers))
    )


def _selected(values: Any, numbers: Any) -> Iterator[Any]:
    """The selected values, a stretch at a time."""
    for start in range(0, len(numbers), STRETCH):
        yield values[numbers[start : start + STRETCH]]


def check_rows(X: Any, d: int, rows: Any = None) -> None:
    """X (N, d), an array of real numbers or a sparse matrix in CSR form.

    With `rows`, a slice or row numbers of 0..N-1, only these rows of a sparse X are looked at.
    """
    if _is_plain(X):
        if X.ndim != 2 or X.dtype.kind not in "fiub":
            raise InputError(f"X is {_kind(X)} {shape_of(X)}; expected real numbers, (N, {d}).")
    elif is_sparse(X):
        check_sparse(X, rows)
    else:
        raise InputError(f"X is {_kind(X)}; expected a NumPy array or a sparse matrix in CSR form.")
    check_columns(X, d)


def check_columns(X: Any, d: int) -> None:
    """An X, known to be one, of d columns."""
    if X.shape[1] != d:
        raise InputError(f"X is {shape_of(X)}: it has {X.shape[1]} columns where W1 expects {d}.")


def is_finite(values: NDArray[Any]) -> bool:
    """Whether all numbers are finite: so they are if their sum is, which is found in one pass."""
    with np.errstate(over="ignore", invalid="ignore"):
        return math.isfinite(values.sum()) or bool(np.isfinite(values).all())


def check_outputs(found: NDArray[Any], params: Parameters) -> None:
    """S or P (N, K) of finite rows, which are not finite where a sum overflows."""
    if is_finite(found):
        return
    for name, value in zip(params._fields, params, strict=True):
        if not is_finite(value):
            raise InputError(f"{name} holds numbers that are not finite; expected finite numbers.")
    row = int(np.argmax(~np.isfinite(found).all(axis=1)))
    raise InputError(
        f"X holds numbers in row {row} so large that the logits exceed what {found.dtype} can "
        "hold. Fill in placeholders of missing values, if there are any; or convert the parameters "
        "to float64."
    )


def check_sparse(X: Any, rows: Any = None) -> None:
    """A matrix in CSR form whose indices, of all rows or of some, point into it."""
    if getattr(X, "format", None) != "csr" or np.asarray(X.data).dtype not in SPARSE_DTYPES:
        raise InputError(
            f"X is {_kind(X)}; expected a sparse matrix in CSR form, of float32, float64 or "
            "integers."
        )
    if len(X.shape) != 2:
        raise InputError(f"X is {_kind(X)} {X.shape}; expected two dimensions, (N, d).")
    if not _points_inside(X.indptr, X.indices, X.data, X.shape, rows):
        raise InputError(
            f"X is a sparse matrix of {X.shape[1]} columns whose indices point elsewhere. It was "
            "changed after it was made; create it again (X.check_format() names the problem)."
        )


def _points_inside(
    borders: Any, places: Any, numbers: Any, shape: tuple[int, int], rows: Any
) -> bool:
    N, d = shape
    if not (_is_flat(borders, N + 1, "i") and _is_flat(places, None, "i")
            and _is_flat(numbers, None, "fiub")):  # fmt: skip
        return False
    if not (places.dtype in INDEX_DTYPES and borders.dtype in INDEX_DTYPES):
        return False
    if len(places) != len(numbers):
        return False
    if rows is not None:
        return _rows_point_inside(borders[:-1][rows], borders[1:][rows], places, d)
    if borders[0] != 0 or not borders[-1] <= len(places):
        return False
    if not (borders[1:] >= borders[:-1]).all():
        return False
    return _are_features(places[: borders[-1]], d)


def _rows_point_inside(begin: Any, end: Any, places: Any, d: int) -> bool:
    """Whether rows whose numbers are at begin..end have indices of 0..d-1."""
    if not len(begin):
        return True
    if not (begin.min() >= 0 and end.max() <= len(places) and (begin <= end).all()):
        return False
    lengths = (end - begin).astype(np.int64)
    starts = begin - np.concatenate([[0], np.cumsum(lengths[:-1])])
    return _are_features(places[np.repeat(starts, lengths) + np.arange(lengths.sum())], d)


def _are_features(indices: Any, d: int) -> bool:
    return not len(indices) or bool(indices.min() >= 0 and indices.max() < d)


def check_start(
    state: Any, data: Any, optimizer: Any, objective: Any, validation: Any = None
) -> None:
    """Check what a session starts from: a state, which must fit its optimizer and the rows."""
    slots = 0 if optimizer is None else make_optimizer(optimizer).slots
    _check_is_state(state)
    check_state(state, state.params, slots)
    for rows in (data,) if validation is None else (data, validation):
        check_data(rows, state.params.W1.shape[0], state.params.b2.shape[0])
    check_objective(objective)


def _check_is_state(state: Any) -> None:
    if not isinstance(state, OptimizerState):
        raise InputError(
            f"the state is {_kind(state)}; expected OptimizerState(params, slots, updates)."
        )


def check_state(state: Any, like: Parameters, slots: int) -> None:
    """A state with parameters, and `slots` slots, of the shapes and the dtype of `like`."""
    _check_is_state(state)
    params, memory, updates = state
    if not isinstance(memory, tuple):
        raise InputError(f"the state's slots are {_kind(memory)}; expected a tuple of Parameters.")
    if len(memory) != slots:
        raise InputError(f"the state has {len(memory)} slots of memory; its optimizer has {slots}.")
    for values in (params, *memory):
        _check_alike("state", values, like)
    check_updates(updates)


def check_gradient(gradient: Any, like: Parameters) -> None:
    """A gradient dθ of the shapes and the dtype of `like`."""
    _check_alike("gradient", gradient, like)


def _check_alike(name: str, values: Any, like: Parameters) -> None:
    check_theta(values)
    W1, W2 = values.W1, values.W2  # which b1 and b2 fit
    if (W1.shape, W2.shape, W1.dtype) != (like.W1.shape, like.W2.shape, like.W1.dtype):
        raise InputError(
            f"the {name} has W1 {shape_of(values.W1)} and W2 {shape_of(values.W2)} in "
            f"{values.W1.dtype}; the session has W1 {shape_of(like.W1)} and W2 "
            f"{shape_of(like.W2)} in {like.W1.dtype}."
        )


def check_updates(updates: Any) -> None:
    """The number of updates done."""
    if not is_integer(updates) or not 0 <= updates <= MAX_UPDATES:
        raise InputError(
            f"the state counts {_brief(updates)} updates; expected an integer of 0..2**53."
        )


def check_block(block: Any, N: int, validation: Rows | None = None) -> None:
    """A block for N rows: its rates, λs and order are for one number of epochs and batches."""
    if not isinstance(block, Block):
        raise InputError(f"the block is {_kind(block)}; expected a Block.")
    order, rates, l2 = block.order, block.learning_rate, block.l2
    visited = N if order is None else _checked_order(order, N)
    size = block.batch_size
    if not is_integer(size) or not 1 <= size <= visited:
        raise InputError(
            f"the block's batch_size is {_brief(size)}; expected an integer of 1..{visited}."
        )
    for name, values in (("learning_rate", rates), ("l2", l2)):
        if not _is_plain(values) or values.ndim != 2 or values.dtype.kind not in "fiu":
            raise InputError(f"the block's {name} is {_kind(values)}; expected numbers, (E, B).")
    E = (rates if order is None else order).shape[0]
    expected = (E, -(-visited // int(size)))
    if rates.shape != expected or l2.shape != expected or E == 0:
        raise InputError(
            f"the block's learning_rate is {shape_of(rates)} and its l2 {shape_of(l2)}; "
            f"expected {expected}, a number for each batch of {size} of {visited} rows, and one "
            "epoch or more."
        )
    if not l2.min() >= 0:
        raise InputError(
            f"the block's l2 has a minimum of {l2.min()}; expected numbers of 0 or more."
        )
    if block.validated is not None:
        _check_validated(block.validated, E, validation)


def _check_validated(validated: Any, E: int, validation: Rows | None) -> None:
    """Which of the E epochs are validated: none, where there are no validation rows."""
    if not _is_flat(validated, E, "b"):
        raise InputError(f"the block's validated is {_kind(validated)}; expected bools, ({E},).")
    if validation is None and validated.any():
        raise InputError(
            "the block is to be validated, and the session has no validation rows; give them to "
            "`start`."
        )


def check_group(sessions: Any, blocks: Any, engine: Any = None) -> None:
    """A block for each session, and each session once; all of an engine, if one is given."""
    for name, values in (("sessions", sessions), ("blocks", blocks)):
        if not isinstance(values, list | tuple):
            raise InputError(f"the {name} are {_kind(values)}; expected a list.")
    if len(sessions) != len(blocks):
        raise InputError(
            f"{len(blocks)} blocks are given for {len(sessions)} sessions; expected one for each."
        )
    if len({id(session) for session in sessions}) != len(sessions):
        raise InputError("a session is given twice; expected each session once.")
    for session in sessions:
        if engine is not None and getattr(session, "_engine", None) is not engine:
            raise InputError(f"{_brief(session)} is no session of this engine; `start` makes them.")


def _checked_order(order: Any, N: int) -> int:
    """The number of rows that each epoch visits, all of 0..N-1."""
    if not _is_plain(order) or order.ndim != 2 or order.dtype.kind not in "iu":
        raise InputError(f"the block's order is {_kind(order)}; expected integers, (E, n).")
    _check_row_numbers("the block's order", order, N)
    return int(order.shape[1])


def _check_row_numbers(name: str, numbers: Any, N: int) -> None:
    if numbers.size == 0:
        raise InputError(f"{name} is {shape_of(numbers)}; expected one row or more.")
    if not _are_below(numbers, N):
        raise InputError(
            f"{name} has row numbers from {numbers.min()} to {numbers.max()}; with {N} rows they "
            f"must be in 0..{N - 1}."
        )


def checked_rows(rows: Any, N: int) -> Any:
    """Some of N rows: a slice from start to stop, with step 1, or row numbers (n,); one or more."""
    if rows is None:
        if N == 0:
            raise InputError("there are no rows; expected one or more.")
        return slice(0, N)
    if isinstance(rows, slice):
        try:
            start, stop, step = rows.indices(N)
        except (TypeError, ValueError) as error:
            raise InputError(f"rows is {rows}; expected a slice of integers.") from error
        if step == 1 and start < stop:
            return slice(start, stop)
        rows = np.arange(start, stop, step)
    if not _is_flat(rows, None, "iu"):
        raise InputError(f"rows is {_kind(rows)}; expected a slice or row numbers, (n,).")
    _check_row_numbers("rows", rows, N)
    return rows.astype(np.int64, copy=False)  # torch takes bytes for a mask


def check_objective(objective: Any) -> None:
    """An objective whose numbers are in their ranges."""
    if not isinstance(objective, Objective):
        raise InputError(f"the objective is {_kind(objective)}; expected an Objective.")
    for name in ("l2", "alpha", "dropout", "loss_cap"):
        value = getattr(objective, name)
        if not isinstance(value, Real) or math.isnan(value):
            raise InputError(f"the objective's {name} is {_brief(value)}; expected a number.")
    for name in ("l2", "alpha"):
        if getattr(objective, name) < 0:
            raise InputError(
                f"the objective's {name} is {getattr(objective, name)!r}; expected 0 or more."
            )
    if not 0 <= objective.dropout < 1:
        raise InputError(
            f"the objective's dropout is {objective.dropout!r}; expected 0 or more, below 1."
        )
    if not is_integer(objective.dropout_seed):
        raise InputError(
            f"the objective's dropout_seed is {_brief(objective.dropout_seed)}; "
            "expected an integer."
        )
    if not isinstance(objective.first_class_fixed, bool | np.bool_):
        raise InputError(
            f"the objective's first_class_fixed is {_brief(objective.first_class_fixed)}; "
            "expected a bool."
        )


def check_l2(l2: Any) -> None:
    """λ is a number of 0 or more."""
    if not isinstance(l2, Real) or not float(l2) >= 0:
        raise InputError(f"l2 is {_brief(l2)}; expected a number of 0 or more.")


def check_learning_rate(learning_rate: Any) -> None:
    """η is a number."""
    if not isinstance(learning_rate, Real) or math.isnan(learning_rate):
        raise InputError(f"learning_rate is {_brief(learning_rate)}; expected a number.")


def checked_optimizer(optimizer: Optimizer | None) -> Optimizer:
    """The optimizer of a session that is to do an update."""
    if optimizer is None:
        raise InputError(
            "the session has no optimizer, so it does no updates; start it with one of "
            "backhand.optimizers."
        )
    return optimizer


def _is_flat(array: Any, count: int | None, kinds: str) -> bool:
    """A NumPy array (count,), or of any length, whose dtype is of one of these kinds."""
    return (
        _is_plain(array)
        and array.ndim == 1
        and (count is None or array.shape[0] == count)
        and array.dtype.kind in kinds
    )


def _is_plain(value: Any) -> bool:
    """Whether a value is an array whose methods are NumPy's own.

    The methods of a subclass may ignore numbers in its memory: the minimum of a masked array leaves
    out the masked numbers.
    """
    return type(value) in PLAIN


def _are_below(numbers: Any, limit: int) -> bool:
    """Whether all of these integers are 0..limit - 1, in one pass: read as unsigned, -1 is huge."""
    if numbers.dtype == np.int64:
        numbers = numbers.view(np.uint64)
    return bool(numbers.max() < limit and (numbers.dtype.kind == "u" or numbers.min() >= 0))


def _kind(value: Any) -> str:
    """A value's kind: `an array of float32`, `a list`."""
    if _is_plain(value):
        return f"an array of {value.dtype.str if not value.dtype.isnative else value.dtype}"
    return f"a {type(value).__name__}"


def _brief(value: Any) -> str:
    """A value as Python writes it, cut where it is long."""
    return "a huge number" if isinstance(value, int) and abs(value) >= 2**80 else f"{value!r:.40}"
