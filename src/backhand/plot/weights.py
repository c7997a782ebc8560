"""`WeightsDisplay`: W1 or W2 as one image, or the weights of each hidden unit as a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from backhand.constraints import is_integer
from backhand.errors import InputError
from backhand.plot import axes
from backhand.plot.source import chosen, network_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

MOST_NUMBERS = 120
"""Entries up to which a matrix has its numbers in the cells."""

MOST_NAMES = 30
"""Rows and columns up to which each is named."""


class WeightsDisplay:
    """The weights of a layer: blue where positive, orange where negative, white at 0.

    Without `shape`, the matrix as one image. With it, a picture of that shape for each column: for
    W1 of images, the picture that a hidden unit responds to most.

    Parameters
    ----------
    W : ndarray of shape (rows, columns)
        W1 (d, H) or W2 (H, K).
    layer : {"W1", "W2"}
        Which layer.
    rows, columns : sequence of str
        Names of the rows and the columns.
    shape : tuple of int, optional
        Height and width of the pictures, whose product is the number of rows.
    shown : sequence of int, optional
        The columns that are shown as pictures; by default all.

    Attributes
    ----------
    axes_ : ndarray of Axes
        Those of the pictures, (rows, columns) of the layout; (1, 1) of the matrix.
    figure_ : Figure
        The figure of the axes.
    images_ : list of AxesImage
        The matrix, or the pictures.

    Examples
    --------
    >>> import backhand
    >>> params = backhand.init(d=4, H=8, K=3)
    >>> display = backhand.WeightsDisplay.from_estimator(params)
    >>> display.W.shape, len(display.images_)
    ((4, 8), 1)
    >>> pictures = backhand.WeightsDisplay.from_estimator(params, shape=(2, 2), units=[0, 5])
    >>> [axes.get_title() for axes in pictures.axes_.flat]
    ['unit 0', 'unit 5']
    """

    axes_: NDArray[Any]
    figure_: Figure
    images_: list[AxesImage]

    def __init__(
        self,
        W: NDArray[np.float64],
        *,
        layer: Literal["W1", "W2"] = "W1",
        rows: Sequence[str],
        columns: Sequence[str],
        shape: tuple[int, int] | None = None,
        shown: Sequence[int] | None = None,
    ) -> None:
        self.W, self.layer, self.shape = W, layer, shape
        self.rows, self.columns = rows, columns
        self.shown = range(W.shape[1]) if shown is None else shown

    @classmethod
    def from_estimator(
        cls,
        source: Any,
        *,
        layer: Literal["W1", "W2"] = "W1",
        shape: tuple[int, int] | None = None,
        units: Sequence[int] | None = None,
        most: int = 25,
        limit: float | None = None,
        ax: Axes | None = None,
    ) -> WeightsDisplay:
        """Draw the weights of a network.

        Parameters
        ----------
        source : TrainResult, Model, MLPClassifier or Parameters
            Or a search or a pipeline that ends in a classifier.
        layer : {"W1", "W2"}
            W1 has a column per hidden unit, W2 one per class.
        shape : tuple of int, optional
            Height and width of a picture per column, such as (28, 28).
        units : sequence of int, optional
            The columns shown as pictures, in this order.
        most : int
            Without `units`: how many, those of the largest norm.
        limit : float, optional
            The absolute value that has the strongest colour; by default the largest shown.
        ax : Axes, optional
            Where to draw; pictures divide it. By default a new figure.

        Returns
        -------
        WeightsDisplay
            Its `figure_` is drawn.

        Raises
        ------
        InputError
            If `source` has no parameters, or an argument does not fit them.
        MissingDependencyError
            If matplotlib is not installed.

        Examples
        --------
        What the hidden units of a classifier of images respond to:

        >>> from sklearn.datasets import load_digits
        >>> import backhand
        >>> X, y = load_digits(return_X_y=True)
        >>> clf = backhand.MLPClassifier((16,), tol=0, max_iter=5, random_state=0).fit(X, y)
        >>> display = backhand.WeightsDisplay.from_estimator(clf, shape=(8, 8), most=4)
        >>> len(display.images_), display.images_[0].get_array().shape
        (4, (8, 8))
        """
        network = network_of(source)
        hidden = [f"unit {h}" for h in range(network.params.b1.shape[0])]
        sides = {"W1": (network.features, hidden), "W2": (hidden, network.classes)}
        if layer not in sides:
            raise InputError(f"layer is {layer!r}; expected 'W1' or 'W2'.")
        W: NDArray[np.float64] = getattr(network.params, layer)
        if shape is None and units is not None:
            raise InputError("units chooses pictures, and shape is not given; expected both.")
        rows, columns = sides[layer]
        made = cls(
            W, layer=layer, rows=rows, columns=columns, shape=_checked(shape, len(W)),
            shown=chosen(units, np.linalg.norm(W, axis=0), most),
        )  # fmt: skip
        return made.plot(ax, limit=limit)

    def plot(self, ax: Axes | None = None, *, limit: float | None = None) -> WeightsDisplay:
        """Draw the weights.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw; pictures divide it. By default a new figure.
        limit : float, optional
            The absolute value that has the strongest colour; by default the largest shown.

        Returns
        -------
        WeightsDisplay
            The same object.

        Examples
        --------
        The weights before and after training, in the same colours:

        >>> import backhand
        >>> import numpy as np
        >>> import matplotlib.pyplot as plt
        >>> before = backhand.init(3, 8, 3)
        >>> after = backhand.train(before, np.eye(3), np.arange(3)).params
        >>> figure, (left, right) = plt.subplots(1, 2)
        >>> for params, ax in ((before, left), (after, right)):
        ...     display = backhand.WeightsDisplay.from_estimator(params, limit=2, ax=ax)
        >>> display.W.shape
        (3, 8)
        """
        W = self.W if self.shape is None else self.W[:, list(self.shown)]
        limit = (float(np.abs(W).max()) or 1.0) if limit is None else limit
        look = {"cmap": axes.diverging(), "vmin": -limit, "vmax": limit, "interpolation": "nearest"}
        if self.shape is None:
            self.axes_ = np.array([[axes.single(ax)]])
            self.images_ = [self.axes_[0, 0].imshow(W, aspect="auto", **look)]
            self._name(self.axes_[0, 0])
            self._number(self.axes_[0, 0], limit)
        else:
            columns = math.ceil(math.sqrt(len(self.shown)))
            self.axes_ = axes.small_multiples(ax, len(self.shown), columns)
            self.images_ = [
                self._picture(place, column, look)
                for place, column in zip(self.axes_.flat, self.shown, strict=False)
            ]
        self.figure_ = self.axes_[0, 0].figure
        bar = self.figure_.colorbar(self.images_[0], ax=list(self.axes_.flat), shrink=0.8)
        bar.set_label(self.layer)
        return self

    def _picture(self, place: Any, column: int, look: dict[str, Any]) -> AxesImage:
        assert self.shape is not None
        drawn: AxesImage = place.imshow(self.W[:, column].reshape(self.shape), **look)
        place.set(xticks=[], yticks=[])
        place.set_title(self.columns[column], fontsize="small", pad=3)
        return drawn

    def _name(self, place: Axes) -> None:
        """Name rows and columns, where each has room."""
        d, H = self.W.shape
        place.set_xlabel("hidden unit" if self.layer == "W1" else "class")
        place.set_ylabel("" if d <= MOST_NAMES else "feature" if self.layer == "W1" else "unit")
        axes.whole_ticks(place.xaxis)
        axes.whole_ticks(place.yaxis)
        if d <= MOST_NAMES:
            place.set_yticks(range(d), self.rows)
        if H <= MOST_NAMES:
            narrow = sum(map(len, self.columns)) > 60
            short = [name.removeprefix("unit ") for name in self.columns]
            place.set_xticks(range(H), short, rotation=90 if narrow and self.layer == "W2" else 0)

    def _number(self, place: Axes, limit: float) -> None:
        if self.W.size > MOST_NUMBERS:
            return
        for (i, j), value in np.ndenumerate(self.W):
            colour = "white" if abs(value) > 0.7 * limit else axes.INK
            shown = f"{value:.2f}".replace("-", "−")
            place.text(j, i, shown, ha="center", va="center", color=colour,
                       fontsize="x-small")  # fmt: skip


def _checked(shape: Any, rows: int) -> tuple[int, int] | None:
    if shape is None:
        return None
    is_pair = isinstance(shape, Sequence) and len(shape) == 2 and all(map(is_integer, shape))
    if not is_pair or min(shape) < 1 or math.prod(shape) != rows:
        raise InputError(
            f"shape is {shape!r}; expected height and width whose product is {rows:,}, the "
            "number of weights in a column."
        )
    return int(shape[0]), int(shape[1])
