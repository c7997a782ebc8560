"""`advance_all`: many sessions in one call, as each alone."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse

import backhand
from backhand.engines import Block, Data, Engine, Objective, Session, make_engine
from backhand.engines.array_engine import ArraySession
from backhand.engines.torch import groups, stack
from backhand.engines.torch.arrays import SharedArrays
from backhand.errors import InputError
from backhand.optimizers import OPTIMIZERS, make_optimizer
from backhand.support.differences import relative_difference
from helpers.sessions import started

N, d, H, K = 60, 5, 12, 3
TOLERANCES = {np.float64: 1e-10, np.float32: 1e-5}


@pytest.fixture
def torch_engine() -> Engine:
    return make_engine("torch")


def make_rows(dtype: type = np.float32, weighted: bool = False) -> Data:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((N, d)).astype(dtype), rng.integers(0, K, N)
    return Data(X, y, rng.random(N).astype(dtype) if weighted else None)


def make_sessions(
    engine: Engine,
    data: Sequence[Data],
    rule: str = "adam",
    dropout: float = 0.0,
    H: int = H,
    validation: Sequence[Data | None] = (),
    **of,
) -> list[Session]:
    """A session on each of these data, with its own parameters, dropout and number of updates."""
    found = []
    for m, rows in enumerate(data):
        dtype = np.float64 if rows.X.dtype == np.float64 else np.float32
        params = backhand.init(rows.X.shape[1], H, K, seed=m, dtype=dtype)
        objective = Objective(dropout=dropout * (m + 1) / len(data), dropout_seed=m, **of)
        validated = validation[m] if validation else None
        session = started(engine, params, rows, make_optimizer(rule), objective, validated)
        for _ in range(m):
            session.apply(session.gradient()[1], 0.01)
        found.append(session)
    return found


def make_blocks(
    data: Sequence[Data], epochs: int = 8, size: int = 16, ordered: bool = True
) -> list[Block]:
    """A block for each of these data, with its own order, η and λ."""
    found = []
    for m, rows in enumerate(data):
        rng, n = np.random.default_rng(100 + m), rows.rows
        shape = epochs, -(-n // size)
        order = np.stack([rng.permutation(n) for _ in range(epochs)]) if ordered else None
        found.append(Block(size, rng.random(shape) / 50, np.full(shape, 0.01 * (m + 1)), order))
    return found


def check_as_alone(
    engine: Engine, make: Callable[[], list[Session]], blocks: list[Block], tolerance: float
) -> None:
    """All at once, the sessions have the figures and the states that each has alone."""
    alone, together = make(), make()
    expected = [session.advance(block) for session, block in zip(alone, blocks, strict=True)]
    found = engine.advance_all(together, blocks)
    for ours, theirs in zip(found, expected, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            assert a.dtype == np.float64
            check_close(a, b, tolerance)
    for one, other in zip(together, alone, strict=True):
        check_states(one, other, tolerance)


def check_close(a: np.ndarray, b: np.ndarray, tolerance: float) -> None:
    """Of one shape and dtype, finite in the same places, and equal there to rounding."""
    assert a.dtype == b.dtype and a.shape == b.shape
    finite = np.isfinite(a)
    assert np.array_equal(finite, np.isfinite(b))
    assert relative_difference(a[finite], b[finite]) <= tolerance


def check_states(one: Session, other: Session, tolerance: float) -> None:
    a, b = one.state(), other.state()
    assert a.updates == b.updates
    for p, q in zip((a.params, *a.slots), (b.params, *b.slots), strict=True):
        for x, y in zip(p, q, strict=True):
            check_close(x, y, tolerance)


@pytest.fixture
def only_as_one(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the groups that are advanced as one; those alone are 1."""
    sizes: list[int] = []
    stacked, alone = stack.advance_stacked, ArraySession.advance

    def counted(sessions: list[ArraySession], blocks: list[Block]) -> object:
        sizes.append(len(sessions))
        return stacked(sessions, blocks)

    def counted_alone(session: ArraySession, block: Block) -> object:
        sizes.append(1)
        return alone(session, block)

    monkeypatch.setattr("backhand.engines.torch.engine.advance_stacked", counted)
    monkeypatch.setattr(ArraySession, "advance", counted_alone)
    return sizes


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("rule", OPTIMIZERS)
@pytest.mark.parametrize(
    ("weighted", "dropout", "ordered"),
    [(False, 0.0, False), (True, 0.0, True), (False, 0.5, True), (True, 0.5, False)],
)
def test_sessions_advanced_as_one_are_as_alone(
    torch_engine: Engine, dtype: type, rule: str, weighted: bool, dropout: float, ordered: bool
) -> None:
    data = [make_rows(dtype, weighted)] * 5
    check_as_alone(
        torch_engine, lambda: make_sessions(torch_engine, data, rule, dropout),
        make_blocks(data, ordered=ordered), TOLERANCES[dtype],
    )  # fmt: skip


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ordered", [False, True])
def test_members_have_rows_of_their_own(
    torch_engine: Engine, weighted: bool, ordered: bool, only_as_one: list[int]
) -> None:
    rows, fold = make_rows(np.float64, weighted), np.arange(N) % 5
    data = [rows.select(np.flatnonzero(fold != k)[:: 1 - 2 * (k % 2)]) for k in range(5)]
    make = lambda: make_sessions(torch_engine, data, dropout=0.2)  # noqa: E731
    check_as_alone(torch_engine, make, make_blocks(data, ordered=ordered), 1e-10)
    assert only_as_one == [1, 1, 1, 1, 1, 5]


def test_members_have_weights_of_their_own(torch_engine: Engine, only_as_one: list[int]) -> None:
    rows, rng = make_rows(np.float64), np.random.default_rng(1)
    data = [rows._replace(sample_weight=rng.integers(0, 3, N) * 1.0) for _ in range(4)]
    for some in (data, [one.select(slice(7, 50)) for one in data]):
        make = lambda some=some: make_sessions(torch_engine, some)  # noqa: E731
        check_as_alone(torch_engine, make, make_blocks(some), 1e-10)
    assert only_as_one == [1, 1, 1, 1, 4] * 2


@pytest.mark.parametrize("weighted", [False, True])
def test_validation_rows_are_measured_as_alone(
    torch_engine: Engine,
    weighted: bool,
    only_as_one: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After epochs of each member's own; on rows of its own, of several counts, or none."""
    rows, other = make_rows(np.float64, weighted), make_rows(np.float64)
    data = [rows.select(slice(k, 50 + k)) for k in range(6)]
    validation = [*(rows.select(np.arange(k, 60, 6)[k // 3 :]) for k in range(4)), other, None]
    blocks = [
        replace(block, validated=np.arange(8) % (m + 1) == m if m < 5 else None)
        for m, block in enumerate(make_blocks(data))
    ]

    def make() -> list[Session]:
        return make_sessions(torch_engine, data, dropout=0.2, validation=validation)

    for room in (stack.MEASURED_BYTES, 20000):  # at once, and some at a time
        monkeypatch.setattr(stack, "MEASURED_BYTES", room)
        check_as_alone(torch_engine, make, blocks, 1e-10)
    assert only_as_one == [1, 1, 1, 1, 1, 1, 6] * 2
    found = torch_engine.advance_all(make(), blocks)
    for metrics, block in zip(found[:5], blocks, strict=False):
        assert np.array_equal(np.isfinite(metrics.validation_loss), block.validated)
    sparse = other._replace(X=scipy.sparse.csr_array(other.X))
    validation[0] = sparse
    check_as_alone(torch_engine, make, blocks, 1e-10)
    assert only_as_one[-2:] == [1, 5]


def test_blocks_may_be_of_several_lengths(torch_engine: Engine, only_as_one: list[int]) -> None:
    data = [make_rows(np.float64)] * 5
    blocks = [make_blocks(data, epochs)[m] for m, epochs in enumerate((8, 3, 5, 3, 1))]
    make = lambda: make_sessions(torch_engine, data, dropout=0.2)  # noqa: E731
    check_as_alone(torch_engine, make, blocks, 1e-10)
    assert only_as_one == [1, 1, 1, 1, 1, 5]


def test_what_differs_is_advanced_in_groups_in_any_order(
    torch_engine: Engine, only_as_one: list[int]
) -> None:
    """Of two widths, of few and many rows, sparse ones, and too large ones."""
    rows = make_rows(np.float64)
    sparse, other = rows._replace(X=scipy.sparse.csr_array(rows.X)), make_rows(np.float64)
    data = [rows, rows.select(slice(0, 50)), sparse, other] * 4

    def make() -> list[Session]:
        found = make_sessions(torch_engine, data)
        wide = make_sessions(torch_engine, [rows] * 5, H=20)
        return [*found[:9], *wide, *found[9:]]

    blocks = make_blocks([*data[:9], *[rows] * 5, *data[9:]])
    check_as_alone(torch_engine, make, blocks, 1e-10)
    assert sorted(only_as_one[len(blocks) :]) == [1, 1, 1, 1, 4, 4, 4, 5]


def test_a_block_of_another_kind_is_another_group(
    torch_engine: Engine, only_as_one: list[int]
) -> None:
    """Without a penalty, in stored order, on some of the rows, of another size of batches."""
    data = [make_rows(np.float64)] * 4
    ordered, plain, larger = (
        make_blocks(data),
        make_blocks(data, ordered=False),
        make_blocks(data, size=20),
    )
    some = [replace(block, order=block.order[:, :50]) for block in ordered]
    free = [replace(block, l2=0 * block.l2) for block in ordered]
    blocks = [*ordered, *plain, *larger, *some, *free]
    check_as_alone(torch_engine, lambda: make_sessions(torch_engine, data * 5), blocks, 1e-10)
    assert only_as_one[20:] == [4] * 5


def test_a_group_is_of_one_objective(torch_engine: Engine, only_as_one: list[int]) -> None:
    data = [make_rows(np.float64)] * 4
    make = lambda: [  # noqa: E731
        *make_sessions(torch_engine, data, first_class_fixed=True, loss_cap=0.7),
        *make_sessions(torch_engine, data, loss_cap=0.7),
        *make_sessions(torch_engine, data, dropout=0.4, alpha=2.0),
        *make_sessions(torch_engine, data, "sgd"),
    ]
    check_as_alone(torch_engine, make, make_blocks(data * 4), 1e-10)
    assert only_as_one[16:] == [4] * 4


@pytest.mark.parametrize("kind", ["few", "large", "long"])
def test_where_nothing_is_gained_sessions_are_advanced_alone(
    torch_engine: Engine, kind: str, only_as_one: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = [make_rows(np.float64)] * (3 if kind == "few" else 6)
    if kind != "few":
        limits = groups.CPU._replace(**{"large": {"products": 1e3}, "long": {"bytes": 1e4}}[kind])
        monkeypatch.setattr(torch_engine, "_limits", limits)
    check_as_alone(torch_engine, lambda: make_sessions(torch_engine, data), make_blocks(data), 0)
    assert set(only_as_one) == {1}


def test_a_large_group_is_divided_evenly(
    torch_engine: Engine, only_as_one: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = [make_rows(np.float64)] * 11
    monkeypatch.setattr(torch_engine, "_limits", groups.CPU._replace(members=5))
    torch_engine.advance_all(make_sessions(torch_engine, data), make_blocks(data))
    assert only_as_one == [4, 4, 3]


def test_the_same_call_has_the_same_bits_and_goes_on_alone(torch_engine: Engine) -> None:
    data = [make_rows(weighted=True)] * 6
    blocks = make_blocks(data)
    first, second = (make_sessions(torch_engine, data, dropout=0.3) for _ in range(2))
    for _ in range(2):
        for a, b in zip(
            *(torch_engine.advance_all(s, blocks) for s in (first, second)), strict=True
        ):
            for figures, again in zip(a, b, strict=True):
                check_close(figures, again, 0)
    for one, other, block in zip(first, second, blocks, strict=True):
        check_states(one, other, 0)
        state = one.state()
        one.advance(block)
        other.restore(state)
        other.advance(block)
        check_states(one, other, 0)


def test_a_member_that_diverges_leaves_the_others_as_they_are(torch_engine: Engine) -> None:
    data = [make_rows(np.float64)] * 6
    blocks = make_blocks(data)
    for m, epoch in ((1, 3), (2, 3), (4, 5)):
        blocks[m].learning_rate[epoch:] = 1e200
    make = lambda: make_sessions(torch_engine, data, "sgd")  # noqa: E731
    found = torch_engine.advance_all(make(), blocks)
    lengths = [len(metrics.loss) for metrics in found]
    assert lengths[0] == lengths[3] == lengths[5] == 8
    assert lengths[1] == lengths[2] < lengths[4] < 8
    check_as_alone(torch_engine, make, blocks, 1e-10)


def test_rows_of_any_kind_are_advanced_as_one(torch_engine: Engine, only_as_one: list[int]) -> None:
    """Bytes, read-only rows, columns first."""
    rows = make_rows(np.float64)
    frozen = np.array(rows.X)
    frozen.setflags(write=False)
    for X in (rows.X.astype(np.uint8), frozen, np.asfortranarray(rows.X)):
        data = [rows._replace(X=X)] * 4
        make = lambda data=data: make_sessions(torch_engine, data)  # noqa: E731
        check_as_alone(torch_engine, make, make_blocks(data), 1e-5)
    assert only_as_one == [1, 1, 1, 1, 4] * 3


def test_rows_are_on_the_device_once(torch_engine: Engine) -> None:
    shared = SharedArrays()
    copies = []

    def put(array: np.ndarray) -> object:
        copies.append(array.shape)
        return torch_engine.put(array.copy())

    X = np.ones((3, 2))
    first = shared.put(X, put)
    assert shared.put(X, put) is first and copies == [(3, 2)]
    assert shared.put(X[:2], put).shape == (2, 2)  # of other memory than the next, or of the same
    assert shared.put(np.zeros((2, 2)), put).sum() == 0
    del first
    X[:] = 5
    assert shared.put(X, put).sum() == 30


@pytest.mark.parametrize("name", ["reference", "fused", "torch"])
def test_every_engine_advances_several_sessions(name: str) -> None:
    engine, data = make_engine(name), [make_rows(np.float64)] * 4
    tolerance = 1e-10 if name == "torch" else 0
    check_as_alone(engine, lambda: make_sessions(engine, data), make_blocks(data), tolerance)
    assert engine.advance_all([], []) == []
    sessions, blocks = make_sessions(engine, data), make_blocks(data)
    for wrong, said in ((blocks[1:], "3 blocks are given for 4"), (None, "the blocks are a None")):
        with pytest.raises(InputError, match=said):
            engine.advance_all(sessions, wrong)


def test_what_does_not_fit_is_said_before_anything_is_advanced(torch_engine: Engine) -> None:
    data = [make_rows(np.float64)] * 4
    blocks = make_blocks(data)
    sessions = make_sessions(torch_engine, data, "sgd")
    before = [session.state() for session in sessions]
    beyond = replace(blocks[3], order=blocks[3].order + 1)
    for some, theirs, said in (
        (sessions, blocks[:3], "3 blocks are given for 4 sessions"),
        ([*sessions[:3], sessions[0]], blocks, "a session is given twice"),
        (sessions, [*blocks[:3], beyond], "has row numbers from 1 to 60"),
        (sessions, [*blocks[:3], None], "the block is a NoneType"),
        ([*sessions[:3], started(torch_engine, before[0].params, data[0], None)], blocks,
         "the session has no optimizer"),
        (make_sessions(make_engine("reference"), data), blocks, "no session of this engine"),
        (sessions, iter(blocks), "the blocks are a list_iterator; expected a list"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=said):
            torch_engine.advance_all(some, theirs)
    for session, state in zip(sessions, before, strict=True):
        assert all(map(np.array_equal, session.state().params, state.params))
