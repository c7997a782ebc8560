"""docs/explain.md: its Python prints what it shows, and so do its commands."""

import doctest
import re
from runpy import run_path

from conftest import ROOT
from helpers.command_line import run

GUIDE = ROOT / "docs/explain.md"
FILL = run_path(str(ROOT / "docs/explain/fill.py"))


def test_the_guides_python_prints_what_it_shows() -> None:
    failed, tried = doctest.testfile(str(GUIDE), module_relative=False)
    assert tried > 10 and not failed


def test_the_guides_commands_print_what_it_shows(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", FILL["WIDTH"])
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    page = GUIDE.read_text(encoding="utf-8")
    assert len(FILL["BLOCK"].findall(page)) >= 3
    filled = FILL["filled"](page, lambda words: run(*words[1:]).stdout)
    # A trained model may differ in a last digit between CPUs, and so may the width of a number.
    assert re.sub(r" *-?\d+\.[\de-]+", " #", filled) == re.sub(r" *-?\d+\.[\de-]+", " #", page)


def test_the_guide_names_every_panel_of_the_page() -> None:
    web = ROOT / "src/backhand/explanation/page/web"
    panel = re.compile(r'export const \w+Panel = \{\n  id: "[\w-]+",\n  title: "(.*)",')
    titles = {
        title for path in web.rglob("*.js") for title in panel.findall(path.read_text("utf-8"))
    }
    table = GUIDE.read_text(encoding="utf-8").partition("| panel |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| ([^|]+?) \|", table, re.MULTILINE)) == titles


def test_the_readmes_table_is_what_its_command_prints() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(FILL["INDENTED"].findall(readme)) == 1
    assert FILL["readme_filled"](readme, lambda words: run(*words[1:]).stdout) == readme
