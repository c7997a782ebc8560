"""The dictionary: mistakes of one line, each as code that stands where an equation should.

Among mistakes that give the same numbers the first is named, so the usual ones come first. In the
lines, `c` is a number that is found by least squares; `before` holds the values of the call before,
`last` what the function returned there, and `first` the values of the first call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from types import MappingProxyType

from backhand.doctor.derivation import LINES, UPDATED, equation_of, parts_of

NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class Mistake:
    """What was written in place of an equation.

    Attributes
    ----------
    name : str
        The value that it is about, a key of `LINES`; where several lines change, the first.
    code : str
        What stands there.
    says : str
        What is wrong with that, a sentence.
    lines : mapping
        All the lines that change, `name` among them unless only what is returned is wrong.
    returned : bool
        Only what is returned under `name` is wrong; the right value was used.
    """

    name: str
    code: str
    says: str
    lines: Mapping[str, str]
    returned: bool = False

    @property
    def equation(self) -> str:
        """The equation that is wrong."""
        return equation_of(self.name)

    @cached_property
    def constant(self) -> bool:
        """Whether the lines have a number to be found."""
        return any("c" in parts_of(code) for code in self.lines.values())

    @cached_property
    def remembers(self) -> bool:
        """Whether the lines read what was there in the call before."""
        return any({"before", "last", "first"} & parts_of(code) for code in self.lines.values())


def _mistake(name: str, code: str, says: str, also: Mapping[str, str] = NOTHING) -> Mistake:
    return Mistake(name, code, says, MappingProxyType({name: code, **also}))


FORWARD = {
    "Z1": [
        ("X @ W1", "b1 is left out"),
        ("X @ W1 - b1", "b1 is subtracted"),
        ("X @ W1 + 2 * b1", "b1 is added twice"),
        ("X @ (W1 + b1)", "b1 is added to every row of W1, inside the product"),
        ("X @ W1 + b1[0]", "the first entry of b1 is added for all units"),
        ("X @ W1 + b1.sum()", "the sum of b1 is added for all units"),
        ("X @ W1 + b2", "b2 is added in place of b1"),
        ("X @ W1.T + b1", "W1 is transposed, which runs only where d = H"),
        ("(X - X.mean(axis=0)) @ W1 + b1", "the columns of X are centred first"),
        ("(X - X.mean(axis=0)) / X.std(axis=0) @ W1 + b1", "the columns of X are standardised"),
        ("X / norm(X, axis=1, keepdims=True) @ W1 + b1", "the rows of X are scaled to length 1"),
        ("X / 255 @ W1 + b1", "X is divided by 255"),
        ("X / abs(X).max() @ W1 + b1", "X is divided by its largest number"),
        ("trunc(X) @ W1 + b1", "X is cut to whole numbers"),
        ("abs(X) @ W1 + b1", "the absolute value of X is taken"),
        ("(X @ W1 + b1) / sqrt(d)", "the sum is divided by √d"),
        ("X @ W1 * b1", "b1 is multiplied, not added"),
        ("X @ W1 + b1 - (X @ W1 + b1).mean(axis=0)", "Z1 is centred over the batch"),
        ("(X @ W1 - (X @ W1).mean(axis=0)) / (X @ W1).std(axis=0) + b1",
         "Z1 is standardised over the batch"),
        ("(X @ W1 + b1 - (X @ W1 + b1).mean(axis=0)) / (X @ W1 + b1).std(axis=0)",
         "Z1 is standardised over the batch"),
    ],
    "H1": [
        ("Z1", "the ReLU is left out"),
        ("where(Z1 > 0, Z1, 0.01 * Z1)", "a leaky ReLU of slope 0.01 stands for the ReLU"),
        ("where(Z1 > 0, Z1, 0.1 * Z1)", "a leaky ReLU of slope 0.1 stands for the ReLU"),
        ("where(Z1 > 0, Z1, 0.2 * Z1)", "a leaky ReLU of slope 0.2 stands for the ReLU"),
        ("abs(Z1)", "the absolute value is taken, not the positive part"),
        ("minimum(Z1, 0)", "the minimum stands for the maximum: the negative part is kept"),
        ("maximum(-Z1, 0)", "the sign of Z1 is turned in the ReLU"),
        ("-maximum(Z1, 0)", "the sign of H1 is turned"),
        ("1.0 * (Z1 > 0)", "H1 is the mask of 0 and 1, not Z1 times the mask"),
        ("clip(Z1, 0, 1)", "the ReLU is cut off at 1 as well"),
        ("clip(Z1, 0, 6)", "the ReLU is cut off at 6 as well"),
        ("maximum(Z1, 1)", "the maximum is taken with 1, not with 0"),
        ("maximum(Z1, 0)**2", "the ReLU is squared"),
        ("maximum(X @ W1, 0) + b1", "b1 is added behind the ReLU"),
        ("maximum(X @ W1, 0)", "the ReLU is taken before b1 is added"),
        ("tanh(Z1)", "tanh stands for the ReLU"),
        ("sigmoid(Z1)", "the sigmoid stands for the ReLU"),
        ("log1p(exp(Z1))", "softplus stands for the ReLU"),
        ("where(Z1 > 0, Z1, exp(minimum(Z1, 0)) - 1)", "ELU stands for the ReLU"),
        ("Z1 * sigmoid(Z1)", "SiLU stands for the ReLU"),
        ("softmax(Z1)", "the softmax stands for the ReLU"),
        ("maximum(Z1, 0) / 2", "H1 is halved, as dropout would have it on average"),
        ("2 * maximum(Z1, 0)", "H1 is doubled"),
        ("where(Z1 > 1, Z1, 0)", "the ReLU has its corner at 1, not at 0"),
        ("maximum(Z1, 0).T", "H1 is transposed"),
        ("Z1 * (1 + Z1 / abs(Z1)) / 2", "Z1 / |Z1| stands for its sign, and is 0/0 where Z1 is 0"),
        ("where(Z1 == 0, 0 / Z1, maximum(Z1, 0))", "it is nan where Z1 is 0"),
        ("maximum(Z1, Z1.mean())", "the maximum is taken with the mean, not with 0"),
    ],
    "S": [
        ("H1 @ W2", "b2 is left out"),
        ("H1 @ W2 - b2", "b2 is subtracted"),
        ("H1 @ W2 + 2 * b2", "b2 is added twice"),
        ("Z1 @ W2 + b2", "Z1 stands for H1: the ReLU is skipped on this way"),
        ("X @ W2 + b2", "X stands for H1, which runs only where d = H"),
        ("H1 @ (W2 + b2)", "b2 is added to every row of W2, inside the product"),
        ("H1 @ W2 + b2[0]", "the first entry of b2 is added for all classes"),
        ("H1 @ W2 + b2.sum()", "the sum of b2 is added for all classes"),
        ("H1 @ W2 + b1", "b1 is added in place of b2, which runs only where H = K"),
        ("H1 @ W2.T + b2", "W2 is transposed, which runs only where H = K"),
        ("H1 @ W1 + b2", "W1 stands for W2"),
        ("maximum(H1 @ W2 + b2, 0)", "a ReLU is put on the logits too"),
        ("(H1 @ W2 + b2) / sqrt(H)", "the logits are divided by √H"),
        ("H1 @ W2 / sqrt(H) + b2", "the sum is divided by √H"),
        ("(H1 @ W2 + b2) / H", "the logits are divided by H"),
        ("tanh(H1 @ W2 + b2)", "a tanh is put on the logits"),
        ("sigmoid(H1 @ W2 + b2)", "a sigmoid is put on the logits"),
        ("-(H1 @ W2 + b2)", "the sign of the logits is turned"),
        ("H1 @ W2 * b2", "b2 is multiplied, not added"),
    ],
    "P": [
        ("softmax(S, axis=0)", "the softmax runs over the rows of the batch (axis=0)"),
        ("S", "the softmax is left out"),
        ("softmax(softmax(S))", "the softmax is applied twice"),
        ("exp(S)", "the exponentials are not divided by their sum"),
        ("exp(S - S.max(axis=1, keepdims=True))", "the exponentials are not divided by their sum"),
        ("exp(S) / exp(S).sum()", "the exponentials are divided by the sum over the whole batch"),
        ("exp(S - S.max()) / exp(S - S.max()).sum(axis=1)",
         "the row sums lack keepdims: (N, K) / (N,) runs only where N = K, and divides each row by "
         "the sums of others"),
        ("sigmoid(S)", "the sigmoid stands for the softmax"),
        ("sigmoid(S) / sigmoid(S).sum(axis=1, keepdims=True)",
         "sigmoids are normalised, not exponentials"),
        ("log(softmax(S))", "the logarithm of the probabilities stands for them"),
        ("-log(softmax(S))", "minus the logarithm of the probabilities stands for them"),
        ("softmax(-S)", "the sign of S is turned in the softmax"),
        ("softmax(log(2) * S)", "the softmax has base 2: 2**S, not exp(S)"),
        ("softmax(S / 2)", "the softmax has a temperature of 2"),
        ("softmax(2 * S)", "the softmax has a temperature of 1/2"),
        ("softmax(S / sqrt(K))", "the logits are divided by √K in the softmax"),
        ("exp(S) / exp(S - S.max(axis=1, keepdims=True)).sum(axis=1, keepdims=True)",
         "the row maximum is subtracted below only, not above"),
        ("exp(S - S.max(axis=1, keepdims=True)) / exp(S).sum(axis=1, keepdims=True)",
         "the row maximum is subtracted above only, not below"),
        ("exp(S - S.max(axis=0)) / exp(S - S.max(axis=0)).sum(axis=1, keepdims=True)",
         "the maxima of the columns are subtracted, not those of the rows"),
        ("exp(S - S.max(axis=1, keepdims=True)) / exp(S - S.max(axis=1, keepdims=True)).sum()",
         "the exponentials are divided by the sum over the whole batch"),
        ("exp(S - S.min(axis=1, keepdims=True)) / exp(S).sum(axis=1, keepdims=True)",
         "the row minimum is subtracted above only, not below"),
        ("1.0 * (S == S.max(axis=1, keepdims=True))",
         "the likeliest class gets 1 and the others 0, without a softmax"),
        ("round(softmax(S))", "the probabilities are rounded to 0 and 1"),
        ("S / S.sum(axis=1, keepdims=True)", "the exponential is left out"),
        ("abs(S) / abs(S).sum(axis=1, keepdims=True)", "the exponential is left out"),
        ("S**2 / (S**2).sum(axis=1, keepdims=True)", "squares stand for the exponentials"),
        ("exp(S) / norm(exp(S), axis=1, keepdims=True)",
         "the exponentials are divided by their norm, not by their sum"),
        ("exp(S) / exp(S).max(axis=1, keepdims=True)",
         "the exponentials are divided by their maximum, not by their sum"),
        ("exp(S) / exp(S).mean(axis=1, keepdims=True)",
         "the exponentials are divided by their mean, not by their sum"),
        ("exp(S) / exp(S).sum(axis=1, keepdims=True).cumsum(axis=0)",
         "the sum under the softmax is carried on from row to row"),
        ("exp(S) / (1 + exp(S).sum(axis=1, keepdims=True))", "1 is added to the softmax's sum"),
        ("tanh(S)", "tanh stands for the softmax"),
    ],
    "L": [
        ("-(Y * log(P)).sum()", "the sum over the rows stands for their mean"),
        ("(Y * log(P)).sum() / N", "the minus sign is missing"),
        ("(Y * log(P)).sum()", "the minus sign is missing, and the mean over the rows"),
        ("-(Y * log2(P)).sum() / N", "the logarithm is to base 2"),
        ("-(Y * log10(P)).sum() / N", "the logarithm is to base 10"),
        ("-(Y * log(P)).sum() / (N * K)", "the mean is taken over all N·K entries"),
        ("-(Y * log(P)).sum() / K", "the sum is divided by K, not by N"),
        ("-(Y * log(P)).sum() / N / N", "1/N stands twice"),
        ("-(Y * log(P)).sum() / (2 * N)", "the loss is halved"),
        ("-2 * (Y * log(P)).sum() / N", "the loss is doubled"),
        ("-(Y * log(P)).sum() / (N - 1)", "the sum is divided by N - 1"),
        ("-(Y * log(P)).sum() / d", "the sum is divided by d, not by N"),
        ("-(Y * P).sum() / N", "the logarithm is missing"),
        ("-(Y * S).sum() / N", "S stands for log P"),
        ("-log(P[:, y]).mean()", "P[:, y] takes the columns of all labels in every row"),
        ("-log(P[:, y]).sum() / N", "P[:, y] takes the columns of all labels in every row"),
        ("-log(P).sum() / N", "Y is left out: the logarithms of all classes are summed"),
        ("-log(P).sum() / (N * K)", "Y is left out: the mean is over all classes"),
        ("-log((Y * P).sum()) / N", "the logarithm is taken of the sum, not the other way round"),
        ("-log((Y * P).sum() / N)", "the logarithm is taken of the mean, not the other way round"),
        ("-(P * log(P)).sum() / N", "P stands for Y: it is the entropy of P"),
        ("-(Y * log(P) + (1 - Y) * log(1 - P)).sum() / N", "it is the binary cross-entropy"),
        ("-(Y * log(P) + (1 - Y) * log(1 - P)).sum() / (N * K)", "it is the binary cross-entropy"),
        ("((P - Y)**2).sum() / N", "it is the squared error"),
        ("((P - Y)**2).sum() / (2 * N)", "it is half the squared error"),
        ("((P - Y)**2).sum() / (N * K)", "it is the mean squared error"),
        ("((P - Y)**2).sum() / 2", "it is half the squared error, summed"),
        ("((P - Y)**2).sum()", "it is the squared error, summed"),
        ("abs(P - Y).sum() / N", "it is the absolute error"),
        ("(1 - (Y * P).sum(axis=1)).sum() / N", "the logarithm is missing: it is 1 - P"),
        ("-((0.9 * Y + 0.1 / K) * log(P)).sum() / N", "the labels are smoothed by 0.1"),
        ("-(roll(Y, 1, axis=1) * log(P)).sum() / N", "the class is shifted by one"),
        ("-(roll(Y, -1, axis=1) * log(P)).sum() / N", "the class is shifted by one"),
        ("-(Y * log(softmax(S, axis=0))).sum() / N", "the log-softmax runs over the rows (axis=0)"),
        ("-(Y * log(softmax(P))).sum() / N", "the softmax is applied twice"),
        ("-(Y * (S - log(exp(S).sum(axis=0)))).sum() / N", "logsumexp runs over the batch"),
        ("(-(Y * log(P)).sum() / N).round()", "the loss is rounded"),
        ("-(Y[1:] * log(P[1:])).sum() / N", "the first row is left out"),
        ("-(Y[:-1] * log(P[:-1])).sum() / N", "the last row is left out"),
        ("-(Y * log(P)).sum()  * N / N", "(N, 1) met (N,): the loss is N times too large"),
        *((f"-(Y * log(P + {eps})).sum() / N", f"{eps} is added before the logarithm")
          for eps in ("1e-2", "1e-3", "1e-4", "1e-5", "1e-6")),
        *((f"-(Y * log(maximum(P, {eps}))).sum() / N", f"P is kept above {eps} in the logarithm")
          for eps in ("0.1", "0.05", "1e-2", "1e-3")),
        *((f"-(Y * log(clip(P, {eps}, 1 - {eps}))).sum() / N",
           f"P is clipped to [{eps}, 1 - {eps}] in the logarithm")
          for eps in ("0.1", "0.05", "1e-2", "1e-3", "1e-4", "1e-5")),
    ],
}  # fmt: skip
"""Of the forward pass: what stands there, and what is wrong with it."""

BACKWARD = {
    "dS": [
        ("P - Y", "1/N is missing: the mean's gradient is summed"),
        ("(P - Y) / N / N", "1/N stands twice"),
        ("(P - Y) / K", "it is divided by K, not by N"),
        ("(P - Y) / (N * K)", "it is divided by N·K, the number of entries, not by N"),
        ("(Y - P) / N", "the sign is turned: Y - P"),
        ("Y - P", "the sign is turned, and 1/N is missing"),
        ("P / N", "Y is not subtracted"),
        ("P", "Y is not subtracted, and 1/N is missing"),
        ("-Y / N", "P is left out"),
        ("P - Y / N", "only Y is divided by N"),
        ("P / N - Y", "only P is divided by N"),
        ("(S - Y) / N", "S stands for P"),
        ("S - Y", "S stands for P, and 1/N is missing"),
        ("(P - 1) / N", "1 is subtracted from every class, not from the true one"),
        ("(P + Y) / N", "Y is added, not subtracted"),
        ("(P - 2 * Y) / N", "Y is subtracted twice"),
        ("where(Y > 0, -1, P) / N", "the true class is set to -1, not lowered by 1"),
        ("where(Y > 0, 0, P) / N", "the true class has no gradient"),
        ("(P - roll(Y, 1, axis=1)) / N", "the one-hot position is one too high, cyclically"),
        ("(P - roll(Y, -1, axis=1)) / N", "the one-hot position is one too low, cyclically"),
        ("(P - Y @ eye(K, k=1)) / N", "the one-hot position is one too high"),
        ("(P - Y @ eye(K, k=-1)) / N", "the one-hot position is one too low"),
        ("(P - roll(Y, 1, axis=0)) / N", "each row has the label of the row before"),
        ("(P - roll(Y, -1, axis=0)) / N", "each row has the label of the next row"),
        ("(P - Y[::-1]) / N", "the labels are in reverse order"),
        ("(P - (Y.sum(axis=0) > 0)) / N",
         "P[:, y] -= 1 subtracts from the columns of all labels in every row"),
        ("(P - Y.sum(axis=0)) / N", "the labels of all rows are subtracted from every row"),
        ("(P - y.reshape(N, 1)) / N", "the class index is subtracted, not a one-hot row"),
        ("P - y.reshape(N, 1)",
         "the class index is subtracted, not a one-hot row, and 1/N is missing"),
        ("(P - y) / N", "the class indices (N,) are subtracted along the classes, which runs only "
         "where N = K"),
        ("P - y", "the class indices (N,) are subtracted along the classes, which runs only "
         "where N = K"),
        ("(P - eye(N, K)) / N", "the label of a row is taken to be its number"),
        ("(P - (P == P.max(axis=1, keepdims=True))) / N", "the likeliest class stands for Y"),
        ("((P == P.max(axis=1, keepdims=True)) * 1.0 - Y) / N", "the likeliest class stands for P"),
        ("-(Y / P) / N", "the softmax is skipped: it is ∂L/∂P"),
        ("-(Y / P)", "the softmax is skipped: it is ∂L/∂P, and 1/N is missing"),
        ("-Y * (1 - P) / N",
         "only the true class has a gradient: the diagonal of the softmax's Jacobian"),
        ("(Y / P) * P * (1 - P) / N",
         "only the diagonal of the softmax's Jacobian is used, and the sign is turned"),
        ("-(Y + P) / N", "the softmax's Jacobian has a plus for its minus"),
        ("-(Y / P) * P**2 / N", "the softmax's Jacobian is wrong"),
        ("P * (1 - P) / N", "only the softmax's own derivative is there"),
        ("(P - Y) * P * (1 - P) / N", "the derivative of the sigmoid is a factor too many"),
        ("(P - Y) * P * (1 - P)", "the derivative of the sigmoid is a factor too many, and 1/N is "
         "missing"),
        ("2 * (P - Y) * P * (1 - P) / N", "it is the squared error's, through sigmoids"),
        ("2 * (P - Y) / N", "it is the squared error's, with the softmax left out: twice as large"),
        ("2 * (P - Y)", "it is the squared error's, with the softmax left out, and 1/N is missing"),
        ("2 * (P - Y) / (N * K)", "it is the mean squared error's, with the softmax left out"),
        ("2 * P * (P - Y - ((P - Y) * P).sum(axis=1, keepdims=True)) / N",
         "it is the squared error's gradient"),
        ("P * (P - Y - ((P - Y) * P).sum(axis=1, keepdims=True)) / N",
         "it is the gradient of half the squared error"),
        ("2 * P * (P - Y - ((P - Y) * P).sum(axis=1, keepdims=True)) / (N * K)",
         "it is the mean squared error's gradient"),
        ("2 * P * (P - Y - ((P - Y) * P).sum(axis=1, keepdims=True))",
         "it is the summed squared error's gradient"),
        ("P * (P - Y - ((P - Y) * P).sum(axis=1, keepdims=True))",
         "it is the gradient of half the squared error, summed"),
        ("P * ((Y * P).sum(axis=1, keepdims=True) - Y) / N",
         "the logarithm is missing: it is the gradient of -P of the true class"),
        ("(P - Y)**2 / N", "the difference is squared"),
        ("abs(P - Y) / N", "the absolute value is taken"),
        ("sign(P - Y) / N", "only the sign is left"),
        ("(P - 0.9 * Y - 0.1 / K) / N", "the labels are smoothed by 0.1"),
        ("(P - 0.8 * Y - 0.2 / K) / N", "the labels are smoothed by 0.2"),
        ("(P - Y) / Y.sum(axis=0)[y].reshape(N, 1)",
         "each row is divided by the rows of its class"),
        ("(P - Y) / N / log(2)", "the logarithm is to base 2"),
        ("(P - Y) / N / log(10)", "the logarithm is to base 10"),
        ("(P - Y) / N * log(2)", "it is multiplied by log 2"),
        ("(P - Y) / (N - 1)", "it is divided by N - 1"),
        ("(P - Y) / d", "it is divided by d, not by N"),
        ("(P - Y) / H", "it is divided by H, not by N"),
        ("(P - Y) / sqrt(N)", "it is divided by √N"),
        ("(P - Y) // N", "it is divided in whole numbers (//)"),
        ("(P - Y).mean(axis=0) * (Y * 0 + 1) / N", "the mean over the rows stands in every row"),
        ("(P - Y) * (S > 0) / N", "a ReLU's mask is put on the logits"),
        ("float16(P - Y) / N", "P - Y is rounded to float16"),
        ("float32(P - Y) / N", "P - Y is rounded to float32"),
        ("trunc(P - Y) / N", "P - Y is cut to whole numbers"),
        ("(P - Y) * (P > 0.5) / N", "only probabilities above a half have a gradient"),
        ("(P - Y) / norm(P - Y)", "it is scaled to length 1"),
        ("(softmax(P) - Y) / N", "the softmax is applied once more"),
        ("(P - Y) * (y > 0).reshape(N, 1) / N", "the rows of class 0 are left out"),
        ("(P - Y) * (y > 0).reshape(N, 1) / (y > 0).sum()", "the rows of class 0 are ignored"),
        ("(P - Y) * (Y * P).sum(axis=1, keepdims=True) / N",
         "each row is weighted with the probability of its class"),
    ],
    "dW2": [
        ("Z1.T @ dS", "Z1 stands for H1"),
        ("X.T @ dS", "X stands for H1"),
        ("dS.T @ H1", "it is transposed"),
        ("H1 @ dS", "H1 is not transposed, which runs only where N = H"),
        ("H1.T @ (P - Y)", "1/N is missing here"),
        ("H1.T @ P", "P stands for dS"),
        ("H1.T @ P / N", "P stands for dS: Y is forgotten here"),
        ("H1.T @ Y", "Y stands for dS"),
        ("H1.T @ S", "S stands for dS"),
        ("(H1 > 0).T @ dS", "the mask of H1 stands for H1"),
        ("(Z1 >= 0).T @ dS", "the mask of Z1 stands for H1"),
        ("maximum(X @ W1, 0).T @ dS", "b1 is left out of H1"),
        ("(dS @ W2.T).T @ dS", "dH1 stands for H1"),
        ("(dS @ W2.T * (Z1 > 0)).T @ dS", "dZ1 stands for H1"),
        ("H1[:1].T @ dS[:1]", "only the first row counts"),
        ("H1[-1:].T @ dS[-1:]", "only the last row counts: = in place of +="),
        ("H1.mean(axis=0).reshape(H, 1) * dS.sum(axis=0)", "the mean of H1 is multiplied with the "
         "sum of dS, row by row no more"),
        ("H1.sum(axis=0).reshape(H, 1) * dS.sum(axis=0)", "the sums are multiplied, not summed up"),
        ("before.H1.T @ dS", "H1 is that of the call before"),
        ("abs(H1.T @ dS)", "the absolute value is taken"),
        ("sign(H1.T @ dS)", "only the sign is left"),
        ("where(H1.T @ dS > 0, H1.T @ dS, 0)", "a ReLU's mask is put on it"),
        ("(H1 @ W2).T @ dS", "H1 W2 stands for H1"),
        ("H1.T @ dS * W2", "it is multiplied by W2"),
        ("X.T @ (dS @ W2.T * (Z1 > 0))", "it is dW1"),
        ("H1.T @ (dS - dS.mean(axis=0))", "dS is centred first"),
        ("without_row(H1, 0).T @ dS", "the first row is left out"),
        ("without_row(H1, -1).T @ dS", "the last row is left out"),
    ],
    "db2": [
        ("0 * dS.sum(axis=0)", "it is left at zero"),
        ("dS.mean(axis=0)", "the mean over the rows stands for their sum"),
        ("(P - Y).sum(axis=0)", "1/N is missing here"),
        ("dS.sum(axis=1)", "the sum runs over the classes (axis=1)"),
        ("dS.mean(axis=1)", "the mean over the classes stands for the sum over the rows"),
        ("dS.sum(axis=0, keepdims=True)", "the kept dimension stays: its shape is (1, K)"),
        ("dS.mean(axis=0, keepdims=True)", "it is the mean, and the kept dimension stays"),
        ("dS.sum(axis=0).reshape(K, 1)", "it is a column, (K, 1)"),
        ("dS.sum(axis=1, keepdims=True)", "the sum runs over the classes (axis=1)"),
        ("dS.sum()", "it is summed over the classes too: one number"),
        ("dS.sum() + b2 * 0", "it is summed over the classes too"),
        ("dS.sum() + b2[:1] * 0", "it is summed over the classes too: one number"),
        ("dS.sum().reshape(1, 1)", "it is summed over the classes too: one number"),
        ("dS.mean()", "it is the mean of all entries: one number"),
        ("dS.mean() + b2 * 0", "it is the mean of all entries"),
        ("dS", "it is not summed over the rows"),
        ("dS[0]", "only the first row counts"),
        ("dS[-1]", "only the last row counts: = in place of +="),
        ("dS.sum(axis=0) + dS[0]", "the first row counts twice"),
        ("dS.sum(axis=0) + dS[-1]", "the last row counts twice"),
        ("dS.sum(axis=0) - dS[0]", "the first row is left out"),
        ("dS.sum(axis=0) - dS[-1]", "the last row is left out"),
        ("N * dS[-1]", "it is N times the last row"),
        ("without_row(dS.sum(axis=0), -1)", "the last class is left out"),
        ("without_row(dS.sum(axis=0), 0)", "the first class is left out"),
        ("dS.cumsum(axis=0)[-1].cumsum()", "the sum is carried on from class to class"),
        ("abs(dS).sum(axis=0)", "the absolute values are summed"),
        ("dS.max(axis=0)", "the maximum stands for the sum"),
        ("P.sum(axis=0)", "P stands for dS"),
        ("P.sum(axis=0) / N", "P stands for dS: Y is forgotten here"),
        ("Y.sum(axis=0)", "Y stands for dS"),
        ("(H1.T @ dS).sum(axis=0)", "dW2 is summed, not dS"),
        ("(H1.T @ dS)[0]", "it is the first row of dW2"),
        ("(H1.T @ dS)[-1]", "it is the last row of dW2"),
        ("dS.sum(axis=0) * b2", "it is multiplied by b2"),
        ("(dS @ W2.T).sum(axis=0)", "dH1 is summed, not dS"),
        ("(dS @ W2.T * (Z1 > 0)).sum(axis=0)", "it is db1: dZ1 is summed, not dS"),
        ("H1.sum(axis=0)", "H1 is summed, not dS"),
        ("dS.sum(axis=0) + l2 * b2", "the penalty is put on the bias too"),
        ("dS.sum(axis=0) + 2 * l2 * b2", "the penalty is put on the bias too"),
        ("sign(dS.sum(axis=0))", "only the sign is left"),
    ],
    "dH1": [
        ("dS @ W2", "W2 is not transposed, which runs only where H = K"),
        ("(P - Y) @ W2.T", "1/N is missing on this way"),
        ("dS @ (W2 - eta * dW2).T", "W2 is used after its update"),
        ("dS @ (W2 - c * dW2).T", "W2 is used after an update"),
        ("dS @ dW2.T", "dW2 stands for W2"),
        ("P @ W2.T", "P stands for dS"),
        ("P @ W2.T / N", "P stands for dS: Y is forgotten here"),
        ("S @ W2.T", "S stands for dS"),
        ("Y @ W2.T", "Y stands for dS"),
        ("dS @ W1", "W1 stands for W2, which runs only where d = K"),
        ("dS @ W1.T", "W1 stands for W2"),
        ("dS @ sign(W2).T", "only the sign of W2 counts"),
        ("dS @ abs(W2).T", "the absolute value of W2 is taken"),
        ("abs(dS) @ abs(W2).T", "absolute values are taken"),
        ("dS.sum(axis=1, keepdims=True) + H1 * 0", "W2 is left out"),
        ("abs(dS).sum(axis=1, keepdims=True) + H1 * 0", "W2 is left out"),
        ("dS @ (W2 * 0 + 1).T", "W2 is left out"),
        ("dS @ W2.T / K", "the mean over the classes stands for their sum"),
        ("dS @ W2.T / H", "it is divided by H"),
        ("dS[:, -1:] @ W2[:, -1:].T", "only the last class counts: = in place of +="),
        ("dS[:, :1] @ W2[:, :1].T", "only the first class counts"),
        ("dS[:, :-1] @ W2[:, :-1].T", "the last class is left out"),
        ("dS[:, 1:] @ W2[:, 1:].T", "the first class is left out"),
        ("dS @ roll(W2, 1, axis=0).T", "W2 is shifted by a row"),
        ("dS @ roll(W2, -1, axis=0).T", "W2 is shifted by a row"),
        ("dS @ roll(W2, 1, axis=1).T", "W2 is shifted by a class"),
        ("dS @ roll(W2, -1, axis=1).T", "W2 is shifted by a class"),
        ("dS @ W2[::-1].T", "the rows of W2 are in reverse order"),
        ("dS @ W2.T + b1", "b1 is added"),
        ("dS @ (W2 + b2).T", "b2 is added to W2"),
        ("(dS * P * (1 - P)) @ W2.T", "the derivative of the sigmoid is a factor too many"),
        ("(dS * S) @ W2.T", "S is a factor too many"),
        ("dS @ (H1.T @ H1 @ W2).T", "H1ᵀH1 is a factor too many"),
        ("maximum(dS, 0) @ W2.T", "a ReLU is put on dS"),
        ("(dS * (S > 0)) @ W2.T", "a ReLU's mask is put on the logits on this way"),
        ("dS @ W2.T + dS[:, :1]", "a column is added"),
        ("before.dS @ W2.T", "dS is that of the call before"),
    ],
    "dZ1": [
        ("dH1", "the mask is left out"),
        ("dH1 * (Z1 >= 0)", "the mask has >= for >: units at 0 pass the gradient"),
        ("dH1 * (dH1 > 0)", "the mask asks for the sign of dH1, not of Z1"),
        ("dH1 * (Z1 < 0)", "the mask is reversed"),
        ("dH1 * (Z1 <= 0)", "the mask is reversed"),
        ("dH1 * H1", "it is multiplied by H1, not by the mask"),
        ("dH1 * Z1", "it is multiplied by Z1, not by the mask"),
        ("dH1 * sign(Z1)", "the mask is the sign of Z1: -1 where it should be 0"),
        ("dH1 * (X @ W1 > 0)", "the mask is from before b1 is added"),
        ("dH1 * (X @ W1 >= 0)", "the mask is from before b1 is added"),
        ("dH1 * (before.Z1 > 0)", "the mask is that of the call before"),
        ("dH1 * (first.Z1 > 0)", "the mask is that of the first call"),
        ("dH1 * ((Z1 > 0) + 0.5 * (Z1 == 0))", "the mask is 1/2 where Z1 is 0"),
        ("dH1 * (1 + Z1 / abs(Z1)) / 2", "Z1 / |Z1| stands for its sign, and is 0/0 where Z1 is 0"),
        ("dH1 * H1 / Z1", "it is divided by Z1, which is 0/0 where Z1 is 0"),
        ("dH1 * (Z1 > 0) * (dH1 > 0)", "the mask asks for the sign of dH1 too"),
        ("dH1 * where(Z1 > 0, 1, c)", "the mask leaks where Z1 ≤ 0"),
        ("dH1 * (1 - H1**2)", "it is the derivative of tanh"),
        ("dH1 * H1 * (1 - H1)", "it is the derivative of the sigmoid"),
        ("dH1 * sigmoid(Z1)", "it is the derivative of softplus"),
        ("dH1 * sigmoid(Z1) * (1 - sigmoid(Z1))", "it is the derivative of the sigmoid"),
        ("dH1 * (1 - tanh(Z1)**2)", "it is the derivative of tanh"),
        ("dH1 * (Z1 != 0)", "the mask asks whether Z1 is other than 0"),
        ("dH1 * (1 + (Z1 > 0))", "1 is added to the mask"),
        ("dH1 * ((Z1 > 0) * 2 - 1)", "the mask is -1 where it should be 0"),
        ("dH1 * (Z1 > 1)", "the mask asks for Z1 > 1"),
        ("dH1 * (Z1 >= 1)", "the mask is Z1 cut to whole numbers"),
        ("dH1 * (trunc(Z1) != 0)", "the mask is Z1 cut to whole numbers"),
        ("dH1 * (Z1 > 0.5)", "the mask asks for Z1 > 0.5"),
        ("dH1 * (Z1 > 0.1)", "the mask asks for Z1 > 0.1"),
        ("dH1 * (Z1 > 0.01)", "the mask asks for Z1 > 0.01"),
        ("dH1 * (Z1 > Z1.mean())", "the mask asks for more than the mean"),
        ("dH1 * (Z1 < 1) * (Z1 > 0)", "the mask asks for Z1 < 1 too"),
        ("dH1 * (Z1 > 0).T", "the mask is transposed, which runs only where N = H"),
        ("dH1 * (Z1[0] > 0)", "the mask of the first row is used for all"),
        ("dH1 * (Z1[-1] > 0)", "the mask of the last row is used for all"),
        ("dH1 * (Z1.sum(axis=0) > 0)", "one mask is used for all rows"),
        ("dH1 * (Z1 > 0).any(axis=0)", "one mask is used for all rows"),
        ("dH1 * (Z1 > 0).all(axis=0)", "one mask is used for all rows"),
        ("dH1 * (Z1.sum(axis=1, keepdims=True) > 0)", "one mask is used for all units of a row"),
        ("dH1 * (roll(Z1, 1, axis=0) > 0)", "each row has the mask of the row before"),
        ("dH1 * (roll(Z1, -1, axis=0) > 0)", "each row has the mask of the next row"),
        ("dH1 * (roll(Z1, 1, axis=1) > 0)", "each unit has the mask of the unit before"),
        ("dH1 * (roll(Z1, -1, axis=1) > 0)", "each unit has the mask of the next unit"),
        ("dH1 * (b1 > 0)", "the mask asks for the sign of b1"),
        ("dH1 * (X @ abs(W1) + b1 > 0)", "the mask is that of other numbers"),
        ("dH1 * ((X > 0) @ (W1 * 0 + 1) > 0)", "the mask is that of X"),
        ("dH1 * (S.max(axis=1, keepdims=True) > 0)",
         "the mask is from S: it asks for the largest logit of the row"),
        ("dH1 * ((Y * S).sum(axis=1, keepdims=True) > 0)",
         "the mask is from S: it asks for the logit of the true class"),
        ("dH1 * (S > 0)", "the mask is from S, which runs only where H = K"),
        ("dH1 * ((S > 0).sum(axis=1, keepdims=True) > 0)", "the mask is from S"),
        ("((dS * (S > 0)) @ W2.T)", "the mask is from S, and stands before W2"),
        ("dH1 * (S.sum(axis=1, keepdims=True) > 0)", "the mask is from S"),
        ("dH1 * (abs(dH1) > 0.01)", "the mask asks for the size of dH1"),
        ("1.0 * (Z1 > 0)", "dH1 is forgotten: it is the mask"),
        ("H1 * (dH1 > 0)", "H1 stands for dH1, and dH1 for Z1"),
        ("dH1 * maximum(dH1, 0)", "it is multiplied by the positive part of dH1"),
        ("maximum(Z1, 0) * dH1 / (abs(Z1) + 1)", "it is multiplied by H1, not by the mask"),
        ("dH1 * (Z1 > 0) * H1", "H1 is a factor too many"),
        ("dH1 * (Z1 > 0) * (1 - H1)", "1 - H1 is a factor too many"),
        ("where(Z1 > 0, dH1, 1)", "it is 1 where it should be 0"),
        ("where(Z1 > 0, dH1, Z1)", "it is Z1 where it should be 0"),
        ("where(Z1 > 0, 1, dH1)", "it is 1 where Z1 > 0, and dH1 elsewhere"),
        ("where(Z1 > 0, dH1, -dH1 * 0.01)", "the mask leaks where Z1 ≤ 0"),
    ],
    "dW1": [
        ("X.T @ dH1", "dH1 stands for dZ1: the gradient before the mask"),
        ("dZ1.T @ X", "it is transposed"),
        ("X @ dZ1", "X is not transposed, which runs only where N = d"),
        ("H1.T @ dZ1", "H1 stands for X"),
        ("Z1.T @ dZ1", "Z1 stands for X"),
        ("maximum(X, 0).T @ dZ1", "X is rectified first"),
        ("(X**2).T @ dZ1", "X is squared"),
        ("abs(X).T @ dZ1", "the absolute value of X is taken"),
        ("sign(X).T @ dZ1", "only the sign of X counts"),
        ("(X > 0).T @ dZ1", "the mask of X stands for X"),
        ("(X - X.mean(axis=0)).T @ dZ1", "the columns of X are centred first"),
        ("X.T @ (dH1 * H1)", "it is multiplied by H1, not by the mask, here"),
        ("X.T @ (dH1 * Z1)", "it is multiplied by Z1, not by the mask, here"),
        ("X.T @ (dH1 * (Z1 >= 0))", "the mask has >= for > here"),
        ("X.T @ (dH1 * (dH1 > 0))", "the mask asks for the sign of dH1 here"),
        ("X.T @ H1", "H1 stands for dZ1"),
        ("X.T @ Z1", "Z1 stands for dZ1"),
        ("X.T @ dS @ W2.T", "the mask is left out here"),
        ("X.T @ dS", "dS stands for dZ1"),
        ("H1.T @ dS", "it is dW2"),
        ("X[:1].T @ dZ1[:1]", "only the first row counts"),
        ("X[-1:].T @ dZ1[-1:]", "only the last row counts: = in place of +="),
        ("without_row(X, 0).T @ dZ1", "the first row is left out"),
        ("without_row(X, -1).T @ dZ1", "the last row is left out"),
        ("without_row(X.T @ dZ1, -1)", "the last feature is left out"),
        ("without_row(X.T @ dZ1, 0)", "the first feature is left out"),
        ("X.sum(axis=0).reshape(d, 1) * dZ1.sum(axis=0)", "the sums are multiplied, not summed up"),
        ("(X.T @ dZ1).sum(axis=0) + W1 * 0", "it is summed over the features: all rows are alike"),
        ("before.X.T @ dZ1", "X is that of the call before"),
        ("abs(X.T @ dZ1)", "the absolute value is taken"),
        ("sign(X.T @ dZ1)", "only the sign is left"),
        ("X.T @ dZ1 * W1", "it is multiplied by W1"),
        ("X.T @ dZ1 * (W1 > 0)", "a ReLU's mask is put on W1"),
        ("where(H1.max(axis=0) > 0, X.T @ dZ1, 0 / (H1.max(axis=0) * 0))",
         "the columns of idle units are not filled: nan"),
        ("roll(X, 1, axis=0).T @ dZ1", "each row meets the row before in X"),
        ("roll(X, -1, axis=0).T @ dZ1", "each row meets the next row in X"),
    ],
    "db1": [
        ("0 * dZ1.sum(axis=0)", "it is left at zero"),
        ("dZ1.mean(axis=0)", "the mean over the rows stands for their sum"),
        ("dH1.sum(axis=0)", "dH1 is summed: the gradient before the mask"),
        ("dH1.mean(axis=0)", "it is the mean of dH1, the gradient before the mask"),
        ("dZ1.sum(axis=1)", "the sum runs over the units (axis=1)"),
        ("dZ1.mean(axis=1)", "the mean over the units stands for the sum over the rows"),
        ("dZ1.sum(axis=0, keepdims=True)", "the kept dimension stays: its shape is (1, H)"),
        ("dZ1.mean(axis=0, keepdims=True)", "it is the mean, and the kept dimension stays"),
        ("dH1.sum(axis=0, keepdims=True)", "dH1 is summed, and the kept dimension stays"),
        ("dZ1.sum(axis=0).reshape(H, 1)", "it is a column, (H, 1)"),
        ("dZ1.sum(axis=1, keepdims=True)", "the sum runs over the units (axis=1)"),
        ("dZ1.sum()", "it is summed over the units too: one number"),
        ("dZ1.sum() + b1 * 0", "it is summed over the units too"),
        ("dZ1.mean()", "it is the mean of all entries: one number"),
        ("dZ1.mean() + b1 * 0", "it is the mean of all entries"),
        ("dZ1", "it is not summed over the rows"),
        ("db2", "it is db2, of the other layer"),
        ("dS.sum(axis=0)", "dS is summed: it is db2, of the other layer"),
        ("dZ1[0]", "only the first row counts"),
        ("dZ1[-1]", "only the last row counts: = in place of +="),
        ("dZ1.sum(axis=0) + dZ1[0]", "the first row counts twice"),
        ("dZ1.sum(axis=0) + dZ1[-1]", "the last row counts twice"),
        ("dZ1.sum(axis=0) - dZ1[0]", "the first row is left out"),
        ("dZ1.sum(axis=0) - dZ1[-1]", "the last row is left out"),
        ("N * dZ1[-1]", "it is N times the last row"),
        ("without_row(dZ1.sum(axis=0), -1)", "the last unit is left out"),
        ("without_row(dZ1.sum(axis=0), 0)", "the first unit is left out"),
        ("abs(dZ1).sum(axis=0)", "the absolute values are summed"),
        ("dZ1.max(axis=0)", "the maximum stands for the sum"),
        ("Z1.sum(axis=0)", "Z1 is summed, not dZ1"),
        ("H1.sum(axis=0)", "H1 is summed, not dZ1"),
        ("(Z1 > 0).sum(axis=0)", "the mask is summed, not dZ1"),
        ("(dH1 * H1).sum(axis=0)", "it is multiplied by H1, not by the mask, here"),
        ("(dH1 * (Z1 >= 0)).sum(axis=0)", "the mask has >= for > here"),
        ("dH1.sum(axis=0) * (Z1[0] > 0)", "the mask of the first row is put on the sum"),
        ("dH1.sum(axis=0) * (Z1[-1] > 0)", "the mask of the last row is put on the sum"),
        ("dH1.sum(axis=0) * (Z1.sum(axis=0) > 0)", "the mask is put on the sum"),
        ("dH1.sum(axis=0) * (b1 > 0)", "the mask is put on the sum, and asks for b1"),
        ("(X.T @ dZ1).sum(axis=0)", "dW1 is summed, not dZ1"),
        ("(X.T @ dZ1)[0]", "it is the first row of dW1"),
        ("(X.T @ dZ1)[-1]", "it is the last row of dW1"),
        ("(H1 * dZ1).sum(axis=0)", "H1 is a factor too many"),
        ("dZ1.sum(axis=0) * b1", "it is multiplied by b1"),
        ("dZ1.sum(axis=0) + l2 * b1", "the penalty is put on the bias too"),
        ("dZ1.sum(axis=0) + 2 * l2 * b1", "the penalty is put on the bias too"),
        ("sign(dZ1.sum(axis=0))", "only the sign is left"),
    ],
}  # fmt: skip
"""Of the backward pass. Where a penalty belongs to the line, it is added to these."""

SCALES = (
    ("-({})", "the sign is turned"),
    ("({}) / N", "1/N stands once more"),
    ("N * ({})", "it is N times too large: 1/N is missing here"),
    ("2 * ({})", "it is doubled"),
    ("({}) / 2", "it is halved"),
    ("0 * ({})", "it is left at zero"),
    ("eta * ({})", "the learning rate has leaked in"),
    ("-eta * ({})", "the learning rate has leaked in: it is the step, not the gradient"),
    ("({}) / K", "it is divided by K"),
    ("K * ({})", "it is multiplied by K"),
    ("({}) / H", "it is divided by H"),
    ("({}) / d", "it is divided by d"),
    ("({}) / N / N", "1/N stands twice more"),
    ("({}) / (N * K)", "it is divided by N·K"),
    ("({}) * sqrt(N)", "it is multiplied by √N"),
    ("({}) / sqrt(N)", "it is divided by √N"),
    ("({}) * N / (N - 1)", "it is divided by N - 1, not by N"),
)
"""Wrong sizes that any line of the backward pass may have."""

NARROW = (
    ("float32({})", "it is rounded to float32"),
    ("float16({})", "it is rounded to float16"),
    ("trunc({})", "it is cut to whole numbers"),
)
"""Wrong precisions that any line may have."""

BOUNDED = (
    *((f"clip({{}}, -{c}, {c})", f"it is clipped to [-{c}, {c}]")
      for c in ("5", "1", "0.5", "0.1", "0.05", "0.01", "0.001")),
    ("({0}) / norm({0})", "it is scaled to length 1"),
    ("({0}) / (norm({0}) + 1e-8)", "it is scaled to length 1"),
    *((f"({{0}}) * minimum(1, {c} / norm({{0}}))", f"it is scaled to a norm of {c} at most")
      for c in ("5", "1", "0.5", "0.1", "0.05", "0.01")),
    *((f"({{0}}) * minimum(1, {c} / (norm({{0}}) + 1e-6))",
       f"it is scaled to a norm of {c} at most")
      for c in ("1", "0.1")),
    ("({0}) / abs({0}).max()", "it is divided by its largest entry"),
)  # fmt: skip
"""Bounds that a gradient may have been given."""

CLIPPED = tuple(
    (code.format(c=c), f"P is clipped to {what.format(c=c)}")
    for c in ("0.1", "0.05", "0.02", "0.01", "5e-3", "1e-3", "1e-4", "1e-5", "1e-6", "1e-7", "1e-8")
    for code, what in (
        ("maximum(softmax(S), {c})", "{c} or more"),
        ("clip(softmax(S), {c}, 1 - {c})", "[{c}, 1 - {c}]"),
        ("softmax(S) + {c}", "{c} more than it is"),
        ("exp(S) / (exp(S).sum(axis=1, keepdims=True) + {c})", "less: {c} is added to the sum"),
        (
            "exp(S - S.max(axis=1, keepdims=True)) "
            "/ (exp(S - S.max(axis=1, keepdims=True)).sum(axis=1, keepdims=True) + {c})",
            "less: {c} is added to the sum",
        ),
    )
)

PENALTY = (
    ("{sum}", "the penalty's gradient l2 · {W} is missing"),
    ("{sum} + 2 * l2 * {W}", "the penalty counts twice: l2 · {W} was to be added"),
    ("{sum} + l2 / 2 * {W}", "the penalty counts half: l2 · {W} was to be added"),
    ("{sum} + {W}", "the penalty's factor l2 is missing"),
    ("{sum} - l2 * {W}", "the penalty is subtracted"),
    ("{sum} + l2 * {W} / N", "the penalty is divided by N"),
    ("({sum} + l2 * {W}) / N", "1/N stands once more, for the penalty too"),
    ("{sum} + l2 * sign({W})", "the penalty is that of the absolute values"),
    ("{sum} + l2 * {W}**2", "the penalty's gradient is squared"),
    ("{sum} + l2 * {W} * N", "the penalty is multiplied by N"),
    ("{sum} + l2 * {W} / norm({W})", "the penalty is the norm, not its square"),
    ("{sum} + 3 * l2 * {W}", "the penalty is added three times, once for each part of the rows"),
    ("{sum} + l2", "l2 is added, without {W}"),
)

UPDATE = (
    ("{W} + eta * d{W}", "the gradient is added: the step goes uphill"),
    ("{W}", "it is not updated"),
    ("{W} - d{W}", "the learning rate is left out"),
    ("{W} - eta**2 * d{W}", "the learning rate is multiplied in twice"),
    ("{W} - eta * d{W} / N", "the step is divided by N once more"),
    ("{W} - 2 * eta * d{W}", "the step is taken twice"),
    ("-eta * d{W}", "it is the step alone, without the parameter"),
    ("(1 - eta) * {W} - eta * d{W}", "the parameter is shrunk by the learning rate"),
    ("{W} - eta * sign(d{W})", "only the sign of the gradient counts"),
    ("{W} - eta * {W}", "the parameter stands for its gradient"),
    ("d{W} - eta * {W}", "parameter and gradient are exchanged"),
    ("{W} * (1 - eta * d{W})", "the gradient is multiplied with the parameter"),
    ("{W} - eta * (d{W} + l2 * {W})", "the penalty's gradient is in the step once more"),
    ("{W} - d{W} / eta", "it is divided by the learning rate"),
    ("{W} - eta * d{W} / norm(d{W})", "the gradient is scaled to length 1"),
    ("{W} - eta * abs(d{W})", "the absolute value of the gradient is taken"),
)
"""Of the update of each parameter, or of all."""


def _relatives(name: str, code: str) -> Mapping[str, str]:
    """The other three lines of an update in which the same mistake is made."""
    mine = name.removeprefix("new ")
    return {other: code.replace(mine, other.removeprefix("new "))
            for other in UPDATED if other != name}  # fmt: skip


CONSISTENT = (
    ("H1", "where(Z1 > 0, Z1, 0.01 * Z1)", "a leaky ReLU of slope 0.01 stands for the ReLU",
     {"dZ1": "dH1 * where(Z1 > 0, 1, 0.01)"}),
    ("H1", "where(Z1 > 0, Z1, 0.1 * Z1)", "a leaky ReLU of slope 0.1 stands for the ReLU",
     {"dZ1": "dH1 * where(Z1 > 0, 1, 0.1)"}),
    ("H1", "where(Z1 > 0, Z1, 0.2 * Z1)", "a leaky ReLU of slope 0.2 stands for the ReLU",
     {"dZ1": "dH1 * where(Z1 > 0, 1, 0.2)"}),
    ("H1", "tanh(Z1)", "tanh stands for the ReLU", {"dZ1": "dH1 * (1 - H1**2)"}),
    ("H1", "sigmoid(Z1)", "the sigmoid stands for the ReLU", {"dZ1": "dH1 * H1 * (1 - H1)"}),
    ("H1", "log1p(exp(Z1))", "softplus stands for the ReLU", {"dZ1": "dH1 * sigmoid(Z1)"}),
    ("H1", "Z1 * sigmoid(Z1)", "SiLU stands for the ReLU",
     {"dZ1": "dH1 * (sigmoid(Z1) + Z1 * sigmoid(Z1) * (1 - sigmoid(Z1)))"}),
    ("H1", "where(Z1 > 0, Z1, exp(minimum(Z1, 0)) - 1)", "ELU stands for the ReLU",
     {"dZ1": "dH1 * where(Z1 > 0, 1, exp(minimum(Z1, 0)))"}),
    ("H1", "gelu(Z1)", "GELU stands for the ReLU", {"dZ1": "dH1 * gelu_slope(Z1)"}),
    ("H1", "Z1", "the ReLU is left out", {"dZ1": "dH1"}),
    ("H1", "abs(Z1)", "the absolute value is taken, not the positive part",
     {"dZ1": "dH1 * sign(Z1)"}),
    ("H1", "minimum(Z1, 0)", "the minimum stands for the maximum: the negative part is kept",
     {"dZ1": "dH1 * (Z1 < 0)"}),
    ("H1", "clip(Z1, 0, 1)", "the ReLU is cut off at 1 as well",
     {"dZ1": "dH1 * (Z1 > 0) * (Z1 < 1)"}),
    ("H1", "clip(Z1, 0, 6)", "the ReLU is cut off at 6 as well",
     {"dZ1": "dH1 * (Z1 > 0) * (Z1 < 6)"}),
    ("H1", "2 * maximum(Z1, 0)", "H1 is doubled", {"dZ1": "2 * dH1 * (Z1 > 0)"}),
    ("H1", "maximum(Z1, 0)**2", "the ReLU is squared", {"dZ1": "2 * dH1 * H1**0.5 * (Z1 > 0)"}),
    ("H1", "maximum(X @ W1, 0)", "the ReLU is taken before b1 is added",
     {"dZ1": "dH1 * (X @ W1 > 0)"}),
    ("H1", "maximum(X @ W1, 0) + b1", "b1 is added behind the ReLU",
     {"dZ1": "dH1 * (X @ W1 > 0)", "db1": "dH1.sum(axis=0)"}),
    ("Z1", "X / 255 @ W1 + b1", "X is divided by 255", {"dW1": "(X / 255).T @ dZ1 + l2 * W1"}),
    ("Z1", "X / norm(X, axis=1, keepdims=True) @ W1 + b1", "the rows of X are scaled to length 1",
     {"dW1": "(X / norm(X, axis=1, keepdims=True)).T @ dZ1 + l2 * W1"}),
    ("Z1", "(X - X.mean(axis=0)) @ W1 + b1", "the columns of X are centred first",
     {"dW1": "(X - X.mean(axis=0)).T @ dZ1 + l2 * W1"}),
    ("Z1", "(X - X.mean(axis=0)) / X.std(axis=0) @ W1 + b1", "the columns of X are standardised",
     {"dW1": "((X - X.mean(axis=0)) / X.std(axis=0)).T @ dZ1 + l2 * W1"}),
    ("Z1", "trunc(X) @ W1 + b1", "X is cut to whole numbers",
     {"dW1": "trunc(X).T @ dZ1 + l2 * W1"}),
    ("Z1", "X @ W1 + 2 * b1", "b1 is added twice", {"db1": "2 * dZ1.sum(axis=0)"}),
    ("Z1", "X @ W1 - b1", "b1 is subtracted", {"db1": "-dZ1.sum(axis=0)"}),
    ("S", "H1 @ W2 + 2 * b2", "b2 is added twice", {"db2": "2 * dS.sum(axis=0)"}),
    ("S", "H1 @ W2 - b2", "b2 is subtracted", {"db2": "-dS.sum(axis=0)"}),
    ("S", "Z1 @ W2 + b2", "Z1 stands for H1: the ReLU is skipped on this way",
     {"dW2": "Z1.T @ dS + l2 * W2", "dZ1": "dH1"}),
    ("S", "(H1 @ W2 + b2) / sqrt(H)", "the logits are divided by √H",
     {"dS": "(P - Y) / N / sqrt(H)"}),
    ("S", "H1 @ W2 / sqrt(H) + b2", "the sum is divided by √H",
     {"dW2": "H1.T @ dS / sqrt(H) + l2 * W2", "dH1": "dS @ W2.T / sqrt(H)"}),
    ("S", "maximum(H1 @ W2 + b2, 0)", "a ReLU is put on the logits too",
     {"dS": "(P - Y) / N * (S > 0)"}),
    ("S", "H1 @ W2.T + b2", "W2 is transposed, which runs only where H = K",
     {"dW2": "dS.T @ H1 + l2 * W2", "dH1": "dS @ W2"}),
    ("P", "softmax(softmax(S))", "the softmax is applied twice",
     {"dS": "softmax(S) * ((P - Y) - ((P - Y) * softmax(S)).sum(axis=1, keepdims=True)) / N"}),
    ("P", "softmax(S, axis=0)", "the softmax runs over the rows of the batch (axis=0)",
     {"dS": "(P * Y.sum(axis=0) - Y) / N"}),
    ("P", "softmax(S / 2)", "the softmax has a temperature of 2", {"dS": "(P - Y) / (2 * N)"}),
    ("P", "softmax(log(2) * S)", "the softmax has base 2: 2**S, not exp(S)",
     {"dS": "(P - Y) / N * log(2)"}),
    ("P", "sigmoid(S)", "the sigmoid stands for the softmax", {"dS": "-Y * (1 - P) / N"}),
    ("L", "-(Y * log(P)).sum() + l2 / 2 * ((W1**2).sum() + (W2**2).sum())",
     "the sum over the rows stands for their mean", {"dS": "P - Y"}),
    ("L", "(Y * log(P)).sum() / N + l2 / 2 * ((W1**2).sum() + (W2**2).sum())",
     "the minus sign is missing", {"dS": "(Y - P) / N"}),
    ("L", "-(Y * log(P)).sum() / (N * K) + l2 / 2 * ((W1**2).sum() + (W2**2).sum())",
     "the mean is taken over all N·K entries", {"dS": "(P - Y) / (N * K)"}),
    ("L", "-(Y * log(P)).sum() / K + l2 / 2 * ((W1**2).sum() + (W2**2).sum())",
     "the sum is divided by K, not by N", {"dS": "(P - Y) / K"}),
    ("L", "-(Y * log(P)).sum() / N / N + l2 / 2 * ((W1**2).sum() + (W2**2).sum())",
     "1/N stands twice", {"dS": "(P - Y) / N / N"}),
    ("L", "-(Y * log2(P)).sum() / N", "the logarithm is to base 2", {"dS": "(P - Y) / N / log(2)"}),
    ("L", "-(Y * log10(P)).sum() / N", "the logarithm is to base 10",
     {"dS": "(P - Y) / N / log(10)"}),
    ("L", "-(Y * P).sum() / N", "the logarithm is missing",
     {"dS": "P * ((Y * P).sum(axis=1, keepdims=True) - Y) / N"}),
    ("L", "((P - Y)**2).sum() / N", "it is the squared error",
     {"dS": "2 * P * (P - Y - ((P - Y) * P).sum(axis=1, keepdims=True)) / N"}),
    ("L", "((P - Y)**2).sum() / (2 * N)", "it is half the squared error",
     {"dS": "P * (P - Y - ((P - Y) * P).sum(axis=1, keepdims=True)) / N"}),
    ("L", "((P - Y)**2).sum() / (N * K)", "it is the mean squared error",
     {"dS": "2 * P * (P - Y - ((P - Y) * P).sum(axis=1, keepdims=True)) / (N * K)"}),
    ("L", "((P - Y)**2).sum() / 2", "it is half the squared error, summed",
     {"dS": "P * (P - Y - ((P - Y) * P).sum(axis=1, keepdims=True))"}),
    ("L", "-((0.9 * Y + 0.1 / K) * log(P)).sum() / N", "the labels are smoothed by 0.1",
     {"dS": "(P - 0.9 * Y - 0.1 / K) / N"}),
    ("L", "-(Y * log(P) * (y > 0).reshape(N, 1)).sum() / (y > 0).sum()",
     "the rows of class 0 are ignored",
     {"dS": "(P - Y) * (y > 0).reshape(N, 1) / (y > 0).sum()"}),
    ("L", "-(Y * log(P) / Y.sum(axis=0)[y].reshape(N, 1)).sum()",
     "each row is divided by the rows of its class",
     {"dS": "(P - Y) / Y.sum(axis=0)[y].reshape(N, 1)"}),
    ("L", "-(Y * log(P) + (1 - Y) * log(1 - P)).sum() / N", "it is the binary cross-entropy",
     {"dS": "P * ((1 - Y) / (1 - P) - Y / P - "
            "(((1 - Y) / (1 - P) - Y / P) * P).sum(axis=1, keepdims=True)) / N"}),
    ("L", "-(Y * log(P)).sum() / N + l2 * ((W1**2).sum() + (W2**2).sum())",
     "the penalty lacks its factor 1/2",
     {"dW2": "H1.T @ dS + 2 * l2 * W2", "dW1": "X.T @ dZ1 + 2 * l2 * W1"}),
    ("L", "-(Y * log(P)).sum() / N + l2 / 2 * (norm(W1) + norm(W2))",
     "the penalty takes the norms, not their squares",
     {"dW2": "H1.T @ dS + l2 / 2 * W2 / norm(W2)", "dW1": "X.T @ dZ1 + l2 / 2 * W1 / norm(W1)"}),
    ("L", "-(Y * log(P)).sum() / N + l2 * (norm(W1) + norm(W2))",
     "the penalty takes the norms, not their squares",
     {"dW2": "H1.T @ dS + l2 * W2 / norm(W2)", "dW1": "X.T @ dZ1 + l2 * W1 / norm(W1)"}),
    ("L", "-(Y * log(P)).sum() / N + l2 * (abs(W1).sum() + abs(W2).sum())",
     "the penalty is that of the absolute values",
     {"dW2": "H1.T @ dS + l2 * sign(W2)", "dW1": "X.T @ dZ1 + l2 * sign(W1)"}),
    ("L", "-(Y * log(P)).sum() / N + l2 / 2 * ((W1**2).sum() + (W2**2).sum() + (b1**2).sum() + "
     "(b2**2).sum())", "the penalty takes in the biases",
     {"db2": "dS.sum(axis=0) + l2 * b2", "db1": "dZ1.sum(axis=0) + l2 * b1"}),
    ("dW2", "(H1.T @ dS + l2 * W2) / N", "1/N stands once more in all four gradients",
     {"db2": "dS.sum(axis=0) / N", "dW1": "(X.T @ dZ1 + l2 * W1) / N",
      "db1": "dZ1.sum(axis=0) / N"}),
)  # fmt: skip
"""Mistakes that go through several lines, such as a wrong function with its own derivative."""

OVERWRITTEN = (
    ("P", "P - Y", "P was overwritten by P - Y before it was returned"),
    ("P", "(P - Y) / N", "P was overwritten by dS before it was returned"),
    ("Z1", "maximum(Z1, 0)", "Z1 was overwritten by H1 before it was returned"),
    ("dH1", "dH1 * (Z1 > 0)", "dH1 was overwritten by dZ1 before it was returned"),
    ("H1", "dH1", "H1 was overwritten by dH1 before it was returned"),
    ("S", "S - S.max(axis=1, keepdims=True)", "S was overwritten by S less its row maximum"),
    ("S", "exp(S - S.max(axis=1, keepdims=True))", "S was overwritten by its exponentials"),
    ("S", "exp(S)", "S was overwritten by its exponentials before it was returned"),
    ("S", "softmax(S)", "S was overwritten by P before it was returned"),
)
"""Values that were right when they were used, and are not what is returned."""


@cache
def dictionary() -> tuple[Mistake, ...]:
    """All mistakes, the usual ones first."""
    return tuple({(m.name, tuple(m.lines.items()), m.returned): m for m in reversed(
        tuple(_mistakes()))}.values())[::-1]  # fmt: skip


def _mistakes() -> Iterator[Mistake]:
    for name, entries in FORWARD.items():
        tail = " + l2 / 2 * ((W1**2).sum() + (W2**2).sum())" if name == "L" else ""
        yield from (_mistake(name, code + tail, says) for code, says in entries)
    for name, entries in BACKWARD.items():
        yield from (_mistake(name, code + _tail(name), says) for code, says in entries)
    for name in UPDATED:
        W = name.removeprefix("new ")
        for code, says in UPDATE:
            line = code.format(W=W)
            if name == UPDATED[0]:
                yield _mistake(name, line, f"{says}, for all parameters", _relatives(name, line))
            yield _mistake(name, line, f"{says} ({W})")
    yield from _of_updates()
    yield from (_mistake(*entry) for entry in CONSISTENT)
    yield from _of_penalties()
    yield from (_mistake("P", code, says) for code, says in CLIPPED)
    for name in ("dS", "dW2", "db2", "dH1", "dZ1", "dW1", "db1"):
        for code, says in (*SCALES, *BOUNDED):
            yield _mistake(name, code.format(LINES[name]), says)
        for code, says in SCALES if _tail(name) else ():
            bare = LINES[name].removesuffix(_tail(name))
            yield _mistake(name, code.format(bare) + _tail(name), says)
    for name, line in LINES.items():
        for code, says in NARROW:
            if name != "L":  # which is not judged that closely
                yield _mistake(name, code.format(line), says)
    for name, code, says in OVERWRITTEN:
        yield Mistake(name, code, says, MappingProxyType({name: code}), returned=True)
    yield from _of_memory()
    yield from _of_constants()


def _tail(name: str) -> str:
    """The penalty's part of a line."""
    return {"dW1": " + l2 * W1", "dW2": " + l2 * W2"}.get(name, "")


def _of_updates() -> Iterator[Mistake]:
    pairs = {"new b1": "b1", "new b2": "b2"}
    for code, says in (
        ("{W}", "the biases are not updated"),
        ("{W} - d{W}", "the learning rate is left out for the biases"),
        ("{W} + eta * d{W}", "the gradient is added to the biases: their step goes uphill"),
    ):
        lines = {name: code.format(W=W) for name, W in pairs.items()}
        yield Mistake("new b1", lines["new b1"], says, MappingProxyType(lines))
    for code, says in (("{W} - c * d{W}", "the first layer has a learning rate of its own"),):
        lines = {f"new {W}": code.format(W=W) for W in ("W1", "b1")}
        yield Mistake("new W1", lines["new W1"], says, MappingProxyType(lines))
    yield _mistake("new b2", "b2 - eta * db1", "it is updated by db1, of the other layer")
    yield _mistake("new b1", "b1 - eta * db2", "it is updated by db2, of the other layer")
    yield _mistake("new b2", "b2 - eta * db1[:K]", "it is updated by the first entries of db1")
    yield _mistake("new b2", "b2 - eta * db1.sum()", "it is updated by db1's sum")
    yield _mistake("new b2", "b2 - eta * db1.mean()", "it is updated by db1's mean")
    total = "sqrt((dW1**2).sum() + (db1**2).sum() + (dW2**2).sum() + (db2**2).sum())"
    for most in ("5", "1", "0.5", "0.1", "0.01"):
        for small in ("", " + 1e-6", " + 1e-12"):
            line = f"W1 - eta * dW1 * minimum(1, {most} / ({total}{small}))"
            lines = {name: line.replace("W1 - eta * dW1", LINES[name]) for name in UPDATED}
            yield Mistake("new W1", line, f"the gradients are clipped to a norm of {most}",
                          MappingProxyType(lines))  # fmt: skip
    shrunk = "W1 - eta * dW1 - c * W1"
    yield _mistake("new W1", shrunk, "the parameters are shrunk as well: weight decay",
                   _relatives("new W1", shrunk))  # fmt: skip
    yield _mistake("new W1", shrunk, "the weights are shrunk as well: weight decay",
                   {"new W2": shrunk.replace("W1", "W2")})  # fmt: skip
    velocity = "W1 - eta * dW1 + c * (last.new_W1 - before.W1)"
    yield _mistake("new W1", velocity, "the step of the call before is in it: momentum",
                   _relatives("new W1", velocity))  # fmt: skip
    adam = "W1 - eta * dW1 / (abs(dW1) + 1e-8)"
    yield _mistake("new W1", adam, "it is Adam's step", _relatives("new W1", adam))


def _of_penalties() -> Iterator[Mistake]:
    for name, W, bare in (("dW2", "W2", "H1.T @ dS"), ("dW1", "W1", "X.T @ dZ1")):
        for code, says in PENALTY:
            yield _mistake(name, code.format(sum=bare, W=W), says.format(W=W))
    data = "-(Y * log(P)).sum() / N"
    squares = "((W1**2).sum() + (W2**2).sum())"
    for tail, says in (
        ("", "the penalty is left out"),
        (f" + l2 * {squares}", "the penalty lacks its factor 1/2"),
        (f" + l2 / (2 * N) * {squares}", "the penalty is divided by N"),
        (f" + l2 / N * {squares}", "the penalty is divided by N, and lacks its factor 1/2"),
        (f" - l2 / 2 * {squares}", "the penalty is subtracted"),
        (f" + 1 / 2 * {squares}", "the penalty's factor l2 is missing"),
        (f" + {squares}", "the penalty's factor l2 / 2 is missing"),
        (" + l2 / 2 * (W1**2).sum()", "the penalty takes W1 alone"),
        (" + l2 / 2 * (W2**2).sum()", "the penalty takes W2 alone"),
        (f" + l2 / 2 * ({squares} + (b1**2).sum() + (b2**2).sum())",
         "the penalty takes in the biases"),
        (" + l2 / 2 * (norm(W1) + norm(W2))", "the penalty takes the norms, not their squares"),
        (" + l2 * (norm(W1) + norm(W2))", "the penalty takes the norms, not their squares"),
        (" + l2 * (abs(W1).sum() + abs(W2).sum())", "the penalty is that of the absolute values"),
    ):  # fmt: skip
        yield _mistake("L", data + tail, says)
        yield _mistake("L", f"-(Y * log(P)).sum(){tail}",
                       f"the sum over the rows stands for their mean, and {says}")  # fmt: skip


def _of_memory() -> Iterator[Mistake]:
    """What is kept from call to call."""
    for names, says in (
        (("dW2", "db2", "dW1", "db1"), "as are all gradients"),
        (("dW2", "dW1"), "as is dW1"),
        (("db2", "db1"), "as is db1"),
    ):
        lines = {name: f"{LINES[name]} + last.{name}" for name in names}
        yield Mistake(names[0], lines[names[0]],
                      f"it is added to what earlier calls left there, {says}",
                      MappingProxyType(lines))  # fmt: skip
    for name in ("dW2", "db2", "dW1", "db1"):
        yield _mistake(name, f"{LINES[name]} + last.{name}",
                       "it is added to what earlier calls left there")  # fmt: skip
        yield _mistake(name, f"last.{name}", "it is that of the call before")
        yield _mistake(name, f"{LINES[name]} + c * last.{name}",
                       "a share of what the call before gave is added")  # fmt: skip
    for name in ("Z1", "H1", "S", "P", "dS", "dH1", "dZ1"):
        yield _mistake(name, f"before.{name}", "it is that of the call before")


def _of_constants() -> Iterator[Mistake]:
    """With a number that the equations do not have."""
    for name in ("dS", "dW2", "db2", "dH1", "dZ1", "dW1", "db1"):
        yield _mistake(name, f"c * ({LINES[name]})", "it has a factor that does not belong there")
    for name, W, bare in (("dW2", "W2", "H1.T @ dS"), ("dW1", "W1", "X.T @ dZ1")):
        yield _mistake(name, f"{bare} + c * {W}", "a penalty is added that was not asked for")
    yield _mistake("db2", "dS.sum(axis=0) + c * b2", "the bias is shrunk as well")
    yield _mistake("db1", "dZ1.sum(axis=0) + c * b1", "the bias is shrunk as well")
    yield _mistake("dS", "c * (P - Y) / N + (1 - c) * P / N",
                   "the one-hot rows are not 1 at their class")  # fmt: skip
    yield _mistake("L", "c * (Y * log(P)).sum()", "it has a factor that does not belong there")
    for name in UPDATED:
        W = name.removeprefix("new ")
        yield _mistake(name, f"{W} - c * d{W}", f"the step of {W} has another size")


CONVENTIONS = (
    ("1/N comes later: dS, dH1 and dZ1 are N times larger, and the gradients are divided",
     {"dS": "P - Y", "dW2": "H1.T @ dS / N + l2 * W2", "db2": "dS.sum(axis=0) / N",
      "dW1": "X.T @ dZ1 / N + l2 * W1", "db1": "dZ1.sum(axis=0) / N"}),
    ("the penalty is λ‖W‖², without the half, in the loss and in the gradients alike",
     {"L": "-(Y * log(P)).sum() / N + l2 * ((W1**2).sum() + (W2**2).sum())",
      "dW2": "H1.T @ dS + 2 * l2 * W2", "dW1": "X.T @ dZ1 + 2 * l2 * W1"}),
    ("the penalty is λ/(2N) ‖W‖², in the loss and in the gradients alike",
     {"L": "-(Y * log(P)).sum() / N + l2 / (2 * N) * ((W1**2).sum() + (W2**2).sum())",
      "dW2": "H1.T @ dS + l2 / N * W2", "dW1": "X.T @ dZ1 + l2 / N * W1"}),
)  # fmt: skip
"""Other ways to be right."""
