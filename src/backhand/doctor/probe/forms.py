"""The forms in which a function may be called, likeliest first, as its parameters show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import get_args

from backhand.doctor.frame.form import Biases, Container, Form, Labels, Layout, Outputs
from backhand.doctor.probe.signature import Argument
from backhand.errors import InputError, listed

CHOICES: Mapping[str, tuple[str, ...]] = {
    "layout": get_args(Layout),
    "biases": get_args(Biases),
    "labels": get_args(Labels),
    "outputs": get_args(Outputs),
    "container": get_args(Container),
}
"""What can be declared, by the names of `Form`."""

BIASES: Mapping[Layout, tuple[Biases, ...]] = {
    "rows": ("flat", "row", "column"),
    "linear": ("flat", "row", "column"),
    "columns": ("column", "flat", "row"),
}
"""The shapes of biases that fit a layout; the usual one first."""


def forms_of(arguments: Sequence[Argument], declared: Mapping[str, str]) -> list[Form]:
    """Every form in which a function with these parameters may be called, likeliest first.

    Usual biases come before others, K outputs before one. Within these, the layouts are tried in
    turn, each with the labels that the parameter's name suggests and then with the others: most
    forms that do not fit raise at the first product.

    Parameters
    ----------
    arguments : sequence of Argument
        What the function takes.
    declared : mapping of str to str
        Choices that are known, by the names of `Form`'s attributes.

    Raises
    ------
    InputError
        If a declared choice does not exist.
    """
    for name, choice in declared.items():
        if choice not in CHOICES[name]:
            raise InputError(
                f"{name} is '{choice}'; expected {listed(CHOICES[name], conjunction='or')}."
            )
    forms = [form for form in _forms({one.meaning for one in arguments})
             if all(getattr(form, name) == declared[name] for name in declared)]  # fmt: skip
    return forms or [_as_declared(declared)]


def _forms(meanings: set[str]) -> Iterator[Form]:
    every: tuple[Container, ...] = get_args(Container)
    containers = every if "params" in meanings else every[:1]
    outputs: tuple[Outputs, ...] = ("K", "one")
    for K, place in product(outputs, range(3)):
        for layout, container, labels in product(BIASES, containers, _labels(meanings, K)):
            biases = _biases(meanings, layout)
            if place < len(biases) and (biases[place] != "none" or container != "named"
                                        or "params" not in meanings):  # fmt: skip
                yield Form(layout, biases[place], labels, K, container)


def _labels(meanings: set[str], outputs: Outputs) -> tuple[Labels, ...]:
    """The forms of the labels; the one that the name suggests first."""
    if outputs == "one":
        return ("column", "flat")
    if not meanings & {"Y", "y"} or meanings >= {"Y", "y"}:
        return ("one_hot",)  # with no choice
    return ("one_hot", "indices") if "Y" in meanings else ("indices", "one_hot")


def _biases(meanings: set[str], layout: Layout) -> tuple[Biases, ...]:
    if "params" in meanings:
        return (BIASES[layout][0], *BIASES[layout][1:2], "none")
    with_weights = bool(meanings & {"W1", "W2", "weights"})
    return ("none",) if with_weights and not meanings & {"b1", "b2", "biases"} else BIASES[layout]


def _as_declared(declared: Mapping[str, str]) -> Form:
    """A form that the parameters do not suggest, such as one with row biases in columns."""
    usual = {"biases": BIASES[declared.get("layout", "rows")][0]}  # type: ignore[index]
    return Form(**{**usual, **declared})  # type: ignore[arg-type]
