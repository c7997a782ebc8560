"""Compiles LLVM code to functions that Python can call, and caches them on disk."""

from __future__ import annotations

import ctypes
import hashlib
import inspect
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from threading import Lock
from time import perf_counter
from typing import Any, NamedTuple

import llvmlite
import numpy as np
from llvmlite import binding, ir

from backhand import dropout
from backhand.engines.fused.llvm.abi import Reals, aligned, emit_entry_point, marshal
from backhand.engines.fused.llvm.builder import Code, Value
from backhand.engines.fused.llvm.precision import Precision, precision_of
from backhand.engines.fused.llvm.target import host
from backhand.errors import InputError, warn
from backhand.support import system
from backhand.support.atomic_files import replacing
from backhand.support.logs import Log
from backhand.support.trusted_folders import check_private, make, opened

LOG = Log(__name__)


Entry = Callable[[int, int], None]
"""A compiled function of two: the address of its words, and the number of the thread."""

_entries: dict[tuple[Callable[..., None], Precision], tuple[Entry, Any]] = {}
_lock = Lock()


def _forget_who_locked() -> None:
    """Replace the lock in a forked child, where no thread exists that would release it."""
    global _lock
    _lock = Lock()


system.processes.in_forked_children(_forget_who_locked)


def silently(what: str) -> None:
    """Ignore the message."""


def entry(
    write: Callable[..., None], precision: Precision, notify: Callable[[str], None] = silently
) -> Entry:
    """Return the compiled `write` in a precision; see `abi.emit_entry_point`.

    `notify` is called if it has to be compiled, not if it is loaded from the cache.
    """
    with _lock:
        if (write, precision) not in _entries:
            name = f"{write.__name__}.{precision.name}"
            began, file = perf_counter(), _file(write, name)
            kept = _kept(file)
            code = kept or _compile(write, precision, name, notify, file)
            _entries[write, precision] = _load(code, name)
            seconds = perf_counter() - began
            if kept:
                LOG.debug("%s loaded from %s in %.3f s", name, file, seconds)
            else:
                LOG.info("%s compiled for %s in %.2f s", name, host().cpu, seconds)
        return _entries[write, precision][0]


def compiled_by() -> dict[str, str]:
    """Compiler and CPU, by name; the CPU's features, a long list, by their digest."""
    _, cpu, features = host()
    llvm = ".".join(map(str, binding.llvm_version_info))
    digest = hashlib.sha256(features.encode()).hexdigest()[:8]
    return {"LLVM": f"{llvm} (llvmlite {llvmlite.__version__})", "CPU": cpu, "CPU features": digest}


def _compile(
    write: Callable[..., None], precision: Precision, name: str, notify: Callable[[str], None],
    file: Path | None,
) -> bytes:  # fmt: skip
    notify("compiling for this CPU")
    module = ir.Module(name)
    module.triple = host().triple
    emit_entry_point(write, precision, module, name)
    parsed = binding.parse_assembly(str(module))
    parsed.verify()
    machine = _target_machine()
    options = binding.create_pipeline_tuning_options(speed_level=3)
    passes = binding.create_pass_builder(machine, options)
    passes.getModulePassManager().run(parsed, passes)
    code: bytes = machine.emit_object(parsed)
    _keep(file, code)
    return code


def _target_machine() -> Any:
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    triple, cpu, features = machine = host()
    return binding.Target.from_triple(triple).create_target_machine(
        cpu=cpu, features=features, opt=3, reloc="static" if machine.is_x86 else "default",
        codemodel="jitdefault", jit=True,
    )  # fmt: skip


def _load(code: bytes, name: str) -> tuple[Entry, Any]:
    """Return the function, and the object that owns its memory."""
    for symbol, address in system.c_library.missing_symbols().items():
        binding.add_symbol(symbol, address)
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), _target_machine())
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)  # lets other threads run
    return kind(engine.get_function_address(name)), engine


# The smallest program: it checks that compiling works, and measures the peak rate of a core.


class Registers(NamedTuple):
    """Numbers (count,): one vector for each sum of a tile."""

    numbers: Reals


def multiply_add(code: Code, registers: Registers, rounds: Value) -> None:
    """Do x ← a x + b on as many registers as a tile has sums, `rounds` times."""
    lanes = code.lanes
    a, b = code.splat(0.5), code.splat(1.0)
    count = code.tile.MR * code.tile.NV
    sums = [code.variable(code.load(registers.numbers, i * lanes)) for i in range(count)]
    with code.loop(rounds):
        for x in sums:
            x.set(x.get() * a + b)
    for i, x in enumerate(sums):
        code.store(x.get(), registers.numbers, i * lanes)


def check_compiler() -> None:
    """Compile, run and check the smallest program; raise if any of it fails."""
    numbers = aligned(64 * 32, np.float32)
    run, call = entry(multiply_add, precision_of(np.float32)), marshal(Registers(numbers))
    run(call.ctypes.data, 2)  # `call` has a name: without one, its memory is free by now
    if numbers[0] != 1.5:
        raise ArithmeticError(f"compiled code computes 1 + 1 / 2 as {numbers[0]}")


# The cache: one file for each program, CPU and version, which begins with its checksum.


CACHE = "the folder for compiled code"

FUSED = Path(__file__).parents[1]
"""The folder with the sources of the compiled code."""


def cache_folder() -> Path | None:
    """BACKHAND_CACHE_DIR, or `backhand` in the user's cache folder; None if there is no home."""
    if chosen := os.environ.get("BACKHAND_CACHE_DIR"):
        return Path(chosen)
    parent = system.files.cache_folder()
    return None if parent is None else parent / "backhand"


def _file(write: Callable[..., None], name: str) -> Path | None:
    """Return the path of a program in the cache, named by a digest of its sources, or None."""
    folder = cache_folder()
    sources = {
        *FUSED.rglob("*.py"),
        Path(inspect.getfile(write)),
        Path(dropout.__file__),  # whose constants are in the code
    }
    try:
        contents = [source.read_bytes() for source in sorted(sources)]
    except OSError:
        return None
    if folder is None or len(contents) < 2:  # only bytecode is installed
        return None
    versions = (llvmlite.__version__, *map(str, binding.llvm_version_info), *host())
    digest = hashlib.sha256(b"\0".join([*map(str.encode, versions), *contents]))
    return folder / f"{name}-{digest.hexdigest()[:24]}.o"


def _kept(file: Path | None) -> bytes | None:
    """Return what an earlier process of this user compiled, if it exists and is intact."""
    try:
        if file is None or not _trusted(file.parent):
            return None
        with opened(file.parent, CACHE) as folder:
            content = folder.read(file.name)
    except (OSError, InputError):
        return None
    checksum, code = content[:32], content[32:]
    return code if code and hashlib.sha256(code).digest() == checksum else None


def _keep(file: Path | None, code: bytes) -> None:
    """Store compiled code for later processes; if that fails, each process compiles."""
    if file is None:
        return
    try:
        make(file.parent)
        if _trusted(file.parent):
            with replacing(file, mode=0o600, links=False) as temporary:
                temporary.write_bytes(hashlib.sha256(code).digest() + code)
    except OSError:
        return


def _trusted(folder: Path) -> bool:
    """Return whether only this user can write to the folder, whose content will be run.

    If others can, a warning is given, once. A folder that does not exist raises OSError.
    """
    try:
        check_private(folder, CACHE)
    except InputError as error:
        if folder.is_dir():  # else there is nothing to trust
            _warn(str(error))
        return False
    return True


@cache
def _warn(reason: str) -> None:
    warn(
        f"{reason} BACKHAND_CACHE_DIR names it. Until then no compiled code is stored there, and "
        "each process compiles for itself."
    )  # fmt: skip
