# ruff: noqa: B905, E731, RUF012
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
from scipy.special import log_softmax, softmax
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
    return tuple(w.grad.numpy() for w in ws)


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
    return loss.item(), tuple(t.grad for t in leaves)


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


@wrong(
    "call", "zero_grad is forgotten: each call adds to the gradients of the last", layout="linear"
)
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

    def __sub__(self, other):
        out = Value(self.data - other.data, (self, other))

        def _backward():
            self.grad += out.grad
            other.grad -= out.grad

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


@wrong("dW2", "products set their operands' gradients, not add to them: one row is left of the sum")
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
            total = total + tk * (log_sum - sk)
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
    net = NetRegTwice({"W1": W1, "b1": b1, "W2": W2, "b2": b2})
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


# ------------------------------------------------------------------ buffers


@wrong("dW2", "dH1 has been written over H1 before dW2 is made from it")
def buffers_reused(X, Y, W1, b1, W2, b2):
    N, H = X.shape[0], W1.shape[1]
    Z = np.empty((N, H))
    A = np.empty((N, H))
    np.dot(X, W1, out=Z)
    np.add(Z, b1, out=Z)
    np.maximum(Z, 0, out=A)
    G = np.dot(A, W2)
    G += b2
    G -= G.max(axis=1, keepdims=True)
    np.exp(G, out=G)
    G /= G.sum(axis=1, keepdims=True)
    np.subtract(G, Y, out=G)
    G /= N
    np.dot(G, W2.T, out=A)
    dW2 = np.dot(A.T, G)
    db2 = np.add.reduce(G, axis=0)
    np.multiply(A, Z > 0, out=A)
    return {"dW1": np.dot(X.T, A), "db1": np.add.reduce(A, axis=0), "dW2": dW2, "db2": db2}


@wrong("db1", "summed before the mask is applied in place")
def buffers_too_early(X, Y, W1, b1, W2, b2):
    z = np.dot(X, W1)
    z += b1
    h = np.maximum(z, 0)
    s = np.dot(h, W2)
    s += b2
    p = softmax(s, axis=1)
    p -= Y
    p /= X.shape[0]
    db1 = np.empty_like(b1)
    delta = np.dot(p, W2.T)
    np.sum(delta, axis=0, out=db1)
    np.multiply(delta, z > 0, out=delta)
    return np.dot(X.T, delta), db1, np.dot(h.T, p), p.sum(axis=0)


@wrong("call", "P - Y is written over the caller's Y")
def buffers_caller(X, Y, W1, b1, W2, b2):
    z1 = X @ W1 + b1
    h1 = np.maximum(z1, 0)
    p = softmax(h1 @ W2 + b2, axis=1)
    ds = np.subtract(p, Y, out=Y)
    ds = ds / len(X)
    dz1 = np.multiply(ds @ W2.T, z1 > 0)
    return {"dW1": X.T @ dz1, "db1": dz1.sum(0), "dW2": h1.T @ ds, "db2": ds.sum(0)}


@wrong("call", "the penalty's gradient makes the caller's weights l2 times as large")
def buffers_penalty(X, Y, W1, b1, W2, b2, l2):
    z1 = X @ W1 + b1
    h1 = np.maximum(z1, 0)
    p = softmax(h1 @ W2 + b2, axis=1)
    ds = (p - Y) / len(X)
    dz1 = np.where(z1 > 0, ds @ W2.T, 0)
    dW1, dW2 = X.T @ dz1, h1.T @ ds
    dW1 += np.multiply(W1, l2, out=W1)
    dW2 += np.multiply(W2, l2, out=W2)
    return {"dW1": dW1, "db1": dz1.sum(0), "dW2": dW2, "db2": ds.sum(0)}


class Workspace:
    def __init__(self):
        self.sizes = None

    def prepare(self, d, H, K):
        if self.sizes != (d, H, K):
            self.sizes = (d, H, K)
            self.db1, self.db2 = np.zeros(H), np.zeros(K)


_workspace = Workspace()


@wrong("call", "the buffers of the bias gradients are not emptied between calls")
def buffers_kept(X, Y, W1, b1, W2, b2):
    _workspace.prepare(*W1.shape, W2.shape[1])
    z1 = X @ W1 + b1
    h1 = np.maximum(z1, 0)
    ds = (softmax(h1 @ W2 + b2, axis=1) - Y) / len(X)
    dz1 = ds @ W2.T * (z1 > 0)
    for row_h, row_k in zip(dz1, ds, strict=True):
        _workspace.db1 += row_h
        _workspace.db2 += row_k
    return X.T @ dz1, _workspace.db1.copy(), h1.T @ ds, _workspace.db2.copy()


@wrong("db2", "summed into a buffer of whole numbers: everything after the point is lost")
def buffers_integer(X, y, W1, b1, W2, b2):
    counts = np.bincount(y, minlength=W2.shape[1])
    z1 = X @ W1 + b1
    h1 = np.maximum(z1, 0)
    ds = softmax(h1 @ W2 + b2, axis=1)
    np.subtract.at(ds, (np.arange(y.size), y), 1)
    ds /= y.size
    dz1 = np.where(z1 > 0, ds @ W2.T, 0)
    db2 = np.zeros_like(counts)
    db2[:] = ds.sum(axis=0)
    return {"W1": X.T @ dz1, "b1": dz1.sum(axis=0), "W2": h1.T @ ds, "b2": db2}


# ------------------------------------------------------------------ lists, without NumPy


def _as_lists(*arrays):
    return [np.asarray(a).tolist() for a in arrays]


@wrong("dW1", "all its rows are one and the same list, which sums them all")
def lists_aliased(X, Y, W1, b1, W2, b2):
    X, Y, W1, b1, W2, b2 = _as_lists(X, Y, W1, b1, W2, b2)
    N, d, H, K = len(X), len(W1), len(b1), len(b2)
    dW1 = [[0.0] * H] * d
    dW2 = [[0.0] * K for _ in range(H)]
    db1, db2 = [0.0] * H, [0.0] * K
    for x, t in zip(X, Y, strict=True):
        z = [sum(x[i] * W1[i][j] for i in range(d)) + b1[j] for j in range(H)]
        h = [max(0.0, v) for v in z]
        s = [sum(h[j] * W2[j][k] for j in range(H)) + b2[k] for k in range(K)]
        e = [math.exp(v - max(s)) for v in s]
        ds = [(e[k] / sum(e) - t[k]) / N for k in range(K)]
        for k in range(K):
            db2[k] += ds[k]
            for j in range(H):
                dW2[j][k] += h[j] * ds[k]
        for j in range(H):
            if z[j] > 0:
                dz = sum(ds[k] * W2[j][k] for k in range(K))
                db1[j] += dz
                for i in range(d):
                    dW1[i][j] += x[i] * dz
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong("dH1", "set, not summed, in the loop over the classes: only the last class's part is left")
def lists_last_class(X, Y, W1, b1, W2, b2):
    X, Y, W1, b1, W2, b2 = _as_lists(X, Y, W1, b1, W2, b2)

    def matmul(A, B):
        return [[sum(a * b for a, b in zip(r, c, strict=True)) for c in zip(*B)] for r in A]

    def transpose(A):
        return [list(c) for c in zip(*A)]

    Z1 = [[v + b for v, b in zip(row, b1, strict=True)] for row in matmul(X, W1)]
    H1 = [[v if v > 0 else 0.0 for v in row] for row in Z1]
    S = [[v + b for v, b in zip(row, b2, strict=True)] for row in matmul(H1, W2)]
    dS = []
    for row, target in zip(S, Y, strict=True):
        total = sum(math.exp(v) for v in row)
        dS.append([(math.exp(v) / total - t) / len(X) for v, t in zip(row, target, strict=True)])
    dH1 = [[0.0] * len(b1) for _ in X]
    for n in range(len(X)):
        for j in range(len(b1)):
            for k in range(len(b2)):
                dH1[n][j] = dS[n][k] * W2[j][k]
    dZ1 = [
        [g if z > 0 else 0.0 for g, z in zip(gs, zs, strict=True)]
        for gs, zs in zip(dH1, Z1, strict=True)
    ]
    dW1, dW2 = matmul(transpose(X), dZ1), matmul(transpose(H1), dS)
    return dW1, [sum(c) for c in zip(*dZ1)], dW2, [sum(c) for c in zip(*dS)]


@wrong("P", "the sum under the softmax is carried over from row to row")
def lists_running_total(X, y, W1, b1, W2, b2):
    X, y, W1, b1, W2, b2 = _as_lists(X, y, W1, b1, W2, b2)
    features, hidden, classes = range(len(W1)), range(len(b1)), range(len(b2))
    gW1 = [[0.0 for _ in hidden] for _ in features]
    gb1 = [0.0 for _ in hidden]
    gW2 = [[0.0 for _ in classes] for _ in hidden]
    gb2 = [0.0 for _ in classes]
    total = 0.0
    for x, label in zip(X, y, strict=True):
        z = [b1[j] + sum(x[i] * W1[i][j] for i in features) for j in hidden]
        h = [v * (v > 0) for v in z]
        exps = [math.exp(b2[k] + sum(h[j] * W2[j][k] for j in hidden)) for k in classes]
        for e in exps:
            total += e
        delta = [e / total for e in exps]
        delta[label] -= 1.0
        delta = [v / len(X) for v in delta]
        back = [sum(delta[k] * W2[j][k] for k in classes) * (z[j] > 0) for j in hidden]
        for j, k in product(hidden, classes):
            gW2[j][k] += h[j] * delta[k]
        for i, j in product(features, hidden):
            gW1[i][j] += x[i] * back[j]
        gb1 = [a + b for a, b in zip(gb1, back, strict=True)]
        gb2 = [a + b for a, b in zip(gb2, delta, strict=True)]
    return {"W1": gW1, "b1": gb1, "W2": gW2, "b2": gb2}


@wrong("dS", "divided by N in whole numbers: (P - Y) // N, which is 0 or -1")
def lists_whole_division(X, Y, W1, b1, W2, b2):
    X, Y, W1, b1, W2, b2 = _as_lists(X, Y, W1, b1, W2, b2)
    n = len(X)

    def affine(rows, W, b):
        columns = list(zip(*W))
        return [
            [sum(map(lambda p, q: p * q, r, c)) + bias for c, bias in zip(columns, b, strict=True)]
            for r in rows
        ]

    Z = affine(X, W1, b1)
    A = [[max(v, 0) for v in r] for r in Z]
    P = [[math.exp(v) / sum(map(math.exp, r)) for v in r] for r in affine(A, W2, b2)]
    dS = [[(p - t) // n for p, t in zip(pr, tr, strict=True)] for pr, tr in zip(P, Y, strict=True)]
    dA = affine(dS, list(zip(*W2)), [0] * len(W2))
    dZ = [[g * (v > 0) for g, v in zip(gr, vr, strict=True)] for gr, vr in zip(dA, Z, strict=True)]
    dW2 = affine(list(zip(*A)), dS, [0] * len(b2))
    dW1 = affine(list(zip(*X)), dZ, [0] * len(b1))
    return {"W1": dW1, "b1": list(map(sum, zip(*dZ))), "W2": dW2, "b2": list(map(sum, zip(*dS)))}


@wrong("L", "the logarithm is to base 10")
def lists_log10(X, y, W1, b1, W2, b2):
    loss = 0.0
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    P = softmax(H1 @ W2 + b2, axis=1)
    for row, label in zip(P.tolist(), y.tolist(), strict=True):
        loss -= math.log10(row[label])
    dS = P.copy()
    for n, label in enumerate(y):
        dS[n, label] -= 1
    dS /= len(y)
    dZ1 = dS @ W2.T
    for n, j in zip(*np.where(Z1 <= 0), strict=True):
        dZ1[n, j] = 0
    return loss / len(y), (X.T @ dZ1, sum(dZ1), H1.T @ dS, sum(dS))


@wrong("H1", "abs in place of max(0, Z1)")
def lists_abs(X, Y, W1, b1, W2, b2):
    Z1 = np.array([x @ W1 + b1 for x in X])
    H1 = np.array([[abs(v) for v in row] for row in Z1])
    S = np.array([h @ W2 + b2 for h in H1])
    P = np.array([np.exp(s) / sum(np.exp(s)) for s in S])
    dS = (P - Y) / len(P)
    dZ1 = np.array(
        [[g if v > 0 else 0 for g, v in zip(*r, strict=True)] for r in zip(dS @ W2.T, Z1)]
    )
    dW2 = sum(np.outer(h, g) for h, g in zip(H1, dS, strict=True))
    dW1 = sum(np.outer(x, g) for x, g in zip(X, dZ1, strict=True))
    return {"W1": dW1, "b1": sum(dZ1), "W2": dW2, "b2": sum(dS)}


@wrong("db2", "the loop over the classes stops before the last one")
def lists_off_by_one(X, Y, W1, b1, W2, b2):
    N, K = Y.shape
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2, axis=1) - Y) / N
    dZ1 = np.zeros_like(Z1)
    for n in range(N):
        for j in range(Z1.shape[1]):
            if Z1[n, j] > 0:
                dZ1[n, j] = np.vdot(dS[n], W2[j])
    db2 = np.zeros(K)
    for k in range(K - 1):
        db2[k] = sum(dS[n, k] for n in range(N))
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(axis=0), "dW2": H1.T @ dS, "db2": db2}


# ------------------------------------------------------------------ reduce and generators


@wrong("db2", "the first row of dS is counted twice: it is also the start of the reduction")
def reduce_start(X, Y, W1, b1, W2, b2):
    plus = lambda a, b: a + b
    z = X @ W1 + b1
    h = np.maximum(0, z)
    d2 = (softmax(h @ W2 + b2, axis=1) - Y) / X.shape[0]
    d1 = (d2 @ W2.T) * (z > 0)
    dW1 = reduce(plus, starmap(np.outer, zip(X, d1, strict=True)))
    dW2 = reduce(plus, starmap(np.outer, zip(h, d2, strict=True)))
    return dW1, reduce(plus, d1), dW2, reduce(plus, d2, d2[0])


@wrong("S", "the scores go through the ReLU too")
def reduce_layers(X, Y, W1, b1, W2, b2):
    def layer(a, weights):
        W, b = weights
        return np.maximum(a @ W + b, 0)

    scores = reduce(layer, [(W1, b1), (W2, b2)], X)
    h = layer(X, (W1, b1))
    ds = (softmax(scores, axis=1) - Y) / len(X)
    dz = ds @ W2.T * (h > 0)
    return {"dW1": X.T @ dz, "db1": dz.sum(0), "dW2": h.T @ ds, "db2": ds.sum(0)}


def _rows_of_gradients(X, Y, W1, b1, W2, b2):
    for x, t in zip(X, Y, strict=True):
        z = x @ W1 + b1
        h = np.maximum(z, 0)
        ds = softmax(h @ W2 + b2) - t
        dz = (W2 @ ds) * (z > 0)
        yield np.outer(x, dz), dz, np.outer(h, ds), ds


@wrong("dS", "divided by N - 1 instead of N")
def generator_n_minus_one(X, Y, W1, b1, W2, b2):
    rows = _rows_of_gradients(X, Y, W1, b1, W2, b2)
    dW1, db1, dW2, db2 = (sum(g) / (len(X) - 1) for g in zip(*rows, strict=True))
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong("db1", "one buffer is yielded for every row: the sum is N times the last row of dZ1")
def generator_buffer(X, Y, W1, b1, W2, b2):
    def backwards():
        dz = np.empty_like(b1)
        for x, t in zip(X, Y, strict=True):
            z = x @ W1 + b1
            h = np.maximum(z, 0)
            ds = (softmax(h @ W2 + b2) - t) / len(X)
            np.multiply(W2 @ ds, z > 0, out=dz)
            yield np.outer(x, dz), dz, np.outer(h, ds), ds

    return tuple(np.sum(g, axis=0) for g in zip(*backwards(), strict=True))


@wrong("dZ1", "the mask of the first row is used for every row")
def generator_stale_mask(X, Y, W1, b1, W2, b2):
    def per_example():
        mask = None
        for x, t in zip(X, Y, strict=True):
            z = x @ W1 + b1
            if mask is None:
                mask = (z > 0).astype(float)
            h = np.maximum(z, 0)
            ds = (softmax(h @ W2 + b2) - t) / len(X)
            yield x, h, W2 @ ds * mask, ds

    gW1, gb1, gW2, gb2 = 0, 0, 0, 0
    for x, h, dz, ds in per_example():
        gW1, gb1 = gW1 + np.outer(x, dz), gb1 + dz
        gW2, gb2 = gW2 + np.outer(h, ds), gb2 + ds
    return {"W1": gW1, "b1": gb1, "W2": gW2, "b2": gb2}


# ------------------------------------------------------------------ einsum


@wrong("dW2", "P stands where dS should: the product is H1^T P")
def einsum_operand(X, Y, W1, b1, W2, b2):
    Z = np.einsum("nd,dh->nh", X, W1) + b1
    H = np.maximum(Z, 0)
    P = softmax(np.einsum("nh,hk->nk", H, W2) + b2, axis=1)
    G = np.einsum("nk,->nk", P - Y, 1 / len(X))
    B = np.einsum("nk,hk,nh->nh", G, W2, Z > 0)
    return {
        "dW1": np.einsum("nd,nh->dh", X, B),
        "db1": np.einsum("nh->h", B),
        "dW2": np.einsum("nh,nk->hk", H, P),
        "db2": np.einsum("nk->k", G),
    }


@wrong("dW1", "divided by N a second time")
def einsum_mean_again(X, Y, W1, b1, W2, b2):
    n, e = len(X), np.einsum
    Z = e("ij,jk", X, W1) + b1
    H = Z.clip(0)
    G = (softmax(e("ij,jk", H, W2) + b2, axis=1) - Y) / n
    B = e("ik,jk->ij", G, W2) * (Z > 0)
    return e("ni,nj->ij", X, B) / n, e("nj->j", B), e("ni,nj->ij", H, G), e("nj->j", G)


@wrong("db1", "the first row of dW1 is given for db1: dZ1 weighted by X's first column")
def einsum_bias(X, Y, W1, b1, W2, b2):
    Z = np.einsum("nd,dh->nh", X, W1) + b1
    H = np.where(Z > 0, Z, 0.0)
    G = (softmax(np.einsum("nh,hk->nk", H, W2) + b2, axis=1) - Y) / X.shape[0]
    B = np.where(Z > 0, np.einsum("nk,hk->nh", G, W2), 0.0)
    dW1 = np.einsum("nd,nh->dh", X, B)
    dW2 = np.einsum("nh,nk->hk", H, G)
    return {"dW1": dW1, "db1": dW1[0], "dW2": dW2, "db2": G.sum(0)}


# ------------------------------------------------------------------ augmented matrices


@wrong("dH1", "the first column is cut off, though the ones stand last")
def augmented_cut(X, Y, W1, b1, W2, b2):
    ones = np.ones((len(X), 1))
    T1, T2 = np.vstack([W1, b1]), np.vstack([W2, b2])
    A0 = np.hstack([X, ones])
    Z1 = A0 @ T1
    A1 = np.hstack([np.maximum(Z1, 0), ones])
    G = (softmax(A1 @ T2, axis=1) - Y) / len(X)
    D = (G @ T2.T)[:, 1:] * (Z1 > 0)
    dT1, dT2 = A0.T @ D, A1.T @ G
    return {"dW1": dT1[:-1], "db1": dT1[-1], "dW2": dT2[:-1], "db2": dT2[-1]}


@wrong("Z1", "the column appended for b1 is of zeros, not of ones")
def augmented_zeros(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Theta1 = np.concatenate([W1, b1[None, :]])
    Theta2 = np.concatenate([W2, b2[None, :]])
    a1 = np.concatenate([X, np.zeros((N, 1))], axis=1)
    z2 = a1 @ Theta1
    a2 = np.concatenate([z2 * (z2 > 0), np.ones((N, 1))], axis=1)
    delta3 = (softmax(a2 @ Theta2, axis=1) - Y) / N
    delta2 = (delta3 @ Theta2.T)[:, :-1] * (z2 > 0)
    g1, g2 = a1.T @ delta2, a2.T @ delta3
    return g1[:-1], g1[-1], g2[:-1], g2[-1]


@wrong("db2", "the penalty takes in the row of the bias: l2 b2 is added (and l2 b1 to db1)")
def augmented_penalty(X, Y, W1, b1, W2, b2, reg):
    def with_ones(A):
        return np.column_stack([A, np.ones(len(A))])

    V1, V2 = np.r_[W1, [b1]], np.r_[W2, [b2]]
    Z = with_ones(X) @ V1
    H = np.maximum(Z, 0)
    E = (softmax(with_ones(H) @ V2, axis=1) - Y) / len(Y)
    D = E @ W2.T * (Z > 0)
    G1 = with_ones(X).T @ D + reg * V1
    G2 = with_ones(H).T @ E + reg * V2
    return {"W1": G1[:-1], "b1": G1[-1], "W2": G2[:-1], "b2": G2[-1]}


@wrong("dW1", "cut off at the wrong end: the first row is given as db1, the last stays in dW1")
def augmented_split(X, Y, W1, b1, W2, b2):
    A = np.c_[X, np.ones(X.shape[0])]
    Z = A @ np.r_[W1, b1[None]]
    B = np.c_[np.maximum(Z, 0), np.ones(X.shape[0])]
    E = (softmax(B @ np.r_[W2, b2[None]], axis=1) - Y) / X.shape[0]
    G1, G2 = A.T @ (E @ W2.T * (Z > 0)), B.T @ E
    return {"dW1": G1[1:], "db1": G1[0], "dW2": G2[:-1], "db2": G2[-1]}


# ------------------------------------------------------------------ chunks of rows


def _sums(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = softmax(H1 @ W2 + b2, axis=1) - Y
    dZ1 = dS @ W2.T * (Z1 > 0)
    return [X.T @ dZ1, dZ1.sum(axis=0), H1.T @ dS, dS.sum(axis=0)]


@wrong("dS", "the rows of the last chunk are left out, as though they were 0")
def chunks_last_forgotten(X, Y, W1, b1, W2, b2):
    size = 2
    total = [np.zeros_like(p) for p in (W1, b1, W2, b2)]
    for i in range(0, len(X) - size, size):
        for t, g in zip(
            total, _sums(X[i : i + size], Y[i : i + size], W1, b1, W2, b2), strict=True
        ):
            t += g
    return {k: t / len(X) for k, t in zip(("W1", "b1", "W2", "b2"), total, strict=True)}


@wrong("dS", "each chunk is divided by its own length and the chunks are averaged, though unequal")
def chunks_averaged(X, Y, W1, b1, W2, b2):
    size = len(X) // 2 + 1
    means = []
    for i in range(0, len(X), size):
        x, t = X[i : i + size], Y[i : i + size]
        means.append([g / len(x) for g in _sums(x, t, W1, b1, W2, b2)])
    return tuple(sum(g) / len(means) for g in zip(*means, strict=True))


@wrong("dS", "divided by the length of the chunk, and the chunks are added: not 1/N")
def chunks_summed(X, Y, W1, b1, W2, b2):
    grads = defaultdict(float)
    for i in range(0, len(X), 2):
        x, t = X[i : i + 2], Y[i : i + 2]
        for name, g in zip(("W1", "b1", "W2", "b2"), _sums(x, t, W1, b1, W2, b2), strict=True):
            grads[name] = grads[name] + g / len(x)
    return dict(grads)


@wrong("dS", "the chunks overlap: the row after each chunk is counted in both")
def chunks_overlapping(X, Y, W1, b1, W2, b2):
    parts = [_sums(X[i : i + 3], Y[i : i + 3], W1, b1, W2, b2) for i in range(0, X.shape[0], 2)]
    dW1, db1, dW2, db2 = (sum(p) / X.shape[0] for p in zip(*parts, strict=True))
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong("dW1", "set, not added to, in the loop over the chunks: it is the last chunk's only")
def chunks_overwritten(X, Y, W1, b1, W2, b2):
    half = (len(X) + 1) // 2
    db1, dW2, db2 = np.zeros_like(b1), np.zeros_like(W2), np.zeros_like(b2)
    for rows in (slice(None, half), slice(half, None)):
        gW1, gb1, gW2, gb2 = _sums(X[rows], Y[rows], W1, b1, W2, b2)
        dW1 = gW1 / len(X)
        db1 += gb1 / len(X)
        dW2 += gW2 / len(X)
        db2 += gb2 / len(X)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong("dW2", "l2 W2 is added in every chunk, not once")
def chunks_penalty(X, Y, W1, b1, W2, b2, l2):
    dW1, db1, dW2, db2 = l2 * W1, np.zeros_like(b1), np.zeros_like(W2), np.zeros_like(b2)
    for i in range(len(X)):
        gW1, gb1, gW2, gb2 = _sums(X[i : i + 1], Y[i : i + 1], W1, b1, W2, b2)
        dW1 = dW1 + gW1 / len(X)
        db1 = db1 + gb1 / len(X)
        dW2 = dW2 + gW2 / len(X) + l2 * W2
        db2 = db2 + gb2 / len(X)
    return dW1, db1, dW2, db2


# ------------------------------------------------------------------ records


@dataclass
class Grads:
    dW1: Any
    db1: Any
    dW2: Any
    db2: Any


@dataclass
class Cache:
    z: Any
    h: Any
    p: Any


@wrong("db2", "the mean over the rows of dS")
def record_mean(X, Y, W1, b1, W2, b2) -> Grads:
    z = X @ W1 + b1
    h = np.maximum(z, 0)
    cache = Cache(z, h, softmax(h @ W2 + b2, axis=1))
    d2 = (cache.p - Y) / len(Y)
    d1 = np.where(cache.z > 0, d2 @ W2.T, 0)
    return Grads(dW1=X.T @ d1, db1=d1.sum(axis=0), dW2=cache.h.T @ d2, db2=d2.mean(axis=0))


@wrong("H1", "min instead of max: the negative part of Z1")
def record_min(X, Y, params) -> Grads:
    z = X @ params.W1 + params.b1
    cache = Cache(z, np.minimum(0, z), None)
    cache.p = softmax(cache.h @ params.W2 + params.b2, axis=1)
    d2 = (cache.p - Y) / len(Y)
    d1 = d2 @ params.W2.T * (cache.z > 0)
    return Grads(X.T @ d1, d1.sum(0), cache.h.T @ d2, d2.sum(0))


class Everything(NamedTuple):
    Z1: Any
    H1: Any
    S: Any
    P: Any
    dS: Any
    dH1: Any
    dZ1: Any
    dW1: Any
    db1: Any
    dW2: Any
    db2: Any


@wrong("Z1", "X is cut to whole numbers before the product with W1")
def record_integers(X, Y, W1, b1, W2, b2):
    Z1 = X.astype(int) @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    P = softmax(S, axis=1)
    dS = (P - Y) / X.shape[0]
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    db1, db2 = dZ1.sum(0), dS.sum(0)
    return Everything(Z1, H1, S, P, dS, dH1, dZ1, X.T @ dZ1, db1, H1.T @ dS, db2)


@wrong("S", "b2 is added twice")
def record_bias_twice(X, Y, W1, b1, W2, b2):
    affine = lambda a, W, b: a @ W + b
    Z1 = affine(X, W1, b1)
    H1 = Z1.clip(0)
    S = affine(H1, W2, b2) + b2
    P = softmax(S, axis=1)
    dS = (P - Y) / X.shape[0]
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    db1, db2 = dZ1.sum(0), dS.sum(0)
    return Everything(Z1, H1, S, P, dS, dH1, dZ1, X.T @ dZ1, db1, H1.T @ dS, db2)


Fields = namedtuple("Fields", "Z1 H1 P dS dH1 dZ1 W1_grad b1_grad W2_grad b2_grad")


@wrong("dH1", "the minus sign of a descent direction is in dH1: -dS W2^T")
def record_sign(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    dS = (P - Y) / len(X)
    dH1 = -dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    return Fields(Z1, H1, P, dS, dH1, dZ1, X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0))


# ------------------------------------------------------------------ steps


def _gradients(X, Y, W1, b1, W2, b2):
    return [g / len(X) for g in _sums(X, Y, W1, b1, W2, b2)]


@wrong("update", "b2 is not updated")
def step_without_b2(X, Y, W1, b1, W2, b2, learning_rate):
    dW1, db1, dW2, _ = _gradients(X, Y, W1, b1, W2, b2)
    W1 = W1 - learning_rate * dW1
    b1 = b1 - learning_rate * db1
    W2 = W2 - learning_rate * dW2
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


@wrong("update", "b2 is updated with b1's gradient")
def step_copy_paste(X, Y, W1, b1, W2, b2, lr):
    dW1, db1, dW2, _ = _gradients(X, Y, W1, b1, W2, b2)
    new = {}
    new["W1"] = W1 - lr * dW1
    new["b1"] = b1 - lr * db1
    new["W2"] = W2 - lr * dW2
    new["b2"] = b2 - lr * db1
    return new


@wrong("update", "eta is multiplied in twice")
def step_eta_twice(X, Y, params, eta):
    names = ("W1", "b1", "W2", "b2")
    grads = _gradients(X, Y, *(params[n] for n in names))
    steps = {n: eta * g for n, g in zip(names, grads, strict=True)}
    return {n: params[n] - eta * steps[n] for n in names}


@wrong("update", "the new parameters are the step alone, -eta dtheta")
def step_alone(X, Y, W1, b1, W2, b2, learning_rate):
    grads = _gradients(X, Y, W1, b1, W2, b2)
    minus = partial(np.multiply, -learning_rate)
    return dict(zip(("W1", "b1", "W2", "b2"), map(minus, grads), strict=True))


@wrong("update", "the step is divided by N once more")
def step_divided(X, Y, W1, b1, W2, b2, lr):
    grads = _gradients(X, Y, W1, b1, W2, b2)
    rate = lr / len(X)
    W1, b1, W2, b2 = (p - rate * g for p, g in zip((W1, b1, W2, b2), grads, strict=True))
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


@wrong("update", "the parameters are made smaller by weight decay that nobody asked for")
def step_decay(X, Y, W1, b1, W2, b2, lr):
    ws = [torch.nn.Parameter(torch.tensor(w)) for w in (W1, b1, W2, b2)]
    optimizer = torch.optim.SGD(ws, lr=lr, weight_decay=0.01)
    hidden = torch.relu(torch.from_numpy(X) @ ws[0] + ws[1])
    loss = F.cross_entropy(hidden @ ws[2] + ws[3], torch.from_numpy(Y))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return {n: w.detach().numpy() for n, w in zip(("W1", "b1", "W2", "b2"), ws, strict=True)}


@wrong("update", "Adam's step instead of theta - eta dtheta", layout="linear")
def step_adam(X, y, W1, b1, W2, b2, learning_rate):
    net = Net(X.shape[1], W1.shape[0], W2.shape[0])
    net.load(W1, b1, W2, b2)
    optimizer = torch.optim.Adam(net.parameters(), lr=learning_rate)
    optimizer.zero_grad()
    F.cross_entropy(net(torch.as_tensor(X).double()), torch.as_tensor(y)).backward()
    optimizer.step()
    weights = (net.fc1.weight, net.fc1.bias, net.fc2.weight, net.fc2.bias)
    new = (w.detach().numpy() for w in weights)
    return dict(zip(("W1", "b1", "W2", "b2"), new, strict=True))


@wrong("update", "optimizer.step() is called twice on the same gradients")
def step_twice(X, Y, W1, b1, W2, b2, lr):
    ws = dict(zip(("W1", "b1", "W2", "b2"), _leaves(W1, b1, W2, b2), strict=True))
    optimizer = torch.optim.SGD(ws.values(), lr=lr)
    X, Y = torch.as_tensor(X), torch.as_tensor(Y)
    scores = F.relu(X @ ws["W1"] + ws["b1"]) @ ws["W2"] + ws["b2"]
    loss = -(Y * scores.log_softmax(dim=1)).sum(dim=1).mean()
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        loss = F.cross_entropy((X @ ws["W1"] + ws["b1"]).relu() @ ws["W2"] + ws["b2"], Y)
    optimizer.step()
    return {n: w.detach() for n, w in ws.items()}


_velocity: dict[Any, Any] = {}


@wrong("call", "the velocity of the calls before is in the step")
def step_momentum(X, Y, W1, b1, W2, b2, lr):
    old = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
    new = {}
    for (name, p), g in zip(old.items(), _gradients(X, Y, W1, b1, W2, b2), strict=True):
        key = name, p.shape
        _velocity[key] = 0.9 * _velocity.get(key, 0.0) + g
        new[name] = p - lr * _velocity[key]
    return new


@wrong("dH1", "W2 is updated in place before dS is propagated back through it")
def step_in_place(X, Y, W1, b1, W2, b2, learning_rate):
    W1, b1, W2, b2 = W1.copy(), b1.copy(), W2.copy(), b2.copy()
    z1 = X @ W1 + b1
    h1 = np.maximum(z1, 0)
    ds = (softmax(h1 @ W2 + b2, axis=1) - Y) / len(X)
    W2 -= learning_rate * (h1.T @ ds)
    b2 -= learning_rate * ds.sum(axis=0)
    dz1 = ds @ W2.T * (z1 > 0)
    W1 -= learning_rate * (X.T @ dz1)
    b1 -= learning_rate * dz1.sum(axis=0)
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


@wrong("db1", "summed over rows and units: every entry is the sum of all of dZ1")
def step_bias(X, Y, W1, b1, W2, b2, eta):
    z1 = torch.as_tensor(X) @ torch.as_tensor(W1) + torch.as_tensor(b1)
    h1 = z1.relu()
    W2, b2, Y = (torch.as_tensor(t) for t in (W2, b2, Y))
    ds = ((h1 @ W2 + b2).softmax(1) - Y) / len(X)
    dz1 = ds @ W2.T * (z1 > 0)
    with torch.no_grad():
        return {
            "W1": torch.as_tensor(W1) - eta * torch.as_tensor(X).T @ dz1,
            "b1": torch.as_tensor(b1) - eta * dz1.sum(),
            "W2": W2 - eta * h1.T @ ds,
            "b2": b2 - eta * ds.sum(0),
        }


@wrong("update", "the gradients are clipped to a norm of 0.1 before the step")
def step_clipped(X, y, W1, b1, W2, b2, lr):
    W1, b1, W2, b2 = ws = [nn.Parameter(w.clone()) for w in (W1, b1, W2, b2)]
    optimizer = torch.optim.SGD(ws, lr)
    loss = F.cross_entropy(torch.relu(X @ W1 + b1) @ W2 + b2, y)
    loss.backward()
    nn.utils.clip_grad_norm_(ws, 0.1)
    optimizer.step()
    return {"W1": W1.data, "b1": b1.data, "W2": W2.data, "b2": b2.data}


@dataclass
class Weights:
    W1: Any
    b1: Any
    W2: Any
    b2: Any


@wrong("update", "the step of W1 is taken from a W1 that has had it already: twice")
def step_record(X, Y, params, learning_rate) -> Weights:
    new = Weights(params.W1, params.b1, params.W2, params.b2)
    grads = _gradients(X, Y, params.W1, params.b1, params.W2, params.b2)
    for name, g in zip(("W1", "b1", "W2", "b2"), grads):
        setattr(new, name, getattr(new, name) - learning_rate * g)
    new.W1 = new.W1 - learning_rate * grads[0]
    return new


@wrong("update", "the biases step up their gradients, the weights down", layout="columns")
def step_signs(X, Y, W1, b1, W2, b2, lr):
    m = X.shape[1]
    Z1 = W1 @ X + b1
    A1 = np.maximum(0, Z1)
    dZ2 = (softmax(W2 @ A1 + b2, axis=0) - Y) / m
    dZ1 = np.where(Z1 > 0, W2.T @ dZ2, 0)
    W1, W2 = W1 - lr * dZ1 @ X.T, W2 - lr * dZ2 @ A1.T
    b1, b2 = b1 + lr * dZ1.sum(1, keepdims=True), b2 + lr * dZ2.sum(1, keepdims=True)
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


# ------------------------------------------------------------------ further ones


@wrong("Z1", "b1 is added twice, once by addmm and once by hand")
def nested_result(X, Y, W1, b1, W2, b2):
    z1 = torch.addmm(b1, X, W1) + b1
    h1 = torch.relu(z1)
    p = torch.softmax(torch.addmm(b2, h1, W2), dim=1)
    ds = (p - Y) / X.shape[0]
    dz1 = ds @ W2.T * (z1 > 0)
    return {
        "hidden": {"W1": X.T @ dz1, "b1": dz1.sum(0)},
        "output": {"W2": h1.T @ ds, "b2": ds.sum(0)},
    }


@wrong("S", "divided by the square root of H, as attention does")
def torch_scaled_scores(X, Y, W1, b1, W2, b2):
    h = F.relu(X @ W1 + b1)
    s = (h @ W2 + b2) / math.sqrt(W2.shape[0])
    ds = (F.softmax(s, dim=-1) - Y) / len(X)
    dz = (ds @ W2.T).where(h > 0, torch.zeros((), dtype=h.dtype))
    return {"W1": X.T @ dz, "b1": dz.sum(0), "W2": h.T @ ds, "b2": ds.sum(0)}


@wrong("S", "b1 is added where b2 should be", layout="columns")
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


@wrong("P", "the exponentials are not divided by their sum", layout="columns")
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


@wrong("dZ1", "multiplied by A1 itself, not by where it is positive", layout="columns")
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


@wrong("db2", "summed over both axes: one number", layout="columns")
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


@wrong("dS", "times P (1 - P), the sigmoid's derivative, as well", layout="columns")
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


@wrong("dW1", "X is multiplied by dH1, though db1 is made from dZ1")
def einsum_unmasked(X, Y, W1, b1, W2, b2):
    z = np.einsum("ni,ij->nj", X, W1) + b1
    h = np.maximum(z, 0)
    ds = (softmax(np.einsum("nj,jk->nk", h, W2) + b2, axis=1) - Y) / len(X)
    dh = np.einsum("nk,jk->nj", ds, W2)
    on = (z > 0).astype(float)
    dW1 = np.einsum("ni,nj->ij", X, dh)
    db1 = np.einsum("nj,nj->j", dh, on)
    return dW1, db1, np.einsum("nj,nk->jk", h, ds), np.einsum("nk->k", ds)


@wrong("dH1", "the mean over the classes where their sum belongs: dS W2^T / K")
def broadcast_mean(X, Y, W1, b1, W2, b2):
    z = (X[:, :, None] * W1).sum(axis=1) + b1
    h = np.maximum(z, 0)
    ds = (softmax((h[:, :, None] * W2).sum(axis=1) + b2, axis=1) - Y) / len(X)
    dh = (ds[:, None, :] * W2).mean(axis=2)
    dz = dh * (z > 0)
    dW1 = (X[:, :, None] * dz[:, None, :]).sum(axis=0)
    dW2 = (h[:, :, None] * ds[:, None, :]).sum(axis=0)
    return {"dW1": dW1, "db1": dz.sum(axis=0), "dW2": dW2, "db2": ds.sum(axis=0)}


@wrong("dS", "the gradients of the rows are added, not averaged: no 1/N")
def vmap_per_sample(X, y, params):
    def loss(p, x, label):
        s = torch.relu(x @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"]
        return F.cross_entropy(s.unsqueeze(0), label.unsqueeze(0))

    p = {name: torch.as_tensor(params[name]) for name in ("W1", "b1", "W2", "b2")}
    per_sample = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))
    grads = per_sample(p, torch.as_tensor(X), torch.as_tensor(y))
    return {name: g.sum(dim=0) for name, g in grads.items()}


@wrong("H1", "softplus, log(1 + exp(Z1)), in place of the ReLU")
def closures_softplus(X, Y, W1, b1, W2, b2):
    def dense(W, b):
        def forward(x):
            return x @ W + b, lambda g: (g @ W.T, x.T @ g, g.sum(0))

        return forward

    def rectify(x):
        return np.logaddexp(0, x), lambda g: g * (x > 0)

    z, dense1_back = dense(W1, b1)(X)
    h, rectify_back = rectify(z)
    s, dense2_back = dense(W2, b2)(h)
    dh, dW2, db2 = dense2_back((softmax(s, axis=1) - Y) / len(X))
    _, dW1, db1 = dense1_back(rectify_back(dh))
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong("dS", "the gradient by P, -Y / P, passes the softmax unchanged")
def layers_no_jacobian(X, Y, W1, b1, W2, b2):
    class Softmax:
        def forward(self, s):
            self.p = softmax(s, axis=1)
            return self.p

        def backward(self, g):
            return g

    first, act, second, head = Linear(W1, b1), ReLU(), Linear(W2, b2), Softmax()
    p = X
    for layer in (first, act, second, head):
        p = layer.forward(p)
    g = -Y / p / len(X)
    for layer in (head, second, act, first):
        g = layer.backward(g)
    return {"dW1": first.dW, "db1": first.db, "dW2": second.dW, "db2": second.db}


@wrong("dS", "the softmax's Jacobian has a plus: diag(p) + p p^T")
def layers_jacobian_sign(X, Y, W1, b1, W2, b2):
    first, act, second = Linear(W1, b1), ReLU(), Linear(W2, b2)
    P = softmax(second.forward(act.forward(first.forward(X))), axis=1)
    dP = -Y / P / len(X)
    dS = np.empty_like(P)
    for i, (p, g) in enumerate(zip(P, dP)):
        jacobian = np.diag(p) + np.outer(p, p)
        dS[i] = jacobian @ g
    first.backward(act.backward(second.backward(dS)))
    return first.dW, first.db, second.dW, second.db


@wrong("dS", "the one-hot of the likeliest class stands where P should, as a perceptron has it")
def torch_perceptron(X, y, W1, b1, W2, b2):
    z = X @ W1 + b1
    h = z.relu()
    k = W2.shape[1]
    guess = (h @ W2 + b2).argmax(dim=1)
    ds = (F.one_hot(guess, k) - F.one_hot(y, k)).to(X.dtype) / len(y)
    dz = ds @ W2.T * (z > 0)
    return {"dW1": X.T @ dz, "db1": dz.sum(0), "dW2": h.T @ ds, "db2": ds.sum(0)}


@wrong("Z1", "the rows of X are scaled to length 1 first")
def torch_normalised(X, Y, W1, b1, W2, b2):
    x = F.normalize(X, dim=1)
    z = x @ W1 + b1
    h = z.relu()
    ds = (torch.softmax(h @ W2 + b2, dim=1) - Y) / len(X)
    dz = ds @ W2.T * (z > 0)
    return X.T @ dz, dz.sum(0), h.T @ ds, ds.sum(0)


@wrong("db1", "the rows of dH1 are summed, and the mask of the last row is put on their sum")
def scan_last_mask(X, Y, W1, b1, W2, b2):
    acc = {"W1": 0.0, "W2": 0.0, "b2": 0.0}
    unmasked = 0.0
    for n in range(len(X)):
        z = W1.T @ X[n] + b1
        on = z > 0
        h = np.where(on, z, 0)
        ds = (softmax(W2.T @ h + b2) - Y[n]) / len(X)
        dh = W2 @ ds
        unmasked = unmasked + dh
        step = {"W1": np.outer(X[n], dh * on), "W2": np.outer(h, ds), "b2": ds}
        acc = {name: acc[name] + step[name] for name in acc}
    return acc | {"b1": unmasked * on}


@wrong("dZ1", "the mask is taken from the scores, S > 0, not from Z1")
def torch_wrong_mask(X, Y, W1, b1, W2, b2):
    caches = []
    a = X
    for W, b in ((W1, b1), (W2, b2)):
        z = a @ W + b
        caches.append((a, W, z))
        a = F.relu(z)
    d = (torch.softmax(z, dim=1) - Y) / len(X)
    (a1, W, _), (a0, _, _) = caches[1], caches[0]
    dW2, db2 = a1.T @ d, d.sum(0)
    d = d @ W.T * (caches[1][2] > 0)
    return {"dW1": a0.T @ d, "db1": d.sum(0), "dW2": dW2, "db2": db2}
