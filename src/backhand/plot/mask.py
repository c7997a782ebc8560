"""`MaskDisplay`: which hidden units are active for which rows: the mask of the backward pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backhand.plot import axes
from backhand.plot.source import classes_of, network_of, rows_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

ACTIVE, INACTIVE, DEAD = axes.COLOURS[0], "#e8e8e8", axes.COLOURS[5]

MOST_TICKS = 30
"""Units up to which each is numbered, and rows."""


class MaskDisplay:
    """1[Z1 > 0] as an image: a row per row of X, a column per hidden unit.

    Gradients pass where a unit is active. A unit that is active for no row is dead on these rows:
    its column of dW1, its entry of db1 and its row of dW2 are 0 (a penalty apart).

    Parameters
    ----------
    mask : ndarray of bool, of shape (N, H)
        Where Z1 > 0.
    y : ndarray of shape (N,), optional
        Class indices; the rows are drawn class by class.
    classes : sequence of str
        Names of the classes.

    Attributes
    ----------
    dead : list of int
        The units that are active for no row.
    ax_ : Axes
        Where it was drawn.
    figure_ : Figure
        The figure of the axes.
    image_ : AxesImage
        The mask.

    Examples
    --------
    >>> import backhand, numpy as np
    >>> params = backhand.init(d=2, H=4, K=2)
    >>> params.b1[2] = -5
    >>> X = np.array([[1.0, 0], [0, 1], [-1, 0], [0, -1]])
    >>> display = backhand.MaskDisplay.from_estimator(params, X)
    >>> display.mask.shape, display.dead
    ((4, 4), [2])
    """

    ax_: Axes
    figure_: Figure
    image_: AxesImage

    def __init__(
        self,
        mask: NDArray[np.bool_],
        *,
        y: NDArray[np.int64] | None = None,
        classes: Sequence[str] = (),
    ) -> None:
        self.mask, self.y, self.classes = mask, y, classes
        self.dead = np.flatnonzero(~mask.any(axis=0)).tolist()

    @classmethod
    def from_estimator(
        cls, source: Any, X: Any, y: Any = None, *, ax: Axes | None = None
    ) -> MaskDisplay:
        """Compute the mask of some rows, and draw it.

        Parameters
        ----------
        source : TrainResult, Model, MLPClassifier or Parameters
            Or a search or a pipeline that ends in a classifier.
        X : array_like of shape (N, d), or a table
            Rows. A table if the model was trained on one: a data frame, a dict of columns, the
            path of a file or a `Table`.
        y : array_like of shape (N,), optional
            Their classes: the model's, or indices 0..K-1.
        ax : Axes, optional
            Where to draw; by default a new figure.

        Returns
        -------
        MaskDisplay
            Its `figure_` is drawn.

        Raises
        ------
        InputError
            If an argument does not fit the network; the message says which.
        MissingDependencyError
            If matplotlib is not installed.

        Examples
        --------
        Are there dead units after training?

        >>> from sklearn.datasets import load_iris
        >>> import backhand
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = backhand.MLPClassifier((16,), solver="lbfgs", random_state=0).fit(X, y)
        >>> display = backhand.MaskDisplay.from_estimator(clf, X, y)
        >>> display.mask.shape, len(display.dead) < 16
        ((150, 16), True)
        """
        network = network_of(source, X)
        rows = rows_of(network, X)
        places = None if y is None else classes_of(network, y, len(rows))
        mask = rows @ network.params.W1 + network.params.b1 > 0
        return cls(mask, y=places, classes=network.classes).plot(ax)

    def plot(self, ax: Axes | None = None) -> MaskDisplay:
        """Draw the mask.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw; by default a new figure.

        Returns
        -------
        MaskDisplay
            The same object.

        Examples
        --------
        >>> import backhand
        >>> import numpy as np
        >>> import matplotlib.pyplot as plt
        >>> mask = np.array([[True, False], [True, False], [False, False]])
        >>> figure, ax = plt.subplots()
        >>> display = backhand.MaskDisplay(mask).plot(ax)
        >>> display.dead, display.ax_ is ax
        ([1], True)
        """
        self.ax_ = axes.single(ax)
        self.figure_ = self.ax_.figure  # type: ignore[assignment]
        order = np.arange(len(self.mask)) if self.y is None else np.argsort(self.y, kind="stable")
        colours = axes.library("colors").ListedColormap([INACTIVE, ACTIVE])
        self.image_ = self.ax_.imshow(
            self.mask[order], cmap=colours, vmin=0, vmax=1, aspect="auto", interpolation="nearest"
        )
        self._name_rows()
        self._name_units()
        self._legend()
        return self

    def _name_rows(self) -> None:
        N = len(self.mask)
        if self.y is None:
            self.ax_.set_ylabel("row")
            if N <= MOST_TICKS:
                self.ax_.set_yticks(range(N))
            return
        found, counts = np.unique(self.y, return_counts=True)
        ends = np.cumsum(counts)
        for end in ends[:-1]:
            self.ax_.axhline(end - 0.5, color="white", linewidth=3)
            self.ax_.axhline(end - 0.5, color=axes.INK, linewidth=1)
        names = [f"{self.classes[k]} ({n:,})" for k, n in zip(found, counts, strict=True)]
        self.ax_.set_yticks(ends - counts / 2 - 0.5, names)
        self.ax_.tick_params(axis="y", length=0)

    def _name_units(self) -> None:
        H = self.mask.shape[1]
        self.ax_.set_xlabel("hidden unit")
        if H <= MOST_TICKS:
            self.ax_.set_xticks(range(H))
            for unit in self.dead:
                self.ax_.get_xticklabels()[unit].set(color=DEAD, fontweight="bold")
        # Above the image, so that a cross hides no cell.
        self.ax_.plot(self.dead, [1.02] * len(self.dead), "X", color=DEAD, clip_on=False,
                      transform=self.ax_.get_xaxis_transform(), markeredgewidth=0)  # fmt: skip

    def _legend(self) -> None:
        patch = axes.library("patches").Patch
        handles = [
            patch(color=ACTIVE, label=f"Z1 > 0: {100 * self.mask.mean():.0f} %"),
            patch(color=INACTIVE, label="Z1 ≤ 0"),
        ]
        if self.dead:
            cross = axes.library("lines").Line2D
            handles.append(cross([], [], color=DEAD, marker="X", linestyle="none",
                                 label=f"dead: {len(self.dead)}"))  # fmt: skip
        self.ax_.legend(
            handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1.04), frameon=False,
            ncols=len(handles), borderaxespad=0, handlelength=1, columnspacing=1.2,
        )  # fmt: skip
