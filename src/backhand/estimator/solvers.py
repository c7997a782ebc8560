"""The two ways to train a classifier: epoch by epoch (sgd, adam), and by L-BFGS."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from backhand.engines import Data, Engine, make_engine
from backhand.equations import Parameters
from backhand.errors import BackhandWarning
from backhand.estimator.reporting import Tasks, printer
from backhand.estimator.settings import checkpoint_of, rule_of, schedule_of
from backhand.estimator.starting import Memory, state_to_go_on, watch_to_go_on
from backhand.optimizers import SGD
from backhand.training import Callback, Checkpoint, EarlyStopping, History, TrainResult, carry_out
from backhand.training.checkpoints import Keeper, described, digest
from backhand.training.lbfgs import Minimum, minimise
from backhand.training.orders import ShuffledOrder
from backhand.training.plan import Plan, batches_of
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
    """Train from the estimator's weights on: where that ends, and what was measured on the way.

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
        Whether this is `partial_fit`, which goes on from where training ended, warns of nothing and
        leaves Ctrl-C to its caller.

    Raises
    ------
    DivergenceError
        If the loss stops being finite.
    """
    memory: Memory | None = estimator._optimizer
    rule = rule_of(estimator)
    given_back, start = (
        state_to_go_on(estimator.parameters_, rule, memory, incremental=last)
        for last in (False, incremental)
    )
    watch = watch_to_go_on(stopping(estimator, validated=validation is not None), memory)
    engine = _engine(estimator)
    if validation is not None and watch.best is not None:  # by other rows, perhaps
        watch.judge_again(*engine.evaluate(given_back.params, validation))
    plan = _plan(estimator, data, random_state, epochs, memory)
    run = engine.start(start.params, data, rule)
    run.restore(start)
    callbacks: Sequence[Callback] = [] if tasks is None else tasks.callbacks()
    if estimator.verbose:
        callbacks = [printer(), *callbacks]
    checkpoint = None if incremental else checkpoint_of(estimator)
    with _kept(checkpoint, estimator, start.params, data, validation, random_state) as keeper:
        result = carry_out(run, data, plan, start=start, validation=validation, watch=watch,
                           callbacks=callbacks, keeper=keeper,
                           keep_interrupted=not incremental)  # fmt: skip
    if not incremental:
        _tell(estimator, result)
    if watch.rule.gives_back is None or memory is None:
        given_back = result.best or result.last
    elif result.best is not None:
        given_back = result.best
    schedule, E = result.schedule, len(result.history)
    return Memory(
        rule, given_back, result.last, watch, schedule, schedule.of_epoch(E)
    ), result.history


def _kept(
    checkpoint: Checkpoint | None, estimator: Any, params: Parameters, data: Data,
    validation: Data | None, random_state: Any,
) -> AbstractContextManager[Keeper | None]:  # fmt: skip
    """The keeper of the checkpoint, if there is one."""
    if checkpoint is None:
        return nullcontext()
    told = estimator.get_params()
    settings = {name: repr(told[name]) for name in told if name not in UNSETTLING}
    key, position = random_state.get_state()[1:3]
    settings["random_state"] = digest(key, np.array([position]))
    settings["starting parameters"] = digest(*params)
    return checkpoint.opened(settings, described(params, data, validation))


def _engine(estimator: Any) -> Engine:
    return make_engine(estimator.engine, estimator.device, estimator.threads)


def _plan(
    estimator: Any, data: Data, random_state: Any, epochs: int, memory: Memory | None
) -> Plan:
    wanted = estimator.batch_size
    if wanted == "auto":
        wanted = 200
    elif wanted > data.rows:
        warnings.warn(
            f"batch_size is {wanted} and there are {data.rows} rows: a batch is all of them.",
            BackhandWarning, stacklevel=6,
        )  # fmt: skip
    size, updates = batches_of(data.rows, wanted)
    dtype = data.X.dtype
    dropout_seed = int(random_state.randint(2**31 - 1)) if estimator.dropout else 0
    return Plan(
        schedule=Schedule(
            name=schedule_of(estimator), peak=float(estimator.learning_rate_init), epochs=epochs,
            updates=updates, rows=data.rows, power_t=estimator.power_t, seen=estimator.t_,
            cuts=_cuts(estimator, memory),
        ),
        batch_size=size,
        order=ShuffledOrder(data.rows, random_state) if estimator.shuffle else None,
        alpha=float(estimator.alpha), weights=data.sample_weight,
        dropout=float(estimator.dropout), dropout_seed=dropout_seed,
        # scikit-learn's loss is that of P cut off at eps; its gradient, like ours, is not.
        most_loss=-float(np.log(np.finfo(dtype).eps)),
        first_class_held=len(estimator.classes_) == 2,
    )  # fmt: skip


def stopping(estimator: Any, *, validated: bool) -> EarlyStopping:
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


def _tell(estimator: Any, result: TrainResult) -> None:
    """Say why training ended, where that is not as it should be."""
    if result.ended == "interrupt":
        warnings.warn("Training interrupted by user.", BackhandWarning, stacklevel=6)
    if result.ended == "done":
        warnings.warn(
            f"Maximum iterations ({estimator.max_iter}) reached and the optimization hasn't "
            "converged yet. Raise max_iter or tol, or scale the columns of X.",
            ConvergenceWarning, stacklevel=6,
        )  # fmt: skip
    if estimator.verbose and result.ended in ("patience", "perfect"):
        what = "Validation score" if estimator.early_stopping else "Training loss"
        print("The validation score is 1. Stopping." if result.ended == "perfect" else
              f"{what} did not improve more than tol={estimator.tol:f} for "
              f"{estimator.n_iter_no_change} consecutive epochs. Stopping.")  # fmt: skip


def train_by_lbfgs(estimator: Any, data: Data, tasks: Tasks) -> tuple[Minimum, list[float]]:
    """Train from the estimator's weights on, all rows at once: where that ends, and each loss."""
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
    minimum = minimise(
        _engine(estimator).start(params, data, SGD()), params, l2=float(estimator.alpha) / total,
        iterations=estimator.max_iter, evaluations=estimator.max_fun, gtol=float(estimator.tol),
        first_class_held=len(estimator.classes_) == 2, after_each=after_each,
    )  # fmt: skip
    if minimum.result.status in (1, 2):  # a limit was reached, or no step down was found
        warnings.warn(
            f"L-BFGS ended after {minimum.iterations} iterations without having converged "
            f"({minimum.result.message}). Raise max_iter, max_fun or tol, or scale the columns "
            "of X.",
            ConvergenceWarning, stacklevel=5,
        )  # fmt: skip
    return minimum, losses
