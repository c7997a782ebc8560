"""The fault dictionary: its lines are the equations with one thing changed, and have ids."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import numpy as np
import pytest

from backhand import equations
from backhand.doctor.faults import Fault, Kind, Need, conventions, dictionary
from backhand.doctor.faults.families import LOSSES, TOGETHER, families
from backhand.doctor.frame.network import REFERENCE, Network
from backhand.doctor.localise.trial import Evaluator
from backhand.doctor.oracles import by_autograd
from backhand.doctor.probe.evidence import Evidence
from backhand.doctor.probe.problems import ETA, L2, problems, square_problems
from backhand.formulas import GRADIENTS, LINES, derive, equation_of
from helpers.optional_packages import needs

NETWORKS = [
    Network("tanh", 0, "sigmoid", "binary_cross_entropy", "sum"),
    Network("leaky_relu", 0.1, "linear", "squared_error", "elements", penalty="full"),
    Network("sigmoid", 0, "softmax", "cross_entropy", "sum", penalty="by_N"),
    Network("softplus", 0, "sigmoid", "squared_error", "mean"),
    Network("elu", 0, "linear", "half_squared_error", "mean", biases=False),
    Network("gelu", 0, "sigmoid", "half_squared_error", "sum"),
    Network("gelu_tanh", 0, "softmax", "cross_entropy", "elements", strength=0.3),
    Network("relu", 0, "sigmoid", "binary_cross_entropy", "elements", biases=False),
]


@needs("torch")
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
        autograd = by_autograd(problem.values(l2, ETA), LINES)
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


def evaluators(network: Network) -> Iterator[Evaluator]:
    """On calls of the right program, each the second of two; some on equal sizes."""
    for chain in (problems()[:2], problems()[3:], square_problems(all_sizes=False)[:2],
                  square_problems(all_sizes=True)[:2]):  # fmt: skip
        evidence = None
        for problem in chain:
            given = problem.values(L2, ETA)
            values = derive(given, {}, {}, lines=network.lines)[0]
            observed = {name: np.asarray(value) for name, value in values.items()}
            evidence = (
                Evidence(problem.name, given, observed, network=network)
                if evidence is None
                else evidence.next(given, problem.name, observed)
            )
        assert evidence is not None
        yield Evaluator(evidence, reusing=False)


def idle(network: Network, faults: Iterable[Fault]) -> set[str]:
    """Those that are computed nowhere, or differ nowhere from the equations; no bounds."""
    found = {fault.id: fault for fault in faults if fault.kind is not Kind.CLIP}
    computed = set()
    with np.errstate(all="ignore"):
        for one in evaluators(network):
            for fault in list(found.values()):
                trial = one.computed((fault,), 0.7)
                computed |= {fault.id} if fault.name in trial.gave else set()
                if trial.wrong and fault.id in computed:
                    del found[fault.id]
    return set(found)


def test_every_fault_of_the_dictionary_can_be_seen() -> None:
    """Each can be computed, and differs from the equations on some problem."""
    # What only larger numbers show.
    large = {"H1.activation.clipped_at_6", "H1.activation.clipped_at_6.with_derivative"}
    assert idle(REFERENCE, dictionary()) == large


@pytest.mark.parametrize("network", NETWORKS, ids=repr)
def test_every_fault_of_another_network_can_be_seen(network: Network) -> None:
    """The faults that the network of the equations has not."""
    known = {(fault.id, *map(str, fault.lines.values())) for fault in dictionary()}
    others = [fault for fault in dictionary(network)
              if (fault.id, *map(str, fault.lines.values())) not in known]  # fmt: skip
    assert len(others) > 150
    assert not idle(network, others) - {"L.loss.log_plus_1e-5"}  # within the loss's tolerance
    lacking = {"b1", "b2", "db1", "db2"}
    for fault in dictionary(network):
        assert fault.lines.keys() <= network.lines.keys()
        assert network.biases or not fault.reads & lacking


@pytest.mark.parametrize("network", NETWORKS, ids=repr)
def test_conventions_of_another_network_are_right(network: Network) -> None:
    """Where no Z1 is 0, their gradients are those of the equations."""
    given = problems()[3].values(L2, ETA)
    right = derive(given, {}, {}, lines=network.lines)[0]
    for convention in conventions(network):
        if not convention.needs_loss:
            gave = derive(given, convention.lines, {}, lines=network.lines)[0]
            for name in GRADIENTS.keys() & network.lines.keys():
                np.testing.assert_allclose(gave[name], right[name], rtol=1e-5, atol=1e-6)
