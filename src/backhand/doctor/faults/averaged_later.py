"""The faults of a network whose 1/N is applied in the gradients instead of in dS."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from backhand.doctor.faults.fault import Fault
from backhand.doctor.frame.network import Network
from backhand.formulas import GRADIENTS, LINES, Line, parts_of
from backhand.support.source_trees import parse

UNDIVIDED = {"dS", "dH1", "dZ1"}
"""Values that are N times larger, since 1/N comes after them."""


def averaged_later(network: Network, faults: Iterable[Fault]) -> Iterator[Fault]:
    """The faults, each with its lines as they are where 1/N is applied later."""
    for one in faults:
        lines = _later(network, one)
        if lines and lines[one.name] != network.lines[one.name]:
            reads = frozenset().union(*(line.reads(penalty=True) for line in lines.values()))
            yield replace(one, lines=MappingProxyType(lines), reads=reads)


def _later(network: Network, one: Fault) -> Mapping[str, Line]:
    """The lines of a fault; none if nobody has this fault where 1/N is applied later."""
    if one.id.endswith("scale.no_mean") and one.name in GRADIENTS:
        return {name: replace(network.lines[name], data=LINES[name].data) for name in one.lines}
    lines = {}
    for name, line in one.lines.items():
        reads = parts_of(line.data)
        if name == "dS":
            if "no_mean" in one.id or not line.data.endswith(network.mean):
                return {}
            line = replace(line, data=line.data.removesuffix(network.mean))
        elif name in UNDIVIDED and reads & {"P", "Y", "y"}:
            return {}
        elif name in GRADIENTS and reads & UNDIVIDED:
            line = replace(line, data=_divided(line.data, network.mean),
                           shown=line.shown and _divided(line.shown, network.mean))  # fmt: skip
        elif name in GRADIENTS and reads & {"P", "Y", "y"}:
            return {}
        lines[name] = line
    return lines


def _divided(code: str, mean: str) -> str:
    """Code divided by what the loss is."""
    tree = parse(code, "eval").body
    whole = isinstance(tree, ast.Call | ast.Attribute | ast.Name | ast.Subscript) or (
        isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Mult | ast.Div | ast.MatMult)
    )
    return f"{code}{mean}" if whole else f"({code}){mean}"
