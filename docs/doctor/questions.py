"""The functions of docs/questions.md, one for each question, in the styles in which people ask."""

import numpy as np


def softmax(S):
    E = np.exp(S - S.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def a_difference_of_a_third(X, Y, W1, b1, W2, b2):
    m = X.shape[0]
    A1 = np.tanh(X @ W1 + b1)
    Yhat = A1 @ W2 + b2
    J = np.sum((Yhat - Y) ** 2) / (2 * m)
    dYhat = 2 * (Yhat - Y) / m
    dZ1 = dYhat @ W2.T * (1 - A1**2)
    return J, {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": A1.T @ dYhat, "db2": dYhat.sum(0)}


def twice_and_four_times(X, Y, parameters):
    m = X.shape[1]
    W1, b1, W2, b2 = (parameters[name] for name in ("W1", "b1", "W2", "b2"))
    Z1 = np.dot(W1, X) + b1
    A1 = np.maximum(0, Z1)
    A2 = sigmoid(np.dot(W2, A1) + b2)

    dZ2 = A2 - Y
    dW2 = 1.0 / m * np.dot(dZ2, A1.T) * 2
    db2 = 1.0 / m * np.sum(dZ2, axis=1, keepdims=True)
    dA1 = np.dot(W2.T, dZ2)
    dZ1 = np.multiply(dA1, np.int64(A1 > 0))
    dW1 = 1.0 / m * np.dot(dZ1, X.T)
    db1 = 4.0 / m * np.sum(dZ1, axis=1, keepdims=True)
    return {"dZ2": dZ2, "dW2": dW2, "db2": db2, "dA1": dA1, "dZ1": dZ1, "dW1": dW1, "db1": db1}


def once_more_by_m(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    A1 = np.tanh(np.dot(W1, X) + b1)
    A2 = sigmoid(np.dot(W2, A1) + b2)
    dZ2 = A2 - Y
    dW2 = 1 / m * np.dot(dZ2, A1.T)
    db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = 1 / m * np.dot(W2.T, dZ2) * (1 - np.power(A1, 2))
    dW1 = 1 / m * np.dot(dZ1, X.T)
    db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


def not_aligned(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    A1 = np.tanh(np.dot(W1, X) + b1)
    A2 = sigmoid(np.dot(W2, A1) + b2)
    dZ2 = A2 - Y
    dW2 = np.dot(dZ2, A1.T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = np.dot(np.dot(W2.T, dZ2), 1 - np.power(A1, 2))
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


def no_sum_over_examples(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    A1 = np.tanh(np.dot(W1, X) + b1)
    A2 = sigmoid(np.dot(W2, A1) + b2)
    dZ2 = (A2 - Y) / m
    dW2 = np.multiply(dZ2, A1)
    db2 = np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.multiply(W2.T, dZ2) * (1 - np.power(A1, 2))
    dW1 = np.dot(dZ1, X.T)
    db1 = np.sum(dZ1, axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


def grad_w2_for_w2(x, y, w1, w2):
    h = x.dot(w1)
    h_relu = np.maximum(h, 0)
    y_pred = h_relu.dot(w2)
    loss = np.square(y_pred - y).sum()

    grad_y_pred = 2.0 * (y_pred - y)
    grad_w2 = h_relu.T.dot(grad_y_pred)
    grad_h_relu = grad_y_pred.dot(grad_w2.T)
    grad_h = grad_h_relu.copy()
    grad_h[h < 0] = 0
    grad_w1 = x.T.dot(grad_h)
    return loss, grad_w1, grad_w2


def no_division(X, y, W, b, W2, b2, reg):
    num_examples = X.shape[0]
    hidden_layer = np.maximum(0, np.dot(X, W) + b)
    scores = np.dot(hidden_layer, W2) + b2
    exp_scores = np.exp(scores - np.max(scores, axis=1, keepdims=True))
    probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
    data_loss = np.sum(-np.log(probs[range(num_examples), y])) / num_examples
    loss = data_loss + 0.5 * reg * np.sum(W * W) + 0.5 * reg * np.sum(W2 * W2)

    dscores = probs
    dscores[range(num_examples), y] -= 1
    dW2 = np.dot(hidden_layer.T, dscores)
    db2 = np.sum(dscores, axis=0, keepdims=True)
    dhidden = np.dot(dscores, W2.T)
    dhidden[hidden_layer <= 0] = 0
    dW = np.dot(X.T, dhidden)
    db = np.sum(dhidden, axis=0, keepdims=True)
    dW2 += reg * W2
    dW += reg * W
    return loss, dW, db, dW2, db2


def biases_not_averaged(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    A1 = np.tanh(np.dot(W1, X) + b1)
    A2 = sigmoid(np.dot(W2, A1) + b2)
    dZ2 = A2 - Y
    dW2 = np.dot(dZ2, A1.T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.dot(W2.T, dZ2) * (1 - A1**2)
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


def only_the_diagonal(X, Y, W1, b1, W2, b2):
    N = len(X)
    H1 = np.maximum(X @ W1 + b1, 0)
    P = softmax(H1 @ W2 + b2)
    loss = -np.sum(Y * np.log(P)) / N
    dP = -Y / P / N
    dS = dP * P * (1 - P)
    dZ1 = dS @ W2.T * (H1 > 0)
    return loss, X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


def one_number_for_all_biases(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = W1.dot(X) + b1
    A1 = np.maximum(Z1, 0)
    Z2 = W2.dot(A1) + b2
    A2 = np.exp(Z2 - Z2.max(axis=0)) / np.sum(np.exp(Z2 - Z2.max(axis=0)), axis=0)
    dZ2 = A2 - Y
    dW2 = 1 / m * dZ2.dot(A1.T)
    db2 = 1 / m * np.sum(dZ2)
    dZ1 = W2.T.dot(dZ2) * (Z1 > 0)
    dW1 = 1 / m * dZ1.dot(X.T)
    db1 = 1 / m * np.sum(dZ1)
    return dW1, db1, dW2, db2


def sum_over_the_batch(x, y, w1, b1, w2, b2):
    m = x.shape[0]
    z1 = x.dot(w1) + b1
    a1 = np.maximum(z1, 0)
    z2 = a1.dot(w2) + b2
    a2 = np.exp(z2) / sum(np.exp(z2))
    y_hat = np.zeros(a2.shape)
    y_hat[np.arange(m), y] = 1
    dadc = a2 - y_hat
    dw2 = 1 / m * a1.T.dot(dadc)
    db2 = 1 / m * np.sum(dadc, axis=0)
    dw1 = 1 / m * x.T.dot(w2.dot(dadc.T).T * (z1 > 0))
    db1 = 1 / m * np.sum(w2.dot(dadc.T).T * (z1 > 0), axis=0)
    return dw2, db2, dw1, db1


def everything_sums_to_one(x, y, w1, b1, w2, b2):
    a0 = x.T
    a1 = sigmoid(w1.dot(a0) + b1)
    z = np.exp(w2.dot(a1) + b2)
    p = z / z.sum()
    d2 = (p - y.T) / len(x)
    d1 = w2.T.dot(d2)
    d_w2, d_b2 = d2.dot(a1.T), np.sum(d2, axis=1, keepdims=True)
    d_w1, d_b1 = d1.dot(a0.T), np.sum(d1, axis=1, keepdims=True)
    return d_w1, d_b1, d_w2, d_b2


def exponentials_overflow(X, Y, W1, b1, W2, b2):
    H1 = np.maximum(X @ W1 + b1, 0)
    S = H1 @ W2 + b2
    P = np.exp(S) / np.exp(S).sum(axis=1, keepdims=True)
    dS = (P - Y) / len(X)
    dZ1 = dS @ W2.T * (H1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


def still_dead(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.where(Z1 > 0, Z1, 0.01 * Z1)
    P = softmax(H1 @ W2 + b2)
    loss = -np.sum(Y * np.log(P)) / len(X)
    dS = (P - Y) / len(X)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    return loss, {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


def close_enough(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.tanh(Z1)
    P = softmax(H1 @ W2 + b2)
    loss = -np.sum(Y * np.log(P)) / len(X)
    dS = (P - Y) / len(X)
    dZ1 = dS @ W2.T * (1 - H1**2)
    return loss, {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


def at_the_kink(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2)
    loss = -np.sum(Y * np.log(P)) / len(X)
    dS = (P - Y) / len(X)
    dZ1 = dS @ W2.T
    dZ1[Z1 < 0] = 0
    return loss, {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


def not_exact(X, Y, W1, b1, W2, b2):
    X, Y, W1, b1, W2, b2 = (array.astype(np.float32) for array in (X, Y, W1, b1, W2, b2))
    n = X.shape[0]
    hpreact = X @ W1 + b1
    h = np.tanh(hpreact)
    logits = h @ W2 + b2
    probs = softmax(logits)
    dlogits = (probs - Y) / n
    dh = dlogits @ W2.T
    dW2 = h.T @ dlogits
    db2 = dlogits.sum(0)
    dhpreact = (1.0 - h**2) * dh
    dW1 = X.T @ dhpreact
    db1 = dhpreact.sum(0)
    return {"dlogits": dlogits, "dh": dh, "dhpreact": dhpreact,
            "dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}  # fmt: skip


def only_the_last_row(X, Y, W1, b1, W2, b2):
    N, d = X.shape
    H = len(b1)
    H1 = np.maximum(X @ W1 + b1, 0)
    dS = (softmax(H1 @ W2 + b2) - Y) / N
    dZ1 = dS @ W2.T * (H1 > 0)
    dW1 = np.zeros((d, H))
    for n in range(N):
        for i in range(d):
            for j in range(H):
                dW1[i, j] = X[n, i] * dZ1[n, j]
    return {"dW1": dW1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


def penalty_without_half(X, y, W1, b1, W2, b2, reg):
    N = X.shape[0]
    H1 = np.maximum(0, X.dot(W1) + b1)
    P = softmax(H1.dot(W2) + b2)
    loss = -np.log(P[np.arange(N), y]).sum() / N
    loss += reg * np.sum(W1 * W1) + reg * np.sum(W2 * W2)
    grads = {}
    dscores = P.copy()
    dscores[np.arange(N), y] -= 1
    dscores /= N
    grads["W2"] = H1.T.dot(dscores) + reg * W2
    grads["b2"] = np.sum(dscores, axis=0)
    dhidden = dscores.dot(W2.T)
    dhidden[H1 <= 0] = 0
    grads["W1"] = X.T.dot(dhidden) + reg * W1
    grads["b1"] = np.sum(dhidden, axis=0)
    return loss, grads


class Value:
    """A node of a graph, as in micrograd, that holds an array."""

    def __init__(self, data, parents=(), backward=lambda _: ()):
        self.data, self.grad = data, np.zeros_like(data)
        self.parents, self.to_parents = parents, backward

    def __add__(self, bias):
        return Value(self.data + bias.data, (self, bias), lambda g: (g, g.sum(axis=0)))

    def __matmul__(self, W):
        return Value(self.data @ W.data, (self, W), lambda g: (g @ W.data.T, self.data.T @ g))

    def tanh(self):
        t = np.tanh(self.data)
        return Value(t, (self,), lambda g: (g * (1 - t**2),))

    def squared_error(self, Y):
        error, N = self.data - Y, len(Y)
        return Value(np.sum(error**2) / N, (self,), lambda g: (g * 2 * error / N,))

    def backward(self, grad=1.0):
        """For a graph that is a chain, in which each node but the parameters is used once."""
        self.grad = self.grad + grad
        for parent, part in zip(self.parents, self.to_parents(grad), strict=False):
            parent.backward(part)


def before_backward(X, Y, W1, b1, W2, b2):
    W1, b1, W2, b2 = Value(W1), Value(b1), Value(W2), Value(b2)
    hidden = (Value(X) @ W1 + b1).tanh()
    loss = (hidden @ W2 + b2).squared_error(Y)
    grads = {"dW1": W1.grad, "db1": b1.grad, "dW2": W2.grad, "db2": b2.grad}
    loss.backward()
    return loss.data, grads
