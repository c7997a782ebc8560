"""The two fuzzers of what reaches compiled code: 100,000 calls and 20,000 checkpoints."""

from __future__ import annotations

import sys

import pytest

from helpers.guard_pages import in_children

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="there is no mprotect"),
]


@pytest.mark.parametrize(
    ("module", "count"), [("guard_pages", 100_000), ("forged_checkpoints", 20_000)]
)
def test_no_fault(module: str, count: int) -> None:
    tally, wrong = in_children(f"helpers.{module}", 0, count)
    assert not wrong, "\n".join(wrong[:20])
    assert sum(tally.values()) == count
    assert min(tally.values()) > 0 and len(tally) >= 3, tally
