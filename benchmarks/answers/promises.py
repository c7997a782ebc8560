"""What Backhand promises of its answers, judged by the measured rows; and the tables of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import fmean
from typing import Any, NamedTuple

OURS = "Backhand"
BASE = "base rate"
LINEAR = "LogisticRegression"
MLPS = ("MLPClassifier", "MLPClassifier, early")
WORSE_THAN_BASE, BELOW_MAJORITY, BETTER, CALIBRATED = 0.01, 0.005, 0.005, 0.03


class Means:
    """Means over seeds of each measure, by contender and table."""

    def __init__(self, rows: Iterable[dict[str, Any]]) -> None:
        self._values: dict[tuple[str, str, str], list[float]] = {}
        self.contenders: list[str] = []
        self.tables: list[str] = []
        self._seeds: dict[str, set[int]] = {}
        for row in rows:
            for known, name in ((self.contenders, row["contender"]), (self.tables, row["table"])):
                if name not in known:
                    known.append(name)
            at = row["contender"], row["table"]
            self._seeds.setdefault(row["contender"], set()).add(row["seed"])
            for measure, value in row.items():
                if isinstance(value, float):
                    self._values.setdefault((measure, *at), []).append(value)

    def of(self, measure: str, contender: str, table: str) -> float | None:
        """The mean over the seeds that were run, None if there are none."""
        values = self._values.get((measure, contender, table))
        return fmean(values) if values else None

    def seeds_of(self, contender: str) -> str:
        """The seeds that it was run with on any table."""
        return ", ".join(map(str, sorted(self._seeds[contender])))

    def common(self, measure: str, contenders: Sequence[str]) -> list[str]:
        """The tables for which all of the contenders have the measure."""
        return [
            t for t in self.tables if all(self.of(measure, c, t) is not None for c in contenders)
        ]

    def over(self, measure: str, contender: str, tables: Sequence[str]) -> float:
        """The mean over tables, each with the same weight."""
        return fmean(self._of(measure, contender, table) for table in tables)

    def _of(self, measure: str, contender: str, table: str) -> float:
        found = self.of(measure, contender, table)
        assert found is not None
        return found

    def differences(self, measure: str, ours: str, other: str) -> dict[str, float]:
        """Ours less the other's, by table."""
        return {
            table: self._of(measure, ours, table) - self._of(measure, other, table)
            for table in self.common(measure, (ours, other))
        }


class Promise(NamedTuple):
    """What was promised, whether it is kept, and by what figures."""

    what: str
    is_kept: bool
    figures: str


def promises(means: Means, ours: str) -> list[Promise]:
    """Judge the promises whose measures the contenders have on common tables."""
    judged = [
        *(mean_loss(means, ours, other) for other in (LINEAR, *MLPS)),
        on_each_table(means, ours, "loss", f"log loss above the base rate's by {WORSE_THAN_BASE}",
                      lambda difference: difference > WORSE_THAN_BASE),
        on_each_table(means, ours, "accuracy",
                      f"accuracy below the majority's by {100 * BELOW_MAJORITY} points",
                      lambda difference: difference < -BELOW_MAJORITY),
        *(mean_accuracy(means, ours, other) for other in MLPS),
        total_time(means, ours, MLPS[0]),
        mean_calibration(means, ours),
    ]  # fmt: skip
    return [promise for promise in judged if promise is not None]


def mean_loss(means: Means, ours: str, other: str) -> Promise | None:
    if not (tables := means.common("loss", (ours, other))):
        return None
    a, b = (means.over("loss", name, tables) for name in (ours, other))
    above = [t for t, value in means.differences("loss", ours, other).items() if value > 0]
    figures = f"{a:.4f}, {b:.4f}; above on {len(above)} of {len(tables)} tables"
    return Promise(f"mean log loss below {other}'s", a < b, figures)


def on_each_table(
    means: Means, ours: str, measure: str, what: str, breaks: Callable[[float], bool]
) -> Promise | None:
    if not (above := means.differences(measure, ours, BASE)):
        return None
    broken = [f"{table} {value:+.4f}" for table, value in above.items() if breaks(value)]
    values = above.values()
    figures = ", ".join(broken) or f"from {min(values):+.4f} to {max(values):+.4f}"
    return Promise(f"{what} on no table", not broken, figures)


def mean_accuracy(means: Means, ours: str, other: str) -> Promise | None:
    if not (tables := means.common("accuracy", (ours, other))):
        return None
    a, b = (100 * means.over("accuracy", name, tables) for name in (ours, other))
    what = f"mean accuracy above {other}'s by {100 * BETTER} points"
    return Promise(what, a - b >= 100 * BETTER, f"{a:.2f}, {b:.2f}: {a - b:+.2f}")


def total_time(means: Means, ours: str, other: str) -> Promise | None:
    if not (tables := means.common("seconds", (ours, other))):
        return None
    a, b = (len(tables) * means.over("seconds", name, tables) for name in (ours, other))
    return Promise(f"total time at most {other}'s", a <= b, f"{a:.1f} s, {b:.1f} s a seed")


def mean_calibration(means: Means, ours: str) -> Promise | None:
    if not (tables := means.common("calibration", (ours,))):
        return None
    a = means.over("calibration", ours, tables)
    what = f"mean calibration error below {CALIBRATED}"
    return Promise(what, a < CALIBRATED, f"{a:.4f} on {len(tables)} tables")
