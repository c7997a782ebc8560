"""An ONNX graph that is being built: nodes, constants and unique names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.support.optional import extra

ML = "ai.onnx.ml"
"""The domain of the operators on texts."""


class Graph:
    """Nodes and constants in the order in which they were added.

    Parameters
    ----------
    inputs : sequence of str
        Names that are used already: those of the inputs.
    """

    def __init__(self, inputs: Iterable[str]) -> None:
        self._onnx = extra("onnx", "exporting to ONNX")
        self._taken = set(inputs)
        self._times: Counter[str] = Counter()
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def name(self, wanted: str) -> str:
        """Return an unused name: the wanted one, or the wanted one followed by _2, _3, …."""
        name = wanted
        while name in self._taken:
            self._times[wanted] += 1
            name = f"{wanted}_{self._times[wanted] + 1}"
        self._taken.add(name)
        return name

    def constant(self, wanted: str, values: NDArray[Any] | Sequence[Any]) -> str:
        """Add an array or texts, and return its name."""
        name, array = self.name(wanted), np.asarray(values)
        if array.dtype.kind == "U":
            texts = [str(value).encode() for value in values]
            string = self._onnx.TensorProto.STRING
            tensor = self._onnx.helper.make_tensor(name, string, [len(texts)], texts)
        else:
            tensor = self._onnx.numpy_helper.from_array(np.ascontiguousarray(array), name)
        self.constants.append(tensor)
        return name

    def node(
        self, operator: str, *inputs: str, wanted: str, domain: str = "", **attributes: Any
    ) -> str:
        """Add a node, and return the name of its output."""
        name = self.name(wanted)
        made = self._onnx.helper.make_node(
            operator, list(inputs), [name], name=name, domain=domain, **attributes
        )
        self.nodes.append(made)
        return name

    def concat(self, *inputs: str, wanted: str) -> str:
        """Join matrices side by side, and return the result's name."""
        if len(inputs) == 1:
            return inputs[0]
        return self.node("Concat", *inputs, wanted=wanted, axis=1)

    def cast(self, value: str, dtype: Any, wanted: str) -> str:
        """Cast numbers to a NumPy dtype, and return the result's name."""
        to = self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self.node("Cast", value, wanted=wanted, to=to)
