"""The update rules θ ← θ + f(dθ), one equation per line, as plain array code like the equations.

Each rule is a small frozen record of its constants with `slots` (how many arrays of θ's shapes it
remembers) and `update`. An engine that compiles its own updates reads `constants` and `rate`.
η is the learning rate of this update, t its number, counted from 1.

Examples
--------
>>> import backhand
>>> import numpy as np
>>> rule = backhand.optimizers.Adam(beta_2=0.95)
>>> X, y = np.eye(3), np.arange(3)
>>> result = backhand.train(backhand.init(3, 8, 3), X, y, learning_rate=0.01, optimizer=rule)
>>> result.config.optimizer
Adam(beta_1=0.9, beta_2=0.95, epsilon=1e-08)
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Protocol

from backhand.equations import Gradients, Parameters, sgd
from backhand.errors import InputError, did_you_mean
from backhand.support.array_namespace import array_namespace

Slots = tuple[Parameters, ...]
"""What an optimizer remembers, each in the shape of the parameters."""


class Optimizer(Protocol):
    """An update rule: `slots` arrays of memory, all zero at the start, and how it moves θ.

    The rules are those of this module: the engines compile them.

    Attributes
    ----------
    name : str
        "sgd", "momentum", "nesterov" or "adam".
    slots : int
        How many arrays of the shapes of θ it remembers.

    Examples
    --------
    >>> from backhand import optimizers
    >>> rules: list[optimizers.Optimizer] = [optimizers.SGD(), optimizers.Adam()]
    >>> [(rule.name, rule.slots) for rule in rules]
    [('sgd', 0), ('adam', 2)]
    """

    name: ClassVar[str]
    slots: ClassVar[int]

    def constants(self) -> tuple[float, ...]:
        """The rule's constants: none, μ, or β₁, β₂ and ε."""
        ...

    def rate(self, learning_rate: Any, t: Any) -> Any:
        """ηₜ: what update t multiplies with, or each of several; η but for Adam's correction."""
        ...

    def update(
        self, params: Parameters, grads: Gradients, slots: Slots, learning_rate: float, t: int
    ) -> tuple[Parameters, Slots]:
        """Compute new parameters and new memory; what is passed in stays as it is.

        Parameters
        ----------
        params : Parameters
            θ.
        grads : Gradients
            dθ.
        slots : tuple of Parameters
            The rule's memory, `slots` of the shapes of θ; zeros before the first update.
        learning_rate : float
            η of this update.
        t : int
            Its number, from 1.

        Returns
        -------
        params : Parameters
            The new θ.
        slots : tuple of Parameters
            The new memory.

        Examples
        --------
        A training loop of one's own:

        >>> import backhand
        >>> import numpy as np
        >>> params, X, y = backhand.init(d=3, H=8, K=3), np.eye(3), np.arange(3)
        >>> rule = backhand.optimizers.Adam()
        >>> slots = (backhand.Parameters(*map(np.zeros_like, params)),) * rule.slots
        >>> for t in range(1, 101):
        ...     grads = backhand.backward(params, X, y, backhand.forward(params, X))
        ...     params, slots = rule.update(params, grads, slots, learning_rate=0.05, t=t)
        >>> float(backhand.accuracy(backhand.forward(params, X).S, y))
        1.0
        """
        ...


@dataclass(frozen=True)
class _Rule:
    """What the rules have in common."""

    def constants(self) -> tuple[float, ...]:
        return tuple(float(getattr(self, field.name)) for field in fields(self))

    def rate(self, learning_rate: Any, t: Any) -> Any:
        return learning_rate


@dataclass(frozen=True)
class SGD(_Rule):
    """Gradient descent: θ ← θ - η dθ.

    Attributes
    ----------
    name : str
        "sgd".
    slots : int
        0: it remembers nothing.

    Examples
    --------
    >>> import backhand
    >>> import numpy as np
    >>> rule = backhand.optimizers.SGD()
    >>> params, X, y = backhand.init(d=4, H=8, K=2), np.ones((3, 4)), np.array([0, 1, 1])
    >>> grads = backhand.backward(params, X, y, backhand.forward(params, X))
    >>> new, memory = rule.update(params, grads, (), learning_rate=0.5, t=1)
    >>> bool(np.allclose(new.b2, params.b2 - 0.5 * grads.db2)), memory
    (True, ())
    """

    name: ClassVar[str] = "sgd"
    slots: ClassVar[int] = 0

    def update(
        self, params: Parameters, grads: Gradients, slots: Slots, learning_rate: float, t: int
    ) -> tuple[Parameters, Slots]:
        return sgd(params, grads, learning_rate), ()


@dataclass(frozen=True)
class Momentum(_Rule):
    """Momentum: v ← μ v - η dθ; θ ← θ + v.

    Polyak (1964), in scikit-learn's form.

    Parameters
    ----------
    momentum : float, default=0.9
        μ, from 0 to below 1.

    Attributes
    ----------
    name : str
        "momentum".
    slots : int
        1: v.

    Examples
    --------
    >>> import backhand
    >>> import numpy as np
    >>> result = backhand.train(
    ...     backhand.init(3, 8, 3), np.eye(3), np.arange(3), learning_rate=0.05,
    ...     optimizer=backhand.optimizers.Momentum(0.8))
    >>> len(result.last.slots), result.last.slots[0].W1.shape
    (1, (3, 8))
    """

    momentum: float = 0.9
    name: ClassVar[str] = "momentum"
    slots: ClassVar[int] = 1

    def update(
        self, params: Parameters, grads: Gradients, slots: Slots, learning_rate: float, t: int
    ) -> tuple[Parameters, Slots]:
        mu, eta = self.momentum, learning_rate
        v = [mu * v - eta * g for v, g in zip(slots[0], of_parameters(grads), strict=True)]
        theta = [theta + v for theta, v in zip(params, v, strict=True)]
        return Parameters(*theta), (Parameters(*v),)


@dataclass(frozen=True)
class Nesterov(_Rule):
    """Nesterov's momentum: v ← μ v - η dθ; θ ← θ + μ v - η dθ.

    Sutskever et al. (2013), in scikit-learn's form.

    Parameters
    ----------
    momentum : float, default=0.9
        μ, from 0 to below 1.

    Attributes
    ----------
    name : str
        "nesterov".
    slots : int
        1: v.

    Examples
    --------
    >>> import backhand
    >>> import numpy as np
    >>> losses = {}
    >>> for rule in (backhand.optimizers.SGD(), backhand.optimizers.Nesterov(0.95)):
    ...     result = backhand.train(
    ...         backhand.init(3, 8, 3), np.eye(3), np.arange(3), epochs=30, optimizer=rule)
    ...     losses[rule.name] = result.history.loss[-1]
    >>> bool(losses["nesterov"] < losses["sgd"])
    True
    """

    momentum: float = 0.9
    name: ClassVar[str] = "nesterov"
    slots: ClassVar[int] = 1

    def update(
        self, params: Parameters, grads: Gradients, slots: Slots, learning_rate: float, t: int
    ) -> tuple[Parameters, Slots]:
        mu, eta, dtheta = self.momentum, learning_rate, of_parameters(grads)
        v = [mu * v - eta * g for v, g in zip(slots[0], dtheta, strict=True)]
        theta = [theta + (mu * v - eta * g) for theta, v, g in zip(params, v, dtheta, strict=True)]
        return Parameters(*theta), (Parameters(*v),)


@dataclass(frozen=True)
class Adam(_Rule):
    """Adam: m ← β₁m + (1-β₁)dθ; v ← β₂v + (1-β₂)dθ²; θ ← θ - ηₜ m / (√v + ε).

    With ηₜ = η √(1-β₂ᵗ) / (1-β₁ᵗ): the efficient form at the end of section 2 of Kingma and Ba
    (2015), which scikit-learn uses too.

    Parameters
    ----------
    beta_1, beta_2 : float, default=0.9, 0.999
        β₁ and β₂, from 0 to below 1.
    epsilon : float, default=1e-8
        ε, above 0.

    Attributes
    ----------
    name : str
        "adam".
    slots : int
        2: m and v.

    Examples
    --------
    >>> import backhand
    >>> import numpy as np
    >>> rule = backhand.optimizers.Adam(beta_2=0.95)
    >>> result = backhand.train(
    ...     backhand.init(3, 8, 3), np.eye(3), np.arange(3), learning_rate=0.01, optimizer=rule)
    >>> result.config.values()["optimizer.beta_2"]
    0.95
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    name: ClassVar[str] = "adam"
    slots: ClassVar[int] = 2

    def rate(self, learning_rate: Any, t: Any) -> Any:
        return learning_rate * (1 - self.beta_2**t) ** 0.5 / (1 - self.beta_1**t)

    def update(
        self, params: Parameters, grads: Gradients, slots: Slots, learning_rate: float, t: int
    ) -> tuple[Parameters, Slots]:
        b1, b2, dtheta = self.beta_1, self.beta_2, of_parameters(grads)
        xp = array_namespace(params.W1)
        m = [b1 * m + (1 - b1) * g for m, g in zip(slots[0], dtheta, strict=True)]
        v = [b2 * v + (1 - b2) * (g * g) for v, g in zip(slots[1], dtheta, strict=True)]
        eta = self.rate(learning_rate, t)
        theta = [
            theta - eta * m / (xp.sqrt(v) + self.epsilon)
            for theta, m, v in zip(params, m, v, strict=True)
        ]
        return Parameters(*theta), (Parameters(*m), Parameters(*v))


__all__ = ["SGD", "Adam", "Momentum", "Nesterov", "Optimizer"]

OPTIMIZERS: dict[str, type[Any]] = {rule.name: rule for rule in (SGD, Momentum, Nesterov, Adam)}


def make_optimizer(optimizer: str | Optimizer) -> Optimizer:
    """The rule of that name with its usual constants; one of the four rules stays what it is.

    The four are all there are: engines compile them.
    """
    known = isinstance(optimizer, str) and optimizer in OPTIMIZERS
    rule: Any = OPTIMIZERS[str(optimizer)]() if known else optimizer
    if type(rule) not in OPTIMIZERS.values():
        raise InputError(f"optimizer is {optimizer!r}. {did_you_mean(str(optimizer), OPTIMIZERS)}")
    for constant in fields(rule):
        _check_constant(rule.name, constant.name, getattr(rule, constant.name))
    checked: Optimizer = rule
    return checked


def _check_constant(rule: str, name: str, value: Any) -> None:
    """ε is above 0; the others are shares, 0 or more and below 1."""
    try:
        ok = value > 0 if name == "epsilon" else 0 <= value < 1
    except TypeError:
        ok = False
    if not ok:
        expected = "above 0" if name == "epsilon" else "of 0 or more and below 1"
        raise InputError(f"{name} of {rule} is {value!r}; expected a number {expected}.")


def of_parameters(grads: Gradients) -> Parameters:
    """dθ: the four gradients of the parameters, in the order of the parameters."""
    return Parameters(grads.dW1, grads.db1, grads.dW2, grads.db2)


def as_gradients(dtheta: Parameters) -> Gradients:
    """The gradients that an update needs, of dθ; the three of the activations are None."""
    dW1, db1, dW2, db2 = dtheta
    unknown: Any = None
    return Gradients(unknown, dW2, db2, unknown, unknown, dW1, db1)
