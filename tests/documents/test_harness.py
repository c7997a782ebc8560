"""A block that does not do what its document shows fails, and the message says where."""

from __future__ import annotations

from pathlib import Path

import pytest

from documents import blocks, output, renew, shell
from documents.blocks import Block, blocks_of
from documents.checks import CannotRun
from documents.session import Differs, Session

FENCE = "`" * 3


def page_of(folder: Path, *parts: str) -> Path:
    """A document; each part is an information string, a line break, and the text of a block."""
    page = folder / "page.md"
    fenced = (part if part.startswith("<!--") else f"{FENCE}{part}\n{FENCE}" for part in parts)
    page.write_text("# A page\n\n" + "\n".join(fenced) + "\n", encoding="utf-8")
    return page


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(blocks, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


def run(page: Path) -> Session:
    session = Session()
    for block in blocks_of(page):
        session.run(block)
    return session


VERSION = "console\n$ backhand --version\n"


@pytest.mark.parametrize(
    "text",
    [
        "python\nprint(2 + 2)  # 5",
        "python\nprint('')  # 5",
        "python\nprint(0.5 + 0.5)  # 1.2, about",
        "python\nprint('a')\n# b",
        "python\nfor letter in 'ab':\n    print(letter)\n# a\n# c",
        "pycon\n>>> 2 + 2\n5",
        "pycon\n>>> print('a 0.5')\nb 0.5",
        VERSION + "another program",
        "console\n$ printf 'one\\ntwo\\n'\none",
        "console\n$ printf 'one\\ntwo\\n'\none\n…\nthree",
        "console\n$ backhand train none.csv --target y",
        "console\n$ cat none.csv",
    ],
)
def test_what_is_not_so_fails_at_its_place(text: str, folder: Path) -> None:
    with pytest.raises(Differs, match=r"page\.md:3"):
        run(page_of(folder, text))


@pytest.mark.parametrize(
    "text",
    [
        "python\nprint(2 + 2)  # 4, as everywhere",
        "python\nprint(0.513)  # 0.51, about",
        "python\nfor letter in 'ab':\n    print(letter)\n# a\n# b",
        "pycon\n>>> 0.1 + 0.2\n0.3",
        "console\n$ printf 'loss 0.25 in 3.1 s\\n'\nloss 0.24 in 12.5 s",
        "console\n$ printf 'one\\ntwo\\nthree\\n'\none\n…\nthree",
        "console\n$ printf 'one\\ntwo\\n' | head -n 1\none",
        "console\n$ printf 'one\\n' > file.txt\n$ cat file.txt\none",
        "console\n$ python -c 'print(3)' | cat\n3",
        "console\n$ backhand explain --entry 'L' | head -n 1 > l.txt\n$ cat l.txt\nL = 1.23818",
        "console\n$ BACKHAND_LOG=debug backhand explain > explained.txt\n…",
        "console\n$ make lint\n$ python -m pip install '.[fast,tables]'",
    ],
)
def test_what_is_so_passes(text: str, folder: Path) -> None:
    run(page_of(folder, text))


@pytest.mark.parametrize(
    "command",
    ["make coffee", "pip install '.[everything]'", "python benchmarks/none.py", "kubectl apply",
     "git clone https://example.org/other", "python -m benchmarks.none", "make demo && make test"],
)  # fmt: skip
def test_what_cannot_be_run_or_names_nothing_is_an_error(command: str, folder: Path) -> None:
    with pytest.raises(CannotRun):
        run(page_of(folder, f"console\n$ {command}"))


def test_blocks_share_names_and_files(folder: Path) -> None:
    session = run(
        page_of(
            folder,
            "python\nimport pathlib\na = 1\npathlib.Path('a.txt').write_text('seen')\n",
            "pycon\n>>> a\n1\n>>> b = a + 1\n",
            "console\n$ cat a.txt\nseen",
            "python\nc = b + 1\n",
        )
    )
    assert session.names["c"] == 3


def test_comments_before_a_block_are_read(folder: Path) -> None:
    page = page_of(
        folder,
        "<!-- not run: it needs a cluster -->", "python\n1 / 0",
        "<!-- slow -->", "<!-- exit 3 -->", "console\n$ ls",
        "<!-- setup:\nx = 7\n\ny = 8\n-->", "python\nprint(x + y)  # 15",
        "<!-- another -->", "text\nnothing",
        "<!-- not run: -->", "python\n1 / 0",
    )  # fmt: skip
    first, second, third, fourth, fifth = blocks_of(page)
    assert first.exempt and first.marks["not run"] == "it needs a cluster"
    assert second.slow and second.marks["exit"] == "3"
    Session().run(third)
    assert fourth.marks == {} and fourth.exempt
    assert fifth.exempt and fifth.marks["not run"] == ""


def test_the_exit_code_that_is_expected_is_the_last_commands(folder: Path) -> None:
    run(page_of(folder, "<!-- exit 2 -->", "console\n$ ls\n$ backhand train none.csv --target y"))
    with pytest.raises(Differs, match="exit code 2, not 0"):
        run(page_of(folder, "console\n$ backhand train none.csv --target y"))


def test_numbers_that_may_differ_are_blanked_and_words_are_not() -> None:
    assert output.same("344 rows, loss 0.25, 68 of 69 rows", "344 rows, loss 0.31, 67 of 69 rows")
    assert not output.same("344 rows, loss 0.25", "343 rows, loss 0.25")
    assert not output.same("loss 0.25", "accuracy 0.25")
    assert not output.same("3 by hand  232", "4 by hand  232")
    assert output.same("3 by hand  232", "4 by hand  1,017", output.ANY)
    assert output.same("506 rows/s: a", "1.5k rows/s: a", output.ANY)


def test_a_page_is_renewed_where_it_differs(folder: Path) -> None:
    page = page_of(
        folder,
        "console\n$ printf 'one 0.25\\n'\none 0.26\n$ printf 'two\\n'\nthree",
        "pycon\n>>> 2 + 2\n5",
        "console\n$ printf 'a\\nb\\nc\\n'\na\n…\nc",
    )
    before = page.read_text(encoding="utf-8")
    renew.renew(page, everything=False)
    expected = before.replace("three", "two").replace("2\n5", "2\n4")
    assert page.read_text(encoding="utf-8") == expected
    renew.renew(page, everything=True)
    assert page.read_text(encoding="utf-8") == expected.replace("0.26", "0.25")


def test_a_command_may_go_over_several_lines() -> None:
    text = "$ backhand train a.csv \\\n    --target y   # and more\nprinted\n$ ls\n"
    first, second = shell.commands_of(text)
    assert shell.words_of(first.text) == ["backhand", "train", "a.csv", "--target", "y"]
    assert first.shown == "printed\n" and second.text == "ls"


def test_a_block_knows_its_line(folder: Path) -> None:
    (block,) = blocks_of(page_of(folder, "python\nx = 1\n\n\nraise ValueError"))
    assert isinstance(block, Block)
    with pytest.raises(ValueError) as caught:
        Session().run(block)
    assert caught.traceback[-1].lineno + 1 == 7
    assert caught.value.__notes__ == ["in the block at page.md:3"]
