"""
Decision regions and calibration
================================

Two classes that overlap. A network that is trained to the end, without a penalty, learns single
points by heart, and is sure where it cannot be; ``MLPClassifierCV`` chooses penalty, epochs and
temperature on inner folds. Both are drawn over the plane, with their calibration: of the points
that get 90 %, how many are right?

Needs ``pip install 'backhand[fast,plot,sklearn]'``.
"""

import warnings

import matplotlib.pyplot as plt
from sklearn.calibration import CalibrationDisplay
from sklearn.datasets import make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss

import backhand

X, y = make_moons(600, noise=0.35, random_state=0)
X_test, y_test = make_moons(20_000, noise=0.35, random_state=1)

# %%
# Two networks
# ------------

contenders = {
    "no penalty": backhand.MLPClassifier(
        (128,), solver="lbfgs", alpha=0, max_iter=500, random_state=0),
    "chosen on folds": backhand.MLPClassifierCV(random_state=0),
}  # fmt: skip
warnings.simplefilter("ignore", ConvergenceWarning)  # 500 steps are enough to show it
print(f"{'':16} {'training':>9} {'test':>6} {'log loss':>9}")
for name, clf in contenders.items():
    clf.fit(X, y)
    print(f"{name:16} {clf.score(X, y):9.3f} {clf.score(X_test, y_test):6.3f} "
          f"{log_loss(y_test, clf.predict_proba(X_test)):9.3f}")  # fmt: skip
print(f"penalty {clf.penalty_}, {clf.n_iter_} epochs, temperature {clf.temperature_:.2f}")

# %%
# The plane
# ---------
# The colour is the probability: where it is pale, the network is unsure.

fig, axes = plt.subplots(ncols=2, figsize=(10, 4), layout="constrained")
for ax, (name, clf) in zip(axes, contenders.items(), strict=True):
    backhand.DecisionRegionsDisplay.from_estimator(clf, X, y, hinges=False, ax=ax)
    ax.set(title=name)
plt.show()

# %%
# Calibration
# -----------
# On the diagonal, stated probabilities are what happens, here on 20,000 new points.

fig, ax = plt.subplots(figsize=(5, 4.5), layout="constrained")
for name, clf in contenders.items():
    CalibrationDisplay.from_estimator(clf, X_test, y_test, n_bins=15, name=name, ax=ax)
ax.set(xlabel="stated probability of class 1", ylabel="fraction that is class 1")
plt.show()
