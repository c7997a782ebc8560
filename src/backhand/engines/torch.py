"""The torch engine: the same equations on tensors, on the CPU or a GPU. No autograd: the tensors
never require grad, and everything runs in inference mode.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.engines.arrays import ArrayEngine
from backhand.errors import InputError
from backhand.extras import extra

torch = extra("torch")


class TorchEngine(ArrayEngine):
    """The equations on torch tensors, on `device`; `threads` are torch's own, on the CPU."""

    name = "torch"

    def __init__(self, device: str = "cpu", threads: int | None = None) -> None:
        try:
            self.device = torch.device(device)
            torch.empty(0, device=self.device)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(
                f"torch cannot compute on device '{device}' here ({reason}). "
                "Take device='cpu', or one that torch finds on this machine."
            ) from error
        self._threads = threads

    def put(self, array: Any, dtype: Any = None) -> Any:
        if isinstance(array, np.ndarray):
            array = np.asarray(array, dtype)
            # torch cannot hold a read-only array (a memory map, say) without warning of it.
            array = torch.from_numpy(array if array.flags.writeable else array.copy())
        return torch.as_tensor(array, device=self.device)

    def get(self, array: Any) -> NDArray[Any]:
        result: NDArray[Any] = array.cpu().numpy()
        return result

    @contextmanager
    def computing(self) -> Iterator[None]:
        before = torch.get_num_threads()
        with torch.inference_mode():
            if self._threads is None or self._threads == before:
                yield
                return
            torch.set_num_threads(self._threads)
            try:
                yield
            finally:
                torch.set_num_threads(before)
