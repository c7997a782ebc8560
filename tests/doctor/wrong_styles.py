# ruff: noqa: B023, C416, E731, PIE790, RET504, RUF005, RUF012, SIM108, E741
"""Wrong backward passes in other styles than the NumPy script, one mistake each.

Torch by hand, autograd with a wrong loss, tapes, layers, batch-last code, buffers, lists,
chunks and steps: as people write them. What is wrong stands in the registration only.
"""

import math
from collections import defaultdict, namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, reduce
from itertools import product, starmap
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import log_softmax, logsumexp, softmax
from torch import nn


class Case(NamedTuple):
    """A wrong implementation, the equation that it departs from, and what it has there."""

    f: Callable[..., Any]
    equation: str
    mistake: str
    options: dict[str, Any]


WRONG: list[Case] = []


def wrong(equation: str, mistake: str, **options: Any) -> Callable[..., Any]:
    """Register a wrong implementation."""

    def register(f: Callable[..., Any]) -> Callable[..., Any]:
        WRONG.append(Case(f, equation, mistake, options))
        return f

    return register


# ------------------------------------------------------------------ torch, by hand


@wrong("dZ1", "dH1 is taken for dZ1: the mask of the ReLU is left out")
def torch_mm(X, Y, W1, b1, W2, b2):
    N = X.size(0)
    z = torch.mm(X, W1) + b1
    h = z.clamp(min=0)
    p = torch.softmax(torch.mm(h, W2) + b2, dim=1)
    d_scores = (p - Y) / N
    d_hidden = torch.mm(d_scores, W2.t())
    return {
        "W1": torch.mm(X.t(), d_hidden),
        "b1": d_hidden.sum(0),
        "W2": torch.mm(h.t(), d_scores),
        "b2": d_scores.sum(0),
    }


@wrong("dH1", "P is propagated back through W2 instead of dS")
def torch_einsum(X, Y, W1, b1, W2, b2):
    z = torch.einsum("nd,dh->nh", X, W1) + b1
    a = torch.relu(z)
    probs = torch.softmax(torch.einsum("nh,hk->nk", a, W2) + b2, dim=-1)
    delta = (probs - Y) / X.shape[0]
    back = torch.einsum("nk,hk->nh", probs, W2) * (z > 0)
    return (
        torch.einsum("nd,nh->dh", X, back),
        torch.einsum("nh->h", back),
        torch.einsum("nh,nk->hk", a, delta),
        torch.einsum("nk->k", delta),
    )


@wrong("dS", "the entry of the true class is set to -1 instead of being lowered by 1")
def torch_scatter(X, y, W1, b1, W2, b2):
    z1 = X.mm(W1).add(b1)
    h1 = z1.relu()
    scores = h1.mm(W2).add(b2)
    grad = scores.softmax(1).scatter_(1, y.view(-1, 1), -1.0)
    grad /= len(y)
    grad_h = grad.mm(W2.T)
    grad_h[z1 <= 0] = 0
    return {
        "dW1": X.T.mm(grad_h),
        "db1": grad_h.sum(dim=0),
        "dW2": h1.T.mm(grad),
        "db2": grad.sum(dim=0),
    }


@wrong("L", "the minus sign of the loss is missing; the gradients are right")
def torch_gather_loss(X, y, W1, b1, W2, b2):
    pre = X @ W1 + b1
    act = pre.clamp_min(0)
    logits = act @ W2 + b2
    logp = logits - logits.logsumexp(dim=1, keepdim=True)
    loss = logp.gather(1, y.unsqueeze(1)).mean()
    d_logits = logp.exp()
    d_logits[torch.arange(len(y)), y] -= 1
    d_logits = d_logits / len(y)
    d_pre = (d_logits @ W2.T).masked_fill(pre <= 0, 0.0)
    grads = {
        "dW1": X.T @ d_pre,
        "db1": d_pre.sum(0),
        "dW2": act.T @ d_logits,
        "db2": d_logits.sum(0),
    }
    return loss.item(), grads


@wrong("dS", "only P is divided by N, not Y: P / N - Y")
def torch_index_minus_one(X, y, W1, b1, W2, b2):
    n = y.shape[0]
    z1 = torch.addmm(b1, X, W1)
    a1 = torch.relu(z1)
    s = torch.addmm(b2, a1, W2)
    ds = torch.softmax(s, dim=1) / n
    ds[range(n), y] -= 1
    dz1 = (ds @ W2.t()) * (z1 > 0).to(ds.dtype)
    return X.t() @ dz1, dz1.sum(0), a1.t() @ ds, ds.sum(0)


@wrong("dZ1", "the mask asks the rectified values for >= 0, which all of them are")
def torch_relu_in_place(X, Y, W1, b1, W2, b2):
    hidden = X.matmul(W1) + b1
    hidden.relu_()
    out = hidden.matmul(W2) + b2
    err = (out.softmax(dim=1) - Y).div_(X.size(0))
    gW2 = hidden.t().matmul(err)
    gb2 = err.sum(dim=0)
    err_h = err.matmul(W2.t())
    err_h.mul_(hidden >= 0)
    gW1 = X.t().matmul(err_h)
    gb1 = err_h.sum(dim=0)
    return {"W1_grad": gW1, "b1_grad": gb1, "W2_grad": gW2, "b2_grad": gb2}


@wrong("P", "the softmax runs down the columns: dim=0")
def torch_softmax_dim(X, Y, W1, b1, W2, b2):
    softmax_over_batch = nn.Softmax(dim=0)
    z1 = X @ W1 + b1
    h1 = F.relu(z1)
    p = softmax_over_batch(h1 @ W2 + b2)
    ds = (p - Y) / len(X)
    dz1 = (ds @ W2.mT) * (z1 > 0)
    return {"dw1": X.mT @ dz1, "db1": dz1.sum(0), "dw2": h1.mT @ ds, "db2": ds.sum(0)}


@wrong("P", "the sum under the softmax has lost its dimension: rows are divided by others' sums")
def torch_keepdim_forgotten(X, Y, W1, b1, W2, b2):
    z1 = torch.matmul(X, W1) + b1
    h1 = torch.where(z1 > 0, z1, torch.zeros_like(z1))
    e = torch.exp(torch.matmul(h1, W2) + b2)
    p = e / e.sum(1)
    ds = (p - Y) / X.shape[0]
    dz1 = torch.where(z1 > 0, torch.matmul(ds, W2.T), torch.zeros_like(z1))
    return torch.matmul(X.T, dz1), dz1.sum(0), torch.matmul(h1.T, ds), ds.sum(0)


@wrong("dZ1", "the mask is Z1 cut to whole numbers: it closes the units with 0 < Z1 < 1 too")
def torch_integer_mask(X, Y, W1, b1, W2, b2):
    X, Y, W1, b1, W2, b2 = (torch.as_tensor(t) for t in (X, Y, W1, b1, W2, b2))
    z1 = X @ W1 + b1
    h1 = z1.clamp(min=0.0)
    p = F.softmax(h1 @ W2 + b2, dim=1)
    ds = (p - Y) / Y.shape[0]
    active = z1.int() > 0
    dz1 = ds @ W2.T * active
    grads = {"W1": X.T @ dz1, "b1": dz1.sum(0), "W2": h1.T @ ds, "b2": ds.sum(0)}
    return {k: v.numpy() for k, v in grads.items()}


@wrong("dS", "dS is rounded to half precision")
def torch_half(X, Y, W1, b1, W2, b2):
    z1 = X @ W1 + b1
    h1 = z1 * z1.gt(0)
    p = torch.softmax(h1 @ W2 + b2, -1)
    ds = ((p - Y) / len(Y)).half().type_as(p)
    dz1 = ds @ W2.T * z1.gt(0)
    return {"dW1": X.T @ dz1, "db1": dz1.sum(0), "dW2": h1.T @ ds, "db2": ds.sum(0)}


@wrong("P", "sigmoids of the scores instead of their softmax")
def torch_sigmoid_head(X, Y, W1, b1, W2, b2):
    m = X.shape[0]
    a1 = torch.relu(X @ W1 + b1)
    a2 = torch.sigmoid(a1 @ W2 + b2)
    delta2 = (a2 - Y) / m
    delta1 = torch.mm(delta2, W2.t()) * torch.heaviside(a1, torch.zeros(1, dtype=a1.dtype))
    dW2 = torch.mm(a1.t(), delta2)
    dW1 = torch.mm(X.t(), delta1)
    return dW1, delta1.sum(0), dW2, delta2.sum(0)


@wrong("dW1", "X is rectified on its way into the product X^T dZ1")
def torch_outer_products(X, Y, W1, b1, W2, b2):
    a0 = X
    z1 = a0 @ W1 + b1
    a1 = z1.relu()
    delta2 = (torch.softmax(a1 @ W2 + b2, 1) - Y) / X.shape[0]
    delta1 = delta2 @ W2.T * (z1 > 0)
    dW2 = (a1.unsqueeze(2) * delta2.unsqueeze(1)).sum(0)
    dW1 = (a0.relu().unsqueeze(2) * delta1.unsqueeze(1)).sum(0)
    return {"dW1": dW1, "dW2": dW2, "db1": delta1.sum(0), "db2": delta2.sum(0)}


@wrong("db1", "the mean over the rows of dZ1 instead of their sum")
def torch_bmm(X, Y, params):
    W1, b1, W2, b2 = params.W1, params.b1, params.W2, params.b2
    z1 = torch.baddbmm(b1.view(1, 1, -1), X.unsqueeze(0), W1.unsqueeze(0)).squeeze(0)
    h1 = torch.threshold(z1, 0.0, 0.0)
    s = torch.baddbmm(b2.view(1, 1, -1), h1.unsqueeze(0), W2.unsqueeze(0)).squeeze(0)
    ds = (s.softmax(1) - Y) / s.shape[0]
    dz1 = torch.mm(ds, W2.T).masked_fill(z1 <= 0, 0)
    return {"W1": X.T.mm(dz1), "b1": dz1.mean(0), "W2": h1.T.mm(ds), "b2": ds.sum(0)}


# ------------------------------------------------------------------ torch.autograd.Function


def _leaves(*tensors):
    return [torch.as_tensor(t).detach().clone().requires_grad_(True) for t in tensors]


class AffineMeanBias(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w, b):
        ctx.save_for_backward(x, w)
        return x.mm(w) + b

    @staticmethod
    def backward(ctx, grad_out):
        x, w = ctx.saved_tensors
        grad_x = grad_out.mm(w.t()) if ctx.needs_input_grad[0] else None
        return grad_x, x.t().mm(grad_out), grad_out.mean(0)


@wrong("db2", "the bias gradient of the affine function (db2, and db1) is a mean over the rows")
def function_affine(X, Y, W1, b1, W2, b2):
    W1, b1, W2, b2 = params = _leaves(W1, b1, W2, b2)
    h = torch.relu(AffineMeanBias.apply(X, W1, b1))
    s = AffineMeanBias.apply(h, W2, b2)
    loss = -(Y * F.log_softmax(s, dim=1)).sum(1).mean()
    loss.backward()
    return tuple(p.grad for p in params)


class SignReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * x.sign()


@wrong("dZ1", "multiplied by the sign of Z1: what the mask should stop passes with a minus")
def function_relu(X, Y, W1, b1, W2, b2):
    X, Y = torch.as_tensor(X), torch.as_tensor(Y)
    leaves = _leaves(W1, b1, W2, b2)
    logits = SignReLU.apply(X @ leaves[0] + leaves[1]) @ leaves[2] + leaves[3]
    loss = F.cross_entropy(logits, Y.argmax(1))
    gW1, gb1, gW2, gb2 = torch.autograd.grad(loss, leaves)
    return {"W1": gW1, "b1": gb1, "W2": gW2, "b2": gb2}


class SoftmaxLossSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits, target):
        p = torch.softmax(logits, dim=1)
        ctx.save_for_backward(p, target)
        return -torch.log(p[torch.arange(len(target)), target]).mean()

    @staticmethod
    def backward(ctx, grad_output):
        p, target = ctx.saved_tensors
        grad = p.clone()
        grad[torch.arange(len(target)), target] -= 1
        return grad_output * grad, None


@wrong("dS", "the division by N is missing in the backward of the mean loss")
def function_softmax_loss(X, y, W1, b1, W2, b2):
    W1, b1, W2, b2 = _leaves(W1, b1, W2, b2)
    loss = SoftmaxLossSum.apply((X @ W1 + b1).relu() @ W2 + b2, y)
    loss.backward()
    return loss.item(), {"W1": W1.grad, "b1": b1.grad, "W2": W2.grad, "b2": b2.grad}


class NegatedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx, scores, onehot):
        ctx.probs = scores.softmax(-1)
        ctx.onehot = onehot
        return -(onehot * scores.log_softmax(-1)).sum() / len(scores)

    @staticmethod
    def backward(ctx, g):
        return g * (ctx.onehot - ctx.probs) / len(ctx.probs), None


@wrong("dS", "the sign is turned: (Y - P) / N")
def function_cross_entropy(X, Y, W1, b1, W2, b2):
    ws = [torch.tensor(w, requires_grad=True) for w in (W1, b1, W2, b2)]
    X, Y = torch.from_numpy(X), torch.from_numpy(Y)
    scores = torch.relu(X @ ws[0] + ws[1]) @ ws[2] + ws[3]
    NegatedCrossEntropy.apply(scores, Y).backward()
    return [w.grad.numpy() for w in ws]


class TwoLayers(torch.autograd.Function):
    @staticmethod
    def forward(ctx, X, Y, W1, b1, W2, b2):
        Z1 = X @ W1 + b1
        H1 = Z1.relu()
        logP = torch.log_softmax(H1 @ W2 + b2, 1)
        ctx.save_for_backward(X, Y, W2, Z1, H1, logP.exp())
        return -(Y * logP).sum() / X.shape[0]

    @staticmethod
    def backward(ctx, dL):
        X, Y, W2, Z1, H1, P = ctx.saved_tensors
        dS = dL * (P - Y) / X.shape[0]
        dH1 = dS @ W2.T
        dZ1 = dH1 * (Z1 > 0)
        return None, None, X.T @ dZ1, dH1.sum(0), H1.T @ dS, dS.sum(0)


@wrong("db1", "the rows of dH1 are summed instead of those of dZ1")
def function_whole_network(X, Y, W1, b1, W2, b2):
    leaves = _leaves(W1, b1, W2, b2)
    loss = TwoLayers.apply(torch.as_tensor(X), torch.as_tensor(Y), *leaves)
    loss.backward()
    return loss.item(), [t.grad for t in leaves]


class LinearTransposed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias):
        ctx.save_for_backward(x, weight)
        return x @ weight.t() + bias

    @staticmethod
    def backward(ctx, grad_output):
        x, weight = ctx.saved_tensors
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = grad_output @ weight.t()
        return grad_x, grad_output.t() @ x, grad_output.sum(0)


@wrong("dH1", "dS is multiplied by W2 the wrong way round, transposed", layout="linear")
def function_linear(X, y, W1, b1, W2, b2):
    W1, b1, W2, b2 = _leaves(W1, b1, W2, b2)
    out = LinearTransposed.apply(F.relu(LinearTransposed.apply(X, W1, b1)), W2, b2)
    F.cross_entropy(out, y).backward()
    return W1.grad, b1.grad, W2.grad, b2.grad


class ReLUCapped(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(0, 1)

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * (x > 0)


@wrong("H1", "the ReLU is cut off at 1 as well")
def function_capped(X, y, W1, b1, W2, b2):
    params = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
    params = {k: v.clone().requires_grad_() for k, v in params.items()}
    hidden = ReLUCapped.apply(X @ params["W1"] + params["b1"])
    loss = nn.CrossEntropyLoss()(hidden @ params["W2"] + params["b2"], y)
    loss.backward()
    return {k: v.grad for k, v in params.items()}


# ------------------------------------------------------------------ autograd, wrong loss


@wrong("P", "softmax twice: probabilities go into CrossEntropyLoss, which takes a softmax itself")
def autograd_softmax_first(X, y, W1, b1, W2, b2):
    W1, b1, W2, b2 = (t.clone().requires_grad_() for t in (W1, b1, W2, b2))
    criterion = nn.CrossEntropyLoss()
    probs = torch.softmax(torch.relu(X @ W1 + b1) @ W2 + b2, dim=1)
    loss = criterion(probs, y)
    loss.backward()
    return loss.item(), (W1.grad, b1.grad, W2.grad, b2.grad)


@wrong("P", "log_softmax is taken down the columns: dim=0")
def autograd_log_softmax(X, y, W1, b1, W2, b2):
    leaves = [torch.tensor(t, requires_grad=True) for t in (W1, b1, W2, b2)]
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    s = F.relu(X @ leaves[0] + leaves[1]) @ leaves[2] + leaves[3]
    loss = F.nll_loss(F.log_softmax(s, dim=0), y)
    loss.backward()
    return loss.item(), tuple(t.grad.numpy() for t in leaves)


@wrong("L", "the loss is summed over the rows: reduction='sum'")
def autograd_sum(X, y, W1, b1, W2, b2):
    W1, b1, W2, b2 = _leaves(W1, b1, W2, b2)
    loss = F.cross_entropy(torch.relu(X @ W1 + b1) @ W2 + b2, y, reduction="sum")
    grads = torch.autograd.grad(loss, (W1, b1, W2, b2))
    return loss, dict(zip(("W1", "b1", "W2", "b2"), grads, strict=True))


@wrong("L", "nll_loss is given probabilities: the logarithm is missing")
def autograd_nll_of_probabilities(X, y, W1, b1, W2, b2):
    W1, b1, W2, b2 = (t.detach().clone().requires_grad_(True) for t in (W1, b1, W2, b2))
    p = F.softmax(F.relu(X.matmul(W1).add(b1)).matmul(W2).add(b2), dim=1)
    loss = F.nll_loss(p, y)
    loss.backward()
    return loss.item(), {"W1": W1.grad, "b1": b1.grad, "W2": W2.grad, "b2": b2.grad}


@wrong("L", "the mean squared error between P and Y")
def autograd_squared_error(X, Y, params):
    W1, b1, W2, b2 = _leaves(params["W1"], params["b1"], params["W2"], params["b2"])
    P = torch.softmax((torch.as_tensor(X) @ W1 + b1).relu() @ W2 + b2, 1)
    loss = F.mse_loss(P, torch.as_tensor(Y))
    loss.backward()
    return loss.item(), {"W1": W1.grad, "b1": b1.grad, "W2": W2.grad, "b2": b2.grad}


@wrong("L", "the targets are smoothed by 0.1")
def autograd_smoothed(X, y, W1, b1, W2, b2):
    W1, b1, W2, b2 = _leaves(W1, b1, W2, b2)
    loss_fn = nn.CrossEntropyLoss(label_smoothing=0.1)
    loss = loss_fn(F.relu(X @ W1 + b1) @ W2 + b2, y)
    loss.backward()
    return loss.item(), {"dW1": W1.grad, "db1": b1.grad, "dW2": W2.grad, "db2": b2.grad}


@wrong("L", "the rows of class 0 are ignored")
def autograd_padding_class(X, y, W1, b1, W2, b2):
    W1, b1, W2, b2 = _leaves(W1, b1, W2, b2)
    loss = F.cross_entropy((X @ W1 + b1).clamp(min=0) @ W2 + b2, y, ignore_index=0)
    loss.backward()
    return loss.item(), (W1.grad, b1.grad, W2.grad, b2.grad)


@wrong("L", "the penalty is l2 (|W1|^2 + |W2|^2), without the half")
def autograd_penalty(X, y, W1, b1, W2, b2, l2):
    W1, b1, W2, b2 = _leaves(W1, b1, W2, b2)
    data_loss = F.cross_entropy(F.relu(X @ W1 + b1) @ W2 + b2, y)
    loss = data_loss + l2 * (W1.pow(2).sum() + W2.pow(2).sum())
    loss.backward()
    return loss.item(), {"W1": W1.grad, "b1": b1.grad, "W2": W2.grad, "b2": b2.grad}


@wrong("L", "the penalty takes the norms of W1 and W2, not their squares")
def autograd_norms(X, y, W1, b1, W2, b2, weight_decay):
    W1, b1, W2, b2 = _leaves(W1, b1, W2, b2)
    loss = F.cross_entropy(F.relu(X @ W1 + b1) @ W2 + b2, y)
    loss = loss + weight_decay / 2 * sum(W.norm() for W in (W1, W2))
    loss.backward()
    return loss.item(), {"W1": W1.grad, "b1": b1.grad, "W2": W2.grad, "b2": b2.grad}


class Net(nn.Module):
    def __init__(self, d, H, K):
        super().__init__()
        self.fc1 = nn.Linear(d, H, dtype=torch.float64)
        self.fc2 = nn.Linear(H, K, dtype=torch.float64)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x)))

    def load(self, W1, b1, W2, b2):
        with torch.no_grad():
            self.fc1.weight.copy_(torch.as_tensor(W1))
            self.fc1.bias.copy_(torch.as_tensor(b1))
            self.fc2.weight.copy_(torch.as_tensor(W2))
            self.fc2.bias.copy_(torch.as_tensor(b2))

    def grads(self):
        layers = {"1": self.fc1, "2": self.fc2}
        weights = {f"W{i}": fc.weight.grad.numpy().copy() for i, fc in layers.items()}
        return weights | {f"b{i}": fc.bias.grad.numpy().copy() for i, fc in layers.items()}


_nets: dict[Any, Net] = {}


@wrong("call", "zero_grad is forgotten: each call adds to the gradients of the last", layout="linear")
def module_kept(X, y, W1, b1, W2, b2):
    shape = (X.shape[1], W1.shape[0], W2.shape[0])
    if shape not in _nets:
        _nets[shape] = Net(*shape)
    net = _nets[shape]
    net.load(W1, b1, W2, b2)
    loss = F.cross_entropy(net(torch.as_tensor(X).double()), torch.as_tensor(y))
    loss.backward()
    return loss.item(), net.grads()


@wrong("L", "the mean loss is divided by N again", layout="linear")
def module_mean_again(X, y, W1, b1, W2, b2):
    net = Net(X.shape[1], W1.shape[0], W2.shape[0])
    net.load(W1, b1, W2, b2)
    X, y = torch.as_tensor(X).double(), torch.as_tensor(y)
    loss = nn.CrossEntropyLoss()(net(X), y) / len(X)
    net.zero_grad()
    loss.backward()
    return loss.item(), net.grads()


class GELUNet(Net):
    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


@wrong("H1", "GELU instead of ReLU", layout="linear")
def module_gelu(X, y, W1, b1, W2, b2):
    net = GELUNet(X.shape[1], W1.shape[0], W2.shape[0])
    net.load(W1, b1, W2, b2)
    loss = F.cross_entropy(net(torch.as_tensor(X).double()), torch.as_tensor(y))
    loss.backward()
    return loss.item(), net.grads()


class DropoutNet(Net):
    def forward(self, x):
        return self.fc2(F.dropout(F.relu(self.fc1(x)), p=0.5))


@wrong("H1", "dropout is left on: half of H1, another half each time, is 0", layout="linear")
def module_dropout(X, y, W1, b1, W2, b2):
    net = DropoutNet(X.shape[1], W1.shape[0], W2.shape[0])
    net.load(W1, b1, W2, b2)
    net.eval()
    loss = F.cross_entropy(net(torch.as_tensor(X).double()), torch.as_tensor(y))
    loss.backward()
    return net.grads()


# ------------------------------------------------------------------ nn.Linear's layout, by hand


@wrong("dW2", "Z1 stands where H1 should: the values before the ReLU", layout="linear")
def linear_layout_operand(X, Y, W1, b1, W2, b2):
    z1 = X @ W1.T + b1
    h1 = np.maximum(z1, 0)
    p = softmax(h1 @ W2.T + b2, axis=1)
    ds = (p - Y) / len(X)
    dz1 = (ds @ W2) * (z1 > 0)
    return {"dW1": dz1.T @ X, "db1": dz1.sum(0), "dW2": ds.T @ z1, "db2": ds.sum(0)}


@wrong("dZ1", "the mask asks where dH1 is positive, not where Z1 is", layout="linear")
def linear_layout_mask(X, Y, W1, b1, W2, b2):
    pre = F.linear(X, W1, b1)
    post = F.relu(pre)
    grad_logits = (F.softmax(F.linear(post, W2, b2), dim=1) - Y) / X.shape[0]
    grad_post = grad_logits.mm(W2)
    grad_pre = grad_post.clone()
    grad_pre[grad_post <= 0] = 0
    return grad_pre.t().mm(X), grad_pre.sum(0), grad_logits.t().mm(post), grad_logits.sum(0)


@wrong("Z1", "b1 is subtracted", layout="linear")
def linear_layout_bias(X, y, W1, b1, W2, b2):
    z1 = np.inner(X, W1) - b1
    h1 = z1 * (z1 > 0)
    ds = np.exp(log_softmax(np.inner(h1, W2) + b2, axis=1))
    ds[np.arange(len(y)), y] -= 1
    ds /= len(y)
    dz1 = ds.dot(W2) * (z1 > 0)
    return {"W1": dz1.T.dot(X), "b1": dz1.sum(0), "W2": ds.T.dot(h1), "b2": ds.sum(0)}


@wrong("dH1", "dS is multiplied by W2 transposed, the layout of the formula", layout="linear")
def linear_layout_transpose(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1.T + b1
    H1 = Z1.clip(min=0)
    P = softmax(H1 @ W2.T + b2, axis=-1)
    dS = (P - Y) / X.shape[0]
    dH1 = dS @ W2.T
    dZ1 = np.where(Z1 > 0, dH1, 0)
    return {"dW2": dS.T @ H1, "db2": dS.sum(0), "dW1": dZ1.T @ X, "db1": dZ1.sum(0)}


# ------------------------------------------------------------------ tapes


class Value:
    """A number that remembers how it was made."""

    def __init__(self, data, children=()):
        self.data = float(data)
        self.grad = 0.0
        self._prev = children
        self._backward = lambda: None

    def __add__(self, other):
        out = Value(self.data + other.data, (self, other))

        def _backward():
            self.grad += out.grad
            other.grad += out.grad

        out._backward = _backward
        return out

    def __mul__(self, other):
        out = Value(self.data * other.data, (self, other))

        def _backward():
            self.grad = other.data * out.grad
            other.grad = self.data * out.grad

        out._backward = _backward
        return out

    def relu(self):
        out = Value(max(0.0, self.data), (self,))

        def _backward():
            self.grad += (out.data > 0) * out.grad

        out._backward = _backward
        return out

    def exp(self):
        out = Value(math.exp(self.data), (self,))

        def _backward():
            self.grad += out.data * out.grad

        out._backward = _backward
        return out

    def log(self):
        out = Value(math.log(self.data), (self,))

        def _backward():
            self.grad += out.grad / self.data

        out._backward = _backward
        return out

    def backward(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack.extend((child, False) for child in node._prev)
        self.grad = 1.0
        for node in reversed(order):
            node._backward()


@wrong(
    "dW2", "products set their operands' gradients, not add to them: one row is left of the sum"
)
def scalar_tape(X, Y, W1, b1, W2, b2):
    def wrap(a):
        a = np.asarray(a)
        return [Value(v) for v in a] if a.ndim == 1 else [[Value(v) for v in row] for row in a]

    X, Y, W1, b1, W2, b2 = map(wrap, (X, Y, W1, b1, W2, b2))
    total = Value(0)
    for x, t in zip(X, Y, strict=True):
        h = []
        for j, b in enumerate(b1):
            h.append(sum((xi * w[j] for xi, w in zip(x, W1, strict=True)), b).relu())
        s = []
        for k, b in enumerate(b2):
            s.append(sum((hj * w[k] for hj, w in zip(h, W2, strict=True)), b))
        log_sum = sum((sk.exp() for sk in s), Value(0)).log()
        for tk, sk in zip(t, s, strict=True):
            total = total + tk * (log_sum + sk * Value(-1))
    loss = total * Value(1 / len(X))
    loss.backward()
    grad = {"W1": W1, "W2": W2}
    grad = {n: np.array([[v.grad for v in row] for row in w]) for n, w in grad.items()}
    grad["b1"] = np.array([v.grad for v in b1])
    grad["b2"] = np.array([v.grad for v in b2])
    return loss.data, grad


class Node:
    def __init__(self, value, parents=()):
        self.value = np.asarray(value)
        self.parents = parents
        self.grad = np.zeros_like(self.value)
        self.pull = lambda: None

    def __matmul__(self, other):
        out = Node(self.value @ other.value, (self, other))

        def pull():
            self.grad += out.grad @ other.value.T
            other.grad += self.value.T @ out.grad

        out.pull = pull
        return out

    def add_bias(self, bias):
        out = Node(self.value + bias.value, (self, bias))

        def pull():
            self.grad += out.grad
            bias.grad += out.grad[0]

        out.pull = pull
        return out

    def relu(self):
        out = Node(np.maximum(self.value, 0), (self,))

        def pull():
            self.grad += np.where(self.value > 0, out.grad, 0)

        out.pull = pull
        return out

    def cross_entropy(self, Y):
        logp = log_softmax(self.value, axis=1)
        out = Node(-(Y * logp).sum() / len(Y), (self,))

        def pull():
            self.grad += out.grad * (np.exp(logp) - Y) / len(Y)

        out.pull = pull
        return out

    def backward(self):
        self.grad = np.ones_like(self.value)
        node = self
        while node.parents:
            node.pull()
            node = node.parents[0]


@wrong("db2", "the bias takes the gradient of the first row only (as does b1)")
def array_tape(X, Y, W1, b1, W2, b2):
    p = {"W1": Node(W1), "b1": Node(b1), "W2": Node(W2), "b2": Node(b2)}
    hidden = (Node(X) @ p["W1"]).add_bias(p["b1"]).relu()
    loss = (hidden @ p["W2"]).add_bias(p["b2"]).cross_entropy(Y)
    loss.backward()
    return loss.value, {k: node.grad for k, node in p.items()}


@wrong("dZ1", "the mask is turned round: the gradient passes where Z1 <= 0")
def tape_list(X, Y, W1, b1, W2, b2):
    tape = []
    grads = defaultdict(lambda: 0.0)

    def affine(x, w, b, names):
        out = x @ w + b

        def back(g):
            grads[names[0]] += x.T @ g
            grads[names[1]] += g.sum(axis=0)
            return g @ w.T

        tape.append(back)
        return out

    def relu(x):
        tape.append(lambda g: np.where(x > 0, 0.0, g))
        return np.where(x > 0, x, 0.0)

    def loss(s):
        p = softmax(s, axis=1)
        tape.append(lambda g: g * (p - Y) / s.shape[0])
        return -np.sum(Y * np.log(p)) / s.shape[0]

    L = loss(affine(relu(affine(X, W1, b1, ("W1", "b1"))), W2, b2, ("W2", "b2")))
    g = 1.0
    while tape:
        g = tape.pop()(g)
    return L, dict(grads)


class Tensor:
    def __init__(self, data, ctx=None):
        self.data, self.ctx, self.grad = data, ctx, 0

    def matmul(self, w):
        def vjp(g):
            return [(self, g @ w.data.T), (w, self.data.T @ self.next.data)]

        self.next = Tensor(self.data @ w.data, vjp)
        return self.next

    def add(self, b):
        return Tensor(self.data + b.data, lambda g: [(self, g), (b, g.sum(0))])

    def relu(self):
        on = self.data > 0
        return Tensor(self.data * on, lambda g: [(self, g * on)])

    def backward(self, g):
        self.grad = self.grad + g
        if self.ctx is not None:
            for parent, grad in self.ctx(g):
                parent.backward(grad)


@wrong("dW2", "the product's values stand where the gradient that arrives should (in dW1 too)")
def recursive_tape(X, Y, W1, b1, W2, b2):
    W1, b1, W2, b2 = weights = list(map(Tensor, (W1, b1, W2, b2)))
    scores = Tensor(X).matmul(W1).add(b1).relu().matmul(W2).add(b2)
    P = softmax(scores.data, axis=1)
    scores.backward((P - Y) / Y.shape[0])
    return tuple(w.grad for w in weights)


class Var:
    def __init__(self, v, *back):
        self.v, self.back, self.g = v, back, 0.0

    def push(self, g):
        self.g = self.g + g
        for var, rule in self.back:
            var.push(rule(g))


@wrong("dS", "the quotient e / sum is differentiated without the square of the sum")
def quotient_tape(X, Y, W1, b1, W2, b2):
    W1, b1, W2, b2 = (Var(w) for w in (W1, b1, W2, b2))
    z = Var(X @ W1.v + b1.v, (W1, lambda g: X.T @ g), (b1, lambda g: g.sum(0)))
    h = Var(np.fmax(z.v, 0), (z, lambda g: g * (z.v > 0)))
    s = Var(
        h.v @ W2.v + b2.v,
        (h, lambda g: g @ W2.v.T),
        (W2, lambda g: h.v.T @ g),
        (b2, lambda g: g.sum(0)),
    )
    e = Var(np.exp(s.v), (s, lambda g: g * e.v))
    t = Var(e.v.sum(1, keepdims=True), (e, lambda g: g * np.ones_like(e.v)))
    p = Var(
        e.v / t.v,
        (e, lambda g: g / t.v),
        (t, lambda g: -(g * e.v / t.v).sum(1, keepdims=True)),
    )
    p.push(-Y / p.v / len(X))
    return {"dW1": W1.g, "db1": b1.g, "dW2": W2.g, "db2": b2.g}


# ------------------------------------------------------------------ layers


class Linear:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = dout.sum(axis=0)
        return dout @ self.W.T


class ReLU:
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask

    def backward(self, dout):
        return dout * self.mask


class SoftmaxCrossEntropy:
    def forward(self, x, t):
        self.y = softmax(x, axis=1)
        self.t = t
        return -np.sum(t * np.log(self.y)) / t.shape[0]

    def backward(self, dout=1):
        return dout * (self.y - self.t) / self.t.shape[0]


def _run_layers(X, Y, layers, loss_layer):
    out = X
    for layer in layers:
        out = layer.forward(out)
    loss = loss_layer.forward(out, Y)
    dout = loss_layer.backward()
    for layer in reversed(layers):
        dout = layer.backward(dout)
    first, last = layers[0], layers[-1]
    return loss, {"W1": first.dW, "b1": first.db, "W2": last.dW, "b2": last.db}


class LinearScalarBias(Linear):
    def backward(self, dout):
        dx = super().backward(dout)
        self.db = np.full_like(self.b, np.sum(dout))
        return dx


@wrong("db2", "summed over the classes as well: every entry is the sum of all of dS")
def layers_scalar_bias(X, Y, W1, b1, W2, b2):
    layers = [Linear(W1, b1), ReLU(), LinearScalarBias(W2, b2)]
    return _run_layers(X, Y, layers, SoftmaxCrossEntropy())


class ReLUZeroing:
    def forward(self, x):
        self.mask = x > 0
        out = x.copy()
        out[~self.mask] = 0
        return out

    def backward(self, dout):
        dout = dout.copy()
        dout[self.mask] = 0
        return dout


@wrong("dZ1", "zeroed where the units are on, not where they are off")
def layers_mask_reversed(X, Y, W1, b1, W2, b2):
    layers = [Linear(W1, b1), ReLUZeroing(), Linear(W2, b2)]
    return _run_layers(X, Y, layers, SoftmaxCrossEntropy())


class SoftmaxWithLoss:
    def forward(self, x, t):
        self.t = t
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.y = e / e.sum(axis=1, keepdims=True)
        return -np.mean(np.sum(t * np.log(self.y), axis=1))

    def backward(self, dout=1):
        batch_size = self.t.shape[1]
        return dout * (self.y - self.t) / batch_size


@wrong("dS", "divided by the number of classes instead of the rows: (P - Y) / K")
def layers_number_of_classes(X, Y, W1, b1, W2, b2):
    return _run_layers(X, Y, [Linear(W1, b1), ReLU(), Linear(W2, b2)], SoftmaxWithLoss())


class ClippedCrossEntropy(SoftmaxCrossEntropy):
    def forward(self, x, t):
        self.t = t
        self.y = np.clip(softmax(x, axis=1), 0.05, 0.95)
        return -np.sum(t * np.log(self.y)) / t.shape[0]


@wrong("P", "the probabilities are clipped to 0.05 to 0.95 before the loss and its gradient")
def layers_clipped(X, Y, W1, b1, W2, b2):
    return _run_layers(X, Y, [Linear(W1, b1), ReLU(), Linear(W2, b2)], ClippedCrossEntropy())


class Dense:
    cache = {}

    def __init__(self, W, b):
        self.params = {"W": W, "b": b}
        self.grads = {}

    def __call__(self, x):
        self.cache["x"] = x
        return np.dot(x, self.params["W"]) + self.params["b"]

    def backward(self, grad):
        self.grads["W"] = np.dot(self.cache["x"].T, grad)
        self.grads["b"] = grad.sum(axis=0)
        return np.dot(grad, self.params["W"].T)


@wrong("dW1", "H1 stands where X should: the layers share the cache of their inputs")
def layers_shared_cache(X, Y, W1, b1, W2, b2):
    fc1, relu, fc2, head = Dense(W1, b1), ReLU(), Dense(W2, b2), SoftmaxCrossEntropy()
    loss = head.forward(fc2(relu.forward(fc1(X))), Y)
    fc1.backward(relu.backward(fc2.backward(head.backward())))
    return loss, (fc1.grads["W"], fc1.grads["b"], fc2.grads["W"], fc2.grads["b"])


class SteppingLinear(Linear):
    def backward(self, dout, lr):
        dW, db = self.x.T @ dout, dout.sum(axis=0)
        self.W = self.W - lr * dW
        self.b = self.b - lr * db
        return dout @ self.W.T


@wrong("dH1", "W2 has taken its step already when dS is propagated back through it")
def layers_step_first(X, Y, W1, b1, W2, b2, lr):
    fc1, relu, fc2, head = SteppingLinear(W1, b1), ReLU(), SteppingLinear(W2, b2), None
    head = SoftmaxCrossEntropy()
    head.forward(fc2.forward(relu.forward(fc1.forward(X))), Y)
    fc1.backward(relu.backward(fc2.backward(head.backward(), lr)), lr)
    return {"W1": fc1.W, "b1": fc1.b, "W2": fc2.W, "b2": fc2.b}


class HeadWithoutBias(Linear):
    def forward(self, x):
        self.x = x
        return x @ self.W


@wrong("S", "b2 is not added to the scores")
def layers_no_bias(X, Y, params):
    layers = [Linear(params["W1"], params["b1"]), ReLU()]
    layers.append(HeadWithoutBias(params["W2"], params["b2"]))
    return _run_layers(X, Y, layers, SoftmaxCrossEntropy())


class LeakyReLU:
    def __init__(self, slope=0.01):
        self.slope = slope

    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.slope * x)

    def backward(self, dout):
        return np.where(self.x > 0, dout, 0)


@wrong("H1", "leaky: Z1 / 100 where Z1 is negative")
def layers_leaky(X, Y, W1, b1, W2, b2):
    layers = [Linear(W1, b1), LeakyReLU(), Linear(W2, b2)]
    return _run_layers(X, Y, layers, SoftmaxCrossEntropy())


_store: dict[Any, Any] = {}


@wrong("call", "the gradients are added to those of the calls before")
def layers_accumulating(X, Y, W1, b1, W2, b2):
    layers = [Linear(W1, b1), ReLU(), Linear(W2, b2)]
    loss, grads = _run_layers(X, Y, layers, SoftmaxCrossEntropy())
    total = _store.setdefault((W1.shape, W2.shape), {k: np.zeros_like(g) for k, g in grads.items()})
    for k, g in grads.items():
        total[k] += g
    return loss, {k: g.copy() for k, g in total.items()}


# ------------------------------------------------------------------ TwoLayerNet, loss() and grads


class TwoLayerNet:
    def __init__(self, params):
        self.params = params

    def loss(self, X, y, reg=0.0):
        W1, b1 = self.params["W1"], self.params["b1"]
        W2, b2 = self.params["W2"], self.params["b2"]
        N, _ = X.shape
        hidden = np.maximum(0, X.dot(W1) + b1)
        scores = hidden.dot(W2) + b2
        scores = scores - np.max(scores, axis=1, keepdims=True)
        probs = np.exp(scores) / np.sum(np.exp(scores), axis=1, keepdims=True)
        loss = self.data_loss(probs, y) + self.penalty(W1, W2, reg)
        grads = {}
        dscores = self.dscores(probs.copy(), y)
        grads["W2"] = hidden.T.dot(dscores)
        grads["b2"] = np.sum(dscores, axis=0)
        dhidden = self.relu_backward(dscores.dot(W2.T), hidden)
        grads["W1"] = X.T.dot(dhidden)
        grads["b1"] = np.sum(dhidden, axis=0)
        self.regularise(grads, reg)
        return loss, grads

    def data_loss(self, probs, y):
        return np.mean(-np.log(probs[range(len(y)), y]))

    def penalty(self, W1, W2, reg):
        return 0.5 * reg * (np.sum(W1 * W1) + np.sum(W2 * W2))

    def dscores(self, probs, y):
        probs[range(len(y)), y] -= 1
        return probs / len(y)

    def relu_backward(self, dhidden, hidden):
        dhidden[hidden <= 0] = 0
        return dhidden

    def regularise(self, grads, reg):
        grads["W2"] += reg * self.params["W2"]
        grads["W1"] += reg * self.params["W1"]


class NetNegativeMask(TwoLayerNet):
    def relu_backward(self, dhidden, hidden):
        dhidden[hidden < 0] = 0
        return dhidden


@wrong("dZ1", "the mask looks for H1 < 0, which no unit has: nothing is stopped")
def two_layer_net_mask(X, y, params):
    return NetNegativeMask(params).loss(X, y)


class NetShiftedLabels(TwoLayerNet):
    def dscores(self, probs, y):
        probs[range(len(y)), y - 1] -= 1
        return probs / len(y)


@wrong("dS", "1 is subtracted one class too low, as if the classes were counted from 1")
def two_layer_net_labels(X, y, W1, b1, W2, b2):
    return NetShiftedLabels({"W1": W1, "b1": b1, "W2": W2, "b2": b2}).loss(X, y)


class NetRegMissing(TwoLayerNet):
    def regularise(self, grads, reg):
        grads["W2"] += reg * self.params["W2"]


@wrong("dW1", "the gradient of the penalty, l2 W1, is missing")
def two_layer_net_reg_missing(X, y, params, reg):
    return NetRegMissing(params).loss(X, y, reg)


class NetRegTwice(TwoLayerNet):
    def regularise(self, grads, reg):
        grads["W2"] += 2 * reg * self.params["W2"]
        grads["W1"] += reg * self.params["W1"]


@wrong("dW2", "2 l2 W2 is added instead of l2 W2")
def two_layer_net_reg_twice(X, y, W1, b1, W2, b2, reg):
    net = NetRegTwice(dict(W1=W1, b1=b1, W2=W2, b2=b2))
    return net.loss(X, y, reg=reg)


class NetPenaltyHalfMissing(TwoLayerNet):
    def penalty(self, W1, W2, reg):
        return reg * (np.sum(W1**2) + np.sum(W2**2))


@wrong("L", "the penalty in the loss is without its half; the gradients are right")
def two_layer_net_penalty(X, y, W1, b1, W2, b2, reg):
    return NetPenaltyHalfMissing({"W1": W1, "b1": b1, "W2": W2, "b2": b2}).loss(X, y, reg)


class NetLossByClasses(TwoLayerNet):
    def data_loss(self, probs, y):
        correct_logprobs = -np.log(probs[np.arange(len(y)), y])
        return np.sum(correct_logprobs) / probs.shape[1]


@wrong("L", "the summed loss is divided by the number of classes")
def two_layer_net_loss(X, y, W1, b1, W2, b2):
    loss, grads = NetLossByClasses({"W1": W1, "b1": b1, "W2": W2, "b2": b2}).loss(X, y)
    return {"loss": loss, "grads": grads}


class NetBiasReg(TwoLayerNet):
    def regularise(self, grads, reg):
        super().regularise(grads, reg)
        grads["b2"] += reg * self.params["b2"]


@wrong("db2", "l2 b2 is added, though the penalty leaves the biases out")
def two_layer_net_bias_reg(X, y, W1, b1, W2, b2, reg):
    return NetBiasReg({"W1": W1, "b1": b1, "W2": W2, "b2": b2}).loss(X, y, reg)[1]


# ------------------------------------------------------------------ batch last


@wrong("db2", "the sum over the examples is not divided by m", layout="columns")
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


@wrong("dZ1", "the derivative of tanh, 1 - A1^2, in place of the ReLU's", layout="columns")
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


@wrong("dW1", "not divided by m, as the other gradients are", layout="columns")
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


@wrong("P", "the softmax is normalised over the examples, axis 1", layout="columns")
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


@wrong("dS", "divided by the number of features, X.shape[0], for m", layout="columns")
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


@wrong("H1", "tanh in place of the ReLU", layout="columns")
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


@wrong("dH1", "W2 is not transposed: W2 dS", layout="columns")
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


@wrong("dW1", "the transposed product X dZ1^T, which has the shape of W1^T", layout="columns")
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


@wrong("L", "np.mean takes the mean over all N K entries", layout="columns")
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


@wrong("S", "the scores are made from Z1: the ReLU is skipped on the way", layout="columns")
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


@wrong("update", "the step goes up the gradient: W + eta dW", layout="columns")
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
