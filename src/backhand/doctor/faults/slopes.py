"""Faults in dZ1 = dH1 * f'(Z1), which depend on the activation f."""

from __future__ import annotations

import re
from collections.abc import Iterable

from backhand.doctor.faults.pieces import NAMES, at
from backhand.doctor.frame.network import ACTIVATIONS, Network

OF_RELU: list[tuple[str, ...]] = [
    ("mask.missing", "dH1", "the ReLU mask is missing"),
    ("mask.at_zero", "dH1 * (Z1 >= 0)",
     "the ReLU mask uses >= instead of >: units at 0 pass the gradient"),
    ("mask.sign_of_dH1", "dH1 * (dH1 > 0)", "the ReLU mask tests dH1 instead of Z1"),
    ("mask.reversed", "dH1 * (Z1 < 0)", "the ReLU mask is inverted"),
    ("mask.reversed_at_zero", "dH1 * (Z1 <= 0)", "the ReLU mask is inverted"),
    ("mask.H1", "dH1 * H1", "multiplied by H1 instead of the ReLU mask"),
    ("mask.whole_H1", "dH1 * trunc(H1)",
     "H1 truncated to whole numbers is used as the ReLU mask"),
    ("mask.added", "dH1 + (Z1 > 0)", "the ReLU mask is added instead of multiplied"),
    ("mask.Z1", "dH1 * Z1", "multiplied by Z1 instead of the ReLU mask"),
    ("mask.sign_of_Z1", "dH1 * sign(Z1)",
     "the sign of Z1 is used as the ReLU mask: -1 where it should be 0"),
    ("mask.before_bias", "dH1 * (X @ W1 > 0)",
     "the ReLU mask tests X W1 instead of Z1: b1 is missing", "biases"),
    ("mask.before_bias_at_zero", "dH1 * (X @ W1 >= 0)",
     "the ReLU mask tests X W1 instead of Z1: b1 is missing", "biases"),
    ("stale.mask", "dH1 * (before.Z1 > 0)", "the mask of the previous call is used"),
    ("stale.mask_of_first_call", "dH1 * (first.Z1 > 0)",
     "the mask of the first call is used"),
    ("mask.half_at_zero", "dH1 * ((Z1 > 0) + 0.5 * (Z1 == 0))",
     "the ReLU mask is 1/2 where Z1 is 0"),
    ("undefined.sign_of_Z1", "dH1 * (1 + Z1 / abs(Z1)) / 2",
     "Z1 / |Z1| is used as the sign of Z1; it is 0/0 where Z1 is 0"),
    ("undefined.H1_over_Z1", "dH1 * H1 / Z1",
     "divided by Z1, which is 0/0 where Z1 is 0"),
    ("mask.sign_of_dH1_too", "dH1 * (Z1 > 0) * (dH1 > 0)",
     "the ReLU mask tests dH1 as well as Z1"),
    ("mask.leaks", "dH1 * where(Z1 > 0, 1, c)", "the ReLU mask is not 0 where Z1 ≤ 0"),
    ("derivative.tanh", "dH1 * (1 - H1**2)",
     "the derivative of tanh is used instead of the ReLU mask"),
    ("derivative.sigmoid", "dH1 * H1 * (1 - H1)",
     "the derivative of sigmoid is used instead of the ReLU mask"),
    ("derivative.softplus", "dH1 * sigmoid(Z1)",
     "the derivative of softplus is used instead of the ReLU mask"),
    ("derivative.sigmoid_of_Z1", "dH1 * sigmoid(Z1) * (1 - sigmoid(Z1))",
     "the derivative of sigmoid is used instead of the ReLU mask"),
    ("derivative.tanh_of_Z1", "dH1 * (1 - tanh(Z1)**2)",
     "the derivative of tanh is used instead of the ReLU mask"),
    ("mask.not_zero", "dH1 * (Z1 != 0)",
     "the ReLU mask tests Z1 != 0 instead of Z1 > 0"),
    ("mask.plus_1", "dH1 * (1 + (Z1 > 0))", "1 is added to the mask"),
    ("mask.minus_1", "dH1 * ((Z1 > 0) * 2 - 1)",
     "the ReLU mask is -1 where it should be 0"),
    ("mask.above_1", "dH1 * (Z1 > 1)", "the ReLU mask tests Z1 > 1 instead of Z1 > 0"),
    ("mask.from_1", "dH1 * (Z1 >= 1)",
     "Z1 truncated to whole numbers is used as the ReLU mask"),
    ("mask.whole_Z1", "dH1 * (trunc(Z1) != 0)",
     "Z1 truncated to whole numbers is used as the ReLU mask"),
    ("mask.above_0_5", "dH1 * (Z1 > 0.5)",
     "the ReLU mask tests Z1 > 0.5 instead of Z1 > 0"),
    ("mask.above_0_1", "dH1 * (Z1 > 0.1)",
     "the ReLU mask tests Z1 > 0.1 instead of Z1 > 0"),
    ("mask.above_0_01", "dH1 * (Z1 > 0.01)",
     "the ReLU mask tests Z1 > 0.01 instead of Z1 > 0"),
    ("mask.above_mean", "dH1 * (Z1 > Z1.mean())",
     "the ReLU mask tests Z1 > mean(Z1) instead of Z1 > 0"),
    ("mask.below_1_too", "dH1 * (Z1 < 1) * (Z1 > 0)",
     "the ReLU mask tests Z1 < 1 as well"),
    ("mask.transposed", "dH1 * (Z1 > 0).T",
     "the ReLU mask is transposed (runs only if N = H)"),
    ("mask.of_first_row", "dH1 * (Z1[0] > 0)",
     "the mask of the first row is used for all"),
    ("mask.of_last_row", "dH1 * (Z1[-1] > 0)",
     "the mask of the last row is used for all"),
    ("mask.of_sum_over_rows", "dH1 * (Z1.sum(axis=0) > 0)",
     "one mask is used for all rows"),
    ("mask.of_any_row", "dH1 * (Z1 > 0).any(axis=0)", "one mask is used for all rows"),
    ("mask.of_all_rows", "dH1 * (Z1 > 0).all(axis=0)", "one mask is used for all rows"),
    ("mask.of_sum_over_units", "dH1 * (Z1.sum(axis=1, keepdims=True) > 0)",
     "one mask is used for all units of a row"),
    ("mask.of_row_before", "dH1 * (roll(Z1, 1, axis=0) > 0)",
     "each row has the mask of the previous row"),
    ("mask.of_next_row", "dH1 * (roll(Z1, -1, axis=0) > 0)",
     "each row has the mask of the next row"),
    ("mask.of_unit_before", "dH1 * (roll(Z1, 1, axis=1) > 0)",
     "each unit has the mask of the previous unit"),
    ("mask.of_next_unit", "dH1 * (roll(Z1, -1, axis=1) > 0)",
     "each unit has the mask of the next unit"),
    ("mask.of_b1", "dH1 * (b1 > 0)", "the ReLU mask tests b1 instead of Z1"),
    ("mask.of_absolute_W1", "dH1 * (X @ abs(W1) + b1 > 0)",
     "the ReLU mask tests X |W1| + b1 instead of Z1"),
    ("mask.of_X", "dH1 * ((X > 0) @ (W1 * 0 + 1) > 0)",
     "the ReLU mask tests X instead of Z1"),
    ("mask.of_largest_logit", "dH1 * (S.max(axis=1, keepdims=True) > 0)",
     "the ReLU mask tests the largest logit of the row instead of Z1"),
    ("mask.of_true_logit", "dH1 * ((Y * S).sum(axis=1, keepdims=True) > 0)",
     "the ReLU mask tests the logit of the true class instead of Z1"),
    ("mask.of_S", "dH1 * (S > 0)",
     "the ReLU mask tests S instead of Z1 (runs only if H = K)"),
    ("mask.of_any_logit", "dH1 * ((S > 0).sum(axis=1, keepdims=True) > 0)",
     "the ReLU mask tests S instead of Z1"),
    ("mask.of_S_before_W2", "((dS * (S > 0)) @ W2.T)",
     "the ReLU mask tests S instead of Z1, before W2"),
    ("mask.of_sum_of_logits", "dH1 * (S.sum(axis=1, keepdims=True) > 0)",
     "the ReLU mask tests S instead of Z1"),
    ("mask.size_of_dH1", "dH1 * (abs(dH1) > 0.01)",
     "the ReLU mask tests the size of dH1"),
    ("operand.no_dH1", "1.0 * (Z1 > 0)", "dH1 is missing: this is the mask alone"),
    ("operand.H1_and_dH1_exchanged", "H1 * (dH1 > 0)", "H1 and dH1 are exchanged"),
    ("factor.positive_dH1", "dH1 * maximum(dH1, 0)",
     "multiplied by the positive part of dH1"),
    ("mask.H1_bounded", "maximum(Z1, 0) * dH1 / (abs(Z1) + 1)",
     "multiplied by H1 instead of the ReLU mask"),
    ("factor.H1", "dH1 * (Z1 > 0) * H1", "there is an extra factor: H1"),
    ("factor.one_minus_H1", "dH1 * (Z1 > 0) * (1 - H1)",
     "there is an extra factor: 1 - H1"),
    ("mask.one_below", "where(Z1 > 0, dH1, 1)", "1 where it should be 0"),
    ("mask.Z1_below", "where(Z1 > 0, dH1, Z1)", "Z1 where it should be 0"),
    ("mask.one_above", "where(Z1 > 0, 1, dH1)", "1 where Z1 > 0, and dH1 elsewhere"),
    ("mask.leaks_negative", "where(Z1 > 0, dH1, -dH1 * 0.01)",
     "the ReLU mask is not 0 where Z1 ≤ 0"),
]  # fmt: skip
"""The mask of ReLU."""


OF_OTHERS: list[tuple[str, ...]] = [
    ("derivative.missing", "dH1", "{mask} is missing"),
    ("derivative.of_value", "dH1 * H1", "multiplied by H1 instead of {mask}"),
    ("derivative.of_argument", "dH1 * Z1", "multiplied by Z1 instead of {mask}"),
    ("derivative.at_H1", "dH1 * {slope(H1)}", "{mask} is taken at H1 instead of Z1",
     "smooth"),
    ("derivative.Z1_for_H1", "dH1 * {slope of Z1}", "{mask} has Z1 instead of H1",
     "tanh sigmoid elu"),
    ("derivative.at_dH1", "dH1 * {slope(dH1)}", "{mask} is taken at dH1 instead of Z1"),
    ("derivative.dH1_for_H1", "dH1 * {slope of dH1}", "{mask} has dH1 instead of H1",
     "tanh sigmoid elu"),
    ("derivative.before_bias", "dH1 * {slope(X @ W1)}",
     "{mask} is taken at X W1 instead of Z1: b1 is missing", "biases"),
    ("derivative.at_minus_Z1", "dH1 * {slope(-Z1)}", "{mask} is taken at -Z1",
     "softplus elu gelu gelu_tanh leaky_relu"),
    ("derivative.divided", "dH1 / ({slope})", "divided by {mask} instead of multiplied"),
    ("derivative.alone", "1.0 * {slope}", "dH1 is missing: this is {mask} alone"),
    ("derivative.twice", "dH1 * {slope} * {slope}", "{mask} is applied twice"),
    ("derivative.added", "dH1 + {slope}", "{mask} is added instead of multiplied"),
    ("function.matrix_product", "dH1 @ ({slope})",
     "the product with {mask} is a matrix product instead of one entry by entry"),
    ("function.matrix_product_of_columns", "({slope}) @ dH1",
     "the product with {mask} is a matrix product instead of one entry by entry"),
    ("derivative.plus_1", "dH1 * (1 + {slope})", "1 is added to {mask}"),
    ("derivative.one_minus", "dH1 * (1 - {slope})", "1 minus {mask} is used"),
    ("activation.of_dH1", "{f(dH1)}", "{name} is applied to dH1, without its derivative"),
    ("activation.relu_of_dH1", "maximum(dH1, 0)", "ReLU is applied to dH1"),
    ("stale.derivative", "dH1 * {slope(before)}", "{mask} is that of the previous call"),
    ("derivative.at_S", "dH1 * {slope(S)}",
     "{mask} is taken at S instead of Z1 (runs only if H = K)"),
    ("factor.H1", "dH1 * {slope} * H1", "there is an extra factor: H1"),
    ("operand.no_dH1", "H1 * {slope}", "H1 is used instead of dH1"),
]  # fmt: skip
"""The derivative of any activation but ReLU."""

OF_TANH: list[tuple[str, ...]] = [
    ("derivative.not_squared", "dH1 * (1 - H1)", "the square is missing in {mask}"),
    ("derivative.plus", "dH1 * (1 + H1**2)", "{mask} has a plus sign instead of a minus sign"),
    ("derivative.terms_exchanged", "dH1 * (H1**2 - 1)", "the terms of {mask} are exchanged"),
    ("derivative.brackets", "dH1 * 1 - H1**2", "parentheses are missing around {mask}"),
    ("derivative.square_of_all", "dH1 * (1 - H1)**2", "the whole difference is squared in {mask}"),
    ("derivative.cube", "dH1 * (1 - H1**3)", "{mask} has a cube instead of a square"),
    ("derivative.no_one_minus", "dH1 * H1**2", "the square alone is used: 1 minus it is {mask}"),
    ("derivative.doubled_for_squared", "dH1 * (1 - 2 * H1)",
     "{mask} has 2 * H1 instead of the square"),
    ("derivative.of_arctan", "dH1 / (1 + Z1**2)", "the derivative of arctan is used"),
    ("derivative.of_arctan_of_H1", "dH1 / (1 + H1**2)", "the derivative of arctan is used"),
    ("derivative.half", "dH1 * (1 - H1**2 / 2)", "half the square is subtracted in {mask}"),
]  # fmt: skip

OF_SIGMOID: list[tuple[str, ...]] = [
    ("derivative.no_H1", "dH1 * (1 - H1)", "the factor H1 is missing in {mask}"),
    ("derivative.plus", "dH1 * H1 * (1 + H1)", "{mask} has a plus sign instead of a minus sign"),
    ("derivative.terms_exchanged", "dH1 * H1 * (H1 - 1)", "the terms of {mask} are exchanged"),
    ("derivative.brackets", "dH1 * (H1 * 1 - H1)",
     "parentheses are missing in {mask}: H1 * 1 - H1 is 0"),
    ("derivative.brackets_of_product", "dH1 * H1 * 1 - H1",
     "parentheses are missing around 1 - H1 in {mask}"),
    ("derivative.one_minus_Z1", "dH1 * H1 * (1 - Z1)", "{mask} has 1 - Z1 instead of 1 - H1"),
    ("derivative.Z1_one_minus_H1", "dH1 * Z1 * (1 - H1)",
     "{mask} has Z1 instead of its first H1"),
    ("derivative.one_minus_square", "dH1 * H1 * (1 - H1**2)", "{mask} has a square too many"),
    ("derivative.first_squared", "dH1 * H1**2 * (1 - H1)", "{mask} has a square too many"),
    ("derivative.second_squared", "dH1 * H1 * (1 - H1)**2", "{mask} has a square too many"),
    ("derivative.exponential", "dH1 * exp(-Z1)", "{mask} has no denominator"),
    ("derivative.denominator_not_squared", "dH1 * exp(-Z1) / (1 + exp(-Z1))",
     "the denominator is not squared in {mask}"),
]  # fmt: skip

OF_SOFTPLUS: list[tuple[str, ...]] = [
    ("derivative.exponential", "dH1 * exp(Z1)", "the exponential is used instead of sigmoid"),
    ("derivative.minus_exponential", "dH1 * exp(-Z1)", "{mask} has no denominator"),
    ("derivative.sigmoid_slope", "dH1 * sigmoid(Z1) * (1 - sigmoid(Z1))",
     "the derivative of sigmoid is used instead of sigmoid"),
    ("derivative.exponential_of_H1", "dH1 * exp(H1)", "{mask} is exp(H1)"),
    ("derivative.minus_one", "dH1 / (exp(-Z1) - 1)",
     "the denominator of {mask} has the wrong sign"),
    ("derivative.one_over", "dH1 / (1 + Z1)", "the exponential is missing in {mask}"),
    ("derivative.sign_of_H1", "dH1 * (1 - exp(H1))", "{mask} has exp(H1) instead of exp(-H1)"),
    ("derivative.no_one_minus", "dH1 * exp(-H1)", "{mask} lacks its 1 -: it is 1 - exp(-H1)"),
]  # fmt: skip

OF_ELU: list[tuple[str, ...]] = [
    ("derivative.no_one", "dH1 * where(Z1 > 0, 1, H1)",
     "H1 is used instead of H1 + 1 where Z1 ≤ 0"),
    ("derivative.of_value_everywhere", "dH1 * (H1 + 1)",
     "the derivative for Z1 ≤ 0 is used everywhere"),
    ("derivative.exponential_everywhere", "dH1 * exp(Z1)",
     "the derivative for Z1 ≤ 0 is used everywhere"),
    ("derivative.Z1_below", "dH1 * where(Z1 > 0, 1, Z1)", "Z1 is used where Z1 ≤ 0"),
    ("derivative.one_minus_H1", "dH1 * where(Z1 > 0, 1, 1 - H1)",
     "{mask} has 1 - H1 instead of H1 + 1"),
    ("derivative.zero_above", "dH1 * where(Z1 > 0, 0, H1 + 1)", "{mask} is 0 where Z1 > 0"),
    ("derivative.Z1_above", "dH1 * where(Z1 > 0, Z1, H1 + 1)", "{mask} is Z1 where Z1 > 0"),
    ("derivative.exchanged", "dH1 * where(Z1 > 0, H1 + 1, 1)",
     "the two sides of {mask} are exchanged"),
    ("derivative.below_of_dH1", "dH1 * where(dH1 > 0, 1, H1 + 1)",
     "{mask} tests dH1 instead of Z1"),
    ("derivative.no_gradient_above", "where(Z1 > 0, 1, dH1 * (H1 + 1))",
     "{mask} alone is used where Z1 > 0"),
    ("derivative.no_gradient_below", "where(Z1 > 0, dH1, H1 + 1)",
     "{mask} alone is used where Z1 ≤ 0"),
]  # fmt: skip

OF_LEAKY: list[tuple[str, ...]] = [
    ("derivative.zero_below", "dH1 * (Z1 > 0)",
     "the slope where Z1 ≤ 0 is 0 instead of {s}: the mask of ReLU"),
    ("derivative.zero_below_at_zero", "dH1 * (Z1 >= 0)",
     "the slope where Z1 < 0 is 0 instead of {s}: the mask of ReLU"),
    ("mask.at_zero", "dH1 * where(Z1 >= 0, 1, {s})",
     "the mask uses >= instead of >: the slope at 0 is 1"),
    ("derivative.exchanged", "dH1 * where(Z1 > 0, {s}, 1)", "the two slopes are exchanged"),
    ("derivative.slope_everywhere", "dH1 * {s}", "the slope {s} is used everywhere"),
    ("derivative.slope_above", "dH1 * where(Z1 > 0, {s}, 0)",
     "the slope {s} is used where Z1 > 0, and 0 elsewhere"),
    ("derivative.above_slope", "dH1 * where(Z1 > {s}, 1, {s})",
     "Z1 is compared with the slope {s} instead of 0"),
    ("derivative.negative_slope", "dH1 * where(Z1 > 0, 1, -{s})",
     "the sign of the slope is flipped"),
    ("derivative.slope_times_Z1", "dH1 * where(Z1 > 0, 1, {s} * Z1)",
     "the slope is multiplied by Z1"),
    ("derivative.no_gradient_below", "where(Z1 > 0, dH1, {s})", "dH1 is missing where Z1 ≤ 0"),
    ("derivative.no_gradient_above", "where(Z1 > 0, 1, dH1 * {s})", "dH1 is missing where Z1 > 0"),
    ("derivative.plus_mask", "dH1 * ((Z1 > 0) + {s})", "the slope is added where Z1 > 0 as well"),
    ("derivative.squared_slope", "dH1 * where(Z1 > 0, 1, {s}**2)", "the slope is squared"),
    ("derivative.one_minus_slope", "dH1 * where(Z1 > 0, 1, 1 - {s})",
     "1 - {s} is used instead of {s}"),
    ("derivative.size_of_H1", "dH1 * where(abs(Z1) > 0, 1, {s})", "|Z1| is compared with 0"),
    ("mask.of_sum_over_rows", "dH1 * where(Z1.sum(axis=0) > 0, 1, {s})",
     "one mask is used for all rows"),
    ("derivative.another_slope", "dH1 * where(Z1 > 0, 1, c)",
     "the slope where Z1 ≤ 0 is not that of H1, {s}"),
]  # fmt: skip

OF_GELU: list[tuple[str, ...]] = [
    ("derivative.first_term_only", "dH1 * normal(Z1)",
     "only one term of the product rule is used: Φ(Z1)"),
    ("derivative.second_term_only", "dH1 * Z1 * density(Z1)",
     "only one term of the product rule is used: Z1 φ(Z1)"),
    ("derivative.no_Z1", "dH1 * (normal(Z1) + density(Z1))",
     "the density lacks its factor Z1 in {mask}"),
    ("derivative.minus", "dH1 * (normal(Z1) - Z1 * density(Z1))",
     "{mask} has a minus sign instead of a plus sign"),
    ("derivative.density_alone", "dH1 * density(Z1)", "the density alone is used"),
    ("derivative.density_times_H1", "dH1 * (normal(Z1) + H1 * density(Z1))",
     "the density is multiplied by H1 instead of Z1 in {mask}"),
    ("derivative.not_normalised", "dH1 * (normal(Z1) + Z1 * exp(-Z1**2 / 2))",
     "the density lacks its factor 1/√(2π) in {mask}"),
    ("derivative.no_half_in_exponent",
     "dH1 * (normal(Z1) + Z1 * exp(-Z1**2) / sqrt(6.283185307179586))",
     "the exponent of the density lacks its 1/2 in {mask}"),
    ("derivative.density_of_erf",
     "dH1 * (normal(Z1) + Z1 * exp(-Z1**2 / 2) / sqrt(3.141592653589793))",
     "the density has 1/√π instead of 1/√(2π) in {mask}"),
    ("derivative.of_sigmoid_form",
     "dH1 * (sigmoid(1.702 * Z1) + 1.702 * Z1 * sigmoid(1.702 * Z1) * (1 - sigmoid(1.702 * Z1)))",
     "{mask} is that of the approximation with sigmoid"),
]  # fmt: skip

T = "tanh(sqrt(0.6366197723675814) * (Z1 + 0.044715 * Z1**3))"
"""In GELU's approximation, 0.6366… = 2/π; shown as t."""

OF_GELU_TANH: list[tuple[str, ...]] = [
    (what, f"dH1 * ({code})", message, "", f"dH1 * ({code})".replace(T, "t"))
    for what, code, message in (
        ("derivative.first_term_only", f"(1 + {T}) / 2",
         "only one term of the product rule is used: (1 + t) / 2"),
        ("derivative.second_term_only",
         f"Z1 / 2 * (1 - {T}**2) * sqrt(0.6366197723675814) * (1 + 3 * 0.044715 * Z1**2)",
         "only one term of the product rule is used, that of the tanh"),
        ("derivative.no_3",
         f"(1 + {T}) / 2 + Z1 / 2 * (1 - {T}**2) * sqrt(0.6366197723675814) "
         "* (1 + 0.044715 * Z1**2)", "the 3 of the derivative of the cube is missing"),
        ("derivative.no_cube",
         f"(1 + {T}) / 2 + Z1 / 2 * (1 - {T}**2) * sqrt(0.6366197723675814)",
         "the derivative of the cube is missing"),
        ("derivative.no_inner", f"(1 + {T}) / 2 + Z1 / 2 * (1 - {T}**2)",
         "the derivative of the tanh's argument is missing"),
        ("derivative.no_tanh_slope",
         f"(1 + {T}) / 2 + Z1 / 2 * sqrt(0.6366197723675814) * (1 + 3 * 0.044715 * Z1**2)",
         "the derivative of tanh is missing"),
        ("derivative.not_squared",
         f"(1 + {T}) / 2 + Z1 / 2 * (1 - {T}) * sqrt(0.6366197723675814) "
         "* (1 + 3 * 0.044715 * Z1**2)", "the square is missing in the derivative of tanh"),
        ("derivative.no_Z1",
         f"(1 + {T}) / 2 + (1 - {T}**2) / 2 * sqrt(0.6366197723675814) "
         "* (1 + 3 * 0.044715 * Z1**2)", "the second term lacks its factor Z1"),
        ("derivative.second_not_halved",
         f"(1 + {T}) / 2 + Z1 * (1 - {T}**2) * sqrt(0.6366197723675814) "
         "* (1 + 3 * 0.044715 * Z1**2)", "the second term lacks its factor 1/2"),
    )
]  # fmt: skip

OF = {
    "relu": OF_RELU, "tanh": OF_TANH, "sigmoid": OF_SIGMOID, "softplus": OF_SOFTPLUS,
    "elu": OF_ELU, "leaky_relu": OF_LEAKY, "gelu": OF_GELU, "gelu_tanh": OF_GELU_TANH,
}  # fmt: skip


def slopes(network: Network) -> Iterable[tuple[str, ...]]:
    """The rows of dZ1: those of the activation, of any, and of other activations."""
    if network.activation == "relu":
        yield from OF_RELU
        return
    slope = ACTIVATIONS[network.activation][1].format(slope=network.slope)
    arguments = {
        "{slope(H1)}": at(network, "H1"),
        "{slope(dH1)}": at(network, "dH1"),
        "{slope(-Z1)}": at(network, "-Z1"),
        "{slope(S)}": at(network, "S"),
        "{slope of Z1}": at(network, "Z1", "Z1"),
        "{slope of dH1}": at(network, "dH1", "dH1"),
        "{slope(before)}": re.sub(r"\b(Z1|H1)\b", r"before.\1", slope),
        "{f(dH1)}": ACTIVATIONS[network.activation][0]
        .format(slope=network.slope)
        .replace("Z1", "dH1"),
        "{s}": str(network.slope),
    }
    for row in (*OF[network.activation], *OF_OTHERS):
        code, message = row[1:3]
        for field, value in arguments.items():
            code, message = code.replace(field, value), message.replace(field, value)
        yield (row[0], code, message, *row[3:])
    yield from _other_derivatives(network)


def _other_derivatives(network: Network) -> Iterable[tuple[str, ...]]:
    for other, (_, slope) in ACTIVATIONS.items():
        if other not in ("leaky_relu", network.activation):
            mask = "the ReLU mask" if other == "relu" else f"the derivative of {NAMES[other]}"
            yield f"derivative.{other}", f"dH1 * {slope}", f"{mask} is used instead of {{mask}}"
    for what, code, name in (
        ("sigmoid_of_Z1", "dH1 * sigmoid(Z1) * (1 - sigmoid(Z1))", "sigmoid"),
        ("tanh_of_Z1", "dH1 * (1 - tanh(Z1)**2)", "tanh"),
        *((f"leaky_{slope.replace('.', '_')}", f"dH1 * where(Z1 > 0, 1, {slope})",
           f"a leaky ReLU (slope {slope})") for slope in ("0.01", "0.1", "0.2")),
    ):  # fmt: skip
        if name != network.activation and network.activation != "leaky_relu":
            message = f"the derivative of {name} is used instead of {{mask}}"
            yield f"derivative.{what}", code, message
