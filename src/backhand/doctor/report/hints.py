"""How much of a report a learner is told: the equation, a question to ask oneself, or the fix."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Literal

from backhand.doctor.report.contents import Finding
from backhand.errors import InputError

Hints = Literal[0, 1, 2]
"""0: which equation is wrong. 1: also a question. 2: what the code does, the line and the fix."""

OF_BOTH = {
    ("Z1", "input"): "Which array does the first layer read, and is it the one that was given?",
    ("S", "operand"): "Which array leaves the hidden layer and is multiplied by W2?",
    ("P", "softmax"): "For one example, which entries of P sum to 1? Over which axis is that?",
    ("L", "reduction"): "Is the loss of a batch the sum over its rows or their mean?",
    ("L", "sign"): "Should the loss be large or small where the true class is improbable?",
    ("L", "labels"): "Of each row of P, whose logarithm belongs to the loss?",
    ("dS", "scale"):
        "Is the loss the sum over the rows or their mean? Which factor does its derivative have "
        "then, and is it applied once?",
    ("dS", "sign"):
        "If the true class is too improbable, should its entry of S grow or fall? Which sign has "
        "its gradient then, if a step goes against the gradient?",
    ("dS", "labels"): "From which entry of each row of P is 1 subtracted, and why from that one?",
    ("dS", "loss"):
        "What is the derivative of your loss by one entry of S, with the output in between?",
    ("dS", "softmax"):
        "Is P - Y the derivative of the loss by P, or by S? Is the derivative of the output in it "
        "already?",
    ("dS", "derivative"):
        "Is P - Y the derivative of the loss by P, or by S? Is the derivative of the output in it "
        "already?",
    ("dS", "transpose"): "What shape does S have, and what shape does its gradient have?",
    ("dW2", "operand"): "Which array was multiplied by W2 in the forward pass?",
    ("dW2", "transpose"):
        "What shapes do H1, dS and dW2 have? Which order and which transposition sum over the "
        "rows?",
    ("db2", "reduction"):
        "b2 is added to every row: over which axis do its gradients add up? How many numbers are "
        "left?",
    ("dH1", "operand"): "Through which weights does H1 reach S, and so dS come back to H1?",
    ("dH1", "transpose"): "What shapes do dS, W2 and dH1 have? Which product has the shape of dH1?",
    ("dH1", "order"): "Which W2 computed S: the one before the update or the one after it?",
    ("dZ1", "mask"): "Which units passed their input on in the forward pass? Which array says so?",
    ("dZ1", "transpose"): "What shape does Z1 have, and what shape does its gradient have?",
    ("dZ1", "derivative"):
        "Does the formula of the derivative expect Z1, or H1 = f(Z1)? Which one is put in?",
    ("dW1", "operand"): "Which array was multiplied by W1 in the forward pass?",
    ("dW1", "input"): "Which array was multiplied by W1 in the forward pass?",
    ("dW1", "transpose"):
        "What shapes do X, dZ1 and dW1 have? Which order and which transposition sum over the "
        "rows?",
    ("db1", "reduction"):
        "b1 is added to every row: over which axis do its gradients add up? How many numbers are "
        "left?",
    ("update", "sign"): "Does the gradient point uphill or downhill? Which way should the step go?",
    ("update", "scale"): "How far does a step go? Which number says so, and is it applied once?",
    ("update", "operand"): "Which gradient belongs to which parameter?",
    ("update", "missing"): "Which parameters does a step change? Is one of them left as it was?",
}  # fmt: skip
"""Questions about one kind of fault in one equation."""

OF_ONE = {
    "dS.precision.difference_whole":
        "Is P - Y computed, or are these still the zeros that it began with? Can its array hold "
        "other numbers than whole ones?",
    "dH1.reduction.mean_over_classes":
        "By what is the sum over the classes divided? Does the chain rule say so?",
    "db2.reduction.mean": "By what is the sum divided here, and was that done before?",
    "db1.reduction.mean": "By what is the sum divided here, and was that done before?",
}  # fmt: skip
"""Questions about one fault, by its id."""

OF_KIND = {
    "accumulation": "Does each call begin with zeros, or with what the call before it left?",
    "activation": "Which activation does the network have, and which one does the code compute?",
    "alignment": "Do the rows of both factors belong to the same examples?",
    "bias": "Is the bias of this layer added here, and once?",
    "clip": "Is a value cut off here? Is the gradient then still the slope of the loss?",
    "derivative": "What is the derivative here, written out? Does each factor and each square "
    "agree with it?",
    "factor": "Which factors does the chain rule give here? Is one missing, or there twice?",
    "function": "Is it a product of matrices (@) or of entries (*)? Which function is computed?",
    "input": "Which array does this layer read, and is it the one that was given?",
    "keepdims": "What shape does the parameter have, and what shape does its gradient have?",
    "labels": "Which class does each label mean, and where is its 1 in the row?",
    "loss": "Which loss does the network have, and which one does the code compute?",
    "mask": "Which entries does the mask keep, and which should it keep?",
    "missing": "Is there a line that computes this value, and is its result used?",
    "operand": "Which values does this equation read? Are they the ones in the code?",
    "order": "Which value does the line read: the one before a change or the one after it?",
    "overwritten": "Does the array still have this value when it is returned?",
    "penalty": "Which parameters does the penalty count, with which factor, and what is its slope?",
    "precision": "What dtype do the values have, and where does it change?",
    "reduction": "Over which axis does the equation sum? Does it sum or average?",
    "scale": "By what is this value divided, and where else in the chain is that done?",
    "shape": "What shape does the parameter have, and what shape does its gradient have?",
    "sign": "Does the loss grow or fall when this value grows? Which sign says so?",
    "softmax": "For one example, which entries of P sum to 1? Over which axis is that?",
    "stale": "Is the value computed anew in each call?",
    "subset": "Which rows and columns does the line reach? In a loop, is each added to the others, "
    "or put in their place?",
    "transpose": "What shapes do both factors have, and what shape must the product have?",
    "undefined": "Can the denominator be 0 here? What is computed then?",
    "zero": "Is the value computed, or is it still the zeros that it began with?",
}
"""Questions about one kind of fault in any equation: the second part of a finding's id."""

OF_ARGUMENT = re.compile(r"(?:^|_)at_|_for_|Z1")
"""What a fault of a derivative is called that is about the value at which it is taken."""

OF_EQUATION = {
    "Z1": "What does the first layer compute from X? What shape does the result have?",
    "H1": "What does the activation compute from Z1, entry by entry?",
    "S": "What does the second layer compute from H1? What shape does the result have?",
    "P": "How do the outputs follow from S?",
    "L": "What does the loss compute from P and the labels?",
    "dS": "By how much does the loss change if one entry of S grows a little?",
    "dW2": "Which entries of S does one entry of W2 reach, and through what?",
    "db2": "Which entries of S does one entry of b2 reach?",
    "dH1": "Which entries of S does one entry of H1 reach, and through what?",
    "dZ1": "By how much does H1 change if one entry of Z1 grows a little?",
    "dW1": "Which entries of Z1 does one entry of W1 reach, and through what?",
    "db1": "Which entries of Z1 does one entry of b1 reach?",
    "update": "Which way, and how far, does a step change a parameter?",
}
"""Questions about an equation of which nothing more is known."""


def check_hints(hints: int) -> None:
    """Raise an InputError unless that is one of `Hints`."""
    if hints not in (0, 1, 2):
        raise InputError(f"hints is {hints!r}; expected 0, 1 or 2.")


def question(finding: Finding) -> str:
    """The question to ask oneself; empty for what is wrong with the function as a whole."""
    _, _, rest = finding.id.partition(".")
    kind, _, what = rest.partition(".")
    elsewhere = (finding.equation, kind) != ("dZ1", "derivative") or OF_ARGUMENT.search(what)
    return (
        OF_ONE.get(finding.id)
        or (OF_BOTH.get((finding.equation, kind)) if elsewhere else "")
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
