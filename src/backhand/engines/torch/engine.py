"""The torch engine: the same equations on tensors, on the CPU or a GPU. No autograd: the tensors
never require grad, and everything runs in inference mode.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.choices import PrecisionName
from backhand.engines.argument_checks import check_block, check_group, checked_optimizer
from backhand.engines.array_engine import ArrayEngine, ArraySession
from backhand.engines.contract import (
    CROSS_ENTROPY,
    Block,
    BlockMetrics,
    Data,
    Objective,
    OptimizerState,
    Session,
    advance_each,
)
from backhand.engines.thread_limits import ThreadSetting
from backhand.engines.torch.arrays import SharedArrays
from backhand.engines.torch.equations_step import EquationsStep
from backhand.engines.torch.graphs import Plain, Replayed
from backhand.engines.torch.groups import CPU, GPU, TRITON, alike, groups
from backhand.engines.torch.stack import advance_stacked
from backhand.engines.torch.work import Step, Work
from backhand.errors import InputError, did_you_mean
from backhand.optimizers import Optimizer
from backhand.support.optional import extra

torch = extra("torch", "the torch engine")

KERNELS = ("equations", "triton")

TORCH_THREADS = ThreadSetting(torch.get_num_threads, torch.set_num_threads)


class TorchEngine(ArrayEngine):
    """The equations on torch tensors, on `device`; `threads` are torch's own, on the CPU.

    Parameters
    ----------
    device : str
    threads : int, optional
    precision : {"auto", "bf16"}
    kernels : {"equations", "triton"}
        What computes the updates of a block where sessions are stacked (with graphs or kernels,
        also one that is alone): the equations, or kernels for them in Triton, where these serve
        the sizes, the dtype and the precision.
    graphs : bool, optional
        Whether these updates are replayed as CUDA graphs; by default they are on a CUDA device.

    Raises
    ------
    InputError
        If torch cannot compute on the device, or there is no such choice of kernels.
    MissingDependencyError
        If Triton is asked for and not installed.
    """

    name = "torch"

    def __init__(
        self,
        device: str = "cpu",
        threads: int | None = None,
        precision: PrecisionName = "auto",
        kernels: str = "equations",
        graphs: bool | None = None,
    ) -> None:
        try:
            self.device = torch.device(device)
            torch.empty(0, device=self.device)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(
                f"torch cannot compute on device '{device}' here ({reason}). "
                "Use device='cpu', or one that torch finds on this machine."
            ) from error
        if kernels not in KERNELS:
            raise InputError(f"kernels is {kernels!r}. {did_you_mean(str(kernels), KERNELS)}")
        self._limits = CPU if self.device.type == "cpu" else GPU
        if kernels == "triton":
            extra("triton", "the torch engine with kernels='triton'")
            self._limits = TRITON
        self.group, self.precision = self._limits.members, precision
        self._on_gpu = self.device.type == "cuda"
        self._threads, self._kernels = threads, kernels
        self._graphs = self._on_gpu if graphs is None else graphs
        self.stacks_one = self._graphs or kernels == "triton"
        self._shared_arrays = SharedArrays()

    def depends_on(self) -> dict[str, str]:
        about = {"torch": torch.__version__, "device": str(self.device)}
        if self.device.type == "cpu":
            about["CPU"] = torch.backends.cpu.get_cpu_capability()
            with TORCH_THREADS.limited(self._threads):
                about["torch threads"] = str(TORCH_THREADS.read())
        if self._kernels == "triton":
            about["kernels"] = f"Triton {extra('triton', 'these kernels').__version__}"
        if self._graphs:
            about["updates"] = "CUDA graphs"
        return about

    def put(self, array: Any) -> Any:
        # torch warns about read-only arrays, such as memory maps, and rejects negative strides.
        if not array.flags.writeable or min(array.strides, default=0) < 0:
            array = array.copy()
        return torch.from_numpy(array).to(self.device)

    def put_keys(self, keys: NDArray[np.uint32]) -> Any:
        return self.put(keys.astype(np.int64))

    def put_shared(self, array: Any) -> Any:
        return self._shared_arrays.put(array, self.put)

    def get(self, array: Any) -> NDArray[Any]:
        result: NDArray[Any] = array.cpu().numpy()
        return result

    @contextmanager
    def computing(self) -> Iterator[None]:
        on_device = torch.cuda.device(self.device) if self._on_gpu else nullcontext()
        with torch.inference_mode(), TORCH_THREADS.limited(self._threads), on_device:
            yield

    def updates(self, work: Work) -> Plain | Replayed:
        """What does the updates of stacked sessions."""
        step: Step = EquationsStep(work)
        if self._kernels == "triton":
            from backhand.engines.torch.triton_step import TritonStep, serves

            if serves(work):
                step = TritonStep(work)
        return Replayed(step, work) if self._graphs else Plain(step)

    def start(
        self,
        state: OptimizerState,
        data: Data,
        optimizer: Optimizer | None,
        objective: Objective = CROSS_ENTROPY,
        validation: Data | None = None,
    ) -> TorchSession:
        return TorchSession(self, state, data, optimizer, objective, validation)

    def advance_all(
        self, sessions: Sequence[Session], blocks: Sequence[Block]
    ) -> list[BlockMetrics]:
        check_group(sessions, blocks, self)
        ours: list[Any] = list(sessions)
        found: dict[int, BlockMetrics] = {}
        with self.computing():
            for members in groups(ours, blocks, self._limits):
                advance = advance_stacked if len(members) > 1 else advance_each
                figures = advance([ours[m] for m in members], [blocks[m] for m in members])
                found.update(zip(members, figures, strict=True))
        return [found[m] for m in range(len(ours))]


class TorchSession(ArraySession):
    """A training under way on the torch engine; on a GPU it is advanced as a stack of one."""

    _engine: TorchEngine

    def advance(self, block: Block) -> BlockMetrics:
        checked_optimizer(self._optimizer)
        check_block(block, self._data.rows, self._validation)
        if not self._engine.stacks_one or alike(self, block) is None:
            return super().advance(block)
        with self._engine.computing():
            return advance_stacked([self], [block])[0]
