"""The checks that the equations have to pass, for whichever module is given as the equations.

`test_equations.py` runs them on the real one, `test_mutations.py` on broken copies of it.
The judge is autograd, which shares no code with the equations.
"""

from __future__ import annotations

from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.dropout import dropout_mask
from backhand.engines import Data
from backhand.equations import Gradients, Parameters
from backhand.support.differences import relative_difference
from helpers.optional_packages import optional

torch = optional("torch")
FLOAT64_TOLERANCE = 1e-12
FLOAT32_TOLERANCE = 1e-5
CENTRAL_TOLERANCE = 1e-7
STEP = 1e-5
CORNER = 2e-4
"""No Z1 of a random problem is nearer to 0: no step of a difference crosses the corner."""


class Problem(NamedTuple):
    params: Parameters
    data: Data
    l2: float


def random_problem(seed: int, shape: tuple[int, int, int, int] | None = None) -> Problem:
    """N 1..64, d 1..32, H 1..48, K 2..12, some with sample weights (also 0), some with L2.

    All numbers are exact in float32, so that both precisions see one and the same problem.
    """
    rng = np.random.default_rng(seed)
    while True:
        N, d, H, K = shape or (int(rng.integers(low, high + 1)) for low, high in
                               ((1, 64), (1, 32), (1, 48), (2, 12)))  # fmt: skip
        X = rng.standard_normal((N, d)).astype(np.float32).astype(np.float64)
        params = Parameters(*(
            (rng.standard_normal(size) * scale).astype(np.float32).astype(np.float64)
            for size, scale in (((d, H), d**-0.5), (H, 0.5), ((H, K), H**-0.5), (K, 0.5))
        ))  # fmt: skip
        y = rng.integers(0, K, N)
        w = None
        if rng.random() < 0.5:
            w = np.where(rng.random(N) < 0.2, 0, rng.random(N) + 0.1).astype(np.float32)
            w[0] = 1
            w = w.astype(np.float64)
        l2 = 0.0 if rng.random() < 0.5 else 0.125
        if np.abs(X @ params.W1 + params.b1).min() > CORNER:
            return Problem(params, Data(X, y, w), l2)


def single(problem: Problem) -> Problem:
    """The problem in float32."""
    params, (X, y, w, _), l2 = problem
    return Problem(
        Parameters(*(p.astype(np.float32) for p in params)),
        Data(X.astype(np.float32), y, None if w is None else w.astype(np.float32)),
        l2,
    )


def corner_problem() -> Problem:
    """Z1 exactly 0 in places, where the derivative of the ReLU is 0 by convention; H = K."""
    params, data, _ = random_problem(5, (6, 3, 4, 4))
    W1, b1 = np.round(params.W1), np.round(params.b1)
    X = np.round(data.X)
    X[0], b1[:2] = 0, 0
    assert (X @ W1 + b1 == 0).any()
    return Problem(params._replace(W1=W1, b1=b1), data._replace(X=X), 0.125)


def random_mask(problem: Problem, seed: int = 0) -> NDArray[np.float64]:
    """M of dropout with p = 3/8 for the problem's rows and hidden units."""
    return dropout_mask(seed, 1, problem.data.rows, len(problem.params.b1), 0.375, np.float64)


def gradients_of(
    equations: ModuleType, problem: Problem, mask: NDArray[np.float64] | None = None
) -> Gradients:
    params, (X, y, w, _), l2 = problem
    acts = equations.forward(params, X, mask)
    return equations.backward(params, X, y, acts, w, l2, mask)


def assert_close(ours: tuple, theirs: tuple, tolerance: float) -> None:
    for name, a, b in zip(Gradients._fields, ours, theirs, strict=True):
        assert np.shape(a) == np.shape(b), f"{name} is {np.shape(a)}, not {np.shape(b)}"
        error = relative_difference(a, b)
        assert error <= tolerance, f"{name} is off by {error:.1e}"


def check_gradients(equations: ModuleType, problem: Problem) -> None:
    """Loss and all seven gradients against autograd, in float64."""
    params, (X, y, w, _), l2 = problem
    from backhand.torch_twin import loss_and_gradients

    loss, expected = loss_and_gradients(params, problem.data, l2)
    S = equations.forward(params, X).S
    ours = equations.cross_entropy(S, y, w) + equations.penalty(params, l2)
    assert relative_difference(ours, loss) <= FLOAT64_TOLERANCE, "the loss is off"
    assert_close(gradients_of(equations, problem), expected, FLOAT64_TOLERANCE)


def check_dropout(equations: ModuleType, problem: Problem) -> None:
    """H1, the loss and all seven gradients with a mask, against autograd with the same mask."""
    params, (X, y, w, _), l2 = problem
    mask = random_mask(problem)
    H1, loss, expected = autograd_with_mask(problem, mask)
    acts = equations.forward(params, X, mask)
    assert relative_difference(acts.H1, H1) <= FLOAT64_TOLERANCE, "H1 is off"
    ours = equations.cross_entropy(acts.S, y, w) + equations.penalty(params, l2)
    assert relative_difference(ours, loss) <= FLOAT64_TOLERANCE, "the loss is off"
    assert_close(gradients_of(equations, problem, mask), expected, FLOAT64_TOLERANCE)


def autograd_with_mask(
    problem: Problem, mask: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float, Gradients]:
    """H1, loss and gradients by torch's own operations, as in `backhand.torch_twin`."""
    params, (X, y, w, _), l2 = problem
    W1, b1, W2, b2 = (torch.tensor(p, requires_grad=True) for p in params)
    Z1 = torch.nn.functional.linear(torch.tensor(X), W1.T, b1)
    H1 = torch.nn.functional.relu(Z1) * torch.tensor(mask)
    S = torch.nn.functional.linear(H1, W2.T, b2)
    for tensor in (Z1, H1, S):
        tensor.retain_grad()
    losses = torch.nn.functional.cross_entropy(S, torch.tensor(y), reduction="none")
    weights = torch.ones_like(losses) if w is None else torch.tensor(w)
    loss = (weights * losses).sum() / weights.sum()
    loss = loss + l2 / 2 * (W1.pow(2).sum() + W2.pow(2).sum())
    loss.backward()
    grads = Gradients(*(tensor.grad.numpy() for tensor in (S, W2, b2, H1, Z1, W1, b1)))
    return H1.detach().numpy(), loss.item(), grads


def check_stability(equations: ModuleType) -> None:
    """Logits of ±1e4: all finite, the loss exact, the gradient P - Y of the same softmax."""
    S = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [1e4, 1e4, -1e4]])
    y = np.array([1, 2, 0])
    with np.errstate(all="raise", under="ignore"):
        loss = equations.cross_entropy(S, y)
        P = equations.softmax(S)
    expected = (2e4 + np.log(3) + np.log(2)) / 3
    assert relative_difference(loss, expected) <= FLOAT64_TOLERANCE
    third, half = 1 / 3, 1 / 2
    assert relative_difference(P, [[1, 0, 0], [third] * 3, [half, half, 0]]) <= FLOAT64_TOLERANCE


def check_update(equations: ModuleType, problem: Problem) -> None:
    """θ ← θ - η dθ for each of the four, with the parameters left as they were."""
    params = problem.params
    before = [value.copy() for value in params]
    grads = gradients_of(equations, problem)
    after = equations.sgd(params, grads, 0.5)
    for name, old in zip(params._fields, before, strict=True):
        assert np.array_equal(getattr(params, name), old), f"{name} was changed in place"
        expected = old - 0.5 * getattr(grads, f"d{name}")
        assert relative_difference(getattr(after, name), expected) <= FLOAT64_TOLERANCE, name


def check_accuracy(equations: ModuleType) -> None:
    S = np.array([[0.0, 2.0, 1.0], [3.0, 0.0, 1.0], [1.0, 1.0, 0.0], [0.0, 1.0, 5.0]])
    y = np.array([1, 2, 0, 2])
    assert equations.accuracy(S, y) == 0.75
    assert equations.accuracy(S, np.eye(3)[y]) == 0.75
    assert equations.accuracy(S, y, np.array([1.0, 5.0, 1.0, 1.0])) == 0.375


def check_all(equations: ModuleType) -> None:
    """Everything above, on a handful of problems: what every mutant must fail."""
    square = random_problem(3, (7, 4, 5, 5))
    weighted = next(p for p in map(random_problem, range(50)) if p.data.sample_weight is not None)
    penalised = next(p for p in map(random_problem, range(50)) if p.l2 and p.data.rows > 2)
    for problem in (square, weighted, penalised, corner_problem()):
        check_gradients(equations, problem)
        one_hot = np.eye(len(problem.params.b2))[problem.data.y]
        check_gradients_of_one_hot(equations, problem, one_hot)
        check_dropout(equations, problem)
    check_stability(equations)
    check_update(equations, square)
    check_accuracy(equations)


def check_gradients_of_one_hot(
    equations: ModuleType, problem: Problem, Y: NDArray[np.float64]
) -> None:
    """Indices and one-hot are the same labels."""
    encoded = problem._replace(data=problem.data._replace(y=Y))
    expected = gradients_of(equations, problem)
    assert_close(gradients_of(equations, encoded), expected, FLOAT64_TOLERANCE)


def central_differences(
    equations: ModuleType, problem: Problem, mask: NDArray[np.float64] | None = None
) -> Parameters:
    """(L(θ + h) - L(θ - h)) / 2h of each single parameter, with one mask throughout."""
    params, (X, y, w, _), l2 = problem

    def loss(theta: Parameters) -> float:
        S = equations.forward(theta, X, mask).S
        return float(equations.cross_entropy(S, y, w) + equations.penalty(theta, l2))

    found = []
    for name, value in params._asdict().items():
        slopes = np.empty_like(value)
        moved = value.copy()
        theta = params._replace(**{name: moved})
        for index in np.ndindex(value.shape):
            ends = []
            for h in (STEP, -STEP):
                moved[index] = value[index] + h
                ends.append(loss(theta))
            moved[index] = value[index]
            slopes[index] = (ends[0] - ends[1]) / (2 * STEP)
        found.append(slopes)
    return Parameters(*found)
