"""An update of stacked sessions by the equations.

`torch.func.vmap` maps one update of one session over the members: the equations and the update
rules are those that a session alone computes with, and their products become batched ones.
"""

from __future__ import annotations

from typing import Any

from backhand.dropout import mask_of
from backhand.engines.array_engine import Tensors, updated
from backhand.engines.contract import Data
from backhand.engines.torch.arrays import over_sessions, weights_of
from backhand.engines.torch.work import Numbers, Work, leaves
from backhand.support.optional import extra

torch = extra("torch", "the torch engine")


class EquationsStep:
    """The equations, for any sizes and dtype."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def __call__(self, count: int) -> None:
        work = self._work
        now = work.counter[:1]
        batch = work.rows.at(_places(work, now, count), work.tensors.theta.W1.dtype)
        arguments = batch, work.tensors, _numbers(work.numbers, now)
        tensors, loss, accuracy = over_sessions(self._updated, *arguments)(*arguments)
        self._keep(now, tensors, loss, accuracy, weights_of(batch))

    def _updated(self, batch: Data, tensors: Tensors, numbers: Numbers) -> tuple[Tensors, Any, Any]:
        """One update of one member."""
        eta, _, l2, t, key, least, factor = numbers
        mask = None
        if key is not None:
            b1 = tensors.theta.b1
            mask = mask_of(key, batch.rows, b1.shape[0], least, factor, b1.dtype)
        work = self._work
        return updated(
            work.passes, work.optimizer, work.objective, tensors, batch, eta, l2, t, mask
        )

    def _keep(self, now: Any, tensors: Tensors, loss: Any, accuracy: Any, weights: Any) -> None:
        """Write what the update found, for the members that still change, and count it."""
        work = self._work
        if not isinstance(weights, torch.Tensor):
            weights = torch.full_like(accuracy, weights)
        figures = [value.to(torch.float64) for value in (loss, accuracy, weights)]
        work.figures.index_copy_(0, now, torch.stack(figures, dim=1)[None])
        for old, new in zip(leaves(work.tensors), leaves(tensors), strict=True):
            going = work.going.view(-1, *[1] * (old.ndim - 1))
            torch.where(going, new, old, out=old)
        work.failed.logical_or_(~torch.isfinite(loss))
        work.counter.add_(1)
        ended = work.counter % work.epochs.batches == 0
        work.going.logical_and_(~(work.failed & ended))


def _places(work: Work, now: Any, count: int) -> Any:
    """Where in X the rows of this batch are, as `StackedRows.at` takes it."""
    epochs, places = work.epochs, work.places
    if places is None and epochs.batches == 1:
        return slice(None)
    start = now % epochs.batches * epochs.batch_size
    if epochs.ordered:
        start = start + now // epochs.batches * epochs.rows
    here = start + torch.arange(count, device=now.device)
    return here if places is None else places.index_select(1, here)


def _numbers(numbers: Numbers, now: Any) -> Numbers:
    """The numbers of this update, (M,) each."""
    chosen = {
        name: value.index_select(0, now)[0]
        for name, value in numbers._asdict().items()
        if isinstance(value, torch.Tensor) and value.ndim == 2
    }
    return numbers._replace(**chosen)
