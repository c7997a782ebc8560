"""The two halves of a step: forward for rows of a chunk, backward for hidden units.

Each thread does its share of both. Names are those of `layout` and `memory`.
"""

from __future__ import annotations

from backhand.engines.fused.ir import Code, Value, function
from backhand.engines.fused.layout import Layout
from backhand.engines.fused.memory import Chunk, Network
from backhand.engines.fused.products import MASK, RELU, STORE, product, row_products
from backhand.engines.fused.sums import column_sums, squares
from backhand.engines.fused.updates import Step, update

INNER = 256
"""Features that a panel of W1 is multiplied with at a time: such a piece fits the first cache."""

STRIP = 6
"""Rows of a panel of W1: the least that one thread does of its gradient."""

STRIPS = 8
"""Strips that are updated together, right after their gradient, while that is in the cache."""


@function
def forward(code: Code, net: Layout, theta: Value, chunk: Chunk, low: Value, high: Value) -> None:
    """H1 = max(0, X W1 + b1) and S = H1 W2 + b2 of rows low..high."""
    features = net.d + 1
    with code.loop(net.panels) as p:
        vectors = _vectors(code, net, p)
        H1 = code.at(chunk.H1, (p * chunk.rows + low) * net.width)
        with code.loop(features, step=INNER) as k:
            inner = code.smaller(features - k, INNER)
            finish = code.select((k + inner).equals(features), RELU, STORE)
            X = code.at(chunk.X, low * chunk.x_row + k)
            W1 = code.at(theta, p * net.panel + k * net.width)
            product(code, X, chunk.x_row, 1, W1, H1, chunk.H1, high - low, inner, vectors,
                    net.width, k > 0, finish)  # fmt: skip
    row_products(
        code, code.at(chunk.H1, low * net.width), chunk.rows * net.width,
        code.at(theta, net.W2), net.panel, net.panels, code.at(theta, net.b2),
        code.at(chunk.S, low), chunk.s_column, high - low, net.K, net.vectors, net.width,
    )  # fmt: skip


@function
def backward(
    code: Code, net: Layout, network: Network, chunk: Chunk, count: Value, add: Value, W2: Value,
    w2_panel: Value, step: Step, me: Value, threads: Value,
) -> None:  # fmt: skip
    """Do this thread's share of dθ, added to what is there or not, and of the update.

    The work is cut in units: of each panel its strips of W1, with b1, and then its W2. `W2` is
    where the first panel's lies, as it was before the update.
    """
    strips = (net.d + STRIP) // STRIP
    units = strips + 1
    all_units = net.panels * units
    unit = code.variable(all_units * me // threads)
    end = all_units * (me + 1) // threads
    with code.repeat_while(lambda: unit.get() < end):
        p = unit.get() // units
        first, stop = unit.get() - p * units, code.smaller(end - p * units, units)
        with code.when(first < strips):
            dZ1 = _dZ1(code, net, chunk, count, p, code.at(W2, p * w2_panel), me)
            with code.loop(code.smaller(stop, strips), start=first, step=STRIPS) as strip:
                last = code.smaller(code.smaller(strip + STRIPS, stop) * STRIP, net.d + 1)
                _dW1(code, net, network, chunk, count, add, dZ1, p, strip * STRIP, last, step)
        with code.when(stop.equals(units)):
            _dW2(code, net, network, chunk, count, add, p, step)
        unit.set(p * units + stop)
    with code.when((me + 1).equals(threads)):
        padded = (count + (code.tile.block - 1)) // code.tile.block * code.tile.block
        db2 = code.at(network.gradient, net.b2)
        column_sums(code, chunk.S, chunk.s_column, padded, net.K, db2, add)
        update(code, network, net.b2, net.size, step._replace(l2=code.double(0.0)))


def _dZ1(
    code: Code, net: Layout, chunk: Chunk, count: Value, p: Value, W2: Value, me: Value
) -> Value:
    """dZ1 = dS W2ᵀ ⊙ 1[Z1 > 0] of a panel."""
    own = me * chunk.rows * net.width
    dZ1 = code.at(chunk.dZ1, code.select(chunk.dz_panel > 0, p * chunk.dz_panel, own))
    H1 = code.at(chunk.H1, p * chunk.rows * net.width)
    product(code, chunk.S, 1, chunk.s_column, W2, dZ1, H1, count, net.K, _vectors(code, net, p),
            net.width, 0, MASK)  # fmt: skip
    return dZ1


def _dW1(
    code: Code, net: Layout, network: Network, chunk: Chunk, count: Value, add: Value, dZ1: Value,
    p: Value, first: Value, last: Value, step: Step,
) -> None:  # fmt: skip
    """dW1 = Xᵀ dZ1 for features first..last of a panel, b1's among them: db1 = 1ᵀ dZ1."""
    panel = p * net.panel
    begin, end = panel + first * net.width, panel + last * net.width
    weights = code.smaller(last, net.d)
    with code.when(step.l2 > 0.0):
        strip = p * ((net.d + STRIP) // STRIP + 1) + first // STRIP
        squares(code, code.at(network.theta, begin), weights - first, net.width, STRIP,
                code.at(chunk.squares, strip))  # fmt: skip
    product(code, code.at(chunk.X, first), 1, chunk.x_row, dZ1,
            code.at(network.gradient, begin), network.gradient, last - first, count,
            _vectors(code, net, p), net.width, add, STORE)  # fmt: skip
    border = panel + weights * net.width
    update(code, network, begin, border, step)
    update(code, network, border, end, step._replace(l2=code.double(0.0)))


def _dW2(
    code: Code, net: Layout, network: Network, chunk: Chunk, count: Value, add: Value, p: Value,
    step: Step,
) -> None:  # fmt: skip
    """dW2ᵀ = dSᵀ H1 of a panel."""
    begin = p * net.panel + net.W2
    with code.when(step.l2 > 0.0):
        strips = (net.d + STRIP) // STRIP
        squares(code, code.at(network.theta, begin), net.K, net.width, net.K,
                code.at(chunk.squares, p * (strips + 1) + strips))  # fmt: skip
    H1 = code.at(chunk.H1, p * chunk.rows * net.width)
    product(code, chunk.S, chunk.s_column, 1, H1, code.at(network.gradient, begin),
            network.gradient, net.K, count, _vectors(code, net, p), net.width, add,
            STORE)  # fmt: skip
    update(code, network, begin, (p + 1) * net.panel, step)


def _vectors(code: Code, net: Layout, p: Value) -> Value:
    """How many vectors of panel p are in use."""
    return code.select((p + 1).equals(net.panels), net.last, net.vectors)
