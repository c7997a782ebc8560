"""What the names of values mean: those of the equations, and those of other schools."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

THETA = ("W1", "b1", "W2", "b2")

VALUES = {
    "Z1": ("z1", "pre1", "preactivation", "hiddenin", "hpreact", "hiddeninput", "preact", "zh",
           "znet1", "net1", "lin1", "linear1"),
    "H1": ("h1", "a1", "h", "hidden", "relu", "l1", "hiddenout", "hiddenlayer", "hact", "ah",
           "hiddenoutput", "hiddenactivation", "activation1", "out1"),
    "S": ("s", "scores", "logits", "z2", "zo", "net2", "outputin", "finalinput"),
    "P": ("p", "probs", "prob", "probabilities", "a2", "yhat", "softmax", "predictions", "proba",
          "ypred", "pred", "output", "out", "yout", "outputs", "o", "l2", "prediction", "ao"),
    "L": ("l", "loss", "cost", "ce", "crossentropy", "value", "j", "nll", "mse",
          "objective", "totalloss", "bce"),
    "dS": ("ds", "dz2", "dscores", "dlogits", "delta2", "dscore", "dlogit", "l2delta",
           "deltaout", "deltaoutput", "outputdelta", "deltao", "dzo", "dz2n"),
    "dH1": ("dh1", "da1", "dh", "dhidden", "dhact"),
    "dZ1": ("dz1", "delta1", "dhpreact", "l1delta", "deltahidden", "hiddendelta", "deltah",
            "dzh", "dpreact"),
}  # fmt: skip
"""Names of the values that a function may return beside the gradients."""

SCHOOLS: Mapping[str, Mapping[str, str]] = {
    "": {},
    "deltas count layers from the input": {"delta3": "dS", "delta2": "dZ1"},
    "a is before the activation, z after it": {
        "a1": "Z1", "z1": "H1", "a2": "S", "z2": "P", "y": "P", "dy": "dS", "da2": "dS",
        "dz1": "dH1", "da1": "dZ1",
    },
    "the input is layer 1": {
        "z2": "Z1", "a2": "H1", "z3": "S", "a3": "P", "dz3": "dS", "da2": "dH1", "dz2": "dZ1",
        "delta3": "dS", "delta2": "dZ1", "d3": "dS", "d2": "dZ1",
    },
    "the input is layer 0": {
        "z0": "Z1", "a0": "H1", "h0": "H1", "a1": "P", "z1": "S", "h1": "P", "dz1": "dS",
        "da0": "dH1", "dz0": "dZ1", "delta1": "dS", "delta0": "dZ1",
    },
}  # fmt: skip
"""Where a school's names mean something else than the first one's."""

AMBIGUOUS = frozenset(key for school in SCHOOLS.values() for key in school)

GRADIENT_WORDS = ("grad", "gradient", "grads", "gradients", "d", "g", "dl", "dld", "nabla", "dloss",
                  "dlossd", "dj", "djd", "dc", "dcd", "de", "ded", "delta", "dldl", "partial",
                  "dcost", "dcostd", "gradof", "gradientof")  # fmt: skip


def plain(key: str) -> str:
    """A name in lower case, without what is neither letter nor digit."""
    return re.sub(r"[^a-z0-9]", "", key.lower().replace("∂", "d").replace("∇", "nabla"))


@lru_cache(1024)
def meaning(key: str, school: str = "") -> tuple[str | None, bool]:
    """The value that a key names in a school, and whether the key is a bare parameter name."""
    word = plain(key)
    if word in SCHOOLS[school]:
        return SCHOOLS[school][word], False
    for name, others in VALUES.items():
        if word in others:
            return name, False
    word = {"syn0": "w1", "syn1": "w2", "synapse0": "w1", "synapse1": "w2"}.get(word, word)
    word = re.sub(
        r"([wb])(ih|ho)$", lambda found: found[1] + ("1" if found[2] == "ih" else "2"), word
    )
    word = re.sub(r"weights?|kernel|coefs?|theta", "w", word)
    word = re.sub(r"bias(es)?|intercepts?", "b", word)
    word = re.sub(r"(?:fc|layer|linear|l)([12])([wb])", r"\2\1", word)
    word = re.sub(r"([wb])(?:layer|fc)?([12])", r"\1\2", word)
    word = re.sub(r"^([wb])(grads?|gradients?|delta)([12])$", r"d\1\3", word)
    for W in THETA:
        w = W.lower()
        if word == w:
            return f"d{W}", True
        if word.endswith(w) and word.removesuffix(w) in GRADIENT_WORDS:
            return f"d{W}", False
        if word.startswith(w) and word.removeprefix(w) in (*GRADIENT_WORDS, "dot", "bar"):
            return f"d{W}", False
        if word in (f"new{w}", f"{w}new", f"next{w}", f"updated{w}", f"{w}updated"):
            return f"new {W}", False
    return None, False
