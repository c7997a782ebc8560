"""Faults in the lines of the backward pass."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import NamedTuple

from backhand.doctor.faults.families import alone
from backhand.doctor.faults.fault import Fault, Need, fault, number
from backhand.formulas import LINES

BACKWARD = {
    "dS": [
        ("scale.no_mean", "P - Y", "1/N is missing: the mean's gradient is summed"),
        ("scale.mean_twice", "(P - Y) / N / N", "1/N stands twice"),
        ("scale.by_K", "(P - Y) / K", "it is divided by K, not by N"),
        ("scale.by_NK", "(P - Y) / (N * K)",
         "it is divided by N·K, the number of entries, not by N"),
        ("sign.flipped", "(Y - P) / N", "the sign is turned: Y - P"),
        ("sign.flipped_no_mean", "Y - P", "the sign is turned, and 1/N is missing"),
        ("labels.not_subtracted", "P / N", "Y is not subtracted"),
        ("labels.not_subtracted_no_mean", "P", "Y is not subtracted, and 1/N is missing"),
        ("operand.no_P", "-Y / N", "P is left out"),
        ("scale.only_Y_by_N", "P - Y / N", "only Y is divided by N"),
        ("scale.only_P_by_N", "P / N - Y", "only P is divided by N"),
        ("operand.S_for_P", "(S - Y) / N", "S stands for P"),
        ("operand.S_for_P_no_mean", "S - Y", "S stands for P, and 1/N is missing"),
        ("labels.one_from_every_class", "(P - 1) / N",
         "1 is subtracted from every class, not from the true one"),
        ("labels.added", "(P + Y) / N", "Y is added, not subtracted"),
        ("labels.subtracted_twice", "(P - 2 * Y) / N", "Y is subtracted twice"),
        ("labels.true_class_minus_1", "where(Y > 0, -1, P) / N",
         "the true class is set to -1, not lowered by 1"),
        ("labels.true_class_0", "where(Y > 0, 0, P) / N", "the true class has no gradient"),
        ("labels.next_class_cyclic", "(P - roll(Y, 1, axis=1)) / N",
         "the one-hot position is one too high, cyclically"),
        ("labels.previous_class_cyclic", "(P - roll(Y, -1, axis=1)) / N",
         "the one-hot position is one too low, cyclically"),
        ("labels.next_class", "(P - Y @ eye(K, k=1)) / N", "the one-hot position is one too high"),
        ("labels.previous_class", "(P - Y @ eye(K, k=-1)) / N",
         "the one-hot position is one too low"),
        ("labels.of_row_before", "(P - roll(Y, 1, axis=0)) / N",
         "each row has the label of the row before"),
        ("labels.of_next_row", "(P - roll(Y, -1, axis=0)) / N",
         "each row has the label of the next row"),
        ("labels.reversed", "(P - Y[::-1]) / N", "the labels are in reverse order"),
        ("labels.columns_of_all_rows", "(P - (Y.sum(axis=0) > 0)) / N",
         "P[:, y] -= 1 subtracts from the columns of all labels in every row"),
        ("labels.sum_of_all_rows", "(P - Y.sum(axis=0)) / N",
         "the labels of all rows are subtracted from every row"),
        ("labels.index", "(P - y.reshape(N, 1)) / N",
         "the class index is subtracted, not a one-hot row"),
        ("labels.index_no_mean", "P - y.reshape(N, 1)",
         "the class index is subtracted, not a one-hot row, and 1/N is missing"),
        ("labels.index_along_classes", "(P - y) / N",
         "the class indices (N,) are subtracted along the classes, which runs only where N = K"),
        ("labels.index_along_classes_no_mean", "P - y",
         "the class indices (N,) are subtracted along the classes, which runs only where N = K"),
        ("labels.row_number", "(P - eye(N, K)) / N",
         "the label of a row is taken to be its number"),
        ("labels.likeliest_class", "(P - (P == P.max(axis=1, keepdims=True))) / N",
         "the likeliest class stands for Y"),
        ("operand.likeliest_class_for_P", "((P == P.max(axis=1, keepdims=True)) * 1.0 - Y) / N",
         "the likeliest class stands for P"),
        ("softmax.skipped", "-(Y / P) / N", "the softmax is skipped: it is ∂L/∂P"),
        ("softmax.skipped_no_mean", "-(Y / P)",
         "the softmax is skipped: it is ∂L/∂P, and 1/N is missing"),
        ("softmax.true_class_only", "-Y * (1 - P) / N",
         "only the true class has a gradient: the diagonal of the softmax's Jacobian"),
        ("softmax.diagonal_only", "(Y / P) * P * (1 - P) / N",
         "only the diagonal of the softmax's Jacobian is used, and the sign is turned"),
        ("softmax.plus_for_minus", "-(Y + P) / N",
         "the softmax's Jacobian has a plus for its minus"),
        ("softmax.wrong_jacobian", "-(Y / P) * P**2 / N", "the softmax's Jacobian is wrong"),
        ("softmax.own_derivative", "P * (1 - P) / N", "only the softmax's own derivative is there"),
        ("factor.sigmoid_slope", "(P - Y) * P * (1 - P) / N",
         "the derivative of the sigmoid is a factor too many"),
        ("factor.sigmoid_slope_no_mean", "(P - Y) * P * (1 - P)",
         "the derivative of the sigmoid is a factor too many, and 1/N is missing"),
        ("loss.squared_error_of_sigmoids", "2 * (P - Y) * P * (1 - P) / N",
         "it is the squared error's, through sigmoids"),
        ("loss.squared_error_no_softmax", "2 * (P - Y) / N",
         "it is the squared error's, with the softmax left out: twice as large"),
        ("loss.squared_error_no_softmax_no_mean", "2 * (P - Y)",
         "it is the squared error's, with the softmax left out, and 1/N is missing"),
        ("loss.mean_squared_error_no_softmax", "2 * (P - Y) / (N * K)",
         "it is the mean squared error's, with the softmax left out"),
        ("function.squared", "(P - Y)**2 / N", "the difference is squared"),
        ("function.absolute", "abs(P - Y) / N", "the absolute value is taken"),
        ("function.sign", "sign(P - Y) / N", "only the sign is left"),
        ("scale.times_log_2", "(P - Y) / N * log(2)", "it is multiplied by log 2"),
        ("scale.by_N_minus_1", "(P - Y) / (N - 1)", "it is divided by N - 1"),
        ("scale.by_d", "(P - Y) / d", "it is divided by d, not by N"),
        ("scale.by_H", "(P - Y) / H", "it is divided by H, not by N"),
        ("scale.by_sqrt_N", "(P - Y) / sqrt(N)", "it is divided by √N"),
        ("scale.whole_division", "(P - Y) // N", "it is divided in whole numbers (//)"),
        ("reduction.mean_in_every_row", "(P - Y).mean(axis=0) * (Y * 0 + 1) / N",
         "the mean over the rows stands in every row"),
        ("mask.of_S", "(P - Y) * (S > 0) / N", "a ReLU's mask is put on the logits"),
        ("precision.difference_float16", "float16(P - Y) / N", "P - Y is rounded to float16"),
        ("precision.difference_float32", "float32(P - Y) / N", "P - Y is rounded to float32"),
        ("precision.difference_whole", "trunc(P - Y) / N", "P - Y is cut to whole numbers"),
        ("mask.P_above_half", "(P - Y) * (P > 0.5) / N",
         "only probabilities above a half have a gradient"),
        ("clip.unit_length", "(P - Y) / norm(P - Y)", "it is scaled to length 1"),
        ("softmax.twice", "(softmax(P) - Y) / N", "the softmax is applied once more"),
        ("subset.no_class_0", "(P - Y) * (y > 0).reshape(N, 1) / N",
         "the rows of class 0 are left out"),
        ("factor.own_probability", "(P - Y) * (Y * P).sum(axis=1, keepdims=True) / N",
         "each row is weighted with the probability of its class"),
    ],
    "dH1": [
        ("transpose.W2", "dS @ W2", "W2 is not transposed, which runs only where H = K"),
        ("scale.no_mean", "(P - Y) @ W2.T", "1/N is missing on this way"),
        ("order.W2_after_its_update", "dS @ (W2 - eta * dW2).T", "W2 is used after its update"),
        ("order.W2_after_an_update", "dS @ (W2 - c * dW2).T", "W2 is used after an update"),
        ("operand.dW2_for_W2", "dS @ dW2.T", "dW2 stands for W2"),
        ("operand.P_for_dS", "P @ W2.T", "P stands for dS"),
        ("labels.not_subtracted", "P @ W2.T / N", "P stands for dS: Y is forgotten here"),
        ("operand.S_for_dS", "S @ W2.T", "S stands for dS"),
        ("operand.Y_for_dS", "Y @ W2.T", "Y stands for dS"),
        ("operand.W1_for_W2_as_it_is", "dS @ W1", "W1 stands for W2, which runs only where d = K"),
        ("operand.W1_for_W2", "dS @ W1.T", "W1 stands for W2"),
        ("function.sign_of_W2", "dS @ sign(W2).T", "only the sign of W2 counts"),
        ("function.absolute_W2", "dS @ abs(W2).T", "the absolute value of W2 is taken"),
        ("function.absolute", "abs(dS) @ abs(W2).T", "absolute values are taken"),
        ("operand.no_W2", "dS.sum(axis=1, keepdims=True) + H1 * 0", "W2 is left out"),
        ("operand.no_W2_absolute", "abs(dS).sum(axis=1, keepdims=True) + H1 * 0", "W2 is left out"),
        ("operand.ones_for_W2", "dS @ (W2 * 0 + 1).T", "W2 is left out"),
        ("reduction.mean_over_classes", "dS @ W2.T / K",
         "the mean over the classes stands for their sum"),
        ("subset.last_class_only", "dS[:, -1:] @ W2[:, -1:].T",
         "only the last class counts: = in place of +="),
        ("subset.first_class_only", "dS[:, :1] @ W2[:, :1].T", "only the first class counts"),
        ("subset.no_last_class", "dS[:, :-1] @ W2[:, :-1].T", "the last class is left out"),
        ("subset.no_first_class", "dS[:, 1:] @ W2[:, 1:].T", "the first class is left out"),
        ("alignment.W2_row_before", "dS @ roll(W2, 1, axis=0).T", "W2 is shifted by a row"),
        ("alignment.W2_next_row", "dS @ roll(W2, -1, axis=0).T", "W2 is shifted by a row"),
        ("alignment.W2_class_before", "dS @ roll(W2, 1, axis=1).T", "W2 is shifted by a class"),
        ("alignment.W2_next_class", "dS @ roll(W2, -1, axis=1).T", "W2 is shifted by a class"),
        ("operand.first_row_of_W2", "(dS @ W2[0]).reshape(N, 1) + H1 * 0",
         "the first row of W2 stands for all"),
        ("operand.last_row_of_W2", "(dS @ W2[-1]).reshape(N, 1) + H1 * 0",
         "the last row of W2 stands for all"),
        ("alignment.W2_reversed", "dS @ W2[::-1].T", "the rows of W2 are in reverse order"),
        ("bias.b1_added", "dS @ W2.T + b1", "b1 is added"),
        ("bias.b2_added_to_W2", "dS @ (W2 + b2).T", "b2 is added to W2"),
        ("factor.sigmoid_slope", "(dS * P * (1 - P)) @ W2.T",
         "the derivative of the sigmoid is a factor too many"),
        ("factor.S", "(dS * S) @ W2.T", "S is a factor too many"),
        ("factor.H1H1", "dS @ (H1.T @ H1 @ W2).T", "H1ᵀH1 is a factor too many"),
        ("function.relu_of_dS", "maximum(dS, 0) @ W2.T", "a ReLU is put on dS"),
        ("mask.of_S", "(dS * (S > 0)) @ W2.T", "a ReLU's mask is put on the logits on this way"),
        ("operand.column_added", "dS @ W2.T + dS[:, :1]", "a column is added"),
        ("stale.dS", "before.dS @ W2.T", "dS is that of the call before"),
    ],
    "dZ1": [
        ("mask.missing", "dH1", "the mask is left out"),
        ("mask.at_zero", "dH1 * (Z1 >= 0)", "the mask has >= for >: units at 0 pass the gradient"),
        ("mask.sign_of_dH1", "dH1 * (dH1 > 0)", "the mask asks for the sign of dH1, not of Z1"),
        ("mask.reversed", "dH1 * (Z1 < 0)", "the mask is reversed"),
        ("mask.reversed_at_zero", "dH1 * (Z1 <= 0)", "the mask is reversed"),
        ("mask.H1", "dH1 * H1", "it is multiplied by H1, not by the mask"),
        ("mask.Z1", "dH1 * Z1", "it is multiplied by Z1, not by the mask"),
        ("mask.sign_of_Z1", "dH1 * sign(Z1)",
         "the mask is the sign of Z1: -1 where it should be 0"),
        ("mask.before_bias", "dH1 * (X @ W1 > 0)", "the mask is from before b1 is added"),
        ("mask.before_bias_at_zero", "dH1 * (X @ W1 >= 0)", "the mask is from before b1 is added"),
        ("stale.mask", "dH1 * (before.Z1 > 0)", "the mask is that of the call before"),
        ("stale.mask_of_first_call", "dH1 * (first.Z1 > 0)", "the mask is that of the first call"),
        ("mask.half_at_zero", "dH1 * ((Z1 > 0) + 0.5 * (Z1 == 0))",
         "the mask is 1/2 where Z1 is 0"),
        ("undefined.sign_of_Z1", "dH1 * (1 + Z1 / abs(Z1)) / 2",
         "Z1 / |Z1| stands for its sign, and is 0/0 where Z1 is 0"),
        ("undefined.H1_over_Z1", "dH1 * H1 / Z1",
         "it is divided by Z1, which is 0/0 where Z1 is 0"),
        ("mask.sign_of_dH1_too", "dH1 * (Z1 > 0) * (dH1 > 0)",
         "the mask asks for the sign of dH1 too"),
        ("mask.leaks", "dH1 * where(Z1 > 0, 1, c)", "the mask leaks where Z1 ≤ 0"),
        ("derivative.tanh", "dH1 * (1 - H1**2)", "it is the derivative of tanh"),
        ("derivative.sigmoid", "dH1 * H1 * (1 - H1)", "it is the derivative of the sigmoid"),
        ("derivative.softplus", "dH1 * sigmoid(Z1)", "it is the derivative of softplus"),
        ("derivative.sigmoid_of_Z1", "dH1 * sigmoid(Z1) * (1 - sigmoid(Z1))",
         "it is the derivative of the sigmoid"),
        ("derivative.tanh_of_Z1", "dH1 * (1 - tanh(Z1)**2)", "it is the derivative of tanh"),
        ("mask.not_zero", "dH1 * (Z1 != 0)", "the mask asks whether Z1 is other than 0"),
        ("mask.plus_1", "dH1 * (1 + (Z1 > 0))", "1 is added to the mask"),
        ("mask.minus_1", "dH1 * ((Z1 > 0) * 2 - 1)", "the mask is -1 where it should be 0"),
        ("mask.above_1", "dH1 * (Z1 > 1)", "the mask asks for Z1 > 1"),
        ("mask.from_1", "dH1 * (Z1 >= 1)", "the mask is Z1 cut to whole numbers"),
        ("mask.whole_Z1", "dH1 * (trunc(Z1) != 0)", "the mask is Z1 cut to whole numbers"),
        ("mask.above_0_5", "dH1 * (Z1 > 0.5)", "the mask asks for Z1 > 0.5"),
        ("mask.above_0_1", "dH1 * (Z1 > 0.1)", "the mask asks for Z1 > 0.1"),
        ("mask.above_0_01", "dH1 * (Z1 > 0.01)", "the mask asks for Z1 > 0.01"),
        ("mask.above_mean", "dH1 * (Z1 > Z1.mean())", "the mask asks for more than the mean"),
        ("mask.below_1_too", "dH1 * (Z1 < 1) * (Z1 > 0)", "the mask asks for Z1 < 1 too"),
        ("mask.transposed", "dH1 * (Z1 > 0).T",
         "the mask is transposed, which runs only where N = H"),
        ("mask.of_first_row", "dH1 * (Z1[0] > 0)", "the mask of the first row is used for all"),
        ("mask.of_last_row", "dH1 * (Z1[-1] > 0)", "the mask of the last row is used for all"),
        ("mask.of_sum_over_rows", "dH1 * (Z1.sum(axis=0) > 0)", "one mask is used for all rows"),
        ("mask.of_any_row", "dH1 * (Z1 > 0).any(axis=0)", "one mask is used for all rows"),
        ("mask.of_all_rows", "dH1 * (Z1 > 0).all(axis=0)", "one mask is used for all rows"),
        ("mask.of_sum_over_units", "dH1 * (Z1.sum(axis=1, keepdims=True) > 0)",
         "one mask is used for all units of a row"),
        ("mask.of_row_before", "dH1 * (roll(Z1, 1, axis=0) > 0)",
         "each row has the mask of the row before"),
        ("mask.of_next_row", "dH1 * (roll(Z1, -1, axis=0) > 0)",
         "each row has the mask of the next row"),
        ("mask.of_unit_before", "dH1 * (roll(Z1, 1, axis=1) > 0)",
         "each unit has the mask of the unit before"),
        ("mask.of_next_unit", "dH1 * (roll(Z1, -1, axis=1) > 0)",
         "each unit has the mask of the next unit"),
        ("mask.of_b1", "dH1 * (b1 > 0)", "the mask asks for the sign of b1"),
        ("mask.of_absolute_W1", "dH1 * (X @ abs(W1) + b1 > 0)",
         "the mask is that of other numbers"),
        ("mask.of_X", "dH1 * ((X > 0) @ (W1 * 0 + 1) > 0)", "the mask is that of X"),
        ("mask.of_largest_logit", "dH1 * (S.max(axis=1, keepdims=True) > 0)",
         "the mask is from S: it asks for the largest logit of the row"),
        ("mask.of_true_logit", "dH1 * ((Y * S).sum(axis=1, keepdims=True) > 0)",
         "the mask is from S: it asks for the logit of the true class"),
        ("mask.of_S", "dH1 * (S > 0)", "the mask is from S, which runs only where H = K"),
        ("mask.of_any_logit", "dH1 * ((S > 0).sum(axis=1, keepdims=True) > 0)",
         "the mask is from S"),
        ("mask.of_S_before_W2", "((dS * (S > 0)) @ W2.T)",
         "the mask is from S, and stands before W2"),
        ("mask.of_sum_of_logits", "dH1 * (S.sum(axis=1, keepdims=True) > 0)", "the mask is from S"),
        ("mask.size_of_dH1", "dH1 * (abs(dH1) > 0.01)", "the mask asks for the size of dH1"),
        ("operand.no_dH1", "1.0 * (Z1 > 0)", "dH1 is forgotten: it is the mask"),
        ("operand.H1_and_dH1_exchanged", "H1 * (dH1 > 0)", "H1 stands for dH1, and dH1 for Z1"),
        ("factor.positive_dH1", "dH1 * maximum(dH1, 0)",
         "it is multiplied by the positive part of dH1"),
        ("mask.H1_bounded", "maximum(Z1, 0) * dH1 / (abs(Z1) + 1)",
         "it is multiplied by H1, not by the mask"),
        ("factor.H1", "dH1 * (Z1 > 0) * H1", "H1 is a factor too many"),
        ("factor.one_minus_H1", "dH1 * (Z1 > 0) * (1 - H1)", "1 - H1 is a factor too many"),
        ("mask.one_below", "where(Z1 > 0, dH1, 1)", "it is 1 where it should be 0"),
        ("mask.Z1_below", "where(Z1 > 0, dH1, Z1)", "it is Z1 where it should be 0"),
        ("mask.one_above", "where(Z1 > 0, 1, dH1)", "it is 1 where Z1 > 0, and dH1 elsewhere"),
        ("mask.leaks_negative", "where(Z1 > 0, dH1, -dH1 * 0.01)", "the mask leaks where Z1 ≤ 0"),
    ],
    "dW2": [
        ("operand.Z1_for_H1", "Z1.T @ dS", "Z1 stands for H1"),
        ("operand.X_for_H1", "X.T @ dS", "X stands for H1"),
        ("scale.no_mean", "H1.T @ (P - Y)", "1/N is missing here"),
        ("operand.P_for_dS", "H1.T @ P", "P stands for dS"),
        ("labels.not_subtracted", "H1.T @ P / N", "P stands for dS: Y is forgotten here"),
        ("operand.Y_for_dS", "H1.T @ Y", "Y stands for dS"),
        ("operand.S_for_dS", "H1.T @ S", "S stands for dS"),
        ("operand.mask_of_Z1", "(Z1 >= 0).T @ dS", "the mask of Z1 stands for H1"),
        ("bias.missing_in_H1", "maximum(X @ W1, 0).T @ dS", "b1 is left out of H1"),
        ("operand.dH1_for_H1", "(dS @ W2.T).T @ dS", "dH1 stands for H1"),
        ("operand.dZ1_for_H1", "(dS @ W2.T * (Z1 > 0)).T @ dS", "dZ1 stands for H1"),
        ("reduction.mean_of_H1", "H1.mean(axis=0).reshape(H, 1) * dS.sum(axis=0)",
         "the mean of H1 is multiplied with the sum of dS, row by row no more"),
        ("mask.of_itself", "where(H1.T @ dS > 0, H1.T @ dS, 0)", "a ReLU's mask is put on it"),
        ("operand.H1_W2_for_H1", "(H1 @ W2).T @ dS", "H1 W2 stands for H1"),
        ("operand.dW1", "X.T @ (dS @ W2.T * (Z1 > 0))", "it is dW1"),
        ("function.centred_dS", "H1.T @ (dS - dS.mean(axis=0))", "dS is centred first"),
    ],
    "dW1": [
        ("operand.dH1_for_dZ1", "X.T @ dH1", "dH1 stands for dZ1: the gradient before the mask"),
        ("operand.H1_for_X", "H1.T @ dZ1", "H1 stands for X"),
        ("operand.Z1_for_X", "Z1.T @ dZ1", "Z1 stands for X"),
        ("input.relu", "maximum(X, 0).T @ dZ1", "X is rectified first"),
        ("input.absolute", "abs(X).T @ dZ1", "the absolute value of X is taken"),
        ("input.sign", "sign(X).T @ dZ1", "only the sign of X counts"),
        ("input.centred", "(X - X.mean(axis=0)).T @ dZ1", "the columns of X are centred first"),
        ("mask.H1", "X.T @ (dH1 * H1)", "it is multiplied by H1, not by the mask, here"),
        ("mask.Z1", "X.T @ (dH1 * Z1)", "it is multiplied by Z1, not by the mask, here"),
        ("mask.at_zero", "X.T @ (dH1 * (Z1 >= 0))", "the mask has >= for > here"),
        ("mask.sign_of_dH1", "X.T @ (dH1 * (dH1 > 0))", "the mask asks for the sign of dH1 here"),
        ("operand.H1_for_dZ1", "X.T @ H1", "H1 stands for dZ1"),
        ("operand.Z1_for_dZ1", "X.T @ Z1", "Z1 stands for dZ1"),
        ("mask.missing", "X.T @ dS @ W2.T", "the mask is left out here"),
        ("operand.dS_for_dZ1", "X.T @ dS", "dS stands for dZ1"),
        ("operand.dW2", "H1.T @ dS", "it is dW2"),
        ("subset.no_last_feature", "without_row(X.T @ dZ1, -1)", "the last feature is left out"),
        ("subset.no_first_feature", "without_row(X.T @ dZ1, 0)", "the first feature is left out"),
        ("reduction.over_features", "(X.T @ dZ1).sum(axis=0) + W1 * 0",
         "it is summed over the features: all rows are alike"),
        ("mask.of_W1", "X.T @ dZ1 * (W1 > 0)", "a ReLU's mask is put on W1"),
        ("undefined.idle_units",
         "where(H1.max(axis=0) > 0, X.T @ dZ1, 0 / (H1.max(axis=0) * 0))",
         "the columns of idle units are not filled: nan"),
        ("alignment.row_before", "roll(X, 1, axis=0).T @ dZ1",
         "each row meets the row before in X"),
        ("alignment.next_row", "roll(X, -1, axis=0).T @ dZ1", "each row meets the next row in X"),
    ],
    "db2": [
        ("scale.no_mean", "(P - Y).sum(axis=0)", "1/N is missing here"),
        ("reduction.over_all_in_vector", "dS.sum() + b2[:1] * 0",
         "it is summed over the classes too: one number"),
        ("reduction.over_all_in_matrix", "dS.sum().reshape(1, 1)",
         "it is summed over the classes too: one number"),
        ("reduction.running_sum", "dS.cumsum(axis=0)[-1].cumsum()",
         "the sum is carried on from class to class"),
        ("operand.P_for_dS", "P.sum(axis=0)", "P stands for dS"),
        ("labels.not_subtracted", "P.sum(axis=0) / N", "P stands for dS: Y is forgotten here"),
        ("operand.Y_for_dS", "Y.sum(axis=0)", "Y stands for dS"),
        ("operand.dH1_summed", "(dS @ W2.T).sum(axis=0)", "dH1 is summed, not dS"),
        ("operand.db1", "(dS @ W2.T * (Z1 > 0)).sum(axis=0)",
         "it is db1: dZ1 is summed, not dS"),
        ("operand.H1_summed", "H1.sum(axis=0)", "H1 is summed, not dS"),
    ],
    "db1": [
        ("operand.dH1_summed", "dH1.sum(axis=0)", "dH1 is summed: the gradient before the mask"),
        ("operand.dH1_mean", "dH1.mean(axis=0)",
         "it is the mean of dH1, the gradient before the mask"),
        ("keepdims.dH1_summed", "dH1.sum(axis=0, keepdims=True)",
         "dH1 is summed, and the kept dimension stays"),
        ("operand.db2", "db2", "it is db2, of the other layer"),
        ("operand.dS_summed", "dS.sum(axis=0)", "dS is summed: it is db2, of the other layer"),
        ("operand.Z1_summed", "Z1.sum(axis=0)", "Z1 is summed, not dZ1"),
        ("operand.H1_summed", "H1.sum(axis=0)", "H1 is summed, not dZ1"),
        ("operand.mask_summed", "(Z1 > 0).sum(axis=0)", "the mask is summed, not dZ1"),
        ("mask.H1", "(dH1 * H1).sum(axis=0)", "it is multiplied by H1, not by the mask, here"),
        ("mask.at_zero", "(dH1 * (Z1 >= 0)).sum(axis=0)", "the mask has >= for > here"),
        ("mask.of_first_row", "dH1.sum(axis=0) * (Z1[0] > 0)",
         "the mask of the first row is put on the sum"),
        ("mask.of_last_row", "dH1.sum(axis=0) * (Z1[-1] > 0)",
         "the mask of the last row is put on the sum"),
        ("mask.of_sum_over_rows", "dH1.sum(axis=0) * (Z1.sum(axis=0) > 0)",
         "the mask is put on the sum"),
        ("mask.of_b1", "dH1.sum(axis=0) * (b1 > 0)",
         "the mask is put on the sum, and asks for b1"),
        ("factor.H1", "(H1 * dZ1).sum(axis=0)", "H1 is a factor too many"),
    ],
}  # fmt: skip
"""For each value: the id without its equation, the code, and what is wrong with it.

Where a penalty belongs to the line, it is added to these.
"""


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


LAYERS = (
    Layer("dW2", "db2", "H1", "dS", "W2", "b2", "H", "K", "class", "classes"),
    Layer("dW1", "db1", "X", "dZ1", "W1", "b1", "d", "H", "unit", "units"),
)

OF_WEIGHTS = (
    ("transpose.result", "{dB}.T @ {A}", "it is transposed"),
    ("transpose.missing", "{A} @ {dB}", "{A} is not transposed, which runs only where N = {rows}"),
    ("function.squared_{A}", "({A}**2).T @ {dB}", "{A} is squared"),
    ("alignment.reversed", "{A}[::-1].T @ {dB}", "the rows of {A} are in reverse order"),
    ("operand.mask_of_{A}", "({A} > 0).T @ {dB}", "the mask of {A} stands for {A}"),
    ("subset.first_row_only", "{A}[:1].T @ {dB}[:1]", "only the first row counts"),
    (
        "subset.last_row_only",
        "{A}[-1:].T @ {dB}[-1:]",
        "only the last row counts: = in place of +=",
    ),
    (
        "reduction.product_of_sums",
        "{A}.sum(axis=0).reshape({rows}, 1) * {dB}.sum(axis=0)",
        "the sums are multiplied, not summed up",
    ),
    ("stale.{A}", "before.{A}.T @ {dB}", "{A} is that of the call before"),
    ("function.absolute", "abs({A}.T @ {dB})", "the absolute value is taken"),
    ("function.sign", "sign({A}.T @ {dB})", "only the sign is left"),
    ("factor.{W}", "{A}.T @ {dB} * {W}", "it is multiplied by {W}"),
    ("subset.no_first_row", "without_row({A}, 0).T @ {dB}", "the first row is left out"),
    ("subset.no_last_row", "without_row({A}, -1).T @ {dB}", "the last row is left out"),
)
"""In place of {A}.T @ {dB}."""

OF_BIASES = (
    ("zero.everywhere", "0 * {dB}.sum(axis=0)", "it is left at zero"),
    ("reduction.mean", "{dB}.mean(axis=0)", "the mean over the rows stands for their sum"),
    ("reduction.over_{units}", "{dB}.sum(axis=1)", "the sum runs over the {units} (axis=1)"),
    (
        "reduction.mean_over_{units}",
        "{dB}.mean(axis=1)",
        "the mean over the {units} stands for the sum over the rows",
    ),
    (
        "keepdims.sum",
        "{dB}.sum(axis=0, keepdims=True)",
        "the kept dimension stays: its shape is (1, {columns})",
    ),
    (
        "keepdims.mean",
        "{dB}.mean(axis=0, keepdims=True)",
        "it is the mean, and the kept dimension stays",
    ),
    ("shape.column", "{dB}.sum(axis=0).reshape({columns}, 1)", "it is a column, ({columns}, 1)"),
    (
        "reduction.over_{units}_in_column",
        "{dB}.sum(axis=1, keepdims=True)",
        "the sum runs over the {units} (axis=1)",
    ),
    ("reduction.over_all", "{dB}.sum()", "it is summed over the {units} too: one number"),
    ("reduction.over_all_repeated", "{dB}.sum() + {b} * 0", "it is summed over the {units} too"),
    ("reduction.mean_of_all", "{dB}.mean()", "it is the mean of all entries: one number"),
    ("reduction.mean_of_all_repeated", "{dB}.mean() + {b} * 0", "it is the mean of all entries"),
    ("reduction.none", "{dB}", "it is not summed over the rows"),
    ("subset.first_row_only", "{dB}[0]", "only the first row counts"),
    ("subset.last_row_only", "{dB}[-1]", "only the last row counts: = in place of +="),
    ("subset.first_row_twice", "{dB}.sum(axis=0) + {dB}[0]", "the first row counts twice"),
    ("subset.last_row_twice", "{dB}.sum(axis=0) + {dB}[-1]", "the last row counts twice"),
    ("subset.no_first_row", "{dB}.sum(axis=0) - {dB}[0]", "the first row is left out"),
    ("subset.no_last_row", "{dB}.sum(axis=0) - {dB}[-1]", "the last row is left out"),
    ("subset.last_row_times_N", "N * {dB}[-1]", "it is N times the last row"),
    ("subset.no_last_{unit}", "without_row({dB}.sum(axis=0), -1)", "the last {unit} is left out"),
    ("subset.no_first_{unit}", "without_row({dB}.sum(axis=0), 0)", "the first {unit} is left out"),
    ("function.absolute", "abs({dB}).sum(axis=0)", "the absolute values are summed"),
    ("reduction.maximum", "{dB}.max(axis=0)", "the maximum stands for the sum"),
    ("operand.{dW}_summed", "({A}.T @ {dB}).sum(axis=0)", "{dW} is summed, not {dB}"),
    ("operand.first_row_of_{dW}", "({A}.T @ {dB})[0]", "it is the first row of {dW}"),
    ("operand.last_row_of_{dW}", "({A}.T @ {dB})[-1]", "it is the last row of {dW}"),
    ("factor.{b}", "{dB}.sum(axis=0) * {b}", "it is multiplied by {b}"),
    ("penalty.on_bias", "{dB}.sum(axis=0) + l2 * {b}", "the penalty is put on the bias too"),
    (
        "penalty.doubled_on_bias",
        "{dB}.sum(axis=0) + 2 * l2 * {b}",
        "the penalty is put on the bias too",
    ),
    ("function.sign", "sign({dB}.sum(axis=0))", "only the sign is left"),
)
"""In place of {dB}.sum(axis=0)."""

SCALES = (
    ("sign.flipped", "-({0})", "the sign is turned"),
    ("scale.mean_twice", "({0}) / N", "1/N stands once more"),
    ("scale.no_mean", "N * ({0})", "it is N times too large: 1/N is missing here"),
    ("scale.doubled", "2 * ({0})", "it is doubled"),
    ("scale.halved", "({0}) / 2", "it is halved"),
    ("zero.everywhere", "0 * ({0})", "it is left at zero"),
    ("scale.by_eta", "eta * ({0})", "the learning rate has leaked in"),
    (
        "scale.step",
        "-eta * ({0})",
        "the learning rate has leaked in: it is the step, not the gradient",
    ),
    ("scale.by_K", "({0}) / K", "it is divided by K"),
    ("scale.times_K", "K * ({0})", "it is multiplied by K"),
    ("scale.by_H", "({0}) / H", "it is divided by H"),
    ("scale.by_d", "({0}) / d", "it is divided by d"),
    ("scale.mean_three_times", "({0}) / N / N", "1/N stands twice more"),
    ("scale.by_NK", "({0}) / (N * K)", "it is divided by N·K"),
    ("scale.times_sqrt_N", "({0}) * sqrt(N)", "it is multiplied by √N"),
    ("scale.by_sqrt_N", "({0}) / sqrt(N)", "it is divided by √N"),
    ("scale.by_N_minus_1", "({0}) * N / (N - 1)", "it is divided by N - 1, not by N"),
)
"""Wrong sizes that any line of the backward pass may have."""

BOUNDED = (
    *((f"clip.within_{number(c)}", f"clip({{0}}, -{c}, {c})", f"it is clipped to [-{c}, {c}]")
      for c in ("5", "1", "0.5", "0.1", "0.05", "0.01", "0.001")),
    ("clip.unit_length", "({0}) / norm({0})", "it is scaled to length 1"),
    ("clip.unit_length_guarded", "({0}) / (norm({0}) + 1e-8)", "it is scaled to length 1"),
    *((f"clip.norm_{number(c)}", f"({{0}}) * minimum(1, {c} / norm({{0}}))",
       f"it is scaled to a norm of {c} at most")
      for c in ("5", "1", "0.5", "0.1", "0.05", "0.01")),
    *((f"clip.norm_{number(c)}_guarded", f"({{0}}) * minimum(1, {c} / (norm({{0}}) + 1e-6))",
       f"it is scaled to a norm of {c} at most")
      for c in ("1", "0.1")),
    ("clip.by_largest", "({0}) / abs({0}).max()", "it is divided by its largest entry"),
)  # fmt: skip
"""Bounds that a gradient may have been given."""

NARROW = (
    ("precision.float32", "float32({0})", "it is rounded to float32"),
    ("precision.float16", "float16({0})", "it is rounded to float16"),
    ("precision.whole", "trunc({0})", "it is cut to whole numbers"),
)
"""Wrong precisions that any line may have."""


def backward_faults() -> Iterator[Fault]:
    """Faults of one line, in the order of the derivation."""
    for name, rows in BACKWARD.items():
        for layer in LAYERS:
            templates = {layer.dW: OF_WEIGHTS, layer.db: OF_BIASES}.get(name, ())
            for template in templates:
                what, code, message = (text.format(**layer._asdict()) for text in template)
                yield fault(name, what, code, message)
        for what, code, message in rows:
            yield fault(name, what, code, message)
        yield from alone(name)


def resized_faults(written: Container[str]) -> Iterator[Fault]:
    """Wrong sizes and bounds of any gradient, but those that have an entry of their own.

    Where a line has a penalty, a wrong size may be that of the data term or of the whole.
    """
    for name in BACKWARD:
        line = LINES[name]
        for what, form, message in SCALES:
            if f"{name}.{what}" not in written:
                yield fault(name, what, form.format(line.data), message)
            if line.penalty and f"{name}.{what}.with_penalty" not in written:
                yield fault(name, f"{what}.with_penalty", line.within(form), message,
                            needs=(Need.PENALTY,))  # fmt: skip
        for what, form, message in BOUNDED:
            if f"{name}.{what}" not in written:
                yield fault(name, what, line.within(form), message)
