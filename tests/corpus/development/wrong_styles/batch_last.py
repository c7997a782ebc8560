"""Examples as columns."""

import numpy as np
from scipy.special import softmax

from corpus.registry import wrong

# --- batch last ----------------------------------------------------------------------------------


@wrong("db2.scale.no_mean", "the sum over the examples is not divided by m", layout="columns")
def columns_bias(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = np.dot(W1, X) + b1
    A1 = np.maximum(0, Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = np.exp(Z2) / np.sum(np.exp(Z2), axis=0, keepdims=True)
    dZ2 = A2 - Y
    dW2 = 1 / m * np.dot(dZ2, A1.T)
    db2 = np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.dot(W2.T, dZ2) * (Z1 > 0)
    dW1 = 1 / m * np.dot(dZ1, X.T)
    db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong(
    "dZ1.derivative.tanh",
    "the derivative of tanh, 1 - A1^2, in place of the ReLU's",
    layout="columns",
)
def columns_tanh_derivative(X, Y, W1, b1, W2, b2):
    m = Y.shape[1]
    A1 = np.maximum(np.dot(W1, X) + b1, 0)
    A2 = softmax(np.dot(W2, A1) + b2, axis=0)
    dZ2 = A2 - Y
    dW2 = np.dot(dZ2, A1.T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = np.multiply(np.dot(W2.T, dZ2), 1 - np.power(A1, 2))
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong("dW1.scale.no_mean", "not divided by m, as the other gradients are", layout="columns")
def columns_first_weights(X, Y, params):
    W1, b1, W2, b2 = params["W1"], params["b1"], params["W2"], params["b2"]
    m = X.shape[1]
    Z1 = W1 @ X + b1
    A1 = Z1 * (Z1 > 0)
    A2 = softmax(W2 @ A1 + b2, axis=0)
    grads = {}
    dZ2 = A2 - Y
    grads["dW2"] = dZ2 @ A1.T / m
    grads["db2"] = dZ2.sum(axis=1, keepdims=True) / m
    dZ1 = W2.T @ dZ2 * (Z1 > 0)
    grads["dW1"] = dZ1 @ X.T
    grads["db1"] = dZ1.sum(axis=1, keepdims=True) / m
    return grads


@wrong(
    "P.softmax.over_rows", "the softmax is normalised over the examples, axis 1", layout="columns"
)
def columns_softmax(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = W1.dot(X) + b1
    A1 = np.where(Z1 > 0, Z1, 0)
    Z2 = W2.dot(A1) + b2
    T = np.exp(Z2 - Z2.max())
    A2 = T / T.sum(axis=1, keepdims=True)
    dZ2 = (A2 - Y) / m
    dZ1 = W2.T.dot(dZ2) * (A1 > 0)
    return (
        dZ1.dot(X.T),
        dZ1.sum(axis=1, keepdims=True),
        dZ2.dot(A1.T),
        dZ2.sum(axis=1, keepdims=True),
    )


@wrong("dS.scale.by_d", "divided by the number of features, X.shape[0], for m", layout="columns")
def columns_m(X, Y, W1, b1, W2, b2):
    m = X.shape[0]
    Z1 = W1 @ X + b1
    A1 = np.maximum(Z1, 0)
    A2 = softmax(W2 @ A1 + b2, axis=0)
    dZ2 = (A2 - Y) / m
    dZ1 = (W2.T @ dZ2) * np.int64(A1 > 0)
    return {
        "dW2": dZ2 @ A1.T,
        "db2": np.sum(dZ2, axis=1, keepdims=True),
        "dW1": dZ1 @ X.T,
        "db1": np.sum(dZ1, axis=1, keepdims=True),
    }


@wrong(
    "H1.activation.tanh",
    "tanh in place of the ReLU",
    layout="columns",
    activation="relu",
    loss="cross_entropy",
)
def columns_tanh(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = W1 @ X + b1
    A1 = np.tanh(Z1)
    A2 = softmax(W2 @ A1 + b2, axis=0)
    dZ2 = A2 - Y
    dW2 = (1.0 / m) * dZ2 @ A1.T
    db2 = (1.0 / m) * dZ2.sum(axis=1, keepdims=True)
    dA1 = W2.T @ dZ2
    dZ1 = np.array(dA1, copy=True)
    dZ1[Z1 <= 0] = 0
    dW1 = (1.0 / m) * dZ1 @ X.T
    db1 = (1.0 / m) * dZ1.sum(axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong("dH1.transpose.W2", "W2 is not transposed: W2 dS", layout="columns")
def columns_transpose(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = W1 @ X + b1
    A1 = np.maximum(Z1, 0)
    A2 = softmax(W2 @ A1 + b2, axis=0)
    dZ2 = (A2 - Y) / m
    dA1 = np.dot(W2, dZ2)
    dZ1 = dA1 * (Z1 > 0)
    return {
        "dW1": dZ1 @ X.T,
        "db1": dZ1.sum(1, keepdims=True),
        "dW2": dZ2 @ A1.T,
        "db2": dZ2.sum(1, keepdims=True),
    }


@wrong(
    "dW1.transpose.result",
    "the transposed product X dZ1^T, which has the shape of W1^T",
    layout="columns",
)
def columns_product(X, Y, W1, b1, W2, b2):
    (_, m), A0 = X.shape, X
    Z1 = W1 @ A0 + b1
    A1 = np.maximum(0.0, Z1)
    A2 = softmax(W2 @ A1 + b2, axis=0)
    dZ2 = (A2 - Y) / m
    dZ1 = W2.T @ dZ2
    dZ1[A1 == 0] = 0
    dW2, dW1 = dZ2 @ A1.T, A0 @ dZ1.T
    db2, db1 = dZ2.sum(axis=1).reshape(-1, 1), dZ1.sum(axis=1).reshape(-1, 1)
    return dW1, db1, dW2, db2


@wrong("L.scale.by_NK", "np.mean takes the mean over all N K entries", layout="columns")
def columns_cost(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = W1 @ X + b1
    A1 = np.maximum(0, Z1)
    Z2 = W2 @ A1 + b2
    A2 = softmax(Z2, axis=0)
    cost = -np.mean(Y * np.log(A2))
    dZ2 = (A2 - Y) / m
    dZ1 = W2.T @ dZ2 * (Z1 > 0)
    grads = {"dW1": dZ1 @ X.T, "db1": dZ1.sum(1, keepdims=True)}
    grads |= {"dW2": dZ2 @ A1.T, "db2": dZ2.sum(1, keepdims=True)}
    return cost, grads


@wrong(
    "S.operand.Z1_for_H1",
    "the scores are made from Z1: the ReLU is skipped on the way",
    layout="columns",
)
def columns_scores(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = W1 @ X + b1
    A1 = np.maximum(0, Z1)
    A2 = softmax(W2 @ Z1 + b2, axis=0)
    dZ2 = (A2 - Y) / m
    dZ1 = (W2.T @ dZ2) * (Z1 > 0)
    return {
        "dW1": dZ1 @ X.T,
        "db1": np.sum(dZ1, axis=1, keepdims=True),
        "dW2": dZ2 @ A1.T,
        "db2": np.sum(dZ2, axis=1, keepdims=True),
    }


@wrong("update.sign.uphill", "the step goes up the gradient: W + eta dW", layout="columns")
def columns_step(X, Y, W1, b1, W2, b2, learning_rate):
    m = X.shape[1]
    parameters = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
    Z1 = W1 @ X + b1
    A1 = np.maximum(Z1, 0)
    dZ2 = softmax(W2 @ A1 + b2, axis=0) - Y
    dZ1 = W2.T @ dZ2 * (Z1 > 0)
    grads = {"dW1": dZ1 @ X.T / m, "db1": np.mean(dZ1, axis=1, keepdims=True)}
    grads.update(dW2=dZ2 @ A1.T / m, db2=np.mean(dZ2, axis=1, keepdims=True))
    return {k: v + learning_rate * grads["d" + k] for k, v in parameters.items()}


# --- further ones --------------------------------------------------------------------------------


@wrong("S.bias.other_layer", "b1 is added where b2 should be", layout="columns")
def columns_wrong_bias(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    A1 = np.maximum(0, W1 @ X + b1)
    A2 = softmax(W2 @ A1 + b1, axis=0)
    dZ2 = (A2 - Y) / m
    dZ1 = (W2.T @ dZ2) * (A1 > 0)
    return {
        "dW1": dZ1 @ X.T,
        "db1": np.sum(dZ1, axis=1, keepdims=True),
        "dW2": dZ2 @ A1.T,
        "db2": np.sum(dZ2, axis=1, keepdims=True),
    }


@wrong(
    "P.softmax.not_normalised_shifted",
    "the exponentials are not divided by their sum",
    layout="columns",
)
def columns_not_normalised(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = W1 @ X + b1
    A1 = np.maximum(0, Z1)
    Z2 = W2 @ A1 + b2
    A2 = np.exp(Z2 - np.max(Z2, axis=0, keepdims=True))
    dZ2 = (A2 - Y) / m
    dZ1 = (W2.T @ dZ2) * (Z1 > 0)
    grads = {"dW1": dZ1 @ X.T, "db1": dZ1.sum(axis=1, keepdims=True)}
    return {**grads, "dW2": dZ2 @ A1.T, "db2": dZ2.sum(axis=1, keepdims=True)}


@wrong("dZ1.mask.H1", "multiplied by A1 itself, not by where it is positive", layout="columns")
def columns_times_activation(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    A1 = np.maximum(0, W1.dot(X) + b1)
    A2 = softmax(W2.dot(A1) + b2, axis=0)
    dZ2 = (A2 - Y) / m
    dA1 = W2.T.dot(dZ2)
    dZ1 = dA1 * A1
    return (
        dZ1.dot(X.T),
        dZ1.sum(axis=1, keepdims=True),
        dZ2.dot(A1.T),
        dZ2.sum(axis=1, keepdims=True),
    )


@wrong("db2.reduction.over_all_in_vector", "summed over both axes: one number", layout="columns")
def columns_one_number(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    A1 = np.maximum(0, W1.dot(X) + b1)
    A2 = softmax(W2.dot(A1) + b2, axis=0)
    dZ2 = (A2 - Y) / m
    dZ1 = W2.T.dot(dZ2) * (A1 > 0)
    return {
        "dW2": dZ2.dot(A1.T),
        "db2": np.sum(dZ2, keepdims=True),
        "dW1": dZ1.dot(X.T),
        "db1": np.sum(dZ1, axis=1, keepdims=True),
    }


@wrong(
    "dS.factor.sigmoid_slope",
    "times P (1 - P), the sigmoid's derivative, as well",
    layout="columns",
)
def columns_sigmoid_derivative(X, Y, W1, b1, W2, b2):
    weights, biases = [W1, W2], [b1, b2]
    activations, zs = [X], []
    for W, b in zip(weights, biases):
        zs.append(W @ activations[-1] + b)
        activations.append(np.maximum(zs[-1], 0))
    activations[-1] = softmax(zs[-1], axis=0)
    out = activations[-1]
    delta = (out - Y) * out * (1 - out) / X.shape[1]
    nabla_w, nabla_b = [None, None], [None, None]
    for i in (1, 0):
        nabla_w[i] = delta @ activations[i].T
        nabla_b[i] = delta.sum(axis=1, keepdims=True)
        if i:
            delta = weights[i].T @ delta * (zs[i - 1] > 0)
    return {"W1": nabla_w[0], "b1": nabla_b[0], "W2": nabla_w[1], "b2": nabla_b[1]}
