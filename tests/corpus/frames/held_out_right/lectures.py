"""Class scores by a softmax, a row per example, as lecture notes and their readers write them."""

from __future__ import annotations

import math

import numpy as np

from corpus.registry import right

erf = np.vectorize(math.erf)


@right(frame=dict(
    activation="tanh", output="softmax", loss="cross_entropy", outputs="K",
    reduction="sum", biases="none", labels="indices", layout="rows", penalty="none",
))  # fmt: skip
def bigram_step(xb, yb, W1, W2):
    n = xb.shape[0]
    hpreact = xb @ W1
    h = np.tanh(hpreact)
    logits = h @ W2
    counts = np.exp(logits - logits.max(1, keepdims=True))
    probs = counts / counts.sum(1, keepdims=True)
    logprobs = np.log(probs)
    loss = -logprobs[range(n), yb].sum()

    dlogits = probs.copy()
    dlogits[range(n), yb] -= 1
    dh = dlogits @ W2.T
    dW2 = h.T @ dlogits
    dhpreact = (1.0 - h**2) * dh
    dW1 = xb.T @ dhpreact
    return loss, dW1, dW2


@right(frame=dict(
    activation="leaky_relu", output="softmax", loss="cross_entropy", outputs="K",
    reduction="mean", biases="column", labels="one_hot", layout="rows", penalty="by_N",
))  # fmt: skip
def train_pass(X_train, Y_train, W1, b1, W2, b2, lambd):
    m = X_train.shape[0]
    z1 = X_train.dot(W1) + b1.T
    a1 = np.where(z1 > 0, z1, 0.2 * z1)
    z2 = a1.dot(W2) + b2.T
    z2 = z2 - np.max(z2, axis=1, keepdims=True)
    p = np.exp(z2)
    p /= np.sum(p, axis=1, keepdims=True)

    cost = -np.sum(Y_train * np.log(p)) / m
    cost += lambd / (2 * m) * (np.sum(np.square(W1)) + np.sum(np.square(W2)))

    dz2 = (p - Y_train) / m
    dW2 = a1.T.dot(dz2) + lambd / m * W2
    db2 = dz2.sum(axis=0).reshape(-1, 1)
    da1 = dz2.dot(W2.T)
    dz1 = da1.copy()
    dz1[z1 <= 0] *= 0.2
    dW1 = X_train.T.dot(dz1) + lambd / m * W1
    db1 = dz1.sum(axis=0).reshape(-1, 1)
    return cost, {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@right(frame=dict(
    activation="softplus", output="softmax", loss="cross_entropy", outputs="K",
    reduction="sum", biases="column", labels="indices", layout="rows", penalty="half",
))  # fmt: skip
def smooth_units(X, y, W1, b1, W2, b2, reg=0.0):
    N = X.shape[0]
    scores_in = X.dot(W1) + b1.ravel()
    hidden = np.log1p(np.exp(scores_in))
    scores = hidden.dot(W2) + b2.ravel()
    shifted = scores - np.max(scores, axis=1)[:, np.newaxis]
    Z = np.sum(np.exp(shifted), axis=1)[:, np.newaxis]
    log_probs = shifted - np.log(Z)
    probs = np.exp(log_probs)
    data_loss = -np.sum(log_probs[np.arange(N), y])
    reg_loss = 0.5 * reg * np.sum(W1 * W1) + 0.5 * reg * np.sum(W2 * W2)
    loss = data_loss + reg_loss

    dscores = probs.copy()
    dscores[np.arange(N), y] -= 1
    grads = {}
    grads["W2"] = np.dot(hidden.T, dscores) + reg * W2
    grads["b2"] = np.sum(dscores, axis=0)[:, None]
    dhidden = np.dot(dscores, W2.T)
    dhidden = dhidden / (1 + np.exp(-scores_in))
    grads["W1"] = np.dot(X.T, dhidden) + reg * W1
    grads["b1"] = np.sum(dhidden, axis=0)[:, None]
    return loss, grads


@right(frame=dict(
    activation="leaky_relu", output="softmax", loss="cross_entropy", outputs="K",
    reduction="mean", biases="column", labels="one_hot", layout="rows", penalty="none",
))  # fmt: skip
def leaky_classifier(data, targets, W1, b1, W2, b2):
    pre = data @ W1 + np.transpose(b1)
    out1 = np.maximum(0.01 * pre, pre)
    scores = out1 @ W2 + np.transpose(b2)
    e = np.exp(scores)
    probs = e / e.sum(axis=1).reshape(-1, 1)
    loss = np.mean(-np.sum(targets * np.log(probs), axis=1))
    ones = np.ones((len(data), 1))
    grad_scores = (probs - targets) / len(data)
    grad_W2 = out1.T @ grad_scores
    grad_b2 = grad_scores.T @ ones
    slope = np.ones_like(pre)
    slope[pre < 0] = 0.01
    grad_pre = grad_scores @ W2.T * slope
    grad_W1 = data.T @ grad_pre
    grad_b1 = grad_pre.T @ ones
    return grad_W1, grad_b1, grad_W2, grad_b2, loss


@right(frame=dict(
    activation="sigmoid", output="softmax", loss="cross_entropy", outputs="K",
    reduction="mean", biases="flat", labels="indices", layout="rows", penalty="by_N",
))  # fmt: skip
def calculate_gradients(model, X, y, reg_lambda):
    W1, b1, W2, b2 = model["W1"], model["b1"], model["W2"], model["b2"]
    num_examples = len(X)
    z1 = X.dot(W1) + b1
    a1 = 1.0 / (1.0 + np.exp(-z1))
    z2 = a1.dot(W2) + b2
    exp_scores = np.exp(z2)
    probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)

    correct_logprobs = -np.log(probs[range(num_examples), y])
    data_loss = np.sum(correct_logprobs)
    data_loss += reg_lambda / 2 * (np.sum(np.square(W1)) + np.sum(np.square(W2)))
    loss = 1.0 / num_examples * data_loss

    delta3 = probs
    delta3[range(num_examples), y] -= 1
    dW2 = (a1.T).dot(delta3)
    db2 = np.sum(delta3, axis=0)
    delta2 = delta3.dot(W2.T) * a1 * (1 - a1)
    dW1 = np.dot(X.T, delta2)
    db1 = np.sum(delta2, axis=0)
    dW2 += reg_lambda * W2
    dW1 += reg_lambda * W1
    dW1, db1, dW2, db2 = (g / num_examples for g in (dW1, db1, dW2, db2))
    return {"loss": loss, "dW1": dW1, "dW2": dW2, "db1": db1, "db2": db2}


@right(frame=dict(
    activation="gelu", output="softmax", loss="cross_entropy", outputs="K",
    reduction="mean", biases="row", labels="one_hot", layout="rows", penalty="by_N",
))  # fmt: skip
def feed_forward_block(x, t, w1, b1, w2, b2, weight_decay):
    batch_size = x.shape[0]
    u = x @ w1 + b1
    cdf = 0.5 * (1.0 + erf(u / math.sqrt(2.0)))
    h = u * cdf
    logits = h @ w2 + b2
    logits -= logits.max(axis=-1, keepdims=True)
    logp = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    loss = -(t * logp).sum(axis=-1).mean()
    loss += weight_decay * ((w1**2).sum() + (w2**2).sum()) / (2 * batch_size)

    dlogits = (np.exp(logp) - t) / batch_size
    dw2 = h.T @ dlogits + weight_decay * w2 / batch_size
    db2 = dlogits.sum(axis=0, keepdims=True)
    dh = dlogits @ w2.T
    pdf = np.exp(-0.5 * u * u) / math.sqrt(2.0 * math.pi)
    du = dh * (cdf + u * pdf)
    dw1 = x.T @ du + weight_decay * w1 / batch_size
    db1 = du.sum(axis=0, keepdims=True)
    return loss, (dw1, db1, dw2, db2)


@right(frame=dict(
    activation="gelu", output="softmax", loss="cross_entropy", outputs="K",
    reduction="mean", biases="column", labels="one_hot", layout="rows", penalty="none",
))  # fmt: skip
def tanh_gelu_block(x, target, w1, b1, w2, b2):
    c = math.sqrt(2.0 / math.pi)
    z = x @ w1 + b1[:, 0]
    inner = c * (z + 0.044715 * z**3)
    tanh_inner = np.tanh(inner)
    h = 0.5 * z * (1.0 + tanh_inner)
    s = h @ w2 + b2[:, 0]
    s = s - s.max(1, keepdims=True)
    p = np.exp(s) / np.exp(s).sum(1, keepdims=True)

    ds = (p - target) / x.shape[0]
    dh = ds @ w2.T
    dinner = c * (1.0 + 3 * 0.044715 * z**2)
    dz = dh * (0.5 * (1.0 + tanh_inner) + 0.5 * z * (1.0 - tanh_inner**2) * dinner)
    return {
        "w1": x.T @ dz,
        "b1": dz.sum(0)[:, None],
        "w2": h.T @ ds,
        "b2": ds.sum(0)[:, None],
    }


@right(frame=dict(
    activation="relu", output="softmax", loss="cross_entropy", outputs="K",
    reduction="mean", biases="flat", labels="indices", layout="rows", penalty="full",
))  # fmt: skip
def two_layer_loss(X, y, params, reg):
    W1, b1 = params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]
    num_train, _ = X.shape
    h1 = X.dot(W1) + b1
    mask = h1 < 0
    h1[mask] = 0
    scores = h1.dot(W2) + b2
    scores -= scores.max(axis=1)[:, None]
    exp = np.exp(scores)
    prob = exp / exp.sum(axis=1)[:, None]
    loss = -np.log(prob[np.arange(num_train), y]).mean() + reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
    dout = prob
    dout[np.arange(num_train), y] -= 1
    dout /= num_train
    grads = {"W2": h1.T.dot(dout) + 2 * reg * W2, "b2": dout.sum(axis=0)}
    dh1 = dout.dot(W2.T)
    dh1[mask] = 0
    grads["W1"] = X.T.dot(dh1) + 2 * reg * W1
    grads["b1"] = dh1.sum(axis=0)
    return loss, grads


@right(frame=dict(
    activation="tanh", output="softmax", loss="cross_entropy", outputs="K",
    reduction="mean", biases="row", labels="indices", layout="rows", penalty="half",
))  # fmt: skip
def moons_update(X, y, W1, b1, W2, b2, reg_lambda=0.01, epsilon=0.01):
    N = X.shape[0]
    a1 = np.tanh(X.dot(W1) + b1)
    e = np.exp(a1.dot(W2) + b2)
    probs = e / np.sum(e, axis=1, keepdims=True)

    delta3 = probs
    delta3[range(N), y] -= 1
    delta3 /= N
    dW2 = a1.T.dot(delta3)
    db2 = np.sum(delta3, axis=0, keepdims=True)
    delta2 = delta3.dot(W2.T) * (1 - np.power(a1, 2))
    dW1 = np.dot(X.T, delta2)
    db1 = np.sum(delta2, axis=0, keepdims=True)

    dW2 += reg_lambda * W2
    dW1 += reg_lambda * W1

    W1 += -epsilon * dW1
    b1 += -epsilon * db1
    W2 += -epsilon * dW2
    b2 += -epsilon * db2
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


@right(frame=dict(
    activation="tanh", output="softmax", loss="cross_entropy", outputs="K",
    reduction="mean", biases="flat", labels="indices", layout="rows", penalty="none",
))  # fmt: skip
def manual_backprop(Xb, Yb, W1, b1, W2, b2):
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
    dcounts_sum = -(counts_sum**-2) * dcounts_sum_inv
    dcounts += np.ones_like(counts) * dcounts_sum
    dnorm_logits = counts * dcounts
    dlogits = dnorm_logits.copy()
    dlogit_maxes = (-dnorm_logits).sum(1, keepdims=True)
    dlogits += np.eye(logits.shape[1])[logits.argmax(1)] * dlogit_maxes
    dh = dlogits @ W2.T
    dW2 = h.T @ dlogits
    db2 = dlogits.sum(0)
    dhpreact = (1.0 - h**2) * dh
    dW1 = Xb.T @ dhpreact
    db1 = dhpreact.sum(0)
    return [dW1, db1, dW2, db2]


@right(frame=dict(
    activation="relu", output="softmax", loss="cross_entropy", outputs="K",
    reduction="mean", biases="row", labels="one_hot", layout="rows", penalty="constant",
))  # fmt: skip
def spiral(X, Y, W1, b1, W2, b2):
    reg = 1e-3
    num_examples = X.shape[0]
    hidden_layer = np.maximum(0, np.dot(X, W1) + b1)
    scores = np.dot(hidden_layer, W2) + b2
    exp_scores = np.exp(scores)
    probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
    data_loss = np.sum(-np.log(np.sum(probs * Y, axis=1))) / num_examples
    reg_loss = 0.5 * reg * np.sum(W1 * W1) + 0.5 * reg * np.sum(W2 * W2)
    loss = data_loss + reg_loss
    dscores = (probs - Y) / num_examples
    dW2 = np.dot(hidden_layer.T, dscores)
    db2 = np.sum(dscores, axis=0, keepdims=True)
    dhidden = np.dot(dscores, W2.T)
    dhidden[hidden_layer <= 0] = 0
    dW1 = np.dot(X.T, dhidden)
    db1 = np.sum(dhidden, axis=0, keepdims=True)
    dW2 += reg * W2
    dW1 += reg * W1
    return loss, dW1, db1, dW2, db2


@right(frame=dict(
    activation="sigmoid", output="softmax", loss="cross_entropy", outputs="K",
    reduction="sum", biases="flat", labels="one_hot", layout="rows", penalty="none",
))  # fmt: skip
def summed_over_the_batch(inputs, labels, weights, biases):
    (w1, w2), (b1, b2) = weights, biases
    h = 1 / (1 + np.exp(-(inputs @ w1 + b1)))
    o = np.exp(h @ w2 + b2)
    o = o / o.sum(axis=1, keepdims=True)
    total = -(labels * np.log(o)).sum()
    err = o - labels
    back = err @ w2.T * h * (1 - h)
    return total, [inputs.T @ back, h.T @ err], [back.sum(axis=0), err.sum(axis=0)]
