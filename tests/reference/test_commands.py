"""The pages of the reference say what the code does: docs/reference."""

import importlib.util
from types import ModuleType

import pytest

from conftest import ROOT

FOLDER = ROOT / "docs" / "reference"


@pytest.fixture(scope="module")
def fill() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference_fill", FOLDER / "fill.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_generated_parts_are_what_the_code_says(fill) -> None:
    for name, parts in fill.PAGES.items():
        page = (FOLDER / name).read_text(encoding="utf-8")
        assert fill.filled(page, parts) == page, "python docs/reference/fill.py writes it"


def test_every_command_and_option_is_on_the_page(fill) -> None:
    import typer

    from backhand.cli.app import app

    page, root = (FOLDER / "commands.md").read_text(encoding="utf-8"), typer.main.get_command(app)
    sections = page.split("\n## ")
    for name, command in root.commands.items():
        section = next(part for part in sections if part.startswith(f"backhand {name}\n"))
        for parameter in command.params:
            assert parameter.help is not None, (name, parameter.name)
            if parameter.param_type_name == "option" and not parameter.hidden:
                for spelled in [*parameter.opts, *parameter.secondary_opts]:
                    assert spelled in section, (name, spelled)


def test_another_default_is_another_page(fill) -> None:
    page = (FOLDER / "commands.md").read_text(encoding="utf-8")
    changed = page.replace("| `128` |", "| `129` |", 1)
    assert changed != page
    assert fill.filled(changed, fill.PAGES["commands.md"]) == page


def test_a_page_without_the_place_is_not_filled(fill) -> None:
    with pytest.raises(ValueError, match="no place for commands"):
        fill.filled("# Commands\n", fill.PAGES["commands.md"])
