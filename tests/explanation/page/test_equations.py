"""The page's equations and slopes against Python's, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from backhand import equations
from backhand.equations import Parameters
from backhand.explanation.problem import Problem
from helpers.web_page import WebPage, as_array, needs_browser, open_modules

pytestmark = [pytest.mark.slow, needs_browser]

STEPS = 3
"""Updates of each problem: values are compared before each of them and after the last."""

PORT = """
problems => problems.map(problem => {
  const { compute, PARAMETERS } = modules.equations;
  let given = { l2: problem.l2, learning_rate: problem.learning_rate };
  for (const name of [...PARAMETERS, "X", "Y", "sample_weight", "mask"])
    given[name] = problem[name] && modules.matrix.fromJson(problem[name]);
  const passes = [];
  for (let step = 0; step < STEPS; step++) {
    const values = compute(given);
    passes.push(Object.fromEntries(NAMES.map(name => [name, values[name]])));
    for (const name of PARAMETERS) given = { ...given, [name]: values[`new ${name}`] };
  }
  return passes;
})
""".replace("STEPS", str(STEPS))


@pytest.fixture(scope="module")
def page() -> Iterator[WebPage]:
    with open_modules("matrix", "equations", "slopes", "kinks_along") as shown:
        yield shown
        assert not shown.complaints and not shown.requests


def random_problem(seed: int) -> Problem:
    """Of random sizes, with or without weights of the rows, a mask, a penalty and soft labels.

    No batch is learned to certainty: P - Y would be a difference of nearly equal numbers, which
    has few digits in Python as well.
    """
    rng = np.random.default_rng(seed)
    N, d, H, K = (int(size) for size in rng.integers((3, 1, 1, 2), (13, 9, 17, 7)))
    scale = 10 ** rng.uniform(-1, 0)
    params = Parameters(
        scale * rng.standard_normal((d, H)) / d**0.5, rng.standard_normal(H),
        scale * rng.standard_normal((H, K)) / H**0.5, rng.standard_normal(K),
    )  # fmt: skip
    weights = rng.integers(0, 4, N).astype(float) if seed % 2 else None
    Y = rng.dirichlet(np.ones(K), N) if seed % 5 == 4 else np.eye(K)[rng.integers(0, K, N)]
    return Problem(
        params, rng.standard_normal((N, d)), Y, sample_weight=weights,
        mask=2.0 * rng.integers(0, 2, (N, H)) if seed % 3 == 1 else None,
        l2=float(rng.uniform(0, 0.5)) if seed % 4 > 1 else 0.0,
        learning_rate=float(rng.uniform(0.01, 0.5)),
    )  # fmt: skip


def by_python(problem: Problem) -> Iterator[dict[str, NDArray[np.float64]]]:
    """All values of each pass by `equations.py`."""
    params, X, Y, w, mask, l2 = (problem.params, problem.X, problem.Y, problem.sample_weight,
                                 problem.mask, problem.l2)  # fmt: skip
    for _ in range(STEPS):
        acts = equations.forward(params, X, mask)
        grads = equations.backward(params, X, Y, acts, w, l2, mask)
        L = equations.cross_entropy(acts.S, Y, w) + equations.penalty(params, l2)
        after = equations.sgd(params, grads, problem.learning_rate)
        yield {
            **acts._asdict(), **grads._asdict(), "L": np.asarray(L),
            "losses": equations.row_losses(acts.S, Y)[:, 0],
            **{f"new {name}": value for name, value in after._asdict().items()},
        }  # fmt: skip
        params = after


def difference(found: Any, expected: NDArray[np.float64]) -> float:
    """The largest difference, relative to the largest entry."""
    got = as_array(found)
    assert got.shape == expected.shape
    return float(np.abs(got - expected).max() / (np.abs(expected).max() or 1))


def test_200_random_problems_give_pythons_values(page: WebPage) -> None:
    problems = [random_problem(seed) for seed in range(200)]
    names = list(next(by_python(problems[0])))
    passes = page.run(PORT.replace("NAMES", str(names)), [one.to_json() for one in problems])
    worst = dict.fromkeys(names, 0.0)
    for problem, found in zip(problems, passes, strict=True):
        for values, expected in zip(found, by_python(problem), strict=True):
            for name in names:
                worst[name] = max(worst[name], difference(values[name], expected[name]))
    largest = max(worst, key=lambda name: worst[name])
    print(f"200 problems, {STEPS} updates each: largest relative difference "
          f"{worst[largest]:.1e} ({largest})")  # fmt: skip
    assert worst[largest] <= 1e-12


def test_extreme_logits_stay_finite_and_agree(page: WebPage) -> None:
    """There P - Y cancels, and is compared as far as P has digits."""
    problem = random_problem(2)
    W1, b1, W2, b2 = problem.params
    problem = Problem(Parameters(W1, b1, 1e4 * W2, b2), problem.X, problem.Y)
    names = ["P", "losses", "L", "dS"]
    found = page.run(PORT.replace("NAMES", str(names)), [problem.to_json()])[0][0]
    expected = next(by_python(problem))
    assert expected["losses"].max() > 1e3
    for name in names:
        np.testing.assert_allclose(as_array(found[name]), expected[name], rtol=1e-12, atol=1e-15)


def test_large_arrays_arrive_with_every_bit(page: WebPage) -> None:
    rng = np.random.default_rng(0)
    problem = Problem(Parameters(rng.standard_normal((784, 256)), np.zeros(256),
                                 rng.standard_normal((256, 10)), np.zeros(10)),
                      rng.standard_normal((4, 784)), np.eye(10)[:4])  # fmt: skip
    sent = problem.to_json()
    assert "float64" in sent["W1"] and "numbers" in sent["b1"]
    sums = "({W1}) => modules.matrix.fromJson(W1)"
    assert np.array_equal(as_array(page.run(sums, sent)), problem.params.W1)


SLOPES = """
({problem, names}) => {
  const { compute, PARAMETERS } = modules.equations;
  const { slope, gradientAlong, EPSILON } = modules.slopes;
  const given = { l2: problem.l2, learning_rate: problem.learning_rate };
  for (const name of [...PARAMETERS, "X", "Y", "sample_weight", "mask"])
    given[name] = problem[name] && modules.matrix.fromJson(problem[name]);
  const values = compute(given);
  return names.flatMap(name => {
    const [rows, columns] = [given[name].shape[0], given[name].shape[1]];
    return Array.from(given[name].data, (_, at) => {
      const index = columns ? [Math.floor(at / columns), at % columns] : [at];
      const found = slope(given, { name, index });
      const kinks = modules.kinks_along.kinksAlong(values, { name, index })
        .filter(({ by }) => Math.abs(by) <= EPSILON).map(({ cell }) => cell);
      return { ...found, kinks, name, index, gradient: gradientAlong(values, { name, index }) };
    });
  });
}
"""


def slopes(page: WebPage, problem: Problem, *names: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.run(SLOPES, {"problem": problem.to_json(), "names": names})
    return found


@pytest.mark.parametrize("seed", [1, 3, 7])
def test_slopes_are_the_gradients_of_parameters_and_inputs(page: WebPage, seed: int) -> None:
    found = slopes(page, random_problem(seed), "W1", "b1", "W2", "b2", "X")
    smooth = [one for one in found if not one["kinks"]]
    assert len(smooth) > 0.9 * len(found)
    for one in smooth:
        for side, most, epsilon in (
            ("central", 1e-6, 1e-9),
            ("left", 1e-2, 1e-4),
            ("right", 1e-2, 1e-4),
        ):
            assert one[side] == pytest.approx(one["gradient"], rel=most, abs=epsilon), one


def test_a_kink_is_found_and_its_two_slopes_differ(page: WebPage) -> None:
    """Z1 is exactly 0 in one row: to the left the unit is off, to the right it is on."""
    params = Parameters(np.array([[1.0]]), np.array([-1.0]), np.array([[2.0, 0.0]]), np.zeros(2))
    found = slopes(page, Problem(params, np.array([[1.0]]), np.array([[0.0, 1.0]])), "b1", "b2")
    b1, *others = found
    assert b1["kinks"] == [{"name": "Z1", "index": [0, 0]}]
    assert b1["left"] == 0 and b1["right"] == pytest.approx(1, rel=1e-4)
    assert b1["central"] == pytest.approx(0.5, rel=1e-4) and b1["gradient"] == 0
    assert all(not one["kinks"] for one in others)
