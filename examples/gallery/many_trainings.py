"""
Many trainings in one call
==========================

The plane of learning rate and width: 15 learning rates and 8 widths, each in three folds, which
are 360 trainings in one call of ``train_many``. Each thread trains a network at a time.

Needs ``pip install 'backhand[fast,plot,sklearn]'``.
"""

import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import backhand

X, y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
fold = np.random.default_rng(0).integers(0, 3, len(X))

# %%
# The members
# -----------
# A member is a network with its settings and its rows. Rows are shared, not copied.

rates = np.geomspace(1e-4, 1, 15)
widths = 2 ** np.arange(1, 9)
members = [
    backhand.Member(
        hidden=int(width), learning_rate=rate, optimizer="adam", epochs=20, batch_size=64,
        rows=fold != k, validation=fold == k)
    for width in widths for rate in rates for k in range(3)]  # fmt: skip

began = time.perf_counter()
results = backhand.train_many(members, X, y)
print(f"{len(members)} trainings in {time.perf_counter() - began:.1f} s")

# %%
# The plane
# ---------
# The loss of the rows that a network did not learn from, at its last epoch, mean of the folds.

losses = [result.history.validation_loss[-1] for result in results]
plane = np.reshape(losses, (len(widths), len(rates), 3)).mean(axis=2)
best = np.unravel_index(plane.argmin(), plane.shape)
print(f"least validation loss {plane[best]:.4f}: width {widths[best[0]]}, "
      f"learning rate {rates[best[1]]:.2g}")  # fmt: skip
for width, row in zip(widths, plane, strict=True):
    print(f"width {width:3}: best learning rate {rates[row.argmin()]:.2g}, loss {row.min():.4f}")

fig, ax = plt.subplots(figsize=(8, 4.5), layout="constrained")
levels = np.geomspace(plane.min(), 2.5, 16)
filled = ax.contourf(rates, widths, np.clip(plane, None, 2.5), levels=levels, cmap="viridis_r")
ax.plot(rates[plane.argmin(axis=1)], widths, "o-", color="black", label="best of its width")
ax.plot(rates[best[1]], widths[best[0]], "*", color="tab:red", markersize=16, clip_on=False,
        label="best of all")  # fmt: skip
ax.set_xscale("log")
ax.set_yscale("log", base=2)
ax.set(xlabel="learning rate", ylabel="hidden units", title="Validation loss after 20 epochs")
ax.legend(loc="lower left")
fig.colorbar(filled, label="validation loss", format="%.2f")
plt.show()
