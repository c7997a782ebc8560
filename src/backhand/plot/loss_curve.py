"""`LossCurveDisplay`: loss or accuracy by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from backhand.errors import InputError
from backhand.model import penalised
from backhand.plot import axes
from backhand.plot.source import model_of
from backhand.training.history import History
from backhand.training.result import TrainResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

MARKED = 30
"""Epochs up to which each is marked by a point."""


class LossCurveDisplay:
    """Loss or accuracy by epoch: of the training rows a line, of validation rows a dashed one.

    Parameters
    ----------
    history : History
        The curves.
    training, validation : str
        What the curves are called.
    best_epoch : int, optional
        The epoch, from 1, whose parameters were returned; it is marked.
    step : str
        What the horizontal axis counts.

    Attributes
    ----------
    ax_ : Axes
        Where it was drawn.
    figure_ : Figure
        The figure of the axes.
    lines_ : list of Line2D
        The curves that were drawn.

    Examples
    --------
    >>> import backhand, numpy as np
    >>> X, y = np.array([[-1.0], [1.0]]), np.array([0, 1])
    >>> result = backhand.train(backhand.init(1, 4, 2), X, y, learning_rate=0.5, epochs=50)
    >>> display = backhand.LossCurveDisplay.from_estimator(result)
    >>> display.lines_[0].get_label(), len(display.lines_[0].get_xdata())
    ('training', 50)
    """

    ax_: Axes
    figure_: Figure
    lines_: list[Line2D]

    def __init__(
        self,
        history: History,
        *,
        training: str = "training",
        validation: str = "validation",
        best_epoch: int | None = None,
        step: str = "epoch",
    ) -> None:
        self.history = history
        self.training = training
        self.validation = validation
        self.best_epoch = best_epoch
        self.step = step

    @classmethod
    def from_estimator(
        cls,
        source: Any,
        *,
        figure: Literal["loss", "accuracy"] = "loss",
        log_scale: bool = False,
        name: str = "",
        ax: Axes | None = None,
        **line: Any,
    ) -> LossCurveDisplay:
        """Draw the history of a training.

        Parameters
        ----------
        source : TrainResult, Model, MLPClassifier or History
            Or a search or a pipeline that ends in a classifier. A model of `backhand.fit` has the
            mean curves of its folds' networks.
        figure : {"loss", "accuracy"}
            Which curve.
        log_scale : bool
            Whether the vertical axis is logarithmic.
        name : str
            What the run is called in the legend, where there are several.
        ax : Axes, optional
            Where to draw; by default a new figure.
        **line : Any
            Properties of the lines, such as `color` and `linewidth`.

        Returns
        -------
        LossCurveDisplay
            Its `figure_` is drawn.

        Raises
        ------
        InputError
            If `source` is none of these, or has no history.
        MissingDependencyError
            If matplotlib is not installed.

        Examples
        --------
        Two learning rates on the same axes:

        >>> import backhand
        >>> import numpy as np
        >>> import matplotlib.pyplot as plt
        >>> X, y, params = np.eye(3), np.arange(3), backhand.init(3, 8, 3)
        >>> figure, ax = plt.subplots()
        >>> for rate in (0.1, 1.0):
        ...     result = backhand.train(params, X, y, learning_rate=rate)
        ...     display = backhand.LossCurveDisplay.from_estimator(
        ...         result, name=f"η = {rate}", log_scale=True, ax=ax)
        >>> [text.get_text() for text in ax.get_legend().get_texts()]
        ['η = 0.1, training', 'η = 1.0, training']
        """
        made = cls(source) if isinstance(source, History) else cls(**_curves(source))
        return made.plot(ax, figure=figure, log_scale=log_scale, name=name, **line)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        figure: Literal["loss", "accuracy"] = "loss",
        log_scale: bool = False,
        name: str = "",
        **line: Any,
    ) -> LossCurveDisplay:
        """Draw the curves; several runs on the same axes have different colours.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw; by default a new figure.
        figure : {"loss", "accuracy"}
            Which curve.
        log_scale : bool
            Whether the vertical axis is logarithmic.
        name : str
            What the run is called in the legend, where there are several.
        **line : Any
            Properties of the lines, such as `color` and `linewidth`.

        Returns
        -------
        LossCurveDisplay
            The same object.

        Raises
        ------
        InputError
            If `figure` is neither, or was not recorded.

        Examples
        --------
        >>> import backhand
        >>> import numpy as np
        >>> X, y = np.eye(3), np.arange(3)
        >>> history = backhand.train(backhand.init(3, 8, 3), X, y).history
        >>> display = backhand.LossCurveDisplay(history).plot(figure="accuracy", color="black")
        >>> display.ax_.get_ylabel()
        'accuracy'
        """
        curves = self._recorded(figure)
        self.ax_ = axes.single(ax)
        self.figure_ = self.ax_.figure  # type: ignore[assignment]
        run = sum(drawn.get_gid() == "backhand run" for drawn in self.ax_.lines)
        shown = {"color": axes.colour(run), "gid": "backhand run", **line}
        self.lines_ = []
        for (title, values), dash in zip(
            curves.items(), _dashes(curves, self.training), strict=True
        ):
            epochs = np.flatnonzero(np.isfinite(values)) + 1
            points = {"marker": "."} if len(epochs) <= MARKED else {}
            label = ", ".join(filter(None, [str(name), title]))
            self.lines_ += self.ax_.plot(
                epochs, values[epochs - 1], **{"linestyle": dash, "label": label, **points, **shown}
            )
            shown["gid"] = "backhand curve"  # the same run
        self._mark_best(self.lines_[0].get_color(), name)
        self._axes(figure, log_scale=log_scale)
        return self

    def _recorded(self, figure: str) -> dict[str, NDArray[np.float64]]:
        """The curves that have figures, by their titles."""
        if figure not in ("loss", "accuracy"):
            raise InputError(f"figure is {figure!r}; expected 'loss' or 'accuracy'.")
        both = {
            self.training: getattr(self.history, figure),
            self.validation: getattr(self.history, f"validation_{figure}"),
        }
        found = {title: values for title, values in both.items() if np.isfinite(values).any()}
        if not found:
            raise InputError(
                f"the history has no {figure}: nothing was trained, or it was not recorded."
            )
        return found

    def _mark_best(self, colour: Any, name: str) -> None:
        if self.best_epoch is not None:
            label = ", ".join(filter(None, [str(name), f"best {self.step} {self.best_epoch:,}"]))
            self.ax_.axvline(self.best_epoch, color=colour, linewidth=1, linestyle=":", label=label)

    def _axes(self, figure: str, *, log_scale: bool) -> None:
        self.ax_.set_xlabel(self.step)
        axes.whole_ticks(self.ax_.xaxis)
        self.ax_.set_ylabel("loss (nats)" if figure == "loss" else figure)
        if log_scale:
            self.ax_.set_yscale("log")
        self.ax_.legend()


def _dashes(curves: dict[str, Any], training: str) -> list[str]:
    return ["-" if title == training else "--" for title in curves]


def _curves(source: Any) -> dict[str, Any]:
    """The history of a source, and what its curves are called."""
    model = model_of(source)
    if not len(model.history):
        raise InputError(
            f"the {type(source).__name__} has no history; expected a TrainResult, or a model that "
            "was saved from one."
        )
    config = source.config if isinstance(source, TrainResult) else None
    with_penalty = config.l2 > 0 if config is not None else penalised(model)
    searched = model.chosen is not None
    return {
        "history": model.history,
        "training": "training (with penalty)" if with_penalty else "training",
        "validation": "out of fold" if searched else "validation",
        "best_epoch": getattr(source, "best_epoch", None),
        "step": "step" if model.hyperparameters.get("solver") == "lbfgs" else "epoch",
    }
