"""Small values travel with the calls, large ones once to each machine."""

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np

from backhand.cluster import ray_connection
from backhand.cluster.ray_actors import INLINE, RayActors


def shared(value: Any) -> Any:
    transport: Any = SimpleNamespace(_ray=SimpleNamespace(put=lambda _: "a reference"))
    return RayActors.share(transport, value)


def test_a_small_value_travels_as_it_is() -> None:
    value = {"params": np.zeros(INLINE // 16)}
    assert shared(value) is value


def test_a_value_with_large_arrays_travels_as_a_reference(monkeypatch) -> None:
    monkeypatch.setattr(ray_connection, "while_connected", nullcontext)
    assert shared({"params": [np.zeros(INLINE // 8), "a name"]}) == "a reference"
    assert shared("x" * (INLINE + 1)) == "a reference"
