"""Writes thirty tables as people have them: `python make_files.py FOLDER`.

They are data that packages ship, some as they are and most with the dirt that such files pick up.
`expected.json` says what is messy in each. The random numbers come from the file's name, so that
each run writes the same bytes.
"""

import random
import sys
from importlib import import_module
from pathlib import Path

from dirt import FILES


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("Usage: python make_files.py FOLDER")
    folder = Path(sys.argv[1])
    for half in "development", "unseen":
        import_module(half)  # which registers its files
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in FILES.items():
        path = folder / name
        path.unlink(missing_ok=True)
        make(path, random.Random(name))
    print(f"{len(FILES)} files in {folder}")


if __name__ == "__main__":
    main()
