"""The wrong functions of the documents and of the examples, which stay files of their own."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

from corpus.registry import pair, wrong

ROOT = Path(__file__).parents[2]


def load(file: str) -> ModuleType:
    """A file by its path from the root, as a module of this one: its name is the collection's."""
    path = ROOT / file
    spec = importlib.util.spec_from_file_location(f"{__name__}.{path.stem}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


wrong("dZ1.mask.sign_of_dH1", "the mask is dH1's own sign")(load("examples/mistaken.py").backward)

gallery = load("docs/doctor/gallery.py")

wrong("dS.scale.no_mean", "the mean's 1/N is forgotten")(gallery.no_mean)
wrong("P.softmax.over_rows", "the softmax runs over the batch")(gallery.softmax_over_the_batch)
wrong("dZ1.mask.sign_of_dH1", "the ReLU is put on the gradient")(gallery.relu_of_the_gradient)
wrong("db2.reduction.over_all", "the sum runs over the classes too")(gallery.bias_that_never_learns)
wrong("dH1.order.W2_after_its_update", "W2 is used after its update")(gallery.after_the_update)
wrong("db1.reduction.mean", "the mean in place of the sum", layout="columns")(gallery.bias_as_mean)
wrong("dS.labels.previous_class_cyclic", "labels are counted from one")(gallery.labels_from_one)
wrong("dW2.penalty.doubled", "the penalty counts twice")(gallery.penalty_twice)
pair(
    "dS.sign.flipped", "the sign is flipped", "dZ1.mask.missing", "the mask is left out",
)(gallery.two_at_once)  # fmt: skip
wrong("dH1", "every other unit's gradient is 1.3 times too large")(gallery.not_in_the_dictionary)
