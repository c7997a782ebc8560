"""`DecisionRegionsDisplay`: predicted classes over two features, and the hidden units' lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backhand.constraints import is_integer
from backhand.errors import InputError
from backhand.plot import axes
from backhand.plot.plane import Span, bends_of, hinges_of, probabilities, span, two_places, within
from backhand.plot.source import classes_of, network_of, rows_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import LineCollection, PathCollection
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

TINT = 0.5
"""How strong a region's colour is where its class is certain."""

HINGES, NUMBERED = 32, 16
"""Hinges that are drawn at most unless more are wanted; up to which each has its unit's number."""

FEW = 500
"""Rows up to which their markers are large."""

TICK, AWAY = 0.03, 0.92
"""Length of the tick on the active side, as a share of the plane; where it is on its line."""


class DecisionRegionsDisplay:
    """The plane of two features: predicted classes, hinges of the hidden units, and rows.

    A region has the colour of its class, mixed as the probabilities are: where two classes are
    equally probable, it is between them, and a line separates them. The *hinge* of a hidden unit
    is the line Z1 = 0, at which its ReLU bends; a short tick shows the side where it is active.
    With more than two features, the others have the values `at`.

    Parameters
    ----------
    x0, x1 : ndarray of shape (m,)
        Values of the two features at which P was computed.
    P : ndarray of shape (m, m, K)
        Probabilities; `P[j, i]` is at `x0[i]`, `x1[j]`.
    hinges : ndarray of shape (H, 3)
        a, b, c of each hidden unit: Z1 = a·x0 + b·x1 + c.
    bends : ndarray of shape (H,)
        How much the slope of the logits changes at each hinge.
    classes, features : sequence of str
        Names of the K classes and of the two features.
    points : ndarray of shape (N, 2), optional
        The rows that are drawn.
    y : ndarray of shape (N,), optional
        Their class indices.

    Attributes
    ----------
    ax_ : Axes
        Where it was drawn.
    figure_ : Figure
        The figure of the axes.
    image_ : AxesImage
        The regions.
    hinges_ : LineCollection or None
        The lines that pass through the plane; `hinge_units_` has their units.
    hinge_units_ : list of int
        The units of these lines, from 0.
    points_ : list of PathCollection
        The rows, a collection per class.

    Examples
    --------
    >>> import backhand, numpy as np
    >>> X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), np.array([0, 1, 1, 0])
    >>> result = backhand.train(backhand.init(2, 8, 2, seed=1), X, y, learning_rate=0.5, epochs=300)
    >>> display = backhand.DecisionRegionsDisplay.from_estimator(result, X, y, resolution=50)
    >>> display.P.shape, len(display.points_)
    ((50, 50, 2), 2)
    """

    ax_: Axes
    figure_: Figure
    image_: AxesImage
    hinges_: LineCollection | None
    hinge_units_: list[int]
    points_: list[PathCollection]

    def __init__(
        self,
        *,
        x0: NDArray[np.float64],
        x1: NDArray[np.float64],
        P: NDArray[np.float64],
        hinges: NDArray[np.float64],
        bends: NDArray[np.float64],
        classes: Sequence[str],
        features: Sequence[str],
        points: NDArray[np.float64] | None = None,
        y: NDArray[np.int64] | None = None,
    ) -> None:
        self.x0, self.x1, self.P = x0, x1, P
        self.hinges, self.bends = hinges, bends
        self.classes, self.features = classes, features
        self.points, self.y = points, y

    @classmethod
    def from_estimator(
        cls,
        source: Any,
        X: Any,
        y: Any = None,
        *,
        features: Sequence[int | str] = (0, 1),
        at: ArrayLike | None = None,
        resolution: int = 200,
        hinges: int = HINGES,
        ax: Axes | None = None,
    ) -> DecisionRegionsDisplay:
        """Compute the probabilities over a plane, and draw them.

        Parameters
        ----------
        source : TrainResult, Model, MLPClassifier or Parameters
            Or a search or a pipeline that ends in a classifier.
        X : array_like of shape (N, d), or a table
            Rows; the plane is as large as they need. For a model that was trained on a table: a
            data frame, a dict of columns, the path of a file or a `Table`, whose encoded columns
            are the features.
        y : array_like of shape (N,), optional
            Their classes: the model's, or indices 0..K-1.
        features : two int or str
            The features of the axes, by their numbers from 0 or their names.
        at : array_like of shape (d,), optional
            Values of the other features; by default the means of X.
        resolution : int
            Number of points along each axis at which P is computed.
        hinges : int
            How many of the hidden units' lines are drawn at most; see `plot`.
        ax : Axes, optional
            Where to draw; by default a new figure.

        Returns
        -------
        DecisionRegionsDisplay
            Its `figure_` is drawn.

        Raises
        ------
        InputError
            If the network has one feature, or an argument does not fit it; the message says which.
        MissingDependencyError
            If matplotlib is not installed.

        Examples
        --------
        Two of the four features of the irises; the others have their means:

        >>> from sklearn.datasets import load_iris
        >>> import backhand
        >>> iris = load_iris()
        >>> X, y = iris.data, iris.target
        >>> clf = backhand.MLPClassifier((16,), solver="lbfgs", random_state=0).fit(X, y)
        >>> display = backhand.DecisionRegionsDisplay.from_estimator(
        ...     clf, X, y, features=[2, 3], resolution=50)
        >>> display.P.shape
        (50, 50, 3)
        """
        network = network_of(source, X)
        rows = rows_of(network, X)
        i, j = two_places(network, features)
        if not is_integer(resolution) or resolution < 2:
            raise InputError(f"resolution is {resolution!r}; expected an integer of 2 or more.")
        x0, x1 = (np.linspace(*span(rows[:, place]), resolution) for place in (i, j))
        lines = hinges_of(network.params, rows, (i, j), at)
        made = cls(
            x0=x0, x1=x1, P=probabilities(network.params, lines, x0, x1),
            hinges=lines, bends=bends_of(network.params, lines), classes=network.classes,
            features=[network.features[i], network.features[j]], points=rows[:, [i, j]],
            y=None if y is None else classes_of(network, y, len(rows)),
        )  # fmt: skip
        return made.plot(ax, hinges=hinges)

    def plot(
        self, ax: Axes | None = None, *, hinges: int = HINGES, points: bool = True
    ) -> DecisionRegionsDisplay:
        """Draw the plane.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw; by default a new figure.
        hinges : int
            How many of the hidden units' lines are drawn at most: those at which the slope of the
            logits changes most. 0: none.
        points : bool
            Whether the rows are drawn.

        Returns
        -------
        DecisionRegionsDisplay
            The same object.

        Examples
        --------
        Once with the units' lines, and once without:

        >>> import backhand
        >>> import numpy as np
        >>> import matplotlib.pyplot as plt
        >>> X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), np.array([0, 1, 1, 0])
        >>> result = backhand.train(backhand.init(2, 8, 2, seed=1), X, y, epochs=50)
        >>> figure, (left, right) = plt.subplots(1, 2)
        >>> display = backhand.DecisionRegionsDisplay.from_estimator(
        ...     result, X, y, resolution=50, ax=left)
        >>> display.plot(right, hinges=0).hinges_ is None
        True
        """
        self.ax_ = axes.single(ax)
        self.figure_ = self.ax_.figure  # type: ignore[assignment]
        self._regions()
        self.hinges_, self.hinge_units_, self.points_ = None, [], []
        self._draw_hinges(hinges)
        if points and self.points is not None:
            self._draw_points()
        self._legend()
        self.ax_.set(xlabel=self.features[0], ylabel=self.features[1],
                     xlim=self._x_span, ylim=self._y_span)  # fmt: skip
        return self

    @property
    def _x_span(self) -> Span:
        return float(self.x0[0]), float(self.x0[-1])

    @property
    def _y_span(self) -> Span:
        return float(self.x1[0]), float(self.x1[-1])

    def _regions(self) -> None:
        K = self.P.shape[2]
        palette = axes.library("colors").to_rgb
        tints = np.array([1 - TINT * (1 - np.array(palette(axes.colour(k)))) for k in range(K)])
        self.image_ = self.ax_.imshow(
            np.clip(self.P @ tints, 0, 1), origin="lower", aspect="auto", interpolation="bilinear",
            extent=(*self._x_span, *self._y_span),
        )  # fmt: skip
        for k in range(K):
            ahead = self.P[:, :, k] - np.delete(self.P, k, axis=2).max(axis=2)
            if ahead.min() < 0 < ahead.max():
                self.ax_.contour(self.x0, self.x1, ahead, [0.0], colors=axes.INK, linewidths=1.2)

    def _draw_hinges(self, most: int) -> None:
        parts = [within(line, self._x_span, self._y_span) for line in self.hinges]
        by_bend = np.argsort(-self.bends, kind="stable").tolist()
        shown = sorted([h for h in by_bend if parts[h] is not None][:most])
        lines = {h: part for h in shown if (part := parts[h]) is not None}
        if not lines:
            return
        ticks = {h: self._tick(h, line) for h, line in lines.items()}
        self.hinge_units_ = list(lines)
        few = len(lines) <= NUMBERED
        style = {"colors": axes.INK, "alpha": 0.8 if few else 0.35}
        collection = axes.library("collections").LineCollection
        made = collection(list(lines.values()), linewidths=0.8, linestyles="--", **style)
        sides = collection(list(ticks.values()), linewidths=1.6, **style)
        for drawn in (made, sides):
            self.ax_.add_collection(drawn, autolim=False)
        self.hinges_ = made
        if few:
            for h, (_, end) in ticks.items():
                self._number(h, end)

    def _number(self, h: int, end: NDArray[np.float64]) -> None:
        """Write the number of a unit beyond the tick of its hinge."""
        halo = axes.library("patheffects").withStroke(linewidth=2, foreground="white")
        across, up = 6 * self._active_side(h)
        self.ax_.annotate(
            str(h), (float(end[0]), float(end[1])), (float(across), float(up)), ha="center",
            va="center", fontsize="small", color=axes.INK, textcoords="offset points",
            path_effects=[halo], zorder=4,
        )  # fmt: skip

    def _tick(self, h: int, line: NDArray[np.float64]) -> NDArray[np.float64]:
        """A short line from a hinge to the side where Z1 > 0: near the end away from the rows."""
        middle = self._corner + self._size / 2 if self.points is None else self.points.mean(axis=0)
        near, far = sorted(line, key=lambda end: float(np.linalg.norm((end - middle) / self._size)))
        foot = near + AWAY * (far - near)
        return np.array([foot, foot + TICK * self._active_side(h) * self._size])

    def _active_side(self, h: int) -> NDArray[np.float64]:
        """The direction in which Z1 grows, where the plane is a unit square."""
        up = self.hinges[h, :2] * self._size
        side: NDArray[np.float64] = up / np.hypot(*up)
        return side

    @property
    def _corner(self) -> NDArray[np.float64]:
        return np.array([self.x0[0], self.x1[0]])

    @property
    def _size(self) -> NDArray[np.float64]:
        return np.array([np.ptp(self._x_span), np.ptp(self._y_span)])

    def _draw_points(self) -> None:
        assert self.points is not None
        y = np.zeros(len(self.points), int) if self.y is None else self.y
        size, edge = (30, 0.6) if len(y) <= FEW else (12, 0.3)
        for k in np.unique(y):
            place = self.points[y == k]
            drawn = self.ax_.scatter(
                place[:, 0], place[:, 1], size, edgecolors="white", linewidths=edge, zorder=3,
                facecolors=axes.QUIET if self.y is None else axes.colour(k),
                marker="o" if self.y is None else axes.marker(k),
                label="" if self.y is None else self.classes[k],
            )  # fmt: skip
            self.points_.append(drawn)

    def _legend(self) -> None:
        """Name the classes: those of the rows by their markers, others by their regions."""
        drawn, labels = self.ax_.get_legend_handles_labels()
        patch = axes.library("patches").Patch
        won = np.unique(self.P.argmax(axis=2))
        others = [patch(color=axes.colour(k), alpha=TINT, label=self.classes[k])
                  for k in won if self.classes[k] not in labels]  # fmt: skip
        self.ax_.legend(handles=[*drawn, *others], loc="upper left", bbox_to_anchor=(1.0, 1.0),
                        frameon=False, title="class")  # fmt: skip
