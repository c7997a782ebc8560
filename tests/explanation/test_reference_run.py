"""The recorded reference run: small, the same by both ways, and what training gives again."""

from __future__ import annotations

import numpy as np
import pytest

import backhand
from backhand.explanation.reference_run import FILE, Start, packed, recorded_run, reference_run

RUN = reference_run()
BY_HAND, AUTOGRAD = RUN.starts


def test_it_is_small_and_in_float32() -> None:
    assert FILE.stat().st_size < 90_000
    assert RUN.X.shape == (128, 20) and RUN.X.dtype == np.float32 and RUN.y.shape == (128,)
    for start in RUN.starts:
        assert [value.shape for value in start.params] == [(20, 64), (64,), (64, 5), (5,)]
        assert {value.dtype.name for value in start.params} == {"float32"}


def test_by_hand_and_by_autograd_agree_in_every_epoch() -> None:
    for start in RUN.starts:
        np.testing.assert_allclose(start.by_hand.loss, start.autograd.loss, rtol=1e-5)
        np.testing.assert_array_equal(start.by_hand.accuracy, start.autograd.accuracy)
        assert len(start.autograd.loss) == 200


@pytest.mark.parametrize("start", RUN.starts, ids=["by hand", "PyTorch's"])
def test_training_gives_the_recorded_losses_again(start: Start) -> None:
    history = backhand.train(
        start.params, RUN.X, RUN.y, learning_rate=RUN.learning_rate, epochs=200, engine="reference"
    ).history
    np.testing.assert_allclose(history.loss, start.by_hand.loss, rtol=1e-5)


@pytest.mark.slow  # torch alone takes seconds
def test_it_is_what_torch_draws() -> None:
    twin = pytest.importorskip("backhand.torch_twin")
    X, y, by_hand, autograd = twin.reference_start()
    recorded = recorded_run()
    assert recorded["X"] == packed(X.numpy()) and recorded["y"] == y.tolist()
    for value, tensor in zip(BY_HAND.params, by_hand, strict=True):
        np.testing.assert_array_equal(value, tensor.numpy())
    for value, expected in zip(AUTOGRAD.params, twin.from_torch(autograd), strict=True):
        np.testing.assert_array_equal(value, expected)
