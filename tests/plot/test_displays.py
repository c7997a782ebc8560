"""The displays show the numbers of the network: what is drawn is read back and compared."""

import sys
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import backhand
from backhand import (
    DecisionRegionsDisplay,
    HiddenUnitsDisplay,
    LossCurveDisplay,
    MaskDisplay,
    WeightsDisplay,
)
from backhand.plot.axes import COLOURS
from backhand.training.history import History

rng = np.random.default_rng(0)
X = rng.standard_normal((60, 4))
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
NAMES = np.array(["low", "middle", "high"])


def trained(**settings):
    settings = {"learning_rate": 0.3, "epochs": 40, "engine": "reference"} | settings
    return backhand.train(backhand.init(4, 6, 3, dtype=np.float64), X, Y, **settings)


RESULT = trained()
MODEL = backhand.Model(RESULT.params, tuple(NAMES.tolist()), history=RESULT.history)


HUGE = backhand.Parameters(*(array * 1e200 for array in RESULT.params))


@pytest.fixture(autouse=True)
def closed_figures() -> Iterator[None]:
    pyplot.switch_backend("Agg")
    yield
    pyplot.close("all")


def with_a_dead_unit(unit: int = 2) -> backhand.Parameters:
    b1 = RESULT.params.b1.copy()
    b1[unit] = -100
    return RESULT.params._replace(b1=b1)


# Loss curves


def test_a_loss_curve_is_the_history() -> None:
    display = LossCurveDisplay.from_estimator(RESULT)
    (line,) = display.lines_
    assert np.array_equal(line.get_xdata(), np.arange(1, 41))
    assert np.array_equal(line.get_ydata(), RESULT.history.loss)
    assert display.ax_.get_xlabel() == "epoch" and display.ax_.figure is display.figure_


def test_a_run_can_be_called_by_a_number() -> None:
    assert LossCurveDisplay.from_estimator(RESULT, name=3).lines_[0].get_label() == "3, training"


def test_validation_is_dashed_and_drawn_where_it_was_measured() -> None:
    result = trained(validation=(X[:20], Y[:20]), validation_every=4)
    training, validation = LossCurveDisplay.from_estimator(result, figure="accuracy").lines_
    assert (training.get_linestyle(), validation.get_linestyle()) == ("-", "--")
    measured = np.flatnonzero(np.isfinite(result.history.validation_accuracy))
    assert 0 < len(measured) < 40
    assert np.array_equal(validation.get_xdata(), measured + 1)
    assert np.array_equal(validation.get_ydata(), result.history.validation_accuracy[measured])


def test_runs_on_the_same_axes_have_different_colours_and_names() -> None:
    first = LossCurveDisplay.from_estimator(RESULT, name="η 0.3")
    second = LossCurveDisplay.from_estimator(
        trained(learning_rate=0.03), name="η 0.03", ax=first.ax_, log_scale=True
    )
    assert second.ax_ is first.ax_ and second.ax_.get_yscale() == "log"
    assert first.lines_[0].get_color() != second.lines_[0].get_color()
    texts = [text.get_text() for text in first.ax_.get_legend().get_texts()]
    assert texts == ["η 0.3, training", "η 0.03, training"]


def test_the_best_epoch_is_marked_and_a_penalty_is_named() -> None:
    stopping = backhand.EarlyStopping(patience=5)
    result = trained(l2=0.1, validation=(X[:20], 2 - Y[:20]), early_stopping=stopping)
    display = LossCurveDisplay.from_estimator(result)
    labels = [line.get_label() for line in display.ax_.lines]
    assert labels == ["training (with penalty)", "validation", f"best epoch {result.best_epoch}"]
    assert display.ax_.lines[2].get_xdata()[0] == result.best_epoch


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_classifiers_curve_is_by_epoch_and_that_of_lbfgs_by_step() -> None:
    for solver, step in (("adam", "epoch"), ("lbfgs", "step")):
        clf = backhand.MLPClassifier((6,), solver=solver, max_iter=12, random_state=0).fit(X, Y)
        display = LossCurveDisplay.from_estimator(clf)
        assert np.array_equal(display.lines_[0].get_ydata(), clf.loss_curve_)
        assert display.ax_.get_xlabel() == step


def test_a_history_alone_is_drawn_and_a_figure_that_is_not_there_is_named() -> None:
    history = History(np.array([2.0, 1.0]), *[np.full(2, np.nan)] * 3)
    assert LossCurveDisplay.from_estimator(history).lines_[0].get_ydata().tolist() == [2.0, 1.0]
    with pytest.raises(backhand.InputError, match="no accuracy"):
        LossCurveDisplay.from_estimator(history, figure="accuracy")
    with pytest.raises(backhand.InputError, match="'loss' or 'accuracy'"):
        LossCurveDisplay.from_estimator(history, figure="lost")
    with pytest.raises(backhand.InputError, match="Parameters has no history"):
        LossCurveDisplay.from_estimator(RESULT.params)


# Decision regions


def test_the_regions_are_the_networks_probabilities_where_the_rest_is_at_its_mean() -> None:
    display = DecisionRegionsDisplay.from_estimator(MODEL, X, features=(3, 1), resolution=9)
    for i, j in ((0, 0), (4, 7), (8, 2)):
        row = X.mean(axis=0)
        row[3], row[1] = display.x0[i], display.x1[j]
        assert np.allclose(display.P[j, i], MODEL.predict_proba(row[None])[0], atol=1e-12)
    assert display.ax_.get_xlabel() == "feature 3" and display.ax_.get_ylabel() == "feature 1"
    assert display.image_.get_array().shape == (9, 9, 3)


def test_a_region_has_the_colour_of_its_class_and_a_boundary_none() -> None:
    W1 = np.array([[50.0, -50.0], [0.0, 0.0]])
    params = backhand.Parameters(W1, np.zeros(2), np.eye(2), np.zeros(2))
    display = DecisionRegionsDisplay.from_estimator(params, np.array([[-1.0, 0], [1, 1]]))
    colours = display.image_.get_array()
    for column, k in ((0, 1), (-1, 0)):
        tint = 0.5 + 0.5 * np.array(to_rgba(COLOURS[k])[:3])
        assert np.allclose(colours[:, column], tint, atol=1e-6)
    (line,) = {round(float(x), 2) for c in display.ax_.collections[:2]
               for path in c.get_paths() for x in path.vertices[:, 0]}  # fmt: skip
    assert line == 0.0


def test_a_hinge_is_where_z1_is_0_and_its_tick_is_on_the_active_side() -> None:
    at = np.array([0.1, -0.2, 0.3, 0.4])
    display = DecisionRegionsDisplay.from_estimator(MODEL, X, features=(0, 2), at=at, resolution=5)
    lines, ticks = (c for c in display.ax_.collections if isinstance(c, LineCollection))
    assert display.hinges_ is lines and len(display.hinge_units_) > 2

    def Z1(place, unit):
        row = at.copy()
        row[0], row[2] = place
        return row @ MODEL.params.W1[:, unit] + MODEL.params.b1[unit]

    for unit, line, tick in zip(
        display.hinge_units_, lines.get_segments(), ticks.get_segments(), strict=True
    ):
        assert max(abs(Z1(end, unit)) for end in line) < 1e-9
        assert Z1(tick[1], unit) > 1e-3


def test_a_unit_that_bends_outside_the_plane_has_no_hinge() -> None:
    display = DecisionRegionsDisplay.from_estimator(with_a_dead_unit(2), X, resolution=5)
    assert 2 not in display.hinge_units_ and display.hinge_units_
    without = display.plot(hinges=0)
    assert without.hinges_ is None and without.hinge_units_ == []


def test_of_many_hinges_those_are_drawn_at_which_the_logits_bend_most() -> None:
    params = backhand.init(2, 50, 3, seed=1, dtype=np.float64)
    display = DecisionRegionsDisplay.from_estimator(params, X[:, :2], resolution=4)
    assert len(display.hinge_units_) == 32 and display.hinge_units_ == sorted(display.hinge_units_)
    assert set(display.plot(hinges=2).hinge_units_) == set(np.argsort(-display.bends)[:2])
    assert len(display.plot(hinges=50).hinge_units_) == 50
    for unit in (0, 7):  # alone, and across its hinge, which is at the origin
        alone = backhand.Parameters(
            params.W1[:, [unit]], np.zeros(1), params.W2[[unit]], np.zeros(3)
        )
        across = alone.W1.T / np.linalg.norm(alone.W1)
        below, at, above = (backhand.forward(alone, t * across).S for t in (-1, 0, 1))
        slopes = [S - S.mean() for S in (at - below, above - at)]
        assert np.isclose(np.linalg.norm(slopes[1] - slopes[0]), display.bends[unit])


def test_an_upright_and_a_level_hinge_are_drawn_from_side_to_side() -> None:
    W1 = np.array([[2.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
    params = backhand.Parameters(W1, np.array([1.0, 0.5, 1.0]), np.eye(3)[:, :2], np.zeros(2))
    rows = np.array([[-1.0, -1.0], [1.0, 1.0]])
    display = DecisionRegionsDisplay.from_estimator(params, rows, resolution=5)
    assert display.hinge_units_ == [0, 1]  # the third is active everywhere
    upright, level = display.hinges_.get_segments()
    assert np.allclose(upright[:, 0], -0.5) and np.ptp(upright[:, 1]) == np.ptp(display.x1)
    assert np.allclose(level[:, 1], 0.5) and np.ptp(level[:, 0]) == np.ptp(display.x0)


@pytest.mark.parametrize(
    "y", [Y, NAMES[Y], np.eye(3)[Y], Y.tolist()], ids=["index", "name", "Y", "list"]
)
def test_rows_are_drawn_class_by_class_however_their_classes_are_given(y) -> None:
    display = DecisionRegionsDisplay.from_estimator(MODEL, X, y, resolution=4)
    assert [points.get_label() for points in display.points_] == NAMES.tolist()
    for k, points in enumerate(display.points_):
        assert np.array_equal(points.get_offsets(), X[k == Y][:, :2])
    looks = {tuple(points.get_facecolor()[0]) for points in display.points_}
    shapes = {len(points.get_paths()[0].vertices) for points in display.points_}
    assert len(looks) == 3 and len(shapes) > 1  # a marker tells what a colour tells


def test_features_have_the_names_of_the_frame_a_classifier_was_fitted_to() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X[:, :2], columns=["length", "depth"])
    clf = backhand.MLPClassifier((4,), solver="lbfgs", max_iter=200, tol=1e-2, random_state=0)
    clf.fit(frame, NAMES[Y])
    display = DecisionRegionsDisplay.from_estimator(
        clf, frame, NAMES[Y], features=["depth", "length"], resolution=4
    )
    assert display.ax_.get_xlabel() == "depth"
    assert [points.get_label() for points in display.points_] == ["high", "low", "middle"]
    row = np.array([[display.x1[0], display.x0[3]]])
    assert np.allclose(display.P[0, 3], clf.to_model().predict_proba(row))


@pytest.mark.filterwarnings("ignore:Only 12 rows are held out")
def test_a_table_is_encoded_by_the_schema_of_its_model() -> None:
    table = {"x": X[:, 0], "kind": np.where(X[:, 1] > 0, "a", "b")}
    model = backhand.fit(table | {"y": NAMES[Y]}, "y", quick=True, epochs=2)
    display = DecisionRegionsDisplay.from_estimator(
        model, table, NAMES[Y], features=("x", "kind = a"), resolution=4
    )
    assert display.ax_.get_ylabel() == "kind = a"
    assert np.array_equal(np.unique(display.points[:, 1]), [0, 1])
    assert np.isclose(display.points[:, 0].std(), 1, atol=0.5)
    mask = MaskDisplay.from_estimator(model, table).mask
    assert mask.shape == (60, model.sizes[1])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"features": (0, 4)}, "features has 4; expected numbers from 0 to 3"),
        ({"features": ("depth", 1)}, "features has 'depth'"),
        ({"features": (1, 1)}, "twice"),
        ({"features": (1,)}, "expected two"),
        ({"resolution": 1}, "resolution is 1"),
        ({"features": 3}, "features is 3; expected two"),
        ({"at": [1.0, 2.0]}, r"at is \[1.0, 2.0\]; expected \(4,\) finite numbers"),
        ({"at": {2: 0.5}}, r"at is \{2: 0.5\}; expected \(4,\) finite numbers"),
        ({"source": HUGE}, "the probabilities are not finite"),
        ({"y": NAMES[Y][:3]}, r"y is \(3,\); expected the classes of the 60 rows"),
        ({"y": np.where(Y == 2, "top", NAMES[Y])}, "y holds 'top'; expected classes of the model"),
        ({"y": Y + 1}, r"y holds 3; .* indices 0\.\.2"),
        ({"X": X[:, :3]}, "X has 3 columns"),
        ({"X": np.where(X[3, 3] == X, np.nan, X)}, "not finite"),
        ({"X": NAMES[Y][:, None]}, "does not consist of numbers"),
        ({"source": "model.safetensors"}, "a str cannot be drawn"),
        ({"ax": "here"}, "ax is a str"),
    ],
)
def test_a_wrong_argument_is_named_with_what_was_expected(settings, message) -> None:
    with pytest.raises(backhand.InputError, match=message):
        DecisionRegionsDisplay.from_estimator(**({"source": MODEL, "X": X} | settings))


def test_one_feature_is_no_plane() -> None:
    with pytest.raises(backhand.InputError, match="a plane needs two"):
        DecisionRegionsDisplay.from_estimator(backhand.init(1, 3, 2), X[:, :1])


# Hidden units and masks


def test_a_histogram_counts_the_rows_and_blue_those_in_which_the_unit_is_active() -> None:
    params = with_a_dead_unit()
    Z1 = X @ params.W1 + params.b1
    display = HiddenUnitsDisplay.from_estimator(params, X)
    assert np.array_equal(display.active, (Z1 > 0).mean(axis=0))
    for unit, place in enumerate(display.axes_.flat[:6]):
        blue = [bar.get_facecolor() == to_rgba("#0072b2") for bar in place.patches]
        heights = np.array([bar.get_height() for bar in place.patches])
        assert heights.sum() == 60 and heights[blue].sum() == (Z1[:, unit] > 0).sum()
        assert ("dead" in place.get_title()) == (unit == 2)


def test_a_z1_of_exactly_0_is_not_active() -> None:
    display = HiddenUnitsDisplay(np.array([[0.0], [0.0], [1.0], [-1.0]])).plot()
    bars = display.axes_[0, 0].patches
    assert sum(bar.get_height() for bar in bars if bar.get_x() >= 0) == 1
    assert display.active.tolist() == [0.25]
    nowhere = HiddenUnitsDisplay(np.zeros((3, 1))).plot()  # all bins would have no width
    assert sum(bar.get_height() for bar in nowhere.axes_[0, 0].patches if bar.get_x() < 0) == 3


def test_the_units_that_contribute_most_are_shown_or_those_that_are_named() -> None:
    params = with_a_dead_unit()
    H1 = np.maximum(X @ params.W1 + params.b1, 0)
    size = H1.mean(axis=0) * np.linalg.norm(params.W2, axis=1)
    display = HiddenUnitsDisplay.from_estimator(params, X, most=3)
    assert list(display.shown) == sorted(np.argsort(-size)[:3].tolist())
    named = HiddenUnitsDisplay.from_estimator(params, X, units=[5, 2])
    assert [place.get_title()[:6] for place in named.axes_.flat] == ["unit 5", "unit 2"]
    for wrong in ({"units": [6]}, {"units": []}, {"most": 0}):
        with pytest.raises(backhand.InputError, match="expected"):
            HiddenUnitsDisplay.from_estimator(params, X, **wrong)


def test_a_mask_is_drawn_class_by_class_and_names_its_dead_units() -> None:
    params = with_a_dead_unit()
    mask = X @ params.W1 + params.b1 > 0
    display = MaskDisplay.from_estimator(params, X, Y)
    order = np.argsort(Y, kind="stable")
    assert np.array_equal(display.image_.get_array(), mask[order])
    assert display.dead == [2] == [int(x) for x in display.ax_.lines[-1].get_xdata()]
    counts = np.bincount(Y)
    names = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert names == [f"{k} ({counts[k]})" for k in range(3)]
    unsorted = MaskDisplay.from_estimator(params, X)
    assert np.array_equal(unsorted.image_.get_array(), mask)


def test_a_units_gradients_are_0_where_its_mask_is_empty() -> None:
    """What the display's text says of a dead unit."""
    params = with_a_dead_unit()
    (unit,) = MaskDisplay.from_estimator(params, X).dead
    grads = backhand.backward(params, X, Y, backhand.forward(params, X))
    assert not grads.dW1[:, unit].any() and not grads.db1[unit] and not grads.dW2[unit].any()


# Weights


def test_an_image_of_weights_is_the_matrix_with_colours_about_0() -> None:
    for layer in ("W1", "W2"):
        W = getattr(RESULT.params, layer)
        display = WeightsDisplay.from_estimator(MODEL, layer=layer)
        (image,) = display.images_
        assert np.array_equal(image.get_array(), W)
        assert image.norm.vmax == -image.norm.vmin == np.abs(W).max()
        texts = [text.get_text() for text in display.axes_[0, 0].texts]
        assert texts[:2] == [f"{w:.2f}".replace("-", "−") for w in W[0, :2]]
    assert [text.get_text() for text in display.axes_[0, 0].get_xticklabels()] == NAMES.tolist()


def test_pictures_are_the_columns_of_the_largest_norm_or_those_named() -> None:
    W1 = RESULT.params.W1
    display = WeightsDisplay.from_estimator(RESULT, shape=(2, 2), most=4)
    largest = sorted(np.argsort(-np.linalg.norm(W1, axis=0))[:4].tolist())
    for unit, image in zip(largest, display.images_, strict=True):
        assert np.array_equal(image.get_array(), W1[:, unit].reshape(2, 2))
        assert image.norm.vmax == np.abs(W1[:, largest]).max()
    named = WeightsDisplay.from_estimator(RESULT, shape=(2, 2), units=[4], limit=3.0)
    assert named.images_[0].norm.vmax == 3.0
    for wrong in ({"shape": (3, 2)}, {"shape": (4,)}, {"shape": 4}, {"shape": (-2, -2)},
                  {"units": [1]}, {"units": 3, "shape": (2, 2)}, {"layer": "W3"}):  # fmt: skip
        with pytest.raises(backhand.InputError, match="expected"):
            WeightsDisplay.from_estimator(RESULT, **wrong)


def test_weights_that_are_no_numbers_are_an_error() -> None:
    params = RESULT.params._replace(W2=RESULT.params.W2 * np.nan)
    with pytest.raises(backhand.InputError, match=r"params has nan in W2, at \[0, 0\]"):
        WeightsDisplay.from_estimator(params)


# Where it is drawn


def test_displays_draw_into_the_axes_that_they_are_given() -> None:
    figure, places = pyplot.subplots(1, 5)
    displays = [
        LossCurveDisplay.from_estimator(RESULT, ax=places[0]),
        DecisionRegionsDisplay.from_estimator(RESULT, X, Y, resolution=4, ax=places[1]),
        MaskDisplay.from_estimator(RESULT, X, Y, ax=places[2]),
        HiddenUnitsDisplay.from_estimator(RESULT, X, ax=places[3]),
        WeightsDisplay.from_estimator(RESULT, shape=(2, 2), ax=places[4]),
    ]
    assert [display.figure_ for display in displays] == [figure] * 5
    assert [display.ax_ for display in displays[:3]] == list(places[:3])
    assert len(pyplot.get_fignums()) == 1
    inside = places[3].get_position()
    for place in displays[3].axes_.flat:
        x, y = place.get_position().intervalx.mean(), place.get_position().intervaly.mean()
        assert inside.contains(x, y)
    with pytest.raises(backhand.InputError, match="placed freely"):
        HiddenUnitsDisplay.from_estimator(RESULT, X, ax=figure.add_axes((0, 0, 1, 1)))


def test_every_source_of_the_same_network_gives_the_same_picture() -> None:
    clf = backhand.MLPClassifier((6,), solver="lbfgs", max_iter=50, tol=1.0, random_state=0)
    clf.fit(X, Y)
    clf.coefs_ = [RESULT.params.W1, RESULT.params.W2]
    clf.intercepts_ = [RESULT.params.b1, RESULT.params.b2]
    drawn = [DecisionRegionsDisplay.from_estimator(source, X, resolution=4).P
             for source in (RESULT, MODEL, clf, RESULT.params)]  # fmt: skip
    assert all(np.array_equal(P, drawn[0]) for P in drawn)


def test_a_search_is_drawn_as_its_best_classifier() -> None:
    clf = backhand.MLPClassifier((6,), solver="lbfgs", tol=1.0, random_state=0).fit(X, Y)
    search = SimpleNamespace(best_estimator_=clf)
    drawn = [MaskDisplay.from_estimator(source, X).mask for source in (search, clf)]
    assert np.array_equal(*drawn)


def test_a_pipeline_is_drawn_over_what_its_other_steps_return() -> None:
    clf = backhand.MLPClassifier((6,), solver="lbfgs", tol=1e-2, random_state=0)
    pipeline = make_pipeline(StandardScaler(), clf).fit(5 * X + 3, NAMES[Y])
    display = DecisionRegionsDisplay.from_estimator(pipeline, 5 * X + 3, NAMES[Y], resolution=4)
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    assert np.allclose(display.points, scaled[:, :2])
    assert display.ax_.get_xlabel() == "x0, transformed"
    row = 5 * (X.mean(axis=0) + X.std(axis=0) * np.array([display.x0[1], display.x1[2], 0, 0])) + 3
    assert np.allclose(display.P[2, 1], pipeline.predict_proba(row[None])[0])
    assert LossCurveDisplay.from_estimator(pipeline).ax_.get_xlabel() == "step"
    alone = make_pipeline(clf)
    assert WeightsDisplay.from_estimator(alone).W.shape == (4, 6)
    with pytest.raises(backhand.InputError, match=r"a StandardScaler cannot be drawn.*ends in one"):
        WeightsDisplay.from_estimator(make_pipeline(clf, StandardScaler()))


def test_without_matplotlib_the_error_says_how_to_install_it(monkeypatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(backhand.MissingDependencyError, match=r"drawing needs matplotlib.*pip"):
        LossCurveDisplay.from_estimator(RESULT)
