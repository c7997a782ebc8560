"""Whole trainings on MNIST, with shuffled mini-batches and Adam, in each library.

Each function takes float32 pixels and labels, initial weights, epochs and threads, and returns the
trained weights. Loss and accuracy of each batch are recorded, except by scikit-learn, which draws
its own initial weights and records the loss only. Nothing is warmed up: compilation counts; only
the import, which `mnist.py` does before, does not.
"""

# ruff: noqa: ARG001 - one signature for all, although some ignore the number of threads

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.equations import Parameters

BATCH, RATE, BETA_1, BETA_2, EPSILON = 128, 1e-3, 0.9, 0.999, 1e-8

Train = Callable[[Parameters, NDArray[Any], NDArray[Any], int, int], Parameters]


def batches(N: int, epochs: int) -> Iterator[tuple[NDArray[np.int64], float]]:
    """Yield the rows of each batch, redrawn per epoch, and Adam's rate with bias corrections."""
    rng, t = np.random.default_rng(0), 0
    for _ in range(epochs):
        order = rng.permutation(N)
        for start in range(0, N, BATCH):
            t += 1
            eta = RATE * (1 - BETA_2**t) ** 0.5 / (1 - BETA_1**t)
            yield order[start : start + BATCH], eta


def backhand(
    params: Parameters, X: NDArray[Any], y: NDArray[Any], epochs: int, threads: int
) -> Parameters:
    from backhand import train

    return train(params, X, y, learning_rate=RATE, epochs=epochs, batch_size=BATCH,
                 optimizer="adam", threads=threads).params  # fmt: skip


def numpy_by_hand(
    params: Parameters, X: NDArray[Any], y: NDArray[Any], epochs: int, threads: int
) -> Parameters:
    from backhand.benchmark.contenders.numpy import loss_and_gradients

    theta = Parameters(*(value.copy() for value in params))
    m, v = ([np.zeros_like(value) for value in params] for _ in range(2))
    recorded = []
    for rows, eta in batches(len(X), epochs):
        loss, accuracy, gradients = loss_and_gradients(theta, X[rows], y[rows])
        recorded.append((loss, accuracy))
        for value, g, m_, v_ in zip(theta, gradients, m, v, strict=True):
            m_ *= BETA_1
            m_ += (1 - BETA_1) * g
            v_ *= BETA_2
            v_ += (1 - BETA_2) * (g * g)
            value -= eta * m_ / (np.sqrt(v_) + EPSILON)
    return theta


def _torch_adam(theta: Any, gradients: Any, m: Any, v: Any, eta: Any) -> None:
    for value, g, m_, v_ in zip(theta, gradients, m, v, strict=True):
        m_.mul_(BETA_1).add_(g, alpha=1 - BETA_1)
        v_.mul_(BETA_2).addcmul_(g, g, value=1 - BETA_2)
        value.sub_(eta * m_ / (v_.sqrt() + EPSILON))


def torch_by_hand(
    params: Parameters, X: NDArray[Any], y: NDArray[Any], epochs: int, threads: int
) -> Parameters:
    import torch

    from backhand.benchmark.contenders.torch import loss_and_gradients

    torch.set_num_threads(threads)
    data, labels = torch.from_numpy(X), torch.from_numpy(y)
    theta = Parameters(*(torch.tensor(value) for value in params))
    m, v = ([torch.zeros_like(value) for value in theta] for _ in range(2))
    recorded = []
    with torch.no_grad():
        for rows, eta in batches(len(X), epochs):
            at = torch.from_numpy(rows)
            loss, accuracy, gradients = loss_and_gradients(theta, data[at], labels[at])
            recorded.append((loss, accuracy))
            _torch_adam(theta, gradients, m, v, eta)
    return Parameters(*(value.numpy() for value in theta))


def torch_autograd(
    params: Parameters, X: NDArray[Any], y: NDArray[Any], epochs: int, threads: int
) -> Parameters:
    import torch

    from backhand.torch_twin import from_torch, to_torch

    torch.set_num_threads(threads)
    data, labels = torch.from_numpy(X), torch.from_numpy(y)
    model, criterion = to_torch(params), torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), RATE, (BETA_1, BETA_2), EPSILON)
    recorded = []
    for rows, _ in batches(len(X), epochs):
        at = torch.from_numpy(rows)
        batch, truth = data[at], labels[at]
        S = model(batch)
        loss = criterion(S, truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        recorded.append((loss.item(), (S.argmax(dim=1) == truth).float().mean().item()))
    return from_torch(model)


def torch_compile(
    params: Parameters, X: NDArray[Any], y: NDArray[Any], epochs: int, threads: int
) -> Parameters:
    import torch

    from backhand.benchmark.contenders.torch import loss_and_accuracy

    torch.set_num_threads(threads)
    data, labels = torch.from_numpy(X), torch.from_numpy(y)
    theta = [torch.tensor(value) for value in params]
    m, v = ([torch.zeros_like(value) for value in theta] for _ in range(2))

    def step(theta: Any, m: Any, v: Any, batch: Any, truth: Any, eta: Any) -> Any:
        gradients, figures = torch.func.grad_and_value(loss_and_accuracy, has_aux=True)(
            theta, batch, truth
        )
        _torch_adam(theta, gradients, m, v, eta)
        return figures

    fast_step = torch.compile(step, dynamic=False)
    recorded = []
    for rows, eta in batches(len(X), epochs):
        at = torch.from_numpy(rows)
        # The rate is a tensor: as a number it would be compiled in, and anew for each update.
        figures = fast_step(theta, m, v, data[at], labels[at], torch.tensor(eta))
        recorded.append(tuple(value.item() for value in figures))
    return Parameters(*(value.numpy() for value in theta))


def scikit_learn(
    params: Parameters, X: NDArray[Any], y: NDArray[Any], epochs: int, threads: int
) -> Parameters:
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(
        hidden_layer_sizes=params.b1.shape, batch_size=BATCH, learning_rate_init=RATE,
        beta_1=BETA_1, beta_2=BETA_2, epsilon=EPSILON, alpha=0, max_iter=epochs, tol=0,
        n_iter_no_change=epochs + 1, random_state=0,
    ).fit(X, y)  # fmt: skip
    (W1, W2), (b1, b2) = model.coefs_, model.intercepts_
    return Parameters(W1, b1, W2, b2)


def jax_scan(
    params: Parameters, X: NDArray[Any], y: NDArray[Any], epochs: int, threads: int
) -> Parameters:
    import jax
    from jax import numpy as jnp

    from backhand.benchmark.contenders.jax import loss_and_accuracy

    def step(state: Any, batch: Any, X: Any, Y: Any) -> Any:
        (theta, m, v), (rows, eta) = state, batch
        figures, g = jax.value_and_grad(loss_and_accuracy, has_aux=True)(theta, X[rows], Y[rows])
        m = jax.tree.map(lambda m, g: BETA_1 * m + (1 - BETA_1) * g, m, g)
        v = jax.tree.map(lambda v, g: BETA_2 * v + (1 - BETA_2) * g * g, v, g)
        theta = jax.tree.map(
            lambda value, m, v: value - eta * m / (jnp.sqrt(v) + EPSILON), theta, m, v
        )
        return (theta, m, v), figures

    # An epoch is one call: a scan over its full batches, and the last, which may be short.
    @jax.jit
    def scan(state: Any, rows: Any, eta: Any, X: Any, Y: Any) -> Any:
        return jax.lax.scan(lambda s, batch: step(s, batch, X, Y), state, (rows, eta))

    data, one_hot = jnp.asarray(X), jnp.asarray(np.eye(10, dtype=np.float32)[y])
    zeros = tuple(jnp.zeros_like(value) for value in params)
    state, recorded = (tuple(map(jnp.asarray, params)), zeros, zeros), []
    plan, full, each = batches(len(X), epochs), len(X) // BATCH, -(-len(X) // BATCH)
    for _ in range(epochs):
        rows, eta = zip(*islice(plan, each), strict=True)
        for part in (slice(0, full), slice(full, each)):
            if rows[part]:
                state, figures = scan(state, np.stack(rows[part]), np.float32(eta[part]), data,
                                      one_hot)  # fmt: skip
                recorded.append(jax.device_get(figures))
    return Parameters(*map(np.asarray, state[0]))


TRAIN: dict[str, Train] = {
    "backhand": backhand,
    "numpy by hand": numpy_by_hand,
    "torch by hand": torch_by_hand,
    "torch autograd": torch_autograd,
    "torch compile": torch_compile,
    "scikit-learn": scikit_learn,
    "jax": jax_scan,
}
"""Keyed by the names in `backhand.benchmark.contenders.CONTENDERS`."""
