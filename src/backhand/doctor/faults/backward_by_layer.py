"""Faults that the gradients of both layers may have: templates, filled in for each layer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from backhand.doctor.faults.fault import Fault, fault
from backhand.doctor.faults.pieces import pieces
from backhand.doctor.frame.network import Network


class Layer(NamedTuple):
    """What the lines of a layer's gradients read: dW = Aᵀ dB, db = Σ dB."""

    dW: str
    db: str
    A: str
    dB: str
    W: str
    b: str
    rows: str
    columns: str
    unit: str
    units: str
    value: str


LAYERS = (
    Layer("dW2", "db2", "H1", "dS", "W2", "b2", "H", "K", "class", "classes", "P"),
    Layer("dW1", "db1", "X", "dZ1", "W1", "b1", "d", "H", "unit", "units", "H1"),
)

OF_WEIGHTS: tuple[tuple[str, ...], ...] = (
    ("transpose.result", "{dB}.T @ {A}", "the result is transposed"),
    ("transpose.missing", "{A} @ {dB}", "{A} is not transposed (runs only if N = {rows})"),
    ("function.squared_{A}", "({A}**2).T @ {dB}", "{A} is squared"),
    ("alignment.reversed", "{A}[::-1].T @ {dB}", "the rows of {A} are in reverse order"),
    ("operand.mask_of_{A}", "({A} > 0).T @ {dB}", "the mask of {A} is used instead of {A}"),
    ("subset.first_row_only", "{A}[:1].T @ {dB}[:1]", "only the first row is used"),
    (
        "subset.last_row_only",
        "{A}[-1:].T @ {dB}[-1:]",
        "only the last row is used: = instead of +=",
    ),
    (
        "reduction.product_of_sums",
        "{A}.sum(axis=0).reshape({rows}, 1) * {dB}.sum(axis=0)",
        "sums are multiplied instead of summing the products",
    ),
    ("stale.{A}", "before.{A}.T @ {dB}", "{A} of the previous call is used"),
    ("function.absolute", "abs({A}.T @ {dB})", "the absolute value is used"),
    ("function.sign", "sign({A}.T @ {dB})", "only the sign is kept"),
    ("factor.{W}", "{A}.T @ {dB} * {W}", "multiplied by {W}"),
    ("subset.no_first_row", "without_row({A}, 0).T @ {dB}", "the first row is skipped"),
    ("subset.no_last_row", "without_row({A}, -1).T @ {dB}", "the last row is skipped"),
    (
        "transpose.reshaped",
        "{A}.reshape({rows}, N) @ {dB}",
        "{A} is reshaped instead of transposed",
    ),
    (
        "transpose.unrolled",
        "({A}.T @ {dB}).T.reshape({rows}, {columns})",
        "the entries are in the order of the transpose: reshaped instead of transposed",
    ),
    (
        "transpose.unrolled_by_columns",
        "({A}.T @ {dB}).reshape({columns}, {rows}).T",
        "the entries are in the order of the transpose: reshaped instead of transposed",
    ),
)
"""Instead of {A}.T @ {dB}."""

OF_BIASES: tuple[tuple[str, ...], ...] = (
    ("zero.everywhere", "0 * {dB}.sum(axis=0)", "left at zero"),
    ("reduction.mean", "{dB}.mean(axis=0)", "averages over the rows instead of summing"),
    (
        "reduction.over_{units}",
        "{dB}.sum(axis=1)",
        "sums over the {units} (axis=1) instead of the rows{always 0}",
    ),
    (
        "reduction.mean_over_{units}",
        "{dB}.mean(axis=1)",
        "averages over the {units} instead of summing over the rows{always 0}",
    ),
    (
        "keepdims.sum",
        "{dB}.sum(axis=0, keepdims=True)",
        "keepdims leaves an extra dimension: the shape is (1, {columns})",
    ),
    (
        "keepdims.mean",
        "{dB}.mean(axis=0, keepdims=True)",
        "averages instead of summing, and keepdims leaves an extra dimension",
    ),
    (
        "shape.column",
        "{dB}.sum(axis=0).reshape({columns}, 1)",
        "the result is a column, ({columns}, 1)",
    ),
    (
        "reduction.over_{units}_in_column",
        "{dB}.sum(axis=1, keepdims=True)",
        "sums over the {units} (axis=1) instead of the rows{always 0}",
    ),
    ("reduction.over_all", "{dB}.sum()", "summed over the {units} too: one number{always 0}"),
    (
        "reduction.over_all_repeated",
        "{dB}.sum() + {b} * 0",
        "summed over the {units} too{always 0}",
        "{dB}.sum()",
    ),
    ("reduction.mean_of_all", "{dB}.mean()", "averages over all entries: one number{always 0}"),
    (
        "reduction.mean_of_all_repeated",
        "{dB}.mean() + {b} * 0",
        "averages over all entries{always 0}",
        "{dB}.mean()",
    ),
    ("reduction.none", "{dB}", "not summed over the rows"),
    ("subset.first_row_only", "{dB}[0]", "only the first row is used"),
    ("subset.last_row_only", "{dB}[-1]", "only the last row is used: = instead of +="),
    ("subset.first_row_twice", "{dB}.sum(axis=0) + {dB}[0]", "the first row is counted twice"),
    ("subset.last_row_twice", "{dB}.sum(axis=0) + {dB}[-1]", "the last row is counted twice"),
    ("subset.no_first_row", "{dB}.sum(axis=0) - {dB}[0]", "the first row is skipped"),
    ("subset.no_last_row", "{dB}.sum(axis=0) - {dB}[-1]", "the last row is skipped"),
    ("subset.last_row_times_N", "N * {dB}[-1]", "N times the last row is used"),
    ("subset.no_last_{unit}", "without_row({dB}.sum(axis=0), -1)", "the last {unit} is skipped"),
    ("subset.no_first_{unit}", "without_row({dB}.sum(axis=0), 0)", "the first {unit} is skipped"),
    ("function.absolute", "abs({dB}).sum(axis=0)", "the absolute values are summed"),
    ("reduction.maximum", "{dB}.max(axis=0)", "takes the maximum over the rows instead of the sum"),
    ("operand.{dW}_summed", "({A}.T @ {dB}).sum(axis=0)", "{dW} is summed instead of {dB}"),
    ("operand.first_row_of_{dW}", "({A}.T @ {dB})[0]", "the first row of {dW} is used"),
    ("operand.last_row_of_{dW}", "({A}.T @ {dB})[-1]", "the last row of {dW} is used"),
    ("factor.{b}", "{dB}.sum(axis=0) * {b}", "multiplied by {b}"),
    ("penalty.on_bias", "{dB}.sum(axis=0) + {l2} * {b}", "the penalty is applied to the bias too"),
    (
        "penalty.doubled_on_bias",
        "{dB}.sum(axis=0) + 2 * {l2} * {b}",
        "the penalty is applied to the bias too",
    ),
    ("function.sign", "sign({dB}.sum(axis=0))", "only the sign is kept"),
    ("factor.own_value", "({dB} * {value}).sum(axis=0)", "multiplied by {value} before the sum"),
)
"""Instead of {dB}.sum(axis=0)."""


def layer_faults(network: Network, name: str) -> Iterator[Fault]:
    """Those of a gradient of weights or biases; none for other values."""
    for layer in LAYERS:
        its = pieces(network)
        always = its["always 0"] if name == "db2" else ""
        fields = {**layer._asdict(), "always 0": always, "l2": its["l2 of weights"]}
        for template in {layer.dW: OF_WEIGHTS, layer.db: OF_BIASES}.get(name, ()):
            what, code, message, *shown = (text.format_map(fields) for text in template)
            yield fault(network, name, what, code, message, shown="".join(shown))
