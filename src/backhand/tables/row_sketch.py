"""A small digest of the rows that a model was trained on, by which such rows are recognised.

The sketch holds the k smallest of the hashes of the encoded rows: an even sample of them, however
many there are, in any order and in any file format. Of other rows, those whose hash lies in the
same range show which share was among them (bottom-k sketch: Cohen and Kaplan, 2007).
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.errors import InputError

SIZE = 512
"""k: number of hashes that are kept; 4 kB in the model file."""

FEWEST = 3
"""Rows in the range of the sketch below which nothing is estimated."""

MOST_BY_CHANCE, DEVIATIONS = 0.98, 3.0
"""Share by chance from which nothing is said; standard errors that a share must exceed."""

FINALISER = (np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53))
"""Multipliers of MurmurHash3's finaliser, which spreads each bit over all 64."""


TOGETHER = 2**12
"""Rows that are hashed together: their numbers stay in the second-level cache."""


def row_hashes(X: NDArray[np.float32], y: NDArray[np.integer[Any]]) -> NDArray[np.uint64]:
    """Return a hash (n,) of each row of X (n, d) and its class y (n,)."""
    rng = np.random.default_rng(0)  # the same odd multipliers for every table
    multipliers = rng.integers(0, 2**63, X.shape[1] + 1, dtype=np.uint64) * np.uint64(2)
    multipliers += np.uint64(1)
    found = np.empty(len(X), np.uint64)
    for start in range(0, len(X), TOGETHER):
        rows = slice(start, start + TOGETHER)
        found[rows] = _hashes(X[rows], y[rows], multipliers)
    return found


def _hashes(
    X: NDArray[np.float32], y: NDArray[np.integer[Any]], multipliers: NDArray[np.uint64]
) -> NDArray[np.uint64]:
    even = np.zeros((len(X), X.shape[1] + X.shape[1] % 2), np.float32)
    np.add(X, np.float32(0), out=even[:, : X.shape[1]])  # -0 becomes 0
    pairs = even.view(np.uint64)
    pairs ^= pairs >> np.uint64(32)  # or the first number of a pair would keep few of its bits
    found = y.astype(np.int64).view(np.uint64) * multipliers[-1]
    found += pairs @ multipliers[: pairs.shape[1]]
    for multiplier in FINALISER:
        found ^= found >> np.uint64(33)
        found *= multiplier
    found ^= found >> np.uint64(33)
    hashes: NDArray[np.uint64] = found
    return hashes


@dataclass(frozen=True)
class RowSketch:
    """The smallest hashes of a model's training rows.

    Attributes
    ----------
    hashes : ndarray of shape (n,)
        uint64, ascending and distinct; n is at most `SIZE`.
    by_chance : float
        The share of rows that were not trained on, and yet equal one that was: in a table of few
        and short columns it is high.
    """

    hashes: NDArray[np.uint64]
    by_chance: float = 0.0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RowSketch) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash(self.hashes.tobytes())

    def to_json(self) -> dict[str, Any]:
        """Return JSON values; the hashes as base64 of their bytes, the lowest first."""
        text = base64.b64encode(self.hashes.astype("<u8").tobytes()).decode()
        return {"hashes": text, "by_chance": self.by_chance}

    @classmethod
    def from_json(cls, value: Any) -> RowSketch:
        """Return the sketch that `to_json` wrote.

        Raises
        ------
        InputError
            If it is none; the message is a clause.
        """
        wrong = InputError("its digest of training rows is not what Backhand writes")
        if not isinstance(value, dict) or set(value) != {"hashes", "by_chance"}:
            raise wrong
        text, by_chance = value["hashes"], value["by_chance"]
        if type(by_chance) not in (int, float) or not 0 <= by_chance <= 1:
            raise wrong
        if not isinstance(text, str) or len(text) > 4 * (8 * SIZE // 3 + 1):
            raise wrong
        try:
            raw = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise wrong from error
        if len(raw) % 8:
            raise wrong
        hashes = np.frombuffer(raw, "<u8").astype(np.uint64)
        if not (hashes[1:] > hashes[:-1]).all():
            raise wrong
        return cls(hashes, float(by_chance))


class Sketching:
    """Adds up the sketch of rows that come in several parts."""

    def __init__(self) -> None:
        self._smallest = np.zeros(0, np.uint64)

    def add(self, X: NDArray[np.float32], y: NDArray[np.integer[Any]]) -> None:
        """Add further rows X (n, d) of classes y (n,)."""
        self._take(row_hashes(X, y))

    def merge(self, sketch: RowSketch) -> None:
        """Add the rows of another sketch."""
        self._take(sketch.hashes)

    def _take(self, hashes: NDArray[np.uint64]) -> None:
        least = SIZE
        if len(self._smallest) == SIZE:
            hashes = hashes[hashes < self._smallest[-1]]
        hashes = np.concatenate([self._smallest, hashes])
        self._smallest = np.unique(hashes[:0])
        while len(self._smallest) < min(SIZE, least):
            least *= 4  # equal rows have equal hashes
            some = np.partition(hashes, least)[:least] if least < len(hashes) else hashes
            self._smallest = np.unique(some)[:SIZE]
            least = least if least < len(hashes) else 0

    def result(self) -> RowSketch:
        """Return the sketch of all rows so far."""
        return RowSketch(self._smallest)


class Repeats:
    """Counts which share of the rows of a sketch equal another one of them."""

    def __init__(self, sketch: RowSketch) -> None:
        self._hashes = sketch.hashes
        self._rows = np.zeros(len(sketch.hashes), np.int64)

    def add(self, X: NDArray[np.float32], y: NDArray[np.integer[Any]]) -> None:
        """Count rows X (n, d) of classes y (n,), which were added to the sketch."""
        hashes = row_hashes(X, y)
        places = np.searchsorted(self._hashes, hashes[hashes <= self._hashes[-1]])
        self._rows += np.bincount(places, minlength=len(self._rows))

    def merge(self, other: Repeats) -> None:
        """Add the rows that another one counted for the same sketch."""
        self._rows += other._rows

    @property
    def share(self) -> float:
        """The share of the rows, from 0 to 1."""
        return 1 - float((self._rows == 1).sum()) / max(1, int(self._rows.sum()))


class Overlap:
    """Counts which share of some rows is among the rows of a sketch."""

    def __init__(self, sketch: RowSketch) -> None:
        self._sketch = sketch
        self._found = self._comparable = 0

    def add(self, X: NDArray[np.float32], y: NDArray[np.integer[Any]]) -> None:
        """Count further rows X (n, d) of classes y (n,)."""
        hashes, known = row_hashes(X, y), self._sketch.hashes
        if len(known) == SIZE:
            hashes = hashes[hashes <= known[-1]]
        self._comparable += len(hashes)
        self._found += int(np.isin(hashes, known).sum())

    def merge(self, other: Overlap) -> None:
        """Add the rows that another one counted for the same sketch."""
        self._comparable += other._comparable
        self._found += other._found

    @property
    def equal(self) -> float:
        """The share of the rows that equal one of the sketch; nan if too few can be compared."""
        return self._found / self._comparable if self._comparable >= FEWEST else float("nan")

    @property
    def share(self) -> float:
        """The estimated share of the rows that are in the sketch and do not only equal one.

        0 if it may be chance; nan if too few rows can be compared.
        """
        chance = self._sketch.by_chance
        if not self.equal > chance or chance >= MOST_BY_CHANCE:
            return self.equal * 0
        share = (self.equal - chance) / (1 - chance)
        error = float(np.sqrt(chance * (1 - chance) / self._comparable)) / (1 - chance)
        return share if share > DEVIATIONS * error else 0.0
