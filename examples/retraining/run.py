"""Simulate three nights of retrain.py: a first model, a better one after a kill, and a worse one.

    python run.py [FOLDER]

FOLDER keeps what is made; by default it is a temporary one.
"""

import csv
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
DAYS = {"2026-11-22": 200, "2026-11-23": 2000, "2026-11-24": 2000, "2026-11-25": 2000}
"""The new rows of each day. The first night trains on those of the first day alone."""

KEPT = 2
NAMES = ("day", "hours", "heat", "noise", "service_due")


def main(folder: Path) -> None:
    tables, models = folder / "tables", folder / "models"
    tables.mkdir(parents=True, exist_ok=True)
    rows = make_rows()
    first, second, third = list(DAYS)[1:]

    write_table(tables, first, rows)
    assert outcome(tables, models, first) is True

    write_table(tables, second, rows)
    kill_while_training(tables, models, second)
    assert outcome(tables, models, second) is True
    compare_with_a_night_without_a_kill(tables, models, second, folder / "undisturbed")

    # An export that went wrong: the labels of all rows but the new ones are shuffled.
    write_table(tables, third, rows, shuffled=True)
    assert outcome(tables, models, third) is False

    assert outcome(tables, models, third) is False  # once more: nothing is left to do
    assert digest(models / "current.safetensors") == digest(models / f"{second}.safetensors")
    assert [path.stem for path in sorted(models.glob("2*.safetensors"))] == [second, third]
    assert not [*models.glob("*.checkpoint"), *models.glob("*.new")]


def make_rows() -> dict[str, list[list]]:
    """Machines that need service, or not: the rows of each day."""
    rng = np.random.default_rng(0)
    rows = {}
    for day, number in DAYS.items():
        hours, heat, noise = rng.uniform(0, 1, (3, number)).round(4)
        log_odds = 25 * (hours * heat - 0.3) + 4 * (noise - 0.5)
        due = np.where(rng.random(number) < 1 / (1 + np.exp(-log_odds)), "yes", "no")
        rows[day] = [[day, *values] for values in zip(hours, heat, noise, due, strict=True)]
    return rows


def write_table(tables: Path, day: str, rows: dict, shuffled: bool = False) -> None:
    """The table of a day: all rows up to it."""
    old = [row for earlier in DAYS if earlier < day for row in rows[earlier]]
    if shuffled:
        labels = np.random.default_rng(1).permutation([row[-1] for row in old])
        old = [[*row[:-1], label] for row, label in zip(old, labels, strict=True)]
    with (tables / f"{day}.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([NAMES, *old, *rows[day]])


def command(tables: Path, models: Path) -> list[str]:
    """What cron would call, with more frequent checkpoints."""
    return [sys.executable, str(HERE / "retrain.py"), str(tables), str(models),
            "--target", "service_due", "--keep", str(KEPT), "--every", "0.1s"]  # fmt: skip


def outcome(tables: Path, models: Path, day: str) -> bool:
    """Run a night to its end; return whether its model was put into service."""
    done = subprocess.run(command(tables, models), check=True, stdout=subprocess.PIPE, text=True)
    print(done.stdout, end="")
    return json.loads((models / f"{day}.json").read_text(encoding="utf-8"))["in_service"]


def kill_while_training(tables: Path, models: Path, day: str) -> None:
    """Kill a night as soon as it has a checkpoint; the model in service stays as it was."""
    before = digest(models / "current.safetensors")
    process = subprocess.Popen(command(tables, models))
    while not list(models.glob(f"{day}.checkpoint/*/*.safetensors")):
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert not (models / f"{day}.safetensors").exists()
    assert digest(models / "current.safetensors") == before
    print(f"{day}.csv: killed while training")


def compare_with_a_night_without_a_kill(tables: Path, models: Path, day: str, other: Path) -> None:
    """Train in another folder without a kill: the same bytes."""
    assert outcome(tables, other, day) is True
    assert digest(other / f"{day}.safetensors") == digest(models / f"{day}.safetensors")
    print(f"{day}.csv: resumed, the model has the same bytes as without the kill")


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]).resolve())
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
