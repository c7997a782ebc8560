"""The equation of a value, as a line of code and in index notation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backhand.explanation.problem import Problem
from backhand.explanation.rules import AXES, RULES, SHAPES, Form, Operand, Rule
from backhand.explanation.trace.terms import label_of
from backhand.formulas import LINES

PLURALS = {"n": "rows", "i": "features", "h": "hidden units", "k": "classes"}
"""What an axis is of, by its letter."""


def line_of(name: str, problem: Problem) -> str:
    """Return the line of code that gives a value; "" for what is given."""
    weighted, masked = problem.sample_weight is not None, problem.mask is not None
    penalty = bool(problem.l2)
    others = {
        "w": "sample_weight / sample_weight.sum()" if weighted else "1 / N",
        "losses": "-(Y * log(P)).sum(axis=1)",
        "L": "(w * losses).sum()" + (LINES["L"].penalty if penalty else ""),
    }
    if weighted:
        others["dS"] = "(P - Y) * w[:, None]"
    if masked:
        others |= {name: f"{LINES[name].data} * M" for name in ("H1", "dZ1")}
    if name in others:
        return others[name]
    return LINES[name].code(penalty=penalty) if name in LINES else ""


def formula_of(name: str, problem: Problem) -> str:
    """Return a value's equation in index notation: dW1[i,h] = Σ_n X[n, i] · dZ1[n,h]."""
    if name not in RULES:
        return ""
    rule = RULES[name]
    right = FORMULAS[rule.form](rule)
    if rule.form in (Form.RELU, Form.GATE) and problem.mask is not None:
        right += " · M[n,h]"
    right += "".join(f" + {_written(operand)}" for operand in rule.plus)
    if problem.l2 and rule.penalised:
        right += f" + λ · {_written(Operand(rule.penalised, rule.indices))}"
    if problem.l2 and rule.form is Form.MEAN:
        right += " + λ/2 (‖W1‖² + ‖W2‖²)"
    return f"{label_of(name, tuple(rule.indices))} = {right}"


def sum_of(name: str) -> str:
    """Return what a value is summed over, and what remains; "" if nothing is.

    It is why one factor is transposed: only then does the axis that both share meet itself.
    """
    rule = RULES.get(name)
    if rule is None or rule.form is not Form.SUM:
        return ""
    names = " and ".join(operand.name for operand in rule.factors)
    shared = f", which {names} share" if len(rule.factors) > 1 else ""
    left = f"{' and '.join(rule.indices)} remain{'s' if len(rule.indices) == 1 else ''}"
    return f"summed over the {PLURALS[rule.over]} {rule.over}{shared}; {left}"


def axes_of(name: str) -> str:
    """Return what the axes of a value are: "features × hidden units"; "" for a single number."""
    return " × ".join(PLURALS[letter] for letter in SHAPES[name])


def place_of(name: str, index: Sequence[int], problem: Problem) -> str:
    """Return what an entry is of: "feature 3 (body mass), hidden unit 7"."""
    return ", ".join(
        f"{AXES[letter]} {place}{_named(letter, place, problem)}"
        for letter, place in zip(SHAPES[name], index, strict=True)
    )


def name_along(letter: str, place: int, problem: Problem) -> str:
    """Return the name of a row, feature or class; "" where it has none."""
    names = {"n": problem.rows, "i": problem.features, "k": problem.classes}.get(letter, ())
    return names[place] if names else ""


def _named(letter: str, place: int, problem: Problem) -> str:
    name = name_along(letter, place, problem)
    return f" ({name})" if name and name != f"{AXES[letter]} {place}" else ""


def _written(operand: Operand) -> str:
    return label_of(operand.name, tuple(operand.indices))


def _sum(rule: Rule) -> str:
    return f"Σ_{rule.over} {' · '.join(map(_written, rule.factors))}"


def _step(rule: Rule) -> str:
    theta, gradient = map(_written, rule.factors)
    return f"{theta} - η · {gradient}"


FORMULAS: dict[Form, Callable[[Rule], str]] = {
    Form.SUM: _sum,
    Form.RELU: lambda _: "max(0, Z1[n,h])",
    Form.SOFTMAX: lambda _: "exp(S[n,k]) / Σ_k' exp(S[n,k'])",
    Form.ROW_LOSS: lambda _: "-Σ_k Y[n,k] · log P[n,k]",
    Form.MEAN: lambda _: "Σ_n w[n] · losses[n]",
    Form.DIFFERENCE: lambda _: "(P[n,k] - Y[n,k]) · w[n]",
    Form.GATE: lambda _: "dH1[n,h] · (Z1[n,h] > 0)",
    Form.STEP: _step,
}
"""The right side of an equation, without masks, biases and penalty."""
