"""What several test files need."""

import os
import signal
from pathlib import Path

import pytest

from helpers.optional_packages import (  # noqa: F401 (pytest calls them)
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_make_collect_report,
    pytest_runtest_makereport,
)

ROOT = Path(__file__).parent.parent
# What tests compile is no business of the user's cache.
os.environ.setdefault("BACKHAND_CACHE_DIR", str(ROOT / "build" / "cache"))
# Test processes side by side share the cores: threads of a BLAS that wait for each other would take
# most of the time (50 times as long for scikit-learn's small products).
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Without a GPU, kernels in Triton are interpreted; Triton reads this when it is imported.
if not Path("/dev/nvidiactl").exists():
    os.environ.setdefault("TRITON_INTERPRET", "1")
PENGUINS = ROOT / "examples" / "penguins.csv"
SHARED = ROOT.parent / "shared" / "data"

# A shell's background ignores Ctrl-C, nohup SIGHUP, and what is started here would do as well.
for name, usual in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
    number = getattr(signal, name, None)
    if number is not None and signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, usual)


@pytest.fixture
def penguins() -> Path:
    return PENGUINS


@pytest.fixture
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is not there")
    return SHARED


@pytest.fixture
def shared_always(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many threads of the fused engine as are asked for, however little there is to do."""
    monkeypatch.setattr("backhand.engines.fused.buffers.PART_FLOPS", 1)
