"""An update of stacked sessions by the kernels of `triton_kernels`."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any, NamedTuple

from backhand.engines.array_engine import PASSES
from backhand.engines.torch import triton_kernels as kernels
from backhand.engines.torch.work import Work
from backhand.support.optional import extra

torch = extra("torch", "the torch engine")

MOST_CLASSES, MOST_TILES = 128, 4096
"""A row's logits are one tile's width; the sums of all tiles are added by one program."""

ENOUGH = 256
"""So many programs, about two for each processor of a large GPU, may have larger tiles."""


class Tiles(NamedTuple):
    """Sides of tiles: powers of 2, as `tl.dot` asks for them, from 16 on.

    They depend on the sizes alone, since the order of sums depends on them.

    Attributes
    ----------
    N, H : int
        Rows and hidden units of a tile.
    R, D : int
        Rows and features that a step of a sum adds.
    K : int
        All classes.
    """

    N: int
    R: int
    D: int
    H: int
    K: int

    @classmethod
    def of(cls, members: int, count: int, d: int, H: int, K: int) -> Tiles:
        """Those of a batch of that many rows, so small that there are programs for a device."""
        programs = members * -(-count // 64) * -(-H // 64)
        largest = 64 if programs >= ENOUGH and K <= 16 else 32
        steps = 32 if K <= 32 else 16  # with many classes, the registers are theirs
        return cls(
            side(count, largest), side(count, steps), side(d, 32), side(H, largest),
            side(K, MOST_CLASSES),
        )  # fmt: skip


def side(size: int, most: int) -> int:
    """The smallest power of 2 that covers a size, from 16 to `most`."""
    return int(min(most, max(16, covering(size))))


def covering(size: int) -> int:
    """The smallest power of 2 that is not smaller."""
    return 1 << max(0, size - 1).bit_length()


def serves(work: Work) -> bool:
    """Whether the kernels compute these sizes, this dtype and this precision."""
    (_, d, H), K = work.tensors.theta.W1.shape, work.tensors.theta.b2.shape[1]
    tiles = math.ceil(d / 16) * math.ceil(H / 16), math.ceil(work.epochs.batch_size / 16)
    float32 = work.tensors.theta.W1.dtype == torch.float32
    return bool(
        float32 and work.passes is PASSES["auto"] and K <= MOST_CLASSES and max(tiles) <= MOST_TILES
    )


class Launch(NamedTuple):
    """A kernel, how many programs of it there are, and its arguments by name."""

    kernel: Any
    grid: tuple[int, int]
    arguments: dict[str, Any]


class TritonStep:
    """The kernels, for float32 parameters."""

    def __init__(self, work: Work) -> None:
        self._work = work
        _, self._d, self._H = work.tensors.theta.W1.shape
        self._K = work.tensors.theta.b2.shape[1]
        self._launches: dict[int, list[Launch]] = {}

    def __call__(self, count: int) -> None:
        if count not in self._launches:
            self._launches[count] = self._prepared(count)
        for launch in self._launches[count]:
            launch.kernel[launch.grid](**launch.arguments, enable_fp_fusion=True)

    def _prepared(self, count: int) -> list[Launch]:
        """The five kernels for a batch of that many rows."""
        M = self._work.members
        tiles = Tiles.of(M, count, self._d, self._H, self._K)
        n, h = -(-count // tiles.N), -(-self._H // tiles.H)
        f_h = -(-self._d // tiles.D) * h
        values = self._fixed | self._scratch(count, tiles, n, f_h, h) | {
            "count": count, "tiles_n": n, "tiles_1": f_h, "tiles_2": h,
            **{f"B_{name}": value for name, value in tiles._asdict().items()},
            "B_T": covering(n), "B_1": covering(f_h), "B_2": covering(h),
        }  # fmt: skip
        programs = [
            (kernels.hidden, n * h), (kernels.softmax_loss, n), (kernels.layer_1, f_h),
            (kernels.layer_2, h), (kernels.finish, 1),
        ]  # fmt: skip
        return [
            Launch(kernel, (count_of, M), {name: values[name] for name in kernel.arg_names})
            for kernel, count_of in programs
        ]

    def _scratch(self, count: int, tiles: Tiles, n: int, f_h: int, h: int) -> dict[str, Any]:
        """What one kernel leaves for the next."""
        M = self._work.members

        def empty(*shape: int, dtype: Any = torch.float32) -> Any:
            return torch.empty(M, *shape, dtype=dtype, device=self._work.counter.device)

        return {
            "H1": empty(count, self._H), "D": empty(count, tiles.K),
            "sums": empty(n, 3, dtype=torch.float64),
            "squares_1": empty(f_h, dtype=torch.float64),
            "squares_2": empty(h, dtype=torch.float64),
        }  # fmt: skip

    @cached_property
    def _fixed(self) -> dict[str, Any]:
        """The kernels' arguments, by name, that are those of all updates."""
        work, unused = self._work, self._work.counter
        rows, epochs, numbers = work.rows, work.epochs, work.numbers
        weights, places = rows.weights, work.places
        penalised, dropout = isinstance(numbers.l2, torch.Tensor), numbers.key is not None
        c_0, c_1, c_2, *_ = *work.optimizer.constants(), 0.0, 0.0, 0.0
        return self._parameters() | {
            "members": work.members, "d": self._d, "H": self._H, "K": self._K,
            "X": rows.X, "X_row": rows.X.stride(0), "X_column": rows.X.stride(1), "y": rows.y,
            "weights": unused if weights is None else weights,
            "weights_row": 0 if weights is None else weights.stride(0),
            "places": unused if places is None else places,
            "places_row": 0 if places is None else places.stride(0),
            "epoch_rows": epochs.rows, "batch_size": epochs.batch_size, "batches": epochs.batches,
            "rate": numbers.rate, "l2": numbers.l2 if penalised else unused,
            "key": numbers.key if dropout else unused,
            "least": numbers.threshold if dropout else unused,
            "factor": numbers.scale if dropout else unused,
            "loss_cap": work.objective.loss_cap, "c_0": c_0, "c_1": c_1, "c_2": c_2,
            "counter": work.counter, "going": work.going, "failed": work.failed,
            "figures": work.figures,
            "ORDERED": epochs.ordered, "HAS_PLACES": places is not None,
            "WEIGHTED": weights is not None, "PENALISED": penalised, "DROPOUT": dropout,
            "CAPPED": work.objective.loss_cap < math.inf,
            "FIXED": work.objective.first_class_fixed, "RULE": work.optimizer.name,
        }  # fmt: skip

    def _parameters(self) -> dict[str, Any]:
        """θ by name, and the optimizer's slots as W1_0 and W1_1; θ itself where it has none."""
        theta, slots = self._work.tensors.theta, self._work.tensors.slots
        found = theta._asdict()
        for number in range(2):
            values = slots[number] if number < len(slots) else theta
            found |= {f"{name}_{number}": value for name, value in values._asdict().items()}
        return found
