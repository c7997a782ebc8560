"""A file of a later version is refused with the version that wrote it, not as damaged."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

import backhand
from backhand import InputError, MissingFileError
from backhand.support.safetensors_io import NewerFormatError
from backhand.training.checkpoints import checkpoint, file_format, members

PARAMS = backhand.init(2, 3, 2)
X, Y = np.eye(2, dtype=np.float32), np.arange(2)


def of_later(path: Path, header: dict[str, Any], **tensors: Any) -> Path:
    """A file whose header is that, and whose tensors are unknown here."""
    content = tensors or {"gate": np.ones((2, 2), np.float16)}
    save_file(content, path, metadata={"backhand": json.dumps(header)})
    return path


def test_a_model_of_a_later_format_names_its_version(tmp_path) -> None:
    path = of_later(tmp_path / "m", {"format": 7, "versions": {"backhand": "9.8.7"}})
    with pytest.raises(NewerFormatError) as caught:
        backhand.load(path)
    sentence = str(caught.value)
    assert "Backhand 9.8.7" in sentence and "its format is 7" in sentence
    assert version("backhand") in sentence and "damaged" not in sentence


@pytest.mark.parametrize("versions", [{}, {"backhand": 3}, {"backhand": "1\x1b[2J"}, None, "9.8.7"])
def test_a_version_that_is_none_is_not_repeated(tmp_path, versions) -> None:
    path = of_later(tmp_path / "m", {"format": 7, "versions": versions})
    with pytest.raises(NewerFormatError, match="by a later version of Backhand"):
        backhand.load(path)


@pytest.mark.parametrize("number", [0, -1, True, "2", 1.5, None])
def test_a_format_that_never_was_is_damage(tmp_path, number) -> None:
    path = of_later(tmp_path / "m", {"format": number}, **PARAMS._asdict())
    with pytest.raises(InputError, match="damaged"):
        backhand.load(path)


def train(folder: Path, *, resume: bool, epochs: int = 4) -> Any:
    saved = backhand.Checkpoint(folder, "1epochs", resume=resume)
    return backhand.train(PARAMS, X, Y, epochs=epochs, checkpoint=saved)


def fleet(folder: Path, *, epochs: int) -> Any:
    saved = backhand.Checkpoint(folder, resume=True)
    return backhand.train_many(
        [backhand.Member(params=PARAMS, epochs=epochs)], X, Y, checkpoint=saved
    )


def test_a_checkpoint_of_a_later_format_is_not_passed_over_for_an_older_one(tmp_path) -> None:
    train(tmp_path / "c", resume=False)
    newest = file_format.found_in(tmp_path / "c")[-1]
    later = {"format": file_format.FORMAT + 1, "made_by": {"Backhand": "9.8.7"}}
    of_later(newest, later)
    with pytest.raises(NewerFormatError, match=r"Backhand 9\.8\.7.* reads a checkpoint up to"):
        train(tmp_path / "c", resume=True)


def test_a_fleets_checkpoint_of_a_later_format_is_not_damaged(tmp_path) -> None:
    folder = tmp_path / "c"
    folder.mkdir(mode=0o700)
    later = {"format": members.FORMAT + 1, "made_by": {"Backhand": "9.8.7"}}
    of_later(folder / "results-00000001.safetensors", later)
    with pytest.raises(NewerFormatError, match=r"Backhand 9\.8\.7"):
        fleet(folder, epochs=2)


def test_the_error_is_one_of_the_family() -> None:
    assert issubclass(NewerFormatError, InputError)
    assert not issubclass(NewerFormatError, MissingFileError)


def test_other_settings_in_a_checkpoint_of_another_version_name_that_version(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(checkpoint, "version", lambda _: "0.0.9")
    train(tmp_path / "c", resume=False)
    fleet(tmp_path / "f", epochs=2)
    monkeypatch.undo()
    sentence = r"Backhand 0\.0\.9 saved it, and .* is installed"
    with pytest.raises(InputError, match=rf"epochs: 4 then, 5 now.*{sentence}"):
        train(tmp_path / "c", resume=True, epochs=5)
    with pytest.raises(InputError, match=rf"epochs: 2 then, 3 now.*{sentence}"):
        fleet(tmp_path / "f", epochs=3)


def test_other_settings_in_a_checkpoint_of_this_version_name_none(tmp_path) -> None:
    train(tmp_path / "c", resume=False)
    with pytest.raises(InputError, match="epochs: 4 then, 5 now") as caught:
        train(tmp_path / "c", resume=True, epochs=5)
    assert "saved it" not in str(caught.value)
