"""The frame that a function was judged in, and how it is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from backhand.doctor.frame.form import REFERENCE_FORM, Form
from backhand.doctor.frame.network import REFERENCE, Network

UNITS = {
    "relu": "ReLU", "leaky_relu": "leaky ReLU", "tanh": "tanh", "sigmoid": "sigmoid",
    "softplus": "softplus", "elu": "ELU", "gelu": "GELU",
    "gelu_tanh": "GELU (tanh approximation)",
}  # fmt: skip

LOSSES = {
    "cross_entropy": "cross-entropy", "binary_cross_entropy": "binary cross-entropy",
    "squared_error": "squared error", "half_squared_error": "half the squared error",
}  # fmt: skip

REDUCTIONS = {
    "mean": "mean loss", "sum": "summed loss", "elements": "loss averaged over rows and outputs",
}  # fmt: skip

LAYOUTS = {
    "rows": "examples as rows", "linear": "examples as rows and weights as in nn.Linear",
    "columns": "examples as columns",
}  # fmt: skip

PENALTIES = {"half": "{}/2 ‖W‖²", "full": "{} ‖W‖²", "by_N": "{}/(2N) ‖W‖²"}

Source = Literal["declared", "found", "assumed"]


@dataclass(frozen=True)
class Frame:
    """Which network a function computes, and in which form.

    Attributes
    ----------
    network : Network
    form : Form
    source : {"declared", "found", "assumed"}
        Declared by the caller; found by the values in `agreed`; or assumed.
    agreed : tuple of str
        The values that occurred as the network has them.
    penalised : bool
        Whether there is a penalty.
    """

    network: Network = REFERENCE
    form: Form = REFERENCE_FORM
    source: Source = "assumed"
    agreed: tuple[str, ...] = ()
    penalised: bool = False

    @property
    def sentence(self) -> str:
        """The frame in words: "tanh hidden units, one sigmoid output with …"."""
        network, form = self.network, self.form
        later = " (1/N in the gradients)" if network.averaged == "gradients" else ""
        slope = f" (slope {network.slope:g})" if network.slope else ""
        parts = [
            f"{UNITS[network.activation]}{slope} hidden units",
            f"{self._outputs} with {LOSSES[network.loss]}",
            f"{REDUCTIONS[network.reduction]}{later}",
            LAYOUTS[form.layout],
        ]
        if form.biases == "none":
            parts.append("no biases")
        elif form.biases == "row":
            parts.append("biases of shape (1, H)")
        elif form.biases == "column" and form.layout != "columns":
            parts.append("biases of shape (H, 1)")
        if self.penalised:
            strength = f"{network.strength:g}" if network.strength else "λ"
            parts.append(f"penalty {PENALTIES[network.penalty].format(strength)}")
        return ", ".join(parts)

    @property
    def _outputs(self) -> str:
        if self.network.output == "softmax":
            return "softmax"
        one = self.form.outputs == "one"
        return f"one {self.network.output} output" if one else f"{self.network.output} outputs"

    @property
    def certainty(self) -> str:
        """How the frame is known, in words."""
        if self.source == "declared":
            return "declared"
        if self.source == "found" and self.agreed:
            return (
                f"found: {', '.join(self.agreed)} {'agrees' if len(self.agreed) == 1 else 'agree'}"
            )
        return "assumed: no value of the function shows another"

    def to_json(self) -> dict[str, Any]:
        """The choices as JSON values, with the sentence."""
        return {
            **asdict(self.network), **asdict(self.form), "source": self.source,
            "agreed": list(self.agreed), "penalised": self.penalised, "sentence": self.sentence,
        }  # fmt: skip

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Frame:
        """Rebuild a frame from the values of `to_json`."""
        network = Network(**{**_chosen(Network, values), "biases": values["biases"] != "none"})
        form = Form(**_chosen(Form, values))
        return cls(network, form, values["source"], tuple(values["agreed"]), values["penalised"])


def _chosen(kind: type, values: Mapping[str, Any]) -> dict[str, Any]:
    return {field.name: values[field.name] for field in fields(kind)}
