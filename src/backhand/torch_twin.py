"""The autograd twin: the same network as `nn.Sequential`, for comparison with the pass by hand.

Nothing of it is on the training path. `compare` trains both ways side by side from equal weights;
`reference_run` repeats the one run whose numbers are fixed to the printed digit.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.engines import Data, Engine
from backhand.equations import Gradients, Parameters
from backhand.support.differences import largest_difference
from backhand.support.optional import extra
from backhand.training.train import train

torch = extra("torch", "comparing with autograd")
nn = torch.nn

from backhand.engines.torch import TORCH_THREADS  # noqa: E402 (after the message above)


def to_torch(params: Parameters) -> Any:
    """Make an `nn.Sequential(Linear, ReLU, Linear)` with copies of these weights, on the CPU."""
    return nn.Sequential(_linear(params.W1, params.b1), nn.ReLU(), _linear(params.W2, params.b2))


def _linear(W: Any, b: Any) -> Any:
    """A Linear of W (in, out) and b (out,): torch keeps the weights the other way round."""
    W, b = torch.tensor(np.asarray(W).T), torch.tensor(np.asarray(b))
    # Drawing first weights, to no use, would move torch's generator on.
    layer = nn.utils.skip_init(nn.Linear, W.shape[1], W.shape[0], dtype=W.dtype)
    with torch.no_grad():
        layer.weight.copy_(W)
        layer.bias.copy_(b)
    return layer


def from_torch(twin: Any) -> Parameters:
    """Copy the weights of such an `nn.Sequential` to NumPy arrays."""
    W1t, b1, W2t, b2 = (p.detach().cpu().numpy() for p in twin.parameters())
    return Parameters(W1t.T.copy(), b1.copy(), W2t.T.copy(), b2.copy())


def loss_and_gradients(params: Parameters, data: Data, l2: float = 0.0) -> tuple[float, Gradients]:
    """Compute the loss, penalty included, and all seven gradients by autograd, as NumPy arrays.

    Built of torch's own operations and its own `cross_entropy`, so that nothing is shared with
    the equations but the names.
    """
    W1, b1, W2, b2 = (torch.tensor(np.asarray(p), requires_grad=True) for p in params)
    X, y = torch.tensor(np.asarray(data.X)).to(W1.dtype), torch.tensor(data.y)
    Z1 = nn.functional.linear(X, W1.T, b1)
    H1 = nn.functional.relu(Z1)
    S = nn.functional.linear(H1, W2.T, b2)
    for tensor in (Z1, H1, S):
        tensor.retain_grad()
    losses = nn.functional.cross_entropy(S, y, reduction="none")
    if data.sample_weight is None:
        loss = losses.mean()
    else:
        w = torch.tensor(np.asarray(data.sample_weight)).to(W1.dtype)
        loss = (w * losses).sum() / w.sum()
    loss = loss + l2 / 2 * (W1.pow(2).sum() + W2.pow(2).sum())
    loss.backward()
    grads = (tensor.grad.numpy() for tensor in (S, W2, b2, H1, Z1, W1, b1))
    return loss.item(), Gradients(*grads)


class TwinRun:
    """Training by autograd: `CrossEntropyLoss`, `loss.backward()`, `torch.optim.SGD`."""

    def __init__(self, twin: Any, X: Any, y: Any, learning_rate: float, l2: float = 0.0) -> None:
        self.twin, self.X, self.y = twin, X, y
        weights = [p for p in twin.parameters() if p.ndim == 2]
        biases = [p for p in twin.parameters() if p.ndim == 1]
        groups = [{"params": weights, "weight_decay": l2}, {"params": biases, "weight_decay": 0.0}]
        self._optimizer = torch.optim.SGD(groups, lr=learning_rate)
        self._criterion = nn.CrossEntropyLoss()
        self._weights, self._l2 = weights, l2

    def advance(self, epochs: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Do full-batch epochs; return loss (with penalty) and accuracy before each update."""
        loss, accuracy = np.empty(epochs), np.empty(epochs)
        for epoch in range(epochs):
            S = self.twin(self.X)
            cost = self._criterion(S, self.y)
            self._optimizer.zero_grad()
            cost.backward()
            with torch.no_grad():
                # The optimizer's weight decay is the gradient of the penalty; its value is not.
                penalty = self._l2 / 2 * sum(W.pow(2).sum() for W in self._weights)
                loss[epoch] = (cost + penalty).item()
                accuracy[epoch] = (S.argmax(dim=1) == self.y).double().mean().item()
            self._optimizer.step()
        return loss, accuracy


class Side(NamedTuple):
    """One way of training at a reported epoch: before its update; seconds per step so far."""

    loss: float
    accuracy: float
    seconds_per_step: float


@dataclass(frozen=True)
class Comparison:
    """Both ways after one reported epoch.

    `gradients` and `weights` are the largest norm-relative difference ‖a - b‖ / max(‖a‖, ‖b‖)
    over the arrays: of the gradients, both taken at the weights by hand before the epoch's update;
    and of the weights after it, each way having been trained separately from the start.
    """

    epoch: int
    by_hand: Side
    autograd: Side
    gradients: float
    weights: float


def compare(
    params: Parameters,
    data: Data,
    *,
    learning_rate: float,
    epochs: int,
    every: int,
    engine: Engine,
    threads: int | None = None,
    l2: float = 0.0,
) -> Iterator[Comparison]:
    """Train both ways from `params`, full batch with SGD, and compare after each `every` epochs.

    `threads` are autograd's; the engine has its own.
    """
    X, y = torch.tensor(np.asarray(data.X, params.W1.dtype)), torch.tensor(data.y)
    twin = TwinRun(to_torch(params), X, y, learning_rate, l2)
    by_hand, spent_hand, spent_twin = params, 0.0, 0.0
    for done, epoch in pairwise([0, *range(every, epochs, every), epochs]):
        began = time.perf_counter()
        with TORCH_THREADS.limited(threads):
            loss, accuracy = twin.advance(epoch - done)
        spent_twin += time.perf_counter() - began
        # The last update apart, so that its gradient can be taken at the weights it starts from.
        for count in filter(None, (epoch - done - 1, 1)):
            before = by_hand
            result = train(before, data.X, data.y, learning_rate=learning_rate, epochs=count,
                           l2=l2, engine=engine)  # fmt: skip
            spent_hand += result.seconds
            by_hand, history = result.params, result.history
        ours = engine.loss_and_gradients(before, data, l2)[1]
        theirs = loss_and_gradients(before, data, l2)[1]
        yield Comparison(
            epoch,
            Side(float(history.loss[-1]), float(history.accuracy[-1]), spent_hand / epoch),
            Side(float(loss[-1]), float(accuracy[-1]), spent_twin / epoch),
            largest_difference(ours, theirs),
            largest_difference(by_hand, from_torch(twin.twin)),
        )


@dataclass(frozen=True)
class ReferenceColumn:
    """One column of the reference run: loss and accuracy of each of its epochs, and its time."""

    name: str
    loss: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    seconds: float


REFERENCE_SHAPE = (128, 20, 64, 5)
REFERENCE_EPOCHS = 200
REFERENCE_LEARNING_RATE = 0.5


class ReferenceStart(NamedTuple):
    """What the reference run starts from: its rows, and the parameters of both ways."""

    X: Any
    y: Any
    by_hand: Parameters
    autograd: Any


def reference_start() -> ReferenceStart:
    """Draw X, y and both initialisations with PyTorch's generator, as tensors.

    By hand: seeded with 0, then X, y, W1 and W2 drawn in this order, biases zero. Autograd: seeded
    anew with 0, X and y drawn first, then PyTorch's own initialisation of an `nn.Sequential`.
    """
    N, d, H, K = REFERENCE_SHAPE
    torch.manual_seed(0)
    X, y = torch.randn(N, d), torch.randint(0, K, (N,))
    W1, W2 = 0.02 * torch.randn(d, H), 0.02 * torch.randn(H, K)
    by_hand = Parameters(W1, torch.zeros(H), W2, torch.zeros(K))
    torch.manual_seed(0)
    X, y = torch.randn(N, d), torch.randint(0, K, (N,))
    return ReferenceStart(X, y, by_hand, nn.Sequential(nn.Linear(d, H), nn.ReLU(), nn.Linear(H, K)))


def reference_run(engine: Engine, threads: int | None = None) -> list[ReferenceColumn]:
    """Repeat the reference run: N, d, H, K = 128, 20, 64, 5, 200 full-batch epochs, η 0.5, float32.

    Each way starts from the parameters that `reference_start` draws for it. `threads` are
    autograd's; the engine has its own.
    """
    X, y, params, twin = reference_start()
    result = train(params, X, y, learning_rate=REFERENCE_LEARNING_RATE, epochs=REFERENCE_EPOCHS,
                   engine=engine)  # fmt: skip
    by_hand = ReferenceColumn(
        "by hand", result.history.loss, result.history.accuracy, result.seconds
    )
    run = TwinRun(twin, X, y, REFERENCE_LEARNING_RATE)
    began = time.perf_counter()
    with TORCH_THREADS.limited(threads):
        loss, accuracy = run.advance(REFERENCE_EPOCHS)
    return [by_hand, ReferenceColumn("autograd", loss, accuracy, time.perf_counter() - began)]
