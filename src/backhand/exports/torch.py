"""A model as a torch module, and back: `nn.Sequential(Linear, ReLU, Linear)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backhand import equations, validation
from backhand.equations import Parameters
from backhand.errors import InputError
from backhand.model import as_model
from backhand.support.optional import extra

if TYPE_CHECKING:
    from backhand.model import Trained

LAYERS = "nn.Sequential(Linear, ReLU, Linear)"


def to_torch(model: Trained, softmax: bool = False) -> Any:
    """Make an `nn.Sequential(Linear, ReLU, Linear)` of a trained network, on the CPU.

    It maps X (N, d), in the parameters' dtype, to the logits S (N, K), the input of torch's
    CrossEntropyLoss. Its parameters are copies, and require grad. A table's schema is not
    part of it: X is what `model.schema.encode` returns.

    Parameters
    ----------
    model : Model, MLPClassifier, TrainResult or Parameters
        What is exported.
    softmax : bool, default=False
        Append `Softmax(dim=1)`, so that it returns P (N, K).

    Returns
    -------
    torch.nn.Sequential
        On the CPU.

    Raises
    ------
    InputError
        If `model` is of another type.
    MissingDependencyError
        If torch is not installed.

    Examples
    --------
    >>> import backhand
    >>> backhand.to_torch(backhand.init(d=4, H=8, K=2))
    Sequential(
      (0): Linear(in_features=4, out_features=8, bias=True)
      (1): ReLU()
      (2): Linear(in_features=8, out_features=2, bias=True)
    )
    """
    torch = extra("torch", "to_torch")
    from backhand.torch_twin import to_torch as network_of

    net = network_of(as_model(model).params)
    return net.append(torch.nn.Softmax(dim=1)) if softmax else net


def from_torch(net: Any) -> Parameters:
    """Copy the parameters of an `nn.Sequential(Linear, ReLU, Linear)` to NumPy arrays.

    A Softmax or LogSoftmax at the end and Dropout anywhere are ignored, and the bias of a Linear
    without bias is zero: in evaluation the network is the same.

    Parameters
    ----------
    net : torch.nn.Sequential
        On any device, float32 or float64.

    Returns
    -------
    params : Parameters
        W1 (d, H), b1 (H,), W2 (H, K), b2 (K,); torch keeps the weights transposed.

    Raises
    ------
    InputError
        If it has other layers, or sizes that do not match; the message names the layer.
    MissingDependencyError
        If torch is not installed.

    Examples
    --------
    >>> import backhand, numpy as np
    >>> params = backhand.init(d=4, H=8, K=2)
    >>> again = backhand.from_torch(backhand.to_torch(params))
    >>> all(map(np.array_equal, params, again))
    True
    """
    torch = extra("torch", "from_torch")
    nn = torch.nn
    if not isinstance(net, nn.Sequential):
        raise InputError(f"the network is a {type(net).__name__}; expected {LAYERS}.")
    named = [(n, layer) for n, layer in net.named_children() if not isinstance(layer, nn.Dropout)]
    expected = [nn.Linear, nn.ReLU, nn.Linear]
    for (name, layer), kind in zip(named, expected, strict=False):
        if not isinstance(layer, kind) or isinstance(layer, nn.LazyLinear):
            raise InputError(
                f"layer '{name}' of the network is {layer}; expected {kind.__name__}, as in "
                f"{LAYERS}."
            )
    if len(named) < len(expected):
        raise InputError(
            f"the network ends after {len(named)} layer{'s' if len(named) != 1 else ''}; expected "
            f"{LAYERS}."
        )
    for name, layer in named[3:]:
        over_classes = isinstance(layer, nn.Softmax | nn.LogSoftmax) and layer.dim in (1, -1, None)
        if not over_classes or len(named) > 4:
            raise InputError(
                f"layer '{name}' of the network is {layer}; expected nothing after {LAYERS} except "
                "a Softmax or LogSoftmax of dim 1."
            )
    params = Parameters(*_arrays(*named[0]), *_arrays(*named[2]))
    validation.check_parameters(params)
    _check_same(torch, net, named[-1][1], params)
    return params


def _check_same(torch: Any, net: Any, last: Any, params: Parameters) -> None:
    """Check that the network computes P of these parameters: a hook or a subclass might not."""
    X = np.random.default_rng(0).standard_normal((16, params.W1.shape[0])).astype(params.W1.dtype)
    training = net.training
    try:
        with torch.no_grad():
            S = net.eval()(torch.from_numpy(X).to(next(net.parameters()).device)).cpu()
    finally:
        net.train(training)
    if isinstance(last, torch.nn.Softmax):
        S = S.log()  # softmax(log(P)) is P
    P, tolerance = torch.softmax(S, 1).numpy(), 1e-4 if X.dtype == np.float32 else 1e-9
    if not np.allclose(P, equations.forward(params, X).P, atol=tolerance):
        raise InputError(
            f"the network's output differs from that of {LAYERS} with its weights; it may have a "
            "hook, or a subclass of one of these layers."
        )


def _arrays(name: str, layer: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return W (in, out) and b (out,) of a Linear."""
    weight = layer.weight.detach().cpu()
    if str(weight.dtype) not in ("torch.float32", "torch.float64"):
        raise InputError(
            f"layer '{name}' of the network holds {weight.dtype}; expected float32 or float64."
        )
    W = np.array(weight.numpy().T, order="C")
    if layer.bias is None:
        return W, np.zeros(W.shape[1], W.dtype)
    return W, np.array(layer.bias.detach().cpu().numpy())
