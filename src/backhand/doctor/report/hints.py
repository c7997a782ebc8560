"""How much of a report a learner is told: the equation, a question to ask oneself, or the fix."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from backhand.doctor.report.contents import Finding

Hints = Literal[0, 1, 2]
"""0: which equation is wrong. 1: also a question. 2: what the code does, the line and the fix."""

OF_BOTH = {
    ("dS", "scale"): "Is the loss a sum over the rows or their mean? What is then its derivative?",
    ("dS", "labels"): "From which entry of each row of P is 1 subtracted, and why from that one?",
    ("dS", "loss"): "Which derivative of the loss by S belongs to this output and this loss?",
    ("dS", "softmax"): "Is the derivative of the softmax in P - Y already, or does it come on top?",
    ("dH1", "operand"): "Through which weights does H1 reach S, and dS back to H1?",
    ("dH1", "transpose"): "Which shape has dH1? Which product of dS and W2 has this shape?",
    ("dH1", "order"): "Which W2 computed S: the one before the update or the one after it?",
    ("dZ1", "mask"): "Which units passed their input on in the forward pass? Which array says so?",
    ("dZ1", "derivative"): "Is the derivative a formula of Z1 or of H1, and which one is put in?",
    ("dW1", "input"): "Which array was multiplied by W1 in the forward pass?",
    ("dW2", "operand"): "Which array was multiplied by W2 in the forward pass?",
    ("P", "softmax"): "Over which axis do the probabilities of one row sum to 1?",
    ("L", "reduction"): "Is the loss of a batch a sum over its rows or their mean?",
    ("Z1", "input"): "Which array does the first layer read?",
}
"""Questions about one kind of fault in one equation."""

OF_KIND = {
    "accumulation": "Does each row add to what the rows before it gave? Where does the sum begin?",
    "activation": "Which activation does the network have, and what does the code compute?",
    "alignment": "Do the rows of both factors belong to the same examples?",
    "bias": "Does this equation have a bias? Is it the one of this layer?",
    "clip": "Are there values that are cut off? May a gradient be?",
    "derivative": "What is the derivative here, and at which values is it taken?",
    "factor": "Is a factor there once more, or once less, than the equation has it?",
    "function": "Is it a product of matrices or of their entries? Which function is computed?",
    "input": "Which array does this layer read?",
    "keepdims": "Which shape has the parameter, and which shape has its gradient?",
    "labels": "Which class does each label mean, and where is its 1 in the row?",
    "loss": "Which loss does the network have, and what does the code compute?",
    "mask": "Which entries does the mask keep, and which should it keep?",
    "missing": "Is there a line that uses this value, and one that changes it?",
    "operand": "Which values does this equation read? Are they the ones in the code?",
    "order": "Which value does the line read: the one before the change or the one after it?",
    "overwritten": "Does the array still have this value when it is returned?",
    "penalty": "Which parameters does the penalty count, and with which factor?",
    "precision": "Which dtype have the values, and where does it change?",
    "reduction": "Over which axis does the equation sum? Does it sum or average?",
    "scale": "Where in the chain does 1/N stand, and how often?",
    "shape": "Which shape has the parameter, and which shape has its gradient?",
    "sign": "Does the value grow or fall when its input grows? What does the sign say?",
    "softmax": "Over which axis do the probabilities of one row sum to 1?",
    "stale": "Is the value computed anew in each call?",
    "subset": "Does the line take all rows and all columns?",
    "transpose": "Which shapes do both factors have, and which shape must the product have?",
    "undefined": "Are there entries that are not computed at all?",
    "zero": "Is the value computed, or still the zeros that it began with?",
}
"""Questions about one kind of fault in any equation: the second part of a finding's id."""

OF_EQUATION = {
    "Z1": "What does the first layer compute from X?",
    "H1": "What does the activation make of Z1, entry by entry?",
    "S": "What does the second layer compute from H1?",
    "P": "How do the outputs follow from S?",
    "L": "What does the loss compute from P and the labels?",
    "dS": "How does the loss change if one entry of S grows a little?",
    "dW2": "Which entries of S does one entry of W2 reach, and through what?",
    "db2": "Which entries of S does one entry of b2 reach?",
    "dH1": "Which entries of S does one entry of H1 reach, and through what?",
    "dZ1": "How does H1 change if one entry of Z1 grows a little?",
    "dW1": "Which entries of Z1 does one entry of W1 reach, and through what?",
    "db1": "Which entries of Z1 does one entry of b1 reach?",
    "update": "Which way, and how far, does a step change a parameter?",
}
"""Questions about an equation of which nothing more is known."""


def question(finding: Finding) -> str:
    """The question to ask oneself; empty for what is wrong with the function as a whole."""
    _, _, kind = finding.id.partition(".")
    kind = kind.partition(".")[0]
    return (
        OF_BOTH.get((finding.equation, kind))
        or OF_KIND.get(kind)
        or OF_EQUATION.get(finding.equation, "")
    )


def hinted(finding: Finding, hints: int) -> Finding:
    """The finding with as much as a learner is told.

    What is wrong with the function as a whole (it raises, it returns nothing) is always told: it
    can be seen by calling it.
    """
    if hints >= 2 or finding.equation == "call":
        return finding
    asked = question(finding) if hints else ""
    return replace(
        finding, id=finding.equation, mistake=f"{finding.equation} is wrong.", suggestion=asked,
        written="", right="", where=(), others=(),
    )  # fmt: skip
