"""`backhand export`: write a model as a file that runs without Backhand."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backhand.cli import options, written_output
from backhand.support.visible_text import printable

if TYPE_CHECKING:
    from backhand.model import Model

ENDINGS = {"onnx": ".onnx", "numpy": ".py"}


def export(
    model: options.ModelFile,
    *,
    to: Annotated[
        str,
        typer.Option(metavar="FORMAT", show_default=False,
                     help="onnx, for ONNX runtimes; numpy, a Python file that needs only NumPy."),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", show_default="the model's name, .onnx or .py",
            help="File to write.",
        ),
    ] = None,
    double: Annotated[
        bool,
        typer.Option("--double", help="For onnx: compute a float32 model's network in double "
                                      "precision, to 6e-8 of the exact probabilities; up to four "
                                      "times slower."),
    ] = False,
) -> None:  # fmt: skip
    """Export a model to ONNX or to a Python file. The file is run and compared with the model."""
    from backhand.errors import InputError
    from backhand.model import load
    from backhand.support.atomic_files import check_output

    if to == "onnx":
        from backhand.exports.onnx import HEAD, export_onnx

        write: Callable[[Model, Path], float] = partial(export_onnx, double=double)
    elif to == "numpy":
        from backhand.exports.numpy import HEAD, export_numpy

        write = export_numpy
    else:
        raise InputError(f"--to is '{to}'; expected 'onnx' or 'numpy'.")
    if double and to != "onnx":
        raise InputError("--double is for --to onnx; leave it out.")
    loaded = load(model)
    if double and loaded.params.W1.dtype == "float64":
        raise InputError(f"{model} is float64, and is exported in double precision; leave out "
                         "--double.")  # fmt: skip
    ours = HEAD if output is None else None
    output = output or Path(Path(model).stem + ENDINGS[to])
    check_output(output, "the exported model", [model], ENDINGS[to], ours=ours)
    written_output.expect_file(output, f"the exported model is in {output}")
    difference = write(loaded, output)
    equal = "are identical to the model's"
    apart = f"differ from the model's by at most {difference:.1g}"
    found = f"its probabilities {apart if difference else equal}"
    if double:
        found += ", which are computed in float32 and rounded; this file's are not"
    before = written_output.replacing_clause(output)
    typer.echo(f"Wrote {printable(str(output))}{before}: {found}")
    typer.echo(f"Use it: {printable(_use(loaded, output, to))}")


def _use(model: Model, output: Path, to: str) -> str:
    if to == "numpy":
        rows = f"  (a CSV file with {model.sizes[0]:,} numbers per row)"
        return f"python {shlex.quote(str(output))} DATA.csv{'' if model.schema else rows}"
    inputs = '{"X": X}' if model.schema is None else "columns"
    use = f"onnxruntime.InferenceSession({str(output)!r}).run(None, {inputs})"
    return use if model.schema is None else f"{use}, a dict of (N, 1) arrays"
