"""docs/reference/errors.md has every error, warning, exit code, signal and environment variable."""

import ast
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

import backhand
from backhand.cli import check
from backhand.cli.error_boundary import FAILED, SIGNALLED, WRONG_INPUT
from backhand.support.system.processes import SIGNALS
from helpers.reference_pages import Row, names, page, quoted, section, tables

PAGE = page("errors.md")
BREAK = 21
"""SIGBREAK on Windows, which alone has it."""

SOURCE = Path(backhand.__file__).parent


def rows(heading: str) -> list[Row]:
    return [row for table in tables(section(PAGE, heading)) for row in table]


CLASSES = {quoted(row[0])[0]: row for row in rows("## Errors") + rows("## Warnings")}


def public_exceptions() -> set[str]:
    found = {name: getattr(backhand, name) for name in backhand.__all__}
    return {name for name, value in found.items()
            if isinstance(value, type) and issubclass(value, BaseException)}  # fmt: skip


def test_every_public_exception_and_warning_is_listed() -> None:
    assert set(CLASSES) == public_exceptions()


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_is_also_what_the_page_says(name: str) -> None:
    bases = {base.__name__ for base in getattr(backhand, name).__bases__} - {"BackhandError"}
    assert set(quoted(CLASSES[name][1])) == bases


def test_attributes_that_are_named_exist() -> None:
    assert set(quoted(CLASSES["DivergenceError"][2])) == {"epoch", "params", "history"}
    assert "epoch : int" in (backhand.DivergenceError.__doc__ or "")
    assert set(quoted(CLASSES["Interrupted"][2])) == {"signal", "place"}
    assert {"signal", "place"} <= vars(backhand.Interrupted(2)).keys()


def test_exit_codes_are_those_of_the_code() -> None:
    listed = {(row[0], row[1].strip("`")) for row in rows("## Exit codes")}
    assert listed == {
        ("0", "all"), (str(FAILED), "all but `check"), (str(check.EXIT_CODES["wrong"]), "check"),
        (str(WRONG_INPUT), "all"), (str(check.EXIT_CODES["not judged"]), "check"),
        (f"{SIGNALLED} + n", "all"),
    }  # fmt: skip
    assert check.EXIT_CODES["correct"] == 0


def test_signals_are_those_that_are_handled() -> None:
    listed = {row[0]: int(row[2]) for row in rows("## Signals")}
    assert listed.pop("SIGBREAK") == SIGNALLED + BREAK
    here = {signal.Signals(n).name: SIGNALLED + n for n in SIGNALS if n != BREAK}
    assert {name: code for name, code in listed.items() if hasattr(signal, name)} == here


def texts_of_names(tree: ast.Module) -> dict[str, set[str]]:
    """The texts that a module gives names to; of a tuple the first, of a choice both."""
    found: dict[str, set[str]] = {}
    for node in (node for node in ast.walk(tree) if isinstance(node, ast.Assign)):
        target, value = node.targets[0], node.value
        pairs = [(target, value)]
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            pairs = list(zip(target.elts, value.elts, strict=True))
        for name, given in pairs:
            either = [given.body, given.orelse] if isinstance(given, ast.IfExp) else [given]
            firsts = [next(text_in(one), "") for one in either]
            if isinstance(name, ast.Name):
                found[name.id] = set(filter(None, firsts))
    return found


def text_in(node: ast.AST) -> Iterator[str]:
    for inside in ast.walk(node):
        if isinstance(inside, ast.Constant) and isinstance(inside.value, str):
            yield inside.value


def is_environ(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "environ"


def name_asked_for(node: ast.AST) -> ast.expr | None:
    """The expression X of `environ[X]`, `environ.get(X)`, `getenv(X)` and `X in environ`."""
    if isinstance(node, ast.Subscript) and is_environ(node.value):
        return node.slice if isinstance(node.ctx, ast.Load) else None
    if isinstance(node, ast.Compare) and any(map(is_environ, node.comparators)):
        return node.left
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        gets = node.func.attr == "get" and is_environ(node.func.value)
        return node.args[0] if gets or node.func.attr == "getenv" else None
    return None


def read_variables(path: Path) -> set[str]:
    """The environment variables that a module reads, as far as their names are in it."""
    text, found = path.read_text(encoding="utf-8"), set[str]()
    if "environ" not in text and "getenv" not in text:
        return found
    tree = ast.parse(text)
    own = texts_of_names(tree)
    for asked in filter(None, map(name_asked_for, ast.walk(tree))):
        inner = asked.value if isinstance(asked, ast.Subscript) else asked
        if isinstance(inner, ast.Constant):
            found.add(str(inner.value))
        elif isinstance(inner, ast.Name) and inner.id in own:
            found |= own[inner.id]
    return found


def test_every_environment_variable_that_is_read_is_listed() -> None:
    read = set().union(*map(read_variables, SOURCE.rglob("*.py")))
    assert {"BACKHAND_CACHE_DIR", "RAY_AUTH_TOKEN"} <= read
    ours, of_libraries = tables(section(PAGE, "## Environment variables"))
    assert set(names(ours)) == read
    assert not set(names(of_libraries)) & read
