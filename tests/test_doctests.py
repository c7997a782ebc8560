"""Every public name has an example; the examples run, and print what they show."""

import doctest
import inspect
import sys
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

import backhand
from backhand.errors import MissingDependencyError
from backhand.support.optional import is_installed
from helpers.public_names import LISTED, METHODS, NAMES, RETURNED, docstring

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
OPTIONAL = (
    "anywidget",
    "duckdb",
    "matplotlib",
    "mlflow",
    "onnx",
    "onnxruntime",
    "pandas",
    "sklearn",
    "sqlalchemy",
    "tensorboardX",
    "torch",
)


def test_every_public_name_and_every_public_method_has_an_example() -> None:
    """n of n: methods in their own docstring, or called in an example of their class."""
    missing = [name for name in [*NAMES, *RETURNED] if not _lines(docstring(name))]
    missing += [path for path in METHODS if not _is_shown(path)]
    assert not missing
    assert set(LISTED) <= set(NAMES) | {name for name in LISTED if not _is_available(name)}


def test_the_names_of_the_stub_are_those_that_are_counted() -> None:
    assert set(LISTED) | {"__version__"} >= set(backhand.__all__)
    assert "train" in LISTED and "optimizers.Adam" in NAMES and "Model.predict" in METHODS


def _is_shown(path: str) -> bool:
    name, _, method = path.rpartition(".")
    return bool(_lines(docstring(path))) or any(f".{method}(" in x for x in _lines(docstring(name)))


def _lines(text: str) -> list[str]:
    """The code of the examples, which are in a section of their own."""
    _, _, section = text.partition("Examples\n--------\n")
    return [example.source for example in doctest.DocTestParser().get_examples(section)]


def _is_available(name: str) -> bool:
    return name in dir(backhand)


@pytest.mark.parametrize("name", [*LISTED, *(name for name in NAMES if "." in name), *RETURNED])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.usefixtures("closed_figures")
def test_examples_print_what_they_show(name: str) -> None:
    if name in LISTED and not _is_available(name):
        pytest.skip(f"{name} needs a package that is not installed")
    missing = set()
    for test in _examples_of(name, (NAMES | RETURNED)[name]):
        try:
            doctest.DebugRunner(optionflags=FLAGS, verbose=False).run(test)
        except doctest.DocTestFailure as failure:
            example = failure.example
            pytest.fail(f"{test.name}: {example.source}expected {example.want}got {failure.got}")
        except doctest.UnexpectedException as unexpected:
            missing.add(_missing_package(unexpected.exc_info[1]))
            _remove_folders(test.globs.values())
    if missing:
        pytest.skip(f"an example needs {', '.join(sorted(missing))}")


def _examples_of(name: str, value: Any) -> list[doctest.DocTest]:
    """Those of a function, of a module, or of a class and its methods."""
    if inspect.ismodule(value):
        return [doctest.DocTestParser().get_doctest(str(value.__doc__), {}, name, None, None)]
    return doctest.DocTestFinder().find(inspect.unwrap(value), name)


def _remove_folders(values: Iterable[Any]) -> None:
    """Remove what an example that did not come to its end has not: else Python warns, later."""
    for value in values:
        if isinstance(value, tempfile.TemporaryDirectory):
            value.cleanup()


def _missing_package(error: BaseException) -> str:
    """The optional package that an example needs; any other error is raised again."""
    absent = [package for package in OPTIONAL if not is_installed(package)]
    if isinstance(error, MissingDependencyError) and absent:
        return " or ".join(absent)
    if isinstance(error, ModuleNotFoundError) and error.name in absent:
        return str(error.name)
    raise error


@pytest.fixture
def closed_figures() -> Iterator[None]:
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
