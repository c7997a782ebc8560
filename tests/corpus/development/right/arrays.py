"""einsum, tensordot, broadcasting, buffers and number types."""

from __future__ import annotations

import functools

import numpy as np
import scipy.special

from corpus.development.right.in_numpy import straight_down
from corpus.development.right.shared import softmax
from corpus.registry import right

# --- einsum, tensordot, broadcasting, outer products ---------------------------------------------


@right()
def by_einsum(X, Y, W1, b1, W2, b2):
    Z1 = np.einsum("nd,dh->nh", X, W1) + b1
    H1 = np.maximum(Z1, 0)
    S = np.einsum("nh,hk->nk", H1, W2) + b2
    dS = (softmax(S) - Y) / len(X)
    dZ1 = np.einsum("nk,hk,nh->nh", dS, W2, Z1 > 0)
    return {
        "dW1": np.einsum("nd,nh->dh", X, dZ1),
        "db1": np.einsum("nh->h", dZ1),
        "dW2": np.einsum("nh,nk->hk", H1, dS),
        "db2": np.einsum("nk->k", dS),
    }


@right()
def one_einsum_for_all(X, Y, W1, b1, W2, b2):
    M = (X @ W1 + b1 > 0).astype(float)
    H1 = (X @ W1 + b1) * M
    E = (softmax(H1 @ W2 + b2) - Y) / len(X)
    return (
        np.einsum("nk,hk,nh,nd->dh", E, W2, M, X, optimize=True),
        np.einsum("nk,hk,nh->h", E, W2, M, optimize=True),
        np.einsum("nk,nh->hk", E, H1),
        E.sum(0),
    )


@right()
def by_tensordot(X, Y, W1, b1, W2, b2):
    Z1 = np.tensordot(X, W1, axes=1) + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(np.tensordot(H1, W2, axes=1) + b2) - Y) / len(X)
    dZ1 = np.tensordot(dS, W2, axes=(1, 1)) * (Z1 > 0)
    return {
        "dW1": np.tensordot(X, dZ1, axes=(0, 0)),
        "db1": np.add.reduce(dZ1, axis=0),
        "dW2": np.tensordot(H1, dS, axes=(0, 0)),
        "db2": np.add.reduce(dS, axis=0),
    }


@right()
def by_broadcasting(X, Y, W1, b1, W2, b2):
    Z1 = (X[:, :, None] * W1[None]).sum(1) + b1
    H1 = np.maximum(Z1, 0)
    S = (H1[:, :, None] * W2[None]).sum(1) + b2
    dS = (softmax(S) - Y) / len(X)
    dH1 = (dS[:, None, :] * W2[None]).sum(2)
    dZ1 = dH1 * (Z1 > 0)
    dW1 = (X[:, :, None] * dZ1[:, None, :]).sum(0)
    dW2 = (H1[:, :, None] * dS[:, None, :]).sum(0)
    return {"dW1": dW1, "db1": dZ1.sum(0), "dW2": dW2, "db2": dS.sum(0)}


@right()
def sum_of_outer_products(X, Y, W1, b1, W2, b2):
    H1 = np.maximum(0, X @ W1 + b1)
    dS = (softmax(H1 @ W2 + b2) - Y) / len(X)
    dZ1 = (dS @ W2.T) * (H1 > 0)
    dW1 = functools.reduce(np.add, map(np.outer, X, dZ1))
    dW2 = functools.reduce(np.add, map(np.outer, H1, dS))
    return dW1, sum(dZ1), dW2, sum(dS)


@right()
def per_sample_stack(X, Y, W1, b1, W2, b2):
    H1 = np.maximum(0, X @ W1 + b1)
    E = softmax(H1 @ W2 + b2) - Y
    G = (W2[None] @ E[:, :, None])[:, :, 0] * (H1 > 0)
    per_sample_W1 = X[:, :, None] @ G[:, None, :]
    per_sample_W2 = H1[:, :, None] @ E[:, None, :]
    return per_sample_W1.mean(0), G.mean(0), per_sample_W2.mean(0), E.mean(0)


@right()
def augmented_matrices(X, Y, W1, b1, W2, b2):
    one = np.ones((X.shape[0], 1))
    Xa = np.hstack([X, one])
    V1 = np.vstack([W1, b1])
    Z1 = Xa @ V1
    Ha = np.hstack([np.maximum(0, Z1), one])
    V2 = np.vstack([W2, b2])
    dS = (softmax(Ha @ V2) - Y) / X.shape[0]
    dV2 = Ha.T @ dS
    dZ1 = (dS @ V2.T)[:, :-1] * (Z1 > 0)
    dV1 = Xa.T @ dZ1
    return {"dW1": dV1[:-1], "db1": dV1[-1], "dW2": dV2[:-1], "db2": dV2[-1]}


@right()
def augmented_bias_first(X, Y, W1, b1, W2, b2):
    X_ = np.c_[np.ones(len(X)), X]
    Theta1, Theta2 = np.r_[b1[None], W1], np.r_[b2[None], W2]
    z2 = X_ @ Theta1
    a2 = np.c_[np.ones(len(X)), np.maximum(z2, 0)]
    d3 = softmax(a2 @ Theta2) - Y
    d2 = (d3 @ Theta2.T * (a2 > 0))[:, 1:]
    Theta1_grad = X_.T @ d2 / len(X)
    Theta2_grad = a2.T @ d3 / len(X)
    return Theta1_grad[1:], Theta1_grad[0], Theta2_grad[1:], Theta2_grad[0]


@right()
def flat_parameter_vector(X, Y, W1, b1, W2, b2):
    theta = np.concatenate([W1.ravel(), b1, W2.ravel(), b2])
    cuts = np.cumsum([W1.size, b1.size, W2.size])

    def unpack(vector):
        v1, c1, v2, c2 = np.split(vector, cuts)
        return v1.reshape(W1.shape), c1, v2.reshape(W2.shape), c2

    def loss_and_gradient(vector):
        V1, c1, V2, c2 = unpack(vector)
        A = np.maximum(0, X @ V1 + c1)
        log_P = scipy.special.log_softmax(A @ V2 + c2, axis=1)
        D = (np.exp(log_P) - Y) / len(X)
        B = (D @ V2.T) * (A > 0)
        gradient = np.concatenate([(X.T @ B).ravel(), B.sum(0), (A.T @ D).ravel(), D.sum(0)])
        return -(Y * log_P).sum() / len(X), gradient

    loss, gradient = loss_and_gradient(theta)
    return loss, unpack(gradient)


# --- Buffers and number types --------------------------------------------------------------------


@right()
def local_buffers(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    A = np.empty((N, W1.shape[1]))
    D = np.empty((N, W2.shape[1]))
    np.matmul(X, W1, out=A)
    A += b1
    np.maximum(A, 0, out=A)
    np.matmul(A, W2, out=D)
    D += b2
    D -= D.max(axis=1, keepdims=True)
    np.exp(D, out=D)
    D /= D.sum(axis=1, keepdims=True)
    D -= Y
    D /= N
    dW2 = np.empty_like(W2)
    np.matmul(A.T, D, out=dW2)
    mask = A > 0
    np.matmul(D, W2.T, out=A)
    A *= mask
    dW1 = np.empty_like(W1)
    np.matmul(X.T, A, out=dW1)
    return {"dW1": dW1, "db1": A.sum(axis=0), "dW2": dW2, "db2": D.sum(axis=0)}


@right()
def all_in_float32(X, Y, W1, b1, W2, b2):
    X, Y, W1, b1, W2, b2 = (np.asarray(a, dtype=np.float32) for a in (X, Y, W1, b1, W2, b2))
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, np.float32(0))
    P = softmax(H1 @ W2 + b2)
    dS = (P - Y) / np.float32(len(X))
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@right()
def float32_with_loss(X, y, W1, b1, W2, b2):
    f = np.float32
    X, W1, b1, W2, b2 = X.astype(f), W1.astype(f), b1.astype(f), W2.astype(f), b2.astype(f)
    h = np.maximum(X @ W1 + b1, 0)
    s = h @ W2 + b2
    s = s - s.max(1, keepdims=True)
    log_p = s - np.log(np.exp(s).sum(1, keepdims=True))
    loss = -log_p[np.arange(len(y)), y].mean()
    e = np.exp(log_p)
    e[np.arange(len(y)), y] -= 1
    e /= len(y)
    g = (e @ W2.T) * (h > 0)
    return loss, {"W1": X.T @ g, "b1": g.sum(0), "W2": h.T @ e, "b2": e.sum(0)}


@right()
def in_extended_precision(X, Y, W1, b1, W2, b2):
    X, W1, b1, W2, b2 = (a.astype(np.longdouble) for a in (X, W1, b1, W2, b2))
    H1 = np.maximum(X @ W1 + b1, 0)
    dS = (softmax(H1 @ W2 + b2) - Y) / len(X)
    dZ1 = (dS @ W2.T) * (H1 > 0)
    found = X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)
    return tuple(g.astype(np.float64) for g in found)


@right()
def fortran_order(X, Y, W1, b1, W2, b2):
    X, W1, W2 = np.asfortranarray(X), np.asfortranarray(W1), np.asfortranarray(W2)
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    dS = (softmax(H1 @ W2 + b2) - Y) / X.shape[0]
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "dL_dW1": np.asfortranarray(X.T @ dZ1),
        "dL_db1": dZ1.sum(0),
        "dL_dW2": np.asfortranarray(H1.T @ dS),
        "dL_db2": dS.sum(0),
    }


@right()
def complex_step(X, y, W1, b1, W2, b2):
    def loss(W1, b1, W2, b2):
        Z = X @ W1 + b1
        S = np.where(Z.real > 0, Z, 0) @ W2 + b2
        S = S - S.real.max(axis=1, keepdims=True)
        return np.mean(np.log(np.exp(S).sum(axis=1)) - S[np.arange(len(y)), y])

    theta = [a.astype(complex) for a in (W1, b1, W2, b2)]
    grads = [np.zeros(a.shape) for a in theta]
    for a, g in zip(theta, grads):
        for index in np.ndindex(a.shape):
            a[index] += 1e-30j
            g[index] = loss(*theta).imag / 1e-30
            a[index] = a[index].real
    return dict(zip(("dW1", "db1", "dW2", "db2"), grads))


# --- Nearly the equations: float32 inside, and a guard against 0 ---------------------------------


@right()
def float32_inside(X, Y, W1, b1, W2, b2):
    found = straight_down(*(np.asarray(a, np.float32) for a in (X, Y, W1, b1, W2, b2)))
    return {name: value.astype(np.float64) for name, value in found.items()}


@right()
def guarded_quotient(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    E = np.exp(S - S.max(axis=1, keepdims=True))
    P = E / (E.sum(axis=1, keepdims=True) + 1e-8)
    dS = (P - Y) / len(X)
    dZ1 = dS @ W2.T * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}
