"""AMX's tiles in software, so that the kernels for them run on CPUs without: see `install`.

The compiled code is the same but for five instructions, which it calls as functions of these names.
Each thread has its own tiles, which are undefined (nan) until a configuration is loaded.
"""

from __future__ import annotations

import ctypes
import threading
from typing import Any

import numpy as np
from llvmlite import binding

from backhand.engines.fused import engine
from backhand.engines.fused.kernels import amx
from backhand.engines.fused.llvm.precision import AMX

BYTE, WORD, ADDRESS = ctypes.c_int8, ctypes.c_int64, ctypes.c_void_p

_tiles = threading.local()
_kept: list[Any] = []
"""Callbacks, which compiled code calls as long as the process lives."""


def install() -> None:
    """Compile tiles as calls of the functions below, in engines of this process from now on.

    The process needs a folder for compiled code of its own: files there are named by the sources.
    """
    functions: dict[str, tuple[Any, list[Any]]] = {
        "CONFIGURE": (configure, [ADDRESS]),
        "RELEASE": (release, []),
        "LOAD": (load, [BYTE, ADDRESS, WORD]),
        "STORE": (store, [BYTE, ADDRESS, WORD]),
        "MULTIPLY": (multiply, [BYTE, BYTE, BYTE]),
    }
    for name, (function, arguments) in functions.items():
        callback = ctypes.CFUNCTYPE(None, *arguments)(function)
        _kept.append(callback)
        symbol = f"software_tile_{name.lower()}"
        binding.add_symbol(symbol, ctypes.cast(callback, ADDRESS).value)
        setattr(amx, name, symbol)
    engine.bf16_products = lambda: AMX  # type: ignore[assignment]


def configure(address: int) -> None:
    """Configure eight tiles of 16 rows of 64 bytes: no others are used."""
    given = ctypes.string_at(address, 64)
    assert given[0] == 1 and not any(given[1:16])
    assert np.frombuffer(given[16:32], np.uint16).tolist() == [64] * 8
    assert list(given[48:56]) == [16] * 8 and address % 64 == 0
    _tiles.numbers = np.full((8, 16, 16), np.nan, np.float32)


def release() -> None:
    """Release the tiles of this thread."""
    del _tiles.numbers


def load(tile: int, address: int, stride: int) -> None:
    """Load 16 rows of 64 bytes, `stride` bytes apart."""
    _tiles.numbers[tile] = _rows(address, stride)


def store(tile: int, address: int, stride: int) -> None:
    """Store them."""
    assert stride >= 64
    _rows(address, stride)[:] = _tiles.numbers[tile]


def multiply(sums: int, a: int, b: int) -> None:
    """Add to the sums, for each row of A and column of B, the dot products of 16 pairs."""
    (a0, a1), (b0, b1) = (_halves(_tiles.numbers[n]) for n in (a, b))
    _tiles.numbers[sums] += a0 @ b0 + a1 @ b1


def _rows(address: int, stride: int) -> Any:
    memory = (ctypes.c_char * (15 * stride + 64)).from_address(address)
    return np.ndarray((16, 16), np.float32, memory, strides=(stride, 4))


def _halves(words: Any) -> tuple[Any, Any]:
    bits = words.view(np.uint32)
    return (bits << 16).view(np.float32), (bits & 0xFFFF0000).view(np.float32)
