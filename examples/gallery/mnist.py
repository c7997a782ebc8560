"""
Handwritten digits
==================

784 pixels, 256 hidden units, 10 classes: MNIST in ten epochs. The data set is not part of any
package; give the folder of ``mnist_train.parquet`` and ``mnist_test.parquet`` (a column ``label``,
and one per pixel, 0 to 255) in the environment variable ``MNIST``. Without it, this script takes
the 1,797 digits of 8 × 8 pixels that come with scikit-learn.

Needs ``pip install 'backhand[fast,plot,sklearn]' pandas pyarrow``.
"""

import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import backhand

# %%
# The digits
# ----------


def mnist(folder):
    """Pixels in 0..1 and classes, of training and test."""
    for part in ("train", "test"):
        table = pd.read_parquet(Path(folder) / f"mnist_{part}.parquet")
        y = table.pop("label").to_numpy()
        yield table.to_numpy(np.float32) / 255, y


if "MNIST" in os.environ:
    (X_train, y_train), (X_test, y_test) = mnist(os.environ["MNIST"])
else:
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        (X / 16).astype(np.float32), y, stratify=y, random_state=0)  # fmt: skip
print(f"{len(X_train):,} training rows, {len(X_test):,} test rows, {X_train.shape[1]} pixels")

# %%
# Training
# --------
# Ten epochs of MNIST; a small data set needs more, to make as many updates.

epochs = max(10, 30_000 // len(X_train))
result = backhand.train(
    backhand.init(d=X_train.shape[1], H=256, K=10, seed=0), X_train, y_train,
    learning_rate=0.002, epochs=epochs, batch_size=128, optimizer="adam", schedule="cosine",
    l2=0.001, validation=(X_test, y_test))  # fmt: skip
print(f"{epochs} epochs in {result.seconds:.1f} s, "
      f"test accuracy {result.history.validation_accuracy[-1]:.4f}")  # fmt: skip

# %%
# What it looks at, and what it gets wrong
# ----------------------------------------
# Columns of W1 as pictures, and the test digits whose own class has the least probability.

side = round(X_train.shape[1] ** 0.5)
P = backhand.forward(result.params, X_test).P
worst = np.argsort(P[np.arange(len(P)), y_test])[:10]
for n in worst:
    print(f"a {y_test[n]}, predicted {P[n].argmax()} ({P[n].max():.2f})")

backhand.WeightsDisplay.from_estimator(result, shape=(side, side), most=20)

fig, axes = plt.subplots(2, 5, figsize=(8, 3.6), layout="constrained")
for ax, n in zip(axes.flat, worst, strict=True):
    ax.imshow(X_test[n].reshape(side, side), cmap="gray_r")
    ax.set_title(f"{y_test[n]}, predicted {P[n].argmax()}", fontsize=10)
    ax.set_axis_off()
plt.show()
