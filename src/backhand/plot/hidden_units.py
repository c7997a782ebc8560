"""`HiddenUnitsDisplay`: what each hidden unit computes on some rows, and how often it is active."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backhand.plot import axes
from backhand.plot.source import chosen, network_of, rows_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 4
"""Number of histograms beside each other."""

BINS = 24


class HiddenUnitsDisplay:
    """Histograms of Z1: grey below 0, where the ReLU gives 0; blue above, where the unit is active.

    Parameters
    ----------
    Z1 : ndarray of shape (N, H)
        Pre-activations of some rows.
    shown : sequence of int, optional
        The units that are shown; by default all.

    Attributes
    ----------
    active : ndarray of shape (H,)
        Share of the rows with Z1 > 0; a unit of 0 is dead on these rows: its gradients are 0.
    axes_ : ndarray of Axes
        Where the histograms are.
    figure_ : Figure
        The figure of the axes.

    Examples
    --------
    >>> import backhand, numpy as np
    >>> params = backhand.init(d=2, H=4, K=2)
    >>> X = np.array([[1.0, 0], [0, 1], [-1, 0], [0, -1]])
    >>> display = backhand.HiddenUnitsDisplay.from_estimator(params, X)
    >>> display.active.tolist()
    [0.5, 0.5, 0.5, 0.5]
    """

    axes_: NDArray[Any]
    figure_: Figure

    def __init__(self, Z1: NDArray[np.float64], *, shown: Sequence[int] | None = None) -> None:
        self.Z1 = Z1
        self.shown = range(Z1.shape[1]) if shown is None else shown
        self.active = (Z1 > 0).mean(axis=0)

    @classmethod
    def from_estimator(
        cls,
        source: Any,
        X: Any,
        *,
        units: Sequence[int] | None = None,
        most: int = 16,
        ax: Axes | None = None,
    ) -> HiddenUnitsDisplay:
        """Compute Z1 of some rows, and draw it unit by unit.

        Parameters
        ----------
        source : TrainResult, Model, MLPClassifier or Parameters
            Or a search or a pipeline that ends in a classifier.
        X : array_like of shape (N, d), or a table
            Rows. A table if the model was trained on one: a data frame, a dict of columns, the
            path of a file or a `Table`.
        units : sequence of int, optional
            The units that are shown, in this order.
        most : int
            Without `units`: how many, those that contribute most to the logits: the mean of H1
            times the norm of the unit's row of W2.
        ax : Axes, optional
            Where to draw; it is divided. By default a new figure.

        Returns
        -------
        HiddenUnitsDisplay
            Its `figure_` is drawn.

        Raises
        ------
        InputError
            If an argument does not fit the network; the message says which.
        MissingDependencyError
            If matplotlib is not installed.

        Examples
        --------
        The four units that matter most, and how many of all are dead:

        >>> from sklearn.datasets import load_iris
        >>> import backhand
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = backhand.MLPClassifier((16,), solver="lbfgs", random_state=0).fit(X, y)
        >>> display = backhand.HiddenUnitsDisplay.from_estimator(clf, X, most=4)
        >>> len(display.shown), display.active.shape
        (4, (16,))
        """
        network = network_of(source, X)
        W1, b1, W2, _ = network.params
        Z1 = rows_of(network, X) @ W1 + b1
        contribution = np.maximum(Z1, 0).mean(axis=0) * np.linalg.norm(W2, axis=1)
        return cls(Z1, shown=chosen(units, contribution, most)).plot(ax)

    def plot(self, ax: Axes | None = None) -> HiddenUnitsDisplay:
        """Draw the histograms, all with the same horizontal axis.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw; it is divided. By default a new figure.

        Returns
        -------
        HiddenUnitsDisplay
            The same object.

        Examples
        --------
        >>> import backhand
        >>> import numpy as np
        >>> import matplotlib.pyplot as plt
        >>> Z1 = np.random.default_rng(0).standard_normal((100, 4)) - [0, 1, 2, 9]
        >>> display = backhand.HiddenUnitsDisplay(Z1).plot()
        >>> display.active[3], [axes.get_title() for axes in display.axes_.flat][3]
        (np.float64(0.0), 'unit 3: dead')
        >>> plt.close(display.figure_)
        """
        self.axes_ = axes.small_multiples(ax, len(self.shown), COLUMNS)
        self.figure_ = self.axes_[0, 0].figure
        edges = self._edges()
        for place, unit in zip(self.axes_.flat, self.shown, strict=False):
            _histogram(place, self.Z1[:, unit], edges)
            share = self.active[unit]
            state = f"{100 * share:.0f} % active" if share else "dead"
            dead = {} if share else {"color": axes.COLOURS[5]}
            place.set_title(f"unit {unit}: {state}", fontsize="small", pad=3, **dead)
        for place in self.axes_[-1]:
            place.set_xlabel("Z1", fontsize="small")
        return self

    def _edges(self) -> NDArray[np.float64]:
        """Edges of the bins, of which one is 0; there is a bin on either side of it."""
        Z1 = self.Z1[:, list(self.shown)]
        low, high = min(float(Z1.min()), 0.0), max(float(Z1.max()), 0.0)
        width = (high - low) / BINS or 1.0
        first, last = min(np.floor(low / width), -1), max(np.ceil(high / width), 1)
        return np.asarray(width * np.arange(first, last + 1))


def _histogram(place: Any, Z1: NDArray[np.float64], edges: NDArray[np.float64]) -> None:
    # Z1 = 0 is not active, and a bin includes its left edge.
    left = np.where(Z1 == 0, edges[edges < 0].max(), Z1)
    counts = np.histogram(np.clip(left, edges[0], edges[-1]), edges)[0]
    colours = [axes.COLOURS[0] if edge >= 0 else "#bbbbbb" for edge in edges[:-1]]
    place.bar(edges[:-1], counts, np.diff(edges), align="edge", color=colours)
    place.axvline(0, color=place.xaxis.label.get_color(), linewidth=0.8)
    place.tick_params(labelsize="x-small")
    place.set_yticks([])
    for side in ("top", "left", "right"):
        place.spines[side].set_visible(False)
