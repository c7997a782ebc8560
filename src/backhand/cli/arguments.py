"""Arguments in the wrong place: a model given as a table, a table as a model, another's output."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backhand.errors import InputError, listed, warn

if TYPE_CHECKING:
    from backhand.tabular.training import Prepared


def check_no_models(inputs: Sequence[str]) -> None:
    """Check that no file that is to be read as a table is a model file.

    Raises
    ------
    InputError
        With the first that is one.
    """
    for path in inputs:
        if _is_model(path):
            raise InputError(
                f"{path} is a model file, and a table is expected here; to use the model, run "
                f"backhand predict {path} DATA."
            )


def no_target(data: str | None, query: str | None, **stated: Any) -> InputError:
    """Return the error of a command without --target: the columns that it may name.

    It is an error of the table, if that cannot be read.
    """
    from backhand.tables.reading.reader import read_table

    table = read_table(data, query, **stated, once=True)
    try:
        return InputError(
            f"name the column to predict with --target COLUMN; {table.source} has "
            f"{listed(table.names, most=20)}."
        )
    finally:
        table.close()


OTHER_FORMATS = frozenset(
    {".h5", ".joblib", ".json", ".onnx", ".pickle", ".pkl", ".pt", ".pth", ".py"}
)
"""Endings of the formats in which other programs store models, or `export` writes them."""


def check_names_no_other_format(output: Path) -> None:
    """Check that the name of a model does not say that it is in another format.

    Raises
    ------
    InputError
        For `model.pkl` and `model.onnx`; not for `model`, `model.2` or `model.st`.
    """
    if output.suffix.lower() in OTHER_FORMATS:
        raise InputError(
            f"the model file {output} must not end in {output.suffix}: it is a safetensors file, "
            "such as model.safetensors. `backhand export` writes other formats."
        )


def check_order(model: str, data: str | None) -> None:
    """Check that the model is not given as the table, and the table as the model.

    Raises
    ------
    InputError
        If they are exchanged, or the table alone is given, or the model twice.
    """
    if Path(model).is_file() and not model.endswith(".safetensors") and not _is_model(model):
        exchanged = data is not None and _is_model(data)
        raise InputError(f"{model} is not a model file" + (
            f", and {data} is one; give the model first." if exchanged else
            "; give the .safetensors file that `backhand train` saved, and then the table."
        ))  # fmt: skip
    if data is not None and _is_model(data):
        raise InputError(f"{data} is a model file; give a table after the model.")


def warn_of_replaced_model(output: Path, prepared: Prepared) -> None:
    """Warn if the file that will be replaced is a model of another target or other columns."""
    from backhand.model import load

    if not _is_model(output):
        return
    try:
        schema = load(output).schema
    except InputError:  # damaged: nothing is lost
        return
    ours = {column.name for column in prepared.schema.columns}
    theirs = set() if schema is None else {column.name for column in schema.columns}
    target = "" if schema is None else schema.target
    if target == prepared.schema.target and theirs == ours:
        return
    what = "of plain arrays" if schema is None else (
        f"that predicts '{target}' from {listed(sorted(theirs), most=4)}"
    )  # fmt: skip
    warn(
        f"{output}, which will be replaced when training ends, is a model {what}; to keep it, stop "
        "now and name another file with --output (-o)."
    )


def _is_model(path: str | Path) -> bool:
    from backhand.model import HEAD
    from backhand.support.atomic_files import begins_with

    return begins_with(Path(path), HEAD)
