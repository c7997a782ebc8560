"""The applications in `examples` that need more than Python: the page that npm and Chromium run.

`make examples` runs the rest of them.
"""

import shutil
import subprocess
import sys

import pytest

from conftest import ROOT

pytestmark = pytest.mark.slow


def test_onnx_in_a_browser_predicts_what_the_model_predicts(tmp_path) -> None:
    for package in ("fastapi", "httpx", "onnxruntime", "playwright", "uvicorn"):
        pytest.importorskip(package)
    if not shutil.which("chromium") or not shutil.which("npm"):
        pytest.skip("Chromium and npm are needed")
    shutil.copytree(ROOT / "examples" / "serving", tmp_path / "serving")
    shutil.copy(ROOT / "examples" / "penguins.csv", tmp_path)
    installed = subprocess.run("npm ci --silent", shell=True, cwd=tmp_path / "serving" / "web")
    if installed.returncode != 0:
        pytest.skip("onnxruntime-web cannot be downloaded")
    done = subprocess.run(
        [sys.executable, str(tmp_path / "serving" / "run.py")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = dict(line.split(": ", 1) for line in done.stdout.splitlines() if "rows as" in line)
    assert set(said) == {"FastAPI, test client", "FastAPI, uvicorn", "onnxruntime", "browser"}
