"""The tree in which sums of parts are added: its shape depends on the number of parts alone."""

import numpy as np
import pytest

from backhand.cluster.tree import Tree


def joined(one: str, other: str) -> str:
    return f"({one}{other})"


def total(count: int, absent: set[int], holders: list[int], seed: int) -> str | None:
    """The sum of parts, each in the tree of its holder, in any order."""
    rng = np.random.default_rng(seed)
    driver = Tree(count, joined)
    for worker in rng.permutation(max(holders) + 1).tolist():
        tree = Tree(count, joined)
        for part in rng.permutation(count).tolist():
            if holders[part] == worker:
                tree.put((0, part), None if part in absent else f"{part}.")
        driver.put_all(tree.nodes)
    return driver.total


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 13])
def test_the_order_of_addition_depends_on_neither_workers_nor_time(count: int) -> None:
    rng = np.random.default_rng(count)
    for seed in range(30):
        absent = set(np.flatnonzero(rng.random(count) < rng.choice([0, 0.4])).tolist())
        expected = total(count, absent, [0] * count, 0)
        holders = rng.integers(0, rng.integers(1, 6), count).tolist()
        assert total(count, absent, holders, seed) == expected
        assert expected is None or sorted(expected) == sorted(
            "".join(f"{part}." for part in range(count) if part not in absent)
            + "()" * (count - len(absent) - 1)
        )


def test_the_shape_is_that_of_a_binary_tree() -> None:
    assert total(5, set(), [0] * 5, 0) == "(((0.1.)(2.3.))4.)"
    assert total(5, {1, 4}, [0] * 5, 0) == "(0.(2.3.))"
    assert total(3, {0, 1, 2}, [0] * 3, 0) is None


def test_a_worker_with_neighbouring_parts_sends_few_nodes() -> None:
    tree = Tree(1000, joined)
    for part in range(333, 700):
        tree.put((0, part), ".")
    assert len(tree.nodes) <= 2 * 10
