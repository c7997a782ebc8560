"""Finding the network of a call, from what it returned and what its variables held."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from backhand.doctor.frame.network import ACTIVATIONS, PAIRS, REDUCED, Network
from backhand.doctor.probe.problems import PLAIN, problem
from backhand.doctor.probe.trace import Seen, Trace
from backhand.doctor.recognise.networks import Declared, best_networks
from backhand.doctor.recognise.observed import Observed
from backhand.formulas import GRADIENTS, derive

PROBLEM = problem("A", 1, PLAIN, "corners")
FORWARD = ("Z1", "H1", "S", "P")
NETWORKS = [
    Network(activation, 0.07 if activation == "leaky_relu" else 0.0, *pair, reduction)
    for activation, pair, reduction in itertools.product(ACTIVATIONS, PAIRS, REDUCED)
    if not (reduction == "elements" and pair[1] == "cross_entropy")
]


def seen(network: Network, *, takes_l2: bool = False, returned=("L", *GRADIENTS), held=FORWARD):
    given = PROBLEM.values(0.3 if takes_l2 else network.strength, 0.25)
    values = derive(given, {}, {}, lines=network.lines)[0]
    given["l2"] = 0.3 if takes_l2 else 0.0
    variables = [values[name] for name in held]
    return given, {name: values[name] for name in returned}, variables


def best(given, returned, variables, declared=None) -> Network:
    seen = [Seen(value, "", True, "", 0, "", place) for place, value in enumerate(variables)]
    observed = Observed(returned, Trace(seen))
    return best_networks(given, observed, declared or Declared(), biases=True)[0].network


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_a_network_is_found_by_what_its_variables_hold(network: Network) -> None:
    assert best(*seen(network)) == network


@pytest.mark.parametrize("network", NETWORKS[::3], ids=str)
def test_one_wrong_gradient_hides_nothing(network: Network) -> None:
    given, returned, variables = seen(network)
    assert best(given, returned | {"db1": returned["db1"] * 7}, variables) == network


@pytest.mark.parametrize("network", [n for n in NETWORKS if n.reduction == "mean"][::5], ids=str)
def test_a_network_is_found_by_its_gradients_alone(network: Network) -> None:
    network = replace(network, slope=0.1 if network.slope else 0.0)
    given, returned, _ = seen(network)
    assert best(given, returned, []) == network


@pytest.mark.parametrize("penalty", ["half", "full", "by_N"])
@pytest.mark.parametrize("takes_l2", [True, False])
def test_a_penalty_is_found(penalty: str, takes_l2: bool) -> None:
    network = Network("tanh", penalty=penalty, strength=0.0 if takes_l2 else 0.01)
    found = best(*seen(network, takes_l2=takes_l2))
    # A constant alone cannot tell its factors apart where the loss has the same.
    known = takes_l2 or found.penalty == penalty
    assert found.activation == "tanh" and (known or found.strength)


def test_gradients_of_the_sum_beside_the_mean_are_a_fault() -> None:
    given, returned, variables = seen(Network())
    summed = {name: returned[name] * (1 if name == "L" else given["N"]) for name in returned}
    assert best(given, summed, variables) == Network()


def test_gradients_of_the_sum_without_a_loss_are_a_fault() -> None:
    given, returned, variables = seen(Network(reduction="sum"), returned=GRADIENTS)
    assert best(given, returned, variables) == Network()


def test_a_derivative_of_another_activation_is_a_fault() -> None:
    given, returned, variables = seen(Network())
    others = seen(Network("tanh"))[1]
    mixed = returned | {name: others[name] for name in ("dW1", "db1")}
    assert best(given, mixed, variables) == Network()


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "elu", "relu"])
def test_an_activation_is_found_where_its_input_is_wrong(activation: str) -> None:
    network = Network(activation)
    given, returned, _ = seen(network)
    Z1 = given["X"] @ given["W1"]  # the bias is left out
    held = derive(given, {}, {"Z1": Z1}, FORWARD, lines=network.lines)[1]
    variables = [Z1, *(held[name] for name in FORWARD[1:])]
    wrong = {name: value * np.pi for name, value in returned.items()}
    assert best(given, wrong, variables).activation == activation


def test_what_is_declared_is_not_searched() -> None:
    given, returned, variables = seen(Network("tanh"))
    declared = Declared(activation="relu", loss="cross_entropy")
    assert best(given, returned, variables, declared) == Network()
