"""A model as one readable Python file that predicts with NumPy alone."""

from __future__ import annotations

import re
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from backhand.errors import BackhandError, InputError
from backhand.exports import numpy_template as template
from backhand.exports.verify import Sample, check_predictions, class_labels, draw_sample
from backhand.model import Model, as_model
from backhand.support.atomic_files import check_output, replacing
from backhand.support.project import REPORT_WITH_MODEL
from backhand.tables.cells.dates import MONTHS, RULES
from backhand.tables.cells.numbers import CURRENCY, NUMERAL
from backhand.tables.cells.texts import MISSING, SPACES, WHOLE, spellings
from backhand.tables.schema.columns import CLIP, Category, Date, Number

if TYPE_CHECKING:
    from backhand.model import Trained

HEAD = re.compile(rb'"""A classifier that needs nothing but NumPy, written by Backhand ')
"""The beginning of a file that Backhand exported; see `numpy_template.OPENING`."""


def export_numpy(model: Trained, path: str | Path) -> float:
    """Write a model as a Python file, whole or not at all.

    The file has `predict_proba` and `predict`. They take X (N, d) if the model was trained on
    arrays, a dict of columns if it was trained on a table. Run as a script, the file prints the
    predictions of a CSV file. It reads cells as Backhand does: texts without the spaces around
    them, numbers in dress ($1,234.50, 12%), and as missing what is not a number in a column of
    numbers. The network is computed in the parameters' dtype, as `Model.predict_proba` does.

    Parameters
    ----------
    model : Model, MLPClassifier, TrainResult or Parameters
        What is exported.
    path : str or path
        The file to write; its name ends in .py.

    Returns
    -------
    float
        The largest difference from the model's own probabilities, on random rows: at most 1e-6 in
        float32 and 1e-12 in float64, or more where logits are sums of many or large terms.

    Raises
    ------
    InputError
        If `model` is of another type, or `path` cannot be written to or would hide a module.
    BackhandError
        If the file does not predict as the model does.

    Examples
    --------
    >>> import backhand, pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "classify.py"
    >>> backhand.export_numpy(backhand.init(d=4, H=8, K=2), path) < 1e-6
    True
    """
    found = as_model(model)
    path = check_output(path, "the exported model", ending=".py")
    if path.stem in {*sys.stdlib_module_names, "numpy"}:
        raise InputError(
            f"the exported model {path} would hide Python's module {path.stem} from all programs "
            "in that folder, and from itself; choose another name."
        )
    labels, sample = class_labels(found), draw_sample(found)
    text = to_source(found, labels)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        predicted, P = _tried(temporary, found, sample)
        return check_predictions(sample, labels, predicted, P)


def to_source(model: Model, labels: list[Any]) -> str:
    """Return the text of the file for a model whose classes have these labels."""
    d, H, K = model.sizes
    dtype = model.params.W1.dtype
    columns = () if model.schema is None else model.schema.columns
    missing = MISSING if model.schema is None else model.schema.missing
    dates = any(isinstance(column, Date) for column in columns)
    modules = ["base64", "csv", "os", "sys", *(["re"] if columns else [])]
    values = {
        "VERSION": version("backhand"), "D": d, "H": H, "K": K, "DTYPE": dtype,
        "BYTES": dtype.newbyteorder("<").str,
        "CLASSES": template.python_literal(labels, "CLASSES = "),
        "IMPORTS": template.imports(modules, dates, bool(columns)),
        "CLIP": CLIP, "WHOLE": WHOLE, "MONTHS": MONTHS,
        "RULES": "\n".join(template.rule(*item) for item in RULES.items()),
        "SPACES": template.pieces(SPACES), "CURRENCY": template.pieces(CURRENCY),
        "NUMERAL": template.pieces(NUMERAL),
        "MISSING": template.python_literal(tuple(spellings(missing)), "MISSING = "),
        "COLUMNS": "\n".join(template.column(column) for column in columns),
        "PARAMETERS": "\n".join(
            template.parameter(*item) for item in model.params._asdict().items()
        ),
    }  # fmt: skip
    return template.assembled(_parts(model), values)


def _parts(model: Model) -> list[str]:
    """Return the parts of the file that this model needs."""
    if model.schema is None:
        return [
            template.OPENING, template.ARRAYS, template.NETWORK, template.READ_ARRAY,
            template.MAIN, template.PARAMETERS,
        ]  # fmt: skip
    kinds = {type(column) for column in model.schema.columns}
    return [
        template.OPENING, template.TABLE, template.NETWORK,
        *([template.NUMBERS] if kinds & {Number, Date} else []),
        *([template.DATES] if Date in kinds else []),
        *([template.CATEGORIES] if Category in kinds else []),
        template.READ_TABLE, template.MAIN, template.COLUMNS, template.PARAMETERS,
    ]  # fmt: skip


def _tried(path: Path, model: Model, sample: Sample) -> tuple[list[Any], NDArray[Any]]:
    """Run a written file on a sample, and return N labels and P (N, K)."""
    namespace: dict[str, Any] = {"__name__": "exported"}
    given = sample.X if model.schema is None else sample.columns
    try:
        # An import would write bytecode beside the file.
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), namespace)
        labels = namespace["predict"](given).tolist()
        P: NDArray[Any] = namespace["predict_proba"](given)
    except Exception as error:
        raise BackhandError(
            f"the exported file does not run ({type(error).__name__}: {error}); it was not "
            f"written. {REPORT_WITH_MODEL}"
        ) from error
    return labels, P
