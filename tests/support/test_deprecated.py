"""Old names work with a warning until the version that removes them, and no longer."""

import re
import tomllib
import warnings
from typing import Any

import pytest

import backhand
from backhand.support import deprecated
from backhand.support.deprecated import (
    DEPRECATED,
    Deprecated,
    current_name,
    current_options,
    old_parameters,
)
from conftest import PENGUINS, ROOT
from helpers.command_line import run

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
STEP = Deprecated("parameter", "step", "learning_rate", "0.4.0", "0.6.0", where="descend")
NAME = Deprecated("name", "network", "init", "0.4.0", "0.6.0")
OPTION = Deprecated("option", "--eta", "--learning-rate", "0.4.0", "0.6.0", where="train")


def numbers(version: str) -> tuple[int, ...]:
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    return tuple(map(int, version.split(".")))


def test_nothing_stays_longer_than_it_says_or_shorter_than_is_promised() -> None:
    for entry in DEPRECATED:
        assert numbers(entry.since) <= numbers(VERSION) < numbers(entry.removed_in), entry
        (old_major, old_minor, _), (major, minor, _) = map(numbers, (entry.since, entry.removed_in))
        assert major > old_major or minor >= old_minor + 2, entry


def test_new_names_exist_and_old_ones_are_listed_once() -> None:
    import typer

    from backhand.cli.app import app

    commands: Any = typer.main.get_command(app)
    options = {name: {spelled for p in command.params for spelled in p.opts}
               for name, command in commands.commands.items()}  # fmt: skip
    for entry in DEPRECATED:
        if entry.kind == "option":
            for command in entry.where.split(", "):
                assert entry.new in options[command] and entry.old not in options[command]
        elif entry.kind == "name":
            assert hasattr(backhand, entry.new)
    assert len({(entry.kind, entry.old, entry.where) for entry in DEPRECATED}) == len(DEPRECATED)


def descend(x: float, learning_rate: float = 0.1) -> float:
    return x - learning_rate


def test_an_old_parameter_is_the_new_one_with_a_warning() -> None:
    function: Any = old_parameters(descend, [STEP])
    with pytest.warns(backhand.BackhandFutureWarning) as warned:
        assert function(1.0, step=0.5) == 0.5
    sentence = str(warned[0].message)
    assert "step of descend" in sentence and "0.6.0" in sentence and "learning_rate" in sentence
    assert warned[0].filename == __file__
    assert function.__name__ == "descend"


def test_the_new_parameter_warns_of_nothing_and_both_are_refused() -> None:
    function: Any = old_parameters(descend, [STEP])
    assert function(1.0, learning_rate=0.5) == 0.5
    with pytest.raises(backhand.InputError, match="step is the old name of learning_rate"):
        function(1.0, step=0.5, learning_rate=0.5)


def test_the_old_parameter_of_another_function_is_unknown() -> None:
    def other(x: float) -> float:
        return x

    function: Any = old_parameters(other, [STEP])
    with pytest.raises(TypeError, match="step"):
        function(1.0, step=0.5)


def test_an_old_public_name_is_the_new_one_with_a_warning(monkeypatch) -> None:
    monkeypatch.setattr(deprecated.current_name, "__defaults__", ([NAME],))
    with pytest.warns(backhand.BackhandFutureWarning, match=r"network .* use init") as warned:
        assert backhand.network is backhand.init
    assert warned[0].filename == __file__
    assert "network" not in dir(backhand)


def test_a_name_that_never_was_one_is_an_attribute_error() -> None:
    assert current_name("network") is None
    with pytest.raises(AttributeError, match="has no attribute 'network'"):
        backhand.network  # noqa: B018


@pytest.mark.parametrize(
    ("given", "expected", "sentences"),
    [
        (["t.csv", "--eta", "1"], ["t.csv", "--learning-rate", "1"], 1),
        (["--eta=1", "--eta", "2"], ["--learning-rate=1", "--learning-rate", "2"], 1),
        (["--etas", "1", "eta"], ["--etas", "1", "eta"], 0),
        (["--", "--eta"], ["--", "--eta"], 0),
    ],
)
def test_old_options_become_new_ones(given, expected, sentences) -> None:
    said: list[str] = []
    assert current_options("train", given, said.append, [OPTION]) == expected
    assert current_options("predict", given, said.append, [OPTION]) == given
    assert len(said) == sentences
    assert all("--learning-rate" in sentence and "0.6.0" in sentence for sentence in said)


def test_the_old_option_of_the_penalty_trains_the_same_model(tmp_path) -> None:
    models = []
    for option in ("--l2", "--weight-decay"):
        path = tmp_path / f"m{option}.safetensors"
        result = run("train", PENGUINS, "-t", "species", "--quick", "--epochs", 1, "-o", path,
                     "--engine", "reference", option, 0.03)  # fmt: skip
        models.append(backhand.load(path))
        assert ("deprecated" in result.stderr) == (option == "--weight-decay")
        assert "deprecated" not in result.stdout
    assert models[0].hyperparameters == models[1].hyperparameters
    assert models[0].hyperparameters["l2"] == 0.03
    assert (models[0].params.W1 == models[1].params.W1).all()


def test_the_warning_is_shown_with_pythons_own_filters() -> None:
    assert issubclass(backhand.BackhandFutureWarning, FutureWarning)
    assert issubclass(backhand.BackhandFutureWarning, backhand.BackhandWarning)
    with warnings.catch_warnings(record=True) as caught:
        warnings.resetwarnings()
        for hidden in (DeprecationWarning, PendingDeprecationWarning, ImportWarning):
            warnings.simplefilter("ignore", hidden)
        old_parameters(descend, [STEP])(1.0, step=0.5)  # type: ignore[call-arg]
    assert [w.category for w in caught] == [backhand.BackhandFutureWarning]
