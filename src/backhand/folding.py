"""`fold`: one two-layer net from several, exactly."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from backhand import validation
from backhand.constraints import Number, check
from backhand.equations import Parameters
from backhand.errors import InputError
from backhand.support.array_namespace import array_namespace


def fold(members: Iterable[Any], temperature: float = 1.0) -> Parameters:
    """Make one network whose logits are the mean of the members' logits, divided by T.

    The mean of k two-layer networks is a two-layer network: their hidden units side by side. With
    the members' H₁, …, H_k and W2⁽¹⁾, …, W2⁽ᵏ⁾::

        W1 = [W1⁽¹⁾ … W1⁽ᵏ⁾]            (d, ΣH)    so that H1 = [H₁ … H_k]
        b1 = [b1⁽¹⁾ … b1⁽ᵏ⁾]            (ΣH,)
        W2 = [W2⁽¹⁾; …; W2⁽ᵏ⁾] / (k T)  (ΣH, K)
        b2 = (b2⁽¹⁾ + … + b2⁽ᵏ⁾) / (k T)

        S = H1 W2 + b2 = 1/(k T) Σⱼ (Hⱼ W2⁽ʲ⁾ + b2⁽ʲ⁾) = 1/(k T) Σⱼ S⁽ʲ⁾

    So the result is saved, exported and explained like any other network. The equality is exact but
    for rounding. (A mean of probabilities is not a two-layer network.)

    Parameters
    ----------
    members : sequence of Parameters, TrainResult or Model
        One or more, with the same number of features and of classes and one dtype; the numbers of
        hidden units may differ. Models must have the same classes and read the same columns.
    temperature : float, default=1.0
        T, above 0: the logits are divided by it. Above 1, probabilities are less extreme; which
        class is the most probable never changes.

    Returns
    -------
    params : Parameters
        New arrays, in the members' dtype and of their library.

    Raises
    ------
    InputError
        If there are no members, if they do not fit together or are not finite, or if T is not a
        finite number above 0 by which the parameters can be divided.

    See Also
    --------
    backhand.train : Trains a member.

    Examples
    --------
    >>> import backhand, numpy as np
    >>> members = [backhand.init(d=4, H=8 + seed, K=3, seed=seed) for seed in range(3)]
    >>> net = backhand.fold(members, temperature=1.5)
    >>> net
    Parameters (float32): W1 (4, 27), b1 (27,), W2 (27, 3), b2 (3,)
    >>> X = np.random.default_rng(0).standard_normal((5, 4))
    >>> mean = sum(backhand.forward(member, X).S for member in members) / 3
    >>> bool(np.allclose(backhand.forward(net, X).S, mean / 1.5, atol=1e-6))
    True
    """
    nets = _checked(members)
    check("temperature", temperature, Number(0, above=True))
    xp = array_namespace(nets[0].W1)
    share = float(temperature) * len(nets)
    W1, b1, W2, b2 = zip(*nets, strict=True)
    with np.errstate(all="ignore"):
        folded = Parameters(
            xp.concat(W1, axis=1),
            xp.concat(b1, axis=0),
            xp.concat(W2, axis=0) / share,
            xp.sum(xp.stack(b2), axis=0) / share,
        )
    if not _is_finite(folded):
        raise InputError(
            f"temperature is {temperature!r}: the parameters divided by it are not finite in "
            f"{folded.W2.dtype}; expected a larger one."
        )
    return folded


def _is_finite(params: Parameters) -> bool:
    xp = array_namespace(params.W1)
    return all(bool(xp.all(xp.isfinite(value))) for value in params)


def _checked(members: Any) -> list[Parameters]:
    """The parameters of the members, which fit together."""
    if isinstance(members, Parameters) or not isinstance(members, Iterable):
        raise InputError(
            f"members is a {type(members).__name__}; expected a sequence of Parameters, "
            "TrainResults or Models, such as [first, second]."
        )
    found = list(members)
    if not found:
        raise InputError("members is empty; expected one or more networks to fold.")
    nets = [_parameters_of(number, member) for number, member in enumerate(found)]
    validation.check_one_library(
        **{f"W1 of members[{number}]": net.W1 for number, net in enumerate(nets)}
    )
    for number, net in enumerate(nets):
        _check_alike(number, net, nets[0])
    for what, expected in (("classes", "the same, in one order"), ("schema", "one schema")):
        values = [getattr(member, what) for member in found if hasattr(member, what)]
        if any(value != values[0] for value in values):
            raise InputError(f"the members' {what} differ; expected {expected}.")
    return nets


def _parameters_of(number: int, member: Any) -> Parameters:
    params = getattr(member, "params", member)
    if not isinstance(params, tuple):
        raise InputError(
            f"members[{number}] is a {type(member).__name__}; expected Parameters, a TrainResult "
            "or a Model."
        )
    try:
        validation.check_parameters(params)
    except InputError as error:
        raise InputError(f"members[{number}]: {error}") from error
    if not _is_finite(found := Parameters(*params)):
        raise InputError(
            f"members[{number}] has parameters that are not finite; expected finite numbers."
        )
    return found


def _check_alike(number: int, net: Parameters, first: Parameters) -> None:
    """Check that a member has the features, the classes and the dtype of the first."""
    for what, got, expected in (
        ("features", net.W1.shape[0], first.W1.shape[0]),
        ("classes", net.b2.shape[0], first.b2.shape[0]),
    ):
        if got != expected:
            raise InputError(
                f"members[{number}] has {got:,} {what} and members[0] has {expected:,}; expected "
                "the same number in all."
            )
    if net.W1.dtype != first.W1.dtype:
        raise InputError(
            f"members[{number}] is {net.W1.dtype} and members[0] is {first.W1.dtype}; expected one "
            "dtype."
        )
