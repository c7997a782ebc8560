"""Calibration: the temperature with the least loss, and the class shares where they are better."""

import numpy as np
import pytest

from backhand.engines import Data
from backhand.equations import Parameters, forward, log_softmax
from backhand.selection.calibration import Calibration, Logits, calibrate, log_shares, mean_loss
from helpers.optional_packages import optional

minimize_scalar = optional("scipy.optimize").optimize.minimize_scalar


def rows_of(n: int, K: int, temperature: float, seed: int = 0, weighted: bool = False) -> Logits:
    """Logits that are `temperature` times as large as those that the classes were drawn by."""
    rng = np.random.default_rng(seed)
    S = 2 * rng.standard_normal((n, K))
    P = np.exp(log_softmax(S))
    y = (P.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(max=K - 1)
    w = rng.random(n).astype(np.float32) if weighted else None
    return Logits((temperature * S).astype(np.float32), y, w)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("temperature", [0.2, 1.0, 5.0])
def test_the_temperature_is_the_minimum_that_a_search_finds(temperature, weighted):
    rows = rows_of(500, 4, temperature, weighted=weighted)
    shares = log_shares(Data(rows.S, rows.y, rows.sample_weight), 4)

    def penalised(a: float) -> float:
        return mean_loss(rows, Calibration(a, shares)) + (a - 1) ** 2 / 1000

    best = minimize_scalar(penalised, bounds=(0, 20), method="bounded", options={"xatol": 1e-9})
    assert calibrate(rows, shares).scale == pytest.approx(best.x, rel=1e-5)


def test_the_temperature_of_many_rows_is_the_true_one():
    rows = rows_of(20_000, 3, 3.0)
    assert calibrate(rows, np.log(np.full(3, 1 / 3))).scale == pytest.approx(1 / 3, rel=0.05)


def test_rows_that_are_all_correct_give_a_finite_temperature():
    y = np.arange(30) % 3
    found = calibrate(Logits(4 * np.eye(3)[y], y), np.log(np.full(3, 1 / 3)))
    assert 1 < found.scale < 3


def test_logits_that_are_wrong_give_the_class_shares():
    y = (np.arange(100) % 4 == 0).astype(np.int64)
    shares = log_shares(Data(np.zeros((100, 1)), y), 2)
    found = calibrate(Logits(3 * np.eye(2)[1 - y], y), shares)
    assert found.scale == 0
    assert np.allclose(np.exp(shares), [0.75, 0.25], atol=0.01)
    assert np.array_equal(found.of_logits(np.ones((5, 2))), np.tile(shares, (5, 1)))


@pytest.mark.parametrize(("strength", "shares"), [(0.15, True), (0.6, False)])
def test_the_class_shares_are_taken_unless_the_logits_are_clearly_better(strength, shares):
    rng = np.random.default_rng(4)
    z = rng.standard_normal(400)
    y = (rng.random(400) < 1 / (1 + np.exp(-strength * z))).astype(np.int64)
    rows = Logits(np.stack([0 * z, z], axis=1), y)
    found = calibrate(rows, np.log([0.5, 0.5]))
    assert (found.scale == 0) == shares
    heavier = rows._replace(sample_weight=np.full(400, 7.0))
    assert (calibrate(heavier, np.log([0.5, 0.5])).scale == 0) == shares


@pytest.mark.parametrize("scale", [0.0, 0.7])
def test_the_folded_network_has_the_calibrated_logits(scale):
    rng = np.random.default_rng(0)
    net = Parameters(*(rng.standard_normal(shape) for shape in ((4, 6), (6,), (6, 3), (3,))))
    X, calibration = rng.standard_normal((20, 4)), Calibration(scale, np.log([0.5, 0.3, 0.2]))
    expected = calibration.of_logits(forward(net, X).S)
    assert np.abs(forward(calibration.folded(net), X).S - expected).max() < 1e-12


def test_shares_count_weights_and_are_never_0():
    data = Data(np.zeros((4, 1)), np.array([0, 0, 1, 1]), np.array([3, 3, 1, 1], np.float32))
    shares = np.exp(log_shares(data, 3))
    assert shares.sum() == pytest.approx(1) and shares[2] > 0
    assert shares[0] / shares[1] == pytest.approx(6.5 / 2.5)
    small = np.exp(log_shares(data._replace(sample_weight=data.sample_weight / 100), 3))
    assert small[0] / small[1] == pytest.approx(3.5 / 1.5), "4 rows, however little they weigh"
