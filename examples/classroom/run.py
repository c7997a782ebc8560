"""Simulate pushes of a student: the starter, wrong code and right code, graded by classroom.yml.

    python run.py

The steps of the workflow run as they are written there, but for those that fetch and install.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
ASSIGNMENT = HERE.parent / "assignment"

# The task is for students to solve: here the library computes what they write.
RIGHT = """
import numpy as np
import backhand

def backward(X, Y, W1, b1, W2, b2):
    p = backhand.Parameters(W1, b1, W2, b2)
    acts = backhand.forward(p, X)
    L = backhand.cross_entropy(acts.S, Y)
    return {"L": L, **backhand.backward(p, X, Y, acts)._asdict()}
"""

# The mask of the ReLU is forgotten; dW1 and db1 are right, given the wrong dZ1.
WRONG = f"""{RIGHT}
right = backward

def backward(X, Y, W1, b1, W2, b2):
    g = right(X, Y, W1, b1, W2, b2)
    dZ1 = g["dH1"]
    return g | {{"dZ1": dZ1, "dW1": X.T @ dZ1, "db1": dZ1.sum(axis=0)}}
"""


def main() -> None:
    workflow = yaml.safe_load((HERE / "classroom.yml").read_text(encoding="utf-8"))
    starter = (ASSIGNMENT / "starter.py").read_text(encoding="utf-8")
    for name, code, points, passes, told in (
        ("the starter", starter, "0/10", False, "not written yet"),
        ("wrong code", WRONG, "8/10", False, "Which units passed their input on"),
        ("right code", RIGHT, "10/10", True, None),
    ):
        with tempfile.TemporaryDirectory() as folder:
            repository = checkout(Path(folder), code)
            failed, log = push(repository, workflow)
            summary = (repository / "summary.md").read_text(encoding="utf-8")
        assert failed != passes, log
        assert f"::notice title=Autograding complete::Points {points}\n" in log, log
        assert summary.startswith(f"# {points.replace('/', ' of ')} points: "), summary
        assert told is None or told in log, log
        print(f"{name}: {points} points, the job {'fails' if failed else 'passes'}")


def checkout(repository: Path, code: str) -> Path:
    """A student's repository, made of the template, with net.py as it was pushed."""
    (repository / ".github").mkdir()
    shutil.copy(HERE / "report_points.py", repository / ".github")
    (repository / "net.py").write_text(code, encoding="utf-8")
    return repository


def push(repository: Path, workflow: dict) -> tuple[bool, str]:
    """Run the steps of the job; return whether it failed, and its log."""
    commands = Path(sys.executable).parent
    environment = {
        **os.environ, **workflow["env"], "PYTHONUTF8": "1",
        "GITHUB_STEP_SUMMARY": str(repository / "summary.md"),
        "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip
    failed, log = False, ""
    for step in workflow["jobs"]["grade"]["steps"]:
        wanted = failed if step.get("if") == "failure()" else not failed
        if wanted and step.get("name") != "Install" and "run" in step:
            done = subprocess.run(
                ["bash", "-e", "-c", step["run"]], cwd=repository, env=environment,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
            )  # fmt: skip
            failed, log = failed or done.returncode != 0, log + done.stdout
    return failed, log


if __name__ == "__main__":
    main()
