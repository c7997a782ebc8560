"""Softmax, loss and dS of many rows at once: one row per lane, one class after the other.

S's number (i, k) is at k · column + i, and the number of rows is a multiple of the lanes.
"""

from __future__ import annotations

from collections.abc import Callable

from backhand.engines.fused.kernels.exp_log import exp, log
from backhand.engines.fused.llvm.builder import Code, Value, Variable, function


@function
def add_parts(
    code: Code, S: Value, column: Value, parts: Value, b2: Value, low: Value, high: Value,
    classes: Value,
) -> None:  # fmt: skip
    """S (K, rows) = b2 + the sum of its parts (parts, K, rows), which follow it; rows low..high."""
    with code.loop(classes) as k:
        b = code.broadcast(code.load_scalar(b2, k))
        with code.loop(high, start=low, step=code.lanes) as i:
            sum_ = code.variable(b)
            with code.loop(parts + 1, start=1) as part:
                sum_.set(sum_.get() + code.load(S, (part * classes + k) * column + i))
            code.store(sum_.get(), S, k * column + i)


@function
def softmax(code: Code, S: Value, column: Value, rows: Value, classes: Value) -> None:
    """Turn S (K, rows) into P = softmax(S)."""
    with code.loop(rows, step=code.lanes) as i:
        s = code.at(S, i)
        peak, _ = _largest(code, s, column, classes)
        sum_ = _exponentials(code, s, column, classes, peak)
        with code.loop(classes) as k:
            code.store(code.load(s, k * column) / sum_, s, k * column)


@function
def softmax_and_loss(
    code: Code, S: Value, column: Value, labels: Value, weights: Value, low: Value, high: Value,
    classes: Value, cap: Value, figures: Value, figure: Value,
) -> None:  # fmt: skip
    """Turn rows low..high of S into dS = (P - Y) w, and store each row's w · loss, w · hit and w.

    S (K, rows), `column` numbers from a class to the next; labels and weights (rows,); figures (3,
    rows) float64, each `figure` numbers after the one before, in which a loss is `cap` at most, or
    nan.

    A hit is a row whose largest logit, the first of equal ones, is its label's. Labels are
    integers as wide as S's numbers.
    """
    cap = code.broadcast(code.real_from_double(cap))
    with code.loop(high, start=low, step=code.lanes) as i:
        s = code.at(S, i)
        label, w = code.load(labels, i), code.load(weights, i)
        zero = code.splat(0.0)
        peak, best = _largest(code, s, column, classes)
        own = code.variable(zero)

        def notice(k: Value, shifted: Value, label: Value = label, own: Variable = own) -> None:
            own.set(code.select(label.equals(code.label(k)), shifted, own.get()))

        sum_ = _exponentials(code, s, column, classes, peak, notice)
        loss = log(code, sum_) - own.get()
        loss = code.select(loss > cap, cap, loss)
        hit = code.select(label.equals(best), w, zero)
        for number, of in enumerate((loss * w, hit, w)):
            code.store(code.to_accumulation(of), figures, figure * number + i)
        scale = w / sum_
        with code.loop(classes) as k:
            yw = code.select(label.equals(code.label(k)), w, zero)
            code.store(code.load(s, k * column) * scale - yw, s, k * column)


def _exponentials(
    code: Code, s: Value, column: Value, classes: Value, peak: Value,
    notice: Callable[[Value, Value], None] = lambda *_: None,
) -> Value:  # fmt: skip
    """Turn logits into exp(logit - peak) and sum them; `notice` sees each class and exponent."""
    sum_ = code.variable(code.splat(0.0))
    with code.loop(classes) as k:
        shifted = code.load(s, k * column) - peak
        notice(k, shifted)
        e = exp(code, shifted)
        sum_.set(sum_.get() + e)
        code.store(e, s, k * column)
    return sum_.get()


def _largest(code: Code, s: Value, column: Value, classes: Value) -> tuple[Value, Value]:
    """The largest logit of each row (nan where the first is nan), and the first class with it."""
    peak = code.variable(code.load(s))
    best = code.variable(code.label(code.integer(0)))
    with code.loop(classes, start=1) as k:
        logit = code.load(s, k * column)
        larger = logit > peak.get()
        best.set(code.select(larger, code.label(k), best.get()))
        peak.set(code.select(larger, logit, peak.get()))
    return peak.get(), best.get()
