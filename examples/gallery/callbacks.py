"""
Callbacks and learning-rate schedules
=====================================

A callback is a function that training calls after each epoch. One ends training here when the
network is good enough, and one records how long the weights are. Then four schedules of the
learning rate are compared, and their losses drawn.

Needs ``pip install 'backhand[fast,plot,sklearn]'``.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import backhand

X, y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.3, stratify=y, random_state=0)
start = backhand.init(d=64, H=64, K=10, seed=0)


def train(learning_rate=0.2, **settings):
    """Train from the same parameters, in the same mini-batches, for at most 40 epochs."""
    return backhand.train(
        start, X_train, y_train, epochs=40, batch_size=32, optimizer="momentum",
        learning_rate=learning_rate, validation=(X_val, y_val), **settings)  # fmt: skip


# %%
# Stop when it is good enough
# ---------------------------
# ``StopTraining`` ends training; the result has what was learned until then.


def good_enough(progress):
    """End training at a validation accuracy of 97 %."""
    if progress.history.validation_accuracy[-1] >= 0.97:
        raise backhand.StopTraining


result = train(learning_rate=0.02, callbacks=[good_enough])
print(f"{result.ended} after {len(result.history)} epochs, "
      f"validation accuracy {result.history.validation_accuracy[-1]:.4f}")  # fmt: skip

# %%
# Record what you like
# --------------------
# ``progress.parameters()`` copies the weights; ``Every(5, …)`` calls the function every five
# epochs only, and the epochs between are trained without a pause.

lengths = {}


def record(progress):
    """Record the lengths of W1 and W2."""
    W1, _, W2, _ = progress.parameters()
    lengths[progress.epoch] = np.linalg.norm(W1), np.linalg.norm(W2)


train(learning_rate=0.02, callbacks=[backhand.Every(5, record)])
for epoch, (first, second) in lengths.items():
    print(f"epoch {epoch:2}: ‖W1‖ {first:.2f}, ‖W2‖ {second:.2f}")

# %%
# Schedules
# ---------
# Where the learning rate is too high to come to rest, a schedule that lowers it does. "adaptive"
# divides it by 5 whenever early stopping would end training.

patience = backhand.EarlyStopping(patience=3)
settings = {
    "constant": {},
    "cosine": {"schedule": "cosine", "warmup": 0.05},
    "invscaling": {"schedule": "invscaling", "power_t": 0.25},
    "adaptive": {"schedule": "adaptive", "early_stopping": patience},
}
results = {name: train(**chosen) for name, chosen in settings.items()}
print(f"{'schedule':11} {'epochs':>6} {'loss':>8} {'validation loss':>16} {'accuracy':>9}")
for name, result in results.items():
    h = result.history
    print(f"{name:11} {len(h):6} {h.loss[-1]:8.4f} {h.validation_loss[-1]:16.4f} "
          f"{h.validation_accuracy[-1]:9.4f}")  # fmt: skip

fig, (left, right) = plt.subplots(ncols=2, figsize=(10, 4), layout="constrained")
for name, result in results.items():
    left.semilogy(np.arange(1, len(result.history) + 1), result.history.loss, label=name)
    right.plot(np.arange(1, len(result.history) + 1), result.history.validation_loss, label=name)
left.set(xlabel="epoch", ylabel="loss", title="Training")
right.set(xlabel="epoch", ylabel="loss", title="Validation")
left.legend()
plt.show()
