"""From LLVM's code to a function that Python can call, kept on disk for the next process."""

from __future__ import annotations

import ctypes
import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

import llvmlite
from llvmlite import binding, ir

from backhand.engines.fused.cpu import host
from backhand.engines.fused.ir import write_entry
from backhand.files import replacing

Entry = Callable[[int, int], None]
"""A compiled function of two: the address of its words, and the number of the thread."""

_entries: dict[tuple[Callable[..., None], int], tuple[Entry, Any]] = {}
_lock = Lock()


def entry(write: Callable[..., None], bits: int, notify: Callable[[str], None]) -> Entry:
    """The compiled `write`, for real numbers of so many bits; see `ir.write_entry`.

    `notify` is told if it has to be compiled, and not only loaded.
    """
    with _lock:
        if (write, bits) not in _entries:
            name = f"{write.__name__}.{bits}"
            code = _kept(name) or _compile(write, bits, name, notify)
            _entries[write, bits] = _load(code, name)
        return _entries[write, bits][0]


def _compile(
    write: Callable[..., None], bits: int, name: str, notify: Callable[[str], None]
) -> bytes:
    notify("compiling for this CPU, once")
    module = ir.Module(name)
    module.triple = host().triple
    write_entry(write, bits, module, name)
    parsed = binding.parse_assembly(str(module))
    parsed.verify()
    machine = _target_machine()
    options = binding.create_pipeline_tuning_options(speed_level=3)
    passes = binding.create_pass_builder(machine, options)
    passes.getModulePassManager().run(parsed, passes)
    code: bytes = machine.emit_object(parsed)
    _keep(name, code)
    return code


def _target_machine() -> Any:
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    triple, cpu, features = host()
    static = triple.startswith(("x86_64", "amd64", "i686"))
    return binding.Target.from_triple(triple).create_target_machine(
        cpu=cpu, features=features, opt=3, reloc="static" if static else "default",
        codemodel="jitdefault", jit=True,
    )  # fmt: skip


def _load(code: bytes, name: str) -> tuple[Entry, Any]:
    """The function, and what holds its memory."""
    if sys.platform == "win32":  # whose C library has none of that name
        switch = ctypes.cast(ctypes.windll.kernel32.SwitchToThread, ctypes.c_void_p)
        binding.add_symbol("sched_yield", switch.value)
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), _target_machine())
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)  # lets other threads run
    return kind(engine.get_function_address(name)), engine


# The cache: one file for each program, CPU and version, which begins with its checksum.


def cache_folder() -> Path | None:
    """BACKHAND_CACHE_DIR, or `backhand` in the user's cache folder; None if there is no home."""
    if chosen := os.environ.get("BACKHAND_CACHE_DIR"):
        return Path(chosen)
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:
        return None
    return home / "backhand"


def _file(name: str) -> Path | None:
    folder = cache_folder()
    if folder is None:
        return None
    sources = b"".join(file.read_bytes() for file in sorted(Path(__file__).parent.glob("*.py")))
    made_of = "\n".join((name, llvmlite.__version__, *host())).encode() + sources
    return folder / f"{name}-{hashlib.sha256(made_of).hexdigest()[:24]}.o"


def _kept(name: str) -> bytes | None:
    """What an earlier process compiled, if it is there and whole."""
    file = _file(name)
    try:
        content = file.read_bytes() if file else b""
    except OSError:
        return None
    checksum, code = content[:32], content[32:]
    return code if code and hashlib.sha256(code).digest() == checksum else None


def _keep(name: str, code: bytes) -> None:
    """Keep it for the next process; where that cannot be, each process compiles for itself."""
    file = _file(name)
    if file is None:
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as temporary:
            temporary.write_bytes(hashlib.sha256(code).digest() + code)
    except OSError:
        return
