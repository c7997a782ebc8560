"""The equations against autograd and against differences of their own loss."""

import array_api_compat
import numpy as np
import pytest

import backhand
from backhand import equations
from backhand.engines import Data
from backhand.equations import Gradients, Parameters
from backhand.optimizers import of_parameters
from backhand.support.differences import relative_difference
from helpers.gradient_checks import (
    CENTRAL_TOLERANCE,
    FLOAT32_TOLERANCE,
    FLOAT64_TOLERANCE,
    assert_close,
    central_differences,
    check_accuracy,
    check_gradients,
    check_stability,
    check_update,
    corner_problem,
    gradients_of,
    random_problem,
)
from helpers.optional_packages import optional

torch = optional("torch")

PROBLEMS = range(200)


@pytest.mark.parametrize("seed", PROBLEMS)
def test_all_seven_gradients_agree_with_autograd(seed: int) -> None:
    check_gradients(equations, random_problem(seed))


@pytest.mark.parametrize("seed", PROBLEMS)
def test_parameter_gradients_agree_with_central_differences(seed: int) -> None:
    problem = random_problem(seed)
    ours = of_parameters(gradients_of(equations, problem))
    for a, b in zip(ours, central_differences(equations, problem), strict=True):
        assert relative_difference(a, b) <= CENTRAL_TOLERANCE


@pytest.mark.parametrize("seed", PROBLEMS)
def test_float32_agrees_with_float64(seed: int) -> None:
    problem = random_problem(seed)
    single = problem._replace(params=Parameters(*(p.astype(np.float32) for p in problem.params)))
    ours = gradients_of(equations, single)
    assert all(g.dtype == np.float32 for g in ours)
    assert_close(ours, gradients_of(equations, problem), FLOAT32_TOLERANCE)


@pytest.mark.parametrize("seed", PROBLEMS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_torch_arrays_give_the_same(seed: int, dtype: torch.dtype) -> None:
    problem = random_problem(seed)
    X, y, w = (None if a is None else torch.tensor(a) for a in problem.data[:3])
    params = Parameters(*(torch.tensor(p, dtype=dtype) for p in problem.params))
    ours = gradients_of(equations, problem._replace(params=params, data=Data(X, y, w)))
    assert all(isinstance(g, torch.Tensor) and g.dtype == dtype for g in ours)
    assert not any(g.requires_grad for g in ours)
    tolerance = FLOAT64_TOLERANCE if dtype == torch.float64 else FLOAT32_TOLERANCE
    assert_close(tuple(g.numpy() for g in ours), gradients_of(equations, problem), tolerance)


def test_the_random_problems_are_not_trivial() -> None:
    """Errors relative to a zero gradient would prove nothing: nearly all gradients are not zero."""
    problems = [random_problem(seed) for seed in PROBLEMS]
    assert sum(p.data.sample_weight is not None for p in problems) > 50
    assert sum(p.l2 > 0 for p in problems) > 50
    for name in Gradients._fields:
        norms = [np.linalg.norm(getattr(gradients_of(equations, p), name)) for p in problems]
        assert np.mean(np.array(norms) > 1e-3) > 0.95, name


def test_relu_has_no_slope_at_exactly_zero() -> None:
    check_gradients(equations, corner_problem())


def test_logits_of_ten_thousand_are_stable() -> None:
    check_stability(equations)


def test_sgd_is_the_update_and_changes_nothing_in_place() -> None:
    check_update(equations, random_problem(1))


def test_accuracy() -> None:
    check_accuracy(equations)


def test_sample_weights_equal_repeated_rows() -> None:
    params, (X, y, *_), _ = random_problem(11, (9, 4, 6, 3))
    times = np.array([1, 2, 3, 1, 1, 4, 1, 2, 1])
    weighted = gradients_of(equations, random_problem(11, (9, 4, 6, 3))._replace(
        data=Data(X, y, times.astype(np.float64)), l2=0.0))  # fmt: skip
    rows = np.repeat(np.arange(9), times)
    acts = equations.forward(params, X[rows])
    repeated = equations.backward(params, X[rows], y[rows], acts)
    for a, b in zip(of_parameters(weighted), of_parameters(repeated), strict=True):
        assert relative_difference(a, b) <= FLOAT64_TOLERANCE


def test_a_batch_whose_weights_are_all_zero_has_no_gradient() -> None:
    params, (X, y, *_), _ = random_problem(2, (4, 3, 5, 3))
    acts = equations.forward(params, X)
    grads = equations.backward(params, X, y, acts, np.zeros(4))
    assert all(not g.any() for g in grads)
    assert equations.cross_entropy(acts.S, y, np.zeros(4)) == 0


def test_any_array_of_the_standard_will_do() -> None:
    """array-api-strict refuses whatever the standard does not promise."""
    xp = pytest.importorskip("array_api_strict")
    problem = random_problem(4)
    X, y, w = (None if a is None else xp.asarray(a) for a in problem.data[:3])
    params = Parameters(*map(xp.asarray, problem.params))
    ours = gradients_of(equations, problem._replace(params=params, data=Data(X, y, w)))
    assert_close(tuple(np.asarray(g) for g in ours), gradients_of(equations, problem), 1e-12)
    assert array_api_compat.array_namespace(ours.dS).__name__ == "array_api_strict"


def test_init_is_seeded_scaled_and_typed() -> None:
    params = backhand.init(400, 300, 7, seed=3)
    assert [p.shape for p in params] == [(400, 300), (300,), (300, 7), (7,)]
    assert all(p.dtype == np.float32 for p in params)
    assert not params.b1.any() and not params.b2.any()
    assert np.isclose(params.W1.std(), (2 / 400) ** 0.5, rtol=0.02)
    assert np.isclose(params.W2.std(), (1 / 300) ** 0.5, rtol=0.05)
    again, other = backhand.init(400, 300, 7, seed=3), backhand.init(400, 300, 7, seed=4)
    assert all(np.array_equal(a, b) for a, b in zip(params, again, strict=True))
    assert not np.array_equal(params.W1, other.W1)
    assert backhand.init(2, 3, 2, dtype=np.float64).W1.dtype == np.float64


params = backhand.init(4, 6, 3)
X = np.zeros((5, 4), np.float32)
y = np.array([0, 1, 2, 0, 1])
acts = backhand.forward(params, X)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: backhand.init(0, 6, 3), "d is 0; expected an integer of 1 or more"),
        (lambda: backhand.init(4, 6, 1), "K is 1; expected an integer of 2 or more"),
        (lambda: backhand.init(4, 6.5, 3), "H is 6.5; expected an integer"),
        (lambda: backhand.init(4, 6, 3, dtype=np.int32), "expected float32 or float64"),
        (lambda: backhand.forward(params, X[:, :3]), r"\(5, 3\) and W1 is \(4, 6\)"),
        (lambda: backhand.forward(params, X.tolist()), "X is a list; expected an array"),
        (lambda: backhand.forward(params, X[:0]), "no rows"),
        (lambda: backhand.forward(params._replace(b1=params.b2), X), "do not fit together"),
        (lambda: backhand.forward(params._replace(b1=np.zeros(6)), X), "several dtypes"),
        (lambda: backhand.forward((X, X), X), "expected Parameters"),
        (lambda: backhand.cross_entropy(acts.S, y + 1), "from 1 to 3; with 3 classes"),
        (lambda: backhand.cross_entropy(acts.S, y.astype(float)), "y holds float64"),
        (lambda: backhand.cross_entropy(acts.S, y[:4]), r"y is \(4,\); expected \(5,\)"),
        (lambda: backhand.cross_entropy(acts.S, y, y[:4]), "4 entries for 5 rows"),
        (lambda: backhand.backward(params, X, y, acts[:3]), "expected the Activations"),
        (lambda: backhand.backward(params, X, y, acts._replace(Z1=acts.S)), r"Z1 is \(5, 3\)"),
        (lambda: backhand.forward(params, torch.zeros(5, 4)), "expected arrays of one library"),
        (lambda: backhand.cross_entropy(acts.S, torch.tensor(y)), "expected arrays of one library"),
        (lambda: backhand.sgd(params, None, 0.1), "dW1 is a NoneType"),
    ],
)
def test_wrong_arguments_are_told(call, said) -> None:
    with pytest.raises(backhand.InputError, match=said) as raised:
        call()
    assert isinstance(raised.value, ValueError)


def test_the_checked_equations_show_the_equations_own_help() -> None:
    assert backhand.backward.__doc__ == equations.backward.__doc__
    assert backhand.backward.__wrapped__ is equations.backward
