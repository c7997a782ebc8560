"""Where each entry of each value comes from, in index notation: the equations, read entry by entry.

One table serves the trace and the page, which receives it as JSON. An index is a letter: n is a
row, i a feature, h a hidden unit, k a class.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Form(StrEnum):
    """How an entry is computed from what it reads."""

    SUM = "sum"
    """The sum of products over an index, plus what is added."""
    RELU = "relu"
    """max(0, Z1), times the mask of dropout."""
    SOFTMAX = "softmax"
    """exp(S[n, k]) over the sum of its row."""
    ROW_LOSS = "row loss"
    """-Σ Y log P of a row."""
    MEAN = "mean"
    """The weighted mean of the rows' losses, plus the penalty."""
    DIFFERENCE = "difference"
    """(P - Y), times the row's weight in the mean."""
    GATE = "gate"
    """dH1 where Z1 > 0, else 0, times the mask of dropout."""
    STEP = "step"
    """θ - η dθ."""


@dataclass(frozen=True)
class Operand:
    """An array that an entry reads, and its indices as letters: X with "ni" is X[n, i]."""

    name: str
    indices: str


@dataclass(frozen=True)
class Rule:
    """How one entry of a value is computed.

    Attributes
    ----------
    name : str
        The value, a key of `formulas.LINES`, or "losses", the loss of each row.
    indices : str
        The letters of its own indices; "" for the loss.
    form : Form
    factors : tuple of Operand
        What is multiplied (`SUM`), or what the form reads.
    over : str
        The letter that is summed over; "" if nothing is.
    plus : tuple of Operand
        What is added with factor 1: the bias.
    penalised : str
        The parameter of which λ times the entry is added; "" if none is.
    """

    name: str
    indices: str
    form: Form
    factors: tuple[Operand, ...]
    over: str = ""
    plus: tuple[Operand, ...] = ()
    penalised: str = ""


def _rule(
    name: str, form: Form, *factors: str, over: str = "", plus: str = "", penalised: str = ""
) -> Rule:
    """A rule of operands as text: "dW1_ih" is dW1[i, h]."""
    named, _, indices = name.partition("_")
    return Rule(named, indices, form, tuple(map(_operand, factors)), over,
                (_operand(plus),) if plus else (), penalised)  # fmt: skip


def _operand(text: str) -> Operand:
    name, _, indices = text.partition("_")
    return Operand(name, indices)


RULES = {
    rule.name: rule
    for rule in (
        _rule("Z1_nh", Form.SUM, "X_ni", "W1_ih", over="i", plus="b1_h"),
        _rule("H1_nh", Form.RELU, "Z1_nh"),
        _rule("S_nk", Form.SUM, "H1_nh", "W2_hk", over="h", plus="b2_k"),
        _rule("P_nk", Form.SOFTMAX, "S_nk", over="k"),
        _rule("losses_n", Form.ROW_LOSS, "Y_nk", "P_nk", over="k"),
        _rule("L", Form.MEAN, "losses_n", over="n"),
        _rule("dS_nk", Form.DIFFERENCE, "P_nk", "Y_nk"),
        _rule("dW2_hk", Form.SUM, "H1_nh", "dS_nk", over="n", penalised="W2"),
        _rule("db2_k", Form.SUM, "dS_nk", over="n"),
        _rule("dH1_nh", Form.SUM, "dS_nk", "W2_hk", over="k"),
        _rule("dZ1_nh", Form.GATE, "dH1_nh", "Z1_nh"),
        _rule("dW1_ih", Form.SUM, "X_ni", "dZ1_nh", over="n", penalised="W1"),
        _rule("db1_h", Form.SUM, "dZ1_nh", over="n"),
        _rule("new W1_ih", Form.STEP, "W1_ih", "dW1_ih"),
        _rule("new b1_h", Form.STEP, "b1_h", "db1_h"),
        _rule("new W2_hk", Form.STEP, "W2_hk", "dW2_hk"),
        _rule("new b2_k", Form.STEP, "b2_k", "db2_k"),
    )
}
"""In the order of the derivation."""

AXES = {"n": "row", "i": "feature", "h": "hidden unit", "k": "class"}
"""What an index counts."""

SHAPES = {
    "X": "ni", "Y": "nk", "w": "n", "M": "nh", "W1": "ih", "b1": "h", "W2": "hk", "b2": "k",
    **{rule.name: rule.indices for rule in RULES.values()},
}  # fmt: skip
"""The indices of every value, those that are given included: w are the weights of the mean."""
