"""Faults in Z1, H1 and S."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import expit, log_softmax, softmax

from corpus.development.wrong_numpy.shared import one_hot, relu, relu_grad, row_softmax
from corpus.registry import wrong

# --- Z1 ------------------------------------------------------------------------------------------


@wrong("Z1.bias.missing", "The bias b1 is forgotten in the forward pass.")
def no_frills_backprop(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    E = np.exp(S - S.max(axis=1, keepdims=True))
    P = E / E.sum(axis=1, keepdims=True)
    dS = (P - Y) / N
    dW2 = H1.T @ dS
    db2 = dS.sum(axis=0)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong("Z1.bias.subtracted", "b1 is subtracted instead of added.")
def forward_then_backward(X, Y, W1, b1, W2, b2):
    def forward():
        hidden_in = X.dot(W1) - b1
        hidden = hidden_in.clip(min=0)
        scores = hidden.dot(W2) + b2
        return hidden_in, hidden, row_softmax(scores)

    def backward(hidden_in, hidden, probs):
        delta2 = (probs - Y) / len(X)
        delta1 = delta2.dot(W2.T)
        delta1[hidden_in <= 0] = 0
        return X.T.dot(delta1), delta1.sum(0), hidden.T.dot(delta2), delta2.sum(0)

    return backward(*forward())


@wrong("Z1.precision.whole", "Z1 is truncated to whole numbers: its buffer is made with dtype int.")
def unit_by_unit(X, y, W1, b1, W2, b2):
    N, d = X.shape
    H = W1.shape[1]
    Z1 = np.zeros((N, H), dtype=int)
    for i in range(N):
        for j in range(H):
            Z1[i, j] = sum(X[i, k] * W1[k, j] for k in range(d)) + b1[j]
    H1 = np.maximum(Z1, 0)
    P = row_softmax(H1 @ W2 + b2)
    loss = -np.mean(np.log(P[np.arange(N), y]))
    dS = P.copy()
    dS[np.arange(N), y] -= 1
    dS /= N
    dZ1 = np.dot(dS, W2.T) * (Z1 > 0)
    grads = {"W1": X.T @ dZ1, "b1": dZ1.sum(0), "W2": H1.T @ dS, "b2": dS.sum(0)}
    return loss, grads


@wrong(
    "Z1.overwritten.by_H1",
    "The Z1 that is returned was overwritten by the ReLU in place: it is H1.",
)
def with_cache(X, Y, W1, b1, W2, b2):
    N = len(X)
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0, out=Z1)
    S = H1 @ W2 + b2
    P = softmax(S, axis=1)
    dS = (P - Y) / N
    dH1 = dS @ W2.T
    dZ1 = dH1 * (H1 > 0)
    return {
        "Z1": Z1,
        "H1": H1,
        "P": P,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(axis=0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(axis=0),
    }


@wrong(
    "Z1.input.standardised",
    "X is standardised by its column means and deviations before the first layer.",
)
def normalised_net(params, X, Y):
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    Z1 = scaled @ params["W1"] + params["b1"]
    H1 = relu(Z1)
    P = row_softmax(H1 @ params["W2"] + params["b2"])
    dS = (P - Y) / len(X)
    dZ1 = dS @ params["W2"].T * (Z1 > 0)
    return {
        "W1_grad": X.T @ dZ1,
        "b1_grad": np.sum(dZ1, axis=0),
        "W2_grad": H1.T @ dS,
        "b2_grad": np.sum(dS, axis=0),
    }


@wrong(
    "Z1.function.standardised",
    "Z1 is standardised over the batch, which gives nan for a constant column.",
)
def batch_normalised(X, Y, W1, b1, W2, b2):
    with np.errstate(invalid="ignore"):
        Z1 = X @ W1 + b1
        Z1 = (Z1 - Z1.mean(axis=0)) / Z1.std(axis=0)
        H1 = np.maximum(Z1, 0)
        S = H1 @ W2 + b2
        P = softmax(S, axis=1)
        dS = (P - Y) / len(X)
        dZ1 = (dS @ W2.T) * (Z1 > 0)
        grads = {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}
    return {"Z1": Z1, "H1": H1, "S": S, "P": P, **grads}


@wrong("Z1.bias.twice", "The bias is added twice: it is in the weights' last row and added again.")
def homogeneous(X, Y, W1, b1, W2, b2):
    bias = np.ones((X.shape[0], 1))
    Xb = np.column_stack((X, bias))
    Wb = np.vstack((W1, b1))
    Z1 = Xb @ Wb + b1
    H1 = relu(Z1)
    P = row_softmax(H1 @ W2 + b2)
    dS = (P - Y) / len(X)
    dZ1 = dS @ W2.T * relu_grad(Z1)
    dWb = Xb.T @ dZ1
    return {"Z1": Z1, "dW1": dWb[:-1], "db1": dWb[-1], "dW2": H1.T @ dS, "db2": dS.sum(0)}


# --- H1 ------------------------------------------------------------------------------------------


@wrong("H1.activation.none", "The ReLU is left out in the forward pass: H1 = Z1.")
def hw3_backward(X, Y, W1, b1, W2, b2):
    m = X.shape[0]
    z1 = X @ W1 + b1
    a1 = z1
    z2 = a1 @ W2 + b2
    a2 = row_softmax(z2)
    dz2 = a2 - Y
    dw2 = a1.T @ dz2 / m
    db2 = dz2.sum(axis=0) / m
    dz1 = (dz2 @ W2.T) * relu_grad(z1)
    dw1 = X.T @ dz1 / m
    db1 = dz1.sum(axis=0) / m
    return dict(dw1=dw1, db1=db1, dw2=dw2, db2=db2)


@wrong(
    "H1.activation.leaky_0_01.with_derivative",
    "A leaky ReLU with slope 0.01 in the forward and the backward pass.",
    activation="relu",
    loss="cross_entropy",
)
def mlp_step_leaky(X, Y, W1, b1, W2, b2, slope=0.01):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.where(Z1 > 0, Z1, slope * Z1)
    S = H1 @ W2 + b2
    P = row_softmax(S)
    loss = -np.sum(Y * np.log(P)) / N
    dS = (P - Y) / N
    dH1 = dS @ W2.T
    dZ1 = np.where(Z1 > 0, dH1, slope * dH1)
    return loss, (X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0))


@wrong(
    "H1.activation.tanh",
    "tanh instead of the ReLU in the forward pass.",
    activation="relu",
    loss="cross_entropy",
)
def backprop_old_notes(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.tanh(Z1)
    S = H1 @ W2 + b2
    P = np.exp(S) / np.exp(S).sum(1, keepdims=True)
    dS = (P - Y) / X.shape[0]
    gW2, gb2 = H1.T @ dS, dS.sum(0)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    gW1, gb1 = X.T @ dZ1, dZ1.sum(0)
    return gW1, gb1, gW2, gb2


@wrong(
    "H1.activation.sigmoid.with_derivative",
    "A sigmoid instead of the ReLU, with the sigmoid's derivative on the way back.",
    activation="relu",
    loss="cross_entropy",
)
def nineties_net(X, Y, W1, b1, W2, b2):
    hidden = expit(X @ W1 + b1)
    out = softmax(hidden @ W2 + b2, axis=1)
    err = (out - Y) / Y.shape[0]
    back = err @ W2.T * hidden * (1 - hidden)
    return {"dW2": hidden.T @ err, "db2": err.sum(0), "dW1": X.T @ back, "db1": back.sum(0)}


@wrong("H1.activation.absolute", "The absolute value of Z1 instead of max(0, Z1).")
def rectified(X, y, W1, b1, W2, b2):
    N = X.shape[0]
    pre = X @ W1 + b1
    act = np.abs(pre)
    P = row_softmax(act @ W2 + b2)
    P[range(N), y] -= 1
    P /= N
    dpre = P @ W2.T
    dpre[pre <= 0] = 0
    return {"W1": X.T @ dpre, "b1": dpre.sum(0), "W2": act.T @ P, "b2": P.sum(0)}


@wrong("H1", "Dropout with p = 0.5 on the hidden units, in both passes.")
def regularised_gradients(X, Y, W1, b1, W2, b2, keep=0.5, seed=0):
    rng = np.random.default_rng(seed)
    N = len(X)
    Z1 = X @ W1 + b1
    M = (rng.random(Z1.shape) < keep) / keep
    H1 = np.maximum(Z1, 0) * M
    S = H1 @ W2 + b2
    P = row_softmax(S)
    dS = (P - Y) / N
    dH1 = dS @ W2.T
    dZ1 = dH1 * M * (Z1 > 0)
    return {
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(axis=0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(axis=0),
        "S": S,
        "P": P,
    }


@wrong("H1.undefined.sign_of_Z1", "H1 by Z1 / |Z1|, which is nan where Z1 is 0.")
def closed_form_relu(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    with np.errstate(invalid="ignore"):
        H1 = Z1 * (1 + Z1 / np.sqrt(Z1**2)) / 2
    P = softmax(H1 @ W2 + b2, axis=-1)
    dS = (P - Y) / len(Y)
    dZ1 = dS @ W2.T * (Z1 > 0)
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


@wrong(
    "H1.activation.negative_part", "The minimum of 0 and Z1 is taken: np.minimum for np.maximum."
)
def grads_of_classifier(X, Y, W1, b1, W2, b2):
    lin = np.einsum("nd,dh->nh", X, W1) + b1
    hid = np.minimum(0, lin)
    P = row_softmax(np.einsum("nh,hk->nk", hid, W2) + b2)
    dS = (P - Y) / X.shape[0]
    dlin = np.einsum("nk,hk->nh", dS, W2) * (lin > 0)
    return (
        np.einsum("nd,nh->dh", X, dlin),
        np.einsum("nh->h", dlin),
        np.einsum("nh,nk->hk", hid, dS),
        np.einsum("nk->k", dS),
    )


@wrong("H1.activation.step", "H1 is the mask of 0 and 1 rather than Z1 times the mask.")
def masked_forward(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    active = Z1 > 0
    H1 = active.astype(Z1.dtype)
    S = H1 @ W2 + b2
    P = row_softmax(S)
    dS = (P - Y) / N
    dW2 = H1.T @ dS
    db2 = dS.sum(axis=0)
    dZ1 = (dS @ W2.T) * active
    return {
        "H1": H1,
        "S": S,
        "P": P,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(axis=0),
        "dW2": dW2,
        "db2": db2,
    }


@wrong("H1.activation.clipped_at_1", "The hidden units are capped at 1: a clip to [0, 1].")
def bounded_units(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.clip(Z1, 0, 1)
    S = H1 @ W2 + b2
    logP = log_softmax(S, axis=1)
    loss = -(Y * logP).sum(axis=1).mean()
    dS = (np.exp(logP) - Y) / len(X)
    dZ1 = np.where(Z1 > 0, dS @ W2.T, 0)
    return {
        "loss": loss,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(axis=0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(axis=0),
    }


@wrong(
    "H1.activation.softplus",
    "A softplus, log(1 + exp(Z1)), instead of the ReLU.",
    activation="relu",
    loss="cross_entropy",
)
def smooth_hidden_layer(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.log1p(np.exp(Z1))
    S = H1 @ W2 + b2
    E = np.exp(S - S.max(axis=1, keepdims=True))
    P = E / E.sum(axis=1, keepdims=True)
    dS = (P - Y) / len(X)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    return {
        "loss": -np.sum(Y * np.log(P)) / len(X),
        "H1": H1,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(0),
    }


# --- S -------------------------------------------------------------------------------------------


@wrong("S.bias.missing", "The bias b2 is forgotten in the scores.")
def score_and_backprop(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = Z1 * (Z1 > 0)
    S = H1 @ W2
    P = row_softmax(S)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    grads = {}
    grads["W2"] = H1.T @ dS
    grads["b2"] = dS.sum(0)
    grads["W1"] = X.T @ dZ1
    grads["b1"] = dZ1.sum(0)
    return {"S": S, "P": P, "grads": grads}


@wrong("S.operand.Z1_for_H1", "The second layer is fed with Z1 instead of H1.")
def second_layer(X, Y, W1, b1, W2, b2):
    N, _ = X.shape
    Z1 = X @ W1 + b1
    H1 = relu(Z1)
    Z2 = Z1 @ W2 + b2
    P = row_softmax(Z2)
    dZ2 = (P - Y) / N
    dW2 = H1.T @ dZ2
    db2 = dZ2.sum(axis=0)
    dZ1 = dZ2 @ W2.T * relu_grad(Z1)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return dW1, db1, dW2, db2


@wrong("S.activation.relu", "A ReLU on the scores as well.")
def stacked_layers(X, y, W1, b1, W2, b2):
    outputs = [X]
    for W, b in ((W1, b1), (W2, b2)):
        outputs.append(np.maximum(outputs[-1] @ W + b, 0))
    P = row_softmax(outputs[2])
    N = len(X)
    loss = -np.log(P[np.arange(N), y]).mean()
    dS = (P - one_hot(y, W2.shape[1])) / N
    dH = dS @ W2.T * (outputs[1] > 0)
    return loss, {"W1": X.T @ dH, "b1": dH.sum(0), "W2": outputs[1].T @ dS, "b2": dS.sum(0)}


@wrong(
    "S.scale.product_by_sqrt_H",
    "The scores are divided by sqrt(H), which the derivation does not have.",
)
def scaled_scores(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 / math.sqrt(W2.shape[0]) + b2
    P = row_softmax(S)
    dS = (P - Y) / len(X)
    dZ1 = dS @ W2.T * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0), "S": S}


@wrong("S.transpose.W2", "W2 is used transposed in the forward pass, which runs only for H = K.")
def layers_the_other_way(X, Y, W1, b1, W2, b2):
    Z1 = np.dot(X, W1) + b1
    H1 = np.maximum(0, Z1)
    S = np.dot(H1, W2.T) + b2
    P = row_softmax(S)
    dS = (P - Y) / X.shape[0]
    dZ1 = np.dot(dS, W2.T) * (Z1 > 0)
    return {
        "dW1": np.dot(X.T, dZ1),
        "db1": np.sum(dZ1, axis=0),
        "dW2": np.dot(H1.T, dS),
        "db2": np.sum(dS, axis=0),
    }


@wrong(
    "S.bias.first_entry",
    "The first bias of the output layer is added to every class: b2[0] for b2.",
)
def loop_over_classes(X, y, W1, b1, W2, b2):
    N, K = len(y), len(b2)
    hidden = relu(X @ W1 + b1)
    scores = np.stack([hidden @ W2[:, k] + b2[0] for k in range(K)], axis=1)
    probs = row_softmax(scores)
    loss = sum(-math.log(probs[n, y[n]]) for n in range(N)) / N
    dscores = (probs - one_hot(y, K)) / N
    dhidden = sum(np.outer(dscores[:, k], W2[:, k]) for k in range(K))
    dhidden[hidden == 0] = 0
    return loss, (X.T @ dhidden, dhidden.sum(0), hidden.T @ dscores, dscores.sum(0))
