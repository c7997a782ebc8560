"""Tests for the teacher: `python -m pytest hidden/test_hidden.py` in the folder with net.py.

The gradients are graded by `backhand grade` (see rubric.md), which gives points for each equation.
These tests are for the rest: 1 point each.
"""

import numpy as np
from net import backward, train


def three_clouds(N, seed):
    """Rows around three points of the plane, with one-hot classes."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, N)
    centres = np.array([[2.0, 0.0], [-1.0, 1.7], [-1.0, -1.7]])
    return centres[y] + rng.standard_normal((N, 2)) / 2, np.eye(3)[y]


def probabilities(X, W1, b1, W2, b2):
    """What trained parameters predict."""
    S = np.maximum(X @ W1 + b1, 0) @ W2 + b2
    E = np.exp(S - S.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)


def test_training_generalises():
    losses, parameters = train(*three_clouds(150, 0), H=8, learning_rate=0.5, steps=300, seed=1)
    X, Y = three_clouds(500, 1)
    correct = probabilities(X, *parameters).argmax(axis=1) == Y.argmax(axis=1)
    assert len(losses) == 300
    assert correct.mean() > 0.95


def test_the_recorded_losses_are_those_before_each_step():
    X, Y = three_clouds(30, 2)
    losses, _ = train(X, Y, H=4, learning_rate=0.5, steps=6, seed=3)
    _, after_five = train(X, Y, H=4, learning_rate=0.5, steps=5, seed=3)
    assert np.allclose(losses[5], -(Y * np.log(probabilities(X, *after_five))).sum() / len(X))


def test_the_same_seed_gives_the_same_training():
    X, Y = three_clouds(30, 2)
    first, second, other = (
        train(X, Y, H=4, learning_rate=0.1, steps=5, seed=s)[0] for s in (3, 3, 4)
    )
    assert list(first) == list(second)
    assert list(first) != list(other)


def test_nothing_is_changed_in_place_and_large_logits_do_not_overflow():
    X, Y = three_clouds(9, 4)
    parameters = [np.full((2, 4), 30.0), np.zeros(4), np.eye(4, 3) * 30.0, np.zeros(3)]
    before = [array.copy() for array in (X, Y, *parameters)]
    with np.errstate(over="raise", invalid="raise"):
        returned = backward(X, Y, *parameters)
    assert all(np.isfinite(returned[name]).all() for name in ("dW1", "db1", "dW2", "db2"))
    for array, copy in zip((X, Y, *parameters), before, strict=True):
        assert np.array_equal(array, copy)
