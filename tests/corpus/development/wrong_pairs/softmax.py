"""Pairs whose first fault is in P."""

import numpy as np
import scipy.special
import torch
import torch.nn.functional as F

from corpus.registry import pair


@pair(
    "P.softmax.over_rows",
    "softmax runs over the rows of a batch, axis 0",
    "db1.reduction.mean",
    "the mean of dZ1 in place of its sum",
)
def axis_zero_and_mean_bias(X, Y, W1, b1, W2, b2):
    def softmax(s):
        e = np.exp(s - s.max(axis=0))
        return e / e.sum(axis=0)

    z1 = X @ W1 + b1
    h1 = np.maximum(z1, 0)
    p = softmax(h1 @ W2 + b2)
    m = X.shape[0]
    loss = -np.sum(Y * np.log(p)) / m

    ds = (p - Y) / m
    dz1 = (ds @ W2.T) * (z1 > 0)
    grads = {
        "W1": X.T @ dz1,
        "b1": dz1.mean(axis=0),
        "W2": h1.T @ ds,
        "b2": ds.sum(axis=0),
    }
    return loss, grads


@pair(
    "P.clip.within_0_01",
    "P is clipped to [0.01, 0.99]",
    "dH1.order.W2_after_its_update",
    "W2 is taken after its update",
)
def step_clipped_and_stale(X, Y, W1, b1, W2, b2, learning_rate):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0.0, Z1)
    S = H1 @ W2 + b2
    expS = np.exp(S - S.max(1, keepdims=True))
    P = np.clip(expS / expS.sum(1, keepdims=True), 1e-2, 1 - 1e-2)

    dS = (P - Y) / N
    dW2 = H1.T @ dS
    db2 = dS.sum(0)
    W2 = W2 - learning_rate * dW2
    b2 = b2 - learning_rate * db2

    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    W1 = W1 - learning_rate * (X.T @ dZ1)
    b1 = b1 - learning_rate * dZ1.sum(0)
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


@pair(
    "P.activation.sigmoid",
    "the logistic function of each score in place of softmax",
    "dW2.scale.mean_twice",
    "divided by N a second time",
    activation="relu",
    loss="cross_entropy",
)
def sigmoid_output(X, Y, W1, b1, W2, b2):
    m = X.shape[0]

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    Z1 = np.dot(X, W1) + b1
    A1 = np.maximum(0, Z1)
    Z2 = np.dot(A1, W2) + b2
    A2 = sigmoid(Z2)

    dZ2 = (A2 - Y) / m
    dW2 = 1 / m * np.dot(A1.T, dZ2)
    db2 = np.sum(dZ2, axis=0)
    dZ1 = np.dot(dZ2, W2.T) * (Z1 > 0)
    dW1 = np.dot(X.T, dZ1)
    db1 = np.sum(dZ1, axis=0)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@pair(
    "P.softmax.twice",
    "softmax is applied twice",
    "db2.reduction.mean",
    "the mean of dS in place of its sum",
)
def softmax_twice(X, Y, W1, b1, W2, b2):
    def softmax(v):
        v = np.exp(v - np.max(v, axis=-1, keepdims=True))
        return v / np.sum(v, axis=-1, keepdims=True)

    def forward(x):
        z = x @ W1 + b1
        h = np.maximum(z, 0)
        return z, h, softmax(h @ W2 + b2)

    Z1, H1, out = forward(X)
    P = softmax(out)
    dS = (P - Y) / X.shape[0]
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "P": P,
        "dS": dS,
        "dW2": H1.T @ dS,
        "db2": dS.mean(axis=0),
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(axis=0),
    }


@pair(
    "P.softmax.not_normalised",
    "softmax is not normalised: the exponentials themselves",
    "dZ1.mask.missing",
    "the mask is left out: dZ1 = dH1",
)
def unnormalised_and_unmasked(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    hidden = X @ W1 + b1
    act = np.maximum(hidden, 0)
    logits = act @ W2 + b2
    probs = np.exp(logits)
    delta = (probs - Y) / N
    delta_hidden = delta @ W2.T
    return X.T @ delta_hidden, delta_hidden.sum(axis=0), act.T @ delta, delta.sum(axis=0)


@pair(
    "P.softmax.missing",
    "softmax is left out: the scores stand for the probabilities",
    "db1.operand.dH1_summed",
    "the gradient is summed from dH1, before the mask",
    activation="relu",
    loss="cross_entropy",
)
def scores_as_probabilities(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    Y_hat = H1 @ W2 + b2
    dS = (Y_hat - Y) / X.shape[0]
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    return {
        "dW2": H1.T @ dS,
        "db2": dS.sum(axis=0),
        "dW1": X.T @ dZ1,
        "db1": dH1.sum(axis=0),
    }


@pair(
    "P.softmax.over_rows",
    "softmax is taken over the rows: the denominator is summed over n",
    "dZ1.mask.missing",
    "the mask is left out: dZ1 = dH1",
)
def einsum_everything(X, Y, W1, b1, W2, b2):
    Z1 = np.einsum("nd,dh->nh", X, W1) + b1
    H1 = np.maximum(Z1, 0)
    S = np.einsum("nh,hk->nk", H1, W2) + b2
    E = np.exp(S - S.max())
    P = E / np.einsum("nk->k", E)
    dS = (P - Y) / len(X)
    dH1 = np.einsum("nk,hk->nh", dS, W2)
    dZ1 = dH1
    return {
        "dW1": np.einsum("nd,nh->dh", X, dZ1),
        "db1": np.einsum("nh->h", dZ1),
        "dW2": np.einsum("nh,nk->hk", H1, dS),
        "db2": np.einsum("nk->k", dS),
    }


@pair(
    "P.softmax.over_rows",
    "softmax runs over dim 0, the rows of the batch",
    "dW1.operand.dH1_for_dZ1",
    "dH1 in place of dZ1",
)
def torch_wrong_dim(X, Y, W1, b1, W2, b2):
    Z1 = torch.addmm(b1, X, W1)
    H1 = Z1.clamp(min=0)
    S = torch.addmm(b2, H1, W2)
    P = F.softmax(S, dim=0)
    dS = (P - Y) / X.shape[0]
    dH1 = dS @ W2.T
    dZ1 = torch.where(Z1 > 0, dH1, torch.zeros_like(dH1))
    return {
        "P": P,
        "dS": dS,
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": X.T @ dH1,
        "db1": dZ1.sum(dim=0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(dim=0),
    }


@pair(
    "P.softmax.over_rows",
    "softmax runs over axis 1, the examples, in a batch-last network",
    "dZ1.mask.missing",
    "the mask is left out: dZ1 = dH1",
    layout="columns",
)
def columns_wrong_axis(X, Y, W1, b1, W2, b2):
    Z1 = W1.dot(X) + b1
    H1 = np.maximum(0, Z1)
    S = W2.dot(H1) + b2
    S_shift = S - S.max(axis=1, keepdims=True)
    P = np.exp(S_shift) / np.exp(S_shift).sum(axis=1, keepdims=True)
    dS = (P - Y) / X.shape[1]
    dH1 = W2.T.dot(dS)
    dZ1 = dH1
    return {
        "S": S,
        "P": P,
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": dZ1.dot(X.T),
        "db1": dZ1.sum(axis=1, keepdims=True),
        "dW2": dS.dot(H1.T),
        "db2": dS.sum(axis=1, keepdims=True),
    }


@pair(
    "P.clip.within_1e-6",
    "P is clipped to [1e-6, 1 - 1e-6] before it goes into dS",
    "dS.scale.no_mean",
    "P - Y without the division by N",
)
def clipped_for_the_logarithm(X, Y, W1, b1, W2, b2):
    eps = 1e-6
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    P = scipy.special.softmax(S, axis=1)
    P = np.clip(P, eps, 1 - eps)
    dS = P - Y
    dH1 = dS @ W2.T
    dZ1 = np.multiply(dH1, np.int64(Z1 > 0))
    return {
        "P": P,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(axis=0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(axis=0),
    }


@pair(
    "P.softmax.one_hot",
    "the greatest score is taken as certain: argmax in place of softmax",
    "db2.reduction.mean",
    "the mean of dS in place of its sum",
)
def hard_predictions(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    P = np.eye(S.shape[1])[S.argmax(axis=1)]
    dS = (P - Y) / X.shape[0]
    dH1 = dS @ W2.T
    dZ1 = dH1 * np.heaviside(Z1, 0.0)
    return X.T @ dZ1, dZ1.sum(axis=0), H1.T @ dS, np.mean(dS, axis=0)


@pair(
    "P.softmax.not_normalised_shifted",
    "divided by the greatest exponential of the row, not by their sum",
    "db1.operand.dH1_summed",
    "summed from dS W2^T, before the mask",
)
def divided_by_the_greatest(X, Y, W1, b1, W2, b2):
    n = X.shape[0]
    z1 = X @ W1 + b1
    h1 = np.maximum(z1, 0)
    s = h1 @ W2 + b2
    e = np.exp(s)
    p = e / e.max(axis=1, keepdims=True)
    ds = (p - Y) / n
    dh1 = ds @ W2.T
    dz1 = dh1 * (h1 != 0)
    return {
        "S": s,
        "P": p,
        "dS": ds,
        "dW1": X.T @ dz1,
        "db1": dh1.sum(0),
        "dW2": h1.T @ ds,
        "db2": ds.sum(0),
    }


@pair(
    "P.activation.sigmoid",
    "the logistic function of each score in place of softmax",
    "dS.scale.no_mean",
    "P - Y without the division by N",
    activation="relu",
    loss="cross_entropy",
)
def torch_sigmoid_sum(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = torch.relu(Z1)
    S = H1 @ W2 + b2
    P = torch.sigmoid(S)
    dS = P - Y
    dH1 = torch.einsum("nk,hk->nh", dS, W2)
    dZ1 = dH1 * H1.sign()
    return {
        "S": S,
        "P": P,
        "dS": dS,
        "dW1": torch.einsum("nd,nh->dh", X, dZ1),
        "db1": dZ1.sum(0),
        "dW2": torch.einsum("nh,nk->hk", H1, dS),
        "db2": dS.sum(0),
    }


class Classifier:
    """A network that is given its parameters with each call."""

    shift = 1e-3

    def gradients(self, X, Y, W1, b1, W2, b2):
        m = X.shape[0]
        Z1 = X @ W1 + b1
        A1 = np.maximum(0, Z1)
        P = scipy.special.softmax(A1 @ W2 + b2, axis=1)
        P = P.clip(self.shift, 1 - self.shift)
        dS = (P - Y) / m
        dZ1 = (dS @ W2.T) * (Z1 > 0)
        return {
            "dW1": X.T @ dZ1,
            "db1": dZ1.sum(axis=0),
            "dW2": Z1.T @ dS,
            "db2": dS.sum(axis=0),
        }


pair(
    "P.clip.within_1e-3",
    "P is clipped to [0.001, 0.999]",
    "dW2.operand.Z1_for_H1",
    "Z1 in place of H1",
)(Classifier().gradients)
