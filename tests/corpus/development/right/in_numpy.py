"""NumPy straight down the derivation, masks, the softmax and its logarithm."""

from __future__ import annotations

import numpy as np
import scipy.special

from corpus.development.right.shared import softmax
from corpus.registry import right

# --- NumPy, straight down the derivation ---------------------------------------------------------


@right()
def straight_down(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    P = softmax(S)
    dS = (P - Y) / N
    dW2 = H1.T @ dS
    db2 = dS.sum(axis=0)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@right()
def everything_in_one_dict(X, Y, W1, b1, W2, b2):
    out = {}
    out["Z1"] = X @ W1 + b1
    out["H1"] = np.maximum(out["Z1"], 0.0)
    out["S"] = out["H1"] @ W2 + b2
    shifted = out["S"] - out["S"].max(1, keepdims=True)
    log_P = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    out["P"] = np.exp(log_P)
    out["loss"] = -np.sum(Y * log_P) / len(X)
    out["dS"] = (out["P"] - Y) / len(X)
    out["dW2"] = out["H1"].T @ out["dS"]
    out["db2"] = out["dS"].sum(0)
    out["dH1"] = out["dS"] @ W2.T
    out["dZ1"] = out["dH1"] * (out["Z1"] > 0)
    out["dW1"] = X.T @ out["dZ1"]
    out["db1"] = out["dZ1"].sum(0)
    return out


@right()
def everything_by_locals(X, y, W1, b1, W2, b2):
    N, K = len(X), len(b2)
    Z1 = X.dot(W1) + b1
    H1 = Z1.clip(min=0)
    S = H1.dot(W2) + b2
    P = softmax(S)
    loss = -np.log(P[np.arange(N), y]).mean()
    dS = (P - np.eye(K)[y]) / N
    dW2, db2 = H1.T.dot(dS), dS.sum(0)
    dH1 = dS.dot(W2.T)
    dZ1 = np.where(Z1 > 0, dH1, 0)
    dW1, db1 = X.T.dot(dZ1), dZ1.sum(0)
    names = ("loss", "Z1", "H1", "S", "P", "dS", "dH1", "dZ1", "dW1", "db1", "dW2", "db2")
    values = locals()
    return {name: values[name] for name in names}


@right()
def three_lines(X, Y, W1, b1, W2, b2):
    A = np.maximum(X @ W1 + b1, 0)
    D = (scipy.special.softmax(A @ W2 + b2, axis=1) - Y) / len(Y)
    return X.T @ (G := (D @ W2.T) * (A > 0)), G.sum(0), A.T @ D, D.sum(0)


@right()
def only_P_and_dS_besides(X, Y, W1, b1, W2, b2):
    H1 = np.maximum(0, X @ W1 + b1)
    P = softmax(H1 @ W2 + b2)
    dS = np.divide(P - Y, X.shape[0])
    dZ1 = np.matmul(dS, W2.T)
    dZ1[H1 == 0] = 0
    return {
        "P": P,
        "dS": dS,
        "dW1": np.matmul(X.T, dZ1),
        "db1": np.sum(dZ1, axis=0),
        "dW2": np.matmul(H1.T, dS),
        "db2": np.sum(dS, axis=0),
    }


@right()
def the_other_sign(X, Y, W1, b1, W2, b2):
    hidden = np.maximum(0, X @ W1 + b1)
    error = (Y - softmax(hidden @ W2 + b2)) / X.shape[0]
    back = (error @ W2.T) * (hidden > 0)
    return {
        "dW1": -X.T @ back,
        "db1": -back.sum(axis=0),
        "dW2": -hidden.T @ error,
        "db2": -error.sum(axis=0),
    }


@right()
def divides_last(X, Y, W1, b1, W2, b2):
    m = X.shape[0]
    A1 = np.maximum(X @ W1 + b1, 0)
    delta2 = softmax(A1 @ W2 + b2) - Y
    delta1 = (delta2 @ W2.T) * (A1 > 0)
    dW2 = (1 / m) * A1.T @ delta2
    db2 = (1 / m) * np.sum(delta2, axis=0)
    dW1 = (1 / m) * X.T @ delta1
    db1 = (1 / m) * np.sum(delta1, axis=0)
    return dW1, db1, dW2, db2


@right()
def means_for_biases(X, Y, W1, b1, W2, b2):
    A1 = np.maximum(X @ W1 + b1, 0)
    delta2 = softmax(A1 @ W2 + b2) - Y
    delta1 = delta2 @ W2.T * (A1 > 0)
    return {
        "W1": X.T @ delta1 / len(X),
        "b1": delta1.mean(axis=0),
        "W2": A1.T @ delta2 / len(X),
        "b2": delta2.mean(axis=0),
    }


@right()
def transposed_product(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = Z1 * (Z1 > 0)
    dS = (softmax(H1 @ W2 + b2) - Y) / X.shape[0]
    dH1 = (W2 @ dS.T).T
    dZ1 = dH1 * (Z1 > 0)
    return {
        "dW1": (dZ1.T @ X).T,
        "db1": np.ones(len(X)) @ dZ1,
        "dW2": (dS.T @ H1).T,
        "db2": np.ones(len(X)) @ dS,
    }


# A loss guarded by 1e-12 or 1e-15 is right while no class that counts has less probability than
# that: on very confident mistakes it falls short of the exact loss, the gradients do not.
@right()
def with_default_knobs(X, Y, W1, b1, W2, b2, eps=1e-12, verbose=False, axis=0):
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    P = softmax(H1 @ W2 + b2)
    loss = -np.mean(np.sum(Y * np.log(P + eps), axis=1))
    if verbose:
        print(f"loss {loss:.4f}")
    dS = (P - Y) / X.shape[axis]
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    grads = {
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(axis),
        "dW2": H1.T @ dS,
        "db2": dS.sum(axis),
    }
    return loss, grads


@right()
def clipped_loss(X, Y, W1, b1, W2, b2):
    H1 = np.maximum(0, X @ W1 + b1)
    P = softmax(H1 @ W2 + b2)
    loss = -np.sum(Y * np.log(np.clip(P, 1e-15, 1.0))) / Y.shape[0]
    dS = (P - Y) / Y.shape[0]
    dZ1 = (dS @ W2.T) * np.sign(H1)
    return loss, X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


# --- Masks ---------------------------------------------------------------------------------------


@right()
def mask_by_activation(X, Y, W1, b1, W2, b2):
    H1 = np.fmax(X @ W1 + b1, 0)
    dS = (softmax(H1 @ W2 + b2) - Y) / X.shape[0]
    active = (H1 > 0).astype(float)
    dZ1 = active * (dS @ W2.T)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@right()
def mask_by_where(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.where(Z1 > 0, Z1, 0.0)
    dS = (softmax(H1 @ W2 + b2) - Y) / X.shape[0]
    relu_grad = np.where(Z1 <= 0, 0.0, 1.0)
    dZ1 = (dS @ W2.T) * relu_grad
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@right()
def mask_by_assignment(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = Z1.copy()
    H1[H1 < 0] = 0
    dS = (softmax(H1 @ W2 + b2) - Y) / X.shape[0]
    dH1 = dS @ W2.T
    dZ1 = dH1.copy()
    dZ1[Z1 <= 0] = 0
    return {
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(0),
    }


@right()
def mask_by_heaviside(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    step = np.heaviside(Z1, 0.0)
    H1 = Z1 * step
    dS = (softmax(H1 @ W2 + b2) - Y) / X.shape[0]
    dZ1 = (dS @ W2.T) * step
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@right()
def mask_by_sign(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    on = (np.sign(Z1) + 1) // 2
    H1 = (Z1 + np.abs(Z1)) / 2
    dS = (softmax(H1 @ W2 + b2) - Y) / X.shape[0]
    dZ1 = (dS @ W2.T) * on
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@right()
def mask_by_putmask_and_not(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    dead = ~(Z1 > 0)
    H1 = Z1.copy()
    np.putmask(H1, dead, 0)
    dS = (softmax(H1 @ W2 + b2) - Y) / X.shape[0]
    dZ1 = dS @ W2.T
    np.putmask(dZ1, dead, 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@right()
def mask_by_vectorize(X, Y, W1, b1, W2, b2):
    relu = np.vectorize(lambda z: z if z > 0 else 0.0, otypes=[float])
    relu_prime = np.vectorize(lambda z: 1.0 if z > 0 else 0.0, otypes=[float])
    Z1 = X @ W1 + b1
    H1 = relu(Z1)
    dS = (softmax(H1 @ W2 + b2) - Y) / X.shape[0]
    dZ1 = (dS @ W2.T) * relu_prime(Z1)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@right()
def mask_by_masked_array(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2) - Y) / X.shape[0]
    dZ1 = np.ma.masked_array(dS @ W2.T, mask=Z1 <= 0).filled(0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


# --- Softmax and its logarithm -------------------------------------------------------------------


@right()
def softmax_without_maximum(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    E = np.exp(H1 @ W2 + b2)
    P = E / np.sum(E, axis=1, keepdims=True)
    loss = -np.sum(Y * np.log(P)) / len(X)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "loss": loss,
        "P": P,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(0),
    }


@right()
def softmax_by_global_maximum(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    E = np.exp(S - np.max(S))
    P = (E.T / E.sum(1)).T
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


@right()
def logsumexp_by_scipy(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    logZ = scipy.special.logsumexp(S, axis=1)
    loss = np.mean(logZ - (S * Y).sum(axis=1))
    dS = np.exp(S - logZ[:, None])
    dS -= Y
    dS /= len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return loss, (X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0))


@right()
def logsumexp_by_logaddexp(X, y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    log_P = S - np.logaddexp.reduce(S, axis=1, keepdims=True)
    loss = -np.take_along_axis(log_P, y[:, None], axis=1).mean()
    dS = np.exp(log_P)
    np.subtract.at(dS, (np.arange(y.size), y), 1)
    dS = dS / y.size
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "loss": loss,
        "S": S,
        "dS": dS,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(0),
    }


@right()
def log_softmax_by_scipy(X, y, W1, b1, W2, b2):
    H1 = np.maximum(0, X @ W1 + b1)
    log_P = scipy.special.log_softmax(H1 @ W2 + b2, axis=1)
    onehot = (y[:, None] == np.arange(W2.shape[1])).astype(log_P.dtype)
    loss = -(onehot * log_P).sum() / y.shape[0]
    dS = (np.exp(log_P) - onehot) / y.shape[0]
    dZ1 = np.where(H1 > 0, dS @ W2.T, 0)
    grads = {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}
    return grads, loss


@right()
def softmax_by_pairwise_differences(X, Y, W1, b1, W2, b2):
    H1 = np.maximum(0, X @ W1 + b1)
    S = H1 @ W2 + b2
    P = 1 / np.exp(S[:, None, :] - S[:, :, None]).sum(axis=2)
    dS = (P - Y) / len(S)
    dZ1 = (dS @ W2.T) * (H1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@right()
def softmax_along_axis(X, Y, W1, b1, W2, b2):
    def one_row(s):
        e = np.exp(s - max(s))
        return e / sum(e)

    H1 = np.maximum(0, X @ W1 + b1)
    P = np.apply_along_axis(one_row, 1, H1 @ W2 + b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (H1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@right()
def softmax_jacobian(X, Y, W1, b1, W2, b2):
    N = len(X)
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    P = softmax(H1 @ W2 + b2)
    dP = -Y / P / N
    dS = np.empty_like(P)
    for i in range(N):
        p = P[i]
        J = np.diag(p) - np.outer(p, p)
        dS[i] = J @ dP[i]
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@right()
def softmax_product_rule(X, Y, W1, b1, W2, b2):
    H1 = np.maximum(0, X @ W1 + b1)
    P = softmax(H1 @ W2 + b2)
    dP = -(Y / P) / Y.shape[0]
    dS = P * (dP - (dP * P).sum(axis=1, keepdims=True))
    dZ1 = (dS @ W2.T) * (H1 > 0)
    return {
        "dS": dS,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(0),
    }
