"""The terms of the reports, each in a sentence that needs no other knowledge."""

from __future__ import annotations

TERMS = {
    "held-out rows": "rows that training does not use, kept for evaluation",
    "features": "the input numbers of the network: each numeric column is one, each value of a "
                "text column is one",
    "hidden": "the units between input and output, each a weighted sum",
    "ReLU": "the function max(0, x), applied to each hidden unit",
    "softmax": "the function that turns the output into probabilities",
    "parameters": "the weights and biases, which training adjusts",
    "float32": "numbers of 32 bits, with about seven digits",
    "epoch": "one pass over all training rows",
    "batch": "the rows of one update of the parameters",
    "adam": "an optimizer: the rule for the size of each update",
    "fused engine": "the compiled implementation of training",
    "loss": "mean of -log P of the true class; 0 is perfect",
    "accuracy": "fraction of rows whose class is predicted correctly",
    "precision": "of the rows predicted as a class, the fraction in it",
    "recall": "of the rows in a class, the fraction predicted as it",
    "f1": "harmonic mean of precision and recall",
    "confusion matrix": "how many rows of each class are predicted as which",
}  # fmt: skip
