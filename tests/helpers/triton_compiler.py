"""The kernels in Triton compiled for a GPU that need not be there, and what they use of it."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from backhand.engines.torch import TorchEngine
from backhand.engines.torch.stack import Stack
from helpers.torch_blocks import Problem

POINTERS = {
    torch.float32: "*fp32", torch.float64: "*fp64", torch.int64: "*i64", torch.bool: "*i1",
    torch.uint8: "*u8",
}  # fmt: skip
CUOBJDUMP = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"


class Resources(NamedTuple):
    """Bytes of shared memory of a block of threads, and of the stack of one, where it spills."""

    shared: int
    stack: int


def resources(problem: Problem, capability: int) -> dict[str, Resources]:
    """What each kernel of a problem's first update uses, by name; 90 is a Hopper GPU."""
    engine = TorchEngine("cpu", kernels="triton")
    with engine.computing():
        block = problem.blocks()[0]
        step = Stack(problem.sessions(engine), block, None)._updates._step
        launches = step._prepared(block.batch_size)
    return {
        launch.kernel.__name__: compiled(launch.kernel, launch.arguments, capability)
        for launch in launches
    }


def compiled(kernel: Any, arguments: dict[str, Any], capability: int) -> Resources:
    """Compile a kernel as its launch with these arguments would."""
    signature: dict[str, str] = {}
    constants: dict[tuple[int], Any] = {}
    attributes: dict[tuple[int], Any] = {}
    for number, parameter in enumerate(kernel.params):
        value = arguments[parameter.name]
        if parameter.is_constexpr or (isinstance(value, int) and value == 1):
            signature[parameter.name], constants[number,] = "constexpr", value
        elif isinstance(value, torch.Tensor):
            signature[parameter.name] = POINTERS[value.dtype]
            attributes[number,] = [["tt.divisibility", 16]]
        else:
            signature[parameter.name] = "fp32" if isinstance(value, float) else "i32"
    found = triton.compile(
        ASTSource(kernel, signature, constants, attributes),
        target=GPUTarget("cuda", capability, 32), options={"enable_fp_fusion": True},
    )  # fmt: skip
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(found.asm["cubin"])
        file.flush()
        said = subprocess.run(
            [CUOBJDUMP, "-res-usage", file.name], capture_output=True, text=True, check=True
        ).stdout
    stack = max(int(size) for size in re.findall(r"STACK:(\d+)", said))
    return Resources(found.metadata.shared, stack)
