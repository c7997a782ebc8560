"""Functions that were once called correct, or wrong, and are not."""

from __future__ import annotations

import numpy as np
import pytest

from backhand.doctor import check


def softmax(S):
    E = np.exp(S - S.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)


def core(X, Y, W1, b1, W2, b2, above=0.0):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2)
    dS = (P - Y) / len(X)
    dZ1 = dS @ W2.T * (above < Z1)
    loss = -(Y * np.log(P)).sum() / len(X)
    return loss, (X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)), P


def clipped(X, Y, W1, b1, W2, b2):
    loss, gradients, _ = core(X, Y, W1, b1, W2, b2)
    return loss, *(np.clip(one, -1, 1) for one in gradients)


def mask_above_a_hundredth(X, Y, W1, b1, W2, b2):
    loss, gradients, _ = core(X, Y, W1, b1, W2, b2, above=0.01)
    return loss, *gradients


@pytest.mark.parametrize("f", [clipped, mask_above_a_hundredth])
def test_a_fault_that_the_smooth_problem_does_not_show_is_no_other_network(f) -> None:
    assert check(f).outcome == "wrong"


def empty_gradients(X, Y, W1, b1, W2, b2):
    loss, _, P = core(X, Y, W1, b1, W2, b2)
    return {"loss": loss, "P": P, "grads": {}}


def gradients_of_none(X, Y, W1, b1, W2, b2):
    loss, _, P = core(X, Y, W1, b1, W2, b2)
    return {"loss": loss, "P": P, "dW1": None, "db1": None, "dW2": None, "db2": None}


@pytest.mark.parametrize("f", [empty_gradients, gradients_of_none])
def test_gradients_without_values_are_not_a_forward_pass_alone(f) -> None:
    assert check(f).outcome == "not judged"


def half_squared_error_without_its_mean(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    loss = ((S - Y) ** 2).sum() / (2 * len(X))
    print(loss)
    dS = S - Y
    dZ1 = dS @ W2.T * (Z1 > 0)
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


def half_the_penalty(X, Y, W1, b1, W2, b2, reg):
    loss, (dW1, db1, dW2, db2), _ = core(X, Y, W1, b1, W2, b2)
    loss += reg * ((W1**2).sum() + (W2**2).sum())
    print(loss)
    return dW1 + reg * W1, db1, dW2 + reg * W2, db2


@pytest.mark.parametrize("f", [half_squared_error_without_its_mean, half_the_penalty])
def test_a_loss_that_is_computed_shows_what_is_meant(f) -> None:
    assert check(f).outcome == "wrong"


def leaky_in_float32(*arrays):
    X, Y, W1, b1, W2, b2 = (array.astype(np.float32) for array in arrays)
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, np.float32(0.1) * Z1)
    P = softmax(H1 @ W2 + b2)
    dS = (P - Y) / np.float32(len(X))
    dZ1 = dS @ W2.T * np.where(Z1 > 0, np.float32(1), np.float32(0.1))
    loss = -(Y * np.log(P)).sum() / np.float32(len(X))
    return loss, X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


def with_the_classes(X, Y, W1, b1, W2, b2):
    _, gradients, P = core(X, Y, W1, b1, W2, b2)
    return *gradients, P.argmax(axis=1)


def with_the_gradient_of_X(X, Y, W1, b1, W2, b2):
    _, gradients, _ = core(X, Y, W1, b1, W2, b2)
    return 2 * X, *gradients


def with_a_mask(X, Y, W1, b1, W2, b2):
    _, gradients, P = core(X, Y, W1, b1, W2, b2)
    names = ("dW1", "db1", "dW2", "db2")
    return {**dict(zip(names, gradients, strict=True)), "relu": P > 0, "pred": P.argmax(1)}


@pytest.mark.parametrize(
    "f", [leaky_in_float32, with_the_classes, with_the_gradient_of_X, with_a_mask]
)
def test_what_else_is_returned_is_no_fault(f) -> None:
    report = check(f)
    assert report.ok, str(report)


def test_a_declared_reduction_needs_no_loss() -> None:
    def summed(X, Y, W1, b1, W2, b2):
        Z1 = X @ W1 + b1
        H1 = np.maximum(Z1, 0)
        dS = 1 / (1 + np.exp(-(H1 @ W2 + b2))) - Y
        dZ1 = dS @ W2.T * (Z1 > 0)
        return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)

    assert check(summed, reduction="sum").ok and not check(summed).ok


def test_linked_layers_are_read_once() -> None:
    class Layer:
        def __init__(self):
            self.others = []

    def linked(X, Y, W1, b1, W2, b2):
        first, second = Layer(), Layer()
        first.others, second.others = [second], [first]
        gradients = core(X, Y, W1, b1, W2, b2)[1]
        first.dW1, first.db1, first.dW2, first.db2 = gradients
        return first

    assert check(linked).ok


def test_attributes_of_any_kind_do_no_harm() -> None:
    def odd(X):
        return None

    odd.__doc__ = 5
    odd.__wrapped__ = odd
    assert check(odd).outcome == "not judged"
