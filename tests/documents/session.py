"""The blocks of one document, run from the first to the last with what those before have made."""

from __future__ import annotations

import ast
import contextlib
import doctest
import io
import json
import textwrap
import tokenize
import tomllib
from typing import Any

from documents import shell
from documents.blocks import Block
from documents.output import ANY, MAY_DIFFER, Checker, begins_with, difference, same
from documents.surroundings import copy_given


class Differs(AssertionError):
    """A block does something other than what its document shows."""


class Session:
    """One namespace for the Python of a document; commands run in the current folder."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"__name__": "__main__"}

    def run(self, block: Block) -> None:
        try:
            self.set_up(block)
            getattr(self, block.language)(block)
        except Differs:
            raise
        except Exception as error:
            error.add_note(f"in the block at {block.place}")
            raise

    def set_up(self, block: Block) -> None:
        """Copy the files and run the Python of the comments before the block."""
        for name in block.marks.get("given", "").split():
            copy_given(name)
        exec(textwrap.dedent(block.marks.get("setup", "")), self.names)

    def python(self, block: Block) -> None:
        """Run each statement; the comment behind a `print`, or below it, shows what it prints."""
        tree = ast.parse(block.text, str(block.page))
        ast.increment_lineno(tree, block.line)
        comments = comments_of(block)
        for statement in tree.body:
            module = ast.Module([statement], [])
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(module, str(block.page), "exec"), self.names)
            comment = comment_at(statement, comments) if prints(statement) else ""
            if comment and not begins_with(comment, printed.getvalue().strip()):
                place = f"{block.place}, line {statement.lineno}"
                raise Differs(f"{place}\nshown:   {comment}\nprinted: {printed.getvalue()}")
        if block.picture:
            compare_picture(block)

    def pycon(self, block: Block) -> None:
        """Run as a doctest."""
        test = doctest.DocTestParser().get_doctest(
            block.text, {}, block.place, str(block.page), block.line
        )
        test.globs = self.names
        flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        runner = doctest.DocTestRunner(Checker(), verbose=False, optionflags=flags)
        said: list[str] = []
        runner.run(test, out=said.append, clear_globs=False)
        if said:
            raise Differs("".join(said))

    def console(self, block: Block) -> None:
        """Run the commands, and compare the output below each; none is shown: none is compared."""
        blanked = ANY if "numbers differ" in block.marks else MAY_DIFFER
        commands = shell.commands_of(block.text)
        for command in commands:
            printed = shell.execute(command.text)
            if printed.code is None:
                continue
            expected = int(block.marks.get("exit", 0)) if command is commands[-1] else 0
            if printed.code != expected:
                raise Differs(
                    f"{block.place}\n$ {command.text}\nends with exit code {printed.code}, "
                    f"not {expected}:\n{printed.terminal}"
                )
            if command.shown.strip() and not same(command.shown, printed.terminal, blanked):
                said = difference(command.shown, printed.terminal, blanked)
                raise Differs(f"{block.place}\n$ {command.text}\n{said}")


def prints(statement: ast.stmt) -> bool:
    return any(isinstance(node, ast.Name) and node.id == "print" for node in ast.walk(statement))


def comment_at(statement: ast.stmt, comments: dict[int, str]) -> str:
    """The comment on the last line of a statement, or the one on the lines below."""
    line = statement.end_lineno or 0
    if line in comments:
        return comments[line]
    lines = []
    while (line := line + 1) in comments:
        lines.append(comments[line])
    return "\n".join(lines)


def comments_of(block: Block) -> dict[int, str]:
    """The comments of a block of Python by their line in the document."""
    tokens = tokenize.generate_tokens(io.StringIO(block.text).readline)
    return {one.start[0] + block.line: one.string.removeprefix("#").removeprefix(" ")
            for one in tokens if one.type == tokenize.COMMENT}  # fmt: skip


def compare_picture(block: Block) -> None:
    """The current figure has the size of the picture below the block, at 90 dots per inch."""
    from matplotlib import pyplot

    figure = pyplot.gcf()
    figure.canvas.draw()
    height, width = pyplot.imread(block.picture).shape[:2]
    expected = [round(90 * inches) for inches in figure.get_size_inches()]
    pyplot.close("all")
    if max(abs(width - expected[0]), abs(height - expected[1])) > 2:
        raise Differs(
            f"{block.place}: draws {expected} dots; {block.picture} has {[width, height]}"
        )


def check_data(block: Block) -> None:
    """A block of JSON or TOML can be read as such."""
    if block.language == "json":
        json.loads(block.text)
    elif block.language == "toml":
        tomllib.loads(block.text)
