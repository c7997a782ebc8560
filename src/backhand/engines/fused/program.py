"""A block of updates as one compiled call: the loops over epochs, batches and chunks of rows.

Every thread runs `train_program`, each with its own number. They share the hidden units, which are
cut into parts whose number does not depend on theirs: each does some, as it gets to them. They
share the softmax by rows, with a barrier before and after it. So every number comes from the same
operations in the same order, whatever the number of threads.

A function here writes LLVM code, once; its arguments are values of the compiled program. Sizes: N
rows, d features, H hidden units, K classes; E epochs of B batches; a chunk has `rows` rows.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from backhand.engines.fused.bf16_steps import (
    backward_bf16,
    forward_bf16,
    round_dS,
    write_images,
)
from backhand.engines.fused.buffers import Chunk, ParameterBuffers, thread_view
from backhand.engines.fused.kernels.amx import configured_tiles
from backhand.engines.fused.kernels.bf16_gather import load_pairs
from backhand.engines.fused.kernels.dropout import Draw, Dropout, draw_of
from backhand.engines.fused.kernels.gather import DENSE, Picked, Rows, load_labels, load_rows
from backhand.engines.fused.kernels.optimizers import NO_RULE, Step, update
from backhand.engines.fused.kernels.reductions import column_sums, totals
from backhand.engines.fused.kernels.softmax import add_parts, softmax_and_loss
from backhand.engines.fused.kernels.spmm import load_entries
from backhand.engines.fused.llvm.abi import Doubles, Integer, Integers, Real
from backhand.engines.fused.llvm.builder import (
    Code,
    Value,
    Variable,
    flush_subnormals,
    rounded_up,
)
from backhand.engines.fused.packing import Layout
from backhand.engines.fused.steps import Backward, backward, forward
from backhand.engines.fused.threads import barrier, claim_parts

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
    validated : (E,)
        1 for each epoch after which the validation rows are measured.
    dropout : Dropout
    loss_cap : float
        A row's loss counts at most this in the metrics.
    class_fixed : int
        1 if W2[:, 0] and b2[0] stay as they are, else 0.
    summed : int
        1 if gradient and figures are sums over the rows, else 0: means over them.
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
    validated: Integers
    dropout: Dropout
    loss_cap: Real
    class_fixed: Integer
    summed: Integer
    rule: Integer
    a: Real
    b: Real
    epsilon: Real


class Side(NamedTuple):
    """Training or validation rows, and the chunk in which they are worked on."""

    rows: Rows
    chunk: Chunk


class ProgramArgs(NamedTuple):
    """All arguments of `train_program` but the number of the thread.

    `metrics` (4, E) receives loss and accuracy of each epoch, then those of the validation rows
    where they are measured, up to the first loss that is not finite; of sums, Σ w · loss, Σ w · hit
    and Σ w. `sync` (8,) holds the counters that the threads share. Both chunks are for the same
    number of threads.
    """

    sync: Integers
    net: Layout
    buffers: ParameterBuffers
    training: Side
    validation: Side
    block: BlockArgs
    metrics: Doubles


class _Mine(NamedTuple):
    """A side, as one thread works on it.

    Attributes
    ----------
    rows : Rows
    chunk : Chunk
        With the thread's own buffers.
    loaded : Variable
        1 once the chunk is loaded that is the whole of every epoch: it is not loaded again.
    phase : Variable
        Counts the passes whose parts of the hidden units are claimed: forward and backward.
    """

    rows: Rows
    chunk: Chunk
    loaded: Variable
    phase: Variable


class _Sums(NamedTuple):
    """Sums of an epoch, Σ w · loss, Σ w · hit and Σ w, and Σ w of a batch; in float64."""

    losses: Variable
    hits: Variable
    weights: Variable
    batch_weight: Variable

    def clear(self, zero: Value) -> None:
        for variable in self:
            variable.set(zero)


def train_program(code: Code, args: ProgramArgs, me: Value) -> None:
    """Train or measure: the share of thread `me`."""
    with flush_subnormals(code), configured_tiles(code):
        if code.precision.rounds_to_bf16:
            _round_parameters(code, args, me)
        _epochs(code, args, me)


def _round_parameters(code: Code, args: ProgramArgs, me: Value) -> None:
    """The image of the parameters: this thread's share of the panels, then wait for the others."""
    panels, threads = args.net.panels, args.training.chunk.threads
    first, last = (panels * n // threads for n in (me, me + 1))
    write_images(code, args.net, args.buffers, first, last)
    barrier(code, code.at(args.sync, ARRIVALS), threads)


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
    training, validation = (
        _Mine(side.rows, thread_view(code, side.chunk, args.net.d, args.net.width, me),
              code.variable(code.integer(0)), code.variable(code.integer(0)))
        for side in (args.training, args.validation)
    )  # fmt: skip
    sums = _Sums(*(code.variable(zero) for _ in _Sums._fields))
    epoch, epochs = code.variable(code.integer(0)), code.variable(block.epochs)

    def record(first: int) -> Value:
        divisor = code.select(block.summed > 0, code.double(1.0), sums.weights.get())
        loss, accuracy = (x.get() / divisor for x in (sums.losses, sums.hits))
        with code.if_(me.equals(0)):
            code.store(loss, args.metrics, block.epochs * first + epoch.get())
            code.store(accuracy, args.metrics, block.epochs * (first + 1) + epoch.get())
        return loss

    with code.while_(lambda: epoch.get() < epochs.get()):
        sums.clear(zero)
        with code.loop(block.batches) as j:
            _batch(code, args, me, training, epoch.get(), j, sums)
        loss = record(0)
        with code.if_((block.summed > 0) & me.equals(0)):
            code.store(sums.weights.get(), args.metrics, block.epochs * 2 + epoch.get())
        with code.if_(code.load_scalar(block.validated, epoch.get()) > 0):
            sums.clear(zero)
            _validate(code, args, me, validation, sums)
            record(2)
        epoch.set(epoch.get() + 1)
        with code.if_(me.equals(0)):
            code.store(epoch.get(), args.sync, DONE)
        finite = (loss - loss).equals(0.0)
        epochs.set(code.select(finite, epochs.get(), epoch.get()))


def _batch(
    code: Code, args: ProgramArgs, me: Value, mine: _Mine, epoch: Value, j: Value, sums: _Sums
) -> None:
    """Do batch j of the epoch: its chunks of rows in turn, and with the last one the update."""
    block, chunk = args.block, mine.chunk
    first = j * block.batch
    size = code.minimum(block.rows - first, block.batch)
    pieces = (size + (chunk.rows - 1)) // chunk.rows
    only = block.batches.equals(1) & pieces.equals(1) & block.ordered.equals(0)
    at = epoch * block.batches + j
    l2, eta = code.load_scalar(block.l2s, at), code.load_scalar(block.rates, at)
    order = code.at(block.order, epoch * block.rows * block.ordered)
    sums.batch_weight.set(code.double(0.0))
    with code.loop(pieces) as piece:
        begin, count, padded = _cut(code, size, piece, pieces)
        here = Picked(order, block.ordered, first + begin, count, padded, mine.rows.selection)
        draw = draw_of(code, block.dropout, at, begin)
        _forward(code, args, me, mine, here, only, draw, block.loss_cap, sums)
        # 7. Backward, and with the last chunk the update.
        weight, last = sums.batch_weight.get(), (piece + 1).equals(pieces)
        scale = code.select(weight > 0.0, 1.0 / weight, code.double(0.0))
        scale = code.select(block.summed > 0, code.double(1.0), scale)
        step = Step(code.select(last, block.rule, NO_RULE), scale, l2, eta, *block[-3:])
        _backward(code, args, me, mine, count, padded, piece > 0, step)
    sums.weights.set(sums.weights.get() + sums.batch_weight.get())
    # 8. The penalty, of the weights before the update, whose squares the backward pass added up.
    with code.if_(l2 > 0.0):
        barrier(code, code.at(args.sync, ARRIVALS), chunk.threads)
        penalty = sums.batch_weight.get() * l2 * 0.5 * _squares(code, args.net, chunk)
        sums.losses.set(sums.losses.get() + penalty)


def _validate(code: Code, args: ProgramArgs, me: Value, mine: _Mine, sums: _Sums) -> None:
    """Measure the validation rows as one batch, without dropout and penalty."""
    # All parts are updated. (Those of this chunk may be others than those of the training rows'.)
    barrier(code, code.at(args.sync, ARRIVALS), mine.chunk.threads)
    size, in_order = mine.rows.count, code.integer(0)
    pieces = (size + (mine.chunk.rows - 1)) // mine.chunk.rows
    no_draw = Draw(code.integer(0), code.integer(0), code.integer(0), code.double(1.0))
    with code.loop(pieces) as piece:
        begin, count, padded = _cut(code, size, piece, pieces)
        here = Picked(args.block.order, in_order, begin, count, padded, mine.rows.selection)
        uncapped = code.double(math.inf)
        _forward(code, args, me, mine, here, pieces.equals(1), no_draw, uncapped, sums)
    sums.weights.set(sums.batch_weight.get())


def _cut(code: Code, size: Value, piece: Value, pieces: Value) -> tuple[Value, Value, Value]:
    """Where a chunk of a batch begins, its number of rows, and that number in whole blocks."""
    begin = size * piece // pieces
    count = size * (piece + 1) // pieces - begin
    return begin, count, rounded_up(count, code.precision.block)


def _forward(
    code: Code, args: ProgramArgs, me: Value, mine: _Mine, picked: Picked, only: Value, draw: Draw,
    loss_cap: Value, sums: _Sums,
) -> None:  # fmt: skip
    """The forward pass of a chunk: dS, and what its rows add to the sums.

    `only` says that the chunk is the whole of every epoch.
    """
    chunk, padded = mine.chunk, picked.padded
    # 1. Load rows, labels and weights.
    with code.if_(mine.loaded.get().equals(0)):
        _load(code, args.net.d, mine, picked)
        mine.loaded.set(code.select(only, 1, 0))
    # 2. Forward: H1 = max(0, X W1 + b1) ⊙ M, and what each part of the hidden units adds to S.
    with claim_parts(code, chunk.claimed, chunk.parts, chunk.threads, me, mine.phase) as part:
        if code.precision.rounds_to_bf16:
            forward_bf16(code, args.net, args.buffers, chunk, padded, draw, part)
        else:
            forward(code, args.net, args.buffers.theta, chunk, padded, draw, part)
    # 3. Barrier: every part of S is complete.
    barrier(code, code.at(args.sync, ARRIVALS), chunk.threads)
    # 4. Softmax of this thread's rows: dS, and each row's loss and hit.
    _softmax(code, args, me, chunk, padded, loss_cap)
    # 5. Barrier: dS is complete.
    barrier(code, code.at(args.sync, ARRIVALS), chunk.threads)
    # 6. Sums over the rows: losses, hits and weights; every thread computes the same.
    totals(code, chunk.figures, 3, padded, chunk.rows, chunk.sums)
    for place, total in enumerate((sums.losses, sums.hits, sums.batch_weight)):
        total.set(total.get() + code.load_scalar(chunk.sums, place))


def _load(code: Code, features: Value, mine: _Mine, picked: Picked) -> None:
    """Load X (rows, d), y (rows,) and w (rows,) into this thread's chunk."""
    chunk, X = mine.chunk, mine.rows.X
    load_labels(code, chunk, mine.rows, picked)
    if code.precision.rounds_to_bf16:
        load_pairs(code, chunk.bf16, X, picked, features)
        return
    with code.if_(X.index.equals(DENSE)):
        load_rows(code, chunk, X, picked, features)
    with code.if_(X.index > DENSE):
        load_entries(code, chunk.entries, X, picked, features)


def _softmax(
    code: Code, args: ProgramArgs, me: Value, chunk: Chunk, padded: Value, loss_cap: Value
) -> None:
    """S = Σ parts + b2 and dS = (P - Y) w of this thread's share of the rows."""
    net = args.net
    blocks = padded // code.precision.block
    low, high = (blocks * n // chunk.threads * code.precision.block for n in (me, me + 1))
    b2 = code.at(args.buffers.theta, net.b2)
    add_parts(code, chunk.S, chunk.s_column, chunk.parts, b2, low, high, net.K)
    softmax_and_loss(code, chunk.S, chunk.s_column, chunk.labels, chunk.weights, low, high,
                     net.K, loss_cap, chunk.figures, chunk.rows)  # fmt: skip
    if code.precision.rounds_to_bf16:
        round_dS(code, net, args.buffers.image, chunk, low, high)


def _backward(
    code: Code, args: ProgramArgs, me: Value, mine: _Mine, count: Value, padded: Value, add: Value,
    step: Step,
) -> None:  # fmt: skip
    """dW2, dZ1, dW1 and db1 part by part; the last thread does db2."""
    net, buffers, chunk, block = args.net, args.buffers, mine.chunk, args.block
    fixed = block.class_fixed
    work = Backward(net, buffers, chunk, count, add, block.dropout.scale, fixed, step)
    with claim_parts(code, chunk.claimed, chunk.parts, chunk.threads, me, mine.phase) as part:
        (backward_bf16 if code.precision.rounds_to_bf16 else backward)(code, work, part)
    with code.if_((me + 1).equals(chunk.threads)):
        # Forward: S = H1 W2 + b2. Backward: db2 = 1ᵀ dS.
        db2 = code.at(buffers.gradient, net.b2)
        column_sums(code, chunk.S, chunk.s_column, padded, net.K, db2, add)
        with code.if_(fixed > 0):
            code.store(code.real(0.0), db2)
        update(code, buffers, net.b2, net.size, step._replace(l2=code.double(0.0)))


def _squares(code: Code, net: Layout, chunk: Chunk) -> Value:
    """Return ‖W1‖² + ‖W2‖² of the weights before the update."""
    total = code.variable(code.double(0.0))
    with code.loop(net.panels) as p:
        total.set(total.get() + code.load_scalar(chunk.squares, p))
    return total.get()
