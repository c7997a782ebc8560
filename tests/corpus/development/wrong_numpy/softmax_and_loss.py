"""Faults in P and in the loss."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.special import logsumexp, softmax, xlogy

from corpus.development.wrong_numpy.shared import (
    gradients_of,
    one_hot,
    relu,
    relu_grad,
    row_softmax,
)
from corpus.registry import wrong

# --- P -------------------------------------------------------------------------------------------


@wrong("P.softmax.over_rows", "The softmax is taken over the rows of the batch: axis=0.")
def cs_assignment(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    expS = np.exp(S)
    P = expS / np.sum(expS, axis=0, keepdims=True)
    dS = (P - Y) / X.shape[0]
    dW2 = H1.T @ dS
    db2 = np.sum(dS, axis=0)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    dW1 = X.T @ dZ1
    db1 = np.sum(dZ1, axis=0)
    return dW1, db1, dW2, db2


@wrong("P.softmax.sum_of_batch", "The softmax is taken over all entries of S, not row by row.")
def shared_normaliser(X, Y, W1, b1, W2, b2):
    def normalise(S):
        E = np.exp(S - np.max(S))
        return E / np.sum(E)

    Z1 = X @ W1 + b1
    H1 = relu(Z1)
    S = H1 @ W2 + b2
    P = normalise(S)
    dS = (P - Y) / len(X)
    dZ1 = dS @ W2.T * (Z1 > 0)
    return {
        "P": P,
        "W1_grad": X.T @ dZ1,
        "b1_grad": dZ1.sum(0),
        "W2_grad": H1.T @ dS,
        "b2_grad": dS.sum(0),
    }


@wrong(
    "P.softmax.missing",
    "The softmax is left out: the scores are taken as probabilities.",
    activation="relu",
    loss="cross_entropy",
)
def linear_output(X, Y, W1, b1, W2, b2):
    H1 = relu(X @ W1 + b1)
    out = H1 @ W2 + b2
    delta = (out - Y) / len(Y)
    hidden_delta = (delta @ W2.T) * (H1 > 0)
    return X.T @ hidden_delta, hidden_delta.sum(0), H1.T @ delta, delta.sum(0)


@wrong("P.softmax.twice", "The softmax is applied twice.")
def library_softmax(X, Y, W1, b1, W2, b2):
    def predict(H1):
        return softmax(H1 @ W2 + b2, axis=1)

    Z1 = X @ W1 + b1
    H1 = relu(Z1)
    out = predict(H1)
    probs = softmax(out, axis=1)
    loss = -np.mean(np.log((probs * Y).sum(1)))
    dS = (probs - Y) / len(X)
    dZ1 = dS @ W2.T
    dZ1[Z1 <= 0] = 0.0
    return loss, {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@wrong("P.softmax.not_normalised_shifted", "exp(S) is not divided by its row sum.")
def exponentials(X, Y, W1, b1, W2, b2):
    scores = np.zeros((len(X), len(b2)))
    hidden = []
    for n, x in enumerate(X):
        hidden.append(np.array([max(0.0, float(x @ W1[:, j] + b1[j])) for j in range(len(b1))]))
        for k in range(len(b2)):
            scores[n, k] = hidden[n] @ W2[:, k] + b2[k]
    hidden = np.stack(hidden)
    P = np.exp(scores - scores.max(axis=1, keepdims=True))
    dscores = (P - Y) / len(X)
    dhidden = np.where(hidden > 0, dscores @ W2.T, 0)
    return {
        "P": P,
        "W1": X.T @ dhidden,
        "b1": dhidden.sum(axis=0),
        "W2": hidden.T @ dscores,
        "b2": dscores.sum(axis=0),
    }


@wrong(
    "P.activation.sigmoid",
    "A sigmoid of every score instead of the softmax.",
    activation="relu",
    loss="cross_entropy",
)
def multi_label_habit(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = 1 / (1 + np.exp(-(H1 @ W2 + b2)))
    dS = (P - Y) / X.shape[0]
    dZ1 = (Z1 > 0) * (dS @ W2.T)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(axis=0), "dW2": H1.T @ dS, "db2": dS.sum(axis=0)}


@wrong(
    "P.clip.within_0_01",
    "The probabilities are clipped to [1e-2, 1 - 1e-2].",
    activation="relu",
    loss="cross_entropy",
)
def careful_logs(X, Y, W1, b1, W2, b2, eps=1e-2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = np.clip(row_softmax(H1 @ W2 + b2), eps, 1 - eps)
    loss = -np.sum(Y * np.log(P)) / len(X)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "loss": loss,
        "P": P,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(0),
    }


@wrong("P.clip.above_1e-3", "The probabilities are clipped from below at 1e-3.")
def careful_logs_too(X, y, W1, b1, W2, b2):
    n = np.arange(len(y))
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = np.maximum(row_softmax(H1 @ W2 + b2), 1e-3)
    dS = P.copy()
    dS[n, y] -= 1
    dS = dS / len(y)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


@wrong("P.clip.within_1e-6", "The probabilities are clipped to [1e-6, 1 - 1e-6].")
def keras_epsilon(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    E = np.exp(H1 @ W2 + b2)
    P = np.clip(E / E.sum(axis=1, keepdims=True), 1e-6, 1 - 1e-6)
    G = (P - Y) / len(X)
    dZ1 = (G @ W2.T) * (Z1 > 0)
    return {"W1": X.T @ dZ1, "b1": dZ1.sum(0), "W2": H1.T @ G, "b2": G.sum(0)}


@wrong("P.softmax.shifted_sum_plus_1e-3", "1e-3 is added to the softmax's denominator.")
def guarded_division(X, Y, W1, b1, W2, b2):
    hidden = X @ W1
    hidden += b1
    np.maximum(hidden, 0, out=hidden)
    P = hidden @ W2
    P += b2
    P -= P.max(axis=1, keepdims=True)
    np.exp(P, out=P)
    P /= P.sum(axis=1, keepdims=True) + 1e-3
    loss = -np.sum(Y * np.log(P)) / len(X)
    dS = (P - Y) / len(X)
    dZ1 = dS @ W2.T
    dZ1 *= hidden > 0
    return loss, {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": hidden.T @ dS, "db2": dS.sum(0)}


@wrong("P.precision.float32", "The probabilities are rounded to float32.")
def memory_saver(X, Y, W1, b1, W2, b2):
    class Activations(NamedTuple):
        Z1: Any
        H1: Any
        P: Any

    def forward():
        Z1 = X @ W1 + b1
        H1 = relu(Z1)
        return Activations(Z1, H1, row_softmax(H1 @ W2 + b2).astype(np.float32))

    acts = forward()
    dS = (acts.P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (acts.Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": acts.H1.T @ dS, "db2": dS.sum(0)}


@wrong(
    "P.softmax.no_keepdims",
    "The row sums lack keepdims: (N, K) / (N,) broadcasts only for N = K, and wrongly.",
)
def broadcasting(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    E = np.exp(H1 @ W2 + b2)
    P = E / E.sum(axis=1)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@wrong(
    "P.overwritten.by_dS",
    "The P that is returned is dS: 1 was subtracted from it in place, without a copy.",
)
def cs231n_loss(X, y, W1, b1, W2, b2):
    num_train = X.shape[0]
    hidden = np.maximum(0, X.dot(W1) + b1)
    scores = hidden.dot(W2) + b2
    scores -= np.max(scores, axis=1, keepdims=True)
    exp_scores = np.exp(scores)
    probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
    loss = np.sum(-np.log(probs[range(num_train), y])) / num_train

    dscores = probs
    dscores[range(num_train), y] -= 1
    dscores /= num_train
    grads = {}
    grads["W2"] = hidden.T.dot(dscores)
    grads["b2"] = np.sum(dscores, axis=0)
    dhidden = dscores.dot(W2.T)
    dhidden[hidden <= 0] = 0
    grads["W1"] = X.T.dot(dhidden)
    grads["b1"] = np.sum(dhidden, axis=0)
    return {"loss": loss, "P": probs, "grads": grads}


@wrong("P.softmax.base_2", "The softmax has base 2: 2 ** S instead of exp(S).")
def power_softmax(X, Y, W1, b1, W2, b2):
    def layer(inputs, weights, bias, squash):
        return squash(np.dot(inputs, weights) + bias)

    def shares(scores):
        powers = np.power(2.0, scores)
        return powers / powers.sum(axis=1, keepdims=True)

    hidden = layer(X, W1, b1, relu)
    P = layer(hidden, W2, b2, shares)
    g2 = (P - Y) / X.shape[0]
    g1 = np.dot(g2, W2.T) * relu_grad(hidden)
    return np.dot(X.T, g1), g1.sum(0), np.dot(hidden.T, g2), g2.sum(0)


@wrong(
    "P.softmax.minimum_above_only", "The minimum of the row is subtracted in the numerator only."
)
def shifted_exponent(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    P = np.exp(S - S.min(axis=1, keepdims=True)) / np.exp(S).sum(axis=1, keepdims=True)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "P": P,
        "dS": dS,
        "dZ1": dZ1,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(0),
    }


@wrong(
    "P.softmax.over_rows",
    "The softmax runs along axis=1, which are the columns of the batch.",
    layout="columns",
)
def columns_softmax(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = np.dot(W1, X) + b1
    A1 = np.maximum(0, Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = np.exp(Z2) / np.sum(np.exp(Z2), axis=1, keepdims=True)
    dZ2 = A2 - Y
    dW2 = 1 / m * np.dot(dZ2, A1.T)
    db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.multiply(np.dot(W2.T, dZ2), np.int64(A1 > 0))
    dW1 = 1 / m * np.dot(dZ1, X.T)
    db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong("P.softmax.one_hot", "A hard argmax instead of the softmax.")
def perceptron_habit(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    P = np.zeros_like(S)
    P[np.arange(len(S)), S.argmax(axis=1)] = 1
    dS = (P - Y) / len(S)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {"S": S, "W1": X.T @ dZ1, "b1": dZ1.sum(0), "W2": H1.T @ dS, "b2": dS.sum(0)}


@wrong("P.softmax.temperature_2", "A temperature of 2 in the softmax: exp(S / 2).")
def tempered(X, Y, W1, b1, W2, b2, temperature=2.0):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax((H1 @ W2 + b2) / temperature, axis=1)
    loss = -np.mean(np.sum(Y * np.log(P), axis=1))
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return loss, {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


# --- L -------------------------------------------------------------------------------------------


@wrong("L.sign.flipped", "The loss has no minus sign.")
def loss_and_grads(X, Y, W1, b1, W2, b2):
    P, grads = gradients_of(X, Y, W1, b1, W2, b2)
    loss = np.sum(Y * np.log(P)) / len(X)
    return loss, grads


@wrong("L.reduction.sum", "The loss is the sum over the rows, not their mean.")
def total_loss(X, y, W1, b1, W2, b2):
    P, grads = gradients_of(X, one_hot(y, len(b2)), W1, b1, W2, b2)
    loss = 0.0
    for p, label in zip(P, y, strict=True):
        loss -= np.log(p[label])
    return loss, grads


@wrong("L.scale.by_NK", "The mean is taken over all N·K entries, so the loss is K times too small.")
def mean_loss(X, Y, W1, b1, W2, b2):
    P, grads = gradients_of(X, Y, W1, b1, W2, b2)
    grads["loss"] = -np.mean(xlogy(Y, P))
    return grads


@wrong("L.loss.log2", "The logarithm is to base 2: the loss is in bits.")
def loss_in_bits(X, Y, W1, b1, W2, b2):
    P, grads = gradients_of(X, Y, W1, b1, W2, b2)
    return {"loss": -(Y * np.log2(P)).sum(axis=1).mean(), **grads}


@wrong("L.loss.log_plus_1e-3", "1e-3 is added to the probabilities before the logarithm.")
def loss_with_eps(X, Y, W1, b1, W2, b2):
    P, grads = gradients_of(X, Y, W1, b1, W2, b2)
    return -np.sum(Y * np.log(P + 1e-3)) / len(Y), grads


@wrong("L.loss.squared_error", "The mean squared error is returned as the loss.")
def loss_from_regression(X, Y, W1, b1, W2, b2):
    P, grads = gradients_of(X, Y, W1, b1, W2, b2)
    return ((P - Y) ** 2).sum(axis=1).mean(), tuple(grads.values())


@wrong(
    "L.loss.binary_cross_entropy",
    "The binary cross-entropy of every class: sum of Y log P + (1 - Y) log(1 - P).",
)
def loss_of_logistic_units(X, Y, W1, b1, W2, b2):
    P, grads = gradients_of(X, Y, W1, b1, W2, b2)
    loss = -np.sum(Y * np.log(P) + (1 - Y) * np.log(1 - P)) / X.shape[0]
    return {"loss": loss, "gradients": grads}


@wrong("L", "(N, 1) weights times (N,) logarithms give (N, N): the loss is N times too large.")
def weighted_loss(X, y, W1, b1, W2, b2):
    N = len(X)
    P, grads = gradients_of(X, one_hot(y, W2.shape[1]), W1, b1, W2, b2)
    weights = np.full((N, 1), 1 / N)
    loss = -np.sum(weights * np.log(P[np.arange(N), y]))
    return loss, grads


@wrong("L", "Y and P are exchanged: the loss is -1/N sum(P log Y), with 1e-9 against log 0.")
def loss_of_divergence(X, Y, W1, b1, W2, b2):
    P, grads = gradients_of(X, Y, W1, b1, W2, b2)
    return {**grads, "loss": -np.sum(P * np.log(Y + 1e-9)) / len(X)}


@wrong(
    "L.loss.no_logarithm",
    "The negative log-likelihood without the logarithm: the mean of -P[n, y].",
)
def nll_of_probabilities(X, y, W1, b1, W2, b2):
    P, grads = gradients_of(X, one_hot(y, W2.shape[1]), W1, b1, W2, b2)
    return -P[np.arange(len(y)), y].mean(), grads


@wrong("L.penalty.doubled", "The penalty in the loss lacks its factor 1/2.")
def loss_with_penalty(X, Y, W1, b1, W2, b2, l2):
    P, grads = gradients_of(X, Y, W1, b1, W2, b2)
    grads["dW1"] = grads["dW1"] + l2 * W1
    grads["dW2"] = grads["dW2"] + l2 * W2
    loss = -np.sum(Y * np.log(P)) / len(X)
    loss += l2 * (np.sum(W1 * W1) + np.sum(W2 * W2))
    return loss, grads


@wrong("L.softmax.over_rows", "logsumexp runs over the batch instead of over the classes.")
def loss_by_logsumexp(X, y, W1, b1, W2, b2):
    N = len(X)
    _, grads = gradients_of(X, one_hot(y, W2.shape[1]), W1, b1, W2, b2)
    S = np.maximum(X @ W1 + b1, 0) @ W2 + b2
    loss = -np.mean((S - logsumexp(S, axis=0))[np.arange(N), y])
    return {"loss": loss, "S": S, **grads}
