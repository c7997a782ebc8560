"""
Decision regions of two moons
=============================

A hidden layer of ReLUs cuts the plane along straight lines. Between two of them the logits are
affine in the features, so the boundary between the classes is made of straight pieces, and bends
only where it crosses a line.

Needs ``pip install 'backhand[plot]' scikit-learn``.
"""

# %%
# Two classes that no straight line separates:

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons

import backhand

X, y = make_moons(300, noise=0.15, random_state=0)

# %%
# A network with 12 hidden units, trained for 1,000 epochs:

start = backhand.init(d=2, H=12, K=2, seed=2, dtype=np.float64)
result = backhand.train(start, X, y, learning_rate=0.5, epochs=1000)
print(f"loss {result.history.loss[-1]:.3f}, accuracy {result.history.accuracy[-1]:.3f}")

# %%
# The dashed lines are the hinges: where Z1 of a hidden unit is 0. The tick with the unit's number
# is on the side where the unit is active.

backhand.DecisionRegionsDisplay.from_estimator(result, X, y)
plt.show()
