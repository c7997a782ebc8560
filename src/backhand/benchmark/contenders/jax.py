"""JAX, with all steps in one compiled call."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import numpy as np
from jax import numpy as jnp

from backhand.benchmark.contenders import Run, Trace
from backhand.benchmark.problem import Problem


def jit_scan_bf16(problem: Problem, threads: int) -> Run:
    """The same with both products, and so those of their gradients, in bf16."""
    return jit_scan(problem, threads, jnp.bfloat16)


def jit_scan(problem: Problem, threads: int, dtype: Any = jnp.float32) -> Run:  # noqa: ARG001
    """Compile a `lax.scan` over the steps; XLA reads its threads from the environment."""
    # Data on the CPU is computed there, even if JAX has a GPU.
    cpu = jax.devices("cpu")[0]
    one_hot = np.eye(problem.shape.K, dtype=np.float32)[problem.y]
    X, Y, start = jax.device_put((problem.X.astype(dtype), one_hot, tuple(problem.params)), cpu)
    eta = problem.learning_rate

    @partial(jax.jit, static_argnames="epochs")
    def train(theta: Any, X: Any, Y: Any, epochs: int) -> Any:
        def step(theta: Any, _: None) -> Any:
            (loss, accuracy), gradients = jax.value_and_grad(loss_and_accuracy, has_aux=True)(
                theta, X, Y
            )
            updated = jax.tree.map(lambda value, g: value - eta * g, theta, gradients)
            return updated, (loss, accuracy)

        # The final parameters are returned, so that no update is optimised away.
        return jax.lax.scan(step, theta, None, length=epochs)

    def run(epochs: int) -> Trace:
        _, (loss, accuracy) = jax.block_until_ready(train(start, X, Y, epochs))
        return Trace(np.asarray(loss), np.asarray(accuracy))

    return run


def loss_and_accuracy(theta: Any, X: Any, Y: Any) -> tuple[Any, Any]:
    """Return the loss, which is differentiated, and the accuracy, which is recorded.

    Y is one-hot: indexing would be a scatter in the backward pass, which is slower on the CPU.
    """
    W1, b1, W2, b2 = theta
    H1 = jax.nn.relu((X @ W1.astype(X.dtype)).astype(b1.dtype) + b1).astype(X.dtype)
    S = (H1 @ W2.astype(X.dtype)).astype(b2.dtype) + b2
    loss = -jnp.sum(Y * jax.nn.log_softmax(S)) / len(X)
    return loss, jnp.mean(S.argmax(axis=1) == Y.argmax(axis=1))
