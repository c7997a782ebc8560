"""Layer classes, and CS231n's TwoLayerNet."""

from typing import Any

import numpy as np
from scipy.special import softmax

from corpus.registry import wrong

# --- layers --------------------------------------------------------------------------------------


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


@wrong(
    "db2.reduction.over_all_repeated",
    "summed over the classes as well: every entry is the sum of all of dS",
)
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


@wrong("dZ1.mask.reversed_at_zero", "zeroed where the units are on, not where they are off")
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


@wrong("dS.scale.by_K", "divided by the number of classes instead of the rows: (P - Y) / K")
def layers_number_of_classes(X, Y, W1, b1, W2, b2):
    return _run_layers(X, Y, [Linear(W1, b1), ReLU(), Linear(W2, b2)], SoftmaxWithLoss())


class ClippedCrossEntropy(SoftmaxCrossEntropy):
    def forward(self, x, t):
        self.t = t
        self.y = np.clip(softmax(x, axis=1), 0.05, 0.95)
        return -np.sum(t * np.log(self.y)) / t.shape[0]


@wrong(
    "P.clip.within_0_05",
    "the probabilities are clipped to 0.05 to 0.95 before the loss and its gradient",
)
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


@wrong(
    "dW1.operand.H1_for_X", "H1 stands where X should: the layers share the cache of their inputs"
)
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


@wrong(
    "dH1.order.W2_after_its_update",
    "W2 has taken its step already when dS is propagated back through it",
)
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


@wrong("S.bias.missing", "b2 is not added to the scores")
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


@wrong(
    "H1.activation.leaky_0_01",
    "leaky: Z1 / 100 where Z1 is negative",
    activation="relu",
    loss="cross_entropy",
)
def layers_leaky(X, Y, W1, b1, W2, b2):
    layers = [Linear(W1, b1), LeakyReLU(), Linear(W2, b2)]
    return _run_layers(X, Y, layers, SoftmaxCrossEntropy())


_store: dict[Any, Any] = {}


@wrong("call.keeps_state", "the gradients are added to those of the calls before")
def layers_accumulating(X, Y, W1, b1, W2, b2):
    layers = [Linear(W1, b1), ReLU(), Linear(W2, b2)]
    loss, grads = _run_layers(X, Y, layers, SoftmaxCrossEntropy())
    total = _store.setdefault((W1.shape, W2.shape), {k: np.zeros_like(g) for k, g in grads.items()})
    for k, g in grads.items():
        total[k] += g
    return loss, {k: g.copy() for k, g in total.items()}


# --- TwoLayerNet, loss() and grads ---------------------------------------------------------------


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


@wrong("dZ1.mask.missing", "the mask looks for H1 < 0, which no unit has: nothing is stopped")
def two_layer_net_mask(X, y, params):
    return NetNegativeMask(params).loss(X, y)


class NetShiftedLabels(TwoLayerNet):
    def dscores(self, probs, y):
        probs[range(len(y)), y - 1] -= 1
        return probs / len(y)


@wrong(
    "dS.labels.previous_class_cyclic",
    "1 is subtracted one class too low, as if the classes were counted from 1",
)
def two_layer_net_labels(X, y, W1, b1, W2, b2):
    return NetShiftedLabels({"W1": W1, "b1": b1, "W2": W2, "b2": b2}).loss(X, y)


class NetRegMissing(TwoLayerNet):
    def regularise(self, grads, reg):
        grads["W2"] += reg * self.params["W2"]


@wrong("dW1.penalty.missing", "the gradient of the penalty, l2 W1, is missing")
def two_layer_net_reg_missing(X, y, params, reg):
    return NetRegMissing(params).loss(X, y, reg)


class NetRegTwice(TwoLayerNet):
    def regularise(self, grads, reg):
        grads["W2"] += 2 * reg * self.params["W2"]
        grads["W1"] += reg * self.params["W1"]


@wrong("dW2.penalty.doubled", "2 l2 W2 is added instead of l2 W2")
def two_layer_net_reg_twice(X, y, W1, b1, W2, b2, reg):
    net = NetRegTwice({"W1": W1, "b1": b1, "W2": W2, "b2": b2})
    return net.loss(X, y, reg=reg)


class NetPenaltyHalfMissing(TwoLayerNet):
    def penalty(self, W1, W2, reg):
        return reg * (np.sum(W1**2) + np.sum(W2**2))


@wrong("L.penalty.doubled", "the penalty in the loss is without its half; the gradients are right")
def two_layer_net_penalty(X, y, W1, b1, W2, b2, reg):
    return NetPenaltyHalfMissing({"W1": W1, "b1": b1, "W2": W2, "b2": b2}).loss(X, y, reg)


class NetLossByClasses(TwoLayerNet):
    def data_loss(self, probs, y):
        correct_logprobs = -np.log(probs[np.arange(len(y)), y])
        return np.sum(correct_logprobs) / probs.shape[1]


@wrong("L.scale.by_K", "the summed loss is divided by the number of classes")
def two_layer_net_loss(X, y, W1, b1, W2, b2):
    loss, grads = NetLossByClasses({"W1": W1, "b1": b1, "W2": W2, "b2": b2}).loss(X, y)
    return {"loss": loss, "grads": grads}


class NetBiasReg(TwoLayerNet):
    def regularise(self, grads, reg):
        super().regularise(grads, reg)
        grads["b2"] += reg * self.params["b2"]


@wrong("db2.penalty.on_bias", "l2 b2 is added, though the penalty leaves the biases out")
def two_layer_net_bias_reg(X, y, W1, b1, W2, b2, reg):
    return NetBiasReg({"W1": W1, "b1": b1, "W2": W2, "b2": b2}).loss(X, y, reg)[1]


# --- further ones --------------------------------------------------------------------------------


@wrong("dS.softmax.skipped", "the gradient by P, -Y / P, passes the softmax unchanged")
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


@wrong("dS.softmax.plus_for_minus", "the softmax's Jacobian has a plus: diag(p) + p p^T")
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
