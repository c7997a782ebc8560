"""What several test files need."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# What tests compile is no business of the user's cache.
os.environ.setdefault("BACKHAND_CACHE_DIR", str(ROOT / "build" / "cache"))
PENGUINS = ROOT / "examples" / "penguins.csv"
SHARED = ROOT.parent / "shared" / "data"


@pytest.fixture
def penguins() -> Path:
    return PENGUINS


@pytest.fixture
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is not there")
    return SHARED
