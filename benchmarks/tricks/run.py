"""Which recipe makes the folded net best: measured on tables, all members of a table at once.

    python -m benchmarks.tricks.run FOLDER OUT [--workers 4] [--seconds 330] [--device cuda]

FOLDER contains a file NAME_SEED.npz per table and seed (see `encodings.load`). OUT receives a JSON
line for each table, seed and group of recipes. `python -m benchmarks.tricks.check` compares the
trainer with single trainings; `python -m benchmarks.tricks.summary OUT` prints the figures.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
import traceback
from pathlib import Path

import numpy as np


def cost(path: Path) -> float:
    """Expected cost of a table, in proportion."""
    with np.load(path) as file:
        rows, d = file["X"].shape
        return float(rows * (d + 3 * len(file["classes"]) + 40))


def seed_of(path: Path) -> int:
    return int(path.stem.rsplit("_", 1)[1])


def work(
    number: int, jobs: multiprocessing.Queue[Path | None], args: argparse.Namespace,
    deadline: float,
) -> None:  # fmt: skip
    import torch

    from . import fleet
    from .adam import check_kernel
    from .encodings import load
    from .recipes import all_recipes
    from .study import groups_of, study

    fleet.GRAPHS = not args.no_graphs

    torch.backends.cuda.matmul.allow_tf32 = False
    torch.set_num_threads(args.threads)
    if args.device == "cuda":
        check_kernel("cuda")
    recipes = all_recipes(args.random)
    if args.only:
        recipes = [recipe for recipe in recipes if recipe.name in args.only.split(",")]
    with (Path(args.out) / f"tricks-{number}.jsonl").open("a") as out:
        while (job := jobs.get()) is not None and time.time() < deadline:
            begun = time.time()
            for group in groups_of(recipes):
                if time.time() > deadline:
                    break
                try:
                    record = study(load(job), group, args.device)
                except Exception:
                    print(job, group[0].group, traceback.format_exc(limit=-4), flush=True)
                else:
                    out.write(json.dumps(record, separators=(",", ":")) + "\n")
                    out.flush()
            print(f"{job.stem} {time.time() - begun:.1f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--seeds", default="0,1,2,3,4")
    parser.add_argument("--random", type=int, default=30)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--no-graphs", action="store_true")
    parser.add_argument("--tables", default="")
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    deadline = time.time() + args.seconds
    args.out.mkdir(parents=True, exist_ok=True)
    paths = [
        path for path in args.folder.glob("*.npz") if str(seed_of(path)) in args.seeds.split(",")
    ]
    if args.tables:
        paths = [path for path in paths if path.stem.rsplit("_", 1)[0] in args.tables.split(",")]
    context = multiprocessing.get_context("spawn")
    jobs = context.Queue()
    for path in sorted(paths, key=lambda path: (min(3, seed_of(path)), -cost(path))):
        jobs.put(path)
    for _ in range(args.workers):
        jobs.put(None)
    workers = [
        context.Process(target=work, args=(i, jobs, args, deadline)) for i in range(args.workers)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


if __name__ == "__main__":
    main()
