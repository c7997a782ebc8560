"""`train`: its arguments are checked and become a config and rows; `train_data` trains on these."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, fields
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

from backhand.choices import EngineName, PrecisionName
from backhand.engines import Engine, Objective, OptimizerState, Rows, engine_of
from backhand.equations import Parameters
from backhand.errors import InputError
from backhand.support.signatures import check_call
from backhand.training.callbacks import Callback, check_callbacks, period
from backhand.training.checkpoints.checkpoint import Checkpoint, check_checkpoint
from backhand.training.checkpoints.consistency import Consistency
from backhand.training.checkpoints.fingerprints import data_fingerprint, settings_of
from backhand.training.config import TrainConfig, with_settings
from backhand.training.data import check_validation, host_parameters, make_data
from backhand.training.loop import drive
from backhand.training.plan import make_sampler
from backhand.training.prepared import Training, check_monitored
from backhand.training.result import TrainResult
from backhand.training.samplers import Sampler
from backhand.training.state import Keep, TrainState, check_second_moments

P = ParamSpec("P")
A = TypeVar("A")
R = TypeVar("R")


def taking(
    arguments: Callable[P, A],
) -> Callable[[Callable[[A], R]], Callable[P, R]]:
    """Give a function of one record the record's own signature.

    So the arguments are declared once, in the record: type checkers find a misspelt one, `help`
    shows all with their defaults, and `PLACEHOLDER` in the docstring becomes their descriptions.
    """

    def decorate(function: Callable[[A], R]) -> Callable[P, R]:
        signature = inspect.signature(arguments)

        @wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> R:
            check_call(function.__name__, signature, args, kwargs)
            return function(arguments(*args, **kwargs))

        returns = inspect.signature(function).return_annotation
        called.__signature__ = signature.replace(return_annotation=returns)  # type: ignore[attr-defined]
        if isinstance(arguments, type):
            called.__doc__ = with_settings(function.__doc__, arguments)
        return called

    return decorate


@dataclass(frozen=True)
class TrainArguments(TrainConfig):
    """All arguments of `train`: a config, rows, and what training works with.

    The settings are checked where `config` makes a `TrainConfig` of them.
    """

    params: Parameters
    X: Any
    y: Any
    _: KW_ONLY
    sample_weight: Any = None
    validation: tuple[Any, ...] | None = None
    callbacks: Sequence[Callback] = ()
    engine: EngineName | Engine = "auto"
    device: str | None = None
    threads: int | None = None
    precision: PrecisionName = "auto"
    state: OptimizerState | None = None
    checkpoint: Checkpoint | None = None

    def __post_init__(self) -> None:
        """Nothing: see `config`."""

    @property
    def config(self) -> TrainConfig:
        """The settings alone, checked."""
        return TrainConfig(**{f.name: getattr(self, f.name) for f in fields(TrainConfig)})


@taking(TrainArguments)
def train(arguments: TrainArguments) -> TrainResult:
    """Train from `params`, without changing them.

    The same arguments give bit-identical results on one machine: with the fused engine for any
    number of threads, with the others for the same number of threads.

    Parameters
    ----------
    params : Parameters
        Initial parameters, float32 or float64; everything is computed in their dtype.
    X : array_like of shape (N, d)
        Rows of real numbers: an array of NumPy or torch, which may be memory-mapped, nested lists,
        or a data frame of numbers.
    y : array_like of shape (N,) or (N, K)
        Class indices 0..K-1, or one-hot rows.
    ... : all settings, which `help` describes one by one
    sample_weight : array_like of shape (N,), optional
        Weights of the rows: means become weighted means.
    validation : (X, y) or (X, y, sample_weight), optional
        Validation rows, measured every `validation_every` epochs; they change nothing, except
        through `early_stopping`.
    callbacks : sequence of callable, default=()
        Each is called with a `Progress` after each epoch (but see `Every`); one that raises
        `StopTraining` ends training.
    engine : {"auto", "fused", "reference", "torch"} or Engine, default="auto"
        The engine that runs training.
    device : str, optional
        Where the torch engine computes: "cpu", "cuda", "cuda:1".
    threads : int, optional
        Maximum number of threads; None: as many as the process may use.
    precision : {"auto", "bf16"}, default="auto"
        What the products of training are computed from: numbers of the parameters' dtype, or
        numbers rounded to bfloat16, with float32 sums, parameters and updates: faster where the
        processor has units for it, and slower where it has not, which warns. It needs float32
        parameters and dense rows; see https://backhand-mlp.github.io/backhand/precision.html.
    state : OptimizerState, optional
        The optimizer state to continue with: the `last` or `best` of an earlier result, whose
        parameters are passed as `params`, trained in either precision. Schedule, early stopping and
        shuffling start again.
    checkpoint : Checkpoint, optional
        Where to save the state of training, and whether to resume from there.

    Returns
    -------
    TrainResult
        The trained parameters, the history, and where training ended.

    Raises
    ------
    InputError
        If an argument is invalid; the message says what was expected.
    DivergenceError
        If the loss stops being finite; it contains the epoch and the last good parameters.
    Interrupted
        With a checkpoint: if SIGINT, SIGTERM or SIGHUP ended training after the current block,
        which is saved. It is a KeyboardInterrupt.
    OutputError
        If a checkpoint cannot be written.

    See Also
    --------
    init : Draws initial parameters.
    train_many : Trains many networks on one X.
    MLPClassifier : An estimator for scikit-learn over the same training.
    fit : Trains on a table.

    Examples
    --------
    >>> import backhand
    >>> import numpy as np
    >>> X = np.random.default_rng(0).standard_normal((90, 4))
    >>> y = np.abs(X[:, :3]).argmax(axis=1)
    >>> params = backhand.init(4, 16, 3, seed=0, dtype=np.float64)
    >>> result = backhand.train(
    ...     params, X, y, learning_rate=0.01, epochs=50, batch_size=16, optimizer="adam")
    >>> len(result.history), bool(result.history.accuracy[-1] > 0.9)
    (50, True)
    """
    config = arguments.config
    theta = host_parameters(arguments.params)
    data = make_data(theta, arguments.X, arguments.y, arguments.sample_weight)
    check_callbacks(arguments.callbacks)
    check_checkpoint(arguments.checkpoint)
    engine = engine_of(arguments.engine, arguments.device, arguments.threads, arguments.precision)
    validation = None
    if arguments.validation is not None:
        check_validation(arguments.validation)
        validation = make_data(theta, *arguments.validation)
    start = TrainState.initial(theta, config)
    if arguments.state is not None:
        start = _with_memory(start, config, arguments.state)
    return train_data(
        start, data, config, sampler=make_sampler(config, data), objective=objective_of(config),
        engine=engine, validation=validation, callbacks=arguments.callbacks,
        checkpoint=arguments.checkpoint,
    )  # fmt: skip


def train_data(
    start: TrainState,
    data: Rows,
    config: TrainConfig,
    *,
    sampler: Sampler | None,
    objective: Objective,
    engine: Engine,
    validation: Rows | None = None,
    callbacks: Sequence[Callback] = (),
    checkpoint: Checkpoint | None = None,
    keep_interrupted: bool = False,
) -> TrainResult:
    """Train on rows that are checked, from a state; otherwise as `train`.

    Parameters
    ----------
    start : TrainState
        `TrainState.initial`, or that with parts of a past state.
    data, validation : Rows
        `Data`, or what else the engine takes, such as `PartedData`.
    config : TrainConfig
    sampler : Sampler or None
        The order of the rows, such as `make_sampler(config, data)`; None: as they are stored.
    objective : Objective
        What is minimised, such as `objective_of(config)`.
    engine : Engine
    callbacks, checkpoint
        As for `train`.
    keep_interrupted : bool
        Whether Ctrl-C ends training at the last whole block, as a callback would.

    Raises
    ------
    InputError
        If early stopping needs validation rows and there are none, or the engine rejects an
        argument.
    DivergenceError, Interrupted, OutputError
        As for `train`.
    """
    check_monitored(config, validation is not None)
    training = Training(
        start=start, data=data, config=config, sampler=sampler, objective=objective,
        validation=validation,
    )  # fmt: skip
    periods = [period(callback) for callback in callbacks]
    if checkpoint is None:
        controller = training.controller(*periods)
        return drive(training.driver(engine, controller, callbacks), keep_interrupted)
    begin = training.begin
    settings = settings_of(config, objective, begin, engine)
    about = data_fingerprint(begin, data, validation)
    with checkpoint.open(engine, settings, about) as manager:
        controller = training.controller(*periods, manager.period)
        found = manager.restore_latest(Consistency(begin, controller))
        if found is not None:
            counted = f"{len(found.history)} of {controller.plan.epochs} epochs"
            manager.owner.note(counted, restored=True)
        manager.owner.tell()
        training = training.resumed(found or begin)
        return drive(training.driver(engine, controller, callbacks, manager), keep_interrupted)


def objective_of(config: TrainConfig) -> Objective:
    """Return the objective that a config describes."""
    return Objective(
        l2=float(config.l2), alpha=float(config.alpha), dropout=float(config.dropout),
        dropout_seed=config.seed,
    )  # fmt: skip


def _with_memory(start: TrainState, config: TrainConfig, state: Any) -> TrainState:
    """The start with the optimizer's memory that was passed to `train`."""
    if not isinstance(state, OptimizerState):
        raise InputError(
            f"state is a {type(state).__name__}; expected the `last` or `best` of a TrainResult."
        )
    try:
        kept = start.continue_from(TrainState(state), Keep.OPTIMIZER)
        check_second_moments(kept.optimizer)
        if not all(np.isfinite(v).all() for slot in kept.optimizer.slots for v in slot):
            raise InputError("its slots hold numbers that are not finite.")
        return kept
    except InputError as error:
        raise InputError(
            f"the state is not one of {config.rule.name} on these parameters: {error}"
        ) from error
