"""scikit-learn's callbacks; before 1.9, which brought them, what stands in for them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import sklearn

from backhand.errors import MissingDependencyError

__all__ = ["CallbackSupportMixin", "need_callbacks", "with_callbacks"]


def need_callbacks(what: str) -> None:
    """Raise `MissingDependencyError` if this scikit-learn has no callbacks, which `what` needs."""
    if CallbackSupportMixin is _NoCallbacks:
        raise MissingDependencyError(
            f"{what} needs scikit-learn 1.9 or newer, and {sklearn.__version__} is installed; "
            f"install it with: {Path(sys.executable).name} -m pip install 'scikit-learn>=1.9'."
        )


class _NoCallbacks:
    """An estimator that takes no callbacks."""

    def set_callbacks(self, *callbacks: Any) -> Any:
        """Raise `MissingDependencyError`, if there are callbacks."""
        if callbacks:
            need_callbacks("set_callbacks")
        return self

    def _init_callback_context(self, **_: Any) -> _NoContext:
        return _NoContext()


class _NoContext:
    """The callback context of such an estimator."""

    def subcontext(self, **_: Any) -> _NoContext:
        return self

    def call_on_fit_task_begin(self, **_: Any) -> _NoContext:
        return self

    def call_on_fit_task_end(self, **_: Any) -> bool:
        return False


try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ModuleNotFoundError:
    CallbackSupportMixin = _NoCallbacks

    def with_callbacks(fit: Any) -> Any:
        """Return the method as it is."""
        return fit
