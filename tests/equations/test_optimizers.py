"""The update rules against torch's own."""

import numpy as np
import pytest

from backhand.equations import Gradients, Parameters
from backhand.errors import InputError
from backhand.optimizers import Adam, Momentum, Nesterov, make_optimizer
from helpers.optional_packages import optional

torch = optional("torch")


def walk(optimizer, learning_rate: float, steps: int) -> np.ndarray:
    """W1 after some steps along gradients that change with the step."""
    params = Parameters(np.full((1, 2), 0.5), np.zeros(2), np.ones((2, 2)), np.zeros(2))
    slots = tuple(Parameters(*map(np.zeros_like, params)) for _ in range(optimizer.slots))
    for t in range(1, steps + 1):
        d = [np.cos(t + np.arange(p.size)).reshape(p.shape) for p in params]
        grads = Gradients(None, d[2], d[3], None, None, d[0], d[1])
        params, slots = optimizer.update(params, grads, slots, learning_rate, t)
    return params.W1


def torch_walk(make, steps: int) -> np.ndarray:
    W1 = torch.full((1, 2), 0.5, dtype=torch.float64, requires_grad=True)
    optimizer = make([W1])
    for t in range(1, steps + 1):
        W1.grad = torch.cos(t + torch.arange(2, dtype=torch.float64)).reshape(1, 2)
        optimizer.step()
    return W1.detach().numpy()


@pytest.mark.parametrize(
    ("ours", "theirs", "tolerance"),
    [
        (make_optimizer("sgd"), lambda p: torch.optim.SGD(p, lr=0.1), 1e-14),
        (Momentum(0.8), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.8), 1e-14),
        (Nesterov(0.8), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.8, nesterov=True), 1e-14),
        # torch adds ε after the correction of √v, Kingma's efficient form before: a matter of ε.
        (Adam(epsilon=1e-12), lambda p: torch.optim.Adam(p, lr=0.1, eps=1e-12), 1e-10),
    ],
)
def test_at_a_constant_rate_the_rules_are_torchs(ours, theirs, tolerance) -> None:
    np.testing.assert_allclose(walk(ours, 0.1, 20), torch_walk(theirs, 20), rtol=tolerance)


def test_an_unknown_rule_is_told() -> None:
    with pytest.raises(InputError, match="Did you mean 'adam'"):
        make_optimizer("adan")
