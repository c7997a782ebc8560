"""Calling a class, or a method of one, as a function of data and parameters.

The object is made for the sizes of the data, its weights and biases are set, wherever it keeps
them, and its method is called. What the method returns is returned; if there are no gradients in
it, what the object and its layers hold afterwards.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, MutableMapping, MutableSequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.doctor.probe.forward_first import after_forward
from backhand.doctor.probe.names import meaning
from backhand.doctor.probe.outputs import contains_gradients
from backhand.doctor.probe.refusal import Reason, Refusal
from backhand.doctor.probe.signature import MEANINGS

SIZES = {
    "d": ("d", "in", "input", "inputs", "nin", "nx", "ninputs", "ninput", "nfeatures", "inputsize",
          "inputdim", "insize", "indim", "features", "numinputs", "numfeatures", "numinput", "ni",
          "infeatures", "inputnodes", "inputlayersize", "inputunits"),
    "H": ("h", "hidden", "nhidden", "nh", "hiddensize", "hiddendim", "hidden1", "numhidden",
          "hiddenunits", "hiddennodes", "hiddenlayersize", "nhid", "units", "width"),
    "K": ("k", "c", "out", "output", "outputs", "nout", "ny", "noutputs", "noutput", "nclasses",
          "numclasses", "outputsize", "outputdim", "outsize", "outdim", "classes", "numoutputs",
          "numoutput", "no", "outfeatures", "outputnodes", "outputlayersize", "outputunits"),
}  # fmt: skip
"""Names of sizes in a constructor, without underscores."""

LISTS = ("sizes", "layers", "layersizes", "layerdims", "layersdims", "dims", "shape", "nodes",
         "architecture", "topology", "units")  # fmt: skip
"""Names of a list of all three sizes."""

METHODS = ("loss_and_gradients", "loss_and_grads", "loss_and_grad", "loss_and_gradient",
           "compute_gradients", "get_gradients", "gradients", "gradient", "grads", "grad",
           "backprop", "back_propagation", "backpropagation", "backpropagate", "backward_pass",
           "backward", "bprop", "loss", "cost_function", "cost", "train_step", "train_on_batch",
           "step", "fit_batch", "update", "train")  # fmt: skip
"""Methods that compute gradients, the likeliest first."""

FORWARD = ("forward", "forward_pass", "forward_propagation", "forward_prop", "feedforward",
           "feed_forward", "fprop", "predict", "__call__")  # fmt: skip
"""Methods that have to be called before some of these."""

BACKWARD = ("back", "bprop", "grad", "compute", "get")
"""How methods are called that may need the forward pass, without underscores."""

DEPTH = 3
"""How deep parameters may be: an attribute, a list of layers, a layer's attribute."""


class Place(NamedTuple):
    """Where an object holds an array: a container, a key, and a name such as `layers1W`."""

    holder: Any
    key: Any
    name: str

    def read(self) -> Any:
        """The array."""
        return (
            getattr(self.holder, self.key)
            if isinstance(self.key, str) and not isinstance(self.holder, Mapping)
            else self.holder[self.key]
        )

    def write(self, value: NDArray[Any]) -> None:
        """Replace the array; in place where it is of that shape, for whatever shares it."""
        old = self.read()
        if isinstance(old, np.ndarray) and old.shape == value.shape and old.dtype == value.dtype:
            old[...] = value
        elif isinstance(self.holder, MutableMapping | MutableSequence):
            self.holder[self.key] = value
        else:
            setattr(self.holder, self.key, value)


@dataclass
class Adapter:
    """A class and the name of its method, as a function of X, labels and the four parameters.

    Where the method was that of an object, an object is made whose other settings are the same.
    """

    made_by: type
    method: str
    like: Any = None

    def __call__(self, **given: Any) -> Any:
        """Make the object, set its parameters, and call the method."""
        thing = _made(self.made_by, given, self.like)
        _fill(thing, given)
        returned = _called(thing, self.method, given)
        if contains_gradients(returned):
            return returned
        held = _held(thing)
        if isinstance(returned, int | float | np.floating):
            held["loss"] = returned
        return held


def adapted(f: Any) -> Any:
    """A function of data and parameters for a class, for a method, and for a backward pass.

    Anything else as it is. A method of an object that holds its weights is called on another one,
    of the sizes of the data; a backward pass that takes a cache, after the forward pass.

    Raises
    ------
    Refusal
        If there is no method that seems to compute gradients.
    """
    if inspect.iscoroutinefunction(f):
        raise Refusal(Reason.NO_GRADIENT, "it is defined by `async def`, so that a call returns a "
                      "coroutine, and no gradients; expected `def`")  # fmt: skip
    if inspect.isclass(f):
        there = [name for name in METHODS if callable(getattr(f, name, None))]
        there.sort(key=lambda name: not _understood(getattr(f, name)))  # stable
        found = next(iter(there), None)
        if found is None:
            known = [name for name, _ in inspect.getmembers(f, callable) if name[0] != "_"]
            raise Refusal(
                Reason.PARAMETERS,
                f"it is a class, and none of its methods {known} seems to compute gradients; name "
                f"the method: {f.__name__}.{known[0] if known else 'backward'}",
            )
        return _function(f, found)
    try:
        return _of_method(f) or (after_forward(f) if inspect.isfunction(f) else f)
    except Refusal:
        raise
    except Exception:  # of an object of a class of its own
        return f


def _of_method(f: Any) -> Callable[..., Any] | None:
    """The same for a method; None for anything else, and for one that is given the weights."""
    if inspect.ismethod(f) and not inspect.isclass(f.__self__) and _lacks_weights(f):
        return _function(type(f.__self__), f.__name__, f.__self__)
    made_by = _class_of(f)
    return None if made_by is None else _function(made_by, f.__name__)


def _lacks_weights(method: Any) -> bool:
    """Whether a method takes no parameters of the network, and its object holds them."""
    taken = {MEANINGS.get(name) for name in _parameters(method)}
    return not taken & {"W1", "W2", "params"} and _places(method.__self__).keys() >= {"W1", "W2"}


def _understood(method: Callable[..., Any]) -> bool:
    """Whether everything is known that a method has to be given."""
    return all(
        name in MEANINGS
        for name, parameter in _parameters(method).items()
        if parameter.default is parameter.empty
    )


def _class_of(f: Any) -> type | None:
    """The class of a method that was taken from the class itself: `TwoLayerNet.loss`."""
    if not inspect.isfunction(f) or "." not in f.__qualname__:
        return None
    if next(iter(inspect.signature(f).parameters), "") != "self":
        return None
    *path, _ = f.__qualname__.split(".")
    thing: Any = f.__globals__
    for part in path:
        thing = thing.get(part) if isinstance(thing, dict) else getattr(thing, part, None)
    return thing if inspect.isclass(thing) else None


def _function(made_by: type, method: str, like: Any = None) -> Callable[..., Any]:
    """The adapter as a function whose signature says what its method and its object take."""
    adapter = Adapter(made_by, method, like)

    def call(**given: Any) -> Any:
        return adapter(**given)

    taken = {
        MEANINGS.get(name)
        for f in (made_by, *(getattr(made_by, name, None) for name in (method, *FORWARD)))
        if callable(f)
        for name in _parameters(f)
    }
    names = ["X", "y" if _takes_indices(made_by, method) else "Y"]
    names += ["W1", "b1", "W2", "b2"] if _has_biases(made_by, like) else ["W1", "W2"]
    names += ["l2"] * ("l2" in taken) + ["eta"] * ("eta" in taken)
    keyword = inspect.Parameter.KEYWORD_ONLY
    call.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, keyword) for name in names]
    )
    call.__wrapped__ = getattr(made_by, method)  # type: ignore[attr-defined]
    call.__name__, call.__qualname__ = method, f"{made_by.__qualname__}.{method}"
    return call


def _has_biases(made_by: type, like: Any) -> bool:
    """Whether an object of the class has biases, judging by a small one."""
    arrays = {"X": (5, 3), "Y": (5, 2), "W1": (3, 4), "b1": (4,), "W2": (4, 2), "b2": (2,)}
    given: dict[str, Any] = {name: np.zeros(shape) for name, shape in arrays.items()}
    try:
        places = _places(_made(made_by, given | {"l2": 0.1, "eta": 0.1}, like))
    except Exception:
        return True
    return not places or "b1" in places


def _takes_indices(made_by: type, method: str) -> bool:
    labels = [name for name in _parameters(getattr(made_by, method)) if MEANINGS.get(name) == "y"]
    return bool(labels)


def _parameters(f: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    try:
        found = dict(inspect.signature(f).parameters)
    except (TypeError, ValueError):
        return {}
    variable = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return {n: p for n, p in found.items() if n != "self" and p.kind not in variable}


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _sizes(given: Mapping[str, Any]) -> dict[str, int]:
    """d, H and K, whatever the layout of the arrays."""
    W1, W2 = given["W1"], given["W2"]
    if "b1" in given and given["b1"] is not None:
        H, K = given["b1"].size, given["b2"].size
    else:
        (H,) = set(W1.shape) & set(W2.shape)
        K = W2.size // H
    return {"d": W1.size // H, "H": H, "K": K}


def _made(made_by: type, given: Mapping[str, Any], like: Any) -> Any:
    """An object of the class, for the sizes of the data; its other settings are those of `like`."""
    own = getattr(like, "__dict__", {})
    sizes = _sizes(given)
    values: dict[str, Any] = {}
    unknown = []
    for name, parameter in _parameters(made_by).items():
        plain = _plain(name)
        size = next((key for key, names in SIZES.items() if plain in names), None)
        if plain in LISTS and parameter.default is parameter.empty:
            values[name] = [sizes["d"], sizes["H"], sizes["K"]]
        elif size is not None:
            values[name] = sizes[size]
        elif MEANINGS.get(name) in ("y", "Y"):
            values[name] = _labels(given)
        elif given.get(MEANINGS.get(name, "")) is not None:
            values[name] = given[MEANINGS[name]]
        elif name in own:
            values[name] = own[name]
        elif parameter.default is parameter.empty:
            unknown.append(name)
    if len(unknown) == 3 and not set(values) & set(sizes):
        values |= dict(zip(unknown, sizes.values(), strict=True))
    elif unknown:
        raise Refusal(
            Reason.PARAMETERS,
            f"{made_by.__name__}() needs {', '.join(unknown)}, which is unknown",
        )
    return made_by(**values)


def _fill(thing: Any, given: Mapping[str, Any]) -> None:
    """Set the weights and biases that the object holds; it may hold one in several places."""
    places = _places(thing)
    for name in ("W1", "b1", "W2", "b2"):
        value = given.get(name)
        if value is None:
            continue
        if not places:
            setattr(thing, name, value)
            continue
        if name not in places:
            raise Refusal(
                Reason.PARAMETERS,
                f"{type(thing).__name__} has no {name}, or has it under a name that is unknown",
            )
        for place in places[name]:
            _write(place, name, value)
    for name in ("l2", "eta"):
        for key in vars(thing) if hasattr(thing, "__dict__") else ():
            if name in given and MEANINGS.get(key) == name:
                setattr(thing, key, given[name])


def _write(place: Place, name: str, value: NDArray[Any]) -> None:
    """Set one array, biases in the shape that they have there."""
    old = np.shape(place.read())
    if name[0] == "W" and old != value.shape:
        raise Refusal(Reason.RAISES, f"its {name} is of shape {old}, not {value.shape}")
    place.write(value if name[0] == "W" else value.reshape(old))


def _places(thing: Any) -> dict[str, list[Place]]:
    """Where the object holds its four parameters, by their names or by their order."""
    ordered: dict[str, list[Place]] = {"W": [], "b": []}
    found: dict[str, list[Place]] = {}
    for place in _arrays(thing):
        last = place.name.rpartition(".")[2]
        name, bare = meaning(last)
        if name and bare:
            found.setdefault(name.removeprefix("d"), []).append(place)
        elif kind := _kind(last):
            ordered[kind].append(place)
    for kind, places in ordered.items():
        if len(places) == 2:
            for number, place in enumerate(places, 1):
                found.setdefault(f"{kind}{number}", []).append(place)
    return found


def _kind(name: str) -> str | None:
    """Whether an array of a layer, or in a list, is weights or biases."""
    last = re.sub(r"\d+$", "", _plain(name))
    if last in ("w", "weight", "weights", "kernel", "theta"):
        return "W"
    return "b" if last in ("b", "bias", "biases", "beta") else None


def _arrays(thing: Any, name: str = "", depth: int = DEPTH) -> Iterator[Place]:
    """Every array that an object, its containers and its layers hold."""
    items: list[tuple[Any, Any]]
    if isinstance(thing, Mapping):
        items = list(thing.items())
    elif isinstance(thing, list | tuple):
        items = list(enumerate(thing, 1))
    else:
        items = list(vars(thing).items()) if hasattr(thing, "__dict__") else []
    for key, value in items:
        inner = f"{name}.{key}" if not isinstance(key, int) else f"{name}{key}"
        place = key - 1 if isinstance(thing, list | tuple) else key
        if hasattr(value, "shape"):
            if len(value.shape):
                yield Place(thing, place, inner.removeprefix("."))
        elif depth and not inspect.isroutine(value) and not isinstance(value, str | bytes | type):
            yield from _arrays(value, inner, depth - 1)


def _called(thing: Any, method: str, given: Mapping[str, Any]) -> Any:
    """Call the method, after the forward pass where that is another method."""
    labels = _labels(given)
    taken = _parameters(getattr(thing, method))
    result = None
    takes_X = any(MEANINGS.get(name) == "X" for name in taken)
    if not takes_X or _plain(method).startswith(BACKWARD):
        forward = next((name for name in FORWARD if callable(getattr(thing, name, None))), None)
        if forward:
            result = _with_arguments(thing, forward, given, labels, result)
    return _with_arguments(thing, method, given, labels, result)


def _labels(given: Mapping[str, Any]) -> Any:
    return given.get("y", given.get("Y"))


def _with_arguments(
    thing: Any, method: str, given: Mapping[str, Any], labels: Any, result: Any
) -> Any:
    values = {}
    waiting = [given["X"], labels]
    for name, parameter in _parameters(getattr(thing, method)).items():
        means = MEANINGS.get(name)
        if means in ("y", "Y"):
            values[name] = labels
        elif means and means in given:
            values[name] = given[means]
        elif parameter.default is not parameter.empty:
            continue
        elif result is not None:
            values[name], result = result, None  # what forward returned: P, or a cache
        elif waiting:
            values[name] = waiting[0]
        if waiting and values.get(name) is waiting[0]:
            waiting.pop(0)
    return getattr(thing, method)(**values)


def _held(thing: Any) -> dict[str, Any]:
    """The gradients that the object and its layers hold; else its parameters, if they changed."""
    gradients: dict[str, Any] = {}
    ordered: dict[str, list[Any]] = {"W": [], "b": []}
    for place in _arrays(thing):
        name, bare = meaning(place.name.rpartition(".")[2])
        if name in ("dW1", "db1", "dW2", "db2") and not bare:
            gradients.setdefault(name, place.read())
            continue
        last = _plain(place.name.rpartition(".")[2])
        for kind, words in (("W", ("w", "weight", "weights")), ("b", ("b", "bias", "biases"))):
            if last in {f"{d}{word}" for word in words for d in ("d", "grad", "g", "delta")} | {
                f"{word}grad" for word in words
            }:
                ordered[kind].append(place.read())
    for kind, arrays in ordered.items():
        if len(arrays) == 2:
            for number, array in enumerate(arrays, 1):
                gradients.setdefault(f"d{kind}{number}", array)
    if gradients:
        return gradients
    return {name: places[0].read() for name, places in _places(thing).items()}
