"""Write what the code says into the pages of the reference: the commands, and what is deprecated.

    PYTHONPATH=src python docs/reference/fill.py

The pages are committed, so that they can be read without being built; `tests/reference`
fails if they are not what this writes. A generated part is between `<!-- NAME: … -->` and
`<!-- end of NAME -->`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import typer

from backhand.cli.app import app
from backhand.glossary import TERMS
from backhand.support.deprecated import DEPRECATED

HERE = Path(__file__).parent

Parts = Mapping[str, Callable[[], str]]


def commands() -> str:
    """Return a section for each command."""
    root: Any = typer.main.get_command(app)
    context = typer.Context(root, info_name="backhand")
    return "\n\n".join(_command(command, context) for command in root.commands.values())


def _command(command: Any, parent: Any) -> str:
    context = typer.Context(command, info_name=command.name, parent=parent)
    shown = [p for p in command.get_params(context) if not getattr(p, "hidden", False)]
    arguments = [p for p in shown if p.param_type_name == "argument"]
    sections: dict[str, list[Any]] = {"": []}
    for option in (p for p in shown if p not in arguments):
        title = getattr(option, "rich_help_panel", None) or ""
        sections.setdefault(title, []).append(option)
    usage = " ".join([f"backhand {command.name} [OPTIONS]", *map(_placed, arguments)])
    lines = [f"## backhand {command.name}", "", _paragraphs(command.help)]
    lines += ["", "```text", usage, "```"]
    if arguments:
        lines += ["", _table("argument", arguments)]
    for title, options in sections.items():
        lines += ["", *([f"**{title}**", ""] if title else []), _table("option", options)]
    return "\n".join(lines)


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def _table(first: str, parameters: Iterable[Any]) -> str:
    lines = [f"| {first} | default | meaning |", "|---|---|---|"]
    rows = ((_names(p), _default(p), _text(p)) for p in parameters)
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _placed(argument: Any) -> str:
    """Return an argument of a usage line: `MODEL`, `[DATA]` or `PLACE...`."""
    name = _value(argument).removesuffix("...")
    name += "..." if argument.nargs == -1 else ""
    return name if argument.required else f"[{name}]"


def _names(parameter: Any) -> str:
    """Return `MODEL`, `--l2 FLOAT`, `-o, --output FILE`, or `--header / --no-header`."""
    if parameter.param_type_name == "argument":
        return f"`{_escaped(_value(parameter))}`"
    names = ", ".join(sorted(parameter.opts, key=lambda name: name.startswith("--")))
    if others := parameter.secondary_opts:
        names = f"{names} / {', '.join(others)}"
    value = "" if parameter.is_flag else f" {_value(parameter)}"
    return f"`{_escaped(names + value)}`"


def _value(parameter: Any) -> str:
    """Return the placeholder of a value, which differs between versions of typer."""
    kind = repr(parameter.type).upper()
    return parameter.metavar or (kind if kind in ("INT", "FLOAT") else "TEXT")


def _default(parameter: Any) -> str:
    """Return the default as the help says it; nothing where its text does."""
    shown, value = getattr(parameter, "show_default", None), parameter.default
    if parameter.required:
        return "required"
    if isinstance(shown, str):
        return _escaped(shown)
    if getattr(parameter, "is_flag", False):
        names = parameter.opts if value else parameter.secondary_opts
        return f"`{names[0]}`" if names and parameter.secondary_opts else ""
    return f"`{value}`" if shown and value is not None else ""


def _text(parameter: Any) -> str:
    """Return the help, and the environment variable that sets the option, if there is one."""
    variable = f" Environment: `{parameter.envvar}`." if parameter.envvar else ""
    return _escaped(" ".join((parameter.help or "").split())) + variable


def _escaped(text: str) -> str:
    return text.replace("|", r"\|")


def terms() -> str:
    """Return the terms of the reports."""
    rows = [f"| {_escaped(name)} | {_escaped(text)} |" for name, text in TERMS.items()]
    return "\n".join(["| term | meaning |", "|---|---|", *rows])


def deprecated() -> str:
    """Return what is deprecated."""
    rows = [f"| {entry.kind} | `{entry.old}` | `{entry.new}` | {entry.where} | {entry.since} | "
            f"{entry.removed_in} |" for entry in DEPRECATED]  # fmt: skip
    heading = "| what | old | new | of | deprecated since | removed in |"
    return "\n".join([heading, "|---|---|---|---|---|---|", *rows])


PAGES: dict[str, Parts] = {
    "commands.md": {"commands": commands, "terms": terms},
    "compatibility.md": {"deprecated": deprecated},
}
"""The pages, and their generated parts by name."""


def filled(page: str, parts: Parts) -> str:
    """Return the page with its parts as the code says.

    Raises
    ------
    ValueError
        If the page has no place for a part.
    """
    for name, part in parts.items():
        place = re.compile(rf"(<!-- {name}: [^>]*-->\n).*?(\n<!-- end of {name} -->)", re.DOTALL)
        if not place.search(page):
            raise ValueError(f"there is no place for {name}")
        written = f"\n{part()}\n"
        page = place.sub(lambda found, text=written: f"{found[1]}{text}{found[2]}", page)
    return page


def main() -> None:
    """Write the pages."""
    for name, parts in PAGES.items():
        path = HERE / name
        path.write_text(filled(path.read_text(encoding="utf-8"), parts), encoding="utf-8")


if __name__ == "__main__":
    main()
