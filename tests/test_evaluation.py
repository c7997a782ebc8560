"""Figures of an evaluation: against scikit-learn, and their intervals against simulation."""

import json

import numpy as np
import pytest
from sklearn import metrics

from backhand.evaluation import Evaluation, Tally, curves, figures, scores
from backhand.evaluation.evaluation import Losses


def drawn(n: int, K: int, seed: int = 0, *, apart: float = 1.2, sure: float = 1.0, shares=None):
    """Probabilities and classes of a model that is calibrated if `sure` is 1."""
    rng = np.random.default_rng(seed)
    shares = np.full(K, 1 / K) if shares is None else np.asarray(shares)
    y = rng.choice(K, n, p=shares)
    S = apart * (rng.standard_normal((n, K)) + apart * np.eye(K)[y]) + np.log(shares)
    P = np.exp(sure * (S - S.max(axis=1, keepdims=True)))
    return (P / P.sum(axis=1, keepdims=True)).astype(np.float32), y


def evaluated(P, y, counts=None) -> Evaluation:
    tally = Tally([str(k) for k in range(P.shape[1])], counts)
    tally.add(P, y)
    return tally.result()


@pytest.mark.parametrize("K", [2, 3, 7])
@pytest.mark.parametrize("digits", [1, 7], ids=["ties", "no ties"])
def test_figures_equal_those_of_scikit_learn(K, digits) -> None:
    P, y = drawn(400, K, seed=K)
    P = P.round(digits) + 1e-4
    P /= P.sum(axis=1, keepdims=True)
    found = {name: figure.value for name, figure in evaluated(P, y).figures.items()}
    areas = metrics.roc_auc_score(y, P[:, 1] if K == 2 else P, multi_class="ovr")
    assert found["roc_auc"] == pytest.approx(areas, abs=1e-12)
    assert found["accuracy"] == metrics.accuracy_score(y, P.argmax(axis=1))
    assert found["balanced_accuracy"] == pytest.approx(
        metrics.balanced_accuracy_score(y, P.argmax(axis=1))
    )
    exact = P / P.sum(axis=1, keepdims=True, dtype=np.float64)
    assert found["loss"] == pytest.approx(metrics.log_loss(y, exact), abs=1e-6)
    precision = curves.average_precision(P[:, 1], y == 1)
    assert precision == pytest.approx(metrics.average_precision_score(y == 1, P[:, 1]))


def test_curves_are_those_of_scikit_learn() -> None:
    P, y = drawn(60, 2)
    roc = curves.roc_curve(P[:, 1], y == 1)
    false, true, _ = metrics.roc_curve(y, P[:, 1], drop_intermediate=False)
    np.testing.assert_allclose(roc.false_positive, false)
    np.testing.assert_allclose(roc.true_positive, true)
    found = curves.precision_recall_curve(P[:, 1], y == 1)
    precision, recall, _ = metrics.precision_recall_curve(y, P[:, 1])
    first = int(np.flatnonzero(recall == 1)[-1])
    np.testing.assert_allclose(found.recall, recall[first:-1][::-1])
    np.testing.assert_allclose(found.precision, precision[first:-1][::-1])


def test_a_long_curve_keeps_its_shape() -> None:
    P, y = drawn(20_000, 2)
    roc = curves.roc_curve(P[:, 1], y == 1)
    assert len(roc.true_positive) <= curves.MOST_POINTS
    assert (roc.true_positive[[0, -1]] == [0, 1]).all()
    area = np.trapezoid(roc.true_positive, roc.false_positive)
    assert area == pytest.approx(metrics.roc_auc_score(y, P[:, 1]), abs=1e-3)


def test_the_calibration_error_is_the_mean_gap_of_the_bins() -> None:
    P = np.array([[0.95, 0.05]] * 4 + [[0.3, 0.7]] * 6, np.float32)
    y = np.array([0, 0, 0, 1, 1, 1, 1, 0, 0, 0])
    error = figures.calibration_error(P, y).value
    assert error == pytest.approx(0.4 * (0.95 - 0.75) + 0.6 * (0.7 - 0.5), abs=1e-6)
    bins = curves.calibration(P, y)
    assert bins.rows.tolist() == [6, 4] and bins.accuracy.tolist() == [0.5, 0.75]


COVERED = [
    # rows, classes, apart, sure, shares
    (150, 2, 1.5, 1.0, None),
    (300, 2, 1.5, 1.0, [0.9, 0.1]),
    (200, 3, 1.0, 1.5, [0.6, 0.3, 0.1]),
    (60, 3, 4.0, 1.0, [0.4, 0.4, 0.2]),
]


@pytest.mark.parametrize(("n", "K", "apart", "sure", "shares"), COVERED)
def test_an_interval_contains_the_true_figure_95_times_in_100(n, K, apart, sure, shares) -> None:
    """In 200 draws: 95 % would be 190; fewer than 180 has a probability below 1 in 100."""
    case = {"apart": apart, "sure": sure, "shares": shares}
    truth = evaluated(*drawn(100_000, K, **case)).figures
    hits = dict.fromkeys(truth, 0)
    for seed in range(1, 201):
        for name, (_, low, high) in evaluated(*drawn(n, K, seed, **case)).figures.items():
            hits[name] += low <= truth[name].value <= high
    assert min(hits.values()) >= 180, hits


def test_an_interval_becomes_narrower_with_more_rows() -> None:
    few, many = (evaluated(*drawn(n, 3)).figures for n in (100, 10_000))
    for name in few:
        assert many[name].high - many[name].low < 0.25 * (few[name].high - few[name].low)
        assert many[name].low <= many[name].value <= many[name].high


def test_perfect_predictions_are_not_certain() -> None:
    y = np.arange(40) % 2
    found = evaluated(np.eye(2, dtype=np.float32)[y] * 0.8 + 0.1, y).figures
    assert found["accuracy"][0] == found["roc_auc"][0] == 1
    for name in ("accuracy", "balanced_accuracy", "roc_auc"):
        assert 0.8 < found[name].low < 0.95 and found[name].high == 1
    assert evaluated(np.eye(2, dtype=np.float32)[1 - y], y).figures["roc_auc"].high < 0.2


def test_the_baseline_is_the_commonest_class_of_training() -> None:
    P, y = np.full((10, 2), 0.5, np.float32), np.array([0] * 7 + [1] * 3)
    base = evaluated(P, y, counts=[10, 90]).baseline
    assert base.name == "1" and base.accuracy == 0.3
    assert base.loss == pytest.approx(-0.7 * np.log(0.1) - 0.3 * np.log(0.9))
    own = evaluated(P, y).baseline
    assert own.name == "0" and own.accuracy == 0.7
    assert own.loss == pytest.approx(-0.7 * np.log(0.7) - 0.3 * np.log(0.3))


def test_the_gain_over_the_baseline_is_of_paired_rows() -> None:
    P, y = drawn(500, 3, shares=[0.6, 0.3, 0.1])
    found = evaluated(P, y, counts=[60, 30, 10])
    gain = (P.argmax(axis=1) == y) * 1.0 - (y == 0)
    beyond = found.beyond_baseline()
    half = 1.959964 * gain.std(ddof=1) / np.sqrt(500)
    assert beyond["accuracy"] == pytest.approx(
        (gain.mean(), gain.mean() - half, gain.mean() + half)
    )
    loss = -np.log(P[np.arange(500), y].astype(float)) + np.log([0.6, 0.3, 0.1])[y]
    half = 1.959964 * loss.std(ddof=1) / np.sqrt(500)
    assert beyond["loss"] == pytest.approx((loss.mean(), loss.mean() - half, loss.mean() + half))


@pytest.mark.parametrize(
    ("confusion", "loss", "accuracy", "of_loss", "only", "overall"),
    [
        ([[55, 5], [5, 35]], 0.3, "better", "better", None, "better"),
        ([[55, 5], [5, 35]], 1.2, "better", "worse", None, "unclear"),
        ([[30, 30], [35, 5]], 1.2, "worse", "worse", None, "worse"),
        ([[60, 0], [40, 0]], 0.67, "unclear", "unclear", "0", "unclear"),
        ([[60, 0], [40, 0]], 1.2, "unclear", "worse", "0", "worse"),
        ([[0, 60], [0, 40]], 1.2, "worse", "worse", "1", "worse"),
    ],
)
def test_the_verdict_is_of_accuracy_and_loss(
    confusion, loss, accuracy, of_loss, only, overall
) -> None:
    counts = np.array(confusion)
    sums = Losses(counts.sum(axis=1) * loss, float(100 * loss**2 + 10))
    found = Evaluation(["0", "1"], counts, loss, losses=sums).verdict()
    assert found == (accuracy, of_loss, only) and found.overall == overall
    unknown = Evaluation(["0", "1"], counts, loss).verdict()
    assert unknown.loss is None and unknown.overall == accuracy


def test_beyond_the_limit_an_even_sample_is_kept_that_does_not_depend_on_the_parts(
    monkeypatch,
) -> None:
    monkeypatch.setattr(scores, "MOST_ROWS", 1000)
    P, y = drawn(20_000, 2)
    found = []
    for length in (77, 20_000):
        tally = Tally(["a", "b"])
        for start in range(0, len(y), length):
            tally.add(P[start : start + length], y[start : start + length])
        found.append(tally.result())
    one, other = (evaluation.scores for evaluation in found)
    assert not one.complete and len(one.y) == 1000
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    np.testing.assert_array_equal(one.P, P[one.rows])
    np.testing.assert_array_equal(one.y, y[one.rows])
    assert (np.histogram(one.rows, 10, (0, 20_000))[0] > 60).all()
    assert found[0].rows == 20_000 and np.array_equal(found[0].confusion, found[1].confusion)
    np.testing.assert_allclose(found[0].loss, found[1].loss)


def test_rows_of_other_classes_count_in_the_accuracy_only() -> None:
    tally = Tally(["a", "b"])
    P = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], np.float32)
    tally.add(P, np.array([0, -1, 1]), unlabelled=2, rows=np.array([3, 5, 9]))
    found = tally.result()
    assert (found.rows, found.unknown, found.unlabelled) == (3, 1, 2)
    assert found.accuracy == pytest.approx(1 / 3) and found.scores.rows.tolist() == [3, 9]
    assert found.figures["balanced_accuracy"].value == 0.5


@pytest.mark.parametrize("y", [[0], [0, 0], [-1]], ids=["one row", "one class", "other classes"])
def test_what_is_undefined_is_null(y) -> None:
    found = evaluated(np.full((len(y), 3), 1 / 3, np.float32), np.array(y)).to_json()
    assert found["roc_auc"] is None and found["intervals"]["roc_auc"] == [None, None]
    json.dumps(found, allow_nan=False)


def test_all_figures_are_in_the_json() -> None:
    found = evaluated(*drawn(50, 3), counts=[3, 2, 1]).to_json()
    json.dumps(found, allow_nan=False)
    assert found.keys() >= {"accuracy", "loss", "balanced_accuracy", "roc_auc", "baseline"}
    assert found["intervals"].keys() == evaluated(*drawn(50, 3)).figures.keys()
    assert found["scored_rows"] == 50 and sum(b["rows"] for b in found["calibration"]) == 50
