"""Tests of what a package is needed for are skipped where that package is not installed.

This is the one place that decides so. A test file imports optional packages as it imports others,
and a test uses what needs them: if the import or the test then fails because a package of
`OPTIONAL` is not installed, it is skipped, and the report names the package. `optional` is for
a file of which only some tests need one, and `needs` for a test that fails in another way.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

OPTIONAL = (
    "anywidget", "array_api_strict", "arro3.core", "arro3.io", "backports.zstd", "duckdb",
    "joblib", "llvmlite", "matplotlib", "onnx", "onnxruntime", "openpyxl", "pandas", "polars",
    "psutil", "pyarrow", "python_calamine", "safetensors", "scipy", "sklearn", "sklearn.callback",
    "skl2onnx", "skops", "tensorboardX", "threadpoolctl", "torch", "traitlets", "triton",
)  # fmt: skip
"""What the core works without, and what tests use beside it, by the name it is imported by."""


def _is_absent(module: str) -> bool:
    """Whether it is not installed; nothing is imported, so a part of a package is a folder."""
    package, _, part = module.partition(".")
    spec = find_spec(package)
    if spec is None or not part:
        return spec is None
    return not any((Path(where) / part).exists() for where in spec.submodule_search_locations)


ABSENT = frozenset(name for name in OPTIONAL if _is_absent(name))
"""Those that are not installed; what a test hides from Python does not change it."""

SAID = re.compile(r"(\S+?),? (?:which )?is not installed")
"""How Backhand says that a package is missing."""


class _Absent:
    """In place of a module that is not installed: using it skips the test."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> _Absent:
        return _Absent(self._name)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        pytest.skip(f"{self._name} is not installed")


def _known(module: str) -> str:
    """The absent package that a module is, or is in."""
    return next((name for name in sorted(ABSENT) if f"{module}.".startswith(f"{name}.")), "")


def needs(*names: str) -> pytest.MarkDecorator:
    """Skip a test that would not fail by an error that names the package."""
    absent = [name for name in names if _known(name)]
    return pytest.mark.skipif(bool(absent), reason=f"{', '.join(absent)} is not installed")


new_scikit_learn = needs("sklearn.callback")
"""Skip a test of what scikit-learn itself has, says or mends from 1.9 on."""


def optional(name: str) -> Any:
    """What `import NAME` binds, or what skips the test that calls anything of it."""
    if absent := _known(name):
        return _Absent(absent)
    import_module(name)
    return sys.modules[name.partition(".")[0]]


def _missing_in(call: pytest.CallInfo[Any] | None) -> str:
    """The absent package because of which a call failed; empty if that is not why."""
    error = call.excinfo.value if ABSENT and call is not None and call.excinfo else None
    for _ in range(20):  # of a chain of errors, which may be a circle
        if error is None:
            break
        named = [error.name or ""] if isinstance(error, ImportError) else []
        if "needs scikit-learn 1.9" in str(error):
            named.append("sklearn.callback")
        for name in map(_known, named + SAID.findall(str(error))):
            if name:
                return name
        error = error.__cause__ or error.__context__
    return ""


def pytest_configure(config: pytest.Config) -> None:
    """Ignore what is said because a package is absent, or older.

    Without llvmlite, tests of the default engine run on the reference engine.
    """
    if "llvmlite" in ABSENT:
        config.addinivalue_line("filterwarnings", "ignore:llvmlite is not installed")
    if "sklearn.callback" in ABSENT:  # an older one passes a generator to `parametrize`
        config.addinivalue_line("filterwarnings", "ignore:Passing a non-Collection iterable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Drop filters of an absent package's warnings, which pytest cannot import."""
    for node in {node for item in items for node in item.listchain()}:
        node.own_markers[:] = [
            mark for mark in node.own_markers
            if mark.name != "filterwarnings" or not any(map(_known, mark.args[0].split(":")))
        ]  # fmt: skip


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """Skip a file that imports what is not installed."""
    report = yield
    call = getattr(report, "call", None)
    if report.outcome == "failed" and (name := _missing_in(call)):
        report.outcome = "skipped"
        report.longrepr = (str(collector.path), 0, f"Skipped: {name} is not installed")
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Skip a test that failed because of what is not installed."""
    report = yield
    if report.outcome == "failed" and (name := _missing_in(call)):
        path, line, _ = item.location
        report.outcome = "skipped"
        report.longrepr = (path, (line or 0) + 1, f"Skipped: {name} is not installed")
    return report
