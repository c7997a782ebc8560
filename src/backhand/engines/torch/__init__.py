"""The torch engine: the equations on tensors, one session or many at a time, on the CPU or a GPU.

`engine` is the engine; `groups` which sessions are advanced as one; `stack` their tensors and a
block of their updates, each of which is a step: that of the equations (`equations_step`) or of
kernels written for it (`triton_step`, `triton_kernels`). `graphs` replays steps as CUDA graphs.
"""

from __future__ import annotations

from backhand.engines.torch.engine import TORCH_THREADS, TorchEngine

__all__ = ["TORCH_THREADS", "TorchEngine"]
