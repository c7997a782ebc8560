"""The small files of `../shared/cases/doctor`: each has the verdict that a user would expect."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from backhand.doctor import Report, check
from backhand.doctor.probe.loading import load_function

FOLDER = Path(__file__).parents[3] / "shared/cases/doctor"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"{FOLDER} is not there")


class Expected(NamedTuple):
    """What a report has to have.

    `equations` are those of all findings; `words` occur in the report, `absent` do not; `line` is
    text of the source line that is shown.
    """

    outcome: str
    equations: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    line: str = ""


CORRECT = Expected("correct")

EXPECTED = {
    "biases_as_rows:backward": Expected("correct", words=("(1, H)",)),
    "biases_as_rows:column_biases": Expected("correct", words=("(H, 1)",)),
    "one_hot_called_y:backward": CORRECT,
    "one_hot_called_y:named_labels": CORRECT,
    "one_hot_called_y:columns": Expected("correct", words=("examples as columns",)),
    "step_returns_new_parameters:backward": CORRECT,
    "step_returns_new_parameters:as_list": CORRECT,
    "step_returns_new_parameters:as_dict": CORRECT,
    "step_returns_new_parameters:rate_called_alpha": CORRECT,
    "step_returns_new_parameters:in_place": CORRECT,
    "step_returns_new_parameters:in_place_returns_loss": CORRECT,
    "step_returns_new_parameters:with_a_mistake": Expected("wrong", ("db1",)),
    "columns_and_class_indices:backward": Expected("correct", words=("examples as columns",)),
    "columns_and_class_indices:cache_in_params": Expected(
        "correct", words=("examples as columns",)
    ),
    "columns_equal_sizes:backward": Expected("correct", words=("H = K",)),
    "columns_equal_sizes:wrong_mask": Expected("wrong", ("dZ1",), line="(S > 0)"),
    "known_names_lose_to_positions:backward": CORRECT,
    "known_names_lose_to_positions:one_more": CORRECT,
    "known_names_lose_to_positions:row_count": CORRECT,
    "weights_before_biases:backward": CORRECT,
    "weights_before_biases:lists_weights_first": CORRECT,
    "weights_before_biases:lists_biases_first": CORRECT,
    "weights_before_biases:second_layer_first": CORRECT,
    "weights_before_biases:dict_of_lists": CORRECT,
    "weights_before_biases:dict_of_layers": CORRECT,
    "weights_before_biases:flat_vector": CORRECT,
    "without_biases:backward": Expected("correct", words=("no biases",)),
    "summed_loss:backward": Expected("correct", words=("summed loss",)),
    "constant_penalty:backward": Expected("correct", words=("0.01/2 ‖W‖²",)),
    "names_of_other_schools:backward": CORRECT,
    "names_of_other_schools:a_before_z": CORRECT,
    "mask_with_ge:backward": Expected("correct", words=("at Z1 = 0",)),
    "another_network_rightly_differentiated:backward": Expected(
        "correct", words=("sigmoid hidden",)
    ),
    "another_network_rightly_differentiated:tanh": Expected("correct", words=("tanh hidden",)),
    "another_network_rightly_differentiated:one_slip": Expected(
        "wrong", ("db2",), ("tanh hidden",)
    ),
    "another_network_rightly_differentiated:one_sigmoid_output": Expected(
        "correct", words=("one sigmoid output",)
    ),
    "another_network_rightly_differentiated:squared_error": Expected(
        "correct", words=("linear outputs",)
    ),
    "bias_summed_over_everything:backward": Expected("wrong", ("db1",), line="np.sum(dZ1)"),
    "bias_summed_over_everything:of_db2": Expected(
        "wrong", ("db2",), ("always 0",), ("b2[:1]",), "np.sum(dS)"
    ),
    "bias_summed_over_everything:both": Expected("wrong", ("db1", "db2"), absent=("b2[:1]",)),
    "mask_always_true:backward": Expected("wrong", ("dZ1",), ("H1 >= 0",), line="(H1 >= 0)"),
    "tape_that_assigns:backward": Expected("wrong", words=("+=",)),
    "factors_not_in_the_dictionary:backward": Expected("wrong", ("dS",)),
    "factors_not_in_the_dictionary:tanh_of_z1": Expected("wrong", ("dZ1",), ("tanh hidden",)),
    "factors_not_in_the_dictionary:sigmoid_twice": Expected("wrong", ("dZ1",), ("sigmoid hidden",)),
    "sigmoid_named_twice:backward": Expected("correct", words=("sigmoid hidden",)),
    "sigmoid_named_twice:penalty_without_half": Expected("wrong", ("dW1", "dW2")),
    "line_in_a_helper:backward": Expected("wrong", ("db1",), line="db1 = dZ1.mean(0)"),
    "line_in_a_helper:of_a_class": Expected("wrong", ("db1",), line="db1 = dZ1.mean(0)"),
    "line_in_a_helper:beside": Expected("wrong", ("db1",), line="db1 = dZ1.mean(0)"),
    "false_line:backward": Expected("wrong", ("dW2",), absent=("net.W1, net.b1",)),
    "false_line:reshaped": Expected("wrong", ("db1",), absent=("b1, b2 = b1.reshape",)),
    "advice_in_columns:backward": Expected(
        "wrong", ("db1",), ("axis=1, keepdims=True",), ("axis=0",), "dZ1.mean"
    ),
    "method_of_a_class:TwoLayerNet.loss": CORRECT,
    "method_of_a_class:TwoLayerNet": CORRECT,
    "convention_in_the_table:backward": Expected("correct", absent=("1.0e+00", "disagrees")),
    "object_without_gradients:backward": Expected("wrong", ("call",), ("no gradients",)),
    "ruled_out_but_wrong:backward": Expected("correct", words=("slope 0.3",)),
    "not_written_yet:backward": Expected("not judged", ("call",), ("not written",), ("Fix that",)),
    "forward_only:backward": Expected("correct", words=("Z1", "no gradients")),
    "numeric_gradients:backward": Expected(
        "not judged", ("call",), ("finite differences",), ("dW1 differs",)
    ),
    "naive_softmax:backward": Expected("correct", words=("overflow",)),
    "submission.ipynb:backward": CORRECT,
}  # fmt: skip
"""By file and function; those that end or block their process are below."""


@pytest.mark.parametrize("name", EXPECTED)
def test_a_case_has_the_verdict_that_a_user_expects(name: str) -> None:
    expected = EXPECTED[name]
    file, _, function = name.partition(":")
    file = file if "." in file else f"{file}.py"
    report = check(load_function(f"{FOLDER / file}:{function}").function)
    assert report.outcome == expected.outcome, str(report)
    text = " ".join(str(report).split())
    if expected.outcome == "wrong" and expected.equations:
        assert {one.equation for one in report.findings} == set(expected.equations), text
    assert all(word in text for word in expected.words), text
    assert not any(word in text for word in expected.absent), text
    assert expected.line in " ".join(_shown(report)), text


def _shown(report: Report) -> list[str]:
    return [place for one in report.findings for place in one.where]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "outcome", "code", "word"),
    [("exits_from_within", "wrong", 1, "ended the process"),
     ("loops_at_import", "not judged", 3, "within 2 s")],
)  # fmt: skip
def test_a_case_that_ends_or_blocks_its_process(name, outcome, code, word) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "backhand", "check", f"{FOLDER / name}.py:backward", "--json",
         "--seconds", "2"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    report = json.loads(done.stdout)
    assert (done.returncode, report["outcome"]) == (code, outcome)
    assert word in report["findings"][0]["mistake"]
