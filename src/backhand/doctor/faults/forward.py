"""Faults in the lines of the forward pass and in the loss."""

from __future__ import annotations

from collections.abc import Iterator

from backhand.doctor.faults.families import alone
from backhand.doctor.faults.fault import Fault, Need, fault, number
from backhand.doctor.faults.outputs import of_loss, of_P
from backhand.doctor.faults.pieces import filled, pieces, selected
from backhand.doctor.frame.network import Network

FORWARD: dict[str, list[tuple[str, ...]]] = {
    "Z1": [
        ("bias.missing", "X @ W1", "b1 is missing"),
        ("bias.subtracted", "X @ W1 - b1", "b1 is subtracted"),
        ("bias.twice", "X @ W1 + 2 * b1", "b1 is added twice"),
        ("bias.inside_product", "X @ (W1 + b1)",
         "b1 is added to every row of W1, inside the product"),
        ("bias.first_entry", "X @ W1 + b1[0]", "the first entry of b1 is added for all units"),
        ("bias.sum", "X @ W1 + b1.sum()", "the sum of b1 is added for all units"),
        ("bias.other_layer", "X @ W1 + b2", "b2 is added instead of b1"),
        ("subset.no_first_feature", "X[:, 1:] @ W1[1:]{+b1}", "the first feature is skipped"),
        ("subset.no_last_feature", "X[:, :-1] @ W1[:-1]{+b1}", "the last feature is skipped"),
        ("transpose.W1", "X @ W1.T{+b1}", "W1 is transposed (runs only if d = H)"),
        ("input.centred", "(X - X.mean(axis=0)) @ W1{+b1}", "the columns of X are centred first"),
        ("input.absolute", "abs(X) @ W1{+b1}", "the absolute value of X is used"),
        ("scale.by_sqrt_d", "(X @ W1{+b1}) / sqrt(d)", "the sum is divided by √d"),
        ("bias.multiplied", "X @ W1 * b1", "multiplied by b1 instead of adding it"),
        ("function.centred", "X @ W1{+b1} - (X @ W1{+b1}).mean(axis=0)",
         "Z1 is centred over the batch"),
        ("function.standardised_before_bias",
         "(X @ W1 - (X @ W1).mean(axis=0)) / (X @ W1).std(axis=0){+b1}",
         "Z1 is standardised over the batch"),
        ("function.standardised",
         "(X @ W1{+b1} - (X @ W1{+b1}).mean(axis=0)) / (X @ W1{+b1}).std(axis=0)",
         "Z1 is standardised over the batch"),
    ],
    "H1": [
        ("activation.none", "Z1", "{name} is missing"),
        ("activation.absolute", "abs(Z1)", "the absolute value is used instead of {name}"),
        ("activation.negative_part", "minimum(Z1, 0)",
         "minimum is used instead of maximum: the negative part is kept", "relu"),
        ("sign.of_Z1", "{f(-Z1)}", "the sign of Z1 is flipped in {name}"),
        ("sign.flipped", "-{f}", "the sign of H1 is flipped"),
        ("activation.step", "1.0 * (Z1 > 0)",
         "the mask of zeros and ones is used instead of Z1 times the mask", "relu"),
        ("activation.maximum_with_1", "maximum(Z1, 1)",
         "the maximum with 1 is used instead of the maximum with 0", "relu"),
        ("bias.after_activation", "{f(X @ W1)} + b1", "b1 is added after {name}"),
        ("bias.missing", "{f(X @ W1)}", "b1 is missing inside {name}", "biases"),
        ("activation.tanh", "tanh(Z1)", "tanh is used instead of {name}"),
        ("activation.sigmoid", "sigmoid(Z1)", "sigmoid is used instead of {name}"),
        ("activation.softplus", "log1p(exp(Z1))", "softplus is used instead of {name}"),
        ("activation.softmax", "softmax(Z1)", "softmax is used instead of {name}"),
        ("scale.halved", "{f} / 2", "H1 is halved"),
        ("scale.doubled", "2 * {f}", "H1 is doubled"),
        ("activation.corner_at_1", "where(Z1 > 1, Z1, 0)",
         "ReLU has its corner at 1 instead of 0", "relu"),
        ("transpose.H1", "{f}.T", "H1 is transposed"),
        ("undefined.sign_of_Z1", "Z1 * (1 + Z1 / abs(Z1)) / 2",
         "Z1 / |Z1| is used as the sign of Z1; it is 0/0 where Z1 is 0", "relu"),
        ("undefined.at_zero", "where(Z1 == 0, 0 / Z1, {f})", "nan where Z1 is 0", "relu"),
        ("activation.maximum_with_mean", "maximum(Z1, Z1.mean())",
         "the maximum with the mean is used instead of the maximum with 0", "relu"),
        ("activation.no_minus_1", "where(Z1 > 0, Z1, exp(minimum(Z1, 0)))",
         "1 is not subtracted where Z1 ≤ 0", "elu"),
        ("activation.linear_below", "where(Z1 > 0, Z1, Z1 - 1)",
         "the exponential is missing where Z1 ≤ 0", "elu"),
        ("activation.exchanged", "where(Z1 > 0, exp(Z1) - 1, Z1)",
         "the two sides of ELU are exchanged", "elu"),
        ("activation.slope_below", "where(Z1 > 0, Z1, {s})",
         "the slope {s} is used where Z1 ≤ 0, not {s} · Z1", "leaky_relu"),
        ("activation.exchanged", "where(Z1 > 0, {s} * Z1, Z1)", "the two slopes are exchanged",
         "leaky_relu"),
        ("activation.slope_negative", "where(Z1 > 0, Z1, -{s} * Z1)",
         "the sign of the slope is flipped", "leaky_relu"),
        ("activation.maximum_with_slope", "maximum(Z1, {s})",
         "the maximum with the slope is used", "leaky_relu"),
        ("activation.another_slope", "where(Z1 > 0, Z1, c * Z1)",
         "the slope where Z1 ≤ 0 is not {s}", "leaky_relu"),
        ("activation.no_logarithm", "1 + exp(Z1)", "the logarithm is missing", "softplus"),
        ("activation.no_one", "log(exp(Z1) + 0.0)", "1 is missing in softplus", "softplus"),
        ("activation.base_2", "log2(1 + exp(Z1))", "the logarithm has base 2", "softplus"),
        ("activation.exponential", "exp(Z1)", "the exponential is used alone", "softplus sigmoid"),
        ("activation.minus_in_denominator", "1 / (1 - exp(-Z1))",
         "the denominator of sigmoid has a minus sign", "sigmoid"),
        ("activation.twice", "sigmoid(sigmoid(Z1))", "sigmoid is applied twice", "sigmoid"),
        ("activation.twice", "tanh(tanh(Z1))", "tanh is applied twice", "tanh"),
        ("activation.of_double", "tanh(2 * Z1)", "tanh is taken of 2 Z1", "tanh"),
        ("activation.of_half", "tanh(Z1 / 2)", "tanh is taken of Z1 / 2", "tanh"),
        ("activation.clipped", "clip(Z1, -1, 1)", "Z1 is clipped to [-1, 1]", "tanh"),
        ("activation.arctan", "(exp(Z1) + exp(-Z1)) / (exp(Z1) - exp(-Z1))",
         "numerator and denominator of tanh are exchanged", "tanh"),
        ("activation.hyperbolic_sine", "(exp(Z1) - exp(-Z1)) / 2",
         "the denominator of tanh is missing", "tanh"),
        ("activation.of_sigmoid_form", "Z1 * sigmoid(1.702 * Z1)",
         "the approximation of GELU with sigmoid is used", "gelu gelu_tanh"),
        ("activation.no_Z1", "normal(Z1)", "the factor Z1 is missing in GELU", "gelu"),
        ("activation.no_half", "2 * gelu(Z1)", "the factor 1/2 is missing in GELU", "gelu"),
        ("activation.no_half", "2 * gelu_tanh(Z1)", "the factor 1/2 is missing in GELU",
         "gelu_tanh"),
        ("activation.no_cube", "Z1 / 2 * (1 + tanh(sqrt(0.6366197723675814) * Z1))",
         "the cube is missing in GELU", "gelu_tanh"),
    ],
    "S": [
        ("bias.missing", "H1 @ W2", "b2 is missing"),
        ("bias.subtracted", "H1 @ W2 - b2", "b2 is subtracted"),
        ("bias.twice", "H1 @ W2 + 2 * b2", "b2 is added twice"),
        ("operand.Z1_for_H1", "Z1 @ W2{+b2}",
         "Z1 is used instead of H1: {name} is skipped here"),
        ("operand.X_for_H1", "X @ W2{+b2}", "X is used instead of H1 (runs only if d = H)"),
        ("bias.inside_product", "H1 @ (W2 + b2)",
         "b2 is added to every row of W2, inside the product"),
        ("bias.first_entry", "H1 @ W2 + b2[0]", "the first entry of b2 is added for all classes"),
        ("bias.sum", "H1 @ W2 + b2.sum()", "the sum of b2 is added for all classes"),
        ("bias.other_layer", "H1 @ W2 + b1",
         "b1 is added instead of b2 (runs only if H = K)"),
        ("subset.no_first_unit", "H1[:, 1:] @ W2[1:]{+b2}", "the first hidden unit is skipped"),
        ("subset.no_last_unit", "H1[:, :-1] @ W2[:-1]{+b2}", "the last hidden unit is skipped"),
        ("transpose.W2", "H1 @ W2.T{+b2}", "W2 is transposed (runs only if H = K)"),
        ("operand.W1_for_W2", "H1 @ W1{+b2}", "W1 is used instead of W2"),
        ("activation.relu", "maximum(H1 @ W2{+b2}, 0)", "ReLU is applied to the logits too"),
        ("scale.by_H", "(H1 @ W2{+b2}) / H", "the logits are divided by H"),
        ("activation.tanh", "tanh(H1 @ W2{+b2})", "tanh is applied to the logits"),
        ("activation.sigmoid", "sigmoid(H1 @ W2{+b2})", "sigmoid is applied to the logits"),
        ("sign.flipped", "-(H1 @ W2{+b2})", "the sign of the logits is flipped"),
        ("bias.multiplied", "H1 @ W2 * b2", "multiplied by b2 instead of adding it"),
    ],
    "P": [
        ("softmax.sum_over_rows",
         "exp(S - S.max(axis=1, keepdims=True)) / exp(S - S.max(axis=1, "
         "keepdims=True)).sum(axis=0)",
         "the softmax denominator sums over the batch (axis=0) instead of the classes",
         "softmax_outputs"),
        ("softmax.missing", "S", "softmax is missing", "softmax_outputs"),
        ("softmax.not_normalised", "exp(S)",
         "the exponentials are not divided by their sum", "softmax_outputs"),
        ("softmax.not_normalised_shifted", "exp(S - S.max(axis=1, keepdims=True))",
         "the exponentials are not divided by their sum", "softmax_outputs"),
        ("softmax.sum_of_batch", "exp(S) / exp(S).sum()",
         "the exponentials are divided by the sum over the whole batch", "softmax_outputs"),
        ("softmax.no_keepdims", "exp(S - S.max()) / exp(S - S.max()).sum(axis=1)",
         "keepdims is missing in the row sums: each row is divided by the sums of other "
         "rows (runs only if N = K)", "softmax_outputs"),
        ("activation.sigmoid", "sigmoid(S)",
         "sigmoid is used instead of softmax", "softmax_outputs"),
        ("softmax.of_sigmoids", "sigmoid(S) / sigmoid(S).sum(axis=1, keepdims=True)",
         "sigmoids are normalised instead of exponentials", "softmax_outputs"),
        ("softmax.logarithm", "log(softmax(S))",
         "the logarithms of the probabilities are used instead", "softmax_outputs"),
        ("softmax.minus_logarithm", "-log(softmax(S))",
         "minus the logarithms of the probabilities are used instead", "softmax_outputs"),
        ("softmax.sign_of_S", "softmax(-S)",
         "the sign of S is flipped in the softmax", "softmax_outputs"),
        ("softmax.base_2", "softmax(log(2) * S)",
         "softmax has base 2: 2**S instead of exp(S)", "softmax_outputs"),
        ("softmax.temperature_2", "softmax(S / 2)",
         "softmax has a temperature of 2", "softmax_outputs"),
        ("softmax.temperature_1_2", "softmax(2 * S)",
         "softmax has a temperature of 1/2", "softmax_outputs"),
        ("softmax.logits_by_sqrt_K", "softmax(S / sqrt(K))",
         "the logits are divided by √K in the softmax", "softmax_outputs"),
        ("softmax.maximum_below_only",
         "exp(S) / exp(S - S.max(axis=1, keepdims=True)).sum(axis=1, keepdims=True)",
         "the row maximum is subtracted in the denominator only", "softmax_outputs"),
        ("softmax.maximum_above_only",
         "exp(S - S.max(axis=1, keepdims=True)) / exp(S).sum(axis=1, keepdims=True)",
         "the row maximum is subtracted in the numerator only", "softmax_outputs"),
        ("softmax.maxima_of_columns",
         "exp(S - S.max(axis=0)) / exp(S - S.max(axis=0)).sum(axis=1, keepdims=True)",
         "column maxima are subtracted instead of row maxima", "softmax_outputs"),
        ("softmax.sum_of_batch_shifted",
         "exp(S - S.max(axis=1, keepdims=True)) / exp(S - S.max(axis=1, keepdims=True)).sum()",
         "the exponentials are divided by the sum over the whole batch", "softmax_outputs"),
        ("softmax.minimum_above_only",
         "exp(S - S.min(axis=1, keepdims=True)) / exp(S).sum(axis=1, keepdims=True)",
         "the row minimum is subtracted in the numerator only", "softmax_outputs"),
        ("softmax.one_hot", "1.0 * (S == S.max(axis=1, keepdims=True))",
         "the most likely class gets 1 and the others 0, without softmax", "softmax_outputs"),
        ("softmax.rounded", "round(softmax(S))",
         "the probabilities are rounded to 0 and 1", "softmax_outputs"),
        ("softmax.no_exponential", "S / S.sum(axis=1, keepdims=True)",
         "the exponential is missing", "softmax_outputs"),
        ("softmax.no_exponential_absolute", "abs(S) / abs(S).sum(axis=1, keepdims=True)",
         "the exponential is missing", "softmax_outputs"),
        ("softmax.squares", "S**2 / (S**2).sum(axis=1, keepdims=True)",
         "squares are used instead of exponentials", "softmax_outputs"),
        ("softmax.by_norm", "exp(S) / norm(exp(S), axis=1, keepdims=True)",
         "the exponentials are divided by their norm instead of their sum", "softmax_outputs"),
        ("softmax.by_maximum", "exp(S) / exp(S).max(axis=1, keepdims=True)",
         "the exponentials are divided by their maximum instead of their sum", "softmax_outputs"),
        ("softmax.by_mean", "exp(S) / exp(S).mean(axis=1, keepdims=True)",
         "the exponentials are divided by their mean instead of their sum", "softmax_outputs"),
        ("softmax.running_sum", "exp(S) / exp(S).sum(axis=1, keepdims=True).cumsum(axis=0)",
         "the softmax denominator is a running sum over the rows", "softmax_outputs"),
        ("softmax.sum_plus_1", "exp(S) / (1 + exp(S).sum(axis=1, keepdims=True))",
         "1 is added to the softmax denominator", "softmax_outputs"),
        ("activation.tanh", "tanh(S)", "tanh is used instead of softmax", "softmax_outputs"),
    ],
    "L": [
        ("reduction.sum", "-(Y * log(P)).sum()",
         "sums over the rows instead of averaging", "cross_entropy"),
        ("reduction.mean", "-(Y * log(P)).sum() / N", "averages over the rows instead of summing",
         "cross_entropy & sum"),
        ("scale.by_N", "-(Y * log(P)).sum() / N", "the sum is divided by N instead of N·K",
         "cross_entropy & elements"),
        ("sign.flipped", "(Y * log(P)).sum(){mean}", "the minus sign is missing", "cross_entropy"),
        ("sign.flipped_no_mean", "(Y * log(P)).sum()",
         "the minus sign and the mean over the rows are missing", "cross_entropy"),
        ("reduction.none", "-(Y * log(P)).sum(axis=1)",
         "not averaged: one number per row", "cross_entropy"),
        ("scale.by_NK", "-(Y * log(P)).sum() / (N * K)",
         "averages over all N·K entries instead of the rows", "cross_entropy"),
        ("scale.by_K", "-(Y * log(P)).sum() / K",
         "the sum is divided by K instead of N", "cross_entropy"),
        ("scale.mean_twice", "-(Y * log(P)).sum(){mean} / N",
         "1/N is applied twice", "cross_entropy"),
        ("scale.halved", "-(Y * log(P)).sum() / (2 * N)", "the loss is halved", "cross_entropy"),
        ("scale.doubled", "-2 * (Y * log(P)).sum(){mean}", "the loss is doubled", "cross_entropy"),
        ("scale.by_N_minus_1", "-(Y * log(P)).sum() / (N - 1)",
         "the sum is divided by N - 1 instead of N", "cross_entropy"),
        ("scale.by_d", "-(Y * log(P)).sum() / d",
         "the sum is divided by d instead of N", "cross_entropy"),
        ("operand.S_for_log_P", "-(Y * S).sum(){mean}",
         "S is used instead of log P", "cross_entropy"),
        ("labels.columns_of_all_rows", "-log(P[:, y]).mean()",
         "P[:, y] takes the columns of all labels in every row", "cross_entropy"),
        ("labels.columns_of_all_rows_sum", "-log(P[:, y]).sum(){mean}",
         "P[:, y] takes the columns of all labels in every row", "cross_entropy"),
        ("labels.not_used", "-log(P).sum(){mean}",
         "Y is missing: the logarithms of all classes are summed", "cross_entropy"),
        ("labels.not_used_mean", "-log(P).sum() / (N * K)",
         "Y is missing: the mean is over all classes", "cross_entropy"),
        ("loss.logarithm_of_sum", "-log((Y * P).sum()){mean}",
         "the logarithm of the sum is used instead of the sum of the logarithms", "cross_entropy"),
        ("loss.logarithm_of_mean", "-log((Y * P).sum() / N)",
         "the logarithm of the mean is used instead of the mean of the logarithms",
         "cross_entropy"),
        ("loss.entropy", "-(P * log(P)).sum(){mean}",
         "P is used instead of Y: this is the entropy of P", "cross_entropy"),
        ("loss.mean_binary_cross_entropy", "-(Y * log(P) + (1 - Y) * log(1 - P)).sum() / (N * K)",
         "binary cross-entropy is used instead of cross-entropy", "cross_entropy"),
        ("loss.absolute_error", "abs(P - Y).sum(){mean}",
         "the absolute error is used instead of cross-entropy", "cross_entropy"),
        ("loss.one_minus_P", "(1 - (Y * P).sum(axis=1)).sum(){mean}",
         "the logarithm is missing: this is 1 - P", "cross_entropy"),
        ("labels.next_class_cyclic", "-(roll(Y, 1, axis=1) * log(P)).sum(){mean}",
         "the class is shifted by one", "cross_entropy"),
        ("labels.previous_class_cyclic", "-(roll(Y, -1, axis=1) * log(P)).sum(){mean}",
         "the class is shifted by one", "cross_entropy"),
        ("softmax.over_rows", "-(Y * log(softmax(S, axis=0))).sum(){mean}",
         "the log-softmax runs over the rows (axis=0)", "cross_entropy"),
        ("softmax.twice", "-(Y * log(softmax(P))).sum(){mean}",
         "softmax is applied twice", "cross_entropy"),
        ("softmax.logsumexp_over_rows", "-(Y * (S - log(exp(S).sum(axis=0)))).sum(){mean}",
         "logsumexp runs over the batch", "cross_entropy"),
        ("precision.rounded", "(-(Y * log(P)).sum(){mean}).round()",
         "the loss is rounded", "cross_entropy"),
        ("subset.no_first_row", "-(Y[1:] * log(P[1:])).sum(){mean}",
         "the first row is skipped", "cross_entropy"),
        ("subset.no_last_row", "-(Y[:-1] * log(P[:-1])).sum(){mean}",
         "the last row is skipped", "cross_entropy"),
    ],
}  # fmt: skip
"""For each value: the id without its equation, the code, and what is wrong with it."""

GUARDS: tuple[tuple[str, ...], ...] = (
    *((f"loss.log_plus_{eps}", f"-(Y * log(P + {eps})).sum(){{mean}}",
       f"{eps} is added before the logarithm", "cross_entropy")
      for eps in ("1e-2", "1e-3", "1e-4", "1e-5")),
    *((f"clip.log_above_{number(eps)}", f"-(Y * log(maximum(P, {eps}))).sum(){{mean}}",
       f"P is clipped to {eps} or more in the logarithm", "cross_entropy")
      for eps in ("0.1", "0.05", "1e-2", "1e-3")),
    *((f"clip.log_within_{number(eps)}", f"-(Y * log(clip(P, {eps}, 1 - {eps}))).sum(){{mean}}",
       f"P is clipped to [{eps}, 1 - {eps}] in the logarithm", "cross_entropy")
      for eps in ("0.1", "0.05", "1e-2", "1e-3", "1e-4", "1e-5")),
)  # fmt: skip
"""Bounds under the logarithm of the loss."""

E = "exp(S - S.max(axis=1, keepdims=True))"

BOUNDS: tuple[tuple[str, ...], ...] = (
    ("clip.above_{id}", "maximum({g}, {c})", "P is clipped to {c} or more",
     "softmax_outputs sigmoid_outputs"),
    ("clip.within_{id}", "clip({g}, {c}, 1 - {c})", "P is clipped to [{c}, 1 - {c}]",
     "softmax_outputs sigmoid_outputs"),
    ("clip.plus_{id}", "{g} + {c}", "{c} is added to P", "softmax_outputs sigmoid_outputs"),
    ("softmax.sum_plus_{id}", "exp(S) / (exp(S).sum(axis=1, keepdims=True) + {c})",
     "{c} is added to the softmax denominator", "softmax_outputs"),
    ("softmax.shifted_sum_plus_{id}", f"{E} / ({E}.sum(axis=1, keepdims=True) + {{c}})",
     "{c} is added to the softmax denominator", "softmax_outputs"),
)  # fmt: skip
"""Bounds of P, of some size."""

CLIPPED = ("0.1", "0.05", "0.02", "0.01", "5e-3", "1e-3", "1e-4", "1e-5", "1e-6")
"""Sizes that change gradients."""

GUARDED = ("1e-7", "1e-8", "1e-9")
"""Sizes so small that they only keep a logarithm or a quotient from 0."""

OVERWRITTEN: tuple[tuple[str, ...], ...] = (
    ("P", "by_P_minus_Y", "P - Y", "P was overwritten by P - Y before it was returned"),
    ("P", "by_dS", "{D}{mean}", "P was overwritten by dS before it was returned"),
    ("Z1", "by_H1", "{f}", "Z1 was overwritten by H1 before it was returned"),
    ("dH1", "by_dZ1", "dH1 * {slope}", "dH1 was overwritten by dZ1 before it was returned"),
    ("H1", "by_dH1", "dH1", "H1 was overwritten by dH1 before it was returned"),
    ("S", "by_S_minus_maximum", "S - S.max(axis=1, keepdims=True)",
     "S was overwritten by S minus its row maximum before it was returned", "softmax_outputs"),
    ("S", "by_shifted_exponentials", E,
     "S was overwritten by its exponentials before it was returned", "softmax_outputs"),
    ("S", "by_exponentials", "exp(S)",
     "S was overwritten by its exponentials before it was returned", "softmax_outputs"),
    ("S", "by_P", "{g}", "S was overwritten by P before it was returned",
     "softmax_outputs sigmoid_outputs"),
)  # fmt: skip
"""Values that were right when they were used, and are not what is returned."""


FURTHER = {"P": of_P, "L": of_loss}
"""The rows of other outputs and losses."""


def forward_faults(network: Network) -> Iterator[Fault]:
    """Faults of one line, in the order of the derivation."""
    for name, rows in FORWARD.items():
        for row in filled(network, (*rows, *FURTHER.get(name, tuple)())):
            yield fault(network, name, row.what, row.code, row.message, shown=row.shown)
        yield from alone(network, name)
    for row in filled(network, GUARDS):
        yield fault(network, "L", row.what, row.code, row.message)


def bounded(network: Network, sizes: tuple[str, ...]) -> Iterator[Fault]:
    """P with bounds of these sizes, or with so much added."""
    for c in sizes:
        for what, code, message in selected(network, BOUNDS):
            yield fault(network, "P", what.format(id=number(c)),
                        code.format(c=c, g=pieces(network)["g"]), message.format(c=c))  # fmt: skip


def overwritten_faults(network: Network) -> Iterator[Fault]:
    """Faults of what is returned alone."""
    for name, *row in OVERWRITTEN:
        for what, code, message, *_ in filled(network, [tuple(row)]):
            yield fault(network, name, f"overwritten.{what}", code, message,
                        needs=(Need.RETURNED,))  # fmt: skip
