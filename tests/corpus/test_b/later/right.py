"""Right functions."""

from __future__ import annotations

import functools
from collections import namedtuple
from types import SimpleNamespace

import numpy as np
import torch
from scipy.special import logsumexp, softmax
from torch.nn import functional as F

from corpus.registry import right
from corpus.test_b.later.shared import Dense, GradientBundle, Rectifier, _c_forward


@right()
def right_plain(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    P = softmax(S, axis=1)
    loss = -np.sum(Y * np.log(P)) / N
    dS = (P - Y) / N
    dW2 = H1.T @ dS
    db2 = dS.sum(axis=0)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    names = ["loss", "Z1", "H1", "S", "P", "dS", "dW2", "db2", "dH1", "dZ1", "dW1", "db1"]
    here = locals()
    return {name: here[name] for name in names}


@right()
def right_golf(X, Y, A, a, B, b):
    h = (X @ A + a).clip(0)
    e = np.exp(h @ B + b)
    g = (e / e.sum(1, keepdims=1) - Y) / len(Y)
    q = g @ B.T * (h > 0)
    return X.T @ q, q.sum(0), h.T @ g, g.sum(0)


@right()
def right_divides_at_the_end(X, y, W1, b1, W2, b2):
    N = X.shape[0]
    pre = X.dot(W1) + b1
    act = pre * (pre > 0)
    prob = softmax(act.dot(W2) + b2, axis=1)
    prob[np.arange(N), y] -= 1
    hidden_error = prob.dot(W2.T)
    hidden_error[act <= 0] = 0
    return {
        "dW1": X.T.dot(hidden_error) / N,
        "db1": hidden_error.mean(axis=0),
        "dW2": act.T.dot(prob) / N,
        "db2": prob.mean(axis=0),
    }


@right(layout="columns")
def right_coursera(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = np.dot(W1, X) + b1
    A1 = np.maximum(0, Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = np.exp(Z2) / np.sum(np.exp(Z2), axis=0, keepdims=True)
    dZ2 = A2 - Y
    dW2 = 1 / m * np.dot(dZ2, A1.T)
    db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.multiply(np.dot(W2.T, dZ2), A1 > 0)
    dW1 = 1 / m * np.dot(dZ1, X.T)
    db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@right(layout="columns")
def right_columns_per_sample(X, Y, W1, b1, W2, b2):
    out = [np.zeros_like(t) for t in (W1, b1, W2, b2)]
    m = X.shape[1]
    for s in range(m):
        x, t = X[:, [s]], Y[:, [s]]
        z = W1 @ x + b1
        a = np.maximum(z, 0)
        r = (softmax(W2 @ a + b2, axis=0) - t) / m
        q = (W2.T @ r) * (z > 0)
        for total, part in zip(out, (q @ x.T, q, r @ a.T, r), strict=True):
            total += part
    return tuple(out)


@right(layout="linear")
def right_nn_linear(X, y, W1, b1, W2, b2):
    Z1 = F.linear(X, W1, b1)
    H1 = F.relu(Z1)
    dS = F.softmax(F.linear(H1, W2, b2), dim=-1)
    dS = dS.scatter_add(1, y[:, None], -torch.ones_like(dS[:, :1])) / len(X)
    dZ1 = dS.mm(W2).masked_fill(Z1 <= 0, 0)
    return dZ1.T @ X, dZ1.sum(0), dS.T @ H1, dS.sum(0)


@right(layout="linear")
def right_linear_numpy(X, Y, W1, b1, W2, b2):
    n = X.shape[0]
    z = X @ W1.T + b1
    h = np.maximum(z, 0)
    r = (softmax(h @ W2.T + b2, axis=1) - Y) / n
    q = np.where(z > 0, r @ W2, 0)
    return {"W1_grad": q.T @ X, "b1_grad": q.sum(0), "W2_grad": r.T @ h, "b2_grad": r.sum(0)}


@right(layout="linear")
def right_modules(X, y, W1, b1, W2, b2):
    X = torch.as_tensor(X, dtype=torch.float32)
    y = torch.as_tensor(y)
    net = torch.nn.Sequential(
        torch.nn.Linear(X.shape[1], W1.shape[0]),
        torch.nn.ReLU(),
        torch.nn.Linear(W1.shape[0], W2.shape[0]),
    )
    with torch.no_grad():
        for p, value in zip(net.parameters(), (W1, b1, W2, b2), strict=True):
            p.copy_(torch.as_tensor(value))
    torch.nn.CrossEntropyLoss()(net(X), y).backward()
    return tuple(p.grad.numpy() for p in net.parameters())


@right()
def right_float32(X, y, W1, b1, W2, b2):
    to = functools.partial(torch.tensor, dtype=torch.float32)
    X, W1, b1, W2, b2 = map(to, (X, W1, b1, W2, b2))
    n = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = Z1.relu()
    G = (H1 @ W2 + b2).softmax(1)
    G[torch.arange(n), torch.as_tensor(y)] -= 1
    G /= n
    Q = (G @ W2.T) * (Z1 > 0).float()
    return {"dW1": X.T @ Q, "db1": Q.sum(0), "dW2": H1.T @ G, "db2": G.sum(0)}


@right()
def right_single_precision(X, Y, W1, b1, W2, b2):
    X, Y, W1, b1, W2, b2 = (np.asarray(t, dtype=np.float32) for t in (X, Y, W1, b1, W2, b2))
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, np.float32(0))
    dS = (softmax(H1 @ W2 + b2, axis=1) - Y) / np.float32(len(X))
    dZ1 = np.where(Z1 > 0, dS @ W2.T, np.float32(0))
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


class _SoftmaxCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx, S, Y):
        P = S.softmax(1)
        ctx.save_for_backward(P, Y)
        return -(Y * S.log_softmax(1)).sum(1).mean()

    @staticmethod
    def backward(ctx, upstream):
        P, Y = ctx.saved_tensors
        return upstream * (P - Y) / len(P), None


@right()
def right_autograd_function(X, Y, W1, b1, W2, b2):
    leaves = [t.detach().clone().requires_grad_() for t in (W1, b1, W2, b2)]
    w1, c1, w2, c2 = leaves
    loss = _SoftmaxCrossEntropy.apply((X @ w1 + c1).relu() @ w2 + c2, Y)
    grads = torch.autograd.grad(loss, leaves)
    return loss.detach(), grads


@right()
def right_layers(X, Y, W1, b1, W2, b2):
    first, act, second = Dense(W1, b1), Rectifier(), Dense(W2, b2)
    out = X
    for layer in (first, act, second):
        out = layer.forward(out)
    g = (softmax(out, axis=1) - Y) / X.shape[0]
    for layer in (second, act, first):
        g = layer.backward(g)
    return GradientBundle(first.dW, first.db, second.dW, second.db)


@right()
def right_c_loops(X, Y, W1, b1, W2, b2):
    N, d = X.shape
    H, K = W2.shape
    z, p = _c_forward(X, W1, b1, W2, b2, N, d, H, K)
    gW1 = [[0.0] * H for _ in range(d)]
    gb1 = [0.0] * H
    gW2 = [[0.0] * K for _ in range(H)]
    gb2 = [0.0] * K
    for n in range(N):
        for k in range(K):
            r = (p[n][k] - Y[n][k]) / N
            gb2[k] += r
            for j in range(H):
                if z[n][j] <= 0.0:
                    continue
                gW2[j][k] += z[n][j] * r
                gb1[j] += W2[j][k] * r
                for i in range(d):
                    gW1[i][j] += X[n][i] * W2[j][k] * r
    return {
        "dW1": np.array(gW1),
        "db1": np.array(gb1),
        "dW2": np.array(gW2),
        "db2": np.array(gb2),
    }


@right()
def right_einsum(params, X, Y):
    Z1 = np.einsum("ni,ij->nj", X, params.W1) + params.b1
    H1 = np.maximum(Z1, 0)
    P = softmax(np.einsum("nj,jk->nk", H1, params.W2) + params.b2, axis=1)
    dS = (P - Y) / X.shape[0]
    mask = np.heaviside(Z1, 0)
    return {
        "grads": {
            "W1": np.einsum("ni,nk,jk,nj->ij", X, dS, params.W2, mask),
            "b1": np.einsum("nk,jk,nj->j", dS, params.W2, mask),
            "W2": np.einsum("nj,nk->jk", H1, dS),
            "b2": np.einsum("nk->k", dS),
        }
    }


@right()
def right_bias_trick(X, Y, W1, b1, W2, b2):
    ones = np.ones((len(X), 1))
    Xb = np.hstack([X, ones])
    hidden = np.maximum(Xb @ np.vstack([W1, b1]), 0)
    Hb = np.hstack([hidden, ones])
    r = (softmax(Hb @ np.vstack([W2, b2]), axis=1) - Y) / len(X)
    q = (r @ W2.T) * (hidden > 0)
    G1, G2 = Xb.T @ q, Hb.T @ r
    return G1[:-1], G1[-1], G2[:-1], G2[-1]


@right()
def right_minus_signs(X, Y, W1, b1, W2, b2):
    n = len(X)
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    surprise = (Y - softmax(H1 @ W2 + b2, axis=1)) / n
    back = (surprise @ W2.T) * (Z1 > 0)
    return {
        "dW1": -X.T @ back,
        "db1": -back.sum(0),
        "dW2": -H1.T @ surprise,
        "db2": -surprise.sum(0),
    }


@right()
def right_full_jacobian(X, Y, W1, b1, W2, b2):
    N = len(Y)
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    dP = -(Y / P) / N
    dS = np.empty_like(P)
    for n in range(N):
        J = np.diag(P[n]) - np.outer(P[n], P[n])
        dS[n] = J @ dP[n]
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {"dS": dS, "dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@right()
def right_logsumexp_loss(X, y, W1, b1, W2, b2):
    n = y.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    loss = np.mean(logsumexp(S, axis=1) - S[np.arange(n), y])
    dS = (softmax(S, axis=1) - (y[:, None] == np.arange(S.shape[1]))) / n
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return loss, (X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0))


@right()
def right_with_penalty(X, y, W1, b1, W2, b2, reg):
    N = X.shape[0]
    hidden = np.maximum(0, X.dot(W1) + b1)
    scores = hidden.dot(W2) + b2
    scores -= scores.max(axis=1, keepdims=True)
    p = np.exp(scores)
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.log(p[range(N), y]).mean() + 0.5 * reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
    p[range(N), y] -= 1
    p /= N
    dh = p.dot(W2.T) * (hidden > 0)
    grads = {"W2": hidden.T.dot(p) + reg * W2, "b2": p.sum(axis=0)}
    grads["W1"] = X.T.dot(dh) + reg * W1
    grads["b1"] = dh.sum(axis=0)
    return loss, grads


@right()
def right_torch_decay(X, Y, W1, b1, W2, b2, weight_decay):
    leaves = [t.detach().clone().requires_grad_() for t in (W1, b1, W2, b2)]
    U, u, V, v = leaves
    logp = torch.log_softmax(torch.relu(X @ U + u) @ V + v, dim=1)
    objective = -(Y * logp).sum() / X.shape[0]
    objective = objective + weight_decay / 2 * (U.square().sum() + V.square().sum())
    objective.backward()
    return {
        f"{name}_grad": t.grad for name, t in zip(("W1", "b1", "W2", "b2"), leaves, strict=True)
    }


@right()
def right_step(X, Y, W1, b1, W2, b2, learning_rate):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2, axis=1) - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "W1": W1 - learning_rate * X.T @ dZ1,
        "b1": b1 - learning_rate * dZ1.sum(0),
        "W2": W2 - learning_rate * H1.T @ dS,
        "b2": b2 - learning_rate * dS.sum(0),
    }


@right()
def right_functional_step(params, X, y, lr):
    theta = {k: np.array(params[k]) for k in ("W1", "b1", "W2", "b2")}
    n = len(X)
    H1 = np.maximum(X @ theta["W1"] + theta["b1"], 0)
    r = softmax(H1 @ theta["W2"] + theta["b2"], axis=1)
    r[np.arange(n), y] -= 1
    r *= lr / n
    q = (r @ theta["W2"].T) * (H1 > 0)
    theta["W2"] -= H1.T @ r
    theta["b2"] -= r.sum(axis=0)
    theta["W1"] -= X.T @ q
    theta["b1"] -= q.sum(axis=0)
    return theta


@right()
def right_torch_optimiser(X, y, W1, b1, W2, b2, lr):
    leaves = [torch.nn.Parameter(t.detach().clone()) for t in (W1, b1, W2, b2)]
    optimiser = torch.optim.SGD(leaves, lr=lr)
    F.cross_entropy(F.relu(X @ leaves[0] + leaves[1]) @ leaves[2] + leaves[3], y).backward()
    optimiser.step()
    W1, b1, W2, b2 = (p.detach() for p in leaves)
    return SimpleNamespace(W1=W1, b1=b1, W2=W2, b2=b2)


@right()
def right_matrix_of_ones(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    one = np.ones(N)
    Z1 = X @ W1 + np.outer(one, b1)
    D = np.where(Z1 > 0, 1.0, 0.0)
    H1 = D * Z1
    S = H1 @ W2 + np.outer(one, b2)
    E = np.exp(S)
    P = np.diag(1 / (E @ np.ones(E.shape[1]))) @ E
    R = (P - Y) / N
    Q = D * (R @ W2.T)
    return X.T @ Q, one @ Q, H1.T @ R, one @ R


@right()
def right_complex_step(X, Y, W1, b1, W2, b2):
    theta = [np.array(t, dtype=complex) for t in (W1, b1, W2, b2)]

    def objective():
        z = X @ theta[0] + theta[1]
        s = np.where(z.real > 0, z, 0) @ theta[2] + theta[3]
        return -np.sum(Y * (s - np.log(np.exp(s).sum(axis=1, keepdims=True)))) / len(X)

    grads = []
    for t in theta:
        g = np.zeros(t.shape)
        for index in np.ndindex(*t.shape):
            t[index] += 1e-30j
            g[index] = objective().imag / 1e-30
            t[index] = t[index].real
        grads.append(g)
    return tuple(grads)


@right()
def right_statistician(X, Y, W1, b1, W2, b2):
    n = Y.shape[0]
    eta = X @ W1 + b1
    phi = 0.5 * (eta + np.abs(eta))
    mu = softmax(phi @ W2 + b2, axis=1)
    delta_out = (mu - Y) / n
    delta_hid = 0.5 * (1 + np.sign(eta)) * (eta != 0) * (delta_out @ W2.T)
    Score = namedtuple("Score", "dW1 db1 dW2 db2")
    return Score(X.T @ delta_hid, delta_hid.sum(0), phi.T @ delta_out, delta_out.sum(0))


@right()
def right_minibatches(X, Y, W1, b1, W2, b2):
    total = {"dW1": 0.0, "db1": 0.0, "dW2": 0.0, "db2": 0.0}
    N = X.shape[0]
    for start in range(0, N, 4):
        x, t = X[start : start + 4], Y[start : start + 4]
        h = np.maximum(x @ W1 + b1, 0)
        r = (softmax(h @ W2 + b2, axis=1) - t) / N
        q = (r @ W2.T) * (h > 0)
        total["dW1"] += x.T @ q
        total["db1"] += q.sum(0)
        total["dW2"] += h.T @ r
        total["db2"] += r.sum(0)
    return total


@right()
def right_reverse_mode_closures(X, Y, W1, b1, W2, b2):
    def affine(x, W, b):
        return x @ W + b, lambda g: (g @ W.T, x.T @ g, g.sum(axis=0))

    def relu(x):
        return np.maximum(x, 0), lambda g: np.where(x > 0, g, 0)

    def cross_entropy(s):
        logp = s - logsumexp(s, axis=1, keepdims=True)
        return -(Y * logp).sum() / len(Y), lambda g: g * (np.exp(logp) - Y) / len(Y)

    z, pull_z = affine(X, W1, b1)
    h, pull_h = relu(z)
    s, pull_s = affine(h, W2, b2)
    loss, pull_loss = cross_entropy(s)
    g_h, g_W2, g_b2 = pull_s(pull_loss(1.0))
    _, g_W1, g_b1 = pull_z(pull_h(g_h))
    return loss, {"W1": g_W1, "b1": g_b1, "W2": g_W2, "b2": g_b2}


@right()
def right_in_its_own_copies(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    work = X @ W1
    work += b1
    np.maximum(work, 0, out=work)
    scores = work @ W2
    scores += b2
    scores -= scores.max(axis=1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1, keepdims=True)
    scores -= Y
    scores /= N
    dW2 = work.T @ scores
    db2 = scores.sum(axis=0)
    back = scores @ W2.T
    back[work == 0] = 0
    return {"db2": db2, "dW2": dW2, "db1": back.sum(axis=0), "dW1": X.T @ back}


@right()
def right_active_units_only(X, y, W1, b1, W2, b2):
    N = len(X)
    gW1, gb1 = np.zeros_like(W1), np.zeros_like(b1)
    gW2, gb2 = np.zeros_like(W2), np.zeros_like(b2)
    for n in range(N):
        z = X[n] @ W1 + b1
        on = np.flatnonzero(z > 0)
        r = softmax(z[on] @ W2[on] + b2)
        r[y[n]] -= 1
        r /= N
        gb2 += r
        gW2[on] += z[on, None] * r
        gb1[on] += W2[on] @ r
        gW1[:, on] += X[n][:, None] * (W2[on] @ r)
    return {"dW1": gW1, "db1": gb1, "dW2": gW2, "db2": gb2}
