"""`train_many`: members are checked and become prepared trainings over one X."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from backhand import validation
from backhand.choices import EngineName, PrecisionName
from backhand.cluster.remote_engine import on_workers
from backhand.engines import Data, Engine, engine_of
from backhand.engines.argument_checks import check_precision
from backhand.equations import Parameters, init
from backhand.errors import InputError
from backhand.training.checkpoints.checkpoint import Checkpoint, check_checkpoint
from backhand.training.data import from_lists, host, host_parameters, make_data
from backhand.training.fleet.member import Member, check_members, row_numbers
from backhand.training.fleet.progress import FleetCallback, check_fleet_callbacks
from backhand.training.fleet.shared import Planned
from backhand.training.fleet.train_fleet import train_fleet
from backhand.training.plan import make_sampler
from backhand.training.prepared import Training
from backhand.training.result import TrainResult
from backhand.training.state import TrainState
from backhand.training.train import objective_of

MANY_CLASSES = 2**16
"""Number of classes up to which there may be more of them than rows."""


def train_many(
    members: Sequence[Member],
    X: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    dtype: DTypeLike = np.float32,
    engine: EngineName | Engine = "auto",
    device: str | None = None,
    threads: int | None = None,
    precision: PrecisionName = "auto",
    callbacks: Sequence[FleetCallback] = (),
    checkpoint: Checkpoint | None = None,
    workers: int | None = None,
    ray: str | None = None,
) -> list[TrainResult]:
    """Train many networks on one X: sweeps of settings, folds, seeds.

    Each member has its own settings, width, rows, validation rows and early stopping. Members are
    shared out over the threads; X is not copied for them. With the fused engine, a member's result
    is bit-identical to that of `train` with the same settings on its rows, for any number of
    threads and workers, and whatever the other members are.

    Parameters
    ----------
    members : sequence of Member
        What to train; all are checked before any training begins.
    X : array_like of shape (N, d)
        Rows of real numbers, as for `train`.
    y : array_like of shape (N,) or (N, K)
        Class indices 0..K-1, or one-hot rows. Every member has all K classes.
    sample_weight : array_like of shape (N,), optional
        Weights of the rows: means become weighted means.
    dtype : dtype, default=float32
        float32 or float64; everything is computed in it.
    engine : {"auto", "fused", "reference", "torch"} or Engine, default="auto"
        The engine that runs training.
    device : str, optional
        Where the torch engine computes: "cpu", "cuda", "cuda:1".
    threads : int, optional
        Maximum number of threads; None: as many as the process may use. The fused engine trains as
        many members at the same time; if there are fewer members, they share the threads. With Ray
        it is that of each worker, which is 1 by default.
    precision : {"auto", "bf16"}, default="auto"
        What the products of training are computed from: numbers of the parameters' dtype, or
        numbers rounded to bfloat16, with float32 sums, parameters and updates: faster where the
        processor has units for it, and slower where it has not, which warns. It needs dtype
        float32 and dense rows; see https://backhand-mlp.github.io/backhand/precision.html.
    callbacks : sequence of callable, default=()
        Each is called with a `FleetProgress` about ten times per second and at the end. One that
        raises `StopTraining` ends the fleet: the members under way return what there is, and those
        that have not begun their initial parameters; both have `ended` "callback".
    checkpoint : Checkpoint, optional
        Where the members are saved, and whether to resume from there: the results as they come, and
        the members under way. After an interruption the results are bit-identical all the same,
        with other workers too.
    workers : int, optional
        Number of workers that the members are shared out over: threads of this process, or, with
        `ray`, processes on one machine or many. X is sent to each machine once. A worker that is
        lost is replaced, and its members continue where they were; see
        https://backhand-mlp.github.io/backhand/many-machines.html.
    ray : {"local", "auto"} or address, optional
        The Ray cluster of the workers: one that is started here and ended with the fleet, the one
        of this machine, or that at an address such as "10.0.0.1:6379".

    Returns
    -------
    list of TrainResult
        In the order of the members. A member that diverges does not end the others: its result has
        `ended` "diverged" and the last good parameters. A result keeps the parameters and the
        optimizer's slots (with Adam, three times the number of parameters), as much again for the
        best epoch where early stopping returns that one's, and four numbers per epoch.

    Raises
    ------
    InputError
        If an argument is invalid; if it is a member's, the message has the member's number.
    Interrupted
        With a checkpoint: if SIGINT, SIGTERM or SIGHUP ended the fleet after the blocks under way,
        which are saved. It is a KeyboardInterrupt.
    OutputError
        If a checkpoint cannot be written.
    MissingDependencyError
        If `ray` is given, and Ray is not installed.
    BackhandError
        If workers are lost again and again, or another library fails on one.

    See Also
    --------
    backhand.Member : One training of a fleet.
    backhand.train : Trains one network.

    Examples
    --------
    >>> import backhand
    >>> import numpy as np
    >>> X = np.random.default_rng(0).standard_normal((90, 4))
    >>> y = np.abs(X[:, :3]).argmax(axis=1)
    >>> fold = np.arange(90) % 3
    >>> members = [
    ...     backhand.Member(
    ...         hidden=16, learning_rate=0.01, epochs=200, optimizer="adam", l2=l2,
    ...         rows=fold != k, validation=fold == k, early_stopping=backhand.EarlyStopping())
    ...     for l2 in (0.001, 0.1) for k in range(3)]
    >>> results = backhand.train_many(members, X, y, dtype=np.float64)
    >>> losses = np.array([min(result.history.validation_loss) for result in results])
    >>> print("the best penalty is", (0.001, 0.1)[losses.reshape(2, 3).mean(axis=1).argmin()])
    the best penalty is 0.001
    """
    data, like = _checked_data(X, y, sample_weight, dtype)
    d, K, dtype = like.W1.shape[0], len(like.b2), like.W1.dtype
    check_members(members, data, d, K, dtype)
    check_fleet_callbacks(callbacks)
    check_checkpoint(checkpoint)
    engine = engine_of(engine, device, threads, precision)
    if engine.precision == "bf16" and dtype == np.float64:
        raise InputError("dtype is float64; precision='bf16' trains float32 parameters: omit it.")
    check_precision(engine.precision, like, data)
    planned = [_planned(member, data, d, K, dtype) for member in members]
    with on_workers(engine, workers, ray, threads) as engine:
        return train_fleet(planned, engine, callbacks=callbacks, checkpoint=checkpoint)


def _checked_data(X: Any, y: Any, sample_weight: Any, dtype: DTypeLike) -> tuple[Data, Parameters]:
    """Return the rows in that dtype, checked, and parameters of a hidden unit for them."""
    try:
        kind = np.dtype(dtype)
    except TypeError:
        kind = np.dtype(object)
    if kind not in (np.float32, np.float64):
        raise InputError(f"dtype is {dtype!r}; expected float32 or float64.")
    X, y = host(from_lists("X", X)), host(from_lists("y", y))
    K = 2
    if getattr(y, "ndim", 0) == 2 and y.shape[1] > 1:
        K = y.shape[1]
    elif getattr(y, "size", 0) and y.ndim == 1 and y.dtype.kind in "iu":
        K = max(2, int(y.max()) + 1)
        if max(MANY_CLASSES, y.size) < K:
            raise InputError(
                f"y has the class index {K - 1:,} among {y.size:,} rows, which would make "
                f"{K:,} classes; expected indices 0..K-1. Renumber them: "
                "classes, y = numpy.unique(y, return_inverse=True)."
            )
    elif getattr(y, "size", 0):  # how many classes there are is not known
        raise InputError(
            f"y is {y.dtype} {tuple(y.shape)}; expected (N,) integers 0..K-1, or (N, K) one-hot "
            f"rows. {validation.NUMBERED}"
        )
    d = X.shape[1] if getattr(X, "ndim", 0) == 2 else 1
    like = Parameters(*(np.zeros(shape, kind) for shape in ((d, 1), (1,), (1, K), (K,))))
    data = make_data(like, X, y, sample_weight)
    if not isinstance(data.X, np.memmap):  # once, for all members
        data = data._replace(X=np.ascontiguousarray(data.X))
    return data, like


def _planned(member: Member, data: Data, d: int, K: int, dtype: Any) -> Planned:
    """Return a member as a fleet takes it."""
    if member.params is not None:
        H, K = member.params.W2.shape
    else:
        H = member.hidden
    rows = data.rows
    if member.rows is not None:
        found = np.asarray(host(member.rows))
        rows = int(found.sum()) if found.dtype.kind == "b" else len(found)
    make = partial(_training, member, data, d, K, dtype)
    return Planned(make, member.epochs, float(rows) * H * (d + 1 + K))


def _training(member: Member, data: Data, d: int, K: int, dtype: Any) -> Training:
    """Return a member's training; drawn parameters are drawn here."""
    config = member.config
    if member.params is None:
        params = init(d, member.hidden, K, member.seed, dtype)
    else:
        params = host_parameters(member.params)
    chosen = _chosen("rows", member.rows, data)
    return Training(
        start=TrainState.initial(params, config), data=chosen, config=config,
        sampler=make_sampler(config, chosen), objective=objective_of(config),
        validation=None if member.validation is None else
        _chosen("validation", member.validation, data),
    )  # fmt: skip


def _chosen(name: str, rows: Any, data: Data) -> Data:
    return data if rows is None else data.select(row_numbers(name, rows, data.rows))
