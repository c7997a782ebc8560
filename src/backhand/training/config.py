"""`TrainConfig`: the settings of a training, declared once.

Each setting is one declaration: its type, default, constraint and description. The signature and
the documentation of `train`, the defaults of the command line, the settings in a model file and the
identity of a checkpoint are all derived from it. It imports no NumPy: `backhand train --help` reads
defaults from here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from backhand.choices import ClassWeightName, MonitorName, OptimizerName, ScheduleName, names
from backhand.constraints import (
    Choice,
    Constraint,
    Exactly,
    Flag,
    Integer,
    Number,
    Or,
    check,
    check_all,
)
from backhand.errors import InputError

if TYPE_CHECKING:
    from backhand.optimizers import Optimizer
    from backhand.training.early_stopping import EarlyStopping

T = TypeVar("T")


def setting(default: T, description: str = "", constraint: Constraint | None = None) -> T:
    """Declare a setting: a dataclass field whose metadata hold its description and constraint."""
    metadata = {"description": description, "constraint": constraint}
    declared: T = field(default=default, metadata=metadata)
    return declared


def check_settings(settings: Any) -> None:
    """Check each setting of a record by its own constraint.

    Raises
    ------
    InputError
        For the first that is not allowed.
    """
    record: Any = type(settings)  # for mypy a class is not hashable
    check_all(settings, _constraints_of(record))


@cache
def _constraints_of(record: Any) -> dict[str, Constraint]:
    """The constraints of a dataclass, by setting."""
    found = {f.name: f.metadata.get("constraint") for f in fields(record)}
    return {name: constraint for name, constraint in found.items() if constraint is not None}


NAMES = {
    "OptimizerName": OptimizerName, "ScheduleName": ScheduleName, "MonitorName": MonitorName,
    "ClassWeightName": ClassWeightName,
}  # fmt: skip
"""The types that are a choice of names."""


PLACEHOLDER = "    ... : all settings, which `help` describes one by one"
"""The line of a docstring in whose place the settings are described. An editor that does not run
the module shows it as it stands."""


def with_settings(doc: str | None, record: type[Any]) -> str | None:
    """Return a docstring with the settings of a record in place of `PLACEHOLDER`."""
    return doc and doc.replace(PLACEHOLDER, describe_settings(record))


def describe_settings(record: type[Any], indent: str = "    ") -> str:
    """The declared settings of a record, as entries of a numpydoc section."""
    lines = []
    for declared in fields(record):
        if "description" not in declared.metadata:
            continue
        default = "" if declared.default is MISSING else f", default={declared.default!r}"
        lines.append(f"{indent}{declared.name} : {_type_of(declared.type)}{default}")
        lines += [f"{indent}    {line}" for line in declared.metadata["description"].split("\n")]
    return "\n".join(lines)


def _type_of(annotation: Any) -> str:
    """A type as a docstring has it, with the choices of a name."""
    text = str(annotation).replace(" | ", " or ")
    for name, choices in NAMES.items():
        text = text.replace(name, "{" + ", ".join(f'"{c}"' for c in names(choices)) + "}")
    return text


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """The settings of a training, which are valid: making one checks them.

    Raises
    ------
    InputError
        If a setting is invalid; the message says what was expected.

    Examples
    --------
    >>> from backhand.training.config import TrainConfig
    >>> TrainConfig(epochs=3, optimizer="adam").values()["optimizer.beta_1"]
    0.9
    >>> TrainConfig(epochs=0)
    Traceback (most recent call last):
    backhand.errors.InputError: epochs is 0; expected an integer of 1 or more.
    """

    learning_rate: float = setting(
        0.1, "η, or its peak where a schedule changes it.", Number(0, above=True)
    )
    epochs: int = setting(100, "Passes over the rows.", Integer(1))
    batch_size: int | None = setting(
        None,
        "Rows per update (the mini-batch). None: all rows, in order. The last batch of an epoch\n"
        "may be short; its mean is taken over its own rows.",
        Or(Exactly(None), Integer(1)),
    )
    optimizer: OptimizerName | Optimizer = setting(
        "sgd", "The update rule: its name, or one of `backhand.optimizers` with constants set."
    )
    schedule: ScheduleName = setting(
        "constant",
        "What η does after the warm-up: it stays; falls to 0 along half a cosine; falls as\n"
        'η / (t + 1)^power_t, t being the rows visited in whole epochs; or, for "adaptive", is\n'
        "divided by 5 each time the patience of `early_stopping` runs out, down to 1e-6.",
        Choice(names(ScheduleName)),
    )
    warmup: float = setting(
        0.0, "Fraction of all updates over which η rises to its peak.", Number(0, 1)
    )
    power_t: float = setting(0.5, 'The exponent of the schedule "invscaling".', Number(0))
    l2: float = setting(0.0, "λ: adds λ/2 (‖W1‖² + ‖W2‖²) to the loss.", Number(0))
    alpha: float = setting(
        0.0,
        "scikit-learn's form of the penalty: adds alpha / Σw to λ, Σw being the batch's rows or\n"
        "sample weights.",
        Number(0),
    )
    dropout: float = setting(
        0.0,
        "p: fraction of hidden units that are dropped for each row in each update; the others\n"
        "count 1 / (1 - p) times. Loss and accuracy in the history are measured with dropout;\n"
        "validation and the trained network use all units.",
        Number(0, 1, below=True),
    )
    validation_every: int = setting(
        1, "Epochs between two measurements on the validation rows.", Integer(1)
    )
    early_stopping: EarlyStopping | None = setting(
        None, "When to stop before the last epoch, and which epoch's parameters to return."
    )
    seed: int = setting(0, "Seed for shuffling and dropout.", Integer(0))
    shuffle: bool = setting(
        True,
        "Whether the rows are shuffled in each epoch; False keeps them in order. Rows\n"
        "that take more than 64 MiB are shuffled within windows of that size, made of blocks of\n"
        "neighbouring rows from random places (`training.samplers`).",
        Flag(),
    )

    def __post_init__(self) -> None:
        check_settings(self)
        if isinstance(self.optimizer, str):
            check("optimizer", self.optimizer, Choice(names(OptimizerName)))
        else:
            _ = self.rule
        if self.early_stopping is not None:
            self._check_early_stopping()
        if self.schedule == "adaptive" and self.early_stopping is None:
            raise InputError(
                "the schedule 'adaptive' acts when early stopping would: pass "
                "early_stopping=EarlyStopping(…)."
            )

    def _check_early_stopping(self) -> None:
        # The module of EarlyStopping imports this one.
        if not hasattr(type(self.early_stopping), "needs_validation"):
            raise InputError(
                f"early_stopping is {self.early_stopping!r}; expected None or a record, such as "
                "early_stopping=backhand.EarlyStopping(patience=10)."
            )

    @cached_property
    def rule(self) -> Optimizer:
        """The update rule, with its constants."""
        from backhand.optimizers import make_optimizer

        return make_optimizer(self.optimizer)

    def values(self) -> dict[str, Any]:
        """All settings as JSON values by name; those of a record as `early_stopping.patience`.

        A model file stores them, and a checkpoint is resumed only where they are the same. They
        are read from the declarations, so that none is missing.
        """
        return dict(_flat({f.name: getattr(self, f.name) for f in fields(self)} | {
            "optimizer": self.rule}))  # fmt: skip


def _flat(values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if not is_dataclass(value):
            yield name, _json_value(value)
            continue
        yield name, str(getattr(value, "name", type(value).__name__))
        inner = {f"{name}.{f.name}": getattr(value, f.name) for f in fields(value)}
        yield from _flat(inner)


def _json_value(value: Any) -> Any:
    """Return a JSON value: NumPy numbers as Python's, and values that JSON lacks as text."""
    value = value.item() if hasattr(value, "item") else value
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float) and value - value == 0:
        return value
    return str(value)
