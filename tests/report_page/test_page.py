"""The page of a report: complete, well formed, safe, and written whole or not at all."""

from __future__ import annotations

import json
import random
import re
import sys
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from backhand.cli.report_file import command_line
from backhand.fitting import fit
from backhand.report_page import charts
from backhand.report_page.html import Html
from helpers.command_line import run

QUICK = ("--quick", "--epochs", "3", "--hidden", "8")
SCRIPT = "<script>alert(1)</script>"
EMPTY = {"meta", "br", "wbr", "path", "use", "rect"}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def undrawn(monkeypatch):
    """Charts are boxes: without them a page is made in a moment."""
    monkeypatch.setattr(charts, "drawing", lambda draw, name, label, **_: Html(
        f'<svg id="chart-{name}" role="img" aria-label="chart"></svg>'
    ))  # fmt: skip


class Outline(HTMLParser):
    """The elements of a page, which must be closed in their order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        if tag not in EMPTY:
            assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def hostile_table(path: Path) -> Path:
    """Names and cells that would be code where they are not escaped."""
    rng = random.Random(0)
    names = [SCRIPT, '"><img src=x onerror=alert(2)>', "a & $x^2$", "tab\\there", "\u202eevil"]
    lines = [",".join('"' + name.replace('"', '""') + '"' for name in names)]
    for _ in range(120):
        kind = rng.randrange(3)
        label = ["<b>yes</b>", "no & maybe", "</style><script>"][kind]
        cells = [label, f"{rng.gauss(kind, 1):.3f}",
                 f"{rng.gauss(0, 1):.3f}", rng.choice(["<i>", "$\\frac{1}{2}$", "a&b"]),
                 rng.choice(["</svg>", "x"])]  # fmt: skip
        lines.append(",".join('"' + cell + '"' for cell in cells))
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def check_page(text: str) -> Outline:
    """What every page must be."""
    found = Outline(text)
    assert not found.all("script") and not found.all("img") and not found.all("link")
    assert "http-equiv" in text and "default-src 'none'" in text.replace("&#x27;", "'")
    assert not re.search(r"(?:src|href)=\"(?!#)", text) and "@import" not in text
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {link["href"][1:] for link in found.all("a")} <= set(ids)
    levels = [int(tag[1]) for tag, _ in found.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    for svg in found.all("svg"):
        assert svg["role"] == "img" and svg["aria-label"]
    for box in found.all("div"):
        if box.get("class") == "scroll":
            assert box["tabindex"] == "0" and box["aria-label"]
    assert len(text.encode()) < 400_000
    return found


def headings(found: Outline, text: str) -> list[str]:
    return re.findall(r"<h2[^>]*>([^<]*)</h2>", text)


def test_a_page_of_hostile_names_is_well_formed_and_runs_nothing(here, undrawn) -> None:
    hostile_table(here / "t.csv")
    said = run("train", "t.csv", "-t", SCRIPT, *QUICK, "--report", "r.html").stdout
    assert said.endswith("Report in r.html\n")
    text = (here / "r.html").read_text(encoding="utf-8")
    found = check_page(text)
    assert headings(found, text) == [
        "Summary", "What to beware of", "The data", "How good it is", "Which columns matter",
        "How predictions depend on them", "How it learnt", "The worst errors",
        "How to use the model", "How it was made", "Words",
    ]  # fmt: skip
    said = " ".join(found.texts)
    for part in (f"Predicting {SCRIPT}", "<b>yes</b>", "</style><script>", "\\u202eevil",
                 "one of 3 classes, from 4 columns", "96 rows to train on",
                 "24 rows held out", "backhand predict t.safetensors NEW_DATA.csv",
                 "Balanced accuracy", "hidden"):  # fmt: skip
        assert part in said, part
    assert len(found.all("svg")) >= 3 + 1 + 1 + 2


def test_an_evaluation_has_a_page_without_what_only_training_knows(here, undrawn, penguins) -> None:
    run("train", penguins, "-t", "species", "-o", "m.safetensors", *QUICK)
    run("evaluate", "m.safetensors", penguins, "--report", "e.html")
    text = (here / "e.html").read_text(encoding="utf-8")
    found = check_page(text)
    assert "How it was trained" in headings(found, text)
    said = " ".join(found.texts)
    assert "344 rows" in said and "held out in training" in said
    assert "Columns that the model does not use" not in said
    assert str(penguins.parent) not in said.split("How it was made")[0]


def test_an_evaluation_shows_what_is_missing_beside_what_was_in_training(here, undrawn) -> None:
    lines = [f"{i % 7},{(i * 37) % 11},{'no' if i % 3 else 'yes'}" for i in range(100)]
    lines[:4] = [f",{line.split(',', 1)[1]}" for line in lines[:4]]
    (here / "t.csv").write_text("\n".join(["a,b,y", *lines]))
    lost = [("," if i % 4 else "?,") + f"{i % 11},no" for i in range(60)] + lines[:40]
    (here / "e.csv").write_text("\n".join(["a,b,y", *lost]))
    run("train", "t.csv", "-t", "y", *QUICK, "--test-size", 0)
    run("evaluate", "t.safetensors", here / "e.csv", "--report", "e.html")
    text = (here / "e.html").read_text(encoding="utf-8").replace("&nbsp;", " ")
    row = re.search(r'<th scope="row">a</th>.*?</tr>', text)
    assert row and re.findall(r"([\d.]+ %|none)</td>", row[0]) == ["64.0 %", "4.0 %"]
    row = re.search(r'<th scope="row">b</th>.*?</tr>', text)
    assert row and re.findall(r"([\d.]+ %|none)</td>", row[0]) == ["none", "none"]
    assert "<p>e.csv: 100 rows.</p>" in text


@pytest.mark.parametrize(
    "split", [(), ("--cv", 3), ("--validation", "t.csv"), ("--group", "number")]
)
def test_the_worst_rows_of_all_pages_have_their_own_cells(here, undrawn, split) -> None:
    """Rows without a class come between, so that numbers of rows and of labelled rows differ."""
    rng = random.Random(1)
    lines = ["number,x,y"]
    for i in range(1, 301):
        x = rng.gauss(0, 1)
        wrong = i % 50 == 7
        label = "" if i % 3 == 0 else ("b" if (x > 0) != wrong else "a")
        lines.append(f"k{i},{x:.4f},{label}")
    (here / "t.csv").write_text("\n".join(lines))
    run("train", "--quick", "t.csv", "-t", "y", "--epochs", "20", "--report", "t.html", *split)
    run("evaluate", "t.safetensors", "t.csv", "--report", "e.html")
    for name in ("t.html", "e.html"):
        text = (here / name).read_text(encoding="utf-8")
        shown = re.findall(r"<strong>Row (\d+)</strong>.*?true <strong>(.)</strong>.*?"
                           r"<dt>x</dt><dd>([^<]*)</dd>.*?"
                           r"<dt>number</dt><dd>([^<]*)</dd>", text)  # fmt: skip
        assert shown
        for row, label, x, number in shown:
            assert lines[int(row)] == f"{number},{x},{label}"


def test_a_page_of_python_says_how_to_save_the_model(here, undrawn, penguins) -> None:
    fit(penguins, "species", quick=True, epochs=30, hidden=8, report=here / "r.html")
    text = (here / "r.html").read_text(encoding="utf-8")
    check_page(text)
    assert "backhand.save(model, &#x27;model.safetensors&#x27;)" in text
    assert "The command:" not in text


def test_without_held_out_rows_the_page_says_that_nothing_is_known(here, undrawn, penguins) -> None:
    run("train", penguins, "-t", "species", "-o", "m.safetensors", *QUICK, "--test-size", 0,
        "--report", "r.html")  # fmt: skip
    text = (here / "r.html").read_text(encoding="utf-8")
    check_page(text)
    assert "how good it is on new rows is not known" in text and "The worst errors" not in text


def test_only_the_out_of_fold_figures_are_those_of_single_networks(here, undrawn) -> None:
    hostile_table(here / "t.csv")
    run("train", "t.csv", "-t", SCRIPT, "--members", "2", "--l2", "0.01", "--learning-rate", "0.05",
        "--epochs", "20", "--hidden", "4", "--report", "r.html")  # fmt: skip
    said = " ".join(Outline((here / "r.html").read_text(encoding="utf-8")).texts)
    out_of_fold, single = said.index("The out-of-fold figures are"), said.index("These are the fig")
    held_out = said.index("The held-out figures are those of the saved network")
    assert out_of_fold < single < held_out and "held-out" not in said[out_of_fold:single]
    assert "between 24 held-out rows, 10 times" in said and "Row 1 is line 2 of a file" in said
    assert "print(model.predict('NEW_DATA.csv'))" in said and "-o predicted.csv" in said
    assert "epochs is the most that a network of the search" in said and "bf16" not in said


def test_many_classes_are_shown_by_the_worst(here, undrawn) -> None:
    rng = random.Random(2)
    rows = [f"{k + rng.gauss(0, 2):.2f},k{k}" for k in range(60) for _ in range(8)]
    (here / "t.csv").write_text("\n".join(["x,y", *rows]))
    run("train", "t.csv", "-t", "y", *QUICK, "--report", "r.html")
    text = (here / "r.html").read_text(encoding="utf-8")
    check_page(text)
    for part in ("The 20 classes of the lowest f1", "40 more classes", "most frequent confusions",
                 "Of 60 classes, those that change most"):  # fmt: skip
        assert part in text, part
    assert "confusion matrix of" not in text


def test_the_drawn_page_is_the_same_each_time_and_light(here, penguins) -> None:
    for name in ("a", "b"):
        run("train", "--quick", penguins, "-t", "species", "-o", "m.safetensors", "--epochs", "20",
            "--report", f"{name}.html")  # fmt: skip
    a, b = ((here / f"{name}.html").read_text(encoding="utf-8") for name in "ab")
    assert a == b.replace("b.html", "a.html")
    found = check_page(a)
    assert len(found.all("svg")) == 3 + 1 + 6 + 2
    for wrong in ("font-family: '", "#0a0a", "rdf:", "matplotlib"):
        assert wrong not in re.sub(r"<style>.*?</style>", "", a, flags=re.DOTALL), wrong


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("link.html", "the report link.html is also the model file"),
        ("t.csv", "the report t.csv must end in .html"),
        ("none/r.html", "none does not exist"),
        (".", "the report . is a folder"),
    ],
)
def test_a_report_that_cannot_be_written_is_refused_before_training(here, path, message) -> None:
    hostile_table(here / "t.csv")
    (here / "link.html").symlink_to("m.safetensors")
    result = run(
        "train", "t.csv", "-t", SCRIPT, "-o", "m.safetensors", *QUICK, "--report", path, expect=2
    )
    assert message in result.stderr
    assert {path.name for path in here.iterdir()} == {"t.csv", "link.html"}


def test_without_matplotlib_the_extra_is_named_before_training(here, monkeypatch) -> None:
    hostile_table(here / "t.csv")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = run("train", "t.csv", "-t", SCRIPT, *QUICK, "--report", "r.html", expect=2)
    assert "a report with charts needs matplotlib, which is not installed" in result.stderr
    assert "'backhand[plot]'" in result.stderr
    assert sorted(path.name for path in here.iterdir()) == ["t.csv"]


def test_json_names_the_report(here, undrawn, penguins) -> None:
    arguments = ("train", penguins, "-t", "species", "-o", "m.safetensors", *QUICK)
    said = run(*arguments, "--report", "r.html", "--json").stdout
    assert json.loads(said.splitlines()[-1]) == {"event": "report", "path": "r.html"}


def test_the_command_is_quoted_as_a_shell_needs_it(monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/backhand", "train", "my data.csv", "-t", "y"])
    assert command_line() == "backhand train 'my data.csv' -t y"
