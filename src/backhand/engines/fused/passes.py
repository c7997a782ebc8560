"""A block of updates as one compiled call: the loops over epochs, batches and chunks of rows.

Any number of threads are in `passes` at once, each with its own number. They share the rows of a
chunk in the forward half and the hidden units in the backward half, and meet after each. So every
number comes from the same operations in the same order, however many they are.
"""

from __future__ import annotations

from typing import NamedTuple

from backhand.engines.fused.halves import STRIP, backward, forward
from backhand.engines.fused.ir import (
    Code,
    Doubles,
    Integer,
    Integers,
    Real,
    Reals,
    Value,
    Variable,
)  # fmt: skip
from backhand.engines.fused.layout import Layout
from backhand.engines.fused.meeting import meet
from backhand.engines.fused.memory import Chunk, Network
from backhand.engines.fused.rows import Rows, load_rows
from backhand.engines.fused.softmax import softmax, softmax_and_loss
from backhand.engines.fused.sums import totals
from backhand.engines.fused.updates import NO_RULE, Step, copy_panels

TRAIN, MEASURE, PREDICT = range(3)

ABANDONED, DONE = 1, 2
"""Places in `Job.sync`; meetings are counted in the first."""


class Plan(NamedTuple):
    """What `contract.Block` says, and the rule.

    Rates and l2s are (epochs, batches); the order is (epochs, N), and of no account unless
    `ordered`. Rates have Adam's correction in them.
    """

    batch: Integer
    epochs: Integer
    batches: Integer
    rates: Doubles
    l2s: Doubles
    order: Integers
    ordered: Integer
    rule: Integer
    a: Real
    b: Real
    epsilon: Real


class Job(NamedTuple):
    """All that `passes` works with.

    `record` (2, epochs) gets the loss and the accuracy of each epoch; the first loss that is not
    finite is the last. P (N, K) gets probabilities.
    """

    what: Integer
    threads: Integer
    sync: Integers
    net: Layout
    network: Network
    rows: Rows
    chunk: Chunk
    plan: Plan
    P: Reals
    record: Doubles


class _Sums(NamedTuple):
    """Of an epoch: Σ w · loss, Σ w · hit, Σ w; and Σ w of a batch. In float64."""

    losses: Variable
    hits: Variable
    masses: Variable
    mass: Variable


def passes(code: Code, job: Job, me: Value) -> None:
    """Train, measure or predict: what thread `me` does of it."""
    plan, zero = job.plan, code.double(0.0)
    sums = _Sums(*(code.variable(zero) for _ in _Sums._fields))
    loaded = code.variable(code.integer(0))
    epoch, epochs = code.variable(code.integer(0)), code.variable(plan.epochs)
    with code.repeat_while(lambda: epoch.get() < epochs.get()):
        for variable in sums:
            variable.set(zero)
        with code.loop(plan.batches) as j:
            _batch(code, job, me, epoch.get(), j, sums, loaded)
        loss, accuracy = (x.get() / sums.masses.get() for x in (sums.losses, sums.hits))
        with code.when(me.equals(0)):
            code.store(loss, job.record, epoch.get())
            code.store(accuracy, job.record, plan.epochs + epoch.get())
            code.store(epoch.get() + 1, job.sync, DONE)
        epoch.set(epoch.get() + 1)
        finite = (loss - loss).equals(0.0)
        epochs.set(code.select(finite, epochs.get(), epoch.get()))
        given_up = code.load_atomically(code.at(job.sync, ABANDONED)) > 0
        epochs.set(code.select(given_up, epoch.get(), epochs.get()))


def _batch(
    code: Code, job: Job, me: Value, epoch: Value, j: Value, sums: _Sums, loaded: Variable
) -> None:
    """One batch: its chunks, and after the last the update."""
    plan, chunk = job.plan, job.chunk
    first = j * plan.batch
    size = code.smaller(job.rows.count - first, plan.batch)
    pieces = (size + (chunk.rows - 1)) // chunk.rows
    only = plan.batches.equals(1) & pieces.equals(1) & plan.ordered.equals(0)
    l2 = code.load_one(plan.l2s, epoch * plan.batches + j)
    sums.mass.set(code.double(0.0))
    with code.loop(pieces) as piece:
        begin = size * piece // pieces
        count = size * (piece + 1) // pieces - begin
        with code.when(loaded.get().equals(0)):
            order = code.at(plan.order, epoch * job.rows.count * plan.ordered)
            low, high = _share(code, count, me, job.threads)
            load_rows(code, chunk, job.rows, job.net.d, order, plan.ordered, first + begin, count,
                      low, high)  # fmt: skip
            loaded.set(code.select(only, 1, 0))
        _forward(code, job, me, first + begin, count, sums)
        with code.when(job.what.equals(TRAIN)):
            rate = code.load_one(plan.rates, epoch * plan.batches + j)
            last = (piece + 1).equals(pieces)
            mass = sums.mass.get()
            scale = code.select(mass > 0.0, 1.0 / mass, code.double(0.0))
            step = Step(code.select(last, plan.rule, NO_RULE), scale, l2, rate, *plan[-3:])
            _backward(code, job, me, count, piece > 0, step)
        with code.when(job.what < PREDICT):
            meet(code, job.sync, job.threads)
    sums.masses.set(sums.masses.get() + sums.mass.get())
    with code.when(job.what.equals(TRAIN) & (l2 > 0.0)):
        penalty = sums.mass.get() * l2 * 0.5 * _squares(code, job)
        sums.losses.set(sums.losses.get() + penalty)


def _share(code: Code, count: Value, me: Value, threads: Value) -> tuple[Value, Value]:
    """The rows of `count` that are this thread's: whole blocks, the last one filled up."""
    block = code.tile.block
    blocks = (count + (block - 1)) // block
    return blocks * me // threads * block, blocks * (me + 1) // threads * block


def _forward(code: Code, job: Job, me: Value, begin: Value, count: Value, sums: _Sums) -> None:
    """Forward for this thread's rows; then the probabilities, or dS and the sums of all rows."""
    net, chunk = job.net, job.chunk
    low, high = _share(code, count, me, job.threads)
    forward(code, net, job.network.theta, chunk, low, high)
    with code.when(job.what.equals(PREDICT)):
        softmax(code, chunk.S, chunk.s_column, low, high, net.K, job.P, begin, count)
    with code.when(job.what < PREDICT):
        softmax_and_loss(code, chunk.S, chunk.s_column, chunk.labels, chunk.weights, low, high,
                         net.K, chunk.figures, chunk.rows)  # fmt: skip
        with code.when(job.threads > 1):
            W2 = code.at(job.network.theta, net.W2)
            share = (net.panels * n // job.threads for n in (me, me + 1))
            copy_panels(code, chunk.W2, W2, *share, net.K * net.width, net.panel)
        meet(code, job.sync, job.threads)
        mine = code.at(chunk.sums, me * 8)
        padded = _share(code, count, code.integer(0), code.integer(1))[1]
        totals(code, chunk.figures, 3, padded, chunk.rows, mine)
        for place, total in enumerate((sums.losses, sums.hits, sums.mass)):
            total.set(total.get() + code.load_one(mine, place))


def _backward(code: Code, job: Job, me: Value, count: Value, add: Value, step: Step) -> None:
    """Backward for this thread's hidden units, from the W2 that no other thread has updated."""
    net, chunk = job.net, job.chunk
    shared = job.threads > 1
    W2 = code.select(shared, chunk.W2, code.at(job.network.theta, net.W2))
    w2_panel = code.select(shared, net.K * net.width, net.panel)
    backward(code, net, job.network, chunk, count, add, W2, w2_panel, step, me, job.threads)


def _squares(code: Code, job: Job) -> Value:
    """‖W1‖² + ‖W2‖² as it was before the update."""
    total = code.variable(code.double(0.0))
    with code.loop(job.net.panels * ((job.net.d + STRIP) // STRIP + 1)) as unit:
        total.set(total.get() + code.load_one(job.chunk.squares, unit))
    return total.get()
