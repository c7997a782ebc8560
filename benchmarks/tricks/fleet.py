"""Train many members at once: batched products over the members, each with its own fold and stop.

One member is the two-layer MLP of `backhand.equations` with Adam, a penalty, and early stopping on
its own validation rows. A step of all members is one CUDA graph, so that launches cost nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache, cached_property

import numpy as np
import torch
from torch import Tensor

from .adam import BETA_1, Bounds, Rates, update
from .recipes import Recipe

MOST_NUMBERS = 200_000_000
"""Hidden activations that are in memory at once when rows are only measured."""

GRAPHS = True
"""Whether a step is a CUDA graph where there are steps enough."""

TEMPERATURES = np.geomspace(0.5, 8, 25)


@dataclass(frozen=True)
class Unit:
    """What members share: training and validation rows of a fold, as row numbers of X."""

    train: np.ndarray
    validation: np.ndarray
    seed: int
    d: int
    """Number of features: further columns of X are 0."""


@dataclass(frozen=True)
class Member:
    """One network: its recipe, λ and unit."""

    recipe: Recipe
    penalty: float
    unit: int
    joint: int
    """Members with equal numbers stop together if the recipe says so."""
    epochs: int = 0
    """How many epochs it is trained, if it is not stopped early."""


@dataclass
class Trained:
    """Best parameters (M, P) of the members, the epoch of each, and the cost."""

    theta: Tensor
    best_epoch: np.ndarray
    epochs: np.ndarray
    updates: np.ndarray
    losses: np.ndarray


class Sizes:
    """Layout of a member's parameters: W1, b1, W2, b2 and factors one after the other."""

    def __init__(self, d: int, H: int, K: int, scale: bool) -> None:
        self.d, self.H, self.K, self.scale = d, H, K, scale
        W1, b1, W2, b2 = d * H, d * H + H, d * H + H + H * K, d * H + H + H * K + K
        self.bounds = Bounds(W1, b1, W2, b2, b2 + (d if scale else 0))
        self.P = -(-self.bounds.scale // 4) * 4

    def parts(self, theta: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Views: W1 with b1 as its last row (M, d+1, H), W2 (M, H, K), b2 (M, 1, K), factors."""
        at, M = self.bounds, theta.shape[0]
        return (
            theta[:, : at.b1].view(M, self.d + 1, self.H),
            theta[:, at.b1 : at.W2].view(M, self.H, self.K),
            theta[:, at.W2 : at.b2].view(M, 1, self.K),
            theta[:, at.b2 : at.b2 + self.d].view(M, self.d, 1) if self.scale else theta[:, :0],
        )

    def weights(self, theta: Tensor) -> Tensor:
        """W1 with the features' factors in it (M, d+1, H)."""
        W1, _, _, s = self.parts(theta)
        return torch.cat([s * W1[:, :-1], W1[:, -1:]], 1) if self.scale else W1

    def logits(self, theta: Tensor, X: Tensor) -> Tensor:
        """S (M, n, K) of rows (M, n, d+1), or of the same rows (n, d+1) for all members."""
        _, W2, b2, _ = self.parts(theta)
        if X.dim() == 2:
            X = X.expand(theta.shape[0], *X.shape)
        return torch.baddbmm(b2, torch.bmm(X, self.weights(theta)).relu_(), W2)


def initial(sizes: Sizes, units: list[Unit], members: list[Member], X: np.ndarray, y: np.ndarray,
            ) -> np.ndarray:  # fmt: skip
    """Initial parameters (M, P) as `backhand.init` draws them: equal for members of one unit."""
    K, at = sizes.K, sizes.bounds
    theta = np.zeros((len(members), sizes.P))
    known: dict[tuple[int, int], tuple[np.ndarray, ...]] = {}
    for row, member in zip(theta, members, strict=True):
        key = member.unit, member.recipe.hidden
        if key not in known:
            known[key] = draw_parameters(units[member.unit], key[1], K, X, y)
        W1, W2, b1, b2 = known[key]
        d, H = W1.shape
        row[: at.W1].reshape(sizes.d, sizes.H)[:d, :H] = W1
        row[at.b1 : at.W2].reshape(sizes.H, K)[:H] = W2
        if member.recipe.data_bias:
            row[at.W1 : at.W1 + H] = b1
        if member.recipe.class_bias:
            row[at.W2 : at.b2] = b2
        row[at.b2 : at.scale] = 1
    return theta


def draw_parameters(unit: Unit, H: int, K: int, X: np.ndarray, y: np.ndarray
                    ) -> tuple[np.ndarray, ...]:  # fmt: skip
    """W1 (d, H), W2 (H, K), and the data-driven b1 (H,) and b2 (K,)."""
    rng = np.random.default_rng(unit.seed)
    W1 = rng.standard_normal((unit.d, H)) * np.sqrt(2 / unit.d)
    W2 = rng.standard_normal((H, K)) * np.sqrt(1 / H)
    shares = rng.exponential(size=(H, 5))
    rows = X[rng.choice(unit.train, (H, 5)), : unit.d]
    kinks = np.einsum("hi,hid->hd", shares / shares.sum(1, keepdims=True), rows)
    classes = np.log((np.bincount(y[unit.train], minlength=K) + 1) / len(unit.train))
    return W1, W2, -np.einsum("hd,dh->h", kinks, W1), classes


def rates_of(recipe: Recipe, epochs: int, steps: int) -> np.ndarray:
    """η of each update of a training that is not stopped."""
    total = epochs * steps
    t = np.arange(total, dtype=float)
    rise = round(recipe.warmup * total)
    share = np.clip((t - rise) / max(1, total - rise), 0, 1)
    shape = {
        "cosine": lambda: 0.5 * (1 + np.cos(np.pi * share)),
        "constant": lambda: np.ones(total),
        "linear": lambda: 1 - share,
        "coslog": lambda: 0.5 * (1 - np.cos(2 * np.pi * np.log2(1 + 15 * (t + 1) / total))),
    }[recipe.schedule]()
    rise_rate = (t + 1) / (rise + 1)
    return recipe.learning_rate * np.where(t < rise, rise_rate, shape)


Orders = Callable[[int], Tensor]
"""The order of the rows of each unit (U, L) in an epoch; rows beyond a unit's own are any."""


@dataclass
class Active:
    """What changes from step to step, for the members that are still trained."""

    theta: Tensor
    m: Tensor
    v: Tensor
    mean: Tensor
    """Average of the weights; without averaging, no columns."""

    def of(self, chosen: Tensor) -> Active:
        return Active(*(getattr(self, f.name)[chosen].contiguous() for f in fields(self)))

    def copy(self) -> Active:
        return Active(*(getattr(self, f.name).clone() for f in fields(self)))

    def restore(self, other: Active) -> None:
        for f in fields(self):
            getattr(self, f.name).copy_(getattr(other, f.name))


class Fleet:
    """A group of members that are trained together."""

    def __init__(
        self, X: np.ndarray, y: np.ndarray, K: int, units: list[Unit], members: list[Member],
        device: str = "cpu", dtype: torch.dtype = torch.float32, orders: Orders | None = None,
    ) -> None:  # fmt: skip
        self.device, self.dtype, self.members, self.units = device, dtype, members, units
        recipes = [member.recipe for member in members]
        self.batch = recipes[0].batch
        self.drops = any(recipe.dropout for recipe in recipes)
        self.averages = any(recipe.average for recipe in recipes)
        scales = any(recipe.scale for recipe in recipes)
        d, H = X.shape[1], max(recipe.hidden for recipe in recipes)
        self.sizes = Sizes(d, H, K, scales)
        self.XY = self.tensor(np.concatenate([X, np.ones((len(X), 1)), np.eye(K)[y]], 1))
        self.X = self.XY[:, : d + 1]
        self.y = torch.as_tensor(y, dtype=torch.long, device=device)
        self.start = initial(self.sizes, units, members, X, y)
        self.longest = max(len(unit.train) for unit in units)
        self.steps = -(-self.longest // self.batch)
        self.orders = orders or self._random_orders()
        self._make_tables()

    def tensor(self, values: object, dtype: torch.dtype | None = None) -> Tensor:
        return torch.as_tensor(np.asarray(values), dtype=dtype or self.dtype, device=self.device)

    def _make_tables(self) -> None:
        members, units, B = self.members, self.units, self.batch
        recipes = [member.recipe for member in members]
        weights = np.zeros((len(units), self.steps, B))
        for row, unit in zip(weights, units, strict=True):
            n = len(unit.train)
            for s in range(-(-n // B)):
                size = min(B, n - s * B)
                row[s, :size] = 1 / size
        self.weights = self.tensor(weights)
        self.epochs = np.array([
            member.epochs or member.recipe.epochs_for(len(units[member.unit].train))
            for member in members
        ])  # fmt: skip
        self.unit = torch.as_tensor([member.unit for member in members], device=self.device)
        self.smoothing = self.tensor([recipe.smoothing for recipe in recipes])
        self.dropout = self.tensor([recipe.dropout for recipe in recipes])
        self.own_steps = np.array([
            -(-len(units[member.unit].train) // self.batch) for member in members])  # fmt: skip
        self.learns_scale = self.tensor([recipe.scale for recipe in recipes])
        self.decays = self.tensor([
            math.exp(-1 / (recipe.average * self.steps)) if recipe.average else 0
            for recipe in recipes])  # fmt: skip
        kinds = np.array([recipe.penalty for recipe in recipes])
        penalties = np.array([member.penalty for member in members])
        self.rates = Rates(
            self.tensor([recipe.beta_2 for recipe in recipes]),
            self.tensor(penalties * (kinds != "decoupled")),
            self.tensor(penalties * (kinds == "both")),
            self.tensor(penalties * (kinds == "decoupled")),
        )

    def _random_orders(self) -> Orders:
        rows = np.zeros((len(self.units), self.longest), np.int64)
        for row, unit in zip(rows, self.units, strict=True):
            row[: len(unit.train)] = unit.train
        lengths = torch.as_tensor([len(unit.train) for unit in self.units], device=self.device)
        beyond = torch.arange(self.longest, device=self.device)[None] >= lengths[:, None]
        train = torch.as_tensor(rows, device=self.device)
        generator = torch.Generator(self.device).manual_seed(self.units[0].seed)

        def draw(_: int) -> Tensor:
            keys = torch.rand(rows.shape, generator=generator, device=self.device)
            return train.gather(1, (keys + 2 * beyond).argsort(1))

        return draw

    @cached_property
    def eta(self) -> Tensor:
        """η (updates, M) of each step of each member, 0 where it has none."""
        kind = np.float32 if self.dtype == torch.float32 else np.float64
        table = np.zeros((len(self.members), int(self.epochs.max()) * self.steps), kind)
        known: dict[tuple[int, int, str], np.ndarray] = {}
        for row, member, epochs, steps in zip(
            table, self.members, self.epochs, self.own_steps, strict=True
        ):
            most = member.recipe.epochs_for(len(self.units[member.unit].train))
            key = (most, int(steps), member.recipe.name)
            if key not in known:
                known[key] = rates_of(member.recipe, most, int(steps)).reshape(-1, steps)
            row.reshape(-1, self.steps)[:epochs, :steps] = known[key][:epochs]
        return self.tensor(table).T.contiguous()

    @cached_property
    def step(self) -> Tensor:
        """ηₜ (updates, M): η with Adam's correction of the beginning."""
        eta = self.eta.double()
        count = (eta > 0).double().cumsum(0).clamp(min=1)
        correction = (1 - self.rates.beta_2.double() ** count).sqrt() / (1 - BETA_1**count)
        return (eta * correction).to(self.dtype)

    def train(self) -> Trained:
        """Train every member until it stops, and return the best parameters of each."""
        M = len(self.members)
        theta = self.tensor(self.start)
        zero = torch.zeros_like(theta)
        averaged = zero if self.averages else zero[:, :0]
        state = Active(theta, zero, zero.clone(), averaged.clone())
        best, stop = theta.clone(), Stopping(self)
        everyone = torch.arange(M, device=self.device)
        stepper = Stepper(self, everyone, state)
        for epoch in range(int(self.epochs.max())):
            stepper.run_epoch(epoch)
            improved, going = stop.measure(epoch, stepper)
            best[stepper.chosen[improved]] = stepper.evaluated(epoch)[improved]
            left = int(going.sum())
            if left == 0:
                break
            if left <= 0.55 * len(going) or (left < len(going) and self.device == "cpu"):
                kept = going.nonzero()[:, 0]
                stepper = Stepper(self, stepper.chosen[kept], stepper.state.of(kept))
            stepper.going = going[going] if len(stepper.chosen) == left else going
        return stop.result(best)


@cache
def side_stream() -> torch.cuda.Stream:
    """The stream on which graphs are made: one, since each has a workspace of its own."""
    return torch.cuda.Stream()


class Stepper:
    """The steps of the members `chosen`, on CUDA as a graph."""

    def __init__(self, fleet: Fleet, chosen: Tensor, state: Active) -> None:
        self.fleet, self.chosen, self.state = fleet, chosen, state
        self.going = torch.ones(len(chosen), dtype=torch.bool, device=fleet.device)
        self.unit = fleet.unit[chosen]
        self.rates = fleet.rates.of(chosen)
        self.eta, self.steps = fleet.eta[:, chosen], fleet.step[:, chosen]
        self.weights = fleet.weights[self.unit].transpose(0, 1).contiguous()
        self.own_steps = fleet.tensor(fleet.own_steps)[chosen][:, None]
        self.learns_scale = fleet.learns_scale[chosen][:, None, None]
        self.uniform = fleet.tensor(1 / fleet.sizes.K)
        self.smoothing = fleet.smoothing[chosen][:, None, None]
        self.dropout = fleet.dropout[chosen][:, None, None]
        self.decay = fleet.decays[chosen][:, None]
        self.gradient = torch.zeros_like(state.theta)
        U, S, B = fleet.weights.shape
        self.order = torch.zeros((U, S * B), dtype=torch.long, device=fleet.device)
        self.batches = self.order.view(U, S, B)
        self.s = torch.zeros(1, dtype=torch.long, device=fleet.device)
        self.t = torch.zeros(1, dtype=torch.long, device=fleet.device)
        self.graph: torch.cuda.CUDAGraph | None = None

    def run_epoch(self, epoch: int) -> None:
        order = self.fleet.orders(epoch)
        self.order[:, : order.shape[1]] = order
        self.s.zero_()
        self.t.fill_(epoch * self.fleet.steps)
        if self.graph is None and self.worth_a_graph(epoch):
            self._capture(epoch)
        step = self.step if self.graph is None else self.graph.replay
        for _ in range(self.fleet.steps):
            step()

    def worth_a_graph(self, epoch: int) -> bool:
        """Whether there are enough steps to come that making a graph of one saves time."""
        steps = (int(self.fleet.epochs.max()) - epoch) * self.fleet.steps
        return GRAPHS and self.fleet.device == "cuda" and steps >= 300

    def _capture(self, epoch: int) -> None:
        """Make the graph of a step, after one step on the side that is taken back."""
        before = self.state.copy()
        side = side_stream()
        side.wait_stream(torch.cuda.current_stream())
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.stream(side):
            self.step()
            side.synchronize()
            graph.capture_begin()
            self.step()
            graph.capture_end()
        torch.cuda.current_stream().wait_stream(side)
        self.graph = graph
        self.state.restore(before)
        self.s.zero_()
        self.t.fill_(epoch * self.fleet.steps)

    def step(self) -> None:
        fleet, state = self.fleet, self.state
        rows = self.batches.index_select(1, self.s)[:, 0][self.unit]
        self.backward(fleet.XY[rows], self.weights.index_select(0, self.s)[0])
        eta, step = self.eta.index_select(0, self.t)[0], self.steps.index_select(0, self.t)[0]
        update(state.theta, self.gradient, state.m, state.v, step, eta, self.rates,
               fleet.sizes.bounds)  # fmt: skip
        if fleet.averages:
            state.mean.lerp_(state.theta, (1 - self.decay) * (step > 0)[:, None])
        self.s += 1
        self.t += 1

    def backward(self, XY: Tensor, weights: Tensor) -> None:
        """Write the gradient of the mean loss, without the penalty."""
        sizes = self.fleet.sizes
        X, Y = XY[:, :, : sizes.d + 1], XY[:, :, sizes.d + 1 :]
        W1, W2, b2, s = sizes.parts(self.state.theta)
        dW1, dW2, db2, ds = sizes.parts(self.gradient)
        H1 = torch.bmm(X, sizes.weights(self.state.theta)).relu_()
        if self.fleet.drops:
            mask = (torch.rand_like(H1) >= self.dropout) / (1 - self.dropout)
            H1 *= mask
        dS = torch.baddbmm(b2, H1, W2).softmax(2)
        dS -= torch.lerp(Y, self.uniform, self.smoothing)
        dS *= weights[:, :, None]
        torch.bmm(H1.transpose(1, 2), dS, out=dW2)
        torch.sum(dS, 1, keepdim=True, out=db2)
        dZ1 = torch.ops.aten.threshold_backward(torch.bmm(dS, W2.transpose(1, 2)), H1, 0)
        if self.fleet.drops:
            dZ1 *= mask
        torch.bmm(X.transpose(1, 2), dZ1, out=dW1)
        if sizes.scale:
            ds.copy_((W1[:, :-1] * dW1[:, :-1]).sum(2, keepdim=True) * self.learns_scale)
            dW1[:, :-1] *= s

    def evaluated(self, epoch: int) -> Tensor:
        """The parameters that are measured and returned, after an epoch from 0."""
        if not self.fleet.averages:
            return self.state.theta
        return self.state.mean / (1 - self.decay ** (self.own_steps * (epoch + 1)))


class Stopping:
    """Early stopping of each member, and what it cost."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet, M, device = fleet, len(fleet.members), fleet.device
        longest = max(len(unit.validation) for unit in fleet.units)
        rows = np.zeros((len(fleet.units), longest), np.int64)
        weights = np.zeros((len(fleet.units), longest))
        for i, unit in enumerate(fleet.units):
            rows[i, : len(unit.validation)] = unit.validation
            weights[i, : len(unit.validation)] = 1 / len(unit.validation)
        self.rows, self.weights = torch.as_tensor(rows, device=device), fleet.tensor(weights)
        recipes = [member.recipe for member in fleet.members]
        monitor = np.array([recipe.monitor for recipe in recipes])
        self.scaled = torch.as_tensor(monitor == "scaled", device=device)
        self.any_scaled, self.any_joint = "scaled" in monitor, "joint" in monitor
        self.is_joint = torch.as_tensor(monitor == "joint", device=device)
        self.joint = torch.as_tensor([member.joint for member in fleet.members], device=device)
        self.patience = torch.as_tensor([recipe.patience for recipe in recipes], device=device)
        self.last = torch.as_tensor(fleet.epochs, device=device)
        self.fixed = torch.as_tensor([member.epochs > 0 for member in fleet.members], device=device)
        self.lowest = torch.full((M,), torch.inf, dtype=fleet.dtype, device=device)
        self.bad = torch.zeros(M, dtype=torch.long, device=device)
        self.best_epoch = torch.zeros(M, dtype=torch.long, device=device)
        self.ended = torch.zeros(M, dtype=torch.long, device=device)
        self.history: list[Tensor] = []

    def measure(self, epoch: int, stepper: Stepper) -> tuple[Tensor, Tensor]:
        """Return which of the stepper's members improved, and which are not done."""
        chosen = stepper.chosen
        loss = self._losses(stepper.evaluated(epoch), chosen)
        if self.any_joint:
            loss = self._joined(loss, chosen)
        at_end, fixed = epoch + 1 >= self.last[chosen], self.fixed[chosen]
        improved = torch.where(fixed, at_end, loss < self.lowest[chosen]) & stepper.going
        self.lowest[chosen] = torch.where(improved, loss, self.lowest[chosen])
        self.best_epoch[chosen] = torch.where(improved, epoch + 1, self.best_epoch[chosen])
        self.bad[chosen] = torch.where(improved, 0, self.bad[chosen] + 1)
        self.ended[chosen] = torch.where(stepper.going, epoch + 1, self.ended[chosen])
        done = (self.bad[chosen] >= self.patience[chosen]) & ~fixed | at_end
        return improved, stepper.going & ~done

    def _losses(self, theta: Tensor, chosen: Tensor) -> Tensor:
        sizes, unit = self.fleet.sizes, self.fleet.unit[chosen]
        size = max(1, MOST_NUMBERS // (self.rows.shape[1] * (sizes.H + sizes.d)))
        losses = []
        for part in range(0, len(chosen), size):
            at = slice(part, part + size)
            rows = self.rows[unit[at]]
            S = sizes.logits(theta[at], self.fleet.X[rows])
            y, weights = self.fleet.y[rows], self.weights[unit[at]]
            loss = mean_loss(S, y, weights)
            if self.any_scaled:
                each = [mean_loss(S / T, y, weights) for T in TEMPERATURES]
                scaled = torch.stack(each).amin(0)
                loss = torch.where(self.scaled[chosen[at]], scaled, loss)
            losses.append(loss)
        return torch.cat(losses)

    def _joined(self, loss: Tensor, chosen: Tensor) -> Tensor:
        """Replace the loss of members that stop together by their mean."""
        at = self.joint[chosen]
        size = int(self.joint.max()) + 1
        sums = torch.zeros(size, dtype=loss.dtype, device=loss.device).index_add_(0, at, loss)
        count = torch.zeros_like(sums).index_add_(0, at, torch.ones_like(loss))
        return torch.where(self.is_joint[chosen], (sums / count)[at], loss)

    def result(self, best: Tensor) -> Trained:
        ended = self.ended.cpu().numpy()
        return Trained(best, self.best_epoch.cpu().numpy(), ended,
                       ended * self.fleet.own_steps, self.lowest.cpu().numpy())  # fmt: skip


def mean_loss(S: Tensor, y: Tensor, weights: Tensor) -> Tensor:
    """Mean log loss (M,) of logits (M, n, K)."""
    return -(S.log_softmax(2).gather(2, y[:, :, None])[:, :, 0] * weights).sum(1)
