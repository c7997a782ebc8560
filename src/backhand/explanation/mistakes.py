"""Mistakes for the page: some of the doctor's faults, with its own words for them."""

from __future__ import annotations

from typing import TypedDict

from backhand.doctor.faults.dictionary import dictionary
from backhand.doctor.faults.fault import Fault
from backhand.doctor.report.contents import Finding
from backhand.doctor.report.hints import question
from backhand.doctor.report.notation import label
from backhand.explanation.problem import Problem
from backhand.formulas import LINES, Line


class Mistake(TypedDict):
    """One fault as the page has it: its lines as code, what is wrong, and the doctor's question."""

    id: str
    equation: str
    lines: dict[str, str]
    right: dict[str, str]
    message: str
    question: str


CHOSEN = (
    "Z1.bias.missing",
    "H1.activation.none",
    "H1.activation.tanh",
    "H1.sign.of_Z1",
    "H1.bias.after_activation",
    "S.operand.Z1_for_H1",
    "S.bias.missing",
    "P.softmax.over_rows",
    "P.softmax.not_normalised",
    "P.activation.sigmoid",
    "L.reduction.sum",
    "L.sign.flipped",
    "dS.scale.no_mean",
    "dS.scale.mean_twice",
    "dS.sign.flipped",
    "dS.labels.not_subtracted",
    "dS.labels.one_from_every_class",
    "dS.labels.columns_of_all_rows",
    "dS.labels.of_row_before",
    "dS.softmax.skipped",
    "dS.softmax.true_class_only",
    "dW2.operand.Z1_for_H1",
    "dW2.transpose.reshaped",
    "dW2.subset.last_row_only",
    "dW2.penalty.missing",
    "db2.reduction.mean",
    "db2.reduction.over_all",
    "dH1.order.W2_after_its_update",
    "dH1.operand.dW2_for_W2",
    "dH1.transpose.reshaped",
    "dZ1.mask.missing",
    "dZ1.mask.sign_of_dH1",
    "dZ1.mask.reversed",
    "dZ1.mask.H1",
    "dW1.operand.dH1_for_dZ1",
    "dW1.reduction.product_of_sums",
    "dW1.penalty.doubled",
    "db1.operand.dH1_summed",
    "db1.keepdims.sum",
    "db1.mask.of_sum_over_rows",
    "update.sign.uphill",
    "update.scale.no_eta",
    "update.missing.step.biases",
)
"""Ids of the dictionary, of the network of the equations: the usual ones, and of every kind.

Those of the penalty are shown where there is one.
"""


def mistakes(problem: Problem) -> list[Mistake]:
    """Return the mistakes that a page of this problem can show.

    The dictionary's lines have neither weights of rows nor dropout: with these there are none.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    list of dict
        Of each fault its `id`, its `equation`, the code of its `lines` and of the `right` ones by
        the values' names, the doctor's `message` and its `question` to a learner.

    Examples
    --------
    >>> import backhand, numpy as np
    >>> from backhand.explanation.problem import Problem
    >>> params = backhand.init(d=2, H=3, K=2, dtype=np.float64)
    >>> found = mistakes(Problem(params, np.zeros((2, 2)), np.eye(2)))
    >>> [(one["lines"], one["message"]) for one in found if one["id"] == "dS.sign.flipped"]
    [({'dS': '(Y - P) / N'}, 'dS: the sign is flipped: Y - P.')]
    """
    if problem.sample_weight is not None or problem.mask is not None:
        return []
    penalty = bool(problem.l2)
    known = {fault.id: fault for fault in dictionary()}
    chosen = (known[name] for name in CHOSEN)
    return [_shown(fault, penalty) for fault in chosen if penalty or not _is_of_penalty(fault)]


def _is_of_penalty(fault: Fault) -> bool:
    """Whether its lines are the equations' where there is no penalty."""
    return all(line.data == LINES[name].data for name, line in fault.lines.items())


def _shown(fault: Fault, penalty: bool) -> Mistake:
    return {
        "id": fault.id,
        "equation": fault.equation,
        "lines": {name: _code(line, penalty) for name, line in fault.lines.items()},
        "right": {name: _code(LINES[name], penalty) for name in fault.lines},
        "message": f"{label(fault.name)}: {fault.message}.",
        "question": question(Finding(fault.equation, fault.message, True, "", fault.id)),
    }


def _code(line: Line, penalty: bool) -> str:
    return line.code(penalty=penalty)
