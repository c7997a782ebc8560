"""The network that a function computes: its activation, output, loss and penalty, as equations.

A network is the reference program of `backhand.formulas` with some lines exchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Literal

from backhand.formulas import LINES, Line

Activation = Literal[
    "relu", "leaky_relu", "tanh", "sigmoid", "softplus", "elu", "gelu", "gelu_tanh"
]
Output = Literal["softmax", "sigmoid", "linear"]
Loss = Literal["cross_entropy", "binary_cross_entropy", "squared_error", "half_squared_error"]
Reduction = Literal["mean", "sum", "elements"]
Penalty = Literal["half", "full", "by_N"]
Averaged = Literal["dS", "gradients"]

ACTIVATIONS: Mapping[str, tuple[str, str]] = {
    "relu": ("maximum(Z1, 0)", "(Z1 > 0)"),
    "leaky_relu": ("where(Z1 > 0, Z1, {slope} * Z1)", "where(Z1 > 0, 1, {slope})"),
    "tanh": ("tanh(Z1)", "(1 - H1**2)"),
    "sigmoid": ("sigmoid(Z1)", "H1 * (1 - H1)"),
    "softplus": ("log(1 + exp(Z1))", "sigmoid(Z1)"),
    "elu": ("where(Z1 > 0, Z1, exp(minimum(Z1, 0)) - 1)", "where(Z1 > 0, 1, H1 + 1)"),
    "gelu": ("gelu(Z1)", "gelu_slope(Z1)"),
    "gelu_tanh": ("gelu_tanh(Z1)", "gelu_tanh_slope(Z1)"),
}
"""H1 = f(Z1), and the factor f'(Z1) of dZ1 = dH1 * f'(Z1)."""

OUTPUTS: Mapping[str, str] = {"softmax": "softmax(S)", "sigmoid": "sigmoid(S)", "linear": "S"}
"""P."""

LOSSES: Mapping[str, str] = {
    "cross_entropy": "-(Y * log(P)).sum()",
    "binary_cross_entropy": "-(Y * log(P) + (1 - Y) * log(1 - P)).sum()",
    "squared_error": "((P - Y)**2).sum()",
    "half_squared_error": "((P - Y)**2).sum() / 2",
}
"""The loss, summed over rows and outputs."""

REDUCED: Mapping[str, str] = {"mean": " / N", "sum": "", "elements": " / (N * K)"}
"""What a sum over the rows is divided by."""

SQUARES = "((W1**2).sum() + (W2**2).sum())"

PENALTIES: Mapping[str, tuple[str, str]] = {
    "half": (f" + l2 / 2 * {SQUARES}", " + l2 * {W}"),
    "full": (f" + l2 * {SQUARES}", " + 2 * l2 * {W}"),
    "by_N": (f" + l2 / (2 * N) * {SQUARES}", " + l2 / N * {W}"),
}
"""What the penalty adds to the loss, and to the gradient of weights."""

PAIRS: tuple[tuple[Output, Loss], ...] = (
    ("softmax", "cross_entropy"),
    ("sigmoid", "binary_cross_entropy"),
    ("linear", "half_squared_error"),
    ("linear", "squared_error"),
    ("sigmoid", "half_squared_error"),
    ("sigmoid", "squared_error"),
)
"""Outputs, each with a loss that is used with it."""


@dataclass(frozen=True)
class Network:
    """Which two-layer network: the choices that its equations depend on.

    Attributes
    ----------
    activation : str
        Of the hidden units, a key of `ACTIVATIONS`.
    slope : float
        Of a leaky ReLU, below 0.
    output, loss : str
        One of `PAIRS`.
    reduction : {"mean", "sum", "elements"}
        Of the loss: over the N rows, or over all N·K entries.
    biases : bool
        Whether there are b1 and b2.
    penalty : {"half", "full", "by_N"}
        λ/2 ‖W‖², λ ‖W‖² or λ/(2N) ‖W‖².
    strength : float
        λ, if it is a constant of the function; 0 if λ is an argument, or there is no penalty.
    averaged : {"dS", "gradients"}
        Where the 1/N of the reduction is applied: in dS, or later, in each gradient.
    """

    activation: Activation = "relu"
    slope: float = 0.0
    output: Output = "softmax"
    loss: Loss = "cross_entropy"
    reduction: Reduction = "mean"
    biases: bool = True
    penalty: Penalty = "half"
    strength: float = 0.0
    averaged: Averaged = "dS"

    @cached_property
    def lines(self) -> Mapping[str, Line]:
        """Every equation, in the order of the derivation, as `formulas.LINES` has them."""
        activation, slope = (part.format(slope=self.slope) for part in ACTIVATIONS[self.activation])
        of_loss, of_weights = PENALTIES[self.penalty]
        early, late = (self.mean, "") if self.averaged == "dS" else ("", self.mean)
        own = {
            "H1": Line(activation),
            "P": Line(OUTPUTS[self.output]),
            "L": Line(LOSSES[self.loss] + self.mean, of_loss),
            "dS": Line(self._output_slope + early),
            "dW2": Line(LINES["dW2"].data + late, of_weights.format(W="W2")),
            "db2": Line(LINES["db2"].data + late),
            "dZ1": Line(f"dH1 * {slope}"),
            "dW1": Line(LINES["dW1"].data + late, of_weights.format(W="W1")),
            "db1": Line(LINES["db1"].data + late),
        }
        if not self.biases:
            own |= {"Z1": Line("X @ W1"), "S": Line("H1 @ W2")}
        left_out = () if self.biases else ("db1", "db2", "new b1", "new b2")
        return MappingProxyType(
            {name: own.get(name, line) for name, line in LINES.items() if name not in left_out}
        )

    @property
    def mean(self) -> str:
        """What a sum over the rows is divided by, as code."""
        return REDUCED[self.reduction]

    @property
    def _output_slope(self) -> str:
        """∂L/∂S before the reduction."""
        if self.loss in ("cross_entropy", "binary_cross_entropy"):
            return "(P - Y)"
        doubled = "2 * " if self.loss == "squared_error" else ""
        through = " * P * (1 - P)" if self.output == "sigmoid" else ""
        return f"{doubled}(P - Y){through}"


REFERENCE = Network()
"""The network of `backhand.equations`."""
