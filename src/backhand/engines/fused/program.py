"""A block of updates as one compiled call: the loops over epochs, batches and chunks of rows.

Any number of threads are in `passes` at once, each with its own number. They share the hidden
units, which are in parts whose number has nothing to do with theirs: each does some, whichever it
gets to. The softmax they share by rows, and meet before and after it. So every number comes from
the same operations in the same order, however many threads there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from backhand.engines.fused.barrier import meet
from backhand.engines.fused.buffers import Chunk, Network, own
from backhand.engines.fused.kernels.dropout import Draw, Dropout, draw_of
from backhand.engines.fused.kernels.gather import DENSE, Picked, Rows, load_labels, load_rows
from backhand.engines.fused.kernels.optimizers import NO_RULE, Step, update
from backhand.engines.fused.kernels.reductions import column_sums, totals
from backhand.engines.fused.kernels.softmax import add_parts, softmax_and_loss
from backhand.engines.fused.kernels.spmm import load_entries
from backhand.engines.fused.llvm.abi import Doubles, Integer, Integers, Real, tiny_numbers_as_zero
from backhand.engines.fused.llvm.builder import Code, Value, Variable
from backhand.engines.fused.packing import Layout
from backhand.engines.fused.steps import Backward, backward, forward

TRAIN, MEASURE = range(2)

MEETINGS, DONE = 0, 1
"""Places in `Job.sync`: of the count of meetings, and of the number of epochs done."""


class Plan(NamedTuple):
    """What `contract.Block` says, and the rule.

    An epoch visits so many `rows`. Rates and l2s are (epochs, batches); the order is (epochs,
    rows), and of no account unless `ordered`. Rates have Adam's correction in them.
    """

    batch: Integer
    rows: Integer
    epochs: Integer
    batches: Integer
    rates: Doubles
    l2s: Doubles
    order: Integers
    ordered: Integer
    dropout: Dropout
    most_loss: Real
    held: Integer
    rule: Integer
    a: Real
    b: Real
    epsilon: Real


class Job(NamedTuple):
    """All that `passes` works with.

    `record` (2, epochs) gets the loss and the accuracy of each epoch; the first loss that is not
    finite is the last.
    """

    what: Integer
    sync: Integers
    net: Layout
    network: Network
    rows: Rows
    chunk: Chunk
    plan: Plan
    record: Doubles


class _Sums(NamedTuple):
    """Of an epoch: Σ w · loss, Σ w · hit, Σ w; and Σ w of a batch. In float64."""

    losses: Variable
    hits: Variable
    masses: Variable
    mass: Variable


def passes(code: Code, job: Job, me: Value) -> None:
    """Train or measure: what thread `me` does of it."""
    with tiny_numbers_as_zero(code):
        _epochs(code, job, me)


class Apply(NamedTuple):
    """One update with the gradient that is in the network's buffer, dθ, by `step`."""

    net: Layout
    network: Network
    held: Integer
    step: Step


def apply_gradient(code: Code, args: Apply, _: Value) -> None:
    """Update all parameters by the gradient, one thread for all."""
    net, network, held, step = args
    with tiny_numbers_as_zero(code):
        with code.loop(net.panels) as p:
            panel = p * net.panel
            W2 = panel + net.W2
            update(code, network, panel, W2, step)
            update(code, network, W2 + held * net.width, panel + net.panel, step)
        update(code, network, net.b2, net.size, step)


def _epochs(code: Code, job: Job, me: Value) -> None:
    plan, zero = job.plan, code.double(0.0)
    job = job._replace(chunk=own(code, job.chunk, job.net.d, job.net.width, me))
    sums = _Sums(*(code.variable(zero) for _ in _Sums._fields))
    loaded, half = code.variable(code.integer(0)), code.variable(code.integer(0))
    epoch, epochs = code.variable(code.integer(0)), code.variable(plan.epochs)
    with code.repeat_while(lambda: epoch.get() < epochs.get()):
        for variable in sums:
            variable.set(zero)
        with code.loop(plan.batches) as j:
            _batch(code, job, me, epoch.get(), j, sums, loaded, half)
        loss, accuracy = (x.get() / sums.masses.get() for x in (sums.losses, sums.hits))
        with code.when(me.equals(0)):
            code.store(loss, job.record, epoch.get())
            code.store(accuracy, job.record, plan.epochs + epoch.get())
            code.store(epoch.get() + 1, job.sync, DONE)
        epoch.set(epoch.get() + 1)
        finite = (loss - loss).equals(0.0)
        epochs.set(code.select(finite, epochs.get(), epoch.get()))


def _batch(
    code: Code, job: Job, me: Value, epoch: Value, j: Value, sums: _Sums, loaded: Variable,
    half: Variable,
) -> None:  # fmt: skip
    """One batch: its chunks, and with the last one the update."""
    plan, chunk = job.plan, job.chunk
    first = j * plan.batch
    size = code.smaller(plan.rows - first, plan.batch)
    pieces = (size + (chunk.rows - 1)) // chunk.rows
    only = plan.batches.equals(1) & pieces.equals(1) & plan.ordered.equals(0)
    at = epoch * plan.batches + j
    l2, eta = code.load_one(plan.l2s, at), code.load_one(plan.rates, at)
    sums.mass.set(code.double(0.0))
    with code.loop(pieces) as piece:
        begin = size * piece // pieces
        count = size * (piece + 1) // pieces - begin
        padded = (count + (code.tile.block - 1)) // code.tile.block * code.tile.block
        with code.when(loaded.get().equals(0)):
            order = code.at(plan.order, epoch * plan.rows * plan.ordered)
            _load(code, job, Picked(order, plan.ordered, first + begin, count, padded))
            loaded.set(code.select(only, 1, 0))
        draw = draw_of(code, plan.dropout, at, begin)
        _forward(code, job, me, padded, draw, half)
        meet(code, code.at(job.sync, MEETINGS), job.chunk.threads)
        _softmax(code, job, me, padded)
        meet(code, code.at(job.sync, MEETINGS), job.chunk.threads)
        _add_up(code, job, padded, sums)
        with code.when(job.what.equals(TRAIN)):
            mass, last = sums.mass.get(), (piece + 1).equals(pieces)
            scale = code.select(mass > 0.0, 1.0 / mass, code.double(0.0))
            step = Step(code.select(last, plan.rule, NO_RULE), scale, l2, eta, *plan[-3:])
            _backward(code, job, me, count, padded, piece > 0, step, half)
    sums.masses.set(sums.masses.get() + sums.mass.get())
    with code.when(job.what.equals(TRAIN) & (l2 > 0.0)):
        meet(code, code.at(job.sync, MEETINGS), job.chunk.threads)
        penalty = sums.mass.get() * l2 * 0.5 * _squares(code, job)
        sums.losses.set(sums.losses.get() + penalty)


def _load(code: Code, job: Job, picked: Picked) -> None:
    chunk, X = job.chunk, job.rows.X
    load_labels(code, chunk, job.rows, picked)
    with code.when(X.index.equals(DENSE)):
        load_rows(code, chunk, X, picked, job.net.d)
    with code.when(X.index > DENSE):
        load_entries(code, chunk.entries, X, picked, job.net.d)


@contextmanager
def _parts(code: Code, job: Job, me: Value, half: Variable) -> Iterator[Value]:
    """Loop over the parts of the hidden units that this thread does of this half of a step.

    It begins with those that it always does, which its cache knows, and goes on with those that a
    slower thread has not begun. A part's claim counts: one more when it is begun, and when it is
    done. So no half begins a part that the one before it has not left, and none is left out: who
    is at a part when others pass by comes to it again in its own next half.
    """
    parts, now = job.chunk.parts, half.get()
    first = parts * me // job.chunk.threads
    with code.loop(parts + first, start=first) as n:
        part = code.select(n < parts, n, n - parts)
        claim = code.at(job.chunk.claimed, part)
        with (
            code.when(code.load_atomically(claim).equals(now)),
            code.when(code.exchange_atomically(claim, now, now + 1)),
        ):
            yield part
            code.store_atomically(now + 2, claim)
    half.set(now + 2)


def _forward(code: Code, job: Job, me: Value, padded: Value, draw: Draw, half: Variable) -> None:
    with _parts(code, job, me, half) as part:
        forward(code, job.net, job.network.theta, job.chunk, padded, draw, part)


def _softmax(code: Code, job: Job, me: Value, padded: Value) -> None:
    """Of this thread's rows: dS, and what goes into loss and accuracy."""
    net, chunk = job.net, job.chunk
    blocks = padded // code.tile.block
    low, high = (blocks * n // job.chunk.threads * code.tile.block for n in (me, me + 1))
    b2 = code.at(job.network.theta, net.b2)
    add_parts(code, chunk.S, chunk.s_column, chunk.parts, b2, low, high, net.K)
    softmax_and_loss(code, chunk.S, chunk.s_column, chunk.labels, chunk.weights, low, high,
                     net.K, job.plan.most_loss, chunk.figures, chunk.rows)  # fmt: skip


def _add_up(code: Code, job: Job, padded: Value, sums: _Sums) -> None:
    """Add the chunk's losses, hits and weights, which every thread does for itself."""
    mine = job.chunk.sums
    totals(code, job.chunk.figures, 3, padded, job.chunk.rows, mine)
    for place, total in enumerate((sums.losses, sums.hits, sums.mass)):
        total.set(total.get() + code.load_one(mine, place))


def _backward(
    code: Code, job: Job, me: Value, count: Value, padded: Value, add: Value, step: Step,
    half: Variable,
) -> None:  # fmt: skip
    net, network, chunk = job.net, job.network, job.chunk
    work = Backward(net, network, chunk, count, add, job.plan.dropout.scale, job.plan.held, step)
    with _parts(code, job, me, half) as part:
        backward(code, work, part)
    with code.when((me + 1).equals(job.chunk.threads)):  # db2 = 1ᵀ dS
        db2 = code.at(network.gradient, net.b2)
        column_sums(code, chunk.S, chunk.s_column, padded, net.K, db2, add)
        with code.when(job.plan.held > 0):
            code.store(code.real(0.0), db2)
        update(code, network, net.b2, net.size, step._replace(l2=code.double(0.0)))


def _squares(code: Code, job: Job) -> Value:
    """‖W1‖² + ‖W2‖² as it was before the update."""
    total = code.variable(code.double(0.0))
    with code.loop(job.net.panels) as p:
        total.set(total.get() + code.load_one(job.chunk.squares, p))
    return total.get()
