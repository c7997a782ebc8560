"""Whether a submission lets a library compute its gradients: a remark, judged by the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from backhand.doctor.probe.notebook import sources

AUTOGRAD = {
    "torch": {"backward", "grad", "vjp", "jacobian"},
    "jax": {"grad", "value_and_grad", "vjp", "jacrev", "jacfwd"},
    "autograd": {"grad", "elementwise_grad", "value_and_grad"},
    "tensorflow": {"GradientTape", "gradient", "gradients"},
}
"""Libraries with automatic differentiation, and the names that compute with it."""


def remarks_on(file: str) -> list[str]:
    """A remark for each library that the file takes gradients from."""
    try:
        trees = [ast.parse(text) for text in _texts(Path(file))]
    except (OSError, SyntaxError, ValueError, RecursionError):
        return []  # which the check reports
    imported = {name for tree in trees for name in _imported(tree)}
    used = {name for tree in trees for name in _used(tree)}
    remarks = ["imports backhand, which computes gradients"] if "backhand" in imported else []
    for library, names in AUTOGRAD.items():
        if library in imported and used & names:
            which = ", ".join(sorted(used & names))
            remarks.append(f"imports {library} and calls {which}: autograd computes gradients")
    return remarks


def _texts(path: Path) -> Iterator[str]:
    if path.suffix == ".ipynb":
        for _, text in sources(path):
            yield text
    else:
        yield path.read_text(encoding="utf-8")


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _used(tree: ast.Module) -> Iterator[str]:
    """Names that are called: `loss.backward()`, `grad(f)`, but for the file's own functions.

    A method called `backward` is the file's own if it is given something: `layer.backward(dout)`.
    """
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                if node.func.attr not in own or not node.args:
                    yield node.func.attr
            elif isinstance(node.func, ast.Name) and node.func.id not in own:
                yield node.func.id
