"""Trainings that cover the settings, by name: over any workers they have the same bits."""

import math

import numpy as np

import backhand
from backhand.optimizers import Adam
from helpers.parted_training import Case

BY_LOSS = backhand.EarlyStopping(patience=2, monitor="loss", min_delta=0.02)
BY_ROWS = backhand.EarlyStopping(patience=2)
BY_HITS = backhand.EarlyStopping(patience=2, monitor="validation_accuracy", or_equal=True)
UNEVEN = (1, 40, 0, 3, 30, 0, 22, 1)
EXACT = "float64"

CASES = {
    "sgd": Case({"optimizer": "sgd"}),
    "momentum": Case({"optimizer": "momentum"}),
    "nesterov": Case({"optimizer": "nesterov"}),
    "adam": Case(),
    "Adam of other constants": Case({"optimizer": Adam(0.8, 0.9, 1e-6)}),
    "sgd in float64": Case({"optimizer": "sgd"}, dtype=EXACT),
    "momentum in float64": Case({"optimizer": "momentum"}, dtype=EXACT),
    "nesterov in float64": Case({"optimizer": "nesterov"}, dtype=EXACT),
    "adam in float64": Case(dtype=EXACT),
    "all rows as one batch": Case({"batch_size": None}),
    "all rows as one batch, by sgd": Case({"batch_size": None, "optimizer": "sgd"}, dtype=EXACT),
    "batches of one row": Case({"batch_size": 1, "epochs": 2}),
    "batches smaller than the parts are many": Case({"batch_size": 3, "epochs": 2}),
    "one batch, nearly": Case({"batch_size": 96}),
    "rows in order": Case({"shuffle": False}),
    "another seed": Case({"seed": 11}),
    "l2": Case({"l2": 0.1}),
    "alpha": Case({"alpha": 0.5}),
    "l2 and alpha of weighted rows": Case({"l2": 0.1, "alpha": 0.5}, weighted=True),
    "weights": Case(weighted=True),
    "weights in float64": Case(weighted=True, dtype=EXACT),
    "batches that weigh nothing": Case({"batch_size": 2, "epochs": 1}, weighted=True),
    "dropout": Case({"dropout": 0.3}),
    "dropout of rows in order": Case({"dropout": 0.3, "shuffle": False}),
    "dropout of nearly all": Case({"dropout": 0.95}, dtype=EXACT),
    "dropout, weights, l2": Case({"dropout": 0.3, "l2": 0.05}, weighted=True),
    "validation": Case(validated=True),
    "validation every other epoch": Case({"validation_every": 2}, validated=True),
    "weighted validation": Case(validated=True, weighted=True),
    "early stopping by the loss": Case({"early_stopping": BY_LOSS, "epochs": 30}),
    "early stopping": Case({"early_stopping": BY_ROWS, "epochs": 60}, validated=True),
    "early stopping by hits": Case({"early_stopping": BY_HITS, "epochs": 40}, validated=True),
    "early stopping with dropout": Case(
        {"early_stopping": BY_ROWS, "epochs": 40, "dropout": 0.4}, validated=True
    ),
    "cosine": Case({"schedule": "cosine"}),
    "cosine after a warm-up": Case({"schedule": "cosine", "warmup": 0.3}),
    "invscaling": Case({"schedule": "invscaling", "optimizer": "sgd"}),
    "adaptive": Case({"schedule": "adaptive", "early_stopping": BY_LOSS, "epochs": 40}),
    "uneven parts": Case(lengths=UNEVEN),
    "uneven parts, dropout, weights": Case({"dropout": 0.2}, lengths=UNEVEN, weighted=True),
    "one part": Case(lengths=(97,)),
    "thirteen parts": Case(lengths=(8, 7) * 6 + (7,)),
    "a selection of rows": Case(selected=True),
    "a selection, weights, validation": Case(selected=True, weighted=True, validated=True),
    "sparse rows": Case(sparse=True),
    "sparse rows, weights, l2": Case({"l2": 0.1}, sparse=True, weighted=True, dtype=EXACT),
    "bf16": Case(precision="bf16"),
    "bf16, dropout, weights": Case({"dropout": 0.3}, precision="bf16", weighted=True),
    "the reference": Case(engine="reference", validated=True, weighted=True),
    "the reference, dropout": Case({"dropout": 0.3}, engine="reference", dtype=EXACT),
    "torch": Case(engine="torch", validated=True, weighted=True),
    "scikit-learn's conventions": Case(
        {"alpha": 1.0}, (97, 5, 11, 2), validated=True,
        objective={"loss_cap": -math.log(np.finfo(np.float32).eps), "first_class_fixed": True},
    ),
    "a wide network": Case({"batch_size": 64, "epochs": 3}, (300, 130, 70, 10)),
    "many rows": Case({"batch_size": 1024, "epochs": 3}, (5000, 20, 32, 5), validated=True),
}  # fmt: skip
