"""The fault dictionary: its lines are the equations with one thing changed, and have ids."""

from __future__ import annotations

import re

import numpy as np
import pytest

from backhand import equations
from backhand.doctor.faults import Kind, Need, conventions, dictionary
from backhand.doctor.faults.families import LOSSES, TOGETHER, families
from backhand.doctor.frame.network import REFERENCE
from backhand.doctor.localise.trial import Evaluator
from backhand.doctor.oracles import by_autograd
from backhand.doctor.probe.evidence import Evidence
from backhand.doctor.probe.problems import ETA, L2, problems, square_problems
from backhand.formulas import LINES, derive, equation_of


@pytest.mark.parametrize("l2", [0.0, L2])
def test_the_lines_are_the_equations(l2: float) -> None:
    for problem in [*problems(), *square_problems(all_sizes=True)]:
        lines = derive(problem.values(l2, ETA), {}, {})[0]
        acts = equations.forward(problem.params, problem.X)
        grads = equations.backward(problem.params, problem.X, problem.y, acts, l2=l2)
        after = equations.sgd(problem.params, grads, ETA)
        loss = equations.cross_entropy(acts.S, problem.y) + equations.penalty(problem.params, l2)
        expected = acts._asdict() | grads._asdict() | {"L": loss}
        expected |= {f"new {name}": value for name, value in after._asdict().items()}
        assert set(expected) == set(LINES)
        for name, value in expected.items():
            np.testing.assert_allclose(lines[name], value, rtol=1e-12, atol=1e-15, err_msg=name)
        autograd = by_autograd(problem, penalty=bool(l2))
        assert autograd is not None
        for name, value in autograd.items():
            np.testing.assert_allclose(lines[name], value, rtol=1e-10, atol=1e-14, err_msg=name)


def test_ids_are_unique_and_say_equation_and_kind() -> None:
    ids = [fault.id for fault in dictionary()] + [one.id for one in conventions()]
    assert len(set(ids)) == len(ids)
    for fault in dictionary():
        equation, kind, *what = fault.id.split(".")
        assert equation == equation_of(fault.name) == fault.equation
        assert Kind(kind) is fault.kind and what
        assert re.fullmatch(r"[\w.-]+", fault.id, re.ASCII), fault.id
    assert {fault.kind for fault in dictionary()} == set(Kind)
    assert len(dictionary()) > 2 * len(families(REFERENCE)) + len(LOSSES) + len(TOGETHER)


def test_no_lines_are_written_twice() -> None:
    seen: dict[tuple[object, ...], str] = {}
    for fault in dictionary():
        lines = tuple((name, line.code(penalty=True)) for name, line in fault.lines.items())
        key = (*sorted(lines), fault.returned)
        assert key not in seen, (fault.id, seen[key])
        seen[key] = fault.id


def test_faults_need_what_their_lines_read() -> None:
    for fault in dictionary():
        reads = frozenset().union(*(one.reads(penalty=False) for one in fault.lines.values()))
        assert ("l2" not in reads) or Need.PENALTY in fault.needs
        assert ("eta" in reads) == (Need.ETA in fault.needs)
        assert bool({"before", "last", "first"} & reads) == (Need.MEMORY in fault.needs)
        assert fault.message and not fault.message.endswith(".")


def test_every_fault_of_the_dictionary_can_be_seen() -> None:
    """Each can be computed, and differs from the equations on some problem."""
    evaluators = []
    for chain in (problems()[:2], problems()[3:], square_problems(all_sizes=False)[:2],
                  square_problems(all_sizes=True)[:2]):  # fmt: skip
        evidence = None
        for problem in chain:
            given = problem.values(L2, ETA)
            observed = {n: np.asarray(v) for n, v in derive(given, {}, {})[0].items()}
            evidence = (
                Evidence(problem.name, given, observed)
                if evidence is None
                else evidence.next(given, problem.name, observed)
            )
        assert evidence is not None
        evaluators.append(Evaluator(evidence, reusing=False))
    with np.errstate(all="ignore"):
        idle = [fault for fault in dictionary()
                if not any(one.tried((fault,), one.evidence.given | {"c": 0.7}, 0).wrong
                           for one in evaluators)]  # fmt: skip
    # What only larger numbers show.
    large = ("H1.activation.clipped_at_6", "H1.activation.clipped_at_6.with_derivative")
    assert {fault.id for fault in idle if fault.kind is not Kind.CLIP} == set(large)
