"""torch by hand, `autograd.Function`, autograd of a wrong loss."""

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import log_softmax, softmax
from torch import nn

from corpus.development.wrong_styles.shared import Net, _leaves
from corpus.registry import wrong

# --- torch, by hand ------------------------------------------------------------------------------


@wrong("dZ1.mask.missing", "dH1 is taken for dZ1: the mask of the ReLU is left out")
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


@wrong("dH1.operand.P_for_dS", "P is propagated back through W2 instead of dS")
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


@wrong(
    "dS.labels.true_class_minus_1",
    "the entry of the true class is set to -1 instead of being lowered by 1",
)
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


@wrong("L.sign.flipped", "the minus sign of the loss is missing; the gradients are right")
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


@wrong("dS.scale.only_P_by_N", "only P is divided by N, not Y: P / N - Y")
def torch_index_minus_one(X, y, W1, b1, W2, b2):
    n = y.shape[0]
    z1 = torch.addmm(b1, X, W1)
    a1 = torch.relu(z1)
    s = torch.addmm(b2, a1, W2)
    ds = torch.softmax(s, dim=1) / n
    ds[range(n), y] -= 1
    dz1 = (ds @ W2.t()) * (z1 > 0).to(ds.dtype)
    return X.t() @ dz1, dz1.sum(0), a1.t() @ ds, ds.sum(0)


@wrong("dZ1.mask.missing", "the mask asks the rectified values for >= 0, which all of them are")
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


@wrong("P.softmax.over_rows", "the softmax runs down the columns: dim=0")
def torch_softmax_dim(X, Y, W1, b1, W2, b2):
    softmax_over_batch = nn.Softmax(dim=0)
    z1 = X @ W1 + b1
    h1 = F.relu(z1)
    p = softmax_over_batch(h1 @ W2 + b2)
    ds = (p - Y) / len(X)
    dz1 = (ds @ W2.mT) * (z1 > 0)
    return {"dw1": X.mT @ dz1, "db1": dz1.sum(0), "dw2": h1.mT @ ds, "db2": ds.sum(0)}


@wrong(
    "P.softmax.no_keepdims",
    "the sum under the softmax has lost its dimension: rows are divided by others' sums",
)
def torch_keepdim_forgotten(X, Y, W1, b1, W2, b2):
    z1 = torch.matmul(X, W1) + b1
    h1 = torch.where(z1 > 0, z1, torch.zeros_like(z1))
    e = torch.exp(torch.matmul(h1, W2) + b2)
    p = e / e.sum(1)
    ds = (p - Y) / X.shape[0]
    dz1 = torch.where(z1 > 0, torch.matmul(ds, W2.T), torch.zeros_like(z1))
    return torch.matmul(X.T, dz1), dz1.sum(0), torch.matmul(h1.T, ds), ds.sum(0)


@wrong(
    "dZ1.mask.from_1",
    "the mask is Z1 cut to whole numbers: it closes the units with 0 < Z1 < 1 too",
)
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


@wrong("dS.precision.float16", "dS is rounded to half precision")
def torch_half(X, Y, W1, b1, W2, b2):
    z1 = X @ W1 + b1
    h1 = z1 * z1.gt(0)
    p = torch.softmax(h1 @ W2 + b2, -1)
    ds = ((p - Y) / len(Y)).half().type_as(p)
    dz1 = ds @ W2.T * z1.gt(0)
    return {"dW1": X.T @ dz1, "db1": dz1.sum(0), "dW2": h1.T @ ds, "db2": ds.sum(0)}


@wrong(
    "P.activation.sigmoid",
    "sigmoids of the scores instead of their softmax",
    activation="relu",
    loss="cross_entropy",
)
def torch_sigmoid_head(X, Y, W1, b1, W2, b2):
    m = X.shape[0]
    a1 = torch.relu(X @ W1 + b1)
    a2 = torch.sigmoid(a1 @ W2 + b2)
    delta2 = (a2 - Y) / m
    delta1 = torch.mm(delta2, W2.t()) * torch.heaviside(a1, torch.zeros(1, dtype=a1.dtype))
    dW2 = torch.mm(a1.t(), delta2)
    dW1 = torch.mm(X.t(), delta1)
    return dW1, delta1.sum(0), dW2, delta2.sum(0)


@wrong("dW1.input.relu", "X is rectified on its way into the product X^T dZ1")
def torch_outer_products(X, Y, W1, b1, W2, b2):
    a0 = X
    z1 = a0 @ W1 + b1
    a1 = z1.relu()
    delta2 = (torch.softmax(a1 @ W2 + b2, 1) - Y) / X.shape[0]
    delta1 = delta2 @ W2.T * (z1 > 0)
    dW2 = (a1.unsqueeze(2) * delta2.unsqueeze(1)).sum(0)
    dW1 = (a0.relu().unsqueeze(2) * delta1.unsqueeze(1)).sum(0)
    return {"dW1": dW1, "dW2": dW2, "db1": delta1.sum(0), "db2": delta2.sum(0)}


@wrong("db1.reduction.mean", "the mean over the rows of dZ1 instead of their sum")
def torch_bmm(X, Y, params):
    W1, b1, W2, b2 = params.W1, params.b1, params.W2, params.b2
    z1 = torch.baddbmm(b1.view(1, 1, -1), X.unsqueeze(0), W1.unsqueeze(0)).squeeze(0)
    h1 = torch.threshold(z1, 0.0, 0.0)
    s = torch.baddbmm(b2.view(1, 1, -1), h1.unsqueeze(0), W2.unsqueeze(0)).squeeze(0)
    ds = (s.softmax(1) - Y) / s.shape[0]
    dz1 = torch.mm(ds, W2.T).masked_fill(z1 <= 0, 0)
    return {"W1": X.T.mm(dz1), "b1": dz1.mean(0), "W2": h1.T.mm(ds), "b2": ds.sum(0)}


# --- torch.autograd.Function ---------------------------------------------------------------------


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


@wrong(
    "db2.reduction.mean",
    "the bias gradient of the affine function (db2, and db1) is a mean over the rows",
)
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


@wrong(
    "dZ1.mask.sign_of_Z1",
    "multiplied by the sign of Z1: what the mask should stop passes with a minus",
)
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


@wrong("dS.scale.no_mean", "the division by N is missing in the backward of the mean loss")
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


@wrong("dS.sign.flipped", "the sign is turned: (Y - P) / N")
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


@wrong("db1.operand.dH1_summed", "the rows of dH1 are summed instead of those of dZ1")
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


@wrong(
    "dH1.transpose.W2", "dS is multiplied by W2 the wrong way round, transposed", layout="linear"
)
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


@wrong("H1.activation.clipped_at_1", "the ReLU is cut off at 1 as well")
def function_capped(X, y, W1, b1, W2, b2):
    params = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
    params = {k: v.clone().requires_grad_() for k, v in params.items()}
    hidden = ReLUCapped.apply(X @ params["W1"] + params["b1"])
    loss = nn.CrossEntropyLoss()(hidden @ params["W2"] + params["b2"], y)
    loss.backward()
    return {k: v.grad for k, v in params.items()}


# --- autograd, wrong loss ------------------------------------------------------------------------


@wrong(
    "P.softmax.twice.with_derivative",
    "softmax twice: probabilities go into CrossEntropyLoss, which takes a softmax itself",
    activation="relu",
    loss="cross_entropy",
)
def autograd_softmax_first(X, y, W1, b1, W2, b2):
    W1, b1, W2, b2 = (t.clone().requires_grad_() for t in (W1, b1, W2, b2))
    criterion = nn.CrossEntropyLoss()
    probs = torch.softmax(torch.relu(X @ W1 + b1) @ W2 + b2, dim=1)
    loss = criterion(probs, y)
    loss.backward()
    return loss.item(), (W1.grad, b1.grad, W2.grad, b2.grad)


@wrong("P.softmax.over_rows.with_derivative", "log_softmax is taken down the columns: dim=0")
def autograd_log_softmax(X, y, W1, b1, W2, b2):
    leaves = [torch.tensor(t, requires_grad=True) for t in (W1, b1, W2, b2)]
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    s = F.relu(X @ leaves[0] + leaves[1]) @ leaves[2] + leaves[3]
    loss = F.nll_loss(F.log_softmax(s, dim=0), y)
    loss.backward()
    return loss.item(), tuple(t.grad.numpy() for t in leaves)


@wrong(
    "L.reduction.sum.with_derivative",
    "the loss is summed over the rows: reduction='sum'",
    reduction="mean",
)
def autograd_sum(X, y, W1, b1, W2, b2):
    W1, b1, W2, b2 = _leaves(W1, b1, W2, b2)
    loss = F.cross_entropy(torch.relu(X @ W1 + b1) @ W2 + b2, y, reduction="sum")
    grads = torch.autograd.grad(loss, (W1, b1, W2, b2))
    return loss, dict(zip(("W1", "b1", "W2", "b2"), grads, strict=True))


@wrong(
    "L.loss.no_logarithm.with_derivative",
    "nll_loss is given probabilities: the logarithm is missing",
    activation="relu",
    loss="cross_entropy",
)
def autograd_nll_of_probabilities(X, y, W1, b1, W2, b2):
    W1, b1, W2, b2 = (t.detach().clone().requires_grad_(True) for t in (W1, b1, W2, b2))
    p = F.softmax(F.relu(X.matmul(W1).add(b1)).matmul(W2).add(b2), dim=1)
    loss = F.nll_loss(p, y)
    loss.backward()
    return loss.item(), {"W1": W1.grad, "b1": b1.grad, "W2": W2.grad, "b2": b2.grad}


@wrong(
    "L.loss.mean_squared_error.with_derivative",
    "the mean squared error between P and Y",
    activation="relu",
    loss="cross_entropy",
)
def autograd_squared_error(X, Y, params):
    W1, b1, W2, b2 = _leaves(params["W1"], params["b1"], params["W2"], params["b2"])
    P = torch.softmax((torch.as_tensor(X) @ W1 + b1).relu() @ W2 + b2, 1)
    loss = F.mse_loss(P, torch.as_tensor(Y))
    loss.backward()
    return loss.item(), {"W1": W1.grad, "b1": b1.grad, "W2": W2.grad, "b2": b2.grad}


@wrong(
    "L.loss.smoothed_0_1.with_derivative",
    "the targets are smoothed by 0.1",
    activation="relu",
    loss="cross_entropy",
)
def autograd_smoothed(X, y, W1, b1, W2, b2):
    W1, b1, W2, b2 = _leaves(W1, b1, W2, b2)
    loss_fn = nn.CrossEntropyLoss(label_smoothing=0.1)
    loss = loss_fn(F.relu(X @ W1 + b1) @ W2 + b2, y)
    loss.backward()
    return loss.item(), {"dW1": W1.grad, "db1": b1.grad, "dW2": W2.grad, "db2": b2.grad}


@wrong(
    "L.loss.no_class_0.with_derivative",
    "the rows of class 0 are ignored",
    activation="relu",
    loss="cross_entropy",
)
def autograd_padding_class(X, y, W1, b1, W2, b2):
    W1, b1, W2, b2 = _leaves(W1, b1, W2, b2)
    loss = F.cross_entropy((X @ W1 + b1).clamp(min=0) @ W2 + b2, y, ignore_index=0)
    loss.backward()
    return loss.item(), (W1.grad, b1.grad, W2.grad, b2.grad)


@wrong(
    "L.penalty.of_half_norms.with_derivative",
    "the penalty takes the norms of W1 and W2, not their squares",
    activation="relu",
    loss="cross_entropy",
)
def autograd_norms(X, y, W1, b1, W2, b2, weight_decay):
    W1, b1, W2, b2 = _leaves(W1, b1, W2, b2)
    loss = F.cross_entropy(F.relu(X @ W1 + b1) @ W2 + b2, y)
    loss = loss + weight_decay / 2 * sum(W.norm() for W in (W1, W2))
    loss.backward()
    return loss.item(), {"W1": W1.grad, "b1": b1.grad, "W2": W2.grad, "b2": b2.grad}


_nets: dict[Any, Net] = {}


@wrong(
    "call.keeps_state",
    "zero_grad is forgotten: each call adds to the gradients of the last",
    layout="linear",
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


@wrong(
    "L.scale.mean_twice.with_derivative",
    "the mean loss is divided by N again",
    layout="linear",
    activation="relu",
    loss="cross_entropy",
)
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


@wrong(
    "H1.activation.gelu.with_derivative",
    "GELU instead of ReLU",
    layout="linear",
    activation="relu",
    loss="cross_entropy",
)
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


# --- nn.Linear's layout, by hand -----------------------------------------------------------------


@wrong(
    "dW2.operand.Z1_for_H1",
    "Z1 stands where H1 should: the values before the ReLU",
    layout="linear",
)
def linear_layout_operand(X, Y, W1, b1, W2, b2):
    z1 = X @ W1.T + b1
    h1 = np.maximum(z1, 0)
    p = softmax(h1 @ W2.T + b2, axis=1)
    ds = (p - Y) / len(X)
    dz1 = (ds @ W2) * (z1 > 0)
    return {"dW1": dz1.T @ X, "db1": dz1.sum(0), "dW2": ds.T @ z1, "db2": ds.sum(0)}


@wrong(
    "dZ1.mask.sign_of_dH1", "the mask asks where dH1 is positive, not where Z1 is", layout="linear"
)
def linear_layout_mask(X, Y, W1, b1, W2, b2):
    pre = F.linear(X, W1, b1)
    post = F.relu(pre)
    grad_logits = (F.softmax(F.linear(post, W2, b2), dim=1) - Y) / X.shape[0]
    grad_post = grad_logits.mm(W2)
    grad_pre = grad_post.clone()
    grad_pre[grad_post <= 0] = 0
    return grad_pre.t().mm(X), grad_pre.sum(0), grad_logits.t().mm(post), grad_logits.sum(0)


@wrong("Z1.bias.subtracted", "b1 is subtracted", layout="linear")
def linear_layout_bias(X, y, W1, b1, W2, b2):
    z1 = np.inner(X, W1) - b1
    h1 = z1 * (z1 > 0)
    ds = np.exp(log_softmax(np.inner(h1, W2) + b2, axis=1))
    ds[np.arange(len(y)), y] -= 1
    ds /= len(y)
    dz1 = ds.dot(W2) * (z1 > 0)
    return {"W1": dz1.T.dot(X), "b1": dz1.sum(0), "W2": ds.T.dot(h1), "b2": ds.sum(0)}


@wrong(
    "dH1.transpose.W2",
    "dS is multiplied by W2 transposed, the layout of the formula",
    layout="linear",
)
def linear_layout_transpose(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1.T + b1
    H1 = Z1.clip(min=0)
    P = softmax(H1 @ W2.T + b2, axis=-1)
    dS = (P - Y) / X.shape[0]
    dH1 = dS @ W2.T
    dZ1 = np.where(Z1 > 0, dH1, 0)
    return {"dW2": dS.T @ H1, "db2": dS.sum(0), "dW1": dZ1.T @ X, "db1": dZ1.sum(0)}


# --- further ones --------------------------------------------------------------------------------


@wrong("Z1.bias.twice", "b1 is added twice, once by addmm and once by hand")
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


@wrong("S.scale.by_sqrt_H", "divided by the square root of H, as attention does")
def torch_scaled_scores(X, Y, W1, b1, W2, b2):
    h = F.relu(X @ W1 + b1)
    s = (h @ W2 + b2) / math.sqrt(W2.shape[0])
    ds = (F.softmax(s, dim=-1) - Y) / len(X)
    dz = (ds @ W2.T).where(h > 0, torch.zeros((), dtype=h.dtype))
    return {"W1": X.T @ dz, "b1": dz.sum(0), "W2": h.T @ ds, "b2": ds.sum(0)}


@wrong("dS.scale.no_mean", "the gradients of the rows are added, not averaged: no 1/N")
def vmap_per_sample(X, y, params):
    def loss(p, x, label):
        s = torch.relu(x @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"]
        return F.cross_entropy(s.unsqueeze(0), label.unsqueeze(0))

    p = {name: torch.as_tensor(params[name]) for name in ("W1", "b1", "W2", "b2")}
    per_sample = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))
    grads = per_sample(p, torch.as_tensor(X), torch.as_tensor(y))
    return {name: g.sum(dim=0) for name, g in grads.items()}


@wrong("dS", "the one-hot of the likeliest class stands where P should, as a perceptron has it")
def torch_perceptron(X, y, W1, b1, W2, b2):
    z = X @ W1 + b1
    h = z.relu()
    k = W2.shape[1]
    guess = (h @ W2 + b2).argmax(dim=1)
    ds = (F.one_hot(guess, k) - F.one_hot(y, k)).to(X.dtype) / len(y)
    dz = ds @ W2.T * (z > 0)
    return {"dW1": X.T @ dz, "db1": dz.sum(0), "dW2": h.T @ ds, "db2": ds.sum(0)}


@wrong("Z1.input.unit_rows", "the rows of X are scaled to length 1 first")
def torch_normalised(X, Y, W1, b1, W2, b2):
    x = F.normalize(X, dim=1)
    z = x @ W1 + b1
    h = z.relu()
    ds = (torch.softmax(h @ W2 + b2, dim=1) - Y) / len(X)
    dz = ds @ W2.T * (z > 0)
    return X.T @ dz, dz.sum(0), h.T @ ds, ds.sum(0)


@wrong("dZ1.mask.of_S", "the mask is taken from the scores, S > 0, not from Z1")
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
