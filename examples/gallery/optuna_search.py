"""
Optuna, and the built-in search
===============================

Optuna searches five settings of ``MLPClassifier`` for as long as ``MLPClassifierCV`` needs for its
own search, on the same rows, and then for ten times as long. Which of them is better on rows that
none has seen?

Needs ``pip install 'backhand[fast,plot,sklearn]' optuna``.
"""

import time
import warnings

import matplotlib.pyplot as plt
import numpy as np
import optuna
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import backhand

optuna.logging.set_verbosity(optuna.logging.WARNING)
warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is searched too
X, y = load_digits(return_X_y=True)
X = X.astype(np.float32)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=0)

# %%
# The built-in search
# -------------------
# Penalty, epochs and temperature on five folds, then the mean of five networks.

began = time.perf_counter()
built_in = backhand.MLPClassifierCV(random_state=0, threads=1).fit(X_train, y_train)
seconds = time.perf_counter() - began
print(f"built-in search: {seconds:.1f} s, loss on the folds {built_in.out_of_fold_loss_:.4f}")

# %%
# Optuna
# ------
# Five folds too, and one thread. ``suggest_…`` names what is searched, and where.


def classifier(trial):
    """Return a pipeline with the settings of a trial."""
    return make_pipeline(
        StandardScaler(),
        backhand.MLPClassifier(
            (trial.suggest_int("hidden", 16, 256, log=True),),
            learning_rate_init=trial.suggest_float("learning_rate_init", 1e-4, 3e-2, log=True),
            alpha=trial.suggest_float("alpha", 1e-4, 30, log=True),
            dropout=trial.suggest_float("dropout", 0, 0.5),
            max_iter=trial.suggest_int("max_iter", 10, 100, log=True),
            n_iter_no_change=100, random_state=0, threads=1))  # fmt: skip


def loss(trial):
    """Mean log loss on five folds."""
    scores = cross_val_score(classifier(trial), X_train, y_train, scoring="neg_log_loss", cv=5)
    return -scores.mean()


study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
study.optimize(loss, timeout=10 * seconds)
began = study.trials[0].datetime_start
ends = np.array([(trial.datetime_complete - began).total_seconds() for trial in study.trials])
losses = np.array([trial.value for trial in study.trials])
for times in (1, 10):
    done = losses[ends <= times * seconds]
    print(f"Optuna, {times:2} x the time: {len(done)} trials, loss on the folds {min(done):.4f}")
print(f"best settings: {study.best_params}")

# %%
# On new rows
# -----------
# A trial is one network; the built-in search returns the mean of five.

best = classifier(study.best_trial).fit(X_train, y_train)
for name, clf in (("built-in search", built_in), ("Optuna, 10 x the time", best)):
    print(f"{name:22} test accuracy {clf.score(X_test, y_test):.4f}, "
          f"log loss {log_loss(y_test, clf.predict_proba(X_test)):.4f}")  # fmt: skip

fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
ax.scatter(ends, losses, s=14, color="tab:gray", label="Optuna's trials")
ax.step(ends, np.minimum.accumulate(losses), where="post", label="Optuna's best so far")
ax.plot(seconds, built_in.out_of_fold_loss_, "*", markersize=16, color="tab:red",
        label="built-in search")  # fmt: skip
ax.set(xlabel="seconds", ylabel="log loss on the folds", yscale="log")
ax.legend()
plt.show()
