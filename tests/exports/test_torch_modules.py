"""Models as torch modules, and back."""

import numpy as np
import pytest
import torch

from backhand.equations import forward
from backhand.errors import InputError
from backhand.exports.torch import from_torch, to_torch
from helpers.exported_models import array_model


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_torch_and_back(dtype) -> None:
    model = array_model(dtype=dtype)
    X = torch.from_numpy(np.random.default_rng(0).standard_normal((20, 4)).astype(dtype))
    state = torch.get_rng_state()
    net, with_softmax = to_torch(model), to_torch(model, softmax=True)
    assert torch.equal(torch.get_rng_state(), state), "no random number is drawn"
    assert [type(layer).__name__ for layer in net] == ["Linear", "ReLU", "Linear"]
    acts = forward(model.params, X.numpy())
    np.testing.assert_allclose(net(X).detach(), acts.S, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(with_softmax(X).detach(), acts.P, rtol=1e-5, atol=1e-6)
    for way in (net, with_softmax):
        assert all(p.requires_grad for p in way.parameters())
        for mine, back in zip(model.params, from_torch(way), strict=True):
            assert np.array_equal(mine, back) and back.dtype == dtype and back.flags.c_contiguous
    with torch.no_grad():
        params = from_torch(net)
        net[0].weight += 1
    assert np.array_equal(params.W1, model.params.W1)
    assert not np.array_equal(from_torch(net).W1, model.params.W1)


def test_torch_networks_that_mean_the_same() -> None:
    nn = torch.nn
    first, second = nn.Linear(4, 7, bias=False), nn.Linear(7, 3)
    net = nn.Sequential(nn.Dropout(0.2), first, nn.ReLU(), nn.Dropout(), second, nn.LogSoftmax(-1))
    params = from_torch(net.eval())
    assert not params.b1.any() and params.W1.shape == (4, 7)
    X = np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)
    expected = net(torch.from_numpy(X)).detach().exp().numpy()
    np.testing.assert_allclose(forward(params, X).P, expected, rtol=1e-5, atol=1e-6)


def test_torch_networks_that_are_others_are_told() -> None:
    nn = torch.nn
    a, b = nn.Linear(4, 7), nn.Linear(7, 3)
    hooked = nn.Sequential(nn.Linear(4, 7), nn.ReLU(), nn.Linear(7, 3))
    hooked[0].register_forward_hook(lambda module, given, output: 5 * output)
    with pytest.raises(InputError, match="output differs"):
        from_torch(hooked)
    for net, said in (
        (a, "is a Linear; expected nn.Sequential"),
        (nn.Sequential(a, nn.Tanh(), b), r"layer '1' of the network is Tanh\(\); expected ReLU"),
        (nn.Sequential(nn.Flatten(), a, nn.ReLU(), b), "layer '0' .* Flatten.*; expected Linear"),
        (nn.Sequential(a, nn.ReLU()), "ends after 2 layers"),
        (nn.Sequential(a, nn.ReLU(), b, nn.ReLU()), "layer '3' .* nothing after"),
        (nn.Sequential(a, nn.ReLU(), b, nn.Softmax(0)), "of dim 1"),
        (nn.Sequential(a, nn.ReLU(), b, nn.Softmax(1), nn.Softmax(1)), "nothing after"),
        (nn.Sequential(b, nn.ReLU(), a), "do not fit together"),
        (nn.Sequential(nn.LazyLinear(7), nn.ReLU(), b), "layer '0' .* LazyLinear"),
        (
            nn.Sequential(a, nn.ReLU(), nn.Linear(7, 3).half()),
            "layer '2' .* torch.float16; expected",
        ),
    ):
        with pytest.raises(InputError, match=said):
            from_torch(net)
