"""Train, export, and serve the model in three ways; each has to predict what the model predicts.

    python run.py [FOLDER]

FOLDER keeps what is made; by default it is a temporary one.
"""

from __future__ import annotations

import csv
import functools
import http.server
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
PENGUINS = HERE.parent / "penguins.csv"
LARGEST = 1e-5
"""How far probabilities may be from the model's: the sums of float32 have other orders."""


FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
"""What the page needs of onnxruntime-web."""

Predicted = tuple[np.ndarray, np.ndarray]
"""Labels and P of all rows."""


def main(folder: Path) -> None:
    rows, predicted = train(folder)
    serve_over_http(folder, rows, predicted)
    classify_with_onnxruntime(folder, rows, predicted)
    classify_in_a_browser(folder, rows, predicted)


def train(folder: Path) -> tuple[list[dict[str, str]], Predicted]:
    """Train, export, and return the table's rows with the model's own predictions."""
    import backhand

    model = backhand.fit(PENGUINS, "species", drop="year")
    backhand.save(model, folder / "penguins.safetensors")
    backhand.export_numpy(model, folder / "model.py")
    backhand.export_onnx(model, folder / "model.onnx")
    with PENGUINS.open(newline="", encoding="utf-8") as file:
        rows = [{k: v for k, v in row.items() if k not in ("species", "year")}
                for row in csv.DictReader(file)]  # fmt: skip
    print(f"trained: held-out accuracy {model.metrics['held_out_accuracy']:.4f}")
    return rows, (model.predict(PENGUINS), model.predict_proba(PENGUINS))


def compare(what: str, served: tuple[list, np.ndarray], of_model: tuple) -> None:
    """Stop unless a way to serve gives the model's labels and probabilities."""
    labels, P = served
    difference = float(np.abs(P - of_model[1]).max())
    assert list(labels) == list(of_model[0]), what
    assert difference < LARGEST, (what, difference)
    print(f"{what}: {len(labels)} rows as the model predicts them, to {difference:.0e}")


def as_json(row: dict[str, str]) -> dict[str, str | float | None]:
    """A row of the CSV file as a client of the service sends it: numbers, null for missing."""
    return {
        name: None if value == "NA" else value if name in ("island", "sex") else float(value)
        for name, value in row.items()
    }


def serve_over_http(folder: Path, rows: list, predicted: Predicted) -> None:
    """Test the service here, then as a process of uvicorn that cannot import Backhand."""
    shutil.copy(HERE / "service.py", folder)
    sys.path.insert(0, str(folder))
    from fastapi.testclient import TestClient

    service = load(folder / "service.py")
    client = TestClient(service.app)
    asked = [as_json(row) for row in rows]
    answered(client.post("/predict", json=asked).json(), "FastAPI, test client", predicted)
    wrong = [
        asked[0] | {"island": "Atlantis"}, asked[0] | {"bill_length_mm": "long"},
        asked[0] | {"surplus": 1}, {"island": "Biscoe"},
    ]  # fmt: skip
    for row in wrong:
        reply = client.post("/predict", json=[row])
        assert reply.status_code == 422, (row, reply.text)
    assert client.post("/predict", json=[]).status_code == 422
    print(f"FastAPI, test client: {len(wrong) + 1} wrong requests are refused (422)")
    with uvicorn(folder) as address:
        request = urllib.request.Request(
            f"{address}/predict", json.dumps(asked).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as reply:
            answered(json.load(reply), "FastAPI, uvicorn", predicted)


def answered(answers: list[dict], what: str, predicted: Predicted) -> None:
    P = np.array([list(answer["probabilities"].values()) for answer in answers])
    compare(what, ([answer["prediction"] for answer in answers], P), predicted)


class uvicorn:
    """A process of uvicorn that serves a folder's service, while the context lasts."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        # Without Backhand: of its environment, the process has the packages of Python alone.
        (folder / "backhand.py").write_text("raise ImportError('not needed to serve')\n")
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "service:app", "--port", str(self.port),
             "--log-level", "warning"], cwd=folder, env=environment,
        )  # fmt: skip

    def __enter__(self) -> str:
        address = f"http://127.0.0.1:{self.port}"
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"{address}/health", timeout=5) as reply:
                    print(f"FastAPI, uvicorn: healthy, {json.load(reply)}")
                    return address
            except urllib.error.URLError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
        self.__exit__()
        raise RuntimeError("uvicorn did not start")

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(30)


def load(path: Path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def classify_with_onnxruntime(folder: Path, rows: list, predicted: Predicted) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(folder / "model.onnx")
    compare("onnxruntime", load(HERE / "classify_onnx.py").classify(session, rows), predicted)


def classify_in_a_browser(folder: Path, rows: list, predicted: Predicted) -> None:
    """Open the page in Chromium and enter some rows, where all that it needs is there."""
    chromium = shutil.which("chromium")
    packages = HERE / "web" / "node_modules" / "onnxruntime-web" / "dist"
    if chromium is None or importlib.util.find_spec("playwright") is None or not packages.exists():
        print("browser: skipped; it needs Chromium, the package playwright, and `npm ci` in web")
        return
    web = folder / "web"
    left_out = shutil.ignore_patterns("node_modules")
    shutil.copytree(HERE / "web", web, ignore=left_out, dirs_exist_ok=True)
    for name in FILES:
        shutil.copy(packages / name, web)
    shutil.copy(folder / "model.onnx", web)
    (web / "classes.json").write_text(json.dumps(load(folder / "model.py").CLASSES))
    chosen = range(0, len(rows), 40)
    shown = enter(web, chromium, [rows[i] for i in chosen])
    compare("browser", shown, (predicted[0][chosen], predicted[1][chosen]))


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Files of a folder, without a line for each request."""

    def log_message(self, *_: object) -> None:
        pass


def enter(web: Path, chromium: str, rows: list[dict]) -> tuple[list[str], np.ndarray]:
    """What the page shows for each row that is entered."""
    from playwright.sync_api import sync_playwright

    labels, P = [], []
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(web))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with sync_playwright() as playwright:
            # In a container that runs as root, Chromium has no sandbox of its own.
            flags = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
            browser = playwright.chromium.launch(executable_path=chromium, args=flags)
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{server.server_port}/index.html")
            page.wait_for_selector("#probabilities:not([hidden])")
            for row in rows:
                for name, value in row.items():
                    page.fill(f"#{name}", "" if value == "NA" else value)
                page.wait_for_selector("main[aria-busy=false]")
                labels.append(page.inner_text("#answer").removeprefix("Prediction: "))
                numbers = page.locator("#probabilities td:nth-child(2)").all_inner_texts()
                P.append([float(text) for text in numbers])
            browser.close()
    finally:
        server.shutdown()
    return labels, np.array(P)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
        main(Path(sys.argv[1]).resolve())
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
