"""The names and the order of several books, courses and talks."""

from __future__ import annotations

import math

import numpy as np

from corpus.registry import right


def sigma(z):
    return 1.0 / (1.0 + np.exp(-z))


def sigma_prime(z):
    return sigma(z) * (1 - sigma(z))


# nabla_b, nabla_w


@right(
    frame=dict(activation="sigmoid", output="sigmoid", loss="half_squared_error", outputs="K",
        reduction="sum", biases="column", labels="one_hot", layout="linear", penalty="none")
)  # fmt: skip
def backprop_over_a_batch(xs, ys, w1, b1, w2, b2):
    weights, biases = [w1, w2], [b1, b2]
    nabla_b = [np.zeros(b.shape) for b in biases]
    nabla_w = [np.zeros(w.shape) for w in weights]
    for x, y in zip(xs, ys):
        x, y = x.reshape(-1, 1), y.reshape(-1, 1)
        activation, activations, zs = x, [x], []
        for b, w in zip(biases, weights):
            z = np.dot(w, activation) + b
            zs.append(z)
            activation = sigma(z)
            activations.append(activation)
        delta = (activations[-1] - y) * sigma_prime(zs[-1])
        nabla_b[-1] += delta
        nabla_w[-1] += np.dot(delta, activations[-2].transpose())
        delta = np.dot(weights[-1].transpose(), delta) * sigma_prime(zs[-2])
        nabla_b[-2] += delta
        nabla_w[-2] += np.dot(delta, activations[-3].transpose())
    return nabla_b, nabla_w


@right(
    frame=dict(activation="sigmoid", output="sigmoid", loss="binary_cross_entropy", outputs="K",
        reduction="mean", biases="column", labels="one_hot", layout="columns", penalty="half")
)  # fmt: skip
def cross_entropy_cost(X, Y, weights, biases, lmbda):
    m = X.shape[1]
    zs = [weights[0] @ X + biases[0]]
    zs.append(weights[1] @ sigma(zs[0]) + biases[1])
    delta = (sigma(zs[1]) - Y) / m
    nabla_b = [None, delta.sum(axis=1, keepdims=True)]
    nabla_w = [None, delta @ sigma(zs[0]).T + lmbda * weights[1]]
    delta = weights[1].T @ delta * sigma_prime(zs[0])
    nabla_b[0] = delta.sum(axis=1, keepdims=True)
    nabla_w[0] = delta @ X.T + lmbda * weights[0]
    return nabla_b, nabla_w


# a_j, z_j, delta_k


@right(
    frame=dict(activation="tanh", output="linear", loss="half_squared_error", outputs="K",
        reduction="sum", biases="flat", labels="one_hot", layout="linear", penalty="none")
)  # fmt: skip
def pattern_recognition(x, t, w1, b1, w2, b2):
    a1 = x @ w1.T + b1
    z1 = np.tanh(a1)
    y = z1 @ w2.T + b2
    E = 0.5 * np.sum((y - t) ** 2)
    delta_k = y - t
    delta_j = (1 - z1**2) * (delta_k @ w2)
    return E, delta_j.T @ x, delta_j.sum(0), delta_k.T @ z1, delta_k.sum(0)


@right(
    frame=dict(activation="tanh", output="linear", loss="half_squared_error", outputs="one",
        reduction="mean", biases="column", labels="flat", layout="linear", penalty="constant")
)  # fmt: skip
def one_regressor(x, t, w1, b1, w2, b2):
    alpha = 0.005
    n = t.size
    a = x @ w1.T + b1.T
    z = np.tanh(a)
    y = (z @ w2.T + b2.T).reshape(n)
    E = ((y - t) ** 2).sum() / (2 * n) + alpha / 2 * (np.sum(w1 * w1) + np.sum(w2 * w2))
    delta_k = ((y - t) / n).reshape(n, 1)
    delta_j = (1 - z**2) * np.dot(delta_k, w2)
    dE = {}
    dE["w2"] = np.dot(delta_k.T, z) + alpha * w2
    dE["b2"] = np.dot(delta_k.T, np.ones((n, 1)))
    dE["w1"] = np.dot(delta_j.T, x) + alpha * w1
    dE["b1"] = np.dot(delta_j.T, np.ones((n, 1)))
    return E, dE


@right(
    frame=dict(activation="tanh", output="sigmoid", loss="half_squared_error", outputs="K",
        reduction="mean", biases="flat", labels="indices", layout="linear", penalty="half")
)  # fmt: skip
def posterior_mode(x, labels, w1, b1, w2, b2, alpha_l2):
    N = len(x)
    t = (labels[:, None] == np.arange(len(b2))).astype(float)
    a1 = np.einsum("nd,hd->nh", x, w1) + b1
    z1 = np.tanh(a1)
    a2 = np.einsum("nh,kh->nk", z1, w2) + b2
    y = sigma(a2)
    delta2 = (y - t) * sigma_prime(a2) / N
    delta1 = np.einsum("nk,kh->nh", delta2, w2) / np.cosh(a1) ** 2
    return {
        "a1": a1,
        "z1": z1,
        "delta1": delta1,
        "delta2": delta2,
        "w1": delta1.T @ x + alpha_l2 * w1,
        "b1": delta1.sum(0),
        "w2": delta2.T @ z1 + alpha_l2 * w2,
        "b2": delta2.sum(0),
    }


# delta3, delta2


@right(
    frame=dict(activation="tanh", output="softmax", loss="cross_entropy", outputs="K",
        reduction="sum", biases="row", labels="indices", layout="rows", penalty="half")
)  # fmt: skip
def moons(X, y, W1, b1, W2, b2, reg_lambda):
    num_examples = len(X)
    z1 = X.dot(W1) + b1
    a1 = np.tanh(z1)
    z2 = a1.dot(W2) + b2
    exp_scores = np.exp(z2)
    probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
    data_loss = np.sum(-np.log(probs[range(num_examples), y]))
    data_loss += reg_lambda / 2 * (np.sum(np.square(W1)) + np.sum(np.square(W2)))
    delta3 = probs
    delta3[range(num_examples), y] -= 1
    dW2 = (a1.T).dot(delta3)
    db2 = np.sum(delta3, axis=0, keepdims=True)
    delta2 = delta3.dot(W2.T) * (1 - np.power(a1, 2))
    dW1 = np.dot(X.T, delta2)
    db1 = np.sum(delta2, axis=0, keepdims=True)
    dW2 += reg_lambda * W2
    dW1 += reg_lambda * W1
    return data_loss, {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@right(
    frame=dict(activation="softplus", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="row", labels="indices", layout="rows", penalty="full")
)  # fmt: skip
def moons_by_softplus(X, y, model, lam):
    W1, b1, W2, b2 = model["W1"], model["b1"], model["W2"], model["b2"]
    n = X.shape[0]
    z1 = X @ W1 + b1
    a1 = np.log1p(np.exp(z1))
    z2 = a1 @ W2 + b2
    probs = np.exp(z2) / np.exp(z2).sum(axis=1, keepdims=True)
    loss = np.sum(-np.log(probs[np.arange(n), y])) / n
    loss += lam * (np.sum(W1**2) + np.sum(W2**2))
    delta3 = probs.copy()
    delta3[np.arange(n), y] -= 1
    delta3 = delta3 / n
    delta2 = (delta3 @ W2.T) * (1 / (1 + np.exp(-z1)))
    gradients = {
        "W2": a1.T @ delta3 + 2 * lam * W2,
        "b2": delta3.sum(axis=0, keepdims=True),
        "W1": X.T @ delta2 + 2 * lam * W1,
        "b1": delta2.sum(axis=0, keepdims=True),
    }
    return gradients, loss


# dlogits, dhpreact


@right(
    frame=dict(activation="tanh", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="flat", labels="indices", layout="rows", penalty="none")
)  # fmt: skip
def ninja(Xb, Yb, W1, b1, W2, b2):
    n = Xb.shape[0]
    hpreact = Xb @ W1 + b1
    h = np.tanh(hpreact)
    logits = h @ W2 + b2
    logit_maxes = logits.max(1, keepdims=True)
    norm_logits = logits - logit_maxes
    counts = np.exp(norm_logits)
    counts_sum = counts.sum(1, keepdims=True)
    counts_sum_inv = counts_sum**-1
    probs = counts * counts_sum_inv
    logprobs = np.log(probs)
    loss = -logprobs[range(n), Yb].mean()

    dlogprobs = np.zeros_like(logprobs)
    dlogprobs[range(n), Yb] = -1.0 / n
    dprobs = (1.0 / probs) * dlogprobs
    dcounts_sum_inv = (counts * dprobs).sum(1, keepdims=True)
    dcounts = counts_sum_inv * dprobs
    dcounts_sum = (-(counts_sum**-2)) * dcounts_sum_inv
    dcounts += np.ones_like(counts) * dcounts_sum
    dnorm_logits = counts * dcounts
    dlogits = dnorm_logits.copy()
    dlogit_maxes = (-dnorm_logits).sum(1, keepdims=True)
    dlogits[np.arange(n), logits.argmax(1)] += dlogit_maxes[:, 0]
    dh = dlogits @ W2.T
    dW2 = h.T @ dlogits
    db2 = dlogits.sum(0)
    dhpreact = (1.0 - h**2) * dh
    dW1 = Xb.T @ dhpreact
    db1 = dhpreact.sum(0)
    return locals()


@right(
    frame=dict(activation="sigmoid", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="none", labels="indices", layout="linear", penalty="constant")
)  # fmt: skip
def transformer_scale(xb, yb, w1, w2):
    weight_decay = 0.1
    B = len(xb)
    h = sigma(xb @ w1.T)
    logits = h @ w2.T
    logits = logits - logits.max(-1, keepdims=True)
    logprobs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    loss = -logprobs[np.arange(B), yb].mean()
    loss = loss + 0.5 * weight_decay * ((w1**2).sum() + (w2**2).sum())
    dlogits = np.exp(logprobs)
    dlogits[np.arange(B), yb] -= 1
    dlogits /= B
    dw2 = dlogits.T @ h + weight_decay * w2
    dhpreact = (dlogits @ w2) * h * (1.0 - h)
    dw1 = dhpreact.T @ xb + weight_decay * w1
    return loss, dw1, dw2


# syn0, l1_error, l1_delta


@right(
    frame=dict(activation="sigmoid", output="sigmoid", loss="half_squared_error", outputs="one",
        reduction="sum", biases="none", labels="column", layout="rows", penalty="none")
)  # fmt: skip
def eleven_lines(X, y, w1, w2):
    l1 = 1 / (1 + np.exp(-(np.dot(X, w1))))
    l2 = 1 / (1 + np.exp(-(np.dot(l1, w2))))
    l2_delta = (y - l2) * (l2 * (1 - l2))
    l1_delta = l2_delta.dot(w2.T) * (l1 * (1 - l1))
    return -X.T.dot(l1_delta), -l1.T.dot(l2_delta)


@right(
    frame=dict(activation="relu", output="sigmoid", loss="half_squared_error", outputs="one",
        reduction="sum", biases="row", labels="column", layout="rows", penalty="full")
)  # fmt: skip
def stoplight(x, target, W1, b1, W2, b2, weight_decay):
    layer_1 = np.maximum(x @ W1 + b1, 0)
    layer_2 = sigma(layer_1 @ W2 + b2)
    error = np.sum((layer_2 - target) ** 2) / 2
    error += weight_decay * (np.sum(W1**2) + np.sum(W2**2))
    layer_2_delta = (layer_2 - target) * layer_2 * (1 - layer_2)
    layer_1_delta = layer_2_delta.dot(W2.T) * (layer_1 > 0)
    weight_deltas = [
        x.T.dot(layer_1_delta) + 2 * weight_decay * W1,
        layer_1.T.dot(layer_2_delta) + 2 * weight_decay * W2,
    ]
    bias_deltas = [d.sum(axis=0, keepdims=True) for d in (layer_1_delta, layer_2_delta)]
    return error, weight_deltas, bias_deltas


@right(
    frame=dict(activation="relu", output="sigmoid", loss="binary_cross_entropy", outputs="one",
        reduction="mean", biases="flat", labels="column", layout="rows", penalty="none")
)  # fmt: skip
def spam_or_not(features, targets, w1, b1, w2, b2):
    n_records = features.shape[0]
    hidden_inputs = np.dot(features, w1) + b1
    hidden_outputs = np.where(hidden_inputs > 0, hidden_inputs, 0)
    final_outputs = sigma(np.dot(hidden_outputs, w2) + b2)
    error = targets - final_outputs
    hidden_error = np.dot(error, w2.T)
    output_error_term = error
    hidden_error_term = hidden_error * (hidden_inputs > 0)
    delta_w1 = np.dot(features.T, hidden_error_term) / n_records
    delta_w2 = np.dot(hidden_outputs.T, output_error_term) / n_records
    delta_b1 = hidden_error_term.mean(axis=0)
    delta_b2 = output_error_term.mean(axis=0)
    return {"w1": -delta_w1, "b1": -delta_b1, "w2": -delta_w2, "b2": -delta_b2}


@right(
    frame=dict(activation="gelu", output="linear", loss="half_squared_error", outputs="one",
        reduction="sum", biases="none", labels="column", layout="linear", penalty="none")
)  # fmt: skip
def smooth_regressor(x, y, w1, w2):
    u = x @ w1.T
    cdf = np.array([[0.5 * math.erfc(-v / math.sqrt(2)) for v in row] for row in u])
    pdf = np.exp(-(u**2) / 2) / math.sqrt(2 * math.pi)
    s = u * cdf
    r = s @ w2.T - y
    return 0.5 * np.sum(r * r), (r @ w2 * (cdf + u * pdf)).T @ x, r.T @ s
