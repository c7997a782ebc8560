"""`train`: its arguments are checked and become a plan, which is carried out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from backhand.engines import Data, Engine, Objective, OptimizerState, is_sparse, make_engine
from backhand.equations import Parameters
from backhand.errors import InputError
from backhand.optimizers import Optimizer, make_optimizer
from backhand.training.callbacks import Callback
from backhand.training.checkpoints.manager import Checkpoint, described, digest
from backhand.training.data import (
    check_callbacks,
    check_early_stopping,
    check_number,
    check_settings,
    check_validation,
    host_parameters,
    make_data,
)
from backhand.training.early_stopping import EarlyStopping, Watch
from backhand.training.loop import TrainResult, carry_out
from backhand.training.plan import Plan, batches_of
from backhand.training.samplers import SeededOrder
from backhand.training.schedules import Schedule
from backhand.training.starting import check_memory, going_on


def train(
    params: Parameters,
    X: Any,
    y: Any,
    *,
    learning_rate: float = 0.1,
    epochs: int = 100,
    batch_size: int | None = None,
    optimizer: str | Optimizer = "sgd",
    schedule: str = "constant",
    warmup: float = 0.0,
    power_t: float = 0.5,
    l2: float = 0.0,
    alpha: float = 0.0,
    dropout: float = 0.0,
    sample_weight: Any = None,
    validation: tuple[Any, ...] | None = None,
    validation_every: int = 1,
    early_stopping: EarlyStopping | None = None,
    callbacks: Sequence[Callback] = (),
    engine: str | Engine = "auto",
    device: str | None = None,
    threads: int | None = None,
    seed: int = 0,
    shuffle: bool = True,
    state: OptimizerState | None = None,
    checkpoint: Checkpoint | None = None,
) -> TrainResult:
    """Train from `params`, which stay as they are.

    The same arguments give the same bits on one machine, with the fused engine for any number of
    threads (with the others for the same number: their libraries may add up in another order for
    another).

    Parameters
    ----------
    params : Parameters
        Where to start, float32 or float64; everything is computed in their dtype.
    X : (N, d)
        Rows, of any real dtype, NumPy or torch; memory-mapped is fine.
    y : (N,) class indices 0..K-1, or (N, K) one-hot
    learning_rate : float
        η, or its peak where a schedule moves it.
    epochs : int
        Passes over the rows.
    batch_size : int, optional
        Rows an update. None: all of them, in order. The last batch of an epoch may be short; its
        mean is taken over its own rows.
    optimizer : {"sgd", "momentum", "nesterov", "adam"} or one of `backhand.optimizers`
    schedule : {"constant", "cosine", "invscaling", "adaptive"}
        What η does after the warm-up: stay; fall to 0 along half a cosine; fall as
        η / (t + 1)^power_t, t being the rows seen in whole epochs; or be divided by 5 each time the
        patience of `early_stopping` runs out, until it is 1e-6 or less.
    warmup : float
        Share of all updates, 0..1, over which η rises to its peak.
    l2 : float
        λ: adds λ/2 (‖W1‖² + ‖W2‖²) to the loss.
    alpha : float
        scikit-learn's way to say it: adds alpha / Σw to λ, Σw being the batch's rows or weights.
    dropout : float
        p, 0 or more and below 1: the share of hidden units that each row does without in each
        update; the others count 1 / (1 - p) times. Loss and accuracy in the history are measured
        so too; validation and the trained network use all units.
    sample_weight : (N,), optional
        Weights of the rows: means become weighted means.
    validation : (X, y) or (X, y, sample_weight), optional
        Rows to measure on every `validation_every` epochs; they change nothing, except through
        `early_stopping`.
    early_stopping : EarlyStopping, optional
    callbacks : sequence of callables
        Each is called with a `Progress` after each epoch (but see `Every`); one that raises
        `StopTraining` ends training.
    engine : {"auto", "fused", "reference", "torch"} or an engine
    device, threads
        As for `backhand.engines.make_engine`.
    seed : int
        Of the shuffles and of dropout.
    shuffle : bool
        Whether mini-batches are drawn anew each epoch; False takes the rows as they stand. Rows
        that take more than 64 MiB are shuffled within windows of that size, made of blocks of
        neighbours that are drawn from all over (`training.orders`).
    state : OptimizerState, optional
        The optimizer's memory to go on with: the `last` or `best` of an earlier result, whose
        parameters are passed as `params`.
    checkpoint : Checkpoint, optional
        Where to write down where training stands, and whether to go on from there.

    Raises
    ------
    InputError
        If an argument is not what it should be.
    DivergenceError
        If the loss stops being finite; it holds the epoch and the last good parameters.
    Interrupted
        With a checkpoint: if SIGINT, SIGTERM or SIGHUP ended training after the block in hand,
        which is saved. It is a KeyboardInterrupt.
    OutputError
        If a checkpoint cannot be written.
    """
    theta = host_parameters(params)
    data = make_data(theta, X, y, sample_weight)
    check_settings(epochs=epochs, batch_size=batch_size, learning_rate=learning_rate,
                   schedule=schedule, warmup=warmup, power_t=power_t, l2=l2, alpha=alpha,
                   dropout=dropout, seed=seed)  # fmt: skip
    check_number("validation_every", validation_every, 1)
    check_early_stopping(early_stopping, schedule, validation)
    check_callbacks(callbacks)
    rule = make_optimizer(optimizer)
    if isinstance(engine, str):
        engine = make_engine(engine, device, threads)
    elif device is not None or threads is not None:
        raise InputError("device and threads are the engine's own; give them to `make_engine`.")
    held_out = None
    if validation is not None:
        check_validation(validation)
        held_out = make_data(theta, *validation)
    size, updates = batches_of(data.rows, batch_size)
    order = None
    if batch_size is not None:
        order = SeededOrder(data.rows, seed, _row_bytes(data), size, shuffle=shuffle)
        if not shuffle and order.parts == 1:
            order = None  # which engines know as the rows as they stand
    plan = Plan(
        schedule=Schedule(name=schedule, peak=learning_rate, epochs=epochs, updates=updates,
                          rows=data.rows, warmup=warmup, power_t=power_t),
        batch_size=size, order=order,
        weights=data.sample_weight,
        objective=Objective(l2=l2, alpha=alpha, dropout=dropout, dropout_seed=seed),
    )  # fmt: skip
    watch = None if early_stopping is None else Watch(early_stopping)
    begin = OptimizerState.initial(theta, rule)
    if state is not None:
        begin = going_on(theta, rule, state)
        check_memory(begin)
    run = engine.start(begin, data, rule, plan.objective)
    with nullcontext() if checkpoint is None else checkpoint.opened(
        engine,
        {"optimizer": repr(rule), "learning_rate": learning_rate,
         "epochs": epochs, "batch_size": batch_size, "schedule": schedule, "warmup": warmup,
         "power_t": power_t, "l2": l2, "alpha": alpha, "dropout": dropout, "seed": seed,
         "shuffle": shuffle, "validation_every": validation_every,
         "early_stopping": repr(early_stopping), "features": theta.W1.shape[0],
         "hidden units": theta.W1.shape[1], "classes": theta.W2.shape[1],
         "starting parameters": digest(*theta),
         "starting memory": digest(*(value for slot in run.state().slots for value in slot))},
        described(theta, data, held_out),
    ) as keeper:  # fmt: skip
        return carry_out(run, data, plan, validation=held_out, validation_every=validation_every,
                         watch=watch, callbacks=callbacks, keeper=keeper)  # fmt: skip


def _row_bytes(data: Data) -> int:
    """What a row of X takes, on average if it is sparse."""
    X = data.X
    if is_sparse(X):
        return 1 + int((X.data.itemsize + X.indices.itemsize) * X.indptr[-1] // data.rows)
    return int(X.shape[1] * X.itemsize)
