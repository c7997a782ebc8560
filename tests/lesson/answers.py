"""Answers to the seven blanks of the lesson: the right ones, and five wrong ones for each.

They are here and not in the lesson, which leaves its blanks to the reader.
"""

RIGHT = {
    "dS": "(P - Y) / N",
    "dW2": "H1.T @ dS",
    "db2": "dS.sum(axis=0)",
    "dH1": "dS @ W2.T",
    "dZ1": "dH1 * (Z1 > 0)",
    "dW1": "X.T @ dZ1",
    "db1": "dZ1.sum(axis=0)",
}

WRONG = {
    "dS": {
        "P - Y": "dS.scale.no_mean",
        "(Y - P) / N": "dS.sign.flipped",
        "P / N": "dS.labels.not_subtracted",
        "(P - Y) / K": "dS.scale.by_K",
        "(P - Y) * P * (1 - P) / N": "dS.factor.sigmoid_slope",
    },
    "dW2": {
        "dS.T @ H1": "dW2.transpose.result",
        "H1 @ dS": "dW2.transpose.missing",
        "Z1.T @ dS": "dW2.operand.Z1_for_H1",
        "H1.T @ dS / N": "dW2.scale.mean_twice",
        "H1.T @ P": "dW2.operand.P_for_dS",
    },
    "db2": {
        "dS.sum(axis=1)": "db2.reduction.over_classes",
        "dS.sum()": "db2.reduction.over_all",
        "dS.mean(axis=0)": "db2.reduction.mean",
        "dS": "db2.reduction.none",
        "dS.sum(axis=0, keepdims=True)": "db2.keepdims.sum",
    },
    "dH1": {
        "dS @ W2": "dH1.transpose.W2",
        "dS @ dW2.T": "dH1.operand.dW2_for_W2",
        "P @ W2.T": "dH1.operand.P_for_dS",
        "dS @ W2.T / N": "dH1.scale.mean_twice",
        "-dS @ W2.T": "dH1.sign.flipped",
    },
    "dZ1": {
        "dH1": "dZ1.mask.missing",
        "dH1 * (dH1 > 0)": "dZ1.mask.sign_of_dH1",
        "dH1 * Z1": "dZ1.mask.Z1",
        "dH1 * (Z1 < 0)": "dZ1.mask.reversed",
        "dH1 * H1": "dZ1.mask.H1",
    },
    "dW1": {
        "X.T @ dH1": "dW1.operand.dH1_for_dZ1",
        "dZ1.T @ X": "dW1.transpose.result",
        "X @ dZ1": "dW1.transpose.missing",
        "X.T @ dZ1 / N": "dW1.scale.mean_twice",
        "H1.T @ dZ1": "dW1.operand.H1_for_X",
    },
    "db1": {
        "dZ1.sum(axis=1)": "db1.reduction.over_units",
        "dZ1.mean(axis=0)": "db1.reduction.mean",
        "dH1.sum(axis=0)": "db1.operand.dH1_summed",
        "dZ1.sum()": "db1.reduction.over_all",
        "dZ1.sum(axis=0, keepdims=True)": "db1.keepdims.sum",
    },
}
"""Each with the id of the doctor's finding."""
