"""Classify the rows of a CSV file with onnxruntime, without Backhand.

python classify_onnx.py model.onnx DATA.csv
"""

import csv
import sys
from pathlib import Path

import numpy as np
import onnxruntime


def classify(session, rows):
    """The class of each row, and the probabilities of all classes."""
    columns = {}
    for column in session.get_inputs():  # one (N, 1) array for each column of the table
        values = [[row[column.name]] for row in rows]
        if column.type == "tensor(double)":
            values = [[float(v) if v not in ("", "NA") else np.nan] for (v,) in values]
        columns[column.name] = np.array(values, str if column.type == "tensor(string)" else float)
    return session.run(None, columns)


if __name__ == "__main__":
    session = onnxruntime.InferenceSession(sys.argv[1])
    with Path(sys.argv[2]).open(newline="", encoding="utf-8") as file:
        labels, P = classify(session, list(csv.DictReader(file)))
    for label, p in zip(labels, P, strict=True):
        print(label, f"{p.max():.3f}")
