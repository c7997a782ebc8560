"""The equations in bf16: what is rounded, how, and that nothing else differs."""

import inspect
import re
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from backhand import bf16, equations
from backhand.bf16 import r
from backhand.equations import Parameters
from backhand.support.differences import relative_difference
from helpers.gradient_checks import (
    Problem,
    check_dropout,
    check_gradients,
    corner_problem,
    gradients_of,
    random_mask,
    random_problem,
    single,
)
from helpers.optional_packages import optional

torch = optional("torch")

SOURCE = inspect.getsource(bf16)
PASSES = SOURCE.index("def forward(")
ROUNDINGS = [found.start() for found in re.finditer(r"\br\(", SOURCE) if found.start() > PASSES]
"""Where the passes call r."""


def variant(changed: str) -> ModuleType:
    """The module with another text."""
    module = ModuleType("changed")
    vars(module)["__name__"] = "changed"
    exec(compile(changed, "changed", "exec"), vars(module))
    return module


def test_r_is_torchs_rounding_of_every_kind_of_number() -> None:
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2**32, 200_000, np.uint64).astype(np.uint32)
    bits[:40_000] = bits[:40_000] & 0xFFFF0000 | 0x8000  # ties
    bits[40_000:60_000] = bits[40_000:60_000] & 0x807FFFFF  # subnormal numbers
    x = bits.view(np.float32)
    expected = torch.from_numpy(x).to(torch.bfloat16).to(torch.float32).numpy()
    rounded = r(x)
    assert rounded.dtype == np.float32
    assert np.array_equal(np.isnan(rounded), np.isnan(x))
    known = ~np.isnan(x)
    assert np.array_equal(rounded[known].view(np.uint32), expected[known].view(np.uint32))
    assert np.array_equal(r(torch.from_numpy(x[known])).numpy(), rounded[known])


def test_r_keeps_zeros_infinities_and_what_is_rounded_already() -> None:
    x = np.array([[0.0, -0.0, np.inf], [-np.inf, 3.0, 2.0**-133]], np.float32)
    assert np.array_equal(r(x).view(np.uint32), x.view(np.uint32))
    largest = np.finfo(np.float32).max
    assert r(np.array([largest, -largest], np.float32)).tolist() == [np.inf, -np.inf]
    assert np.array_equal(r(np.arange(8, dtype=np.float32)[::2]), [0, 2, 4, 6])


@pytest.mark.parametrize("problem", [corner_problem(), *map(random_problem, range(12))])
def test_without_the_rounding_they_are_the_equations(
    problem: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In float64, against autograd, as the equations themselves are checked."""
    monkeypatch.setattr(bf16, "r", lambda x: x)
    module = SimpleNamespace(**{**vars(equations), **vars(bf16)})
    check_gradients(module, problem)  # type: ignore[arg-type]
    check_dropout(module, problem)  # type: ignore[arg-type]


def test_each_rounding_changes_the_gradients() -> None:
    """A test of the tests: by more than the engines may differ from each other."""
    problem = single(random_problem(1, (60, 20, 40, 5)))
    mask = random_mask(problem).astype(np.float32)
    expected = gradients_of(bf16, problem, mask)
    assert len(ROUNDINGS) == 9
    for place in ROUNDINGS:
        changed = SOURCE[:place] + SOURCE[place + 1 :]  # r(X) becomes (X)
        found = gradients_of(variant(changed), problem, mask)
        off = [relative_difference(a, b) for a, b in zip(found, expected, strict=True)]
        assert max(off) > 4e-4, changed[place - 20 : place + 20]


@pytest.mark.parametrize("seed", range(10))
def test_they_are_near_the_equations(seed: int) -> None:
    """A factor is off by 2⁻⁹ of itself at most; a unit whose Z1 is near 0 may change its side."""
    problem = single(random_problem(seed, (64, 32, 48, 6)))
    params, (X, *_), _ = problem
    Z1, exact = bf16.forward(params, X).Z1, equations.forward(params, X).Z1
    assert (np.abs(Z1 - exact) <= 2**-7.9 * (np.abs(X) @ np.abs(params.W1)) + 1e-5).all()
    for a, b in zip(gradients_of(bf16, problem), gradients_of(equations, problem), strict=True):
        assert a.dtype == np.float32
        assert 1e-6 < relative_difference(a, b) < 0.2


def test_products_of_rounded_numbers_are_exact() -> None:
    """Where all sums are exact in float32, so are the results: no order of the sums matters."""
    rng = np.random.default_rng(3)
    X = rng.integers(-64, 65, (40, 12)).astype(np.float32)
    params = Parameters(*(rng.integers(-4, 5, size).astype(np.float32)
                          for size in ((12, 9), 9, (9, 3), 3)))  # fmt: skip
    acts, exact = bf16.forward(params, X), equations.forward(params, X.astype(np.float64))
    assert np.array_equal(acts.Z1, exact.Z1)
    assert not np.array_equal(acts.H1, exact.H1), "numbers above 256 are rounded"
    assert np.array_equal(acts.H1, r(exact.H1.astype(np.float32)))
    assert np.array_equal(acts.S, acts.H1.astype(np.float64) @ params.W2 + params.b2)
