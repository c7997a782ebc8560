"""The house: imports only go down, and optional packages stay outside until they are used."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "backhand"

FLOORS = [
    {"errors"},
    {"support"},
    {"validation"},
    {"equations"},
    {"dropout", "functional", "optimizers"},
    {"engines", "formulas"},
    {"training"},
    {"evaluation", "tables", "torch_twin"},
    {"doctor", "model"},
    {"exports", "selftest"},
    {"benchmark", "estimator", "tabular"},
    {"cli"},
    {"__init__", "__main__"},
]
"""From the ground up; what stands on one floor does not import its neighbours."""


def floor_of(package: str) -> int:
    return next(number for number, names in enumerate(FLOORS) if package in names)


def imports_of(path: Path) -> set[str]:
    """The parts of backhand that a file imports, type checking apart."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            node.body = []
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("backhand"):
            parts = node.module.split(".")
            found |= {parts[1]} if parts[1:] else {alias.name for alias in node.names}
    return found


@pytest.mark.parametrize(
    "path", sorted(SOURCE.rglob("*.py")), ids=lambda p: str(p.relative_to(SOURCE))
)
def test_imports_only_go_down(path: Path) -> None:
    here = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    for other in imports_of(path) - {here}:
        assert floor_of(other) < floor_of(here), f"{here} imports {other}"


def test_every_file_has_a_floor_and_says_what_it_is() -> None:
    for path in SOURCE.rglob("*.py"):
        floor_of(path.relative_to(SOURCE).parts[0].removesuffix(".py"))
        assert ast.get_docstring(ast.parse(path.read_text())), f"{path} has no docstring"


def test_what_aborts_when_it_is_interrupted_is_imported_in_one_place() -> None:
    """DuckDB, and arro3 beside it, come through `connection`, which holds signals meanwhile."""
    for path in SOURCE.rglob("*.py"):
        if path.name == "connection.py":
            continue
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
                node.body = []
        for node in ast.walk(tree):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.split(".")[0] not in ("duckdb", "arro3"), f"{path} imports {name}"


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
import backhand.tabular
import numpy as np
from backhand.tables.reading.reader import read_table
from backhand.tables.schema.fitting import fit_schema
from backhand.tables.schema.targets import read_target
from backhand.tables.writing import Added, write_rows
Path("t.csv").write_text("x,c,t\\n" + "1,u,a\\n2,v,b\\n" * 50)
table = read_table("t.csv")
schema, _ = fit_schema(table, read_target(table, "t"), np.ones(100, bool))
x = schema.encode(table)[:, 0]
for name in ("p.csv", "p.parquet"):
    added = Added(["p", "q"], [x.dtype, np.dtype("U1")], iter([[x, np.full(100, "é")]]))
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
    assert not imported_by("import backhand; backhand.MLPClassifier") & {"torch", "duckdb", "numba"}


def test_every_public_name_is_there() -> None:
    import backhand

    for name in backhand.__all__:
        assert getattr(backhand, name) is not None
    assert set(backhand.__all__) == set(dir(backhand))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = backhand.nothing


def test_without_torch_what_needs_it_says_how_to_get_it() -> None:
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "sys.argv = ['backhand', 'compare', '--reference-run']\n"
        "import backhand.__main__; backhand.__main__.main()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == (
        "backhand: this needs torch, which is not installed. Install it with: "
        f"{Path(sys.executable).name} -m pip install torch.\n"
    )
