"""Two independent faults in a function; an example per row."""

from __future__ import annotations

import math

import numpy as np

from corpus.registry import pair

erf = np.vectorize(math.erf)


@pair(
    "dS", "1/N is missing",
    "dZ1", "the mask tests H1 < 0, which never holds",
    frame=dict(
        activation="relu", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="flat", labels="indices", layout="rows", penalty="half",
    ),
)  # fmt: skip
def pair_net_loss(X, y, params, reg):
    W1, b1, W2, b2 = (params[k] for k in ("W1", "b1", "W2", "b2"))
    N = X.shape[0]
    hidden = np.maximum(0, X.dot(W1) + b1)
    scores = hidden.dot(W2) + b2
    scores = scores - scores.max(axis=1, keepdims=True)
    probs = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    loss = -np.log(probs[np.arange(N), y]).sum() / N
    loss += 0.5 * reg * (np.sum(W1 * W1) + np.sum(W2 * W2))

    grads = {}
    dscores = probs.copy()
    dscores[np.arange(N), y] -= 1  # fault
    grads["W2"] = hidden.T.dot(dscores) + reg * W2
    grads["b2"] = dscores.sum(axis=0)
    dhidden = dscores.dot(W2.T)
    dhidden[hidden < 0] = 0  # fault
    grads["W1"] = X.T.dot(dhidden) + reg * W1
    grads["b1"] = dhidden.sum(axis=0)
    return loss, grads


@pair(
    "dZ1", "the derivative of tanh is taken at Z1 instead of H1",
    "update", "b1 is moved up the gradient",
    frame=dict(
        activation="tanh", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="row", labels="indices", layout="rows", penalty="none",
    ),
)  # fmt: skip
def pair_two_moons(X, y, W1, b1, W2, b2, epsilon):
    z1 = X.dot(W1) + b1
    a1 = np.tanh(z1)
    exp_scores = np.exp(a1.dot(W2) + b2)
    probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
    delta3 = probs
    delta3[range(len(X)), y] -= 1
    delta3 /= len(X)
    dW2 = (a1.T).dot(delta3)
    db2 = np.sum(delta3, axis=0, keepdims=True)
    delta2 = delta3.dot(W2.T) * (1 - np.power(z1, 2))  # fault
    dW1 = np.dot(X.T, delta2)
    db1 = np.sum(delta2, axis=0, keepdims=True)
    W1 = W1 - epsilon * dW1
    b1 = b1 + epsilon * db1  # fault
    W2 = W2 - epsilon * dW2
    b2 = b2 - epsilon * db2
    return W1, b1, W2, b2


@pair(
    "dW1", "the gradient of H1 is used instead of that of Z1",
    "db2", "averages over the rows instead of summing",
    frame=dict(
        activation="tanh", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="flat", labels="indices", layout="rows", penalty="none",
    ),
)  # fmt: skip
def pair_names_model(Xb, Yb, W1, b1, W2, b2):
    n = Xb.shape[0]
    h = np.tanh(Xb @ W1 + b1)
    logits = h @ W2 + b2
    logprobs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    loss = -logprobs[range(n), Yb].mean()
    dlogits = np.exp(logprobs)
    dlogits[range(n), Yb] -= 1
    dlogits /= n
    dh = dlogits @ W2.T
    dW2 = h.T @ dlogits
    db2 = dlogits.mean(0)  # fault
    dhpreact = (1.0 - h**2) * dh
    dW1 = Xb.T @ dh  # fault
    db1 = dhpreact.sum(0)
    return loss, dW1, db1, dW2, db2


@pair(
    "L", "the term of the negative examples has log p instead of log(1 - p)",
    "dZ1", "the derivative of the sigmoid is missing",
    frame=dict(
        activation="sigmoid", output="sigmoid", loss="binary_cross_entropy", outputs="one",
        reduction="mean", biases="row", labels="column", layout="rows", penalty="none",
    ),
)  # fmt: skip
def pair_logistic_units(X, y, W1, b1, W2, b2):
    m = len(y)
    A1 = 1 / (1 + np.exp(-(X @ W1 + b1)))
    A2 = 1 / (1 + np.exp(-(A1 @ W2 + b2)))
    loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(A2)) / m  # fault
    dZ2 = (A2 - y) / m
    dW2 = A1.T @ dZ2
    db2 = dZ2.sum(axis=0, keepdims=True)
    dZ1 = dZ2 @ W2.T  # fault
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0, keepdims=True)
    return {"loss": loss, "dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@pair(
    "dS", "the factor 2 of the square is missing",
    "db1", "is the sum over everything",
    frame=dict(
        activation="relu", output="linear", loss="squared_error", outputs="K",
        reduction="mean", biases="flat", labels="one_hot", layout="rows", penalty="none",
    ),
)  # fmt: skip
def pair_random_data(x, y, w1, b1, w2, b2):
    n = x.shape[0]
    h = x.dot(w1) + b1
    h_relu = np.maximum(h, 0)
    y_pred = h_relu.dot(w2) + b2
    loss = np.square(y_pred - y).sum() / n
    grad_y_pred = (y_pred - y) / n  # fault
    grad_w2 = h_relu.T.dot(grad_y_pred)
    grad_b2 = grad_y_pred.sum(axis=0)
    grad_h = grad_y_pred.dot(w2.T)
    grad_h[h < 0] = 0
    grad_w1 = x.T.dot(grad_h)
    grad_b1 = grad_h.sum()  # fault
    return loss, grad_w1, grad_b1, grad_w2, grad_b2


def softplus(v):
    return np.logaddexp(0, v)


def softplus_prime(v):
    return np.exp(v) / (1 + np.exp(-v))  # fault


@pair(
    "dZ1", "the derivative of softplus has exp(v) for 1 in the numerator",
    "dW2", "the penalty is missing",
    frame=dict(
        activation="softplus", output="softmax", loss="cross_entropy", outputs="K",
        reduction="sum", biases="column", labels="one_hot", layout="rows", penalty="half",
    ),
)  # fmt: skip
def pair_smooth(X, T, W1, b1, W2, b2, lam):
    Z = X @ W1 + b1.T
    H = softplus(Z)
    S = H @ W2 + b2.T
    logP = S - np.log(np.exp(S).sum(axis=1))[:, None]
    loss = -np.sum(T * logP) + lam / 2 * (np.sum(W1**2) + np.sum(W2**2))
    dS = np.exp(logP) - T
    dW2 = H.T @ dS  # fault
    db2 = dS.sum(axis=0)[:, None]
    dZ = (dS @ W2.T) * softplus_prime(Z)
    dW1 = X.T @ dZ + lam * W1
    db1 = dZ.sum(axis=0)[:, None]
    return loss, dW1, db1, dW2, db2


def gelu(u):
    return 0.5 * u * (1 + erf(u / math.sqrt(2)))


def gelu_grad(u):
    return 0.5 * (1 + erf(u / math.sqrt(2)))  # fault


@pair(
    "dZ1", "the second term of the derivative of GELU is missing",
    "dH1", "W2 is used after its update",
    frame=dict(
        activation="gelu", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="flat", labels="one_hot", layout="rows", penalty="none",
    ),
)  # fmt: skip
def pair_mlp_step(x, target, w1, b1, w2, b2, lr):
    pre = x @ w1 + b1
    hid = gelu(pre)
    logits = hid @ w2 + b2
    logits -= logits.max(axis=1, keepdims=True)
    probs = np.exp(logits)
    probs /= probs.sum(axis=1, keepdims=True)
    grad = (probs - target) / x.shape[0]
    new_w2 = w2 - lr * hid.T @ grad
    new_b2 = b2 - lr * grad.sum(axis=0)
    back = grad @ new_w2.T  # fault
    back = back * gelu_grad(pre)
    new_w1 = w1 - lr * x.T @ back
    new_b1 = b1 - lr * back.sum(axis=0)
    return new_w1, new_b1, new_w2, new_b2


@pair(
    "dZ1", "the derivative of the negative side is used on both sides",
    "dS", "1/N stands twice",
    frame=dict(
        activation="elu", output="sigmoid", loss="binary_cross_entropy", outputs="one",
        reduction="mean", biases="flat", labels="flat", layout="rows", penalty="none",
    ),
)  # fmt: skip
def pair_default_risk(X, y, W1, b1, W2, b2):
    n = X.shape[0]
    z = X @ W1 + b1
    h = np.where(z > 0, z, np.exp(z) - 1)
    p = 1 / (1 + np.exp(-(h @ W2 + b2)))
    y = y.reshape(-1, 1)
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    g = (p - y) / n
    g = g / n  # fault
    dW2, db2 = h.T @ g, g.sum(axis=0)
    g = g @ W2.T * np.exp(z)  # fault
    dW1, db1 = X.T @ g, g.sum(axis=0)
    return loss, (dW1, db1), (dW2, db2)


@pair(
    "dZ1", "the negative side is 0 where its slope is 0.1",
    "db2", "sums over the classes too",
    frame=dict(
        activation="leaky_relu", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="row", labels="one_hot", layout="rows", penalty="none",
    ),
)  # fmt: skip
def pair_leaky(inputs, targets, w1, b1, w2, b2):
    batch = inputs.shape[0]
    a = inputs @ w1 + b1
    out1 = np.where(a > 0, a, 0.1 * a)
    out2 = out1 @ w2 + b2
    e = np.exp(out2 - np.max(out2, axis=1, keepdims=True))
    p = e / np.sum(e, axis=1, keepdims=True)
    loss = -np.sum(targets * np.log(p)) / batch
    d2 = (p - targets) / batch
    d1 = (d2 @ w2.T) * np.where(a > 0, 1, 0)  # fault
    grads = dict(w1=inputs.T @ d1, w2=out1.T @ d2)
    grads["b1"] = np.sum(d1, axis=0, keepdims=True)
    grads["b2"] = np.sum(d2, keepdims=True)  # fault
    return loss, grads


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def sigmoid_prime(v):
    return sigmoid(v) * (1 - sigmoid(v))


@pair(
    "dS", "the derivative of the output's sigmoid is missing",
    "dZ1", "the derivative of the sigmoid is taken at H1 instead of Z1",
    frame=dict(
        activation="sigmoid", output="sigmoid", loss="half_squared_error", outputs="K",
        reduction="sum", biases="row", labels="one_hot", layout="rows", penalty="none",
    ),
)  # fmt: skip
def pair_gates(X, Y, W1, b1, W2, b2):
    z1 = np.dot(X, W1) + b1
    o1 = sigmoid(z1)
    o2 = sigmoid(np.dot(o1, W2) + b2)
    cost = 0.5 * np.sum((Y - o2) ** 2)
    delta2 = o2 - Y  # fault
    delta1 = np.dot(delta2, W2.T) * sigmoid_prime(o1)  # fault
    dW1, db1 = np.dot(X.T, delta1), delta1.sum(axis=0, keepdims=True)
    dW2, db2 = np.dot(o1.T, delta2), delta2.sum(axis=0, keepdims=True)
    return cost, dW1, db1, dW2, db2


def softmax(x):
    e = np.exp(x - np.max(x))
    return e / e.sum()  # fault


@pair(
    "P", "the softmax divides by the sum over the whole batch",
    "dW1", "the penalty is twice what the loss has",
    frame=dict(
        activation="relu", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="flat", labels="one_hot", layout="rows", penalty="half",
    ),
)  # fmt: skip
def pair_flowers(X, Y, W1, b1, W2, b2, lambd):
    m = X.shape[0]
    A1 = np.maximum(0, X @ W1 + b1)
    A2 = softmax(A1 @ W2 + b2)
    loss = -np.sum(Y * np.log(A2)) / m
    loss += lambd / 2 * (np.sum(W1**2) + np.sum(W2**2))
    dZ2 = (A2 - Y) / m
    dW2 = A1.T @ dZ2 + lambd * W2
    db2 = dZ2.sum(axis=0)
    dZ1 = (dZ2 @ W2.T) * (A1 > 0)
    dW1 = X.T @ dZ1 + 2 * lambd * W1  # fault
    db1 = dZ1.sum(axis=0)
    return {"loss": loss, "A2": A2, "dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


def output_error(prob, labels):
    err = prob.copy()
    err[np.arange(len(labels)), labels - 1] -= 1  # fault
    return err / err.size


@pair(
    "dS", "1 is subtracted from the class before the right one",
    "dW2", "the pre-activations are used instead of the hidden units",
    frame=dict(
        activation="tanh", output="sigmoid", loss="binary_cross_entropy", outputs="K",
        reduction="elements", biases="flat", labels="indices", layout="rows", penalty="none",
    ),
)  # fmt: skip
def pair_letters(X, y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H = np.tanh(Z1)
    S = H @ W2 + b2
    loss = np.mean(np.log(1 + np.exp(S))) - S[np.arange(len(y)), y].sum() / S.size
    D2 = output_error(sigmoid(S), y)
    D1 = D2 @ W2.T * (1 - H * H)
    return loss, X.T @ D1, D1.sum(0), Z1.T @ D2, D2.sum(0)  # fault
