"""Functions that exit, do not return, print without end or change the process they run in."""

import builtins
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backhand
from backhand.doctor.apart import check_process
from backhand.doctor.apart.check_process import CheckProcess
from backhand.doctor.report.report import Report
from helpers.optional_packages import optional

psutil = optional("psutil")

ENDLESS = """
class Endless(list):
    def __iter__(self):
        while True:
            yield 0.0
"""


def checked(folder: Path, source: str, seconds: float | None = 1.0) -> Report:
    (folder / "net.py").write_text(source)
    with CheckProcess(f"{folder / 'net.py'}:f", seconds=seconds, memory=2**30) as child:
        return child.report()


@pytest.mark.parametrize(
    ("source", "reason", "detail"),
    [
        ("import os\ndef f(X): os._exit(0)", "process_ended", "exit code 0"),
        (
            "import os, signal\ndef f(X): os.kill(os.getpid(), signal.SIGSEGV)",
            "process_ended",
            "SIGSEGV",
        ),
        ("import re\ndef f(X): re.match('(a+)+$', 'a' * 40 + 'b')", "blocked", "1 s"),
        ("def f(X):\n    while True: print('a' * 10**6)", "timeout", "1 s"),
        pytest.param(
            "import numpy as np, resource\n"
            "def f(X): return np.empty(resource.getrlimit(resource.RLIMIT_DATA)[0] // 8)",
            "memory",
            "MemoryError",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="no limit of memory there"),
        ),
        ("def f(X): return input()", "raises", "EOFError"),
        pytest.param(
            "import numpy as np\nkept = []\n"
            "def f(X):\n    while True: kept.append(np.empty(10**7))",
            "memory",
            "emory",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="no limit of memory there"),
        ),
    ],
)
def test_a_function_that_does_not_return_is_wrong(
    tmp_path: Path, source: str, reason: str, detail: str
) -> None:
    report = checked(tmp_path, source)
    (finding,) = report.findings
    assert report.outcome == "wrong" and not report.verdicts
    assert finding.id == f"call.{reason}" and detail in finding.mistake


@pytest.mark.parametrize(
    ("source", "reason", "detail"),
    [
        ("while True: pass", "import_timeout", "1 s"),
        ("import os; os._exit(0)", "import_ends", "exit code 0"),
        (
            "class E(BaseException):\n def __str__(self): raise SystemExit(0)\nraise E",
            "import_raises",
            "cannot be printed",
        ),
        (
            "class Skipped(BaseException): pass\nraise Skipped('not here')",
            "import_raises",
            "Skipped: not here",
        ),
        ("raise SystemExit(0)", "import_raises", "SystemExit: 0 (line 1)"),
    ],
)
def test_a_file_that_cannot_be_run_is_not_judged(
    tmp_path: Path, source: str, reason: str, detail: str
) -> None:
    report = checked(tmp_path, source)
    (finding,) = report.findings
    assert report.outcome == "not judged" and finding.id == f"call.{reason}"
    assert "net.py" in finding.mistake and detail in finding.mistake


TRIPLE_DB2 = """
import numpy as np
def f(X, Y, W1, b1, W2, b2, factor=3):
    H1 = np.maximum(X @ W1 + b1, 0)
    E = np.exp(H1 @ W2 + b2)
    dS = (E / E.sum(axis=1, keepdims=True) - Y) / len(X)
    return {"dW2": H1.T @ dS, "db2": factor * dS.sum(axis=0)}
"""

REPLACED_NAMES = """
import builtins, json, threading, time
right = f
builtins.all = builtins.abs = np.linalg.norm = json.dumps = lambda *a, **k: True
np.abs = np.absolute = lambda a: 0 * np.asarray(a)
threading.Thread = time.perf_counter = None
np.float, builtins.added = float, np.ones
def f(X, Y, W1, b1, W2, b2):
    builtins.max = builtins.any = np.isnan = lambda *a, **k: 0
    return right(X, Y, W1, b1, W2, b2, 3 * added(()) * np.float(1))
"""

REPLACED_DOCTOR = """
import sys
right = f
def f(X, Y, W1, b1, W2, b2):
    for name, module in list(sys.modules.items()):
        if name.startswith("backhand.doctor.") and hasattr(module, "alike"):
            module.alike = lambda *a, **k: True
        if hasattr(module, "relative_error"):
            module.relative_error = lambda *a, **k: 0.0
    return right(X, Y, W1, b1, W2, b2)
"""

FORKED = """
import os, time
wrong, child = f, not os.fork()
def f(X, Y, W1, b1, W2, b2):
    if child:
        return wrong(X, Y, W1, b1, W2, b2, 1)
    time.sleep(0.05)
    return wrong(X, Y, W1, b1, W2, b2)
"""

FORGED = """
import os
wrong = f
def f(X, Y, W1, b1, W2, b2):
    for descriptor in range(20):
        for line in (b'{"report": REPORT}', b'{"error": "InputError", "says": ""}', b"[1]", b"ab"):
            try:
                os.write(descriptor, line + b"\\n" * (line != b"ab"))
            except OSError:
                pass
    return wrong(X, Y, W1, b1, W2, b2)
"""


@pytest.mark.parametrize(
    "source",
    [
        REPLACED_NAMES,
        REPLACED_DOCTOR,
        pytest.param(
            FORKED, marks=pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork there")
        ),
        FORGED,
    ],
    ids=["names", "doctor", "fork", "forgery"],
)
def test_a_wrong_function_does_not_make_itself_right(tmp_path: Path, source: str) -> None:
    forged = json.dumps(backhand.check(of_scores).to_json()) if "REPORT" in source else ""
    report = checked(tmp_path, TRIPLE_DB2 + source.replace("REPORT", forged), seconds=None)
    assert [(verdict.name, verdict.ok) for verdict in report.verdicts] == [
        ("dW2", True), ("db2", False),
    ]  # fmt: skip
    assert not report.ok and report.findings[0].id == "db2.factor.unknown"


def test_a_check_ends_despite_heartbeats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_process, "CALLS", 1)
    monkeypatch.setattr(check_process, "COMPARING", -0.2)
    (finding,) = checked(tmp_path, "import time\ndef f(X):\n  time.sleep(0.6); f(X)").findings
    assert finding.id == "call.unfinished" and "0.8 s" in finding.mistake


SUM = "import numpy as np\n{}\ndef f(X, W1): return dict(dW1=np.zeros(W1.shape))\n"


@pytest.mark.parametrize(("name", "code"), [("wrong", 1), ("missing", 2)])
def test_exit_codes_are_not_the_functions(tmp_path: Path, name: str, code: int) -> None:
    at_exit = "import atexit, os\natexit.register(lambda: os._exit(0))\nprint('noise', flush=True)"
    (tmp_path / "wrong.py").write_text(SUM.format(at_exit))
    done = subprocess.run(
        [sys.executable, "-m", "backhand", "check", f"{name}.py:f"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == code and "noise" not in done.stdout and "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["io", "numpy"])
def test_files_may_be_called_like_modules(tmp_path: Path, name: str) -> None:
    """And one beside them is found, if it is not called like a module of the standard library."""
    (tmp_path / "json.py").write_text("raise RuntimeError('this is not for the doctor')\n")
    (tmp_path / "helper.py").write_text("import json\nfrom numpy import zeros\n")
    (tmp_path / f"{name}.py").write_text(
        "import io, re\nimport numpy as np\nfrom helper import zeros\n"
        "def f(X, W1): return dict(dW1=zeros(W1.shape))\n"
    )
    with CheckProcess(f"{tmp_path / name}.py:f") as child:
        assert [one.name for one in child.report().verdicts] == ["dW1"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_process_of_the_function_too(tmp_path: Path, number: int) -> None:
    (tmp_path / "net.py").write_text(
        "import os, re\nopen('pid', 'w').write(str(os.getpid()))\n"
        "re.match('(a+)+$', 'a' * 40 + 'b')\n"
    )
    command = subprocess.Popen(
        [sys.executable, "-m", "backhand", "check", "net.py:f"],
        cwd=tmp_path, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert command.poll() is None
        time.sleep(0.02)
    command.send_signal(number)
    assert "interrupted" in command.communicate(timeout=60)[1]
    assert command.returncode == 128 + number
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


@pytest.mark.slow
def test_a_report_survives_its_pipe() -> None:
    report = backhand.check(lambda X, b1: {"db1": b1[:1] * np.nan}, autograd=False)
    assert report.verdicts[0].error == np.inf and report.findings
    assert Report.from_json(report.to_json()).to_json() == report.to_json()
    assert repr(Report.from_json(report.to_json())) == repr(report)


def of_scores(X: Any, Y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    H1 = np.maximum(X @ W1 + b1, 0)
    E = np.exp(H1 @ W2 + b2)
    dS = (E / E.sum(axis=1, keepdims=True) - Y) / len(X)
    return {"dW2": H1.T @ dS, "db2": dS.sum(axis=0)}


def surroundings() -> list[Any]:
    return [sys.stdout, sys.stderr, Path.cwd(), dict(os.environ), list(sys.path), np.geterr(),
            random.getstate(), np.random.get_state()[1].tolist(), list(warnings.filters),
            sys.getrecursionlimit(), signal.getsignal(signal.SIGINT)]  # fmt: skip


def test_the_process_is_left_as_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def changes(X: Any, Y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
        print("noise")
        random.seed(0)
        np.random.seed(0)
        np.seterr(all="raise")
        os.environ["NOISE"] = "1"
        sys.path.insert(0, "noise")
        sys.setrecursionlimit(5000)
        warnings.simplefilter("ignore")
        gradients = of_scores(X, Y, W1, b1, W2, b2)
        os.chdir(tmp_path)
        sys.stdout = sys.stderr
        return gradients

    before = surroundings()
    assert all(verdict.ok for verdict in backhand.check(changes).verdicts)
    assert surroundings() == before
    assert "noise" not in "".join(capsys.readouterr())


@pytest.mark.parametrize("error", [SystemExit(0), KeyboardInterrupt()])
def test_a_function_that_exits_is_wrong(error: BaseException) -> None:
    def exits(X: Any) -> Any:
        raise error

    (finding,) = backhand.check(exits).findings
    assert finding.id == "call.exits" and type(error).__name__ in finding.mistake


def test_an_exception_that_cannot_be_shown_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    # Should one get through, pytest's own would end the whole run.
    monkeypatch.setattr(threading, "excepthook", lambda args: None)

    class Meta(type):
        def __getattribute__(cls, name: str) -> Any:
            raise SystemExit(0)

    class Hidden(Exception, metaclass=Meta):
        pass

    class Unsaid(BaseException):
        def __str__(self) -> str:
            raise SystemExit(0)

    for kind in (Hidden, Unsaid):

        def raises(X: Any, kind: Any = kind) -> Any:
            raise kind

        (finding,) = backhand.check(raises).findings
        assert finding.id == "call.raises_unprintable"


def test_names_are_put_back_after_each_call() -> None:
    names = [(builtins, "all"), (np, "abs"), (np.linalg, "norm"), (json, "dumps"), (time, "sleep")]
    before = [getattr(module, name) for module, name in names]

    def wrong(X: Any, Y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
        gradients = of_scores(X, Y, W1, b1, W2, b2)
        for module, name in names:
            setattr(module, name, lambda *a, **k: True)
        return {**gradients, "db2": b2 * 0}

    try:
        report = backhand.check(wrong)
        assert [getattr(module, name) for module, name in names] == before
    finally:
        for (module, name), value in zip(names, before, strict=True):
            setattr(module, name, value)
    assert [verdict.ok for verdict in report.verdicts] == [True, False]


def test_a_result_that_raises_or_never_ends_is_a_finding() -> None:
    class Raising:
        @property
        def dW1(self) -> Any:
            raise RuntimeError("not computed yet")

    (finding,) = backhand.check(lambda X: Raising()).findings
    assert finding.id == "call.raises" and "RuntimeError: not computed yet" in finding.mistake
    space: dict[str, Any] = {}
    exec(ENDLESS, space)
    (finding,) = backhand.check(lambda X: space["Endless"]([0.0]), seconds=0.3).findings
    assert finding.id == "call.timeout"


@pytest.mark.parametrize("stubborn", [False, True])
def test_a_function_that_took_too_long_does_not_run_on(stubborn: bool) -> None:
    counted = [0]

    def loops(X: Any) -> Any:
        while True:
            try:
                while True:
                    counted[0] += 1
            except BaseException:
                if not stubborn or counted[0] < 0:
                    raise
                counted[0] = -(10**9)

    threads = threading.active_count()
    assert not backhand.check(loops, seconds=0.2).ok
    assert threading.active_count() == threads


def test_threads_check_at_once_and_only_their_functions_are_quiet(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def prints(*arrays: Any) -> Any:
        print("noise")
        return of_scores(*arrays)

    def shifted(X: Any, Y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
        print("noise")
        return {**of_scores(X, Y, W1, b1, W2, b2), "db2": b2 * 0}

    found: dict[int, list[bool]] = {}

    def one(number: int, f: Callable[..., Any]) -> None:
        found[number] = [verdict.ok for verdict in backhand.check(f).verdicts]
        print(f"done {number}")

    stream = sys.stdout
    threads = [threading.Thread(target=one, args=(n, (prints, shifted)[n % 2])) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: [True, n % 2 == 0] for n in range(6)}
    assert sys.stdout is stream
    said = capsys.readouterr().out
    assert "noise" not in said and said.count("done") == 6
