"""The registry: names, devices, what "auto" takes, and engines of other packages."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from backhand.choices import EngineName, names
from backhand.engines import (
    ENGINES,
    EngineOptions,
    EngineSpec,
    make_engine,
    register_engine,
    registry,
)
from backhand.engines.reference import ReferenceEngine
from backhand.errors import InputError, MissingDependencyError
from helpers.optional_packages import needs


@pytest.fixture
def restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A registry of the test's own."""
    monkeypatch.setattr(registry, "_registry", dict(registry._registry))
    registry._load_entry_points.cache_clear()
    yield
    registry._load_entry_points.cache_clear()


class Mine(ReferenceEngine):
    name = "mine"

    def __init__(self, options: EngineOptions) -> None:
        super().__init__()
        self.options = options


def test_the_names_that_type_checkers_know_are_those_of_the_registry() -> None:
    assert names(EngineName) == ENGINES == ("auto", *registry._registry)


@needs("llvmlite")
@pytest.mark.usefixtures("restored")
def test_an_engine_can_be_registered_and_auto_takes_it_where_no_other_serves() -> None:
    register_engine(EngineSpec("mine", Mine, devices=("cpu", "npu")))
    made = make_engine("mine", "npu:1", 3)
    assert isinstance(made, Mine) and made.options == EngineOptions("npu:1", 3)
    assert make_engine().name == "fused"
    with pytest.raises(InputError, match="the mine engine computes on cpu and npu"):
        make_engine("mine", "cuda")
    with pytest.raises(InputError, match="an engine named 'mine' is registered"):
        register_engine(EngineSpec("mine", Mine))
    with pytest.raises(InputError, match="an engine named 'auto' is registered"):
        register_engine(EngineSpec("auto", Mine))


@pytest.mark.usefixtures("restored")
def test_an_entry_point_of_another_package_adds_an_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = []

    def found(group: str) -> list[SimpleNamespace]:
        groups.append(group)
        return [SimpleNamespace(load=lambda: EngineSpec("mine", Mine))]

    monkeypatch.setattr(registry, "entry_points", found)
    assert make_engine("reference").name == "reference" and groups == []
    assert make_engine("mine").name == make_engine("mine").name == "mine"
    assert groups == ["backhand.engines"]
    with pytest.raises(InputError, match="Did you mean 'mine'"):
        make_engine("mime")


@pytest.mark.usefixtures("restored")
def test_what_an_engine_needs_is_named_where_it_is_missing() -> None:
    register_engine(EngineSpec("mine", Mine, needs=("nobodys_module",)))
    with pytest.raises(MissingDependencyError, match="-m pip install nobodys_module"):
        make_engine("mine")


@needs("llvmlite")
@pytest.mark.usefixtures("restored")
def test_auto_takes_the_next_engine_where_one_does_not_work(monkeypatch) -> None:
    def broken() -> None:
        raise OSError("no such unit\nmore")

    spec = EngineSpec("first", Mine, check=broken)
    monkeypatch.setattr(registry, "_registry", {"first": spec, **registry._registry})
    chosen, notice = registry._automatic("cpu")
    assert chosen.name == "fused"
    assert notice == (
        "the first engine cannot be used here (no such unit), so the fused engine is used."
    )
