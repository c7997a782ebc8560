"""An update of M stacked sessions as five kernels in Triton, in float32.

    hidden        H1 = max(0, X W1 + b1) ⊙ M
    softmax_loss  S = H1 W2 + b2, each row's loss, D = (P - Y) ⊙ w
    layer_1       dW1 = Xᵀ dZ1 / Σw + λ W1 and db1, with dZ1 = D W2ᵀ ⊙ 1[H1 > 0] ⊙ M; W1, b1 updated
    layer_2       dW2 = H1ᵀ D / Σw + λ W2 and db2; W2, b2 updated
    finish        loss, accuracy, Σw; which members continue; the counter

Each program computes a tile of one member (the second axis of the grid). Rows are read where they
are in X, and converted there. dZ1 is not stored: each tile of dW1 computes what it needs of it from
D, which has K columns only. Sums go over tiles in a fixed order, without atomic operations, so the
same call has the same bits. Products are of float32 numbers, not of rounded ones ("ieee").

Sizes that are `tl.constexpr` are compiled in: B_ are the sides of tiles, powers of 2 and 16 or
more; B_R are rows of the sums of the backward pass, and B_K covers all classes.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def first_row(counter, m, epoch_rows, batch_size, batches, ORDERED: tl.constexpr):
    """Where the batch of this update begins among the rows of all epochs."""
    now = tl.load(counter + m)
    start = now % batches * batch_size
    if ORDERED:
        start += now // batches * epoch_rows
    return start


@triton.jit
def places_of(places, stride, m, rows, valid, HAS_PLACES: tl.constexpr):
    """Where in X these rows are."""
    if HAS_PLACES:
        return tl.load(places + m * stride + rows, mask=valid, other=0)
    else:  # noqa: RET505 (one of the two is compiled)
        return rows


@triton.jit
def mixed(x):
    """`dropout.mixed` of uint32."""
    x = (x ^ (x >> 16)) * 0x7FEB352D
    x = (x ^ (x >> 15)) * 0x846CA68B
    return x ^ (x >> 16)


@triton.jit
def hidden(
    X, X_row, X_column, places, places_row, W1, b1, H1, key, least, factor, counter,
    members, count, d, H, epoch_rows, batch_size, batches,
    ORDERED: tl.constexpr, HAS_PLACES: tl.constexpr, DROPOUT: tl.constexpr,
    B_N: tl.constexpr, B_D: tl.constexpr, B_H: tl.constexpr,
):  # fmt: skip
    """H1 (M, count, H): a tile of B_N rows and B_H units."""
    m = tl.program_id(1).to(tl.int64)
    tiles_h = tl.cdiv(H, B_H)
    n = tl.program_id(0) // tiles_h * B_N + tl.arange(0, B_N)
    h = tl.program_id(0) % tiles_h * B_H + tl.arange(0, B_H)
    start = first_row(counter, m, epoch_rows, batch_size, batches, ORDERED)
    place = places_of(places, places_row, m, start + n, n < count, HAS_PLACES)
    Z1 = tl.zeros((B_N, B_H), tl.float32)
    for begin in range(0, d, B_D):
        k = begin + tl.arange(0, B_D)
        inside = (n < count)[:, None] & (k < d)[None, :]
        x = tl.load(X + place[:, None] * X_row + k[None, :] * X_column, mask=inside, other=0)
        inside = (k < d)[:, None] & (h < H)[None, :]
        w = tl.load(W1 + (m * d + k[:, None]) * H + h[None, :], mask=inside, other=0)
        Z1 = tl.dot(x.to(tl.float32), w, Z1, input_precision="ieee")
    Z1 += tl.load(b1 + m * H + h, mask=h < H, other=0)[None, :]
    values = tl.where(Z1 < 0, 0.0, Z1)  # nan stays nan
    if DROPOUT:
        start_of_hash = tl.load(key + tl.load(counter + m) * members + m).to(tl.uint32)
        rows = mixed(start_of_hash ^ n.to(tl.uint32))
        hashes = mixed(rows[:, None] ^ h.to(tl.uint32)[None, :])
        kept = hashes >= tl.load(least + m).to(tl.uint32)
        values = values * tl.where(kept, tl.load(factor + m).to(tl.float32), 0.0)
    inside = (n < count)[:, None] & (h < H)[None, :]
    tl.store(H1 + (m * count + n[:, None]) * H + h[None, :], values, mask=inside)


@triton.jit
def softmax_loss(
    y, weights, weights_row, places, places_row, H1, W2, b2, D, sums, counter,
    count, H, K, epoch_rows, batch_size, batches, loss_cap,
    ORDERED: tl.constexpr, HAS_PLACES: tl.constexpr, WEIGHTED: tl.constexpr,
    CAPPED: tl.constexpr, B_N: tl.constexpr, B_H: tl.constexpr, B_K: tl.constexpr,
):  # fmt: skip
    """D (M, count, B_K) of B_N rows, and their Σwℓ, Σw[correct] and Σw in sums (M, tiles, 3)."""
    m = tl.program_id(1).to(tl.int64)
    tile = tl.program_id(0)
    n, k = tile * B_N + tl.arange(0, B_N), tl.arange(0, B_K)
    valid = n < count
    start = first_row(counter, m, epoch_rows, batch_size, batches, ORDERED)
    place = places_of(places, places_row, m, start + n, valid, HAS_PLACES)
    S = tl.zeros((B_N, B_K), tl.float32)
    for begin in range(0, H, B_H):
        h = begin + tl.arange(0, B_H)
        inside = valid[:, None] & (h < H)[None, :]
        units = tl.load(H1 + (m * count + n[:, None]) * H + h[None, :], mask=inside, other=0)
        inside = (h < H)[:, None] & (k < K)[None, :]
        w2 = tl.load(W2 + (m * H + h[:, None]) * K + k[None, :], mask=inside, other=0)
        S = tl.dot(units, w2, S, input_precision="ieee")
    S += tl.load(b2 + m * K + k, mask=k < K, other=0)[None, :]
    S = tl.where((k < K)[None, :], S, -float("inf"))
    label = tl.load(y + place, mask=valid, other=0).to(tl.int32)
    w = valid.to(tl.float32)
    if WEIGHTED:
        w = tl.load(weights + m * weights_row + place, mask=valid, other=0).to(tl.float32)
    shifted = S - tl.max(S, axis=1)[:, None]
    powers = tl.exp(shifted)
    total = tl.sum(powers, axis=1)
    Y = k[None, :] == label[:, None]
    loss = tl.log(total) - tl.sum(tl.where(Y, shifted, 0.0), axis=1)
    if CAPPED:
        loss = tl.where(loss > loss_cap, loss_cap, loss)  # nan stays nan
    correct = (tl.argmax(S, axis=1, tie_break_left=True) == label).to(tl.float32)
    dS = (powers / total[:, None] - Y.to(tl.float32)) * w[:, None]
    tl.store(D + (m * count + n[:, None]) * B_K + k[None, :], dS, mask=valid[:, None])
    there = sums + (m * tl.num_programs(0) + tile) * 3
    tl.store(there, tl.sum(tl.where(valid, loss * w, 0.0).to(tl.float64)))
    tl.store(there + 1, tl.sum((correct * w).to(tl.float64)))
    tl.store(there + 2, tl.sum(w.to(tl.float64)))


@triton.jit
def total_of(sums, m, tiles, column, B_T: tl.constexpr):
    """The sum over all tiles of rows."""
    t = tl.arange(0, B_T)
    return tl.sum(tl.load(sums + (m * tiles + t) * 3 + column, mask=t < tiles, other=0))


@triton.jit
def divisor(sums, m, tiles, B_T: tl.constexpr):
    """Σw, or 1 where all weights are 0."""
    total = total_of(sums, m, tiles, 2, B_T)
    return tl.where(total > 0, total, 1.0).to(tl.float32)


@triton.jit
def update(
    theta, slot_0, slot_1, gradient, there, mask, eta,
    c_0: tl.constexpr, c_1: tl.constexpr, c_2: tl.constexpr, RULE: tl.constexpr,
):  # fmt: skip
    """`optimizers`: θ and its memory at some places, by the gradient."""
    old = tl.load(theta + there, mask=mask, other=0)
    if RULE == "sgd":
        new = old - eta * gradient
    elif RULE == "adam":
        m = tl.load(slot_0 + there, mask=mask, other=0)
        v = tl.load(slot_1 + there, mask=mask, other=0)
        m = c_0 * m + (1 - c_0) * gradient
        v = c_1 * v + (1 - c_1) * (gradient * gradient)
        tl.store(slot_0 + there, m, mask=mask)
        tl.store(slot_1 + there, v, mask=mask)
        new = old - eta * m / (tl.sqrt(v) + c_2)
    else:
        v = c_0 * tl.load(slot_0 + there, mask=mask, other=0) - eta * gradient
        tl.store(slot_0 + there, v, mask=mask)
        new = old + v if RULE == "momentum" else old + (c_0 * v - eta * gradient)
    tl.store(theta + there, new, mask=mask)


@triton.jit
def layer_1(
    X, X_row, X_column, places, places_row, H1, D, sums, W2, W1, W1_0, W1_1, b1, b1_0, b1_1,
    squares_1, rate, l2, factor, counter, going,
    members, count, d, H, K, tiles_n, epoch_rows, batch_size, batches,
    c_0: tl.constexpr, c_1: tl.constexpr, c_2: tl.constexpr,
    ORDERED: tl.constexpr, HAS_PLACES: tl.constexpr, DROPOUT: tl.constexpr,
    PENALISED: tl.constexpr, RULE: tl.constexpr,
    B_R: tl.constexpr, B_D: tl.constexpr, B_H: tl.constexpr, B_K: tl.constexpr, B_T: tl.constexpr,
):  # fmt: skip
    """W1 and b1 of a tile of B_D features and B_H units, and the sum of the tile's squares."""
    m = tl.program_id(1).to(tl.int64)
    tile = tl.program_id(0)
    tiles_h = tl.cdiv(H, B_H)
    f = tile // tiles_h * B_D + tl.arange(0, B_D)
    h, k = tile % tiles_h * B_H + tl.arange(0, B_H), tl.arange(0, B_K)
    start = first_row(counter, m, epoch_rows, batch_size, batches, ORDERED)
    of_W2 = (k < K)[:, None] & (h < H)[None, :]
    W2_T = tl.load(W2 + (m * H + h[None, :]) * K + k[:, None], mask=of_W2, other=0)
    dW1 = tl.zeros((B_D, B_H), tl.float32)
    db1 = tl.zeros((B_H,), tl.float32)
    for begin in range(0, count, B_R):
        n = begin + tl.arange(0, B_R)
        valid = n < count
        place = places_of(places, places_row, m, start + n, valid, HAS_PLACES)
        dS = tl.load(D + (m * count + n[:, None]) * B_K + k[None, :], mask=valid[:, None], other=0)
        inside = valid[:, None] & (h < H)[None, :]
        units = tl.load(H1 + (m * count + n[:, None]) * H + h[None, :], mask=inside, other=0)
        dZ1 = tl.where(units > 0, tl.dot(dS, W2_T, input_precision="ieee"), 0.0)
        inside = valid[:, None] & (f < d)[None, :]
        x = tl.load(X + place[:, None] * X_row + f[None, :] * X_column, mask=inside, other=0)
        dW1 = tl.dot(tl.trans(x.to(tl.float32)), dZ1, dW1, input_precision="ieee")
        db1 += tl.sum(dZ1, axis=0)
    scale = 1 / divisor(sums, m, tiles_n, B_T)
    if DROPOUT:
        scale *= tl.load(factor + m).to(tl.float32)
    now = tl.load(counter + m) * members + m
    eta = tl.load(rate + now).to(tl.float32)
    end = tl.where(tl.load(going + m) != 0, H, 0)  # a member that has ended changes no units
    there = (m * d + f[:, None]) * H + h[None, :]
    inside = (f < d)[:, None] & (h < H)[None, :]
    gradient = dW1 * scale
    if PENALISED:
        old = tl.load(W1 + there, mask=inside, other=0)
        gradient += tl.load(l2 + now).to(tl.float32) * old
        square = tl.sum(tl.sum(old * old, axis=1), axis=0)
        tl.store(squares_1 + m * tl.num_programs(0) + tile, square.to(tl.float64))
    update(W1, W1_0, W1_1, gradient, there, inside & (h < end)[None, :], eta, c_0, c_1, c_2, RULE)
    end = tl.where(tile < tiles_h, end, 0)  # the first of the programs of these units
    update(b1, b1_0, b1_1, db1 * scale, m * H + h, h < end, eta, c_0, c_1, c_2, RULE)


@triton.jit
def layer_2(
    H1, D, sums, W2, W2_0, W2_1, b2, b2_0, b2_1, squares_2, rate, l2, counter, going,
    members, count, H, K, tiles_n,
    c_0: tl.constexpr, c_1: tl.constexpr, c_2: tl.constexpr,
    PENALISED: tl.constexpr, FIXED: tl.constexpr, RULE: tl.constexpr,
    B_R: tl.constexpr, B_H: tl.constexpr, B_K: tl.constexpr, B_T: tl.constexpr,
):  # fmt: skip
    """W2 of B_H units, and b2; and the sum of the tile's squares."""
    m = tl.program_id(1).to(tl.int64)
    tile = tl.program_id(0)
    h, k = tile * B_H + tl.arange(0, B_H), tl.arange(0, B_K)
    dW2 = tl.zeros((B_H, B_K), tl.float32)
    db2 = tl.zeros((B_K,), tl.float32)
    for begin in range(0, count, B_R):
        n = begin + tl.arange(0, B_R)
        valid = n < count
        dS = tl.load(D + (m * count + n[:, None]) * B_K + k[None, :], mask=valid[:, None], other=0)
        inside = valid[:, None] & (h < H)[None, :]
        units = tl.load(H1 + (m * count + n[:, None]) * H + h[None, :], mask=inside, other=0)
        dW2 = tl.dot(tl.trans(units), dS, dW2, input_precision="ieee")
        db2 += tl.sum(dS, axis=0)
    scale = 1 / divisor(sums, m, tiles_n, B_T)
    now = tl.load(counter + m) * members + m
    eta = tl.load(rate + now).to(tl.float32)
    end = tl.where(tl.load(going + m) != 0, H, 0)  # a member that has ended changes no units
    there = (m * H + h[:, None]) * K + k[None, :]
    inside = (h < H)[:, None] & (k < K)[None, :]
    gradient, gradient_b2 = dW2 * scale, db2 * scale
    if PENALISED:
        old = tl.load(W2 + there, mask=inside, other=0)
        gradient += tl.load(l2 + now).to(tl.float32) * old
        square = tl.sum(tl.sum(old * old, axis=1), axis=0)
        tl.store(squares_2 + m * tl.num_programs(0) + tile, square.to(tl.float64))
    if FIXED:
        gradient = tl.where((k > 0)[None, :], gradient, 0.0)
        gradient_b2 = tl.where(k > 0, gradient_b2, 0.0)
    update(W2, W2_0, W2_1, gradient, there, inside & (h < end)[:, None], eta, c_0, c_1, c_2, RULE)
    end = tl.where((tile == 0) & (end > 0), K, 0)
    update(b2, b2_0, b2_1, gradient_b2, m * K + k, k < end, eta, c_0, c_1, c_2, RULE)


@triton.jit
def sum_of(values, m, count, B_S: tl.constexpr):
    """The sum of a member's numbers."""
    s = tl.arange(0, B_S)
    return tl.sum(tl.load(values + m * count + s, mask=s < count, other=0))


@triton.jit
def finish(
    sums, squares_1, squares_2, l2, figures, counter, going, failed,
    members, tiles_n, tiles_1, tiles_2, batches,
    PENALISED: tl.constexpr, B_T: tl.constexpr, B_1: tl.constexpr, B_2: tl.constexpr,
):  # fmt: skip
    """The figures of one member's update, and whether it continues."""
    m = tl.program_id(1).to(tl.int64)
    now = tl.load(counter + m)
    weight = total_of(sums, m, tiles_n, 2, B_T)
    total = tl.where(weight > 0, weight, 1.0)
    loss = total_of(sums, m, tiles_n, 0, B_T) / total
    if PENALISED:
        square = sum_of(squares_1, m, tiles_1, B_1) + sum_of(squares_2, m, tiles_2, B_2)
        loss += tl.load(l2 + now * members + m) / 2 * square
    there = figures + (now * members + m) * 3
    tl.store(there, loss)
    tl.store(there + 1, total_of(sums, m, tiles_n, 1, B_T) / total)
    tl.store(there + 2, weight)
    finite = tl.abs(loss) < float("inf")
    lost = (tl.load(failed + m) != 0) | (finite == 0)
    tl.store(failed + m, lost)
    ended = (now + 1) % batches == 0
    tl.store(going + m, (tl.load(going + m) != 0) & ((lost & ended) == 0))
    tl.store(counter + m, now + 1)
