"""Which recipe makes the folded net best: measured on tables, all members of a table at once.

    python -m benchmarks.tricks.run FOLDER OUT [--recipes finalists] [--workers 6] [--device cuda]

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


def jobs_of(folder: Path, parts: list[str], tables: str) -> list[list[Path]]:
    """Files by table and part of the seeds; the costly first within a part."""
    names = {path.stem.rsplit("_", 1)[0] for path in folder.glob("*.npz")}
    found = []
    for part in parts:
        jobs = [
            [path for seed in part.split(",") if (path := folder / f"{name}_{seed}.npz").exists()]
            for name in (names & set(tables.split(",")) if tables else names)
        ]
        found += sorted((job for job in jobs if job), key=lambda job: -cost(job[0]))
    return found


def work(
    number: int, jobs: multiprocessing.Queue[list[Path] | None], args: argparse.Namespace,
    deadline: float,
) -> None:  # fmt: skip
    import torch

    from . import fleet
    from .adam import check_kernel
    from .encodings import load
    from .recipes import all_recipes, finalists
    from .study import groups_of, study

    fleet.GRAPHS = not args.no_graphs

    torch.backends.cuda.matmul.allow_tf32 = False
    torch.set_num_threads(args.threads)
    if args.device == "cuda":
        check_kernel("cuda")
    recipes = finalists() if args.recipes == "finalists" else all_recipes(args.random)
    if args.only:
        recipes = [recipe for recipe in recipes if recipe.name in args.only.split(";")]
    with (Path(args.out) / f"tricks-{number}.jsonl").open("a") as out:
        while (job := jobs.get()) is not None and time.time() < deadline:
            begun = time.time()
            for group in groups_of(recipes):
                if time.time() > deadline:
                    break
                try:
                    records = study([load(path) for path in job], group, args.device)
                except Exception:
                    print(job, group[0].group, traceback.format_exc(limit=-4), flush=True)
                else:
                    for record in records:
                        out.write(json.dumps(record, separators=(",", ":")) + "\n")
                    out.flush()
            print(" ".join(path.stem for path in job), f"{time.time() - begun:.1f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--seeds", default="0,1,2 3,4", help="those of a part train together")
    parser.add_argument("--recipes", default="all", choices=("all", "finalists"))
    parser.add_argument("--random", type=int, default=30)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--no-graphs", action="store_true")
    parser.add_argument("--tables", default="")
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    deadline = time.time() + args.seconds
    args.out.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("spawn")
    jobs = context.Queue()
    for job in jobs_of(args.folder, args.seeds.split(), args.tables):
        jobs.put(job)
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
