"""Exp and log of vectors, by their Taylor series: all lanes at once, accurate to 2 ulp."""

from __future__ import annotations

import math
from typing import NamedTuple

from backhand.engines.fused.llvm.builder import Code, Value


class Format(NamedTuple):
    """A floating-point format, and the number of terms that its series need.

    `ln2` is ln 2 as a sum of two numbers; the first has few enough digits that its small multiples
    are exact. The terms after `exp_terms` and `log_terms` add less than a tenth of an ulp. exp of
    `lowest` is 0.
    """

    mantissa: int
    bias: int
    ln2: tuple[float, float]
    exp_terms: int
    log_terms: int
    lowest: float


SINGLE = Format(23, 127, (0.693145751953125, 1.4286068203094172e-06), 7, 5, -104.0)
DOUBLE = Format(52, 1023, (0.6931471803691238, 1.9082149292705877e-10), 13, 11, -746.0)


def exp(code: Code, x: Value) -> Value:
    """Return exp(x) for x ≤ 0, subnormal results included; nan stays nan.

    x = n ln 2 + r with |r| ≤ ln 2 / 2; eʳ by its series; then times 2ⁿ in two steps, because n
    may be below the smallest exponent.
    """
    form = SINGLE if code.bits == 32 else DOUBLE
    x = code.select(x < form.lowest, code.splat(form.lowest), x)
    # A number this large has no fractional digits: adding it rounds, and leaves n in its bits.
    large = 1.5 * 2.0**form.mantissa
    rounded = x * (1 / math.log(2)) + large
    n = rounded - large
    r = x - n * form.ln2[0] - n * form.ln2[1]
    series = code.splat(1 / math.factorial(form.exp_terms))
    for term in reversed(range(form.exp_terms)):
        series = series * r + 1 / math.factorial(term)
    power = code.bits_of(rounded) - code.bits_of(code.splat(large))
    half = power >> 1
    for part in (half, power - half):
        series = series * code.real_of((part + form.bias) << form.mantissa)
    return series


def log(code: Code, x: Value) -> Value:
    """Return log(x) for finite x ≥ 1; nan stays nan.

    x = 2ⁿ m with √½ ≤ m < √2, and log m = 2 artanh s with s = (m - 1) / (m + 1). Its series
    begins with 2 s, computed as f - s f with the exact f = m - 1, so that all rounding errors are
    small relative to f.
    """
    form = SINGLE if code.bits == 32 else DOUBLE
    bits = code.bits_of(x)
    n = (bits - code.bits_of(code.splat(math.sqrt(0.5)))) >> form.mantissa
    f = code.real_of(bits - (n << form.mantissa)) - 1.0
    s = f / (f + 2.0)
    square = s * s
    series = code.splat(2 / (2 * form.log_terms + 1))
    for term in reversed(range(1, form.log_terms)):
        series = series * square + 2 / (2 * term + 1)
    half = f * f * 0.5
    small = s * (half + square * series)
    count = code.as_real(n)
    result = count * form.ln2[0] + (f - (half - (small + count * form.ln2[1])))
    return code.select(x.equals(x), result, x)
