"""The tables of docs/performance.md are made of the figures that are kept beside it."""

from __future__ import annotations

import importlib.util
import json
import re
from types import ModuleType

import pytest

from conftest import ROOT

FOLDER = ROOT / "docs/performance"


@pytest.fixture(scope="module")
def fill() -> ModuleType:
    spec = importlib.util.spec_from_file_location("performance_fill", FOLDER / "fill.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(FOLDER)
        spec.loader.exec_module(module)
    return module


def test_the_tables_are_made_of_the_figures_that_are_kept(fill) -> None:
    figures = fill.read_figures()
    for path, tables in fill.PAGES.items():
        page = path.read_text(encoding="utf-8")
        assert fill.filled(page, tables, figures)[0] == page, "docs/performance/fill.py updates it"


def test_another_figure_is_another_table(fill) -> None:
    (path, tables), *_ = fill.PAGES.items()
    page, figures = path.read_text(encoding="utf-8"), fill.read_figures()
    results = [{"shape": [2, 2, 2, 2], "one": 2e-6, "two": 1e-6}]
    figures["scaling"] = {"widths": results}
    changed, missing = fill.filled(page, tables, figures)
    assert "| µs, one thread | 2.00 |\n| µs, two threads | 1.00 |" in changed
    assert "growth: no 'growth'" in missing and len(missing) < len(tables)


def test_figures_are_kept_with_five_digits(fill, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(fill, "FIGURES", tmp_path / "kept")
    (tmp_path / "kept").mkdir()
    (tmp_path / "bf16.json").write_text('{"peak": 117.123456, "threads": 1, "steps": [1e-9]}')
    (tmp_path / "unknown.json").write_text("{}")
    fill.copy_figures(tmp_path)
    assert fill.read_figures() == {"bf16": {"peak": 117.12, "threads": 1, "steps": [1e-9]}}


def test_a_page_without_a_tables_place_is_refused(fill) -> None:
    with pytest.raises(SystemExit, match="has no <!-- machine -->"):
        fill.filled("no markers", fill.page_tables.TABLES, {})


def test_what_was_missed_is_bold(fill) -> None:
    against = fill.page_goals.against
    assert against(0.9, 0.8) == "**0.90** (≤ 0.8)" and against(0.7, 0.8) == "0.70 (≤ 0.8)"
    assert against(0.7, 0.8, least=True, share=True) == "**70 %** (≥ 80 %)"


def test_the_pictures_that_the_page_shows_are_drawn_by_the_script_and_are_there() -> None:
    page = (ROOT / "docs/performance.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"\]\(performance/(\w+)\.svg\)", page))
    drawn = re.search(r"PICTURES.*?\{(.*?)\}", (FOLDER / "draw.py").read_text(), re.DOTALL)
    assert drawn and shown <= set(re.findall(r'"(\w+)":', drawn[1]))
    assert all((FOLDER / f"{name}.svg").exists() for name in shown)


def test_kept_figures_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in (FOLDER / "figures").glob("*.json")}
    assert sizes and max(sizes.values()) < 100_000
    assert all(json.loads((FOLDER / "figures" / name).read_text()) for name in sizes)
