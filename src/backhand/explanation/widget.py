"""The page as a widget of notebooks: what is changed in Python and on the page is the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from backhand.equations import Parameters
from backhand.errors import InputError
from backhand.explanation.page.bundle import bundle
from backhand.explanation.page.contents import page_contents
from backhand.explanation.page.write import stylesheet
from backhand.explanation.problem import Problem
from backhand.explanation.rules import SHAPES
from backhand.explanation.traits import (
    GIVEN,
    SYNC,
    Setting,
    WidgetInputError,
    entry_name,
    numbers,
)
from backhand.support.optional import extra
from backhand.validation import size

extra("anywidget", "the page in a notebook")

import anywidget  # noqa: E402  (its absence is reported above)
import traitlets  # noqa: E402


class NetworkWidget(anywidget.AnyWidget):  # type: ignore[misc]
    """The page of a problem in Jupyter, VS Code, Colab or marimo, kept equal with Python.

    Assigning an array changes the page; a change on the page (a number that is dragged, a step of
    training) changes the array. `observe` calls a function after either. The arrays are read-only:
    change a copy, and assign it.

    Parameters
    ----------
    problem : Problem
    contents : mapping, optional
        What the page is made of; by default `page_contents(problem)`.
    trace_of : callable, optional
        What makes the trace of a problem, for `trace`.

    Attributes
    ----------
    W1, b1, W2, b2 : ndarray
        The parameters, float64: (d, H), (H,), (H, K), (K,).
    X, Y : ndarray
        The rows (N, d) and their classes, one-hot (N, K).
    sample_weight, mask : ndarray or None
        (N,) and (N, H).
    learning_rate, l2 : float
    selected : str or None
        The entry that is pinned: "dW1[3,7]".
    updates : int
        Number of steps taken on the page. Only the page changes it.

    Raises
    ------
    InputError
        If what is assigned does not fit the other arrays (assign `problem` for other shapes), or
        is nothing that `explain` takes: a number that is not finite, a negative learning rate. It
        is a `traitlets.TraitError` too, and changes nothing.
    MissingDependencyError
        On import, if anywidget is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> import backhand
    >>> from backhand.explanation.problem import Problem
    >>> from backhand.explanation.widget import NetworkWidget
    >>> params = backhand.init(d=2, H=3, K=2, dtype=np.float64)
    >>> widget = NetworkWidget(Problem(params, X=np.eye(2), Y=np.eye(2)))
    >>> widget.b1 = [0.5, 0, 0]
    >>> widget.problem.params.b1
    array([0.5, 0. , 0. ])
    >>> widget.selected = "dW1[1,2]"
    """

    _esm: ClassVar[str] = f"{bundle('widget')}\nexport default {{ render: $widget.render }};\n"
    _css: ClassVar[str] = stylesheet()

    contents = traitlets.Dict(read_only=True).tag(sync=True)
    W1 = numbers("(d, H)")
    b1 = numbers("(H,)")
    W2 = numbers("(H, K)")
    b2 = numbers("(K,)")
    X = numbers("(N, d)")
    Y = numbers("(N, K)")
    sample_weight = numbers("(N,)", optional=True)
    mask = numbers("(N, H)", optional=True)
    learning_rate = Setting(0.1, help="η").tag(**SYNC)
    l2 = Setting(0.0, help="λ").tag(**SYNC)
    selected = entry_name()
    updates = traitlets.Int(0, read_only=True).tag(**SYNC)

    from_page = False
    """Whether the page sets something, whose numbers may be those of a diverged training."""

    def __init__(
        self,
        problem: Problem,
        contents: Mapping[str, Any] | None = None,
        trace_of: Callable[[Problem], Any] | None = None,
    ) -> None:
        self._trace_of = trace_of
        self._first_contents = dict(contents or page_contents(problem))
        super().__init__(**_given(problem))

    @traitlets.default("contents")  # type: ignore[untyped-decorator]
    def _contents_at_first(self) -> dict[str, Any]:
        """What the comm is opened with."""
        return self._first_contents

    def set_state(self, sync_data: Mapping[str, Any]) -> None:
        """Set what the page has changed."""
        self.from_page = True
        try:
            super().set_state(sync_data)
        finally:
            self.from_page = False

    @property
    def sizes(self) -> dict[str, int]:
        """The sizes of the axes: n rows, i features, h hidden units, k classes."""
        shown = self.contents["problem"]
        (N, d), (H, K) = shown["X"]["shape"], shown["W2"]["shape"]
        return {"n": N, "i": d, "h": H, "k": K}

    @property
    def params(self) -> Parameters:
        """The parameters as they stand; assigning changes all four at once."""
        return Parameters(self.W1, self.b1, self.W2, self.b2)

    @params.setter
    def params(self, params: Parameters) -> None:
        if not isinstance(params, tuple | list) or len(params) != len(Parameters._fields):
            raise WidgetInputError(
                f"params is of type {type(params).__name__}; expected Parameters(W1, b1, W2, b2)."
            )
        with self.hold_sync(), self.hold_trait_notifications():
            self.W1, self.b1, self.W2, self.b2 = params

    @property
    def problem(self) -> Problem:
        """The problem as it stands; assigning shows another one, of any shapes.

        The page assigns it too, when its reader chooses another of the examples.
        """
        shown = self.contents["problem"]
        rows, features, classes = (tuple(shown[name]) for name in ("rows", "features", "classes"))
        return Problem(
            self.params, self.X, self.Y, self.sample_weight, self.mask, self.l2,
            self.learning_rate, rows, features, classes, title=shown["title"],
        )  # fmt: skip

    @problem.setter
    def problem(self, problem: Problem) -> None:
        problem = getattr(problem, "problem", problem)  # of a trace
        if not isinstance(problem, Problem):
            raise WidgetInputError(
                f"problem is of type {type(problem).__name__}; expected a Problem, such as "
                "`backhand.explain(...).problem`."
            )
        contents = page_contents(problem) | {"examples": self.contents["examples"]}
        with self.hold_sync():
            with self.hold_trait_notifications():
                self.selected = None
                self.set_trait("contents", contents)  # with the shapes
                for name, value in _given(problem).items():
                    setattr(self, name, value)
            self.set_trait("updates", 0)

    @property
    def trace(self) -> Any:
        """The trace of the problem as it stands: `widget.trace["dW1"][3, 7]`."""
        if self._trace_of is None:
            raise InputError(
                "this widget was made without a trace; expected one from "
                "`backhand.explain(...).widget()`."
            )
        return self._trace_of(self.problem)

    @traitlets.validate(*GIVEN)  # type: ignore[untyped-decorator]
    def _fits(self, proposal: Any) -> Any:
        """Check that an array has the shape that the problem gives it."""
        name, value = proposal["trait"].name, proposal["value"]
        shape = tuple(self.sizes[letter] for letter in SHAPES[GIVEN[name]])
        if value is not None and value.shape != shape:
            raise WidgetInputError(
                f"{name} is {size(value)}; expected {shape}, as the other arrays have it. For "
                "other shapes, assign `problem`, which has all arrays."
            )
        return value


def _given(problem: Problem) -> dict[str, Any]:
    """The traits that a problem sets."""
    return {
        **problem.params._asdict(), "X": problem.X, "Y": problem.Y,
        "sample_weight": problem.sample_weight, "mask": problem.mask,
        "learning_rate": problem.learning_rate, "l2": problem.l2,
    }  # fmt: skip
