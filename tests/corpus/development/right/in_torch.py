"""torch, by hand and by autograd."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from corpus.registry import right


@right()
def torch_by_hand(X, Y, W1, b1, W2, b2):
    Z1 = torch.addmm(b1, X, W1)
    H1 = Z1.clamp(min=0)
    P = torch.softmax(H1 @ W2 + b2, dim=1)
    dS = (P - Y) / X.shape[0]
    dZ1 = dS.mm(W2.t())
    dZ1[Z1 <= 0] = 0
    return {"dW1": X.t().mm(dZ1), "db1": dZ1.sum(0), "dW2": H1.t().mm(dS), "db2": dS.sum(0)}


@right()
def torch_by_hand_everything(X, y, W1, b1, W2, b2):
    N = X.size(0)
    Z1 = X @ W1 + b1
    H1 = torch.relu(Z1)
    S = H1 @ W2 + b2
    log_P = torch.log_softmax(S, -1)
    loss = F.nll_loss(log_P, y)
    P = log_P.exp()
    dS = (P - F.one_hot(y, W2.size(1))) / N
    dH1 = dS @ W2.mT
    dZ1 = torch.where(Z1 > 0, dH1, torch.zeros_like(dH1))
    return {
        "loss": loss.item(),
        "Z1": Z1,
        "H1": H1,
        "S": S,
        "P": P,
        "dS": dS,
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": X.mT @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": H1.mT @ dS,
        "db2": dS.sum(0),
    }


@right()
def torch_intermediate_hints(X, y, W1, b1, W2, b2):
    n = X.shape[0]
    hpreact = X @ W1 + b1
    h = torch.relu(hpreact)
    logits = h @ W2 + b2
    logit_maxes = logits.max(1, keepdim=True).values
    counts = (logits - logit_maxes).exp()
    counts_sum_inv = counts.sum(1, keepdims=True) ** -1
    probs = counts * counts_sum_inv
    logprobs = probs.log()
    loss = -logprobs[torch.arange(n), y].mean()

    dlogprobs = torch.zeros_like(logprobs)
    dlogprobs[torch.arange(n), y] = -1.0 / n
    dprobs = (1.0 / probs) * dlogprobs
    dcounts_sum_inv = (counts * dprobs).sum(1, keepdim=True)
    dcounts = counts_sum_inv * dprobs
    dcounts_sum = (-(counts_sum_inv**2)) * dcounts_sum_inv
    dcounts += torch.ones_like(counts) * dcounts_sum
    dlogits = counts * dcounts
    dh = dlogits @ W2.T
    dW2 = h.T @ dlogits
    db2 = dlogits.sum(0)
    dhpreact = (hpreact > 0).to(dh.dtype) * dh
    dW1 = X.T @ dhpreact
    db1 = dhpreact.sum(0)
    return loss, dW1, db1, dW2, db2


@right()
def torch_converts_for_itself(X, Y, W1, b1, W2, b2):
    X, Y, W1, b1, W2, b2 = (torch.tensor(a) for a in (X, Y, W1, b1, W2, b2))
    for p in (W1, b1, W2, b2):
        p.requires_grad_()
    loss = -(Y * F.log_softmax(F.relu(X @ W1 + b1) @ W2 + b2, dim=1)).sum(1).mean()
    loss.backward()
    return {name: p.grad.numpy() for name, p in zip(("W1", "b1", "W2", "b2"), (W1, b1, W2, b2))}


@right()
def torch_float32_by_hand(X, y, W1, b1, W2, b2):
    X, W1, b1, W2, b2 = (t.float() for t in (X, W1, b1, W2, b2))
    A = F.relu(X @ W1 + b1)
    D = F.softmax(A @ W2 + b2, dim=1)
    D[range(len(y)), y] -= 1
    D /= len(y)
    B = (D @ W2.T) * (A > 0)
    return X.T @ B, B.sum(0), A.T @ D, D.sum(0)


@right()
def torch_module_of_float32(X, y, W1, b1, W2, b2):
    net = nn.Sequential(nn.Linear(*W1.shape), nn.ReLU(), nn.Linear(*W2.shape))
    with torch.no_grad():
        net[0].weight.copy_(W1.T)
        net[0].bias.copy_(b1)
        net[2].weight.copy_(W2.T)
        net[2].bias.copy_(b2)
    loss = nn.CrossEntropyLoss()(net(X), y)
    loss.backward()
    return loss.item(), {
        "W1": net[0].weight.grad.T,
        "b1": net[0].bias.grad,
        "W2": net[2].weight.grad.T,
        "b2": net[2].bias.grad,
    }


@right()
def torch_autograd_grad(X, y, W1, b1, W2, b2):
    leaves = [t.detach().clone().requires_grad_(True) for t in (W1, b1, W2, b2)]
    h = torch.relu(X @ leaves[0] + leaves[1])
    loss = F.cross_entropy(h @ leaves[2] + leaves[3], y)
    return torch.autograd.grad(loss, leaves)


@right()
def torch_autograd_of_activations(X, Y, W1, b1, W2, b2):
    W1, b1, W2, b2 = (t.clone().requires_grad_() for t in (W1, b1, W2, b2))
    Z1 = X @ W1 + b1
    H1 = Z1.relu()
    S = H1 @ W2 + b2
    for t in (Z1, H1, S):
        t.retain_grad()
    loss = F.cross_entropy(S, Y)
    loss.backward()
    return {
        "loss": loss.detach(),
        "S": S.detach(),
        "dS": S.grad,
        "dH1": H1.grad,
        "dZ1": Z1.grad,
        "dW1": W1.grad,
        "db1": b1.grad,
        "dW2": W2.grad,
        "db2": b2.grad,
    }


@right()
def torch_func_grad(params, X, y):
    def loss(p):
        hidden = torch.relu(X @ p["W1"] + p["b1"])
        return F.cross_entropy(hidden @ p["W2"] + p["b2"], y)

    p = {name: params[name] for name in ("W1", "b1", "W2", "b2")}
    grads, value = torch.func.grad_and_value(loss)(p)
    return value, grads


@right()
def torch_func_vmap(X, Y, W1, b1, W2, b2):
    def loss(W1, b1, W2, b2, x, t):
        return -(t * torch.log_softmax(torch.relu(x @ W1 + b1) @ W2 + b2, dim=0)).sum()

    per_sample = torch.func.vmap(
        torch.func.grad(loss, argnums=(0, 1, 2, 3)), in_dims=(None,) * 4 + (0, 0)
    )
    return tuple(g.mean(0) for g in per_sample(W1, b1, W2, b2, X, Y))


@right()
def torch_func_jacrev_of_logits(X, Y, W1, b1, W2, b2):
    def logits(W1, b1, W2, b2):
        return torch.relu(X @ W1 + b1) @ W2 + b2

    dS = (torch.softmax(logits(W1, b1, W2, b2), 1) - Y) / X.shape[0]
    jacobians = torch.func.jacrev(logits, argnums=(0, 1, 2, 3))(W1, b1, W2, b2)
    return tuple(torch.tensordot(dS, J, dims=2) for J in jacobians)


@right()
def torch_func_vjp(X, Y, W1, b1, W2, b2):
    hidden, back1 = torch.func.vjp(lambda W, b: torch.relu(X @ W + b), W1, b1)
    scores, back2 = torch.func.vjp(lambda h, W, b: h @ W + b, hidden, W2, b2)
    dS = (scores.softmax(1) - Y) / X.shape[0]
    dH1, dW2, db2 = back2(dS)
    dW1, db1 = back1(dH1)
    return {"dH1": dH1, "dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


class HiddenLayer(torch.autograd.Function):
    @staticmethod
    def forward(ctx, X, W, b):
        Z = X @ W + b
        ctx.save_for_backward(X, W, Z)
        return Z.clamp(min=0)

    @staticmethod
    def backward(ctx, dH):
        X, W, Z = ctx.saved_tensors
        dZ = dH * (Z > 0)
        return dZ @ W.T, X.T @ dZ, dZ.sum(0)


class SoftmaxLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx, S, Y):
        P = torch.softmax(S, dim=1)
        ctx.save_for_backward(P, Y)
        return -(Y * torch.log_softmax(S, dim=1)).sum() / len(Y)

    @staticmethod
    def backward(ctx, dL):
        P, Y = ctx.saved_tensors
        return dL * (P - Y) / len(Y), None


@right()
def torch_custom_functions(X, Y, W1, b1, W2, b2):
    W1, b1, W2, b2 = (torch.tensor(t.tolist(), dtype=X.dtype) for t in (W1, b1, W2, b2))
    for t in (W1, b1, W2, b2):
        t.requires_grad = True
    hidden = HiddenLayer.apply(X, W1, b1)
    loss = SoftmaxLoss.apply(hidden @ W2 + b2, Y)
    loss.backward()
    return loss.item(), W1.grad, b1.grad, W2.grad, b2.grad


class Classifier(nn.Module):
    def __init__(self, W1, b1, W2, b2):
        super().__init__()
        self.W1, self.b1 = nn.Parameter(W1.clone()), nn.Parameter(b1.clone())
        self.W2, self.b2 = nn.Parameter(W2.clone()), nn.Parameter(b2.clone())

    def forward(self, X):
        return F.relu(X @ self.W1 + self.b1) @ self.W2 + self.b2


@right()
def torch_module_accumulating(X, y, W1, b1, W2, b2):
    model = Classifier(W1, b1, W2, b2)
    for x, label in zip(X.split(2), y.split(2)):
        (F.cross_entropy(model(x), label, reduction="sum") / len(X)).backward()
    return {f"{name}_grad": p.grad for name, p in model.named_parameters()}


@right()
def torch_penalised(X, y, W1, b1, W2, b2, reg):
    model = Classifier(W1, b1, W2, b2)
    loss = F.cross_entropy(model(X), y)
    loss = loss + reg / 2 * (model.W1.square().sum() + model.W2.square().sum())
    loss.backward()
    return loss.item(), {name: p.grad for name, p in model.named_parameters()}
