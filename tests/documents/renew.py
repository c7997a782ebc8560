"""Write into documents what their commands and their `pycon` blocks print now.

    PYTHONPATH=src:tests python -m documents.renew [--all] docs/explain.md …

Output that differs from what is printed only in numbers that may differ is left as it is, unless
`--all` is given, and so is output that is cut by a line `…`. The seconds of each block are printed.
"""

from __future__ import annotations

import argparse
import doctest
import io
import os
import sys
import tempfile
import time
from contextlib import redirect_stdout
from pathlib import Path

from documents import shell
from documents.blocks import Block, blocks_of
from documents.output import ANY, CUT, MAY_DIFFER, same
from documents.session import Session
from documents.surroundings import VARIABLES, prepare


def renewed(block: Block, session: Session, everything: bool) -> str:
    """The text of a block with what it prints now."""
    session.set_up(block)
    if block.language == "console":
        return renewed_console(block, everything)
    if block.language == "pycon":
        return renewed_pycon(block, session)
    session.python(block)
    return block.text


def renewed_console(block: Block, everything: bool) -> str:
    blanked = ANY if "numbers differ" in block.marks else MAY_DIFFER
    lines = []
    for command in shell.commands_of(block.text):
        first, *others = command.text.splitlines()
        lines += [f"$ {first}", *others]
        printed = shell.execute(command.text)
        shown = command.shown
        cut = any(line.strip() in CUT for line in shown.splitlines())
        as_is = printed.code is None or not shown.strip() or cut
        if not as_is and (everything or not same(shown, printed.terminal, blanked)):
            shown = printed.terminal
        lines += [line.rstrip() for line in shown.rstrip("\n").splitlines()]
    return "\n".join(lines) + "\n"


def renewed_pycon(block: Block, session: Session) -> str:
    lines = []
    for example in doctest.DocTestParser().get_examples(block.text):
        printed = io.StringIO()
        with redirect_stdout(printed):
            exec(compile(example.source, str(block.page), "single"), session.names)
        first, *others = example.source.splitlines()
        text = printed.getvalue()
        text = example.want if same(example.want, text) else text
        lines += [f">>> {first}", *(f"... {line}" for line in others)]
        lines += [line or "<BLANKLINE>" for line in text.splitlines()]
    return "\n".join(lines) + "\n"


def renew(page: Path, everything: bool) -> None:
    """Run all blocks of a document, slow ones too, and write what they print."""
    lines = page.read_text(encoding="utf-8").splitlines(keepends=True)
    changed: list[tuple[Block, str]] = []
    session = Session()
    for block in blocks_of(page):
        if block.exempt:
            continue
        begun = time.perf_counter()
        text = renewed(block, session, everything)
        print(f"{block.place} {block.language}: {time.perf_counter() - begun:.1f} s", flush=True)
        if text.rstrip() != block.text.rstrip():
            changed.append((block, text))
    for block, text in reversed(changed):
        fence = lines[block.line - 1]
        indent = fence[: len(fence) - len(fence.lstrip())]
        shown = [f"{indent}{line}".rstrip() + "\n" for line in text.splitlines()]
        lines[block.line : block.line + len(block.text.splitlines())] = shown
    page.write_text("".join(lines), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pages", nargs="+", type=lambda path: Path(path).resolve())
    parser.add_argument("--all", action="store_true", help="renew numbers that may differ, too")
    chosen = parser.parse_args()
    here = Path.cwd()
    for page in chosen.pages:
        with tempfile.TemporaryDirectory() as folder:
            os.environ.update(VARIABLES)
            os.chdir(prepare(Path(folder), page))
            sys.path.insert(0, str(Path.cwd()))
            renew(page, chosen.all)
            os.chdir(here)


if __name__ == "__main__":
    main()
