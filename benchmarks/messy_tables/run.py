"""Trains on the messy tables as a new user would, and judges what the program says.

`python run.py FOLDER [--half development|unseen]`, with the files of make_files.py in FOLDER and
the expectations of expected.json. Each file is first trained on without options. Where that fails,
the message must be one line that asks for what the file leaves open; the answer is then given.

Verdicts:
- as expected;
- acceptable: it took the other route that a person would accept: it asked where it could have
  decided, or it decided and said so where it could have asked;
- silent: it read the table well, but left something out that a person would want to be told;
- wrong: anything else.

Keys of expected.json: `ask` is "no", "may" or "must" (ask for `options`), or "refuse" (the target
is a quantity); `asked` is what the message must match; `columns`, the readings of each column that
a person would accept; `told`, for a column, or "" for the table, what must be said of it;
`decided`, the same for a decision taken where it should have asked. A file without a header has
`names`, the names that its target may then have.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KINDS = {
    "number": "number numbers numeric integer float",
    "category": "category categories categorical boolean",
    "date": "date dates time datetime timestamp",
    "dropped": "dropped ignored left-out",
}
KIND = {word: kind for kind, words in KINDS.items() for word in words.split()}
Spec = dict[str, Any]


@dataclass
class Run:
    """One run of the program: its exit status, its message, the event `table` and its warnings."""

    status: int
    message: str = ""
    output: list[str] = field(default_factory=list)
    table: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def asks(self) -> bool:
        """Whether it stopped with exit status 2 and one line, with no traceback."""
        lines = [line for line in self.message.splitlines() if line.strip()]
        return self.status == 2 and len(lines) == 1


@dataclass
class Verdict:
    """How a file went; `amiss` has pairs of what was expected and what came instead."""

    asked: str
    word: str
    amiss: list[tuple[str, str]] = field(default_factory=list)


def train(path: Path, target: str, options: list[str]) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "backhand", "train", str(path), "-t", target, *options]
        command += ["--quick", "--epochs", "3", "--json", "-o", f"{folder}/model.safetensors"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        except subprocess.TimeoutExpired:
            return Run(-1, "took more than five minutes")
    run = Run(done.returncode, done.stderr.strip() or done.stdout.strip(), [done.stderr])
    for line in done.stdout.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            run.output.append(line)
            continue
        if isinstance(event, dict) and event.get("event") == "table":
            run.table = event
            run.output += phrases(event)
        elif isinstance(event, dict) and event.get("event") == "result":
            run.warnings = [f"{w['what']} {w['advice']}" for w in event.get("warnings") or []]
            run.output += run.warnings
        elif isinstance(event, dict) and {"message", "note", "what"} & set(event):
            run.output += phrases(event)
    return run


def phrases(value: object) -> list[str]:
    """Every text and number in an event, and the names of numbers."""
    if isinstance(value, dict):
        named = [f"{name} {cell}" for name, cell in value.items() if isinstance(cell, int)]
        return named + [text for cell in value.values() for text in phrases(cell)]
    if isinstance(value, list):
        return [text for cell in value for text in phrases(cell)]
    return [str(value)]


def plain(name: str) -> str:
    """A column's name however the program joins the parts of it: size.wing and Size_wing."""
    return re.sub(r"[\W_]+", "_", name.lower()).strip("_")


def same(name: str, known: str) -> bool:
    """Whether a name is a known one, or a repeated one with a number after it."""
    return re.fullmatch(re.escape(plain(known)) + r"(_?\d+)?", plain(name)) is not None


def readings(table: dict[str, Any]) -> dict[str, str]:
    """The program's reading of each column."""
    read = {c["name"]: KIND.get(str(c["kind"]).lower(), c["kind"]) for c in table["columns"]}
    return read | {column["name"]: "dropped" for column in table.get("dropped") or []}


def remarks(run: Run, column: str) -> str:
    """All that was said of a column."""
    table = run.table
    said = [c.get("why") for c in table.get("dropped") or [] if same(c["name"], column)]
    for note in table.get("notes") or []:
        if same(str(note.get("column") or ""), column):
            said += [note.get("kind"), note.get("what"), note.get("advice")]
    for part in ("missing", "missing_texts"):
        found = (table.get(part) or {}).items()
        said += [f"missing: {value}" for name, value in found if same(name, column)]
    sentences = [*(table.get("remarks") or []), *run.warnings]
    said += [sentence for sentence in sentences if f"'{column}'" in sentence]
    return " ".join(str(part) for part in said if part)


def number_of(classes: object) -> object:
    return len(classes) if isinstance(classes, dict | list) else classes


def misread(spec: Spec, table: dict[str, Any]) -> list[tuple[str, str]]:
    """What differs in the columns, the rows and the classes."""
    amiss = []
    read = readings(table)
    for column, kinds in spec["columns"].items():
        parent = column.split(".")[0]
        names = [n for n in read if same(n, column)] or [n for n in read if same(n, parent)]
        for kind in [read[name] for name in names] or ["not mentioned"]:
            if kind not in kinds:
                amiss.append((f"{column}: {' or '.join(kinds)}", kind))
    known = [*spec["columns"], *(c.split(".")[0] for c in spec["columns"]), spec["target"]]
    for name, kind in read.items():
        used = kind != "dropped" and not any(same(name, other) for other in known)
        if used and "names" not in spec:
            amiss.append(("no other column", f"{name}: {kind}"))
    for name in "rows", "classes":
        got = number_of(table.get(name))
        if got not in spec[name]:
            amiss.append((f"{name}: {' or '.join(map(str, spec[name]))}", str(got)))
    return amiss


def says(run: Run, column: str, pattern: str) -> bool:
    texts = [remarks(run, column)] if column else run.output
    return any(re.search(pattern, text, re.IGNORECASE) for text in texts)


def unsaid(spec: Spec, run: Run) -> list[tuple[str, str]]:
    """What the program kept to itself."""
    return [
        (f"{column or 'table'}: says {pattern}", remarks(run, column) or "nothing")
        for column, pattern in spec["told"].items()
        if not says(run, column, pattern)
    ]


def answer(path: Path, spec: Spec) -> Run:
    """The run with the options asked for; a file without a header has new names."""
    run = Run(-1)
    for target in spec.get("names", [spec["target"]]):
        run = train(path, target, spec["options"])
        if run.table:
            break
    return run


def judge(path: Path, spec: Spec) -> Verdict:
    run = train(path, spec["target"], [])
    ask = spec["ask"]
    if stopped := run.status != 0:
        matches = re.search(spec.get("asked", r"(?!)"), run.message, re.IGNORECASE | re.DOTALL)
        if ask == "no" or not run.asks or not matches:
            wanted = f"asks: {spec['asked']}" if "asked" in spec else "trains without options"
            last = (run.message.splitlines() or ["nothing"])[-1]
            return Verdict("?", "wrong", [(wanted, f"exit {run.status}: {last}")])
        if ask == "refuse":
            return Verdict("refused", "as expected")
        run = answer(path, spec)
    asked = " ".join(spec["options"]) if stopped else "nothing"
    if run.status or not run.table:
        last = (run.message.splitlines() or ["nothing"])[-1]
        return Verdict(asked, "wrong", [("an event `table`", f"exit {run.status}: {last}")])
    if ask == "refuse":
        word = "acceptable" if says(run, "", spec["asked"]) else "wrong"
        return Verdict(asked, word, [(f"refuses: {spec['asked']}", "trains")])
    if amiss := misread(spec, run.table):
        return Verdict(asked, "wrong", amiss + unsaid(spec, run))
    if amiss := unsaid(spec, run):
        return Verdict(asked, "silent", amiss)
    if ask == "must" and not stopped:
        column, pattern = spec.get("decided", ["", r"(?!)"])
        if not says(run, column, pattern):
            return Verdict(asked, "silent", [(f"asks, or says {pattern}", "nothing")])
        return Verdict(asked, "acceptable", [("asks", "decides, and says so")])
    if ask == "may" and stopped:
        return Verdict(asked, "acceptable", [("decides", "asks")])
    return Verdict(asked, "as expected")


def short(text: str, width: int = 58) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1] + "…"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--half", choices=["development", "unseen"])
    options = parser.parse_args()
    specs = json.loads(Path(__file__).with_name("expected.json").read_text("utf-8"))
    totals: dict[str, int] = {}
    print("| file | asked | expected | got | verdict |\n|---|---|---|---|---|")
    for name, spec in specs.items():
        if options.half not in (None, spec["half"]):
            continue
        verdict = judge(options.folder / name, spec)
        totals[verdict.word] = totals.get(verdict.word, 0) + 1
        for row, (wanted, got) in enumerate(verdict.amiss or [("", "")]):
            cells = [short(wanted), short(got.replace(f"{options.folder}/", ""))]
            first, last = ([name, verdict.asked], [verdict.word]) if not row else (["", ""], [""])
            print("| " + " | ".join(first + cells + last) + " |", flush=True)
    print("\n" + ", ".join(f"{word} {count}" for word, count in sorted(totals.items())))
    return 0 if set(totals) <= {"as expected"} else 1


if __name__ == "__main__":
    sys.exit(main())
