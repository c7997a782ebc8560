"""Matching the parameters of a user's function: by their names, the rest by their order."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from backhand.doctor.probe.refusal import Reason, Refusal
from backhand.errors import InputError, listed

POSITIONS = ("X", "Y", "W1", "b1", "W2", "b2")

NAMES = {
    "X": ("X", "x", "inputs", "input", "data", "features", "images", "a0", "A0",
          "xb", "Xb", "xs", "Xs", "trainX", "inputs_list", "X_in", "x_in"),
    "Y": ("Y", "T", "Y_onehot", "Y_one_hot", "onehot", "one_hot", "Yoh", "y_onehot", "y_one_hot",
          "ts", "Ts", "trainT", "targets_list",
          "Y_true", "Y_oh", "y_oh", "onehot_y", "labels_onehot", "onehot_labels", "Yb", "Ys"),
    "y": ("y", "labels", "label", "targets", "target", "y_true", "t", "classes", "ys", "y_idx",
          "yb"),
    "W1": ("W1", "w1", "W_1", "w_1", "Wh", "wh", "W_h", "w_h", "Wxh", "W_hidden", "w_hidden",
           "weights1", "weights_1", "weight1", "Theta1", "theta1", "W_in", "w_in", "W_ih", "w_ih",
           "wih", "Wih", "syn0", "synapse_0", "synapse0", "V1"),
    "b1": ("b1", "B1", "b_1", "bias1", "bh", "b_h", "b_hidden", "biases1", "bias_1", "b_in"),
    "W2": ("W2", "w2", "W_2", "w_2", "Wo", "wo", "W_o", "w_o", "Why", "W_out", "w_out",
           "weights2", "weights_2", "weight2", "Theta2", "theta2", "W_output", "W_ho", "w_ho",
           "who", "Who", "syn1", "synapse_1", "synapse1", "V2"),
    "b2": ("b2", "B2", "b_2", "bias2", "bo", "b_o", "by", "b_out", "biases2", "bias_2"),
    "params": ("params", "parameters", "theta", "thetas", "w_flat", "theta_flat", "params_flat",
               "flat_params", "vector", "nn_params", "weights", "param", "model", "net"),
    "l2": ("l2", "reg", "weight_decay", "lam", "lambda_", "lambd", "lmbda", "l2_reg", "λ",
           "reg_strength", "reg_lambda", "lamda", "Lambda", "regularization", "l2_lambda", "wd",
           "decay", "alpha_l2", "l2_alpha", "lambda_reg", "penalty"),
    "eta": ("learning_rate", "lr", "eta", "step_size", "η", "alpha", "α", "rate", "learningRate",
            "learningrate", "epsilon", "stepsize"),
    "N": ("N", "m", "n", "batch_size", "num_examples", "n_examples", "n_samples", "num_samples"),
    "d": ("D", "d", "n_x", "n_in", "input_size", "input_dim", "n_features", "n_inputs"),
    "H": ("H", "n_h", "hidden_size", "hidden_dim", "n_hidden", "num_hidden", "hidden",
          "hidden_units", "nh", "n_hid", "nhid", "hidden_layer_size", "h"),
    "K": ("K", "C", "n_y", "n_out", "num_classes", "n_classes", "output_size", "output_dim",
          "num_labels"),
    "sizes": ("sizes", "layer_sizes", "layers", "dims", "layer_dims", "layers_dims"),
    "shapes": ("shapes",),
}  # fmt: skip
"""Names of parameters that are matched."""

ONLY_IF_REQUIRED = {*NAMES["N"], *"dDHhKC", *NAMES["sizes"],
                    *NAMES["shapes"], "alpha", "α",
                    "epsilon", "rate", "decay", "penalty"}  # fmt: skip
"""Names that are passed only if they have no default: alpha = 0.01 may be the slope of a ReLU."""

MEANINGS = {name: meaning for meaning, names in NAMES.items() for name in names}


class Argument(NamedTuple):
    """A parameter to pass: its name, what it means, and whether it is passed by position."""

    name: str
    meaning: str
    positional: bool = False


def no_function(f: object) -> InputError:
    """Return the error for what cannot be called."""
    if isinstance(f, str):
        return InputError(
            f"f is {f!r:.60}, a text; expected the function itself. The command backhand check "
            "takes such a name."
        )
    return InputError(f"f is of type {type(f).__name__}; expected a function.")


def arguments_of(f: Callable[..., Any]) -> tuple[Argument, ...]:
    """The parameters of `f` to pass: matched by name; those of unknown names by their order.

    Raises
    ------
    Refusal
        If they cannot be matched.
    InputError
        If `f` is not callable.
    """
    if not callable(f):
        raise no_function(f)
    by_position = tuple(Argument(name, name, positional=True) for name in POSITIONS)
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except Exception:  # no signature, or one of a class of its own
        return by_position
    kinds = {p.kind for p in parameters}
    named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    required = [p.name for p in named if p.default is p.empty]
    meanings = _by_name([p.name for p in named], required)
    unknown = [name for name in required if name not in meanings]
    if unknown:
        meanings |= _by_order(required, unknown, meanings)
    if meanings and all(name in meanings for name in required):
        return tuple(Argument(p.name, meanings[p.name], p.kind == p.POSITIONAL_ONLY)
                     for p in named if p.name in meanings)  # fmt: skip
    if not required and inspect.Parameter.VAR_POSITIONAL in kinds:
        return by_position
    if not required and inspect.Parameter.VAR_KEYWORD in kinds:
        return tuple(Argument(name, name) for name in POSITIONS)
    raise Refusal(Reason.PARAMETERS, _not_understood(unknown, meanings))


def unknown_of(f: Callable[..., Any]) -> tuple[tuple[Argument, ...], list[str]]:
    """The parameters of `f` whose names are known, and the names of required ones that are not."""
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    named = [p for p in inspect.signature(f).parameters.values() if p.kind not in variable]
    required = [p.name for p in named if p.default is p.empty]
    meanings = _by_name([p.name for p in named], required)
    known = tuple(Argument(p.name, meanings[p.name]) for p in named if p.name in meanings)
    return known, [name for name in required if name not in meanings]


def _by_name(names: Sequence[str], required: Sequence[str]) -> dict[str, str]:
    """The meaning of each known name; of several names of one meaning, of the first."""
    found: dict[str, str] = {}
    for name in names:
        meaning = MEANINGS.get(name) or MEANINGS.get(_plain(name))
        left_alone = name in ONLY_IF_REQUIRED and name not in required
        if meaning and meaning not in found.values() and not left_alone:
            found[name] = meaning
    if {"weights", "biases"} <= set(names):
        found |= {"weights": "weights", "biases": "biases"}
    return found


def _plain(name: str) -> str:
    """A name without what is said of the rows: X_batch, y_train."""
    return re.sub(r"^(train|batch)_|_(batch|train|tr|mini|b|i|data)$|(Batch|Train|batch|train)$",
                  "", name)  # fmt: skip


def _by_order(
    required: Sequence[str], unknown: Sequence[str], known: dict[str, str]
) -> dict[str, str]:
    """What unknown names mean, if what is not among the known ones is as many; else nothing."""
    if len(required) == len(POSITIONS) and not set(known) & set(required):
        return dict(zip(required, POSITIONS, strict=True))
    taken = {"Y" if meaning == "y" else meaning for meaning in known.values()}
    data = [name for name in ("X", "Y") if name not in taken]
    theta = [] if taken & {"params", "weights"} else [
        name for name in POSITIONS[2:] if name not in taken]  # fmt: skip
    if len(theta) == 4 and [name[:1].lower() for name in unknown[-4:]] == ["w", "w", "b", "b"]:
        theta = ["W1", "W2", "b1", "b2"]
    whole = len(theta) == 4
    choices = [[*data, *theta], *([[*data, "W1", "W2"], [*data, "params"]] if whole else [])]
    fitting = [choice for choice in choices if len(choice) == len(unknown)]
    if not fitting or (not known and len(unknown) < 4):
        return {}
    return dict(zip(unknown, fitting[0], strict=True))


def _not_understood(unknown: Sequence[str], known: dict[str, str]) -> str:
    """Which parameters were not understood, and what they may be called."""
    if not unknown:
        what = "it has no array parameters"
    else:
        these = "parameter" if len(unknown) == 1 else "parameters"
        was = "was" if len(unknown) == 1 else "were"
        what = f"its {these} {listed(unknown)} {was} not understood"
    if not known:
        return f"{what}; expected X, Y (or y, class indices), W1, b1, W2, b2 or some of them"
    extra = [name for name in ("l2", "eta", "N", "d", "H", "K") if name not in known.values()]
    names = ", ".join({"l2": "l2 (λ)", "eta": "learning_rate"}.get(n, n) for n in extra)
    return f"{what}; beside X, Y or y, W1, b1, W2, b2 or params, it may take {names}"
