"""The terms of the reports, each in a sentence that needs no other knowledge."""

TERMS = {
    "held-out rows": "rows that training does not use, kept for evaluation",
    "features": "the input numbers of the network: each numeric column gives one, or one per "
    "bin, each value of a text column one, a date several, and a column with missing values one "
    "more, which says where they are",
    "hidden": "the units between input and output, each a weighted sum",
    "ReLU": "the function max(0, x), applied to each hidden unit",
    "softmax": "the function that turns the output into probabilities",
    "parameters": "the weights and biases, which training adjusts",
    "float32": "numbers of 32 bits, with about seven digits",
    "bf16": "numbers of 16 bits, with about two digits; training may multiply such numbers and add "
    "the products up in float32",
    "epoch": "one pass over all training rows",
    "batch": "the rows of one update of the parameters",
    "search": "the training of several networks on parts of the training rows, which chooses the "
    "penalty and the number of epochs",
    "fold": "one of the parts into which the training rows are divided; each network of the "
    "search does without one of them",
    "penalty": "λ, which keeps the weights small; the larger, the smoother what is learned",
    "temperature": "a number that the outputs are divided by, so that probabilities are neither "
    "too sure nor too cautious; at 1 there is nothing to correct",
    "adam": "an optimizer: the rule for the size of each update",
    "fused engine": "the compiled implementation of training",
    "accuracy": "fraction of rows whose class is predicted correctly",
    "always answering": "the score of giving every row the commonest class of the training rows; "
    "its loss is that of giving every row the shares of the classes as its probabilities. A useful "
    "model is better",
    "loss": "log loss: mean of -log P of the true class; 0 is perfect, and sure but wrong answers "
    "cost most",
    "95 % interval": "the range in which the figure on unlimited rows of the same kind would "
    "probably be: of 100 such intervals, about 95 contain it. The fewer the rows, the wider",
    "balanced accuracy": "mean recall of the classes: each counts the same, however many rows it "
    "has",
    "ROC AUC": "how well rows are ranked: how often a row of a class gets a higher probability of "
    "that class than a row of another class does. 1 is perfect, 0.5 is chance",
    "calibration error": "the mean gap between stated probabilities and what happens. At 0.04, of "
    "the rows predicted with 80 %, typically 76 % or 84 % are right. Few rows give such a gap by "
    "chance: if the interval contains 0, it is no more than that",
    "training": "the same figures on the training rows: much better there means learned by heart",
    "out of fold": "the same figures on training rows, each predicted by a single network that "
    "did not learn from it. The saved model learned from all of them, and is usually better",
    "precision": "of the rows predicted as a class, the fraction in it",
    "recall": "of the rows in a class, the fraction predicted as it",
    "f1": "one figure for both, their harmonic mean: low where precision or recall is low",
    "confusion matrix": "how many rows of each class are predicted as which",
}
"""Each term and its explanation, in the order of a report."""
