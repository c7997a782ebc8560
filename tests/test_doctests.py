"""The examples of the public names run, and print what they show."""

import doctest
import inspect
from typing import Any

import pytest

import backhand

PUBLIC = {name: getattr(backhand, name) for name in backhand.__all__}
CLASSES = {name for name, value in PUBLIC.items() if inspect.isclass(value)}
ERRORS = {name for name in CLASSES if issubclass(PUBLIC[name], BaseException)}
SHOWN = {
    name: value for name, value in PUBLIC.items()
    if inspect.isfunction(value) or name in CLASSES - ERRORS
}  # fmt: skip


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_examples_print_what_they_show(name: str) -> None:
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    said: list[str] = []
    found = _examples_of(name, SHOWN[name])
    for example in found:
        runner.run(example, out=said.append)
    assert not runner.failures, "".join(said)
    assert any(example.examples for example in found)


def _examples_of(name: str, value: Any) -> list[doctest.DocTest]:
    """Those of a function, or of a class and its methods; `equations.forward` is wrapped."""
    return doctest.DocTestFinder().find(inspect.unwrap(value), name)


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_docstrings_say_what_goes_in_and_what_comes_out(name: str) -> None:
    text, value = inspect.getdoc(SHOWN[name]) or "", SHOWN[name]
    if inspect.isclass(value):
        assert "\nAttributes\n-----" in text or "\nParameters\n-----" in text
        return
    parameters = inspect.signature(value).parameters
    sections = ["Parameters"] if parameters else []
    sections += ["Raises"] + (["Returns"] if _returns(value) else [])
    for section in sections:
        assert f"\n{section}\n---" in text, f"{name} has no {section}"
    described = text[text.index("\nParameters\n") :]
    for parameter in parameters:
        assert parameter in described, f"{name} does not describe {parameter}"


def _returns(value: Any) -> bool:
    return inspect.get_annotations(inspect.unwrap(value)).get("return") != "None"
