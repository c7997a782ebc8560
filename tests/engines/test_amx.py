"""The fused engine on real tiles of AMX: skipped where the CPU has none or Linux refuses them."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple

import numpy as np
import pytest
from llvmlite import ir

from backhand.engines import Objective
from backhand.engines.fused import engine
from backhand.engines.fused.arithmetic import bf16_products, products_are_right
from backhand.engines.fused.engine import FusedEngine
from backhand.engines.fused.llvm.abi import Words, aligned, marshal
from backhand.engines.fused.llvm.builder import Code, Value
from backhand.engines.fused.llvm.compiler import entry
from backhand.engines.fused.llvm.precision import AMX, CONVERSION, DOTS, bf16_precision
from backhand.support.differences import relative_difference
from helpers.bf16_checks import ROUNDED, bf16_case
from helpers.fused_checks import trained_by

pytestmark = [
    pytest.mark.skipif(bf16_products() != AMX, reason="no tiles of AMX here"),
    pytest.mark.usefixtures("shared_always"),
]

CASES = range(6)


def trained(seed: int) -> list[Any]:
    """The losses and parameters of a training on tiles."""
    case = bf16_case(seed)
    objective = Objective(dropout=0.25) if seed % 2 else Objective()
    return trained_by(FusedEngine(case.threads, precision="bf16"), case, objective)


def same(some: list[Any], others: list[Any]) -> bool:
    return all(map(np.array_equal, some, others))


def test_a_product_of_integers_is_exact() -> None:
    assert products_are_right(AMX)


@pytest.mark.parametrize("products", [DOTS, CONVERSION])
def test_other_products_give_the_same_to_rounding(
    products: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_tiles = [trained(seed) for seed in CASES]
    monkeypatch.setattr(engine, "bf16_products", lambda: products)
    for seed, ours in zip(CASES, on_tiles, strict=True):
        for a, b in zip(ours, trained(seed), strict=True):
            assert relative_difference(a, b) <= ROUNDED, seed


class Configuration(NamedTuple):
    """Where to store the 64 bytes of the configuration."""

    words: Words


def _store_configuration(code: Code, args: Configuration, _: Value) -> None:
    address = code.builder.bitcast(args.words.ir, ir.IntType(8).as_pointer())
    code.call("llvm.x86.sttilecfg", ir.VoidType(), address)


def test_tiles_are_released_after_every_call() -> None:
    """While they are in use, Linux saves 8 KB more at every change of a thread."""
    words = aligned(16, np.int32)
    call = marshal(Configuration(words))
    for seed in CASES:
        trained(seed)
        words[:] = -1
        entry(_store_configuration, bf16_precision(AMX))(call.ctypes.data, 0)
        assert not words.any(), seed


def test_threads_that_were_there_before_the_tiles_were_asked_for_use_them(tmp_path: Path) -> None:
    script = tmp_path / "threads.py"
    script.write_text(
        "from threading import Thread\n"
        "from backhand.engines.fused.arithmetic import bf16_products, products_are_right\n"
        "from threading import Event\n"
        "asked, found = Event(), []\n"
        "def work():\n"
        "    asked.wait()\n"
        "    found.append(products_are_right('amx-bf16'))\n"
        "thread = Thread(target=work)\n"
        "thread.start()\n"
        "products = bf16_products()\n"
        "asked.set()\n"
        "thread.join()\n"
        "print(products, found)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.stdout == "amx-bf16 [True]\n", done.stderr


def test_a_forked_process_uses_them(tmp_path: Path) -> None:
    """In a process of its own, where no other library minds the fork."""
    script = tmp_path / "forked.py"
    script.write_text(
        "from multiprocessing import get_context\n"
        "from backhand.engines.fused.arithmetic import bf16_products, products_are_right\n"
        "if __name__ == '__main__':\n"
        "    print(bf16_products())\n"
        "    with get_context('fork').Pool(2) as pool:\n"
        "        print(pool.map(products_are_right, ['amx-bf16'] * 4))\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.stdout == "amx-bf16\n[True, True, True, True]\n", done.stderr


def test_threads_that_take_turns_on_a_core_keep_their_tiles() -> None:
    """More of them than cores: Linux saves and restores tiles in the midst of products."""
    start = Event()

    def work(seed: int) -> list[list[Any]]:
        start.wait()
        return [trained(seed) for _ in range(5)]

    alone = [trained(seed) for seed in CASES]
    with ThreadPoolExecutor(len(CASES)) as pool:
        jobs = [pool.submit(work, seed) for seed in CASES]
        start.set()
        for job, expected in zip(jobs, alone, strict=True):
            assert all(same(run, expected) for run in job.result())
