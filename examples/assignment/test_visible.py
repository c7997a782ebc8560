"""Tests that students may look at: `pytest test_visible.py` beside net.py."""

import numpy as np
from net import backward, train

import backhand

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((7, 4)), np.eye(3)[RNG.integers(0, 3, 7)]
PARAMETERS = {
    "W1": RNG.standard_normal((4, 5)), "b1": RNG.standard_normal(5),
    "W2": RNG.standard_normal((5, 3)), "b2": RNG.standard_normal(3),
}  # fmt: skip


def test_gradients_have_the_shapes_of_the_parameters():
    returned = backward(X, Y, **PARAMETERS)
    for name, value in PARAMETERS.items():
        assert np.shape(returned[f"d{name}"]) == value.shape, f"d{name}"


def test_the_loss_of_equal_probabilities_is_log_K():
    zeros = {name: np.zeros_like(value) for name, value in PARAMETERS.items()}
    assert np.isclose(backward(X, Y, **zeros)["L"], np.log(3))


def test_the_loss_falls_in_training():
    losses, _ = train(X, Y, H=5, learning_rate=0.1, steps=50, seed=0)
    assert len(losses) == 50
    assert losses[-1] < losses[0]


def test_every_equation_is_correct():
    backhand.assert_gradients(backward, hints=1)
