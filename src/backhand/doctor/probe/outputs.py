"""Reading what a function returned: arrays under the names of the equations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from numpy.typing import NDArray

from backhand.doctor.probe import order
from backhand.doctor.probe.arrays import as_array, described
from backhand.doctor.probe.containers import Leaf, is_number, leaves
from backhand.doctor.probe.names import AMBIGUOUS, SCHOOLS, meaning, plain
from backhand.doctor.probe.order import Shapes
from backhand.doctor.probe.refusal import Reason, Refusal
from backhand.errors import listed
from backhand.formulas import GRADIENTS, UPDATED

Arrays = dict[str, NDArray[Any]]

ACTIVATIONS = ("Z1", "H1", "S", "P", "dS", "dH1", "dZ1")
"""Values that are no numbers: `l2` is a penalty then, not the second layer."""


class Outputs(NamedTuple):
    """One reading of what a function returned.

    Attributes
    ----------
    values : dict
        All values that are known.
    absent : list of str
        Gradients that are missing.
    bare : dict
        Values under the names of parameters (W1), or under none: gradients, or new parameters.
    reading : str
        Which reading it is: the school of names, and the order of what has no names.
    uncertain : frozenset of str
        Values whose name has another meaning in another school, or that have only an order.
    forward_only : bool
        Whether only values of the forward pass were returned.
    keyed : bool
        Whether a value of the forward pass, beside the loss, has a name.
    rate : float, optional
        The learning rate of a step, if it is not one that the function takes.
    """

    values: Arrays
    absent: list[str]
    bare: Arrays
    reading: str = ""
    uncertain: frozenset[str] = frozenset()
    forward_only: bool = False
    keyed: bool = False
    rate: float | None = None


def contains_gradients(returned: Any) -> bool:
    """Whether `read` finds a gradient."""
    try:
        return not read(returned)[0].forward_only
    except Refusal:
        return False


def read(returned: Any, shapes: Shapes | None = None, *, forward: bool = False) -> list[Outputs]:
    """Find the gradients and other values.

    Parameters
    ----------
    returned : object
    shapes : mapping of str to tuple, optional
        Of every value, in the function's own form.
    forward : bool
        Whether the loss alone, or values of the forward pass without names, are an answer.

    Returns
    -------
    list of Outputs
        What it may mean, the likeliest first: they differ where names mean something else in
        another school, and where shapes do not tell an order.

    Raises
    ------
    Refusal
        If there is neither a gradient nor a value of the forward pass under its name.
    """
    if returned is None:
        raise Refusal(Reason.RETURNS_NOTHING, "it returns nothing")
    found = list(leaves(returned))
    keyed = [leaf for leaf in found if leaf.key]
    parts = [leaf.value for leaf in found if not leaf.key]
    if shapes and not any(_is_gradient(leaf) for leaf in keyed):
        parts += _by_shape_only(keyed, shapes)
    schools = _schools(keyed, shapes or {})
    ambiguous = AMBIGUOUS if len(schools) > 1 else frozenset()
    readings = [
        _reading(names, values, f"{school}{place or ''}", shapes or {}, ambiguous)
        for school, names in schools
        for place, values in enumerate(order.named(parts, shapes or {}))
    ]
    # A gradient that is None, or a dict of gradients that is empty, is not a forward pass alone.
    unfilled = _unfilled(returned)
    answers = [one for one in readings
               if (one.keyed and not unfilled) or not one.forward_only
               or (forward and one.values)]  # fmt: skip
    if not answers:
        raise _refusal(returned, found)
    return answers


def _unfilled(returned: Any) -> bool:
    """Whether there are names of gradients, or of all of them, without any value."""
    if not isinstance(returned, Mapping):
        return False
    return any(
        plain(str(key)) in ("grads", "gradients", "grad") or meaning(str(key))[0] in GRADIENTS
        for key in returned
    )


def _is_gradient(leaf: Leaf) -> bool:
    return (meaning(leaf.key)[0] or "").removeprefix("new ") in (*GRADIENTS, *UPDATED.values())


def _by_shape_only(keyed: Sequence[Leaf], shapes: Shapes) -> list[Any]:
    """Values of unknown names, if their shapes are those of gradients."""
    unknown = [leaf.value for leaf in keyed if meaning(leaf.key)[0] is None]
    names = order.named(unknown, shapes)[0]
    return [names[name] for name in GRADIENTS if name in names] if "dW1" in names else []


def _schools(keyed: Sequence[Leaf], shapes: Shapes) -> list[tuple[str, dict[str, Leaf]]]:
    """What the names mean in each school that agrees best with the shapes, the usual one first."""
    tried: list[tuple[int, str, dict[str, Leaf]]] = []
    for school in SCHOOLS:
        names = _by_meaning(keyed, school)
        meant = {name: leaf.key for name, leaf in names.items()}
        if any(meant == {name: leaf.key for name, leaf in one[2].items()} for one in tried):
            continue
        misfits = sum(
            name in shapes and order.shape_of(leaf.value) != shapes[name]
            for name, leaf in names.items()
            if plain(leaf.key) in AMBIGUOUS
        )
        misfits += sum(bool(meaning(leaf.key, school)[0]) for leaf in keyed) - len(names)
        tried.append((misfits, school, names))
    fewest = min(misfits for misfits, _, _ in tried)
    return [(school, names) for misfits, school, names in tried if misfits == fewest]


def _by_meaning(keyed: Sequence[Leaf], school: str) -> dict[str, Leaf]:
    """The first value of each meaning, with " bare" after that of a parameter."""
    found: dict[str, Leaf] = {}
    for leaf in keyed:
        name, bare = meaning(leaf.key, school)
        if name and leaf.value is not None and not (name in ACTIVATIONS and is_number(leaf.value)):
            found.setdefault(f"{name} bare" if bare else name, leaf)
    return found


def _reading(
    named: dict[str, Leaf],
    ordered: dict[str, Any],
    label: str,
    shapes: Shapes,
    ambiguous: frozenset[str],
) -> Outputs:
    """Names and order together."""
    named = {name: leaf for name, leaf in named.items() if _may_be(name, leaf.value, shapes)}
    values = {name: as_array(name, leaf.value) for name, leaf in named.items()
              if not name.endswith(" bare")}  # fmt: skip
    bare = {name.removesuffix(" bare"): as_array(name.removesuffix(" bare"), leaf.value)
            for name, leaf in named.items() if name.endswith(" bare")}  # fmt: skip
    others = {name: as_array(name, value) for name, value in ordered.items() if value is not None}
    bare = {name: value for name, value in others.items() if name in GRADIENTS} | bare
    explicit = set(values) & {*GRADIENTS, *UPDATED}
    forward = {name: value for name, value in others.items() if name not in GRADIENTS}
    values = forward | values
    if not explicit:
        values = values | bare
    uncertain = {name for name, leaf in named.items() if plain(leaf.key) in ambiguous}
    uncertain |= {name for name in forward if name != "L"}
    known = set(values)
    wanted = [name for name in GRADIENTS if name in shapes or not shapes]
    absent = [] if known & set(UPDATED) else [name for name in wanted if name not in known]
    if known & {*GRADIENTS, *UPDATED}:
        return Outputs(values, absent, bare, label, frozenset(uncertain))
    keyed = bool(set(named) - {"L"})
    return Outputs(values, [], {}, label, frozenset(uncertain), forward_only=True, keyed=keyed)


def _may_be(name: str, value: Any, shapes: Shapes) -> bool:
    """Whether something may be a value of that name: not a mask, nor predicted classes."""
    kind = getattr(getattr(value, "dtype", None), "kind", "f")
    if name in GRADIENTS or kind not in "biu":
        return True
    return kind != "b" and order.shape_of(value) == shapes.get(name, order.shape_of(value))


def _refusal(returned: Any, found: Sequence[Leaf]) -> Refusal:
    """Why there is nothing to judge."""
    keys = [leaf.key for leaf in found if leaf.key]
    if any(meaning(leaf.key)[0] for leaf in found) and all(leaf.value is None for leaf in found):
        return Refusal(Reason.NOT_WRITTEN, "it is not written yet: all that it returns is None")
    hint = ""
    if isinstance(returned, list | tuple) and not keys:
        hint = "; without names, the four are expected in the order dW1, db1, dW2, db2"
    what = listed(dict.fromkeys(keys)) if keys else described(returned)
    return Refusal(Reason.NO_GRADIENT, f"it returns {what}, which contains no gradient{hint}")


def as_updated(values: Arrays) -> Arrays:
    """The same arrays under the names of the parameters after a step."""
    names = dict(zip(GRADIENTS, UPDATED, strict=True))
    return {names.get(name, name): value for name, value in values.items()}
