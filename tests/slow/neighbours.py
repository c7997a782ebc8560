"""Predict the rows of random small tables in many ways, and count where two ways differ.

    python tests/slow/neighbours.py [--tables 2000] [--seed 0]

`neighbour_checks.py` says which ways. Prints the seeds of tables that differ, and how many did.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from helpers.neighbour_checks import check_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    differences = ways = 0
    for seed in range(given.seed, given.seed + given.tables):
        with tempfile.TemporaryDirectory() as name:
            try:
                ways += check_table(seed, Path(name))
            except Exception as error:
                differences += 1
                print(f"seed {seed}: {type(error).__name__}: {error}", flush=True)
    print(f"{given.tables} tables, {ways} comparisons, differences {differences}")
    sys.exit(bool(differences))


if __name__ == "__main__":
    main()
