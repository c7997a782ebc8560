"""
By hand and by autograd
=======================

The backward pass in seven lines of NumPy, and the same network in PyTorch, whose autograd finds
the gradients by itself. Each of the seven is compared, first in one pass, then in 200 steps of
training.

Needs ``pip install 'backhand[plot]' torch scikit-learn``.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits

import backhand

# %%
# The network
# -----------
# 256 digits of 8 × 8 pixels, 32 hidden units, 10 classes. ``backhand.init`` draws the
# parameters.

X, y = load_digits(return_X_y=True)
X, y = X[:256] / 16, y[:256]
params = backhand.init(d=64, H=32, K=10, seed=0, dtype=np.float64)

# %%
# By hand
# -------
# Forward in four lines, backward in seven: each gradient is named after what it is the gradient
# of.


def by_hand(X, y, W1, b1, W2, b2):
    """Loss and gradients of the mean cross-entropy."""
    N = len(X)
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    P = np.exp(S - S.max(axis=1, keepdims=True))
    P /= P.sum(axis=1, keepdims=True)
    loss = -np.log(P[np.arange(N), y]).mean()

    dS = (P - np.eye(P.shape[1])[y]) / N
    dW2 = H1.T @ dS
    db2 = dS.sum(axis=0)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return loss, backhand.Gradients(dS, dW2, db2, dH1, dZ1, dW1, db1)


# %%
# By autograd
# -----------
# PyTorch keeps the gradients of S, H1 and Z1 only after ``retain_grad``.


def by_autograd(X, y, *params):
    """Return the same, without a backward pass of one's own."""
    W1, b1, W2, b2 = (torch.tensor(value, requires_grad=True) for value in params)
    Z1 = torch.tensor(X) @ W1 + b1
    H1 = torch.relu(Z1)
    S = H1 @ W2 + b2
    for value in (Z1, H1, S):
        value.retain_grad()
    loss = torch.nn.functional.cross_entropy(S, torch.tensor(y))
    loss.backward()
    leaves = (S, W2, b2, H1, Z1, W1, b1)
    return loss.item(), backhand.Gradients(*(value.grad.numpy() for value in leaves))


# %%
# One pass
# --------
# The difference of a gradient is ‖a − b‖ / max(‖a‖, ‖b‖). In float64 it should be near 1e-16, in
# float32 near 1e-7: the precision of the numbers, and no more.


def differences(dtype):
    """By gradient: from autograd's."""
    start = [value.astype(dtype) for value in params]
    (_, hand), (_, auto) = (f(X.astype(dtype), y, *start) for f in (by_hand, by_autograd))
    norm = np.linalg.norm
    return [norm(a - b) / max(norm(a), norm(b)) for a, b in zip(hand, auto, strict=True)]


found = {dtype: differences(dtype) for dtype in (np.float32, np.float64)}
print(f"{'gradient':9} {'float32':>9} {'float64':>9}")
for name, single, double in zip(backhand.Gradients._fields, *found.values(), strict=True):
    print(f"{name:9} {single:9.1e} {double:9.1e}")

# %%
# The same in one call
# --------------------
# ``backhand.check`` needs no PyTorch: it compares a function of your own with the equations, and
# finds what is wrong in it. Here, the ReLU's mask is left out.


def without_mask(X, y, W1, b1, W2, b2):
    """As above, except for dZ1."""
    _, grads = by_hand(X, y, W1, b1, W2, b2)
    dZ1 = grads.dH1
    return grads._replace(dZ1=dZ1, dW1=X.T @ dZ1, db1=dZ1.sum(axis=0))._asdict()


print(backhand.check(by_hand).outcome)
print(backhand.check(without_mask))

# %%
# 200 steps
# ---------
# Both train, each by its own gradients, in float32. Rounding errors add up, and jump where a
# number in Z1 is so near 0 that one side's mask drops it and the other's does not.

X32 = X.astype(np.float32)
hand = auto = backhand.init(d=64, H=32, K=10, seed=0)
gaps, masks = [], []
for _ in range(200):
    hand_loss, hand_grads = by_hand(X32, y, *hand)
    auto_loss, auto_grads = by_autograd(X32, y, *auto)
    gaps.append(abs(hand_loss - auto_loss) / auto_loss)
    active = [X32 @ p.W1 + p.b1 > 0 for p in (hand, auto)]
    masks.append(np.count_nonzero(active[0] != active[1]))
    hand = backhand.sgd(hand, hand_grads, learning_rate=0.5)
    auto = backhand.sgd(auto, auto_grads, learning_rate=0.5)
print(f"loss after 200 steps: by hand {hand_loss:.6f}, by autograd {auto_loss:.6f}")
print(f"steps in which the masks differ: {np.flatnonzero(masks).tolist()}")

fig, (left, right) = plt.subplots(ncols=2, figsize=(10, 4), layout="constrained")
place = np.arange(7)
for shift, (dtype, values) in zip((-0.2, 0.2), found.items(), strict=True):
    bars = left.bar(place + shift, values, width=0.38, label=dtype.__name__)
    left.axhline(np.finfo(dtype).eps, color=bars[0].get_facecolor(), linestyle="--", linewidth=1)
left.set(yscale="log", ylabel="relative difference", title="One pass (dashed: ε of the type)")
left.set_xticks(place, backhand.Gradients._fields)
left.legend()
right.semilogy(gaps)
for step in np.flatnonzero(masks):
    right.axvline(step, color="tab:red", linestyle=":")
right.set(xlabel="step", ylabel="relative difference of the losses")
right.set(title="200 steps in float32 (dotted: masks differ)")
plt.show()
