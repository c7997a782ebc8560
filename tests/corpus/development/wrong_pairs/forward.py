"""Pairs whose first fault is in Z1, H1 or S."""

from collections import OrderedDict
from functools import reduce

import numpy as np
import scipy.special
import torch
import torch.nn.functional as F

from corpus.development.wrong_pairs.shared import Linear, ReLU
from corpus.registry import pair


@pair("Z1.bias.missing", "b1 is forgotten: Z1 = X W1", "dS.sign.flipped", "Y - P in place of P - Y")
def straight_no_bias_flipped(X, Y, W1, b1, W2, b2):
    n = len(X)
    Z1 = X.dot(W1)
    H1 = Z1 * (Z1 > 0)
    S = H1.dot(W2) + b2
    P = np.exp(S - np.max(S, axis=1)[:, None])
    P /= np.sum(P, axis=1)[:, None]
    dS = (Y - P) / n
    dW2 = H1.T.dot(dS)
    db2 = np.sum(dS, axis=0)
    dZ1 = dS.dot(W2.T) * (Z1 > 0)
    dW1 = X.T.dot(dZ1)
    db1 = np.sum(dZ1, axis=0)
    return dW1, db1, dW2, db2


@pair(
    "H1.activation.none",
    "ReLU is left out of the forward pass: H1 = Z1",
    "db2.zero.everywhere",
    "a row of zeros: the gradient of b2 is never computed",
)
def forgot_relu_forgot_db2(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    grads = {
        "W1": np.zeros_like(W1),
        "b1": np.zeros_like(b1),
        "W2": np.zeros_like(W2),
        "b2": np.zeros_like(b2),
    }
    Z1 = X @ W1 + b1
    H1 = Z1
    S = H1 @ W2 + b2
    P = scipy.special.softmax(S, axis=1)
    dS = (P - Y) / N
    grads["W2"] += H1.T @ dS
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    grads["W1"] += X.T @ dZ1
    grads["b1"] += dZ1.sum(axis=0)
    return grads


@pair(
    "H1.activation.leaky_0_01",
    "a leaky ReLU of slope 0.01 in the forward pass",
    "dS.scale.by_NK",
    "divided by N K, the number of entries, in place of N",
    activation="relu",
    loss="cross_entropy",
)
def leaky_and_size(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.where(Z1 > 0, Z1, 0.01 * Z1)
    S = H1 @ W2 + b2
    S = S - S.max(axis=1, keepdims=True)
    P = np.exp(S)
    P = P / P.sum(axis=1, keepdims=True)
    loss = -(Y * np.log(P)).sum() / Y.shape[0]
    dS = (P - Y) / Y.size
    dW2 = H1.T @ dS
    db2 = dS.sum(axis=0)
    dH1 = dS @ W2.T
    dZ1 = dH1 * np.where(Z1 > 0, 1, 0)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return {
        "loss": loss,
        "Z1": Z1,
        "H1": H1,
        "P": P,
        "dS": dS,
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": dW1,
        "db1": db1,
        "dW2": dW2,
        "db2": db2,
    }


@pair(
    "S.bias.missing",
    "b2 is forgotten: S = H1 W2",
    "dW1.operand.dH1_for_dZ1",
    "dH1 in place of dZ1: the mask is not used for W1",
)
def no_b2_and_unmasked_w1(X, Y, W1, b1, W2, b2):
    m = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2
    expo = np.exp(S - S.max(axis=1, keepdims=True))
    P = expo / expo.sum(axis=1, keepdims=True)
    loss = -1 / m * np.sum(Y * np.log(P))
    dS = 1 / m * (P - Y)
    dH1 = dS @ W2.T
    dZ1 = dH1.copy()
    dZ1[Z1 <= 0] = 0
    return {
        "loss": loss,
        "S": S,
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": X.T @ dH1,
        "db1": dZ1.sum(axis=0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(axis=0),
    }


class LinearMeanBias(Linear):
    """The same layer, with a bias gradient of its own."""

    def backward(self, g):
        back = super().backward(g)
        self.db = g.mean(axis=0)
        return back


class Identity:
    """What stands where nothing is to be done."""

    def forward(self, x):
        return x

    def backward(self, g):
        return g


@pair(
    "H1.activation.none",
    "the activation is missing from the forward pass: H1 = Z1",
    "db1.reduction.mean",
    "the mean of dZ1 in place of its sum",
)
def list_of_layers(X, Y, W1, b1, W2, b2):
    l1, l2nd = LinearMeanBias(W1, b1), Linear(W2, b2)
    relu = ReLU()
    layers = [l1, Identity(), l2nd]
    z = l1.forward(X)
    relu.forward(z)
    out = reduce(lambda v, layer: layer.forward(v), layers, X)
    shifted = out - out.max(axis=1, keepdims=True)
    logp = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -(Y * logp).sum() / len(X)
    g = l2nd.backward((np.exp(logp) - Y) / len(X))
    l1.backward(relu.backward(g))
    return loss, {"W1": l1.dW, "b1": l1.db, "W2": l2nd.dW, "b2": l2nd.db}


@pair(
    "Z1.bias.missing",
    "b1 is forgotten: Z1 = X W1",
    "S.bias.missing",
    "b2 is forgotten: S = H1 W2",
)
def class_without_biases(X, Y, W1, b1, W2, b2):
    class Net:
        def forward(self, x):
            self.Z1 = x @ W1
            self.H1 = np.maximum(self.Z1, 0)
            self.S = self.H1 @ W2
            self.P = scipy.special.softmax(self.S, axis=1)
            return self.P

        def backward(self, x, t):
            d = (self.P - t) / len(x)
            self.dW2 = self.H1.T @ d
            self.db2 = d.sum(0)
            d = d @ W2.T * (self.Z1 > 0)
            self.dW1 = x.T @ d
            self.db1 = d.sum(0)

    net = Net()
    net.forward(X)
    net.backward(X, Y)
    return net


@pair(
    "H1.activation.leaky_0_01",
    "F.leaky_relu, of slope 0.01, in the forward pass",
    "dS.scale.no_mean",
    "P - Y without the division by N",
    activation="relu",
    loss="cross_entropy",
)
def torch_leaky(X, y, W1, b1, W2, b2):
    X, W1, b1, W2, b2 = map(torch.as_tensor, (X, W1, b1, W2, b2))
    y = torch.as_tensor(y)
    z = X @ W1 + b1
    h = F.leaky_relu(z)
    s = h @ W2 + b2
    loss = F.cross_entropy(s, y)
    ds = s.softmax(-1) - F.one_hot(y, s.shape[-1])
    dz = (ds @ W2.T).masked_fill(z <= 0, 0.0)
    grads = {"W1": X.T @ dz, "b1": dz.sum(0), "W2": h.T @ ds, "b2": ds.sum(0)}
    return loss.item(), {name: g.numpy() for name, g in grads.items()}


@pair(
    "S.operand.Z1_for_H1",
    "the pre-activation Z1 goes into the second layer: ReLU is left out on the way to S",
    "dW2.scale.mean_twice",
    "divided by N a second time",
    layout="linear",
)
def nn_linear_in_numpy(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1.T + b1
    H1 = np.maximum(Z1, 0)
    S = Z1 @ W2.T + b2
    P = scipy.special.softmax(S, axis=1)
    loss = -np.sum(Y * np.log(P)) / N
    dS = (P - Y) / N
    dW2 = dS.T @ H1 / N
    db2 = dS.sum(axis=0)
    dH1 = dS @ W2
    dZ1 = dH1 * (Z1 > 0)
    dW1 = dZ1.T @ X
    db1 = dZ1.sum(axis=0)
    return {
        "loss": loss,
        "Z1": Z1,
        "H1": H1,
        "S": S,
        "dS": dS,
        "dW1": dW1,
        "db1": db1,
        "dW2": dW2,
        "db2": db2,
    }


@pair(
    "Z1.bias.missing",
    "b1 is forgotten: Z1 = W1 X",
    "db1.zero.everywhere",
    "a column of zeros",
    layout="columns",
)
def columns_no_first_bias(X, Y, W1, b1, W2, b2):
    Z1 = W1 @ X
    H1 = np.maximum(Z1, 0)
    P = scipy.special.softmax(W2 @ H1 + b2, axis=0)
    dS = (P - Y) / Y.shape[1]
    dZ1 = W2.T @ dS
    dZ1[Z1 <= 0] = 0
    dW1 = dZ1 @ X.T
    db1 = np.zeros(b1.shape)
    dW2 = dS @ H1.T
    db2 = dS.sum(axis=1, keepdims=True)
    return dW1, db1, dW2, db2


@pair(
    "S.bias.missing",
    "b2 is forgotten: S = H1 W2",
    "dS.scale.mean_twice",
    "divided by N twice",
)
def parameters_by_attribute(X, y, params):
    N = X.shape[0]
    z = X @ params.W1 + params.b1
    h = np.maximum(z, 0)
    s = h @ params.W2
    p = scipy.special.softmax(s, axis=1)
    loss = -np.mean(np.log(p[np.arange(N), y]))
    onehot = np.zeros_like(p)
    onehot[np.arange(N), y] = 1
    ds = (p - onehot) / N**2
    dz = (ds @ params.W2.T) * (z > 0)
    grads = OrderedDict()
    grads["W2_grad"] = h.T @ ds
    grads["b2_grad"] = ds.sum(axis=0)
    grads["W1_grad"] = X.T @ dz
    grads["b1_grad"] = dz.sum(axis=0)
    return loss, grads


@pair(
    "Z1.bias.subtracted",
    "b1 is subtracted: Z1 = X W1 - b1",
    "dW2.sign.flipped",
    "the sign is turned",
)
def subtracted_threshold(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 - b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    P = scipy.special.softmax(S, axis=1)
    loss = -np.sum(Y * np.log(P)) / N
    dS = (P - Y) / N
    dW2 = -H1.T @ dS
    db2 = dS.sum(axis=0)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return {
        "loss": loss,
        "Z1": Z1,
        "S": S,
        "P": P,
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": dW1,
        "db1": db1,
        "dW2": dW2,
        "db2": db2,
    }


@pair(
    "H1.activation.sigmoid",
    "the logistic function in place of ReLU, with ReLU's mask in the backward pass",
    "dS.scale.by_K",
    "divided by K in place of N",
    activation="relu",
    loss="cross_entropy",
)
def logistic_hidden(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = scipy.special.expit(Z1)
    S = H1 @ W2 + b2
    P = scipy.special.softmax(S, axis=1)
    dS = (P - Y) / Y.shape[1]
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    return {
        "H1": H1,
        "P": P,
        "dS": dS,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(axis=0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(axis=0),
    }


@pair(
    "H1.activation.absolute",
    "the absolute value in place of ReLU",
    "db1.reduction.over_all_repeated",
    "summed over all entries: one number, repeated for each unit",
)
def folded_hidden(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.abs(Z1)
    S = H1 @ W2 + b2
    P = scipy.special.softmax(S, axis=1)
    dS = (P - Y) / X.shape[0]
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    db1 = np.ones_like(b1) * np.sum(dZ1)
    return {"dW1": X.T @ dZ1, "db1": db1, "dW2": H1.T @ dS, "db2": dS.sum(axis=0)}
