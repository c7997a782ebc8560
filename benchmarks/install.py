"""Time and disk space of an installation: from pip to the first model of a table.

    python benchmarks/install.py
    python benchmarks/install.py --wheel dist/backhand-0.1.0-py3-none-any.whl

installs the wheel into empty environments, the core alone and with the extras of `make demo`: once
cold, with no cache, so that everything is downloaded, and once from a folder of the same wheels,
without a network. Then it imports Backhand or, with the extras, trains a first model from a CSV
file: the first run compiles the kernels. Seconds depend on the network and the disk, megabytes do
not. A megabyte is 10^6 bytes; the bytecode that pip writes is included.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.metadata import Distribution
from pathlib import Path

ROOT = Path(__file__).parents[1]
PENGUINS = ROOT / "examples" / "penguins.csv"
EXTRAS = ("", "fast,tables")
TRAIN = ("train", str(PENGUINS), "--target", "species", "--output", "first.safetensors")


def timed(command: list[str], cwd: Path, **environment: str) -> float:
    """Seconds that a command takes; its output is shown if it fails."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "BACKHAND_"))}
    began = time.perf_counter()
    done = subprocess.run(
        command, cwd=cwd, env=inherited | environment, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return time.perf_counter() - began


def environment_in(folder: Path) -> Path:
    """The Python of a new environment, without pip."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder / "bin" / "python"


def sizes(python: Path) -> dict[str, float]:
    """Megabytes of each package, bytecode included, the largest first."""
    site = next((python.parents[1] / "lib").glob("python*/site-packages"))
    found = {}
    for information in site.glob("*.dist-info"):
        package = Distribution.at(information)
        files = {Path(package.locate_file(file)) for file in package.files or ()}
        total = sum(file.stat().st_size for file in files if file.is_file())
        found[package.metadata["Name"]] = total / 1e6
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def measured(wheel: Path, extras: str, folder: Path) -> dict[str, object]:
    """Both installations of one choice of extras, and what follows the first."""
    what = f"{wheel}[{extras}]" if extras else str(wheel)
    python, offline = environment_in(folder / "cold"), environment_in(folder / "offline")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-cache-dir"]
    wheels = folder / "wheels"
    seconds = {"pip, cold": timed([*pip, "--python", str(python), "install", what], folder)}
    timed([*pip, "--python", str(python), "download", "--dest", str(wheels), what], folder)
    given = ["--no-index", "--find-links", str(wheels), what]
    seconds["pip, downloaded before"] = timed(
        [*pip, "--python", str(offline), "install", *given], folder
    )
    home = {"HOME": str(folder), "BACKHAND_CACHE_DIR": str(folder / "kernels")}
    if extras:
        for name in ("first model", "second model"):
            seconds[name] = timed([str(python), "-m", "backhand", *TRAIN], folder, **home)
    else:
        script = "import backhand; backhand.init(4, 8, 3)"
        for name in ("first import", "second import"):
            seconds[name] = timed([str(python), "-c", script], folder, **home)
    downloaded = sum(file.stat().st_size for file in wheels.iterdir())
    return {"seconds": seconds, "downloaded": downloaded / 1e6, "packages": sizes(python)}


def show(extras: str, found: dict) -> None:
    packages, seconds = found["packages"], found["seconds"]
    print(f"\nbackhand{f'[{extras}]' if extras else ''}: {len(packages)} packages, "
          f"{sum(packages.values()):.0f} MB, {found['downloaded']:.0f} MB downloaded")  # fmt: skip
    print("| step | s |\n|---|---:|")
    for name, value in seconds.items():
        print(f"| {name} | {value:.1f} |")
    print("\n| package | MB |\n|---|---:|")
    for name, value in packages.items():
        if value >= 0.5:
            print(f"| {name} | {value:.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--wheel", type=Path, help="it is built if it is not given")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        top, wheel = Path(temporary), options.wheel
        if wheel is None:
            pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(top)]
            timed([*pip, str(ROOT)], top)
            wheel = next(top.glob("*.whl"))
        found = {}
        for extras in EXTRAS:
            (folder := top / (extras or "core").replace(",", "-")).mkdir()
            found[extras] = measured(wheel.resolve(), extras, folder)
            show(extras, found[extras])
    if options.json:
        options.json.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
