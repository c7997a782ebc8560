"""The terms of the reports, each in a sentence that needs no other knowledge."""

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
    "search": "the training of several networks on parts of the training rows, which chooses the "
    "penalty and the number of epochs",
    "fold": "one of the parts into which the training rows are divided; each network of the "
    "search does without one of them",
    "penalty": "λ, which keeps the weights small; the larger, the smoother what is learned",
    "temperature": "a number that the outputs are divided by, so that probabilities are neither "
    "too sure nor too cautious",
    "adam": "an optimizer: the rule for the size of each update",
    "fused engine": "the compiled implementation of training",
    "accuracy": "fraction of rows whose class is predicted correctly",
    "always answering": "what the commonest class of the training rows scores as the answer for "
    "every row; its loss is that of answering with the shares of the classes. A useful model is "
    "better",
    "loss": "log loss: mean of -log P of the true class; 0 is perfect, and sure but wrong answers "
    "cost most",
    "95 % interval": "what the figure would be on unlimited rows of the same kind, in 95 of 100 "
    "evaluations: few rows, wide interval",
    "balanced accuracy": "mean recall of the classes: each counts the same, however many rows it "
    "has",
    "ROC AUC": "probability that a row of a class has a higher P of it than a row of another: 1 "
    "is perfect, 0.5 is chance",
    "calibration error": "how far probabilities are from the truth: of rows predicted with 80 %, "
    "80 % should be right",
    "training": "the same figures on the training rows: much better there means learned by heart",
    "out of fold": "the same figures on training rows, each predicted by a network that did not "
    "learn from it",
    "precision": "of the rows predicted as a class, the fraction in it",
    "recall": "of the rows in a class, the fraction predicted as it",
    "f1": "harmonic mean of precision and recall",
    "confusion matrix": "how many rows of each class are predicted as which",
}
"""Each term and its explanation, in the order of a report."""
