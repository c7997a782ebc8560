"""Train on the newest table, and put the model into service if it is better than the one there.

    python retrain.py TABLES MODELS --target COLUMN

TABLES has a CSV file for each day, such as 2026-11-24.csv, with all rows up to that day and their
dates in a column `day`. The rows of that day itself are new to every model: they are not trained
on, and decide between the new model and MODELS/current.safetensors. Run it as often as you like:
what is done is not repeated, and what was killed is resumed.
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

import backhand


def main() -> None:
    options = arguments()
    options.models.mkdir(parents=True, exist_ok=True)
    table = max(options.tables.glob("*.csv"), key=lambda path: path.stem)
    record = options.models / f"{table.stem}.json"
    if record.exists():
        print(f"{table.name}: done before")
        return
    candidate = train(table, options)
    current = options.models / "current.safetensors"
    losses = {"candidate": evaluate(candidate, table)}
    if current.exists():
        losses["current"] = evaluate(current, table)
    # Equal: the same model, put into service by a call that was killed before it wrote its record.
    better = losses["candidate"] <= losses.get("current", float("inf"))
    if better:
        replace(current, candidate)
    write(record, json.dumps({"losses": losses, "in_service": better}))
    keep_last(options.models, options.keep)
    figures = ", ".join(f"{name} {loss:.4f}" for name, loss in losses.items())
    print(f"{table.name}: loss on new rows: {figures}; {'replaced' if better else 'kept'}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tables", type=Path)
    parser.add_argument("models", type=Path)
    parser.add_argument("--target", required=True)
    parser.add_argument("--keep", type=int, default=3, help="models to keep beside the current one")
    parser.add_argument("--every", default="30s", help="between checkpoints")
    return parser.parse_args()


def train(table: Path, options: argparse.Namespace) -> Path:
    """Train on the rows before the table's day, from the checkpoint of a run that was killed."""
    candidate = options.models / f"{table.stem}.safetensors"
    folder = options.models / f"{table.stem}.checkpoint"
    if not candidate.exists():  # it is written whole or not at all
        model = backhand.fit(
            table, options.target,
            query=f"SELECT * EXCLUDE (day) FROM data WHERE day < '{table.stem}'",
            checkpoint=backhand.Checkpoint(folder, options.every, resume=True),
        )  # fmt: skip
        backhand.save(model, candidate)
    shutil.rmtree(folder, ignore_errors=True)
    return candidate


def evaluate(model: Path, table: Path) -> float:
    """The mean loss on the rows of the table's day."""
    new = f"SELECT * FROM data WHERE day >= '{table.stem}'"
    command = [sys.executable, "-m", "backhand", "evaluate", model, table, "--query", new, "--json"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)["loss"]


def replace(current: Path, candidate: Path) -> None:
    """Exchange the model in service in one step: a reader sees the old file or the new one."""
    copy = current.with_suffix(".new")
    shutil.copy(candidate, copy)
    copy.replace(current)


def write(path: Path, text: str) -> None:
    whole = path.with_suffix(".new")
    whole.write_text(text, encoding="utf-8")
    whole.replace(path)


def keep_last(models: Path, number: int) -> None:
    """Remove all but the last models; the records of all days stay."""
    dated = sorted(models.glob("[0-9]*.safetensors"))
    for old in dated[: max(len(dated) - number, 0)]:
        old.unlink()


if __name__ == "__main__":
    try:
        main()
    except backhand.BackhandError as error:
        sys.exit(f"retrain.py: {error}")
