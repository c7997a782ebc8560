"""Faults that depend on the output and the loss, where these are not softmax and cross-entropy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from backhand.doctor.faults.fault import number

P: tuple[tuple[str, ...], ...] = (
    ("activation.missing", "S", "sigmoid is missing", "sigmoid_outputs"),
    ("activation.sign_of_S", "sigmoid(-S)", "the sign of S is flipped in sigmoid",
     "sigmoid_outputs"),
    ("activation.softmax", "softmax(S)", "softmax is used instead of {output}"),
    ("activation.tanh", "tanh(S)", "tanh is used instead of {output}"),
    ("activation.relu", "maximum(S, 0)", "ReLU is used instead of {output}"),
    ("activation.sigmoid", "sigmoid(S)", "sigmoid is applied to the outputs"),
    ("activation.twice", "sigmoid(sigmoid(S))", "sigmoid is applied twice", "sigmoid_outputs"),
    ("activation.rounded", "round(sigmoid(S))", "the probabilities are rounded to 0 and 1",
     "sigmoid_outputs"),
    ("activation.not_normalised", "exp(S)", "the exponential is used instead of sigmoid",
     "sigmoid_outputs"),
    ("activation.minus_in_denominator", "1 / (1 - exp(-S))",
     "the denominator of sigmoid has a minus sign", "sigmoid_outputs"),
    ("activation.normalised", "sigmoid(S) / sigmoid(S).sum(axis=1, keepdims=True)",
     "the sigmoids are divided by their sum", "sigmoid_outputs"),
    ("activation.rescaled_tanh", "(tanh(S) + 1) / 2", "sigmoid(2 S) is used instead of sigmoid(S)",
     "sigmoid_outputs"),
    ("sign.flipped", "-S", "the sign of the outputs is flipped", "linear_outputs"),
    ("activation.exponential", "exp(S)", "the exponential is applied to the outputs",
     "linear_outputs"),
)  # fmt: skip

OF_ANY_LOSS: tuple[tuple[str, ...], ...] = (
    ("reduction.sum", "{loss}", "sums instead of averaging", "averaged"),
    ("reduction.mean", "{loss} / N", "averages over the rows instead of summing", "sum"),
    ("scale.by_N", "{loss} / N", "the sum is divided by N instead of N·K", "elements"),
    ("scale.by_NK", "{loss} / (N * K)", "averages over all N·K entries{instead of N}"),
    ("sign.flipped", "-1 * {loss}{mean}", "the sign of the loss is flipped"),
    ("sign.flipped_no_mean", "-1 * {loss}", "the sign of the loss is flipped, and it is not a mean",
     "averaged"),
    ("scale.by_K", "{loss} / K", "the sum is divided by K{instead of N}"),
    ("scale.mean_twice", "{loss}{mean} / N", "1/N is applied twice", "averaged"),
    ("scale.halved", "{loss}{mean} / 2", "the loss is halved"),
    ("scale.doubled", "2 * {loss}{mean}", "the loss is doubled"),
    ("scale.by_N_minus_1", "{loss} / (N - 1)", "the sum is divided by N - 1{instead of N}"),
    ("scale.by_d", "{loss} / d", "the sum is divided by d{instead of N}"),
    ("scale.by_H", "{loss} / H", "the sum is divided by H{instead of N}"),
    ("loss.squared_error", "((P - Y)**2).sum(){mean}",
     "the squared error is used instead of {the loss}"),
    ("loss.half_squared_error", "((P - Y)**2).sum() / 2{mean}",
     "half the squared error is used instead of {the loss}"),
    ("loss.absolute_error", "abs(P - Y).sum(){mean}",
     "the absolute error is used instead of {the loss}"),
    ("loss.half_absolute_error", "abs(P - Y).sum() / 2{mean}",
     "half the absolute error is used instead of {the loss}", "squares"),
    ("loss.cross_entropy", "-(Y * log(P)).sum(){mean}",
     "cross-entropy is used instead of {the loss}", "squares"),
    ("loss.binary_cross_entropy", "-(Y * log(P) + (1 - Y) * log(1 - P)).sum(){mean}",
     "binary cross-entropy is used instead of {the loss}", "squares"),
    ("precision.rounded", "({loss}{mean}).round()", "the loss is rounded"),
    ("labels.broadcast", "((P - y)**2).mean()",
     "(N, 1) and (N,) are subtracted: the difference is (N, N) (runs only if K is 1 or N)",
     "squares"),
    ("labels.broadcast_sum", "((P - y)**2).sum(){mean}",
     "(N, 1) and (N,) are subtracted: the difference is (N, N) (runs only if K is 1 or N)",
     "squares"),
)  # fmt: skip

OF_SQUARES: tuple[tuple[str, ...], ...] = (
    ("loss.root", "sqrt({loss}{mean})", "the root is taken"),
    ("loss.root_of_sum", "sqrt({loss}){mean}", "the root of the sum is taken"),
    ("loss.not_squared", "(P - Y).sum(){mean}", "the differences are not squared"),
    ("loss.not_squared_half", "(P - Y).sum() / 2{mean}", "the differences are not squared"),
    ("loss.square_of_sum", "(P - Y).sum()**2{mean}", "the sum is squared instead of its terms"),
    ("loss.square_of_sum_half", "(P - Y).sum()**2 / 2{mean}",
     "the sum is squared instead of its terms"),
    ("loss.square_of_mean", "(P - Y).mean()**2", "the mean is squared instead of its terms"),
    ("loss.cubes", "((P - Y)**3).sum(){mean}", "the differences have the exponent 3"),
    ("labels.added", "((P + Y)**2).sum(){mean}", "Y is added instead of subtracted"),
    ("labels.subtracted_twice", "((P - 2 * Y)**2).sum(){mean}",
     "Y is subtracted twice: P was P - Y already"),
    ("labels.subtracted_twice_half", "((P - 2 * Y)**2).sum() / 2{mean}",
     "Y is subtracted twice: P was P - Y already"),
    ("labels.not_subtracted", "(P**2).sum(){mean}", "Y is not subtracted"),
    ("labels.not_subtracted_half", "(P**2).sum() / 2{mean}", "Y is not subtracted"),
    ("operand.S_for_P", "((S - Y)**2).sum(){mean}", "S is used instead of P",
     "sigmoid_outputs"),
    ("operand.S_for_P_half", "((S - Y)**2).sum() / 2{mean}", "S is used instead of P",
     "sigmoid_outputs"),
    ("reduction.none", "((P - Y)**2).sum(axis=1)", "not summed over the rows"),
    ("subset.no_first_row", "((P[1:] - Y[1:])**2).sum(){mean}", "the first row is skipped"),
    ("subset.no_last_row", "((P[:-1] - Y[:-1])**2).sum(){mean}", "the last row is skipped"),
    ("subset.first_output", "((P[:, :1] - Y[:, :1])**2).sum(){mean}",
     "only the first output is used"),
    ("labels.of_row_before", "((P - roll(Y, 1, axis=0))**2).sum(){mean}",
     "each row has the label of the previous row"),
)  # fmt: skip

OF_BINARY: tuple[tuple[str, ...], ...] = (
    ("loss.first_term_only", "-(Y * log(P)).sum(){mean}",
     "the term (1 - Y) log(1 - P) is missing: this is cross-entropy"),
    ("loss.second_term_only", "-((1 - Y) * log(1 - P)).sum(){mean}",
     "the term Y log P is missing"),
    ("loss.minus_between_terms", "-(Y * log(P) - (1 - Y) * log(1 - P)).sum(){mean}",
     "the second term has the wrong sign"),
    ("loss.second_term_of_P", "-(Y * log(P) + (1 - Y) * log(P)).sum(){mean}",
     "the second term has log P instead of log(1 - P)"),
    ("loss.second_term_not_weighted", "-(Y * log(P) + log(1 - P)).sum(){mean}",
     "the second term is not weighted by 1 - Y"),
    ("loss.first_term_not_weighted", "-(log(P) + (1 - Y) * log(1 - P)).sum(){mean}",
     "the first term is not weighted by Y"),
    ("loss.first_sign_only", "(-(Y * log(P)) + (1 - Y) * log(1 - P)).sum(){mean}",
     "only the first term has the minus sign"),
    ("labels.exchanged", "-((1 - Y) * log(P) + Y * log(1 - P)).sum(){mean}",
     "Y and 1 - Y are exchanged"),
    ("loss.base_2", "-(Y * log2(P) + (1 - Y) * log2(1 - P)).sum(){mean}",
     "the logarithm has base 2"),
    ("loss.base_10", "-(Y * log10(P) + (1 - Y) * log10(1 - P)).sum(){mean}",
     "the logarithm has base 10"),
    ("loss.no_logarithm", "-(Y * P + (1 - Y) * (1 - P)).sum(){mean}", "the logarithm is missing"),
    ("loss.entropy", "-(P * log(P) + (1 - P) * log(1 - P)).sum(){mean}",
     "P is used instead of Y: this is the entropy of P"),
    ("loss.focal", "-(Y * log(P) * (1 - P) + (1 - Y) * log(1 - P) * P).sum(){mean}",
     "each term is weighted by its error"),
    ("reduction.none", "-(Y * log(P) + (1 - Y) * log(1 - P)).sum(axis=1)",
     "not summed over the rows"),
    ("subset.no_first_row",
     "-(Y[1:] * log(P[1:]) + (1 - Y[1:]) * log(1 - P[1:])).sum(){mean}",
     "the first row is skipped"),
    ("subset.no_last_row",
     "-(Y[:-1] * log(P[:-1]) + (1 - Y[:-1]) * log(1 - P[:-1])).sum(){mean}",
     "the last row is skipped"),
    ("labels.broadcast", "-(y * log(P) + (1 - y) * log(1 - P)).mean()",
     "(N, 1) and (N,) are multiplied: the product is (N, N) (runs only if K is 1 or N)"),
    ("labels.broadcast_sum", "-(y * log(P) + (1 - y) * log(1 - P)).sum(){mean}",
     "(N, 1) and (N,) are multiplied: the product is (N, N) (runs only if K is 1 or N)"),
    *((f"loss.log_plus_{eps}",
       f"-(Y * log(P + {eps}) + (1 - Y) * log(1 - P + {eps})).sum(){{mean}}",
       f"{eps} is added before the logarithm")
      for eps in ("1e-2", "1e-3", "1e-4", "1e-5")),
    *((f"clip.log_within_{number(eps)}",
       f"-(Y * log(clip(P, {eps}, 1 - {eps})) + (1 - Y) * log(1 - clip(P, {eps}, 1 - {eps})))"
       ".sum(){mean}", f"P is clipped to [{eps}, 1 - {eps}] in the logarithm")
      for eps in ("0.1", "0.05", "1e-2", "1e-3", "1e-4", "1e-5")),
)  # fmt: skip

DS_OF_SQUARES: tuple[tuple[str, ...], ...] = (
    ("scale.halved", "(P - Y){through}{mean}",
     "the factor 2 is missing: this is the gradient of half the squared error", "squared_error"),
    ("scale.halved_no_mean", "(P - Y){through}",
     "the factor 2 and {1/N} are missing", "squared_error"),
    ("scale.doubled", "2 * (P - Y){through}{mean}",
     "there is a factor 2, but the loss has 1/2", "half_squared_error"),
    ("scale.doubled_no_mean", "2 * (P - Y){through}",
     "there is a factor 2, but the loss has 1/2, and {1/N} is missing", "half_squared_error"),
    ("scale.brackets", "{D} / N * K", "parentheses are missing: divided by N and multiplied by K"),
)  # fmt: skip

DS_THROUGH_SIGMOID: tuple[tuple[str, ...], ...] = (
    ("derivative.sigmoid_missing", "{doubled}(P - Y){mean}",
     "the derivative of the output's sigmoid is missing"),
    ("derivative.sigmoid_missing_no_mean", "{doubled}(P - Y)",
     "the derivative of the output's sigmoid is missing, and {1/N}"),
    ("derivative.sigmoid_and_2_missing", "(P - Y){mean}",
     "the derivative of the output's sigmoid is missing, and the factor 2"),
    ("derivative.sigmoid_at_S", "{doubled}(P - Y) * S * (1 - S){mean}",
     "the derivative of sigmoid has S instead of P"),
    ("derivative.sigmoid_at_P", "{doubled}(P - Y) * sigmoid(P) * (1 - sigmoid(P)){mean}",
     "the derivative of sigmoid is taken at P instead of S: sigmoid is applied twice"),
    ("derivative.sigmoid_of_difference",
     "{doubled}(P - Y) * (P - Y) * (1 - (P - Y)){mean}",
     "the derivative of sigmoid has P - Y instead of P"),
    ("derivative.sigmoid_of_labels", "{doubled}(P - Y) * Y * (1 - Y){mean}",
     "the derivative of sigmoid has Y instead of P"),
    ("derivative.no_P", "{doubled}(P - Y) * (1 - P){mean}",
     "the factor P is missing in the derivative of sigmoid"),
    ("derivative.no_one_minus_P", "{doubled}(P - Y) * P{mean}",
     "the factor 1 - P is missing in the derivative of sigmoid"),
    ("derivative.plus", "{doubled}(P - Y) * P * (1 + P){mean}",
     "the derivative of sigmoid has a plus sign instead of a minus sign"),
    ("derivative.terms_exchanged", "{doubled}(P - Y) * P * (P - 1){mean}",
     "the terms of 1 - P are exchanged"),
    ("derivative.one_minus_square", "{doubled}(P - Y) * P * (1 - P**2){mean}",
     "the derivative of sigmoid has a square too many"),
    ("derivative.tanh", "{doubled}(P - Y) * (1 - P**2){mean}",
     "the derivative of tanh is used instead of that of sigmoid"),
    ("derivative.brackets", "{doubled}(P - Y) * P * 1 - P",
     "parentheses are missing around 1 - P"),
    ("derivative.own", "P * (1 - P){mean}", "only the derivative of sigmoid is used"),
    ("derivative.divided", "{doubled}(P - Y) / (P * (1 - P)){mean}",
     "divided by the derivative of sigmoid instead of multiplied"),
    ("derivative.relu", "{doubled}(P - Y) * (S > 0){mean}",
     "a ReLU mask is used instead of the derivative of sigmoid"),
)  # fmt: skip

DS_OF_BINARY: tuple[tuple[str, ...], ...] = (
    ("derivative.sigmoid_missing", "(P - Y) / (P * (1 - P)){mean}",
     "the derivative of sigmoid is missing: this is ∂L/∂P"),
    ("derivative.sigmoid_missing_no_mean", "(P - Y) / (P * (1 - P))",
     "the derivative of sigmoid is missing: this is ∂L/∂P, and {1/N} is missing"),
    ("loss.first_term_only", "-Y * (1 - P){mean}",
     "only the derivative of Y log P is used"),
    ("loss.first_term_of_P", "-(Y / P){mean}",
     "only -Y/P is used: the second term and the derivative of sigmoid are missing"),
    ("loss.second_term_only", "(1 - Y) * P{mean}",
     "only the derivative of (1 - Y) log(1 - P) is used"),
    ("loss.minus_between_terms", "-(Y * (1 - P) + (1 - Y) * P){mean}",
     "the second term has the wrong sign"),
    ("loss.squared_error", "2 * (P - Y) * P * (1 - P){mean}",
     "the gradient of the squared error is used"),
    ("derivative.sigmoid_at_P",
     "(P - Y) / (P * (1 - P)) * sigmoid(P) * (1 - sigmoid(P)){mean}",
     "the derivative of sigmoid is taken at P instead of S: sigmoid is applied twice"),
    ("derivative.sigmoid_at_S", "(P - Y) / (P * (1 - P)) * S * (1 - S){mean}",
     "the derivative of sigmoid has S instead of P"),
    ("derivative.own", "P * (1 - P){mean}", "only the derivative of sigmoid is used"),
    ("loss.squared_error_no_sigmoid", "2 * (P - Y){mean}",
     "the gradient of the squared error without sigmoid is used"),
    ("softmax.true_class_only", "Y * (P - 1) + (1 - Y) * P * 0",
     "only the rows of the label 1 have a gradient, and {1/N} is missing", "averaged"),
)  # fmt: skip

DS_OF_ENTROPIES: tuple[tuple[str, ...], ...] = (
    ("factor.tanh_slope", "(P - Y) * (1 - P**2){mean}",
     "there is an extra factor: the derivative of tanh"),
)  # fmt: skip

DS_OF_ALL: tuple[tuple[str, ...], ...] = (
    ("factor.one_minus_itself", "({d}) * (1 - ({d})){mean}",
     "there is an extra factor: the derivative of sigmoid, taken of {d}"),
    ("factor.one_minus_dS", "{D}{mean} * (1 - {D}{mean})",
     "there is an extra factor: the derivative of sigmoid, taken of dS"),
    ("labels.one_from_every_class_no_mean", "{doubled}(P - 1){through}",
     "1 is subtracted from every class instead of the true one, and {1/N} is missing"),
    ("labels.by_K", "{doubled}(P - Y / K){through}{mean}", "Y / K is subtracted instead of Y"),
    ("labels.reshaped", "{doubled}(P - Y.reshape(K, N).T){through}{mean}",
     "the labels are reshaped instead of transposed"),
    ("labels.reversed_classes", "{doubled}(P - Y[:, ::-1]){through}{mean}",
     "the classes of the labels are in reverse order"),
    ("scale.times_N", "{D} * N", "multiplied by N instead of divided"),
    ("operand.decision_for_P", "{doubled}((P > 0.5) * 1.0 - Y){through}{mean}",
     "the decision P > 1/2 is used instead of P"),
    ("operand.decision_for_P_no_mean", "{doubled}((P > 0.5) * 1.0 - Y){through}",
     "the decision P > 1/2 is used instead of P, and {1/N} is missing"),
)  # fmt: skip


def of_loss() -> Iterator[tuple[str, ...]]:
    """The rows of L."""
    yield from _only("binary_cross_entropy squares", OF_ANY_LOSS)
    yield from _only("binary_cross_entropy", OF_BINARY)
    yield from _only("squares", OF_SQUARES)


def of_dS() -> Iterator[tuple[str, ...]]:
    """The rows of dS beside those of the equations."""
    yield from _only("squares", DS_OF_SQUARES)
    yield from _only("squares_of_sigmoids", DS_THROUGH_SIGMOID)
    yield from _only("binary_cross_entropy", DS_OF_BINARY)
    yield from _only("entropies", DS_OF_ENTROPIES)
    yield from DS_OF_ALL


def of_P() -> Iterator[tuple[str, ...]]:
    """The rows of P."""
    yield from _only("sigmoid_outputs linear_outputs", P)


def _only(these: str, rows: Iterable[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Rows for networks that have made one of these choices, and the row's own."""
    for what, code, message, *only in rows:
        both = f"{these} & {only[0]}" if only else these
        yield what, code, message, both
