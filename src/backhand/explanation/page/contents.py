"""What a page is made of, as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from backhand.explanation.mistakes import mistakes
from backhand.explanation.problem import Problem
from backhand.explanation.reference_run import recorded_run
from backhand.explanation.rules import AXES, RULES, SHAPES
from backhand.formulas import LINES


def page_contents(
    problem: Problem,
    *,
    own_function: Mapping[str, Any] | None = None,
    examples: Sequence[Problem] = (),
) -> dict[str, Any]:
    """Return what the page and the widget need to show and compute a problem.

    `own_function` are the values of a function of one's own as `OwnFunction.to_json` has them,
    `examples` other problems that the page can show instead.
    """
    return {
        "problem": problem.to_json(),
        "rules": {name: asdict(rule) for name, rule in RULES.items()},
        "axes": AXES,
        "shapes": SHAPES,
        "lines": {name: {"data": line.data, "penalty": line.penalty}
                  for name, line in LINES.items()},
        "own_function": own_function,
        "examples": [example.to_json() for example in examples],
        "mistakes": mistakes(problem),
        "reference_run": recorded_run(),
    }  # fmt: skip
