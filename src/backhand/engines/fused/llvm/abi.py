"""How Python calls a compiled program: with an array of 64-bit words, one for each argument."""

from __future__ import annotations

import ctypes
import inspect
import struct
from collections.abc import Callable, Iterator
from itertools import count
from operator import index
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import numpy as np
from llvmlite import ir
from numpy.typing import NDArray

from backhand.engines.fused.llvm.builder import DOUBLE, INT, Code, Value, rounded_up
from backhand.engines.fused.llvm.precision import Precision

Integer = Annotated[Any, "integer"]
"""Among the members of a named tuple: a 64-bit integer."""
Real = Annotated[Any, "real"]
"""A double."""
Integers = Annotated[Any, "integers"]
"""A flat array of 64-bit integers."""
Doubles = Annotated[Any, "doubles"]
"""A flat array of doubles."""
Reals = Annotated[Any, "reals"]
"""A flat array of the program's real numbers."""
Labels = Annotated[Any, "labels"]
"""A flat array of integers as wide as the program's real numbers."""
Words = Annotated[Any, "words"]
"""A flat array of 32-bit words: pairs of bf16 numbers."""

LINE = 64
"""Bytes of a cache line, and of the widest vector."""


def emit_entry_point(
    write: Callable[..., None], precision: Precision, module: Any, name: str
) -> None:
    """Compile `write` as a C function of an address of words and an integer.

    The parameters of `write` are `code`, a named tuple, whose members are as above or such tuples
    themselves, and the integer. Python passes the tuple as an array of words (see `marshal`).
    """
    kind = ir.FunctionType(ir.VoidType(), [INT.as_pointer(), INT])
    compiled = ir.Function(module, kind, name)
    code = Code(ir.IRBuilder(compiled.append_basic_block("entry")), precision)
    record = get_type_hints(write)[list(inspect.signature(write).parameters)[1]]
    memory, number = (Value(code, argument) for argument in compiled.args)
    write(code, _read(code, record, memory, count()), number)
    code.builder.ret_void()


def _read(code: Code, kind: Any, memory: Value, position: Iterator[int]) -> Any:
    """Return the next words as a value, or as a named tuple of values."""
    if get_origin(kind) is not Annotated:
        hints = get_type_hints(kind, include_extras=True)
        return kind(*(_read(code, hints[name], memory, position) for name in kind._fields))
    what = get_args(kind)[1]
    word = code.load_scalar(memory, next(position))
    if what == "integer":
        return word
    if what == "real":
        return Value(code, code.builder.bitcast(word.ir, DOUBLE))
    numbers = {"integers": INT, "doubles": DOUBLE, "reals": code.storage_type,
               "labels": ir.IntType(code.bits), "words": ir.IntType(32)}  # fmt: skip
    return code.pointer(word, numbers[what])


class Fixed:
    """A named tuple whose words are found once, for many calls: its arrays stay where they are."""

    def __init__(self, record: Any) -> None:
        self.record = record
        self.words: list[int] = []
        _marshal_into(record, self.words)


def marshal(record: Any) -> NDArray[np.int64]:
    """Return the words of a named tuple, whose arrays must outlive their use.

    Any named tuple in it may be given as `Fixed`.
    """
    found: list[int] = []
    _marshal_into(record, found)
    return np.array(found, np.int64)


def _marshal_into(record: Any, found: list[int]) -> None:
    for value in record:
        if type(value) is int:
            found.append(value)
        elif type(value) is Fixed:
            found += value.words
        elif isinstance(value, tuple):
            _marshal_into(value, found)
        elif isinstance(value, np.ndarray):
            found.append(address_of(value))
        elif isinstance(value, float):
            found += struct.unpack("q", struct.pack("d", value))
        else:
            found.append(index(value))


def address_of(array: NDArray[Any]) -> int:
    """Return where an array's numbers begin, in a quarter of NumPy's time if it is writable."""
    if array.size and array.flags.carray:
        numbers: Any = array  # which is a buffer
        return ctypes.addressof(ctypes.c_char.from_buffer(numbers))
    where: int = array.__array_interface__["data"][0]
    return where


def aligned(count: int, dtype: Any, make: Callable[..., Any] = np.zeros) -> NDArray[Any]:
    """Return a flat, aligned array of zeros; uninitialised if `make` is `np.empty`."""
    kind = np.dtype(dtype)
    raw: NDArray[Any] = make(count * kind.itemsize + LINE, np.uint8)
    begin = -address_of(raw) % LINE
    return raw[begin : begin + count * kind.itemsize].view(kind)


def spread(count: int, itemsize: int) -> int:
    """Return a row length that keeps neighbouring rows out of the same few cache sets."""
    per_line = LINE // itemsize
    lines = -(-count // per_line)
    return int(rounded_up(count, 4)) if lines < 8 else (lines | 1) * per_line
