"""Options that declare the frame of a function: which network it computes, in which layout."""

from __future__ import annotations

from typing import Annotated, Any

import typer


def _option(text: str) -> object:
    return typer.Option(help=text, show_default="as it is found")


Activation = Annotated[
    str | None,
    _option("Hidden units: relu, leaky_relu, tanh, sigmoid, softplus, elu, gelu or gelu_tanh."),
]
Output = Annotated[str | None, _option("softmax, sigmoid or linear.")]
Loss = Annotated[
    str | None,
    _option("cross_entropy, binary_cross_entropy, squared_error or half_squared_error."),
]
Reduction = Annotated[
    str | None, _option("mean or sum of the loss over the rows; elements: mean over all entries.")
]
Layout = Annotated[
    str | None,
    _option(
        "rows: as in the equations; linear: weights as in nn.Linear; columns: everything "
        "transposed, with examples as columns."
    ),
]
Biases = Annotated[
    str | None, _option("flat: (H,); row: (1, H); column: (H, 1); none: there are no biases.")
]
Labels = Annotated[
    str | None, _option("one_hot or indices; with one output, column: (N, 1), or flat: (N,).")
]
Forward = Annotated[bool, typer.Option("--forward", help="Check the forward pass alone.")]


def declared(**choices: str | None) -> dict[str, Any]:
    """The choices that were given.

    Raises
    ------
    InputError
        If there is no such choice.
    """
    given = {name: choice for name, choice in choices.items() if choice is not None}
    if given:
        from backhand.constraints import Choice, check
        from backhand.doctor.diagnosis import CHOICES

        for name, choice in given.items():
            check(name, choice, Choice(CHOICES[name]))
    return given
