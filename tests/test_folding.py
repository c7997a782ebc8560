"""`fold`: the folded network computes the mean of its members' logits."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

import backhand
from backhand.equations import Parameters


def random_net(d: int, H: int, K: int, seed: int, dtype: type = np.float64) -> Parameters:
    rng = np.random.default_rng(seed)
    shapes = ((d, H), (H,), (H, K), (K,))
    return Parameters(*(rng.standard_normal(shape).astype(dtype) for shape in shapes))


@pytest.mark.parametrize("widths", [(7,), (3, 8), (1, 5, 2, 16, 5)])
@pytest.mark.parametrize("temperature", [1.0, 0.3, 2.5])
def test_logits_are_the_mean_of_the_members_divided_by_the_temperature(widths, temperature):
    members = [random_net(6, H, 4, seed) for seed, H in enumerate(widths)]
    X = np.random.default_rng(9).standard_normal((50, 6))
    net = backhand.fold(members, temperature)
    expected = np.mean([backhand.forward(m, X).S for m in members], axis=0) / temperature
    assert net.W1.shape == (6, sum(widths))
    assert np.abs(backhand.forward(net, X).S - expected).max() <= 1e-12


def test_one_member_at_temperature_1_keeps_its_bits():
    member = random_net(4, 5, 3, 0, np.float32)
    for got, given in zip(backhand.fold([member]), member, strict=True):
        assert got.dtype == np.float32 and np.array_equal(got, given)


def test_members_are_not_changed_and_not_shared():
    member = random_net(4, 5, 3, 0)
    before = [value.copy() for value in member]
    net = backhand.fold([member])
    for value in net:
        value[...] = 0
    assert all(np.array_equal(a, b) for a, b in zip(member, before, strict=True))


def test_results_models_and_parameters_can_be_mixed():
    X, y = np.eye(3), np.arange(3)
    result = backhand.train(random_net(3, 4, 3, 0), X, y, epochs=2)
    model = backhand.Model(random_net(3, 6, 3, 1), ("a", "b", "c"))
    net = backhand.fold([result, model, random_net(3, 2, 3, 2)])
    assert type(net) is Parameters and net.W1.shape == (3, 12)


def test_a_generator_of_members_will_do():
    assert backhand.fold(random_net(2, 3, 2, seed) for seed in range(2)).W1.shape == (2, 6)


def test_torch_members_give_torch_parameters():
    torch = pytest.importorskip("torch")
    members = [random_net(3, H, 2, H) for H in (2, 4)]
    tensors = [Parameters(*map(torch.as_tensor, m)) for m in members]
    net = backhand.fold(tensors, temperature=2.0)
    assert isinstance(net.W1, torch.Tensor)
    for got, expected in zip(net, backhand.fold(members, 2.0), strict=True):
        assert np.allclose(got.numpy(), expected, rtol=1e-15)


NET = random_net(3, 4, 2, 0)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([], "members is empty; expected one or more"),
        (NET, "members is a Parameters; expected a sequence"),
        (5, "members is a int; expected a sequence"),
        ([NET, 5], r"members\[1\] is a int; expected Parameters, a TrainResult or a Model"),
        ("ab", r"members\[0\] is a str"),
        ([NET, NET[:3]], r"members\[1\]: params is a tuple"),
        ([NET, NET._replace(b2=np.zeros(3))], r"members\[1\]: the parameters do not fit together"),
        ([NET, random_net(5, 4, 2, 0)], r"members\[1\] has 5 features and members\[0\] has 3"),
        ([NET, random_net(3, 4, 3, 0)], r"members\[1\] has 3 classes and members\[0\] has 2"),
        ([NET, random_net(3, 4, 2, 0, np.float32)], r"members\[1\] is float32 and members\[0\]"),
        ([SimpleNamespace(params=None)], r"members\[0\] is a SimpleNamespace"),
    ],
)
def test_members_that_cannot_be_folded_are_refused(members, message):
    with pytest.raises(backhand.InputError, match=message):
        backhand.fold(members)


@pytest.mark.parametrize("temperature", [0, -1.0, math.nan, math.inf, "1", None])
def test_a_temperature_that_is_not_above_0_is_refused(temperature):
    with pytest.raises(backhand.InputError, match=r"temperature is .*; expected a number above 0"):
        backhand.fold([NET], temperature)


def test_models_of_other_classes_are_refused():
    first, second = (backhand.Model(NET, names) for names in (("a", "b"), ("b", "a")))
    with pytest.raises(backhand.InputError, match="the members' classes differ"):
        backhand.fold([first, second])


@pytest.mark.filterwarnings("ignore::backhand.BackhandWarning")
def test_models_of_other_columns_are_refused():
    columns = np.random.default_rng(0).standard_normal(300)
    models = [
        backhand.fit({name: columns, "t": columns > 0}, "t", quick=True, epochs=1, hidden=4)
        for name in ("a", "b")
    ]
    assert backhand.fold([models[0], models[0]]).W1.shape == (1, 8)
    with pytest.raises(backhand.InputError, match="the members' schema differ"):
        backhand.fold(models)


@pytest.mark.parametrize("dtype, temperature", [(np.float32, 1e-300), (np.float64, 1e-320)])
def test_a_temperature_that_makes_parameters_infinite_is_refused(dtype, temperature):
    with pytest.raises(backhand.InputError, match=r"temperature is 1e-3.*a larger one"):
        backhand.fold([random_net(2, 3, 2, 0, dtype)], temperature)


def test_a_member_that_is_not_finite_is_refused():
    net = random_net(2, 3, 2, 0)
    with pytest.raises(backhand.InputError, match=r"members\[1\] has parameters that are not fin"):
        backhand.fold([net, net._replace(b2=np.array([0.0, np.nan]))])
