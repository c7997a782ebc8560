"""`backhand explain`, as a user types it: its numbers are those of the trace, and of the rows."""

import json
import re

import numpy as np
import pytest

import backhand
from backhand.cli.explain import row_numbers
from conftest import PENGUINS, ROOT
from helpers.command_line import run

MISTAKEN = f"{ROOT / 'examples' / 'mistaken.py'}:backward"


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("explain") / "m.safetensors"
    run("train", PENGUINS, "-t", "species", "-o", path, "--quick", "--epochs", 3, "--hidden", 6)
    return str(path)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def events(*arguments: object) -> list[dict]:
    return [json.loads(line) for line in run("explain", *arguments, "--json").stdout.splitlines()]


def test_an_entry_is_shown_with_the_terms_that_it_is_the_sum_of(model) -> None:
    trace = backhand.explain(model, str(PENGUINS), rows=[4, 7, 12])
    printed = run("explain", model, PENGUINS, "--rows", "5,8,13", "--entry", "dW1[3,5]").stdout
    assert printed.startswith(f"dW1[3,5] = {trace['dW1'][3, 5].value:.6g}   feature 3")
    rows = re.findall(r"^  (\d)  +table row (\d+) .* (\S+)$", printed, re.MULTILINE)
    assert [row[:2] for row in rows] == [("0", "5"), ("1", "8"), ("2", "13")]
    terms = [term.value for term in trace["dW1"][3, 5].terms]
    assert np.allclose([float(row[2]) for row in rows], terms, atol=1e-4)


def test_several_entries_are_shown_in_the_order_in_which_they_are_named(model) -> None:
    one, two = events(model, PENGUINS, "--rows", 3, "--entry", "L", "--entry", "new b2[2]")
    assert (one["event"], one["name"], one["index"]) == ("entry", "L", [])
    assert (two["name"], two["index"]) == ("new b2", [2])
    trace = backhand.explain(model, str(PENGUINS), rows=3)
    assert one["value"] == float(trace["L"]) and two["value"] == trace["new b2"][2].value


def test_rows_are_the_first_eight_or_as_many_as_are_asked_for(model) -> None:
    (trace,) = events(model, PENGUINS)
    assert trace["problem"]["rows"] == [f"table row {number}" for number in range(1, 9)]
    (trace,) = events(model, PENGUINS, "--rows", "13,")
    assert trace["problem"]["rows"] == ["table row 13"]
    assert trace["problem"]["X"]["shape"] == [1, 15]
    query = "SELECT * FROM data WHERE island = 'Dream' LIMIT 2"
    more = run("explain", model, PENGUINS, "--query", query, "--rows", "400")
    assert "--rows is 400, and" in more.stderr and "has 2 rows: all are explained" in more.stderr
    (trace,) = events(model, PENGUINS, "--query", query, "--rows", "2", "--learning-rate", "0.5")
    assert len(trace["problem"]["rows"]) == 2 and trace["problem"]["learning_rate"] == 0.5


@pytest.mark.parametrize("width", [80, 120])
def test_an_overview_has_every_value_and_the_numbers_that_fit(monkeypatch, model, width) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    printed = run("explain", model, PENGUINS).stdout
    title, counts, *lines = printed.splitlines()
    assert title.startswith("m.safetensors on 8 rows of ")
    assert re.findall(r"\d+", counts) == ["8", "15", "6", "3"]
    assert max(map(len, lines)) <= width
    for name in ("X", "W1", "Z1", "H1", "S", "P", "L", "dS", "dW2", "db2", "dH1", "dZ1", "dW1",
                 "db1", "new W1", "new b2"):  # fmt: skip
        assert any(line.split(" (")[0].split(" =")[0] == name for line in lines), name
    P = backhand.explain(model, str(PENGUINS), rows=8)["P"]
    shown = re.search(
        r"^P \(8, 3\).*\n.*\n  0 table row 1 +(\S+) +(\S+) +(\S+)$", printed, re.MULTILINE
    )
    assert shown and np.allclose([float(x) for x in shown.groups()], np.asarray(P)[0], atol=1e-4)


def test_without_arguments_it_is_the_built_in_example_or_another(here) -> None:
    title, counts = run("explain").stdout.splitlines()[:2]
    assert title == "Eight penguins" and re.findall(r"\d+", counts) == ["8", "4", "8", "3"]
    (trace,) = events("--example", "xor", "--learning-rate", "3", "--l2", "0.5")
    assert trace["problem"]["l2"] == 0.5 and trace["problem"]["learning_rate"] == 3
    assert trace["problem"]["features"] == ["a", "b"]


def test_a_page_is_written_whole_or_not_at_all(here, model) -> None:
    printed = run("explain", model, PENGUINS, "-o", "page.html").stdout
    assert printed == "Page in page.html\n"
    page = (here / "page.html").read_text()
    assert "m.safetensors on 8 rows" in page and page.endswith("</html>\n")
    entry, written = events(model, PENGUINS, "-o", "page.html", "--entry", "L")
    assert (entry["event"], written) == ("entry", {"event": "page", "path": "page.html"})
    refused = run("explain", model, PENGUINS, "-o", "other.html", "--entry", "dW1[99,0]", expect=2)
    assert "dW1[99,0]" in refused.stderr
    assert not (here / "other.html").exists()


def test_a_page_replaces_none_of_its_inputs(here, model) -> None:
    table = here / "rows.html"
    table.write_text(PENGUINS.read_text())
    refused = run("explain", model, table, "--format", "csv", "-o", "rows.html", expect=2)
    assert "rows.html is also the input" in refused.stderr
    assert table.read_text() == PENGUINS.read_text()


def test_a_function_is_shown_beside_the_equations(here) -> None:
    printed = run("explain", MISTAKEN).stdout
    assert "the ReLU mask tests dH1 instead of Z1" in printed
    assert re.search(r"^  dZ1 .*differs", printed, re.MULTILINE)
    assert re.search(r"^  dW2 .*as expected", printed, re.MULTILINE)
    (trace,) = events(MISTAKEN)
    assert trace["own_function"]["parts_at"] == "dZ1"


def test_what_a_functions_file_prints_is_not_shown_and_what_it_raises_is_a_sentence(here) -> None:
    (here / "net.py").write_text(
        "import backhand\nprint('imported')\n"
        "def backward(X, Y, W1, b1, W2, b2):\n    print('called')\n"
        "    params = backhand.Parameters(W1, b1, W2, b2)\n"
        "    acts = backhand.forward(params, X)\n"
        "    return backhand.backward(params, X, Y, acts)._asdict()\n"
    )
    (here / "broken.py").write_text("1 / 0\n")
    printed = run("explain", "net.py:backward").stdout
    assert "all values as expected" in printed
    assert "imported" not in printed and "called" not in printed
    refused = run("explain", "broken.py:backward", expect=2)
    assert "broken.py could not be run: ZeroDivisionError" in refused.stderr
    assert refused.stderr.endswith(".\n") and ".." not in refused.stderr


def test_names_from_a_table_cannot_control_the_terminal(here) -> None:
    rows = [f"{x},{'ab'[x > 5]}\x1b[31m" for x in range(10)]
    (here / "t.csv").write_text("\n".join(["x\x1b[2J,y", *rows]) + "\n")
    run("train", "t.csv", "-t", "y", "--quick", "--epochs", 1, "--hidden", 3, "-o", "t.safetensors")
    for more in ((), ("--entry", "P[0,1]"), ("--entry", "dW1[0,0]")):
        printed = run("explain", "t.safetensors", "t.csv", *more).stdout
        assert "\x1b" not in printed, more


WRONG = {
    "a model alone": (["{model}"], "expected the table after it: backhand explain"),
    "a file without a function": (["{mistaken}"], "does not say which function"),
    "exchanged arguments": (["{penguins}", "{model}"], "give the model first"),
    "a function and a table": (["{function}", "{penguins}"], "takes no table"),
    "a function and a learning rate": (
        ["{function}", "--learning-rate", "1"], "--learning-rate does not apply"
    ),
    "an example and rows": (["--rows", "3"], "--rows is about rows of a table"),
    "an example and a table": (["--query", "SELECT 1"], "--query is about rows of a table"),
    "a model and an example": (
        ["{model}", "{penguins}", "--example", "xor"], "--example does not apply"
    ),
    "an unknown example": (["--example", "cats"], "Available: 'penguins'"),
    "row 0": (["{model}", "{penguins}", "--rows", "0,1"], "--rows is '0,1'; expected how many"),
    "no rows": (["{model}", "{penguins}", "--rows", ","], "--rows is ','"),
    "rows in words": (["{model}", "{penguins}", "--rows", "all"], "--rows is 'all'"),
    "a row that does not exist": (
        ["{model}", "{penguins}", "--rows", "345,"], "--rows has 345, and .* has 344 rows"
    ),
    "an entry that does not exist": (["--entry", "dW9[0]"], "there is no value 'dW9'"),
    "an entry without its indices": (["--entry", "dW1[0]"], "dW1"),
    "another ending": (["-o", "page.txt"], r"must end in \.html"),
    "a function that does not exist": (["{mistaken}:forwards"], "has no function 'forwards'"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_call_is_one_sentence_and_exit_2(here, model, name) -> None:
    arguments, message = WRONG[name]
    known = {"model": model, "penguins": PENGUINS, "function": MISTAKEN,
             "mistaken": MISTAKEN.rpartition(":")[0]}  # fmt: skip
    result = run("explain", *[text.format(**known) for text in arguments], expect=2)
    assert result.stdout == "" and not list(here.iterdir())
    assert re.search(message, result.stderr), result.stderr
    assert result.stderr.startswith("backhand: ") and result.stderr.count("\n") == 1


def test_more_rows_than_a_trace_can_have_are_refused(here) -> None:
    with pytest.warns(backhand.BackhandWarning, match=r"t\.csv has 1,000 rows: all are explained"):
        assert row_numbers("2000", 1000, "t.csv") == list(range(1, 1001))
    assert row_numbers("1000", 1000, "t.csv") == list(range(1, 1001))
    assert row_numbers(" 5, 2 ,", 7, "t.csv") == [5, 2]
    with pytest.raises(backhand.InputError, match="--rows chooses 1,001 rows; expected 1,000"):
        row_numbers("2000", 1001, "t.csv")


def test_a_model_of_arrays_cannot_read_a_table(here) -> None:
    backhand.save(backhand.init(2, 3, 2), here / "m.safetensors")
    result = run("explain", "m.safetensors", PENGUINS, expect=2)
    assert "trained on plain arrays" in result.stderr
