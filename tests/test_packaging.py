"""What an installation brings: the core is light, extras are asked for, nothing is undeclared."""

import ast
import importlib.util
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from conftest import PENGUINS, ROOT

SOURCE = ROOT / "src" / "backhand"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
CONSTRAINTS = (ROOT / "constraints.txt").read_text()
MODULES = {
    "array-api-compat": "array_api_compat", "arro3-core": "arro3", "arro3-io": "arro3",
    "backports.zstd": "backports", "mlflow-skinny": "mlflow", "python-calamine": "python_calamine",
    "scikit-learn": "sklearn",
}  # fmt: skip
"""What a package is imported as, where that is not its name."""

OURS = {"backhand", "_typeshed", ""}
"""Itself, what type checkers bring, and relative imports."""

BROUGHT = {
    "skl2onnx": "estimator/integrations.py",
    "pandas": "explanation/trace/entry.py", "triton": "engines/torch/",
}  # fmt: skip
"""Libraries of the user's own that no extra brings, and where each is imported if it is there: a
file, or a folder. (torch's build for CUDA brings triton.)"""

DATA = {".css", ".csv", ".js", ".json", ".pyi", ".typed"}
"""Files of the package that are not Python."""


def declared(requirements: list[str]) -> set[str]:
    """The modules of some requirements, those of Backhand's other extras among them."""
    found: set[str] = set()
    for requirement in requirements:
        name = re.split(r"[<>=\[ ;]", requirement)[0]
        if name == "backhand":
            for other in re.findall(r"[\w-]+", requirement.partition("[")[2].partition("]")[0]):
                found |= declared(PROJECT["optional-dependencies"][other])
        else:
            found.add(MODULES.get(name, name))
    return found


CORE = declared(PROJECT["dependencies"])
EXTRAS = {name: declared(needs) for name, needs in PROJECT["optional-dependencies"].items()}
OPTIONAL = EXTRAS["all"] | EXTRAS["mlflow"] | EXTRAS["ray"] | EXTRAS["tensorboard"]


def imported(path: Path) -> set[str]:
    """The top packages that a file imports, whenever it does."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    names += [
        str(node.args[0].value) for node in nodes
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "extra"
        and isinstance(node.args[0], ast.Constant)
    ]  # fmt: skip
    return {name.split(".")[0] for name in names} - sys.stdlib_module_names - OURS


def test_the_core_is_four_packages() -> None:
    assert {"array_api_compat", "numpy", "rich", "typer"} == CORE


def test_what_is_imported_is_declared_and_what_is_declared_is_imported() -> None:
    used = {path: imported(path) for path in SOURCE.rglob("*.py")}
    for path, names in used.items():
        where = str(path.relative_to(SOURCE))
        mine = EXTRAS["bench"] if where.startswith("benchmark/") else set()
        undeclared = names - CORE - OPTIONAL - mine
        elsewhere = {n for n in undeclared if n not in BROUGHT or not where.startswith(BROUGHT[n])}
        assert elsewhere == set(), where
    unused = (CORE | OPTIONAL) - set().union(*used.values())
    assert unused == set()


def test_every_optional_package_is_asked_for_by_its_extra() -> None:
    from backhand.support import optional

    for module, extra in optional.EXTRAS.items():
        assert module.split(".")[0] in EXTRAS[extra], module
    assert {module.split(".")[0] for module in optional.EXTRAS} == OPTIONAL


def test_a_wheel_has_every_file_of_the_package_and_no_unknown_kind() -> None:
    # Hatchling packs the whole folder but what git ignores.
    assert PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"] == {"packages": ["src/backhand"]}
    files = [path for path in SOURCE.rglob("*")
             if path.is_file() and "__pycache__" not in path.parts]  # fmt: skip
    assert {path.suffix for path in files} - {".py"} == DATA
    names = "\n".join(str(path.relative_to(ROOT)) for path in files)
    ignored = subprocess.run(
        ["git", "check-ignore", "--stdin"], input=names, capture_output=True, text=True, cwd=ROOT
    )
    assert ignored.stdout == ""


def test_the_packages_of_browser_tests_are_pinned_beside_a_typer_that_the_core_allows() -> None:
    names = {re.split(r"[<>=\[ ;]", one)[0] for one in PROJECT["optional-dependencies"]["browser"]}
    pins = dict(re.findall(r"^([\w-]+)==(\S+)$", CONSTRAINTS, re.MULTILINE))
    assert names - {"backhand"} <= set(pins)
    assert "typer>=0.20.1,<0.29" in PROJECT["dependencies"]
    assert tuple(map(int, pins["typer"].split("."))) < (0, 29)


def test_a_type_checker_knows_the_engines_that_are_registered() -> None:
    from backhand.engines import registry

    assert ("auto", *list(registry._registry)[:3]) == registry.ENGINES


def test_constraints_pin_torch_and_metadata_does_not() -> None:
    assert re.search(r"^torch==\S+$", CONSTRAINTS, re.MULTILINE)
    assert PROJECT["optional-dependencies"]["torch"] == ["torch>=2.5"]


CORE_ALONE = """
import sys, warnings

class Absent:
    def find_spec(name, path=None, target=None):
        if name.split('.')[0] in {blocked}:
            raise ModuleNotFoundError(f"No module named '{{name}}'", name=name)

sys.meta_path.insert(0, Absent)
import numpy as np
import backhand

def backward(X, Y, W1, b1, W2, b2):
    params = backhand.Parameters(W1, b1, W2, b2)
    return backhand.backward(params, X, Y, backhand.forward(params, X))._asdict() | {{"dW2": W2}}

report = backhand.check(backward)
print(report.ok, [finding.equation for finding in report.findings])
X, y = np.array([[-1.0], [1.0]]), np.array([0, 1])
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for _ in range(2):
        result = backhand.train(backhand.init(1, 4, 2), X, y, epochs=9)
    print(backhand.Model(result.params, (0, 1)).predict(X).shape)
for warning in said:
    print(warning.category.__name__, warning.message)
try:
    backhand.MLPClassifier
except ImportError as error:
    print(error)
sys.argv = ["backhand", "train", "--quick", {data!r}, "-t", "species", "-o", "nowhere.safetensors"]
from backhand.__main__ import main
main()
"""


def test_the_core_alone_checks_and_trains_and_asks_for_the_rest_in_a_sentence(tmp_path) -> None:
    script = CORE_ALONE.format(blocked=sorted(EXTRAS["all"]), data=str(PENGUINS))
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path
    )
    pip = f"{Path(sys.executable).name} -m pip install"
    assert done.stdout.splitlines() == [
        "False ['dW2']",
        "(2,)",
        "BackhandWarning llvmlite is not installed, so the slower reference engine (NumPy) is "
        f"used; install the fused engine with: {pip} 'backhand[fast]'.",
        f"Backhand's estimators need scikit-learn 1.7 or newer, and {version('scikit-learn')} is "
        f"installed; install it with: {pip} 'backhand[sklearn]'.",
    ], done.stderr
    assert done.returncode == 2
    assert done.stderr == (
        "backhand: reading tables needs duckdb, which is not installed; install it with: "
        f"{pip} 'backhand[tables]'.\n"
    )
    assert list(tmp_path.iterdir()) == []


URLS = PROJECT["urls"]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def workflow(name: str) -> str:
    if not (ROOT / ".github").exists():
        pytest.skip("not part of an sdist")
    return text(f".github/workflows/{name}.yml")


def check_release():
    if not (ROOT / ".github").exists():
        pytest.skip("not part of an sdist")
    path = ROOT / ".github" / "check_release.py"
    spec = importlib.util.spec_from_file_location("check_release", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_is_one_version() -> None:
    newest = re.search(r"^## \[(\S+)\] - (unreleased|\d{4}-\d\d-\d\d)$", text("CHANGELOG.md"), re.M)
    assert newest[1] == PROJECT["version"]
    assert f"[{newest[1]}]: {URLS['Source']}/releases/tag/v{newest[1]}" in text("CHANGELOG.md")
    assert f"\nversion: {PROJECT['version']}\n" in text("CITATION.cff")
    for name in ("classroom.yml", "README.md"):
        pinned = re.findall(r"backhand==([\w.]+)", text(f"examples/classroom/{name}"))
        assert pinned == [PROJECT["version"]], name


def test_the_changelog_keeps_its_convention() -> None:
    headings = re.findall(r"^(###? .+)$", text("CHANGELOG.md"), re.M)
    kinds = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
    versions = [heading for heading in headings if heading.startswith("## ")]
    assert set(headings) - set(versions) <= {f"### {kind}" for kind in kinds}
    for heading in versions:
        assert f"\n{heading.split()[1]}: http" in text("CHANGELOG.md")


def test_addresses_of_the_project_are_those_of_the_metadata() -> None:
    owner, name = urlsplit(URLS["Source"]).path[1:].split("/")
    assert URLS["Documentation"] == f"https://{owner}.github.io/{name}/"
    known = {f"github.com/{owner}", f"raw.githubusercontent.com/{owner}", f"{owner}.github.io"}
    pattern = re.compile(rf"([\w.]*github[\w.]*\.com/[\w-]+|[\w-]+\.github\.io)/{name}\b")
    folders = [ROOT / top for top in ("docs", "examples", "src", ".github")]
    paths = [*ROOT.glob("*"), *(path for folder in folders for path in folder.rglob("*"))]
    found = {path: set(pattern.findall(path.read_text(encoding="utf-8"))) for path in paths
             if path.suffix in {".md", ".toml", ".cff", ".yml", ".py"}}  # fmt: skip
    assert all(addresses <= known for addresses in found.values()), found
    assert found[ROOT / "pyproject.toml"] == known
    assert f"\nrepository-code: {URLS['Source']}\n" in text("CITATION.cff")
    assert f"\nurl: {URLS['Documentation']}\n" in text("CITATION.cff")


def test_workflows_test_the_versions_that_the_classifiers_name() -> None:
    python = "Programming Language :: Python :: "
    named = [one.removeprefix(python) for one in PROJECT["classifiers"]
             if re.fullmatch(rf"{python}3\.\d+", one)]  # fmt: skip
    matrix = re.search(r"^ +python: (\[.+\])$", workflow("tests"), re.M)
    tested = ast.literal_eval(matrix[1])
    assert [one for one in tested if not one.endswith("t")] == named
    assert PROJECT["requires-python"] == f">={named[0]}"


SYSTEMS = {"ubuntu-latest": "POSIX :: Linux", "macos-latest": "MacOS",
           "windows-latest": "Microsoft :: Windows"}  # fmt: skip


def test_classifiers_name_the_systems_on_which_tests_have_to_pass() -> None:
    matrix = re.search(r"^ +os: \[(.+)\]$", workflow("tests"), re.M)[1].split(", ")
    assert set(matrix) == set(SYSTEMS)
    alone = re.search(r"^    continue-on-error: (.+)$", workflow("tests"), re.M)
    required = re.findall(r"matrix\.os != '([\w-]+)'", alone[1]) if alone else matrix
    named = [one for one in PROJECT["classifiers"] if one.startswith("Operating System")]
    assert sorted(named) == sorted(f"Operating System :: {SYSTEMS[one]}" for one in required)


def test_actions_are_pinned_each_to_one_commit_with_its_version() -> None:
    texts = "\n".join(workflow(name) for name in ("tests", "docs", "release"))
    uses = set(re.findall(r"uses: (.+)", texts))
    assert len(uses) == 8
    for one in uses:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one), one
    assert len({one.partition("@")[0] for one in uses}) == len(uses)
    used = re.findall(r"uses: (.+)", text("examples/classroom/classroom.yml"))
    assert used and all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", one) for one in used)
    assert texts.count("\npermissions: {}\n") == 3
    assert texts.count("persist-credentials: false") == texts.count("actions/checkout@")


@pytest.mark.parametrize(("file", "old", "new", "said"), [
    ("pyproject.toml", "", "", ""),
    ("pyproject.toml", 'version = "{v}"', 'version = "9.9"', "The tag is"),
    ("pyproject.toml", 'Source = "https://', 'Source = "https://x', "this repository is"),
    ("CITATION.cff", "version: {v}", "version: 9.9", "CITATION.cff"),
    ("CHANGELOG.md", "## [{v}]", "## [9.9]", "newest version"),
    ("CHANGELOG.md", "2026-12-24", "unreleased", "where the date"),
])  # fmt: skip
def test_a_release_is_refused_where_something_disagrees(tmp_path, file, old, new, said) -> None:
    version = PROJECT["version"]
    for name in ("pyproject.toml", "CITATION.cff", "CHANGELOG.md"):
        (tmp_path / name).write_text(text(name).replace("- unreleased", "- 2026-12-24"))
    changed = (tmp_path / file).read_text().replace(old.format(v=version), new)
    if old:
        assert changed != (tmp_path / file).read_text()
        (tmp_path / file).write_text(changed)
    found = check_release().disagreements(f"v{version}", URLS["Source"], tmp_path)
    assert bool(found) == bool(said) and said in " ".join(found)


def test_every_test_that_the_security_policy_names_exists() -> None:
    names = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text("SECURITY.md"))
    assert len(names) > 15
    for file, test in names:
        assert not test or f"\ndef {test}(" in text(file), (file, test)


def test_an_sdist_has_all_that_tests_and_builds_need() -> None:
    # Hatchling packs what git does not ignore, but for what is excluded here.
    sdist = PYPROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]
    assert sdist == {"exclude": ["/.ci", "/.github"]}
    for name in ("Makefile", "constraints.txt", "benchmarks", "examples", "docs", "CITATION.cff",
                 "CONTRIBUTING.md", "SECURITY.md", ".pre-commit-config.yaml"):  # fmt: skip
        assert (ROOT / name).exists()


def test_the_build_requires_what_the_extra_brings() -> None:
    assert set(PYPROJECT["build-system"]["requires"]) <= set(
        PROJECT["optional-dependencies"]["release"]
    )


def test_every_dependency_has_its_reason_in_the_architecture() -> None:
    _, _, section = text("docs/architecture.md").partition("\n## Dependencies\n")
    reasons = set(re.findall(r"[\w.-]+", section.partition("\n## ")[0].lower()))
    every = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    names = {re.split(r"[<>=\[ ;]", one)[0].lower() for some in every for one in some}
    assert names - {"backhand"} <= reasons


def test_readme_on_pypi_has_addresses_in_place_of_paths() -> None:
    hook = PYPROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    page = text("README.md") + (
        '<img src="docs/a.svg"> ![b[1] b](docs/b.png) [c](docs/c.md#d) [e](#f) [![g](g.svg)](h.md)'
    )
    for one in hook["substitutions"]:
        page = re.sub(one["pattern"], one["replacement"], page)
    blocks = re.sub(r"(?s)```.*?```", "", page)
    targets = re.findall(r'\]\(([^)\s]+)|(?:src|href)="([^"]+)"', blocks)
    assert len(targets) > 5
    assert all(a.startswith(("https://", "#")) for a in map("".join, targets)), targets
    raw = URLS["Source"].replace("github.com", "raw.githubusercontent.com")
    blob = f"{URLS['Source']}/blob/v$HFPR_VERSION"
    raw += "/v$HFPR_VERSION"
    assert page.endswith(
        f'<img src="{raw}/docs/a.svg"> ![b[1] b]({raw}/docs/b.png) [c]({blob}/docs/c.md#d) '
        f"[e](#f) [![g]({raw}/g.svg)]({blob}/h.md)"
    )
