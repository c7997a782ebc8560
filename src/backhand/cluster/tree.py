"""Sums over parts, added in a binary tree whose shape depends on the number of parts alone.

Node (0, p) is part p, and node (l + 1, i) is the sum of nodes (l, 2i) and (l, 2i + 1), up to the
root. A part that has nothing to add is absent; a node whose parts are all absent is absent, and a
node with one absent child is the other child, unchanged. So whoever adds two nodes adds the same
two numbers: it does not matter which worker holds which part, or in which order the parts are
computed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

T = TypeVar("T")

Node = tuple[int, int]
"""A level, 0 for the parts, and a place in it."""


class Tree(Generic[T]):
    """Adds up nodes as they come, and has those whose siblings are not there yet.

    A worker puts its parts into a tree and sends its `nodes`: at most two for each level if its
    parts are neighbours. The driver puts these into another one, and reads its `total`.

    Parameters
    ----------
    count : int
        Number of parts.
    add : callable
        Returns the sum of two values; it may change both.

    Attributes
    ----------
    nodes : dict
        The value of each node, None if it is absent.

    Examples
    --------
    >>> tree = Tree(3, lambda a, b: f"({a} + {b})")
    >>> for part, value in enumerate(["a", "b", "c"]):
    ...     tree.put((0, part), value)
    >>> tree.total
    '((a + b) + c)'
    """

    def __init__(self, count: int, add: Callable[[T, T], T]) -> None:
        self._count, self._add = count, add
        self._top = (count - 1).bit_length()
        self.nodes: dict[Node, T | None] = {}

    def put(self, node: Node, value: T | None) -> None:
        """Put a node's value, once; None if it is absent."""
        level, place = node
        while level < self._top and self._has((level, place ^ 1)):
            sibling = self.nodes.pop((level, place ^ 1), None)
            left, right = (value, sibling) if place % 2 == 0 else (sibling, value)
            if left is None or right is None:
                value = right if left is None else left
            else:
                value = self._add(left, right)
            level, place = level + 1, place // 2
        self.nodes[level, place] = value

    def put_all(self, nodes: Mapping[Node, T | None]) -> None:
        """Put the nodes of another tree of as many parts."""
        for node, value in nodes.items():
            self.put(node, value)

    def _has(self, node: Node) -> bool:
        """Whether a node is there, or stands for no part at all."""
        return node in self.nodes or node[1] << node[0] >= self._count

    @property
    def total(self) -> T | None:
        """The sum of all parts, None if all are absent; every part must have been put."""
        return self.nodes[self._top, 0]
