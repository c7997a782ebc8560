"""The names that may be chosen among, each list once: for type checkers, checks and messages."""

from __future__ import annotations

from typing import Any, Literal, get_args

EngineName = Literal["auto", "fused", "reference", "torch"]
PrecisionName = Literal["auto", "bf16"]
OptimizerName = Literal["sgd", "momentum", "nesterov", "adam"]
ScheduleName = Literal["constant", "cosine", "invscaling", "adaptive"]
ValidationMonitor = Literal["validation_loss", "validation_accuracy"]
ClassWeightName = Literal["balanced"]
NumberEncodingName = Literal["auto", "standard", "bins"]
ShareName = Literal["auto", "rows", "networks"]
MonitorName = Literal["validation_loss", "validation_accuracy", "loss"]


def names(choice: Any) -> tuple[str, ...]:
    """The names of one of these types, in order."""
    return get_args(choice)
