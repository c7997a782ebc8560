"""JupyterLab and marimo with a notebook of some cells, for a browser to open."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import URLError

WAIT = 120
"""Seconds within which a server answers, and a cell has run."""


@contextmanager
def jupyterlab(folder: Path, cells: Sequence[str]) -> Iterator[str]:
    """The address at which JupyterLab shows a notebook of these cells; none has run."""
    import nbformat
    from nbformat.v4 import new_code_cell, new_notebook

    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells], metadata=kernel)
    nbformat.write(notebook, folder / "notebook.ipynb")
    # Cells that are out of sight stay in the document, and no news are offered.
    settings = {"notebook-extension/tracker": '{"windowingMode": "none"}',
                "apputils-extension/notification": '{"fetchNews": "false"}'}  # fmt: skip
    for name, content in settings.items():
        path = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(content)
    port = free_port()
    command = [
        "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}",
        "--ServerApp.port_retries=0", "--IdentityProvider.token=", "--ServerApp.password=",
        f"--ServerApp.root_dir={folder}", "--LabApp.expose_app_in_browser=True",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    own = {f"JUPYTER_{what}_DIR": str(folder / what) for what in ("CONFIG", "DATA", "RUNTIME")}
    own |= {"JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
            "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
            "IPYTHONDIR": str(folder / "ipython")}  # fmt: skip
    with _served(command, folder, own, f"http://127.0.0.1:{port}/api"):
        yield f"http://127.0.0.1:{port}/lab/tree/notebook.ipynb"


@contextmanager
def marimo(folder: Path, cells: Sequence[str]) -> Iterator[str]:
    """The address at which marimo shows an app of these cells, which run when it is opened.

    Each cell is the body of a function: what it needs are its parameters, what it defines it
    returns, as marimo writes them.
    """
    app = "\n\n".join(["import marimo", "app = marimo.App()",
                       *(f"@app.cell\n{cell.strip()}" for cell in cells)])  # fmt: skip
    (folder / "app.py").write_text(app + "\n", encoding="utf-8")
    port = free_port()
    command = ["-m", "marimo", "run", "app.py", "--headless", "--no-token", f"--port={port}"]
    own = {name: str(folder / name) for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME",
                                                 "XDG_CACHE_HOME")}  # fmt: skip
    with _served(command, folder, own, f"http://127.0.0.1:{port}/health"):
        yield f"http://127.0.0.1:{port}/"


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def _served(command: list[str], folder: Path, own: dict[str, str], ready: str) -> Iterator[None]:
    """A server in a process group of its own, once an address of it answers."""
    log = folder / "server.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, *command], cwd=folder, env={**os.environ, **own}, stdout=output,
            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    try:
        _wait_for(ready, server, log)
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(server.pid, number)
                server.wait(20)


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        assert server.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.3)
    raise AssertionError(f"nothing at {address}:\n{log.read_text()}")
