"""The fused engine in bf16: sizes, threads, CPUs, each way to multiply, the tiles of AMX."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from llvmlite import binding, ir

from backhand.engines import make_engine
from backhand.engines.fused import arithmetic
from backhand.engines.fused.llvm import compiler
from backhand.engines.fused.llvm.abi import emit_entry_point
from backhand.engines.fused.llvm.precision import (
    AMX,
    CONVERSION,
    DOTS,
    bf16_precision,
    precision_of,
)
from backhand.engines.fused.llvm.target import host
from backhand.engines.fused.roofline import peak_gflops
from helpers.bf16_checks import check_bf16, check_bits
from helpers.fused_checks import CPUS, printed, run_on

has_dots = pytest.mark.skipif(
    "avx512bf16" not in host().has or precision_of(np.float32).lanes != 16,
    reason="this CPU has no AVX-512 with bf16",
)


FIRST = [0, *(pytest.param(at, marks=pytest.mark.slow) for at in range(10, 500, 10))]
"""Of 500 random cases, ten at a time; the first ten are quick."""


@pytest.mark.parametrize("first", FIRST)
def test_500_random_sizes_and_settings_agree_with_the_equations(first: int, shared_always) -> None:
    check_bf16(range(first, first + 10))


@pytest.mark.parametrize("first", FIRST)
def test_500_trainings_have_the_same_bits_for_any_number_of_threads(
    first: int, shared_always
) -> None:
    check_bits(range(first, first + 10))


@pytest.mark.parametrize("products", [CONVERSION, pytest.param(DOTS, marks=has_dots)])
def test_a_product_of_integers_is_exact(products: str) -> None:
    assert arithmetic.products_are_right(products)


GUARDED = (
    "from helpers.bf16_checks import *\n"
    "from backhand.engines.fused.arithmetic import bf16_products\n"
    "share_always(); guard_buffers(); check_bf16(range({count})); print(bf16_products())"
)


@pytest.mark.slow
@pytest.mark.parametrize("cpu", CPUS)
def test_lesser_cpus_compute_the_same(cpu: str, tmp_path: Path) -> None:
    products = DOTS if cpu == "sapphirerapids" else CONVERSION
    assert run_on(cpu, GUARDED.format(count=40), tmp_path) == f"{products}\n"


def in_software(script: str, folder: Path) -> str:
    """What a script prints in whose process AMX's tiles are emulated."""
    install = "from helpers import software_tiles; software_tiles.install()"
    return printed(f"{install}\n{script}", BACKHAND_CACHE_DIR=str(folder))


@has_dots
def test_a_product_on_tiles_in_software_is_exact(tmp_path: Path) -> None:
    """Also of rows that are no whole tile, and of an odd number of tiles in a row."""
    script = (
        "from backhand.engines.fused.arithmetic import products_are_right\n"
        "print(products_are_right('amx-bf16'))"
    )
    assert in_software(script, tmp_path) == "True\n"


@has_dots
@pytest.mark.slow
def test_the_kernels_for_tiles_compute_the_same_on_tiles_in_software(tmp_path: Path) -> None:
    """The same code but for its five instructions; every buffer ends at a guard page."""
    script = (
        "from helpers.bf16_checks import *\n"
        "share_always(); guard_buffers(); check_bf16(range(100)); check_bits(range(33))\n"
        "print(FusedEngine(precision='bf16').depends_on()['bf16'])"
    )
    assert in_software(script, tmp_path) == "amx-bf16\n"


@pytest.mark.slow
def test_nothing_is_read_or_written_beyond_a_buffer() -> None:
    printed(GUARDED.format(count=100))


@pytest.mark.skipif(not host().is_x86, reason="only x86 has tiles")
def test_the_kernels_for_tiles_are_compiled_to_their_instructions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    features = "+amx-tile,+amx-bf16,+avx512bf16,+avx512f,+avx512dq,+avx512bw,+avx512vl"
    machine = host()._replace(cpu="sapphirerapids", features=features)
    monkeypatch.setattr(compiler, "host", lambda: machine)
    precision = bf16_precision(AMX)._replace(lanes=16)
    module = ir.Module("tiles")
    module.triple = machine.triple
    emit_entry_point(arithmetic.bf16_product, precision, module, "tiles")
    text = compiler._target_machine().emit_assembly(binding.parse_assembly(str(module)))
    for instruction in ("ldtilecfg", "tileloadd", "tdpbf16ps", "tilestored", "tilerelease"):
        assert instruction in text


@pytest.mark.parametrize(("permitted", "right", "expected"), [
    (True, True, AMX), (False, True, DOTS), (True, False, DOTS),
])  # fmt: skip
@has_dots
def test_tiles_that_are_refused_or_wrong_are_not_used(
    permitted: bool, right: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = host()._replace(features=host().features + ",+amx-tile,+amx-bf16")
    monkeypatch.setattr(arithmetic, "host", lambda: machine)
    monkeypatch.setattr(arithmetic, "tiles_permitted", lambda: permitted)
    monkeypatch.setattr(arithmetic, "products_are_right", lambda _: right)
    assert arithmetic.bf16_products.__wrapped__() == expected


def test_the_bits_depend_on_how_products_are_computed() -> None:
    depends = make_engine("fused", precision="bf16").depends_on()
    assert depends["bf16"] in (AMX, DOTS, CONVERSION)
    assert "bf16" not in make_engine("fused").depends_on()


def test_the_peak_is_measured() -> None:
    assert peak_gflops(precision="bf16") > 0.1
