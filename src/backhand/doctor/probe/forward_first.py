"""A backward pass that takes what the forward pass computes: that is called first."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from backhand.doctor.probe.containers import is_array, is_number
from backhand.doctor.probe.names import VALUES, meaning
from backhand.doctor.probe.refusal import Reason, Refusal
from backhand.doctor.probe.signature import Argument, arguments_of, unknown_of

FORWARD = ("forward_propagation", "forward_prop", "forward_pass", "forward", "feedforward",
           "feed_forward", "fprop", "forwardprop", "forward_propagate")  # fmt: skip
"""Names of functions of the forward pass."""

CACHE = ("cache", "memory", "saved", "intermediate", "activations", "stored")
"""What is in the names of parameters that have all values of the forward pass."""


def after_forward(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of data and parameters that calls the forward pass of its file, and then `f`.

    `f` itself, if all its parameters are known.

    Raises
    ------
    Refusal
        If some are not known, and there is no such forward pass.
    """
    try:
        arguments_of(f)
    except Refusal as refusal:
        found = _with_forward(f)
        if found is None:
            raise _with_advice(f, refusal) from None
        return found
    return f


def _with_forward(f: Callable[..., Any]) -> Callable[..., Any] | None:
    known, unknown = unknown_of(f)
    forward = _forward_of(f)
    if forward is None or not known or not all(map(_is_of_forward, unknown)):
        return None
    try:
        first = arguments_of(forward)
    except Refusal:
        return None

    def call(**given: Any) -> Any:
        returned = forward(**_chosen(first, given))
        return f(**_chosen(known, given), **_passed_on(returned, unknown))

    meanings = dict.fromkeys(one.meaning for one in (*first, *known))
    call.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in meanings]
    )
    call.__wrapped__ = f  # type: ignore[attr-defined]
    call.__name__, call.__qualname__ = f.__name__, f.__qualname__
    return call


def _is_of_forward(name: str) -> bool:
    """Whether a parameter's name is that of a value of the forward pass, or of all of them."""
    return meaning(name)[0] in VALUES or any(word in name.lower() for word in CACHE)


def _forward_of(f: Callable[..., Any]) -> Callable[..., Any] | None:
    """The function of the forward pass that the file of `f` has."""
    names = getattr(f, "__globals__", {})
    return next((names[name] for name in FORWARD if inspect.isfunction(names.get(name))), None)


def _chosen(arguments: Sequence[Argument], given: Mapping[str, Any]) -> dict[str, Any]:
    return {one.name: given[one.meaning] for one in arguments}


def _passed_on(returned: Any, names: Sequence[str]) -> dict[str, Any]:
    """What the forward pass returned, for the parameters of these names."""
    if isinstance(returned, Mapping) and returned.keys() >= set(names):
        return {name: returned[name] for name in names}
    if len(names) == 1:
        parts = returned if isinstance(returned, tuple) else ()
        caches = [part for part in parts if not is_array(part) and not is_number(part)]
        return {names[0]: caches[0] if caches else returned}
    if isinstance(returned, tuple | list) and len(returned) == len(names):
        return dict(zip(names, returned, strict=True))
    raise Refusal(
        Reason.PARAMETERS, f"its parameters {', '.join(names)} are not what forward returns"
    )


def _with_advice(f: Callable[..., Any], refusal: Refusal) -> Refusal:
    """How to check a function that takes what the forward pass computes."""
    try:
        _, unknown = unknown_of(f)
    except (TypeError, ValueError):
        return refusal
    if not unknown or not all(map(_is_of_forward, unknown)):
        return refusal
    names, taken = ", ".join(unknown), ", ".join(inspect.signature(f).parameters)
    return Refusal(
        refusal.reason,
        f"its {names} {'is' if len(unknown) == 1 else 'are'} computed by the forward pass, and its "
        f"file has no function forward that could be called first; check one that calls both: "
        f"`def both(X, Y, W1, b1, W2, b2): {names} = …; return {f.__name__}({taken})`",
    )
