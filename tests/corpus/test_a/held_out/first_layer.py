"""Faults in dH1, dZ1, dW1 and db1."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import softmax

from corpus.registry import right, wrong
from corpus.test_a.held_out.shared import relu, softmax_columns, stable_softmax

# --- dH1 -----------------------------------------------------------------------------------------


@wrong("dH1.transpose.W2", "W2 is not transposed")
def missing_transpose(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    P = stable_softmax(H1 @ W2 + b2)
    dS = (P - Y) / N
    dW2 = H1.T @ dS
    db2 = np.sum(dS, axis=0)
    dH1 = dS @ W2
    dZ1 = dH1 * (Z1 > 0)
    dW1 = X.T @ dZ1
    db1 = np.sum(dZ1, axis=0)
    return dW1, db1, dW2, db2


@wrong(
    "dH1.order.W2_after_its_update", "W2 has been updated before the error is sent back through it"
)
def online_update(X, Y, W1, b1, W2, b2, learning_rate):
    z1 = X @ W1 + b1
    a1 = relu(z1)
    yhat = stable_softmax(a1 @ W2 + b2)
    delta = (yhat - Y) / X.shape[0]
    W2 = W2 - learning_rate * a1.T @ delta
    b2 = b2 - learning_rate * delta.sum(axis=0)
    delta = (delta @ W2.T) * (z1 > 0)
    W1 = W1 - learning_rate * X.T @ delta
    b1 = b1 - learning_rate * delta.sum(axis=0)
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


@wrong(
    "dH1.scale.no_mean", "the error sent back is P - Y without its 1/N, which only dW2 and db2 have"
)
def scaled_in_one_layer(X, Y, params):
    N = X.shape[0]
    W1, b1, W2, b2 = (params[k] for k in ("W1", "b1", "W2", "b2"))
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = stable_softmax(H1 @ W2 + b2)
    error = P - Y
    dW2 = H1.T @ error / N
    db2 = error.sum(axis=0) / N
    dH1 = error @ W2.T
    dZ1 = np.where(Z1 > 0, dH1, 0.0)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return {"dH1": dH1, "dZ1": dZ1, "dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


# --- dZ1 -----------------------------------------------------------------------------------------


@wrong("dZ1.mask.missing", "the ReLU's derivative is left out: dZ1 = dH1")
def relu_not_differentiated(X, y, W1, b1, W2, b2):
    N = X.shape[0]
    hidden = np.maximum(0, np.dot(X, W1) + b1)
    scores = np.dot(hidden, W2) + b2
    exp_scores = np.exp(scores)
    probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
    dscores = probs
    dscores[range(N), y] -= 1
    dscores /= N
    dW2 = np.dot(hidden.T, dscores)
    db2 = np.sum(dscores, axis=0)
    dhidden = np.dot(dscores, W2.T)
    dW1 = np.dot(X.T, dhidden)
    db1 = np.sum(dhidden, axis=0)
    return dW1, db1, dW2, db2


@wrong(
    "dZ1.mask.sign_of_dH1",
    "the mask is dH1 > 0 instead of Z1 > 0: a ReLU of the gradient",
    layout="columns",
)
def relu_of_the_gradient(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = W1 @ X + b1
    A1 = np.maximum(0, Z1)
    A2 = softmax_columns(W2 @ A1 + b2)
    dZ2 = (A2 - Y) / m
    dA1 = W2.T @ dZ2
    dZ1 = dA1 * (dA1 > 0)
    return {
        "dW1": dZ1 @ X.T,
        "db1": dZ1.sum(axis=1, keepdims=True),
        "dW2": dZ2 @ A1.T,
        "db2": dZ2.sum(axis=1, keepdims=True),
    }


@right()
def relu_prime_at_zero(X, Y, W1, b1, W2, b2):
    def relu_prime(z):
        return np.where(z >= 0, 1.0, 0.0)

    z1 = X @ W1 + b1
    a1 = relu(z1)
    z2 = a1 @ W2 + b2
    a2 = stable_softmax(z2)
    delta2 = (a2 - Y) / X.shape[0]
    delta1 = np.dot(delta2, W2.T) * relu_prime(z1)
    return X.T @ delta1, delta1.sum(axis=0), a1.T @ delta2, delta2.sum(axis=0)


@right()
def pytorch_tutorial(X, Y, W1, b1, W2, b2):
    h = X.mm(W1) + b1
    h_relu = h.clamp(min=0)
    y_pred = torch.softmax(h_relu.mm(W2) + b2, dim=1)
    loss = -(Y * y_pred.log()).sum(dim=1).mean().item()
    grad_y_pred = (y_pred - Y) / X.size(0)
    grad_w2 = h_relu.t().mm(grad_y_pred)
    grad_b2 = grad_y_pred.sum(dim=0)
    grad_h_relu = grad_y_pred.mm(W2.t())
    grad_h = grad_h_relu.clone()
    grad_h[h < 0] = 0
    grad_w1 = X.t().mm(grad_h)
    grad_b1 = grad_h.sum(dim=0)
    return loss, {"W1": grad_w1, "b1": grad_b1, "W2": grad_w2, "b2": grad_b2}


@wrong(
    "dZ1.derivative.sigmoid", "the sigmoid's derivative H1 (1 - H1) where the activation is a ReLU"
)
def sigmoid_prime_left_over(X, Y, W1, b1, W2, b2):
    l1 = np.maximum(0, np.dot(X, W1) + b1)
    l2_out = softmax(np.dot(l1, W2) + b2, axis=1)
    l2_delta = (l2_out - Y) / Y.shape[0]
    l1_error = l2_delta.dot(W2.T)
    l1_delta = l1_error * (l1 * (1 - l1))
    return {
        "dW1": X.T.dot(l1_delta),
        "db1": l1_delta.sum(axis=0),
        "dW2": l1.T.dot(l2_delta),
        "db2": l2_delta.sum(axis=0),
    }


@wrong(
    "dZ1.derivative.tanh",
    "the tanh's derivative 1 - A1² is kept from the planar-data exercise",
    layout="columns",
)
def planar_data_to_relu(X, Y, W1, b1, W2, b2):
    parameters = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
    m = X.shape[1]
    Z1 = np.dot(parameters["W1"], X) + parameters["b1"]
    A1 = relu(Z1)
    Z2 = np.dot(parameters["W2"], A1) + parameters["b2"]
    A2 = softmax_columns(Z2)
    dZ2 = A2 - Y
    dW2 = np.dot(dZ2, A1.T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = np.dot(parameters["W2"].T, dZ2) * (1 - np.power(A1, 2))
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong("dZ1.mask.H1", "dH1 is multiplied by relu(Z1) itself, not by its derivative")
def times_the_activation(X, Y, W1, b1, W2, b2):
    def activation(x, derivative=False):
        if derivative:
            return x * (x > 0)
        return np.maximum(x, 0)

    zin = X @ W1 + b1
    hid = activation(zin)
    out = stable_softmax(hid @ W2 + b2)
    err_out = (out - Y) / X.shape[0]
    err_hid = (err_out @ W2.T) * activation(zin, derivative=True)
    return X.T @ err_hid, err_hid.sum(axis=0), hid.T @ err_out, err_out.sum(axis=0)


class ClampReLU(torch.autograd.Function):
    """A ReLU as an autograd function, its mask the wrong way round."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        grad_input = grad_output.clone()
        grad_input[x > 0] = 0
        return grad_input


@wrong("dZ1.mask.reversed_at_zero", "the mask is inverted: the active units are zeroed")
def custom_autograd_relu(X, y, W1, b1, W2, b2):
    w1, c1, w2, c2 = (t.detach().clone().requires_grad_() for t in (W1, b1, W2, b2))
    out = ClampReLU.apply(X @ w1 + c1) @ w2 + c2
    loss = F.cross_entropy(out, y)
    loss.backward()
    return {"dW1": w1.grad, "db1": c1.grad, "dW2": w2.grad, "db2": c2.grad}


# --- dW1, db1 ------------------------------------------------------------------------------------


@wrong("dW1.operand.dH1_for_dZ1", "dH1 is used instead of dZ1; db1 has the right one")
def stale_variable(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    E = np.exp(S - S.max(1)[:, None])
    P = E / E.sum(1)[:, None]
    dS = (P - Y) / N
    dW2 = H1.T @ dS
    db2 = dS.sum(0)
    dH1 = dS @ W2.T
    dZ1 = dH1.copy()
    dZ1[Z1 <= 0] = 0
    dW1 = X.T @ dH1
    db1 = dZ1.sum(0)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong("dW1.scale.no_mean", "the 1/m is missing in this one line of four", layout="columns")
def one_forgotten_m(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = np.dot(W1, X) + b1
    A1 = np.maximum(Z1, 0)
    A2 = softmax_columns(np.dot(W2, A1) + b2)
    dZ2 = A2 - Y
    dW2 = (1 / m) * np.dot(dZ2, A1.T)
    db2 = (1 / m) * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.dot(W2.T, dZ2) * (Z1 > 0)
    dW1 = np.dot(dZ1, X.T)
    db1 = (1 / m) * np.sum(dZ1, axis=1, keepdims=True)
    return dW1, db1, dW2, db2


@wrong("dW1.transpose.missing", "X is not transposed")
def x_without_transpose(X, Y, W1, b1, W2, b2):
    batch_size = X.shape[0]
    f1 = np.dot(X, W1) + b1
    g1 = relu(f1)
    f2 = np.dot(g1, W2) + b2
    g2 = stable_softmax(f2)
    df2 = (g2 - Y) / batch_size
    dW2 = np.dot(g1.T, df2)
    db2 = df2.sum(axis=0)
    df1 = np.dot(df2, W2.T) * (f1 > 0).astype(float)
    dW1 = np.dot(X, df1)
    db1 = df1.sum(axis=0)
    return dW1, db1, dW2, db2


@wrong("db1.operand.dH1_summed", "sums dH1, before the mask, instead of dZ1", layout="linear")
def linear_bias_before_mask(X, Y, W1, b1, W2, b2):
    n = X.shape[0]
    z = X @ W1.T + b1
    h = z * (z > 0)
    p = stable_softmax(h @ W2.T + b2)
    g_s = (p - Y) / n
    g_h = g_s @ W2
    g_z = g_h * (z > 0)
    return {
        "W1": {"grad": g_z.T @ X},
        "b1": {"grad": g_h.sum(axis=0)},
        "W2": {"grad": g_s.T @ h},
        "b2": {"grad": g_s.sum(axis=0)},
    }


@wrong("db1.reduction.over_all", "np.sum without an axis: the sum over all hidden units")
def scalar_bias_gradient(X, Y, W1, b1, W2, b2):
    num = X.shape[0]
    a = X @ W1 + b1
    z = np.maximum(a, 0)
    y_hat = stable_softmax(z @ W2 + b2)
    back2 = (y_hat - Y) / num
    grads = {"W2": z.T @ back2, "b2": np.sum(back2, axis=0)}
    back1 = (a > 0) * (back2 @ W2.T)
    grads["W1"] = X.T @ back1
    grads["b1"] = np.sum(back1)
    return grads
