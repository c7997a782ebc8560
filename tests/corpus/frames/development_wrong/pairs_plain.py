"""Two faults in one function, all in its own body."""

from __future__ import annotations

import numpy as np

from corpus.registry import pair


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@pair(
    "dS", "1/N is missing",
    "dZ1", "the derivative of tanh is taken at Z1 instead of H1",
    frame=dict(activation="tanh", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="row", labels="indices", layout="rows", penalty="half"),
)  # fmt: skip
def pair_moons(X, y, W1, b1, W2, b2, reg_lambda):
    num_examples = len(X)
    z1 = X.dot(W1) + b1
    a1 = np.tanh(z1)
    probs = softmax(a1.dot(W2) + b2)
    loss = -np.log(probs[range(num_examples), y]).sum() / num_examples
    loss += 0.5 * reg_lambda * (np.sum(W1**2) + np.sum(W2**2))
    delta3 = probs
    delta3[range(num_examples), y] -= 1  # fault
    dW2 = a1.T.dot(delta3) + reg_lambda * W2
    db2 = np.sum(delta3, axis=0, keepdims=True)
    delta2 = delta3.dot(W2.T) * (1 - np.power(z1, 2))  # fault
    dW1 = np.dot(X.T, delta2) + reg_lambda * W1
    db1 = np.sum(delta2, axis=0, keepdims=True)
    return loss, dW1, db1, dW2, db2


@pair(
    "dS", "the derivative of the output is multiplied in although the loss is cross-entropy",
    "db1", "the mean stands for the sum, after dividing by N already",
    frame=dict(activation="relu", output="sigmoid", loss="binary_cross_entropy", outputs="one",
        reduction="mean", biases="flat", labels="column", layout="rows", penalty="none"),
)  # fmt: skip
def pair_spam(x, y, W1, b1, W2, b2):
    n = x.shape[0]
    h = np.maximum(x @ W1 + b1, 0)
    p = sigmoid(h @ W2 + b2)
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    dout = (p - y) / n
    dlogit = dout * p * (1 - p)  # fault
    dh = dlogit @ W2.T
    dh[h == 0] = 0
    grads = {"W2": h.T @ dlogit, "b2": dlogit.sum(axis=0)}
    grads["W1"] = x.T @ dh
    grads["b1"] = dh.mean(axis=0)  # fault
    return loss, grads


@pair(
    "dW2", "the penalty's gradient has no factor 2",
    "dZ1", "the mask tests the gradient instead of the pre-activation",
    frame=dict(activation="relu", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="flat", labels="indices", layout="rows", penalty="full"),
)  # fmt: skip
def pair_scores(X, y, params, reg):
    W1, b1, W2, b2 = params["W1"], params["b1"], params["W2"], params["b2"]
    N = X.shape[0]
    hidden = np.maximum(0, X.dot(W1) + b1)
    scores = hidden.dot(W2) + b2
    probs = softmax(scores)
    loss = -np.log(probs[np.arange(N), y]).mean() + reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
    dscores = probs.copy()
    dscores[np.arange(N), y] -= 1
    dscores /= N
    grads = {}
    grads["W2"] = hidden.T.dot(dscores) + reg * W2  # fault
    grads["b2"] = dscores.sum(axis=0)
    dhidden = dscores.dot(W2.T)
    dhidden[dhidden <= 0] = 0  # fault
    grads["W1"] = X.T.dot(dhidden) + 2 * reg * W1
    grads["b1"] = dhidden.sum(axis=0)
    return loss, grads


@pair(
    "dS", "the factor 2 of the square is missing",
    "dW1", "the gradient of the hidden values stands for that of the pre-activations",
    frame=dict(activation="sigmoid", output="linear", loss="squared_error", outputs="K",
        reduction="elements", biases="flat", labels="one_hot", layout="linear", penalty="none"),
)  # fmt: skip
def pair_regression(x, t, w1, b1, w2, b2):
    a = x @ w1.T + b1
    z = sigmoid(a)
    y = z @ w2.T + b2
    E = np.mean((y - t) ** 2)
    delta2 = (y - t) / t.size  # fault
    dz = delta2 @ w2
    delta1 = dz * z * (1 - z)
    g_w1 = dz.T @ x  # fault
    return E, g_w1, delta1.sum(0), delta2.T @ z, delta2.sum(0)


@pair(
    "L", "log(1 - p) is not weighted with 1 - y",
    "dZ1", "the slope where the pre-activation is negative is 0",
    frame=dict(activation="leaky_relu", output="sigmoid", loss="binary_cross_entropy",
        outputs="one", reduction="sum", biases="flat", labels="flat", layout="rows",
        penalty="half"),
)  # fmt: skip
def pair_leaky(X, y, W1, b1, W2, b2, l2):
    z = X @ W1 + b1
    h = np.where(z > 0, z, 0.1 * z)
    p = sigmoid(h @ W2 + b2).ravel()
    loss = -np.sum(y * np.log(p) + np.log(1 - p))  # fault
    loss += 0.5 * l2 * (np.sum(W1 * W1) + np.sum(W2 * W2))
    ds = (p - y)[:, None]
    dh = ds @ W2.T
    dz = np.where(z > 0, dh, 0)  # fault
    dW1, db1 = X.T @ dz + l2 * W1, dz.sum(axis=0)
    dW2, db2 = h.T @ ds + l2 * W2, ds.sum(axis=0)
    return loss, {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@pair(
    "S", "the second layer is given the pre-activations instead of the hidden values",
    "db2", "the sum over everything stands for the sum over the rows",
    frame=dict(activation="sigmoid", output="sigmoid", loss="half_squared_error", outputs="K",
        reduction="sum", biases="row", labels="indices", layout="rows", penalty="none"),
)  # fmt: skip
def pair_squashed(X, y, W1, b1, W2, b2):
    Y = np.eye(W2.shape[1])[y]
    z1 = X @ W1 + b1
    a1 = sigmoid(z1)
    a2 = sigmoid(z1 @ W2 + b2)  # fault
    loss = 0.5 * np.sum((a2 - Y) ** 2)
    d2 = (a2 - Y) * a2 * (1 - a2)
    d1 = (d2 @ W2.T) * a1 * (1 - a1)
    dW2 = a1.T @ d2
    db2 = np.full(b2.shape, d2.sum())  # fault
    return loss, X.T @ d1, d1.sum(axis=0, keepdims=True), dW2, db2


@pair(
    "dS", "the labels are subtracted with 1/K in place of 1",
    "dZ1", "the derivative at positive values is that of the negative ones too",
    frame=dict(activation="elu", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="flat", labels="one_hot", layout="rows", penalty="none"),
)  # fmt: skip
def pair_exponential(X, Y, W1, b1, W2, b2):
    N, K = Y.shape
    z = X @ W1 + b1
    h = np.where(z > 0, z, np.expm1(np.minimum(z, 0)))
    p = softmax(h @ W2 + b2)
    ds = (p - Y / K) / N  # fault
    dz = ds @ W2.T * np.exp(z)  # fault
    return [X.T @ dz, dz.sum(0)], [h.T @ ds, ds.sum(0)]


@pair(
    "P", "the softmax is over the examples",
    "dW1", "the penalty is added with the wrong sign",
    frame=dict(activation="softplus", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="row", labels="one_hot", layout="linear", penalty="half"),
)  # fmt: skip
def pair_softplus(x, t, W1, b1, W2, b2, weight_decay):
    n = len(x)
    pre = x @ W1.T + b1
    h = np.logaddexp(0, pre)
    e = np.exp(h @ W2.T + b2)
    p = e / e.sum(axis=0, keepdims=True)  # fault
    loss = -(t * np.log(p)).sum() / n
    loss += weight_decay / 2 * ((W1**2).sum() + (W2**2).sum())
    dout = (p - t) / n
    dpre = dout @ W2 * sigmoid(pre)
    gW1 = dpre.T @ x - weight_decay * W1  # fault
    gW2 = dout.T @ h + weight_decay * W2
    return loss, gW1, dpre.sum(0, keepdims=True), gW2, dout.sum(0, keepdims=True)


@pair(
    "dH1", "W2 is used after its update",
    "update", "the step of b1 goes uphill",
    frame=dict(activation="tanh", output="linear", loss="half_squared_error", outputs="K",
        reduction="mean", biases="flat", labels="one_hot", layout="rows", penalty="none"),
)  # fmt: skip
def pair_of_steps(X, T, W1, b1, W2, b2, lr):
    n = len(X)
    h = np.tanh(X @ W1 + b1)
    out = h @ W2 + b2
    dout = (out - T) / n
    W2 = W2 - lr * h.T @ dout
    dh = dout @ W2.T  # fault
    b2 = b2 - lr * dout.sum(axis=0)
    dz = dh * (1 - h**2)
    W1 = W1 - lr * X.T @ dz
    b1 = b1 + lr * dz.sum(axis=0)  # fault
    return W1, b1, W2, b2


@pair(
    "dS", "1/N is there twice",
    "dW2", "the inputs of the tanh stand for its outputs",
    frame=dict(activation="tanh", output="sigmoid", loss="binary_cross_entropy", outputs="K",
        reduction="mean", biases="none", labels="one_hot", layout="linear", penalty="none"),
)  # fmt: skip
def pair_without_offsets(x, y, w1, w2):
    n = x.shape[0]
    u = x @ w1.T
    h = np.tanh(u)
    p = sigmoid(h @ w2.T)
    loss = -(y * np.log(p) + (1 - y) * np.log(1 - p)).sum() / n
    err = (p - y) / n / n  # fault
    g2 = err.T @ u  # fault
    g1 = ((err @ w2) * (1 - h**2)).T @ x
    return loss, g1, g2


@pair(
    "dZ1", "the derivative of the sigmoid is h (1 + h)",
    "db2", "only the last example's share is kept",
    frame=dict(activation="sigmoid", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="flat", labels="indices", layout="rows", penalty="none"),
)  # fmt: skip
def pair_in_a_loop(X, y, W1, b1, W2, b2):
    dW1, db1 = np.zeros_like(W1), np.zeros_like(b1)
    dW2, db2 = np.zeros_like(W2), np.zeros_like(b2)
    for x, label in zip(X, y):
        h = sigmoid(x @ W1 + b1)
        s = h @ W2 + b2
        p = np.exp(s - s.max())
        p /= p.sum()
        p[label] -= 1
        dW2 += np.outer(h, p)
        db2 = p.copy()  # fault
        dz = W2 @ p * h * (1 + h)  # fault
        dW1 += np.outer(x, dz)
        db1 += dz
    n = len(X)
    return dW1 / n, db1 / n, dW2 / n, db2 / n


@pair(
    "dS", "the sign: targets less outputs",
    "dZ1", "the derivative of the activation is left out",
    frame=dict(activation="gelu", output="linear", loss="squared_error", outputs="one",
        reduction="mean", biases="flat", labels="flat", layout="rows", penalty="by_N"),
)  # fmt: skip
def pair_gelu(X, y, W1, b1, W2, b2, lam):
    n = len(y)
    c = np.sqrt(2 / np.pi)
    z = X @ W1 + b1
    t = np.tanh(c * (z + 0.044715 * z**3))
    h = 0.5 * z * (1 + t)
    out = (h @ W2 + b2)[:, 0]
    cost = np.mean((out - y) ** 2) + lam / (2 * n) * (np.sum(W1**2) + np.sum(W2**2))
    dout = (2 / n * (y - out)).reshape(n, 1)  # fault
    dh = dout @ W2.T
    slope = 0.5 * (1 + t) + 0.5 * z * (1 - t**2) * c * (1 + 3 * 0.044715 * z**2)
    dz = dh  # fault
    grads = {"W1": X.T @ dz + lam / n * W1, "b1": dz.sum(0)}
    grads.update(W2=h.T @ dout + lam / n * W2, b2=dout.sum(0))
    return cost, grads
