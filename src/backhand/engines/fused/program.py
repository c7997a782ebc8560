"""A block of updates as one compiled call: the loops over epochs, batches and chunks of rows.

Every thread runs `train_program`, each with its own number. They share the hidden units, which are
cut into parts whose number does not depend on theirs: each does some, as it gets to them. They
share the softmax by rows, with a barrier before and after it. So every number comes from the same
operations in the same order, whatever the number of threads.

A function here writes LLVM code, once; its arguments are values of the compiled program. Sizes: N
rows, d features, H hidden units, K classes; E epochs of B batches; a chunk has `rows` rows.
"""

from __future__ import annotations

from typing import NamedTuple

from backhand.engines.fused.buffers import Chunk, ParameterBuffers, thread_view
from backhand.engines.fused.kernels.dropout import Draw, Dropout, draw_of
from backhand.engines.fused.kernels.gather import DENSE, Picked, Rows, load_labels, load_rows
from backhand.engines.fused.kernels.optimizers import NO_RULE, Step, update
from backhand.engines.fused.kernels.reductions import column_sums, totals
from backhand.engines.fused.kernels.softmax import add_parts, softmax_and_loss
from backhand.engines.fused.kernels.spmm import load_entries
from backhand.engines.fused.llvm.abi import Doubles, Integer, Integers, Real
from backhand.engines.fused.llvm.builder import Code, Value, Variable, flush_subnormals
from backhand.engines.fused.packing import Layout
from backhand.engines.fused.steps import Backward, backward, forward
from backhand.engines.fused.threads import barrier, claim_parts

TRAIN, MEASURE = range(2)
"""Modes: forward and backward pass, or the forward pass alone."""

ARRIVALS, DONE = 0, 1
"""Positions in `ProgramArgs.sync`: arrivals at barriers, and epochs done."""


class BlockArgs(NamedTuple):
    """`batching.FlatBlock`, then what the objective and the optimizer add to it.

    Attributes
    ----------
    batch : int
        Rows per batch.
    rows, epochs, batches : int
        Rows that an epoch visits, E and B.
    rates, l2s : (E, B)
        ηₜ, with Adam's bias correction, and λ.
    order : (E, rows)
        Read only if `ordered`.
    dropout : Dropout
    loss_cap : float
        A row's loss counts at most this in the metrics.
    class_fixed : int
        1 if W2[:, 0] and b2[0] stay as they are, else 0.
    rule : int
        One of `kernels.optimizers`.
    a, b, epsilon : float
        The rule's constants: μ, or β₁, β₂ and ε.
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
    loss_cap: Real
    class_fixed: Integer
    rule: Integer
    a: Real
    b: Real
    epsilon: Real


class ProgramArgs(NamedTuple):
    """All arguments of `train_program` but the number of the thread.

    `metrics` (2, E) receives the loss and the accuracy of each epoch, up to the first loss that is
    not finite. `sync` (8,) holds the counters that the threads share.
    """

    mode: Integer
    sync: Integers
    net: Layout
    buffers: ParameterBuffers
    rows: Rows
    chunk: Chunk
    block: BlockArgs
    metrics: Doubles


class _Sums(NamedTuple):
    """Sums of an epoch, Σ w · loss, Σ w · hit and Σ w, and Σ w of a batch; in float64."""

    losses: Variable
    hits: Variable
    weights: Variable
    batch_weight: Variable


def train_program(code: Code, args: ProgramArgs, me: Value) -> None:
    """Train or measure: the share of thread `me`."""
    with flush_subnormals(code):
        _epochs(code, args, me)


class ApplyArgs(NamedTuple):
    """The arguments of `apply_gradient`: the gradient is dθ, in `buffers`."""

    net: Layout
    buffers: ParameterBuffers
    class_fixed: Integer
    step: Step


def apply_gradient(code: Code, args: ApplyArgs, _: Value) -> None:
    """Update all parameters with a given gradient, in one thread."""
    net, buffers, class_fixed, step = args
    with flush_subnormals(code):
        with code.loop(net.panels) as p:
            panel = p * net.panel
            W2 = panel + net.W2
            update(code, buffers, panel, W2, step)
            update(code, buffers, W2 + class_fixed * net.width, panel + net.panel, step)
        update(code, buffers, net.b2, net.size, step)


def _epochs(code: Code, args: ProgramArgs, me: Value) -> None:
    """Do the epochs of the block, and end after the first whose loss is not finite."""
    block, zero = args.block, code.double(0.0)
    args = args._replace(chunk=thread_view(code, args.chunk, args.net.d, args.net.width, me))
    sums = _Sums(*(code.variable(zero) for _ in _Sums._fields))
    loaded, phase = code.variable(code.integer(0)), code.variable(code.integer(0))
    epoch, epochs = code.variable(code.integer(0)), code.variable(block.epochs)
    with code.while_(lambda: epoch.get() < epochs.get()):
        for variable in sums:
            variable.set(zero)
        with code.loop(block.batches) as j:
            _batch(code, args, me, epoch.get(), j, sums, loaded, phase)
        loss, accuracy = (x.get() / sums.weights.get() for x in (sums.losses, sums.hits))
        with code.if_(me.equals(0)):
            code.store(loss, args.metrics, epoch.get())
            code.store(accuracy, args.metrics, block.epochs + epoch.get())
            code.store(epoch.get() + 1, args.sync, DONE)
        epoch.set(epoch.get() + 1)
        finite = (loss - loss).equals(0.0)
        epochs.set(code.select(finite, epochs.get(), epoch.get()))


def _batch(
    code: Code, args: ProgramArgs, me: Value, epoch: Value, j: Value, sums: _Sums,
    loaded: Variable, phase: Variable,
) -> None:  # fmt: skip
    """Do batch j of the epoch: its chunks of rows in turn, and with the last one the update.

    `loaded` is 1 once the chunk is loaded that is the whole of every epoch: it is not loaded again.
    `phase` counts the passes whose parts of the hidden units are claimed: forward and backward.
    """
    block, chunk = args.block, args.chunk
    first = j * block.batch
    size = code.minimum(block.rows - first, block.batch)
    pieces = (size + (chunk.rows - 1)) // chunk.rows
    only = block.batches.equals(1) & pieces.equals(1) & block.ordered.equals(0)
    at = epoch * block.batches + j
    l2, eta = code.load_scalar(block.l2s, at), code.load_scalar(block.rates, at)
    sums.batch_weight.set(code.double(0.0))
    with code.loop(pieces) as piece:
        begin = size * piece // pieces
        count = size * (piece + 1) // pieces - begin
        padded = (count + (code.tile.block - 1)) // code.tile.block * code.tile.block
        # 1. Load rows, labels and weights.
        with code.if_(loaded.get().equals(0)):
            order = code.at(block.order, epoch * block.rows * block.ordered)
            here, selection = first + begin, args.rows.selection
            _load(code, args, Picked(order, block.ordered, here, count, padded, selection))
            loaded.set(code.select(only, 1, 0))
        # 2. Forward: H1, and what each part of the hidden units adds to S.
        draw = draw_of(code, block.dropout, at, begin)
        _forward(code, args, me, padded, draw, phase)
        # 3. Barrier: every part of S is complete.
        barrier(code, code.at(args.sync, ARRIVALS), args.chunk.threads)
        # 4. Softmax of this thread's rows: dS, and each row's loss and hit.
        _softmax(code, args, me, padded)
        # 5. Barrier: dS is complete.
        barrier(code, code.at(args.sync, ARRIVALS), args.chunk.threads)
        # 6. Sums over the rows: losses, hits and weights.
        _add_up(code, args, padded, sums)
        # 7. Backward, and with the last chunk the update.
        with code.if_(args.mode.equals(TRAIN)):
            weight, last = sums.batch_weight.get(), (piece + 1).equals(pieces)
            scale = code.select(weight > 0.0, 1.0 / weight, code.double(0.0))
            step = Step(code.select(last, block.rule, NO_RULE), scale, l2, eta, *block[-3:])
            _backward(code, args, me, count, padded, piece > 0, step, phase)
    sums.weights.set(sums.weights.get() + sums.batch_weight.get())
    # 8. The penalty, of the weights before the update, whose squares the backward pass added up.
    with code.if_(args.mode.equals(TRAIN) & (l2 > 0.0)):
        barrier(code, code.at(args.sync, ARRIVALS), args.chunk.threads)
        penalty = sums.batch_weight.get() * l2 * 0.5 * _squares(code, args)
        sums.losses.set(sums.losses.get() + penalty)


def _load(code: Code, args: ProgramArgs, picked: Picked) -> None:
    """Load X (rows, d), y (rows,) and w (rows,) into this thread's chunk."""
    chunk, X = args.chunk, args.rows.X
    load_labels(code, chunk, args.rows, picked)
    with code.if_(X.index.equals(DENSE)):
        load_rows(code, chunk, X, picked, args.net.d)
    with code.if_(X.index > DENSE):
        load_entries(code, chunk.entries, X, picked, args.net.d)


def _forward(
    code: Code, args: ProgramArgs, me: Value, padded: Value, draw: Draw, phase: Variable
) -> None:
    """H1 = max(0, X W1 + b1) ⊙ M and S = H1 W2, part by part."""
    chunk = args.chunk
    with claim_parts(code, chunk.claimed, chunk.parts, chunk.threads, me, phase) as part:
        forward(code, args.net, args.buffers.theta, chunk, padded, draw, part)


def _softmax(code: Code, args: ProgramArgs, me: Value, padded: Value) -> None:
    """S = Σ parts + b2 and dS = (P - Y) w of this thread's share of the rows."""
    net, chunk = args.net, args.chunk
    blocks = padded // code.tile.block
    low, high = (blocks * n // args.chunk.threads * code.tile.block for n in (me, me + 1))
    b2 = code.at(args.buffers.theta, net.b2)
    add_parts(code, chunk.S, chunk.s_column, chunk.parts, b2, low, high, net.K)
    softmax_and_loss(code, chunk.S, chunk.s_column, chunk.labels, chunk.weights, low, high,
                     net.K, args.block.loss_cap, chunk.figures, chunk.rows)  # fmt: skip


def _add_up(code: Code, args: ProgramArgs, padded: Value, sums: _Sums) -> None:
    """Add the chunk's losses, hits and weights; every thread computes the same sums."""
    mine = args.chunk.sums
    totals(code, args.chunk.figures, 3, padded, args.chunk.rows, mine)
    for place, total in enumerate((sums.losses, sums.hits, sums.batch_weight)):
        total.set(total.get() + code.load_scalar(mine, place))


def _backward(
    code: Code, args: ProgramArgs, me: Value, count: Value, padded: Value, add: Value, step: Step,
    phase: Variable,
) -> None:  # fmt: skip
    """dW2, dZ1, dW1 and db1 part by part; the last thread does db2."""
    net, buffers, chunk, block = args.net, args.buffers, args.chunk, args.block
    fixed = block.class_fixed
    work = Backward(net, buffers, chunk, count, add, block.dropout.scale, fixed, step)
    with claim_parts(code, chunk.claimed, chunk.parts, chunk.threads, me, phase) as part:
        backward(code, work, part)
    with code.if_((me + 1).equals(chunk.threads)):
        # Forward: S = H1 W2 + b2. Backward: db2 = 1ᵀ dS.
        db2 = code.at(buffers.gradient, net.b2)
        column_sums(code, chunk.S, chunk.s_column, padded, net.K, db2, add)
        with code.if_(fixed > 0):
            code.store(code.real(0.0), db2)
        update(code, buffers, net.b2, net.size, step._replace(l2=code.double(0.0)))


def _squares(code: Code, args: ProgramArgs) -> Value:
    """Return ‖W1‖² + ‖W2‖² of the weights before the update."""
    total = code.variable(code.double(0.0))
    with code.loop(args.net.panels) as p:
        total.set(total.get() + code.load_scalar(args.chunk.squares, p))
    return total.get()
