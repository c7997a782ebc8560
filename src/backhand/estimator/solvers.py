"""The two ways to train a classifier: epoch by epoch (sgd, adam), and by L-BFGS."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from backhand.engines import Data, Engine, Objective, OptimizerState, make_engine
from backhand.equations import Parameters
from backhand.errors import BackhandWarning
from backhand.estimator.initialisation import Memory, states_to_go_on
from backhand.estimator.parameters import checkpoint_of, rule_of, schedule_of
from backhand.estimator.reporting import Tasks, print_end, printer, warn
from backhand.training import Callback, Checkpoint, EarlyStopping, History, TrainResult, carry_out
from backhand.training.checkpoints.manager import Keeper, described, digest
from backhand.training.early_stopping import DivergenceError, Watch
from backhand.training.lbfgs import Minimum, minimise
from backhand.training.plan import Plan, batches_of
from backhand.training.samplers import ShuffledOrder
from backhand.training.schedules import Schedule

UNSETTLING = ("verbose", "threads", "random_state", "warm_start", "class_weight")
"""Parameters that change no number, or whose effect is told by its own numbers."""


def train_by_epochs(
    estimator: Any,
    data: Data,
    validation: Data | None,
    random_state: np.random.RandomState,
    tasks: Tasks | None,
    *,
    epochs: int,
    incremental: bool,
) -> tuple[Memory, History]:
    """Train on from where the estimator stands: where that ends, and what was measured on the way.

    Where an earlier call gave back what was best on validation rows, and this one validates too,
    training goes on from where it ended: the best stays until something is better. Otherwise it
    goes on from the estimator's weights.

    Parameters
    ----------
    estimator : MLPClassifier
        With weights to start from, and what an earlier fit left in `_optimizer`.
    data, validation : Data
        Rows to learn from, and rows to score after each epoch, if any.
    random_state : RandomState
        Of the orders and of dropout; it is left where the last epoch left it.
    tasks : Tasks, optional
        Who is told of each epoch.
    epochs : int
        At most.
    incremental : bool
        Whether this is `partial_fit`, which warns of nothing and leaves Ctrl-C to its caller.

    Raises
    ------
    DivergenceError
        If the loss stops being finite.
    """
    memory: Memory | None = estimator._optimizer
    rule = rule_of(estimator)
    given_back, last = states_to_go_on(estimator.parameters_, rule, memory)
    stopping = stopping_rule(estimator, validated=validation is not None)
    watch = Watch(stopping) if memory is None else memory.watch.going_on(stopping)
    engine = _engine(estimator)
    start, best = given_back, None
    if validation is not None and watch.best is not None:
        watch.judge_again(*engine.evaluate(given_back.params, validation))  # by other rows, perhaps
        start, best = last, given_back
    plan = _plan(estimator, data, random_state, epochs, memory)
    run = engine.start(start, data, rule, plan.objective)
    callbacks: Sequence[Callback] = [] if tasks is None else tasks.callbacks()
    if estimator.verbose:
        callbacks = [printer(estimator), *callbacks]
    checkpoint = None if incremental else checkpoint_of(estimator)
    kept = _kept(checkpoint, engine, estimator, start.params, plan, data, validation, random_state)
    with kept as keeper:
        result = carry_out(run, data, plan, start=start, validation=validation, watch=watch,
                           callbacks=callbacks, keeper=keeper,
                           keep_interrupted=not incremental)  # fmt: skip
    if estimator.verbose:
        print_end(estimator, result)
    if not incremental:
        _warn(estimator, result)
    schedule = result.schedule
    return Memory(
        rule, result.best or best or result.last, result.last, watch, schedule,
        schedule.of_epoch(len(result.history)), plan.objective.dropout_seed,
    ), result.history  # fmt: skip


def _kept(
    checkpoint: Checkpoint | None, engine: Engine, estimator: Any, params: Parameters, plan: Plan,
    data: Data, validation: Data | None, random_state: Any,
) -> AbstractContextManager[Keeper | None]:  # fmt: skip
    """The keeper of the checkpoint, if there is one."""
    if checkpoint is None:
        return nullcontext()
    told = estimator.get_params()
    settings = {name: repr(told[name]) for name in told if name not in UNSETTLING}
    key, position = random_state.get_state()[1:3]
    settings["random_state"] = digest(key, np.array([position]))
    settings["starting parameters"] = digest(*params)
    settings["dropout_seed"] = str(plan.objective.dropout_seed)
    return checkpoint.opened(engine, settings, described(params, data, validation))


def _engine(estimator: Any) -> Engine:
    return make_engine(estimator.engine, estimator.device, estimator.threads)


def _plan(
    estimator: Any, data: Data, random_state: Any, epochs: int, memory: Memory | None
) -> Plan:
    wanted = estimator.batch_size
    if wanted == "auto":
        wanted = 200
    elif wanted > data.rows:
        warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped: "
            f"batch_size is {wanted} and there are {data.rows} rows, so a batch is all of them.",
            BackhandWarning,
        )
    size, updates = batches_of(data.rows, wanted)
    dtype = data.X.dtype
    return Plan(
        schedule=Schedule(
            name=schedule_of(estimator), peak=float(estimator.learning_rate_init), epochs=epochs,
            updates=updates, rows=data.rows, power_t=estimator.power_t, seen=estimator.t_,
            cuts=_cuts(estimator, memory),
        ),
        batch_size=size,
        order=ShuffledOrder(data.rows, random_state) if estimator.shuffle else None,
        weights=data.sample_weight,
        objective=Objective(
            alpha=float(estimator.alpha), dropout=float(estimator.dropout),
            dropout_seed=_dropout_seed(estimator, random_state, memory),
            # scikit-learn's loss is that of P cut off at eps; its gradient, like ours, is not.
            loss_cap=-float(np.log(np.finfo(dtype).eps)),
            first_class_fixed=len(estimator.classes_) == 2,
        ),
    )  # fmt: skip


def _dropout_seed(estimator: Any, random_state: Any, memory: Memory | None) -> int:
    """Drawn when an optimizer begins: its updates go on counting, and each has masks of its own."""
    if not estimator.dropout:
        return 0
    if memory is not None and memory.dropout_seed and memory.rule.name == rule_of(estimator).name:
        return memory.dropout_seed
    return int(random_state.randint(2**31 - 1))


def stopping_rule(estimator: Any, *, validated: bool) -> EarlyStopping:
    """scikit-learn's rule: it stops after more than so many epochs in vain."""
    return EarlyStopping(
        estimator.n_iter_no_change + 1,
        float(estimator.tol),
        "validation_accuracy" if estimator.early_stopping else "loss",
        best="validation_accuracy" if validated else None,
        or_equal=True,
    )


def _cuts(estimator: Any, memory: Memory | None) -> tuple[int, ...]:
    """What "adaptive" has cut so far, of the same learning rate."""
    if memory is None or schedule_of(estimator) != "adaptive":
        return ()
    same = memory.schedule.peak == estimator.learning_rate_init
    return (0,) * (len(memory.schedule.cuts) if same else 0)


def _warn(estimator: Any, result: TrainResult) -> None:
    """Where training ended before it had learned what it could."""
    if result.ended == "interrupt":
        warn("Training interrupted by user.", BackhandWarning)
    if result.ended == "done":
        warn(
            f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter}) reached and the "
            "optimization hasn't converged yet. Raise max_iter or tol, or scale the columns of X.",
            ConvergenceWarning,
        )


def train_by_lbfgs(estimator: Any, data: Data, tasks: Tasks) -> tuple[Minimum, list[float]]:
    """Train from the estimator's weights on, all rows at once: where that ends, and each loss.

    Raises
    ------
    DivergenceError
        If that is where numbers are not finite.
    """
    params = estimator.parameters_
    losses: list[float] = []
    if tasks.wanted:
        tasks.begin()

    def after_each(theta: Parameters, loss: float) -> None:
        losses.append(loss)
        if estimator.verbose:
            print(f"Iteration {len(losses)}, loss = {loss:.8f}")
        if tasks.wanted:
            if tasks.end(lambda: theta):
                raise StopIteration
            tasks.begin()

    total = data.rows if data.sample_weight is None else float(data.sample_weight.sum())
    session = _engine(estimator).start(
        OptimizerState.initial(params, None), data, None,
        Objective(first_class_fixed=len(estimator.classes_) == 2),
    )  # fmt: skip
    minimum = minimise(
        session, params, l2=float(estimator.alpha) / total, iterations=estimator.max_iter,
        evaluations=estimator.max_fun, gtol=float(estimator.tol), after_each=after_each,
    )  # fmt: skip
    if not all(np.isfinite(value).all() for value in minimum.params):
        raise DivergenceError(
            "L-BFGS made parameters that are not finite. Scale the columns of X to about -3..3, "
            "and sample_weight to about 1.",
            minimum.iterations, params, History(),
        )  # fmt: skip
    if minimum.result.status in (1, 2):  # a limit was reached, or no step down was found
        warn(
            f"lbfgs failed to converge after {minimum.iterations} iteration(s) "
            f"(status={minimum.result.status}):\n{minimum.result.message}\n"
            "Raise max_iter, max_fun or tol, or scale the columns of X.",
            ConvergenceWarning,
        )
    return minimum, losses
