"""A model as an ONNX file, which runs without Backhand and without Python.

The inputs are raw columns or X, the outputs classes and probabilities. Numbers of a table are
scaled in double precision, as the schema does, since a date or a large number has more digits than
float32; the network is computed in the parameters' dtype, as `Model.predict_proba` does.
"""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backhand.equations import Parameters
from backhand.errors import BackhandError, InputError
from backhand.exports.onnx_builder import ML, Graph
from backhand.exports.onnx_schema import encode, missing_text
from backhand.exports.verify import Sample, check_predictions, class_labels, draw_sample
from backhand.model import Model, as_model
from backhand.support.atomic_files import check_output, replacing
from backhand.support.optional import extra
from backhand.support.project import REPORT_WITH_MODEL
from backhand.tables.schema.columns import Category, Column

if TYPE_CHECKING:
    from backhand.model import Trained

OPSET, ML_OPSET, IR_VERSION = 13, 2, 7
"""The oldest versions with all operators used: those of ONNX 1.8, of 2020.

In double precision, onnxruntime before 1.18 needs `graph_optimization_level` ORT_ENABLE_BASIC:
otherwise it fuses Gemm and Relu into an operator that it does not have for doubles.
"""

HEAD = re.compile(rb"\x08.\x12\x08backhand", re.DOTALL)
"""The beginning of a file that Backhand exported: a ModelProto's version and producer name."""


def export_onnx(model: Trained, path: str | Path, *, double: bool = False) -> float:
    """Write a model as an ONNX file, whole or not at all.

    A model that was trained on arrays has one input, X (N, d), in the parameters' dtype. One that
    was trained on a table has an input (N, 1) for each column, by its name: double for a number,
    and for a date as days since 1970, nan where missing; a string for a category, "" where missing.
    The graph computes the place of a date in the year, the week and the day.
    Texts of numbers, such as $1,234.50, 12% and true, are to be converted before, to 1234.5, 0.12
    and 1; a number that is not finite means missing. The string of a category may have any of its
    spellings (7 and 7.0, true and TRUE, and 1 if the categories are true and false), and must not
    have spaces around it.
    The outputs are `prediction` (N,), of the classes' own type, and `probabilities` (N, K), in the
    parameters' dtype; where a column has such a name already, the output's ends in `_2`.

    Parameters
    ----------
    model : Model, MLPClassifier, TrainResult or Parameters
        What is exported.
    path : str or path
        The file to write; its name ends in .onnx.
    double : bool, default=False
        Compute the network of a float32 model in double precision, for a reference that rounding
        does not touch: P within 6e-8 of the exact one. It takes up to four times as long. The
        inputs and outputs stay float32. A float64 model is computed so in any case.

    Returns
    -------
    float
        The largest difference from the model's own probabilities, on random rows: at most 1e-6 in
        float32 and 1e-12 in float64, or more where logits are sums of many or large terms.

    Raises
    ------
    InputError
        If `model` is of another type, `path` cannot be written to, or ONNX cannot store a name.
    MissingDependencyError
        If onnx or onnxruntime is not installed.
    BackhandError
        If the file does not predict as the model does, or is refused by onnxruntime.

    Examples
    --------
    >>> import backhand, pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.onnx"
    >>> backhand.export_onnx(backhand.init(d=4, H=8, K=2), path) < 1e-6
    True
    """
    for package in ("onnx", "onnxruntime"):
        extra(package, "exporting to ONNX")
    found = as_model(model)
    path = check_output(path, "the exported model", ending=".onnx")
    labels, sample = class_labels(found), draw_sample(found)
    content = to_proto(found, labels, double=double).SerializeToString(deterministic=True)
    with replacing(path) as temporary:
        temporary.write_bytes(content)
        predicted, P = _tried(temporary, feeds(found, sample))
        return check_predictions(sample, labels, predicted, P)


def to_proto(model: Model, labels: list[Any], *, double: bool = False) -> Any:
    """Return the `onnx.ModelProto` of a model whose classes have these labels."""
    onnx = extra("onnx", "exporting to ONNX")
    _check_texts(model, labels)
    graph = Graph(["X"] if model.schema is None else [c.name for c in model.schema.columns])
    X = "X" if model.schema is None else encode(graph, model.schema)
    given = model.params.W1.dtype if model.schema is None else np.dtype(np.float32)
    computed = np.dtype(np.float64) if double else model.params.W1.dtype
    probabilities = _network(graph, model.params, X, given, computed)
    best = graph.node("ArgMax", probabilities, wanted="most probable", axis=1, keepdims=0)
    classes = graph.constant("classes", labels)
    prediction = graph.node("Gather", classes, best, wanted="prediction", axis=0)
    K = len(labels)
    info = onnx.helper.make_tensor_value_info
    outputs = [
        info(prediction, _type(onnx, np.asarray(labels).dtype), ["N"]),
        info(probabilities, _type(onnx, model.params.W1.dtype), ["N", K]),
    ]
    made = onnx.helper.make_graph(
        graph.nodes, "backhand", _inputs(onnx, model), outputs, initializer=graph.constants
    )
    opsets = [onnx.helper.make_opsetid("", OPSET)]
    if any(node.domain == ML for node in graph.nodes):
        opsets.append(onnx.helper.make_opsetid(ML, ML_OPSET))
    proto = onnx.helper.make_model(
        made, opset_imports=opsets, ir_version=IR_VERSION, producer_name="backhand",
        producer_version=version("backhand"),
    )  # fmt: skip
    onnx.helper.set_model_props(proto, _properties(model, labels))
    return proto


def feeds(model: Model, sample: Sample) -> dict[str, NDArray[Any]]:
    """Return a sample's rows as onnxruntime reads them: an array for each input."""
    if model.schema is None:
        return {"X": sample.X}
    given = {}
    for column in model.schema.columns:
        values = sample.days.get(column.name, sample.columns[column.name])
        if isinstance(column, Category):
            absent = missing_text(column)
            values = np.array([absent if v is None else v for v in values], dtype=object)
        given[column.name] = values[:, None]
    return given


def _check_texts(model: Model, labels: list[Any]) -> None:
    """Check that texts are Unicode, and that names have at least one character and no NUL."""
    columns = () if model.schema is None else model.schema.columns
    for name in (column.name for column in columns):
        if not name or "\0" in name:
            raise InputError(
                f"ONNX cannot store the column name {name!r}; rename the column and train again."
            )
    texts = [label for label in labels if isinstance(label, str)]
    for column in columns:
        texts += [column.name, *(column.categories if isinstance(column, Category) else ())]
    for text in texts:
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise InputError(f"ONNX cannot store the text {text!r}, which is not Unicode.")


def _network(
    graph: Graph, params: Parameters, X: str, given: np.dtype[Any], computed: np.dtype[Any]
) -> str:
    """Add the forward equations, computed in one dtype, of X of a given one; return P's name."""
    W1, b1, W2, b2 = (
        graph.constant(name, value.astype(computed)) for name, value in params._asdict().items()
    )
    if given != computed:
        X = graph.cast(X, computed, "X in double")
    Z1 = graph.node("Gemm", X, W1, b1, wanted="Z1")
    H1 = graph.node("Relu", Z1, wanted="H1")
    S = graph.node("Gemm", H1, W2, b2, wanted="S")
    if params.W1.dtype == computed:
        return graph.node("Softmax", S, wanted="probabilities", axis=1)
    P = graph.node("Softmax", S, wanted="P", axis=1)
    return graph.cast(P, params.W1.dtype, "probabilities")


def _inputs(onnx: Any, model: Model) -> list[Any]:
    info = onnx.helper.make_tensor_value_info
    if model.schema is None:
        return [info("X", _type(onnx, model.params.W1.dtype), ["N", model.sizes[0]])]
    texts, numbers = onnx.TensorProto.STRING, onnx.TensorProto.DOUBLE
    return [
        info(column.name, texts if isinstance(column, Category) else numbers, ["N", 1],
             doc_string=_input_description(column))
        for column in model.schema.columns
    ]  # fmt: skip


def _input_description(column: Column) -> str:
    if isinstance(column, Category):
        return f"a text without spaces around it; {missing_text(column)!r} where missing"
    if column.kind == "date":
        return "a date, as days since 1970-01-01; nan where missing"
    return "a number (of a text, 12% is 0.12); nan where missing"


def _properties(model: Model, labels: list[Any]) -> dict[str, str]:
    """Return a model file's metadata, as texts."""
    properties = {"backhand": version("backhand"), "classes": json.dumps(labels)}
    if model.schema is not None:
        kinds = {column.name: column.kind for column in model.schema.columns}
        properties |= {"target": model.schema.target, "columns": json.dumps(kinds)}
    return properties


def _type(onnx: Any, dtype: np.dtype[Any]) -> int:
    """Return ONNX's number of a NumPy dtype."""
    if dtype.kind == "U":
        return int(onnx.TensorProto.STRING)
    return int(onnx.helper.np_dtype_to_tensor_dtype(dtype))


def _tried(path: Path, given: dict[str, NDArray[Any]]) -> tuple[list[Any], NDArray[Any]]:
    """Check and run a written file, and return N labels and P (N, K)."""
    onnx, runtime = (
        extra("onnx", "exporting to ONNX"), extra("onnxruntime", "exporting to ONNX")
    )  # fmt: skip
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors are raised; warnings do not concern the user
    try:
        onnx.checker.check_model(str(path), full_check=True)
        session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        labels, P = session.run(None, given)
    except Exception as error:  # onnx and onnxruntime have no common error class
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise BackhandError(
            f"onnx or onnxruntime rejects the exported model ({reason}); it was not written. "
            f"{REPORT_WITH_MODEL}"
        ) from error
    return labels.tolist(), P
