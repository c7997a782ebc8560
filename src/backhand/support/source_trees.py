"""Parsing source text in several threads."""

from __future__ import annotations

import ast
import threading
from typing import Literal, overload

_lock = threading.Lock()


@overload
def parse(source: str) -> ast.Module: ...
@overload
def parse(source: str, mode: Literal["eval"]) -> ast.Expression: ...


def parse(source: str, mode: Literal["exec", "eval"] = "exec") -> ast.AST:
    """The same as `ast.parse`, one thread at a time.

    In Python 3.11, two threads that parse at once can raise SystemError ("AST constructor recursion
    depth mismatch"): the depth is counted for all threads together.
    """
    with _lock:
        return ast.parse(source, mode=mode)
