"""What a page is made of, as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from backhand.explain.mistakes import mistakes
from backhand.explain.problem import Problem
from backhand.explain.rules import AXES, RULES, SHAPES
from backhand.formulas import LINES


def page_contents(problem: Problem) -> dict[str, Any]:
    """Return what the page and the widget need to show and compute a problem."""
    return {
        "problem": problem.to_json(),
        "rules": {name: asdict(rule) for name, rule in RULES.items()},
        "axes": AXES,
        "shapes": SHAPES,
        "lines": {name: {"data": line.data, "penalty": line.penalty}
                  for name, line in LINES.items()},
        "mistakes": mistakes(problem),
    }  # fmt: skip
