"""A trace has the values of the equations, and every entry is what its terms give."""

from __future__ import annotations

import numpy as np
import pytest

import backhand
from backhand.explanation.explain import explain
from backhand.explanation.rules import RULES
from backhand.explanation.trace.entry import Entry
from backhand.explanation.trace.trace import Trace

SEEDS = range(6)


def problem(seed: int) -> Trace:
    """A random one: every second has weights, a mask and a penalty."""
    rng = np.random.default_rng(seed)
    N, d, H, K = rng.integers(2, 6, 4)
    params = backhand.init(d, H, K, seed, np.float64)
    params = params._replace(b1=rng.standard_normal(H), b2=rng.standard_normal(K))
    X, y = rng.standard_normal((N, d)), rng.integers(0, K, N)
    if seed % 2:
        return explain(params, X, y, learning_rate=0.3)
    mask = 2.0 * (rng.random((N, H)) < 0.5)
    return explain(params, X, y, learning_rate=0.3, l2=0.2, mask=mask,
                   sample_weight=rng.random(N))  # fmt: skip


def entries(trace: Trace) -> list[Entry]:
    return [trace[name][index] for name in trace for index in np.ndindex(trace[name].shape)]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_values_are_those_of_the_public_functions(seed: int) -> None:
    trace = problem(seed)
    p = trace.problem
    y = p.Y.argmax(axis=1)
    acts = backhand.forward(p.params, p.X, p.mask)
    grads = backhand.backward(p.params, p.X, y, acts, p.sample_weight, p.l2, p.mask)
    after = backhand.sgd(p.params, grads, p.learning_rate)
    expected = {**acts._asdict(), **grads._asdict()}
    expected |= {f"new {name}": value for name, value in after._asdict().items()}
    for name, value in expected.items():
        np.testing.assert_array_equal(np.asarray(trace[name]), value)
    squares = (p.params.W1**2).sum() + (p.params.W2**2).sum()
    L = backhand.cross_entropy(acts.S, y, p.sample_weight) + p.l2 / 2 * squares
    assert float(trace["L"]) == pytest.approx(float(L), rel=1e-14)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_entry_is_what_its_terms_and_additions_give(seed: int) -> None:
    for entry in entries(problem(seed)):
        if entry.rule is None:
            assert entry.terms == entry.plus == ()
            continue
        total = sum(term.value for term in entry.terms)
        if entry.name == "P":
            total = entry.terms[entry.index[1]].value / total
        total += sum(added.value for added in entry.plus)
        assert total == pytest.approx(entry.value, rel=1e-12, abs=1e-15), entry


def test_a_term_is_its_factor_times_the_product_of_its_factors() -> None:
    for entry in entries(problem(2)):
        if entry.form in ("sum", "mean", "difference", "step"):
            for term in entry.terms:
                product = np.prod([factor.value for factor in term.factors])
                assert term.value == pytest.approx(term.factor * product, rel=1e-14)


def test_every_factor_names_the_entry_that_it_is() -> None:
    trace = problem(2)
    for entry in entries(trace):
        for term in entry.terms:
            for factor in term.factors:
                assert trace[factor.name][factor.index].value == factor.value


@pytest.mark.parametrize("seed", SEEDS)
def test_terms_that_a_mask_shuts_out_say_what_they_would_be(seed: int) -> None:
    trace = problem(seed)
    X, dH1 = np.asarray(trace["X"]), np.asarray(trace["dH1"])
    mask = trace.problem.mask
    is_open = np.asarray(trace["Z1"]) > 0
    for i, h in np.ndindex(trace["dW1"].shape):
        for n, term in enumerate(trace["dW1"][i, h].terms):
            if is_open[n, h] and (mask is None or mask[n, h]):
                assert term.shut is None
                assert term.would_be == term.value
            else:
                assert term.shut == ("dropout" if is_open[n, h] else "relu")
                assert term.value == 0
                assert term.would_be == pytest.approx(X[n, i] * dH1[n, h], rel=1e-14)


def test_hidden_units_that_are_0_would_be_their_pre_activation() -> None:
    trace = problem(1)
    Z1, W2 = np.asarray(trace["Z1"]), np.asarray(trace["W2"])
    shut = [(n, h) for n, h in np.ndindex(Z1.shape) if not Z1[n, h] > 0]
    assert shut
    for n, h in shut:
        term = trace["S"][n, 0].terms[h]
        assert (term.shut, term.would_be) == ("relu", pytest.approx(Z1[n, h] * W2[h, 0]))


@pytest.mark.parametrize("seed", [0, 1])
def test_back_and_forward_of_are_each_other_reversed(seed: int) -> None:
    back = {(entry.label, read.label) for entry in entries(problem(seed)) for read in entry.back()}
    forward = {
        (reader.label, entry.label)
        for entry in entries(problem(seed))
        for reader in entry.forward_of()
    }
    assert back == forward
    assert (("L", "W1[0,0]") in back) == (seed == 0)  # which has a penalty


def test_an_entry_changes_exactly_what_is_computed_from_it() -> None:
    trace = problem(3)
    p = trace.problem
    for n, i in np.ndindex(p.X.shape):
        X = p.X.copy()
        X[n, i] += 0.1
        other = explain(p.params, X, p.Y, learning_rate=p.learning_rate)
        moved = np.argwhere(np.asarray(other["Z1"]) != np.asarray(trace["Z1"]))
        read = [entry.index for entry in trace["X"][n, i].forward_of() if entry.name == "Z1"]
        assert [tuple(place) for place in moved.tolist()] == read


def test_every_rule_has_a_value_and_an_equation() -> None:
    trace = explain()
    assert set(RULES) < set(trace.names)
    for name in RULES:
        assert trace[name].equation
        assert trace[name].formula.startswith(name)


def test_weights_and_masks_are_in_the_equations_that_have_them() -> None:
    trace = problem(0)
    assert trace["dS"].equation == "(P - Y) * w[:, None]"
    assert trace["H1"].equation == "maximum(Z1, 0) * M"
    assert trace["dW1"].formula == "dW1[i,h] = Σ_n X[n,i] · dZ1[n,h] + λ · W1[i,h]"
    assert trace["L"].formula == "L = Σ_n w[n] · losses[n] + λ/2 (‖W1‖² + ‖W2‖²)"
    plain = problem(1)
    assert plain["dS"].equation == "(P - Y) / N"
    assert "M" not in plain
