"""How well the doctor does on functions in many frames.

    PYTHONPATH=tests python -m corpus.frames.measure [development|held_out] [--details]

A frame is named correctly if every choice that it shares with the case's own is the same. The
equation is named if the findings have it; the line, if one of those shown for the finding of that
equation is marked in the source with the comment `# fault`. Whether the exact mistake is named is a
person's judgement, as in the rest of the corpus: `judged.json`.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import re
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from backhand.doctor import Report, check
from corpus import record
from corpus.registry import Case, cases

MARK = "# fault"
CHOICES = ("activation", "output", "loss", "outputs", "reduction", "biases", "labels", "layout")


@cache
def _tree(path: str) -> tuple[ast.Module, list[str]]:
    text = Path(path).read_text()
    return ast.parse(text), text.splitlines()


def marked_lines(case: Case) -> set[int]:
    """The marked lines of a case and of what it calls in its module."""
    path = inspect.getsourcefile(inspect.unwrap(case.function))
    assert path
    tree, lines = _tree(path)
    top = {node.name: node for node in tree.body
           if isinstance(node, ast.FunctionDef | ast.ClassDef)}  # fmt: skip
    todo, seen, found = [case.function.__qualname__.partition(".")[0]], set(), set()
    while todo:
        name = todo.pop()
        if name in seen or name not in top:
            continue
        seen.add(name)
        node = top[name]
        found |= {n for n in range(node.lineno, (node.end_lineno or 0) + 1) if MARK in lines[n - 1]}
        todo += [part.id for part in ast.walk(node) if isinstance(part, ast.Name)]
    return found


@dataclass
class Score:
    """Counts of one set."""

    cases: int = 0
    correct: int = 0
    wrong: int = 0
    frames: int = 0
    equations: int = 0
    exact: int = 0
    unread: int = 0
    lines: int = 0
    with_line: int = 0
    seconds: list[float] = field(default_factory=list)


def same_frame(case: Case, report: Report) -> list[str]:
    """The choices that are not as registered.

    Many functions can be called in more than one form: with biases of several shapes, with one
    output and with K. If one is correct in the form that is registered too, that is no difference.
    """
    differences = _differences(case, report)
    if differences and report.ok:
        form = {name: case.frame[name] for name in ("layout", "biases", "labels")}
        again = check(case.function, **{**case.options, **form})
        return _differences(case, again) if again.ok else differences
    return differences


def _differences(case: Case, report: Report) -> list[str]:
    if report.frame is None:
        return ["no frame"]
    found = report.frame.to_json()
    own = dict(case.frame)
    return [f"{name}: {found[name]}, not {own[name]}" for name in CHOICES
            if name in own and not _equal(name, found, own)]  # fmt: skip


def _equal(name: str, found: dict[str, Any], own: dict[str, str]) -> bool:
    if name == "activation":
        return str(found[name]).removesuffix("_tanh") == own[name].removesuffix("_tanh")
    if name == "reduction" and own["outputs"] == "one":  # over rows or entries is the same
        return {found[name], own[name]} <= {"mean", "elements"} or found[name] == own[name]
    return bool(found[name] == own[name])


def measured(which: list[Case], *, details: bool) -> Score:
    """Check each and count; with details, print what is not as registered."""
    score, judgements = Score(), record.read()
    for case in which:
        began = time.perf_counter()
        report = check(case.function, **case.options)
        score.seconds.append(time.perf_counter() - began)
        score.cases += 1
        score.correct += report.outcome == "correct"
        score.wrong += report.outcome == "wrong"
        other = same_frame(case, report)
        score.frames += not other
        notes = [f"frame {one}" for one in other]
        if case.faults:
            notes += _diagnosis(case, report, score, judgements)
        elif report.outcome != "correct":
            notes += [f"{report.outcome}: {one.id}: {one.mistake}" for one in report.findings]
        if details and notes:
            print(f"{case.name} ({inspect.getsourcefile(inspect.unwrap(case.function))})")
            print(*(f"    {note}" for note in notes), sep="\n")
    return score


def _diagnosis(case: Case, report: Report, score: Score, known: record.Record) -> Iterator[str]:
    ids = sorted(one.id for one in report.findings)
    named = record.equations(case.faults) <= record.equations(ids)
    score.equations += named
    judgement = known.get(case.name)
    if judgement and judgement.found == ids and judgement.exact is not None:
        score.exact += judgement.exact
    else:
        score.unread += 1
    marked = marked_lines(case)
    shown = {int(found.group(1)) for one in report.findings for where in one.where
             if (found := re.match(r"(\d+)[,:]", where))}  # fmt: skip
    score.with_line += bool(marked)
    score.lines += bool(marked & shown)
    if not named or (marked and not marked & shown):
        yield from (f"registered {fault}: {text}"
                    for fault, text in zip(case.faults, case.mistakes, strict=True))  # fmt: skip
        yield from (f"found {one.id}: {one.mistake} {one.where}" for one in report.findings)
        yield f"outcome {report.outcome}; line marked {sorted(marked)}, shown {sorted(shown)}"


def main() -> None:
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("which", nargs="?", default="development")
    parser.add_argument("--details", action="store_true")
    arguments = parser.parse_args()
    every = [case for case in cases() if case.role == "frames"
             and case.collection.startswith(arguments.which)]  # fmt: skip
    for label, count in (("right", 0), ("wrong", 1), ("pairs", 2)):
        which = [case for case in every if len(case.faults) == count]
        score = measured(which, details=arguments.details)
        seconds = sorted(score.seconds) or [0.0]
        print(f"{arguments.which} {label}: {score.cases} cases, called correct {score.correct}, "
              f"called wrong {score.wrong}, frame {score.frames}, equation {score.equations}, "
              f"exact {score.exact} ({score.unread} unread), line {score.lines} of "
              f"{score.with_line}, seconds {seconds[len(seconds) // 2]:.2f} in the median, "
              f"{seconds[-1]:.2f} at most", flush=True)  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
