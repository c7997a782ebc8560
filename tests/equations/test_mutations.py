"""A test of the tests: each term of the equations, broken, makes the checks fail."""

import inspect
from types import ModuleType

import pytest

from backhand import equations
from helpers.gradient_checks import check_all

SOURCE = inspect.getsource(equations)

MASK_OF_H1 = " * xp.astype(mask, H1.dtype, copy=False)"
MASK_OF_DZ1 = " * xp.astype(mask, dZ1.dtype, copy=False)"

MUTANTS = {
    "Z1 without b1": ("Z1 = X @ W1 + b1", "Z1 = X @ W1"),
    "H1 without the ReLU": ("H1 = xp.maximum(Z1, 0)", "H1 = Z1"),
    "b2 subtracted": ("S = H1 @ W2 + b2", "S = H1 @ W2 - b2"),
    "S from Z1": ("S = H1 @ W2 + b2", "S = Z1 @ W2 + b2"),
    "softmax without the maximum": ("S - xp.max(S, axis=1, keepdims=True)", "S"),
    "softmax over the rows": ("xp.sum(xp.exp(shifted), axis=1", "xp.sum(xp.exp(shifted), axis=0"),
    "softmax not normalised": (
        "return shifted - xp.log(xp.sum(xp.exp(shifted), axis=1, keepdims=True))", "return shifted",
    ),
    "loss with the wrong sign": ("-array_namespace(S).sum(Y", "array_namespace(S).sum(Y"),
    "loss as a sum": ("sum(w * row_losses(S, y))", "sum(row_losses(S, y))"),
    "loss of P, not log P": ("Y * log_softmax(S)", "Y * softmax(S)"),
    "no 1/N": ("dS = (P - Y) * w", "dS = P - Y"),
    "1/N twice": ("dS = (P - Y) * w", "dS = (P - Y) * w * w"),
    "1/K for 1/N": ("return 1 / S.shape[0]", "return 1 / S.shape[1]"),
    "weights not normalised": ("return w / xp.where", "return w + 0 * xp.where"),
    "P for P - Y": ("dS = (P - Y) * w", "dS = P * w"),
    "Y - P": ("dS = (P - Y) * w", "dS = (Y - P) * w"),
    "S for P": ("dS = (P - Y) * w", "dS = (S - Y) * w"),
    "one-hot shifted by one": ("xp.arange(K, ", "xp.arange(1, K + 1, "),
    "dW2 from Z1": ("dW2 = H1.T @ dS", "dW2 = Z1.T @ dS"),
    "dW2 transposed": ("dW2 = H1.T @ dS", "dW2 = (H1.T @ dS).T"),
    "dW2 without the penalty": ("dW2 = H1.T @ dS + l2 * W2", "dW2 = H1.T @ dS"),
    "penalty twice in dW2": ("+ l2 * W2", "+ 2 * l2 * W2"),
    "db2 over the wrong axis": ("db2 = xp.sum(dS, axis=0)", "db2 = xp.sum(dS, axis=1)"),
    "db2 as a mean": ("db2 = xp.sum(dS, axis=0)", "db2 = xp.mean(dS, axis=0)"),
    "penalty on b2": ("db2 = xp.sum(dS, axis=0)", "db2 = xp.sum(dS, axis=0) + l2 * params.b2"),
    "W2 not transposed": ("dH1 = dS @ W2.T", "dH1 = dS @ W2"),
    "a stale W2": ("dH1 = dS @ W2.T", "dH1 = dS @ (W2 - 0.5 * dW2).T"),
    "dH1 from P": ("dH1 = dS @ W2.T", "dH1 = P @ W2.T"),
    "mask left out": ("dZ1 = dH1 * xp.astype(Z1 > 0, dH1.dtype)", "dZ1 = dH1"),
    "mask with >=": ("Z1 > 0", "Z1 >= 0"),
    "mask of H1 with >=": ("Z1 > 0", "H1 >= 0"),
    "mask by dH1's sign": ("Z1 > 0", "dH1 > 0"),
    "mask turned round": ("Z1 > 0", "Z1 < 0"),
    "dropout left out forward": (f"H1 = H1{MASK_OF_H1}", "H1 = H1"),
    "dropout without its scale forward": (MASK_OF_H1, " * xp.astype(mask > 0, H1.dtype)"),
    "dropout turned round": (MASK_OF_H1, " * (2 - mask)"),
    "dropout not in the H1 of dW2": ("Activations(Z1, H1,", "Activations(Z1, xp.maximum(Z1, 0),"),
    "dropout left out backward": (f"dZ1 = dZ1{MASK_OF_DZ1}", "dZ1 = dZ1"),
    "dropout without its scale backward": (MASK_OF_DZ1, " * xp.astype(mask > 0, dZ1.dtype)"),
    "dropout by H1's sign alone": (MASK_OF_DZ1, " * xp.astype(H1 > 0, dZ1.dtype)"),
    "dropout twice backward": (MASK_OF_DZ1, " * mask * mask"),
    "dropout in dH1 too": (f"dZ1 = dZ1{MASK_OF_DZ1}", "dH1, dZ1 = dH1 * mask, dZ1 * mask"),
    "dropout without the ReLU's mask": (f"dZ1 = dZ1{MASK_OF_DZ1}", "dZ1 = dH1 * mask"),
    "dW1 from dH1": ("dW1 = X.T @ dZ1", "dW1 = X.T @ dH1"),
    "dW1 with the wrong sign": ("dW1 = X.T @ dZ1", "dW1 = -X.T @ dZ1"),
    "dW1 without the penalty": ("dW1 = X.T @ dZ1 + l2 * W1", "dW1 = X.T @ dZ1"),
    "db1 over the wrong axis": ("db1 = xp.sum(dZ1, axis=0)", "db1 = xp.sum(dZ1, axis=1)"),
    "db1 from dH1": ("db1 = xp.sum(dZ1, axis=0)", "db1 = xp.sum(dH1, axis=0)"),
    "db1 as a mean": ("db1 = xp.sum(dZ1, axis=0)", "db1 = xp.mean(dZ1, axis=0)"),
    "penalty without the half": ("return l2 / 2 * (", "return l2 * ("),
    "penalty of W1 alone": (" + xp.sum(params.W2 * params.W2)", ""),
    "update uphill": ("params.W1 - eta", "params.W1 + eta"),
    "b2 not updated": ("params.b2 - eta * grads.db2", "params.b2"),
    "b1 updated by db1 squared": ("eta * grads.db1", "eta * grads.db1 ** 2"),
    "least likely class": ("xp.argmax(S, axis=1) == y", "xp.argmin(S, axis=1) == y"),
}  # fmt: skip


def broken(old: str, new: str) -> ModuleType:
    """The equations with that one place changed."""
    assert SOURCE.count(old) >= 1, f"the equations no longer say: {old}"
    module = ModuleType("mutant")
    exec(compile(SOURCE.replace(old, new), "mutant", "exec"), module.__dict__)
    return module


def test_the_equations_themselves_pass() -> None:
    check_all(equations)


@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_is_caught(name: str) -> None:
    # A mutant may give wrong numbers (AssertionError), or shapes that do not fit (ValueError).
    mutant = broken(*MUTANTS[name])
    with pytest.raises((AssertionError, ValueError, FloatingPointError)):
        check_all(mutant)
