"""The names that may be chosen among, each list once: for type checkers, checks and messages."""

from __future__ import annotations

from typing import Literal

EngineName = Literal["auto", "fused", "reference", "torch"]
OptimizerName = Literal["sgd", "momentum", "nesterov", "adam"]
ScheduleName = Literal["constant", "cosine", "invscaling", "adaptive"]
