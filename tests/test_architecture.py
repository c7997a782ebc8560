"""The floors of the package: imports only go down, and optional packages wait until they are used.

The table of floors in docs/architecture.md is written from `FLOORS`:

    python tests/test_architecture.py
"""

import ast
import inspect
import pydoc
import subprocess
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import combinations
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "backhand"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- floors: written by tests/test_architecture.py -->", "<!-- end of floors -->"

FLOORS = [
    {
        "choices": "names that an argument may have, as types",
        "errors": "the family of errors",
        "glossary": "the terms of the reports",
        "option_names": "how a message names a setting: an option at the shell, or an argument",
    },
    {
        "constraints": "allowed values of settings, and their check",
        "stratified": "held-out rows and folds: seeded draws from each class",
        "support": "files, systems, streams, signals, memory, optional packages, displays, records",
    },
    {"validation": "checks of the equations' arguments"},
    {"equations": "forward, loss, backward, update: one equation per line"},
    {
        "bf16": "forward and backward with the factors of products in bfloat16",
        "dropout": "which hidden units are dropped",
        "folding": "`fold`: one network from several, exactly",
        "functional": "the equations as public functions, with checked arguments",
        "optimizers": "the update rules: SGD, momentum, Nesterov, Adam",
    },
    {
        "engines": "the equations on batches: reference (NumPy), torch, fused (compiled)",
        "formulas": "the equations as text, of which lines can be replaced",
    },
    {"cluster": "many machines: a transport, and engines over it"},
    {"training": "epochs, samplers, schedules, validation, early stopping, callbacks, checkpoints"},
    {
        "evaluation": "figures with their intervals, confusion matrix, curves",
        "selection": "penalty, epochs and temperature chosen on inner folds",
        "tables": "files, SQL and data frames to a matrix, by a fitted schema",
        "torch_twin": "the same network with autograd, for comparison",
    },
    {
        "doctor": "which equation of a backward pass is wrong",
        "model": "a trained model and its file",
        "table_settings": "the settings of training on a table",
    },
    {
        "explanation": "where each number of a forward and backward pass comes from; the web page",
        "exports": "ONNX, a NumPy script, torch",
        "plot": "pictures with matplotlib, in scikit-learn's convention of displays",
        "selftest": "whether every engine of this installation computes correctly",
    },
    {
        "benchmark": "the time of a training step beside other libraries",
        "estimator": "`MLPClassifier`, also over workers, and searches, for scikit-learn",
        "lesson": "seven blanks, one for each gradient, marked by the doctor",
        "tabular": "train, evaluate and predict on tables; warnings about a training",
    },
    {"report_page": "what a model predicts, how well and from what, as one web page"},
    {"fitting": "`fit`: a model from a table in one call"},
    {"cli": "commands, options, reports, progress, exit codes"},
    {"__init__": "the public names, imported on use", "__main__": "`python -m backhand`"},
]
"""From the ground up, with what each part contains. Parts of one floor do not import each other."""


def floor_of(part: str) -> int:
    return next(number for number, parts in enumerate(FLOORS) if part in parts)


def table_of_floors() -> str:
    """`FLOORS` as the Markdown table of the document, the top floor first."""
    rows = [
        f"| {number} | `{part}{'/' if (SOURCE / part).is_dir() else '.py'}` | {holds} |"
        for number, parts in reversed(list(enumerate(FLOORS)))
        for part, holds in parts.items()
    ]
    return "\n".join(["| floor | part | what it contains |", "|---:|---|---|", *rows])


@cache
def tree_of(path: Path) -> ast.Module:
    """The code of a file, without what only type checkers read."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            node.body = []
    return tree


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")


@cache
def graph() -> dict[str, set[str]]:
    """Each module of the package, and the modules that it imports anywhere in its code."""
    paths = {module_name(path): path for path in SOURCE.rglob("*.py")}
    found: dict[str, set[str]] = {module: set() for module in paths}
    for module, path in paths.items():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("backhand"):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
                found[module] |= {name if name in paths else node.module for name in names}
            elif isinstance(node, ast.Import):
                found[module] |= {alias.name for alias in node.names if alias.name in paths}
        found[module].discard(module)
    return found


def part_of(module: str, package: str) -> str:
    """The file or folder of a package that a module is in; empty if it is outside."""
    inside = module.removeprefix(f"{package}.")
    return "" if inside == module else inside.split(".")[0]


def test_imports_only_go_down() -> None:
    for module, imported in graph().items():
        here = part_of(module, "backhand") or "__init__"
        for other in {part_of(name, "backhand") for name in imported} - {here, ""}:
            assert floor_of(other) < floor_of(here), f"{module} imports {other}"


def test_no_modules_import_each_other_in_a_circle() -> None:
    try:
        TopologicalSorter(graph()).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


PACKAGES = sorted(module_name(path) for path in SOURCE.rglob("__init__.py"))


@pytest.mark.parametrize("package", PACKAGES)
def test_no_two_parts_of_a_package_import_each_other(package: str) -> None:
    arrows = {
        (part_of(module, package), part_of(other, package))
        for module, imported in graph().items()
        for other in imported
    }
    parts = {part for arrow in arrows for part in arrow if part}
    both_ways = [pair for pair in combinations(sorted(parts), 2)
                 if pair in arrows and pair[::-1] in arrows]  # fmt: skip
    assert not both_ways


def test_every_part_has_one_floor_and_every_file_a_docstring() -> None:
    here = {path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or path.is_dir()}
    named = [part for parts in FLOORS for part in parts]
    assert sorted(named) == sorted(here - {"__pycache__"})
    for path in SOURCE.rglob("*.py"):
        assert ast.get_docstring(tree_of(path)), f"{path} has no docstring"


def test_the_document_has_the_table_of_floors() -> None:
    text = ARCHITECTURE.read_text()
    assert f"{BEGIN}\n\n{table_of_floors()}\n\n{END}" in text, (
        "run python tests/test_architecture.py"
    )


def test_what_aborts_when_it_is_interrupted_is_imported_in_one_place() -> None:
    """DuckDB and arro3 are imported by `connection`, which holds signals meanwhile."""
    for path in SOURCE.rglob("*.py"):
        if path.name == "connection.py":
            continue
        for node in ast.walk(tree_of(path)):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.split(".")[0] not in ("duckdb", "arro3"), f"{path} imports {name}"


REPORTS_THE_SYSTEM = {"benchmark/machine.py": {"platform.system", "platform.machine",
                                               "platform.processor"}}  # fmt: skip
"""What a module may ask outside of `support/system`, because it only passes the answer on."""

SAME_EVERYWHERE = {"platform.python_version"}
OF_ONE_SYSTEM = {"fcntl", "grp", "msvcrt", "pwd", "resource", "termios", "winreg"}


def questions_about_the_system(tree: ast.AST) -> set[str]:
    """What a module uses to find out which system it runs on, or what that system offers."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = f"{node.value.id}.{node.attr}"
            if name in ("sys.platform", "os.name", "os.uname") or name.startswith("platform."):
                found.add(name)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            of = ast.unparse(node.args[0])
            if node.func.id in ("hasattr", "getattr") and of in ("os", "signal", "time"):
                found.add(f"{node.func.id}({of}, …)")
        elif isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= names & {"sys.platform", "os.name", "os.uname"}
            found |= {node.module or ""} & {"platform", *OF_ONE_SYSTEM}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & OF_ONE_SYSTEM
    return found - SAME_EVERYWHERE


@pytest.mark.parametrize(
    "code",
    ["sys.platform == 'linux'", "os.name", "platform.system()", "hasattr(os, 'fork')",
     "getattr(signal, 'SIGHUP', 1)", "from sys import platform", "from platform import system",
     "import fcntl"],
)  # fmt: skip
def test_a_question_about_the_system_is_recognised(code: str) -> None:
    assert questions_about_the_system(ast.parse(code))


def test_only_one_package_asks_which_system_it_runs_on() -> None:
    asked = {}
    for path in SOURCE.rglob("*.py"):
        name = path.relative_to(SOURCE).as_posix()
        if not name.startswith("support/system/") and (
            found := questions_about_the_system(ast.parse(path.read_text(encoding="utf-8")))
        ):
            asked[name] = found
    assert asked == REPORTS_THE_SYSTEM


def test_a_table_holds_signals_back_while_it_imports_duckdb_and_needs_no_pyarrow(tmp_path) -> None:
    script = """
import signal, sys
from pathlib import Path
class Finder:
    def find_spec(name, path=None, target=None):
        if name == "pyarrow":
            raise ImportError(name)
        if name in ("duckdb", "arro3"):
            print(name, signal.getsignal(signal.SIGINT) is not signal.default_int_handler,
                  signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL)
sys.meta_path.insert(0, Finder)
import backhand.tabular.training
import numpy as np
from backhand.tables.reading.reader import read_table
from backhand.tables.schema.fitting import fit_schema
from backhand.tables.schema.targets import read_target
from backhand.tables.writing import Added, write_rows
Path("t.csv").write_text("x,c,t\\n" + "1,u,a\\n2,v,b\\n" * 50)
table = read_table("t.csv")
schema = fit_schema(table, read_target(table, "t"), np.ones(100, bool)).schema
x = schema.encode(table)[:, 0]
for name in ("p.csv", "p.parquet"):
    added = Added(["p", "q"], [x.dtype, np.array(["é"])], iter([[x, np.zeros(100, int)]]))
    assert write_rows(table, added, Path(name), Path(name)) == 100
again = read_table("p.parquet", "SELECT count(*) AS n, sum(p) AS p FROM data WHERE q = 'é'")
print(again.rows, again.connection.execute("SELECT c0 FROM rows").fetchall())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path
    )
    found = sorted(set(done.stdout.splitlines()))
    assert found == ["1 [(100,)]", "arro3 True True", "duckdb True True"], done.stderr


def imported_by(statement: str) -> set[str]:
    script = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in done.stdout.split()}


def test_importing_backhand_imports_nothing_until_it_is_used() -> None:
    heavy = {"torch", "numba", "duckdb", "matplotlib", "sklearn", "scipy", "safetensors", "rich"}
    assert not imported_by("import backhand") & (heavy | {"numpy"})
    assert not imported_by("import backhand; backhand.init(2, 3, 2); backhand.train") & heavy
    assert not imported_by("import backhand; backhand.WeightsDisplay") & heavy
    assert not imported_by("import backhand; backhand.MLPClassifier") & {"torch", "duckdb", "numba"}


def test_every_public_name_is_there() -> None:
    import backhand

    for name in backhand.__all__:
        assert getattr(backhand, name) is not None
    assert set(backhand.__all__) == set(dir(backhand))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = backhand.nothing


def test_names_whose_package_is_not_installed_are_not_listed_and_say_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import backhand

    for module in ("sklearn", "duckdb"):
        for loaded in [name for name in sys.modules if name.split(".")[0] == module]:
            monkeypatch.delitem(sys.modules, loaded)
        monkeypatch.setitem(sys.modules, module, None)
    for loaded in [name for name in sys.modules if name.startswith("backhand.estimator")]:
        monkeypatch.delitem(sys.modules, loaded)
    estimators = {"GridSearchCV", "MLPClassifier", "MLPClassifierCV", "RayMLPClassifier"}
    for name in estimators:
        monkeypatch.delitem(vars(backhand), name, raising=False)
    assert set(backhand._HOMES) - set(dir(backhand)) == {*estimators, "fit", "read_table"}
    assert "train" in dict(inspect.getmembers(backhand))
    names: dict[str, object] = {}
    exec("from backhand import *", names)
    assert "train" in names and "MLPClassifier" not in names
    assert "package backhand" in pydoc.render_doc(backhand)
    with pytest.raises(ImportError, match=r"estimators need .*\[sklearn\]"):
        _ = backhand.MLPClassifier


@pytest.mark.parametrize(
    ("installed", "enough"), [("1.6.1", False), ("1.7.0", True), ("1.10rc1", True), ("2.0", True)]
)
def test_a_package_that_is_too_old_counts_as_absent(
    monkeypatch: pytest.MonkeyPatch, installed: str, enough: bool
) -> None:
    from backhand.support import optional

    monkeypatch.setattr(optional, "version", lambda package: installed)
    assert optional.is_installed("sklearn") is enough


def test_without_torch_what_needs_it_says_how_to_get_it() -> None:
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "sys.argv = ['backhand', 'compare', '--reference-run']\n"
        "import backhand.__main__; backhand.__main__.main()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == (
        "backhand: comparing with autograd needs torch, which is not installed; install it with: "
        f"{Path(sys.executable).name} -m pip install 'backhand[torch]' (on Linux that is the build "
        "for CUDA, of several GB; for the much smaller one for the CPU, first install torch by the "
        "command that the selector on pytorch.org shows).\n"
    )


if __name__ == "__main__":
    before, _, rest = ARCHITECTURE.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    ARCHITECTURE.write_text(f"{before}{BEGIN}\n\n{table_of_floors()}\n\n{END}{after}")
