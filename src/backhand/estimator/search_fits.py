"""The fits of a search: each candidate on each split, trained as a fleet."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import Any

import numpy as np
from sklearn import config_context, get_config
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from backhand.engines import Engine, make_engine
from backhand.estimator.classifier import MLPClassifier
from backhand.estimator.reporting import warn_of_end
from backhand.estimator.search_rows import SearchRows
from backhand.estimator.solvers import warn_of_minimum
from backhand.training.fleet.shared import Planned
from backhand.training.fleet.train_fleet import train_fleet
from backhand.training.lbfgs import Minimum
from backhand.training.prepared import Training
from backhand.training.result import TrainResult
from backhand.training.samplers import OrderPool

FLEET_BYTES = 2**29
"""Approximate memory for the states of the fits that are trained in one call."""


def trains_as_fleet(estimator: Any) -> bool:
    """Whether it is an `MLPClassifier`, or a pipeline that ends in one, without callbacks."""
    if type(estimator) is Pipeline and not estimator.verbose:
        steps = [step for _, step in estimator.steps]
        return trains_as_fleet(steps[-1]) and not any(map(_has_callbacks, [estimator, *steps]))
    return type(estimator) is MLPClassifier and not _has_callbacks(estimator)


def _has_callbacks(estimator: Any) -> bool:
    return bool(getattr(estimator, "_skl_callbacks", None))


def classifier_of(estimator: Any) -> MLPClassifier:
    """Return the classifier itself, or the last step of a pipeline."""
    last: MLPClassifier = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    return last


def epochs_of(estimator: Any) -> str | None:
    """Return the name of the parameter that is a classifier's, or a pipeline's, most epochs."""
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        return f"{name}__max_iter" if isinstance(last, MLPClassifier) else None
    return "max_iter" if isinstance(estimator, MLPClassifier) else None


@dataclass
class Fit:
    """One candidate on one split.

    Attributes
    ----------
    parameters : dict
        The candidate.
    split : int
    estimator : MLPClassifier or Pipeline, optional
        With these parameters, and fitted once it is trained. None: this fit is not trained here.
    training : Training or None
        By epochs.
    minimise : callable or None
        Trains the estimator by L-BFGS on an engine.
    trained : TrainResult, Minimum or None
    seconds : float
    """

    parameters: dict[str, Any]
    split: int
    estimator: Any = None
    training: Training | None = None
    minimise: Callable[[Engine], Minimum] | None = None
    trained: TrainResult | Minimum | None = None
    seconds: float = 0.0

    def give_to(self, estimator: Any) -> None:
        """Make an equal estimator a fitted one, and warn as its own `fit` does."""
        vars(estimator).update(vars(self.estimator))
        if isinstance(self.trained, Minimum):
            warn_of_minimum(self.trained)
        elif self.trained is not None:
            warn_of_end(self.trained)

    @property
    def is_ended(self) -> bool:
        """Whether its training by epochs has ended, so that it cannot continue."""
        return isinstance(self.trained, TrainResult) and bool(self.trained.ended)

    def planned(self) -> Planned:
        """Return the training by epochs as a fleet takes it, from where it was paused."""
        training, past = self.training, self.trained
        assert training is not None
        params = training.start.optimizer.params
        (d, H), K = params.W1.shape, len(params.b2)
        work = float(training.data.rows) * H * (d + 1 + K)
        state = past.state if isinstance(past, TrainResult) else None
        return Planned(lambda: training, training.config.epochs, work, state)

    def train_by_lbfgs(self, engine: Engine) -> None:
        """Train by L-BFGS; if it diverges, the fit is not trained here."""
        assert self.minimise is not None
        began = time.perf_counter()
        try:
            self.trained = self.minimise(engine)
        except Exception:
            self.estimator = None
        self.seconds, self.minimise = time.perf_counter() - began, None

    def keep(self, result: TrainResult) -> None:
        """Keep what a fleet has trained; if it diverged, the fit is not trained here."""
        assert self.training is not None
        self.trained, self.seconds = result, result.seconds
        if result.ended == "diverged":
            self.estimator = None
            return
        clf = classifier_of(self.estimator)
        held_out = clf._held_out
        clf._reset(result.params)  # the result has the whole history
        clf._held_out = held_out
        clf._keep(result, self.training.data.rows)


class Fits:
    """All fits of some candidates, in scikit-learn's order: split by split for each candidate.

    They are trained in as few calls as memory allows, when the first of them is needed. A fit that
    cannot be prepared, or that diverges, is not trained here: its own `fit` raises the error.

    Parameters
    ----------
    estimator : MLPClassifier or Pipeline
    fits : list of Fit
    rows : SearchRows
    jobs : int
        scikit-learn's: multiplies the threads of each.
    until, most_epochs : int, optional
        If given, fits by epochs are paused after the first number, which is their `max_iter`, and
        are kept, since they may continue up to the second.
    """

    def __init__(
        self,
        estimator: Any,
        fits: list[Fit],
        rows: SearchRows,
        jobs: int,
        until: int | None = None,
        most_epochs: int | None = None,
    ) -> None:
        self._estimator, self._rows, self._jobs = estimator, rows, jobs
        self._fits, self._until, self._most_epochs = fits, until, most_epochs
        self._orders = OrderPool()
        self._done = 0

    def take(self, number: int) -> Fit:
        """Return a fit, trained if it can be here; it is kept only if it may continue."""
        if number >= self._done:
            group = self._next_group()
            try:
                self._train(group)
            except Exception:  # each fit raises it again, or its own error, where it is expected
                for one in group:
                    one.estimator = None
        fit = self._fits[number]
        if self._until is None:
            self._fits[number] = Fit({}, 0)
        return fit

    def _next_group(self) -> list[Fit]:
        """Prepare the fits that are trained in the next call."""
        group: list[Fit] = []
        left = FLEET_BYTES
        for fit in self._fits[self._done :]:
            self._prepare(fit)
            if fit.estimator is not None:
                left -= _state_bytes(fit)
                if group and (left < 0 or _engine_of(fit) != _engine_of(group[0])):
                    break
                group.append(fit)
            self._done += 1
        return group

    def _prepare(self, fit: Fit) -> None:
        """Make what a fit trains, if that is possible here; one that was paused has it."""
        if isinstance(fit.trained, TrainResult) and fit.estimator is not None:
            classifier_of(fit.estimator).set_params(max_iter=self._until)
            return
        try:
            self._make(fit)
        except Exception:
            fit.estimator = None  # its own `fit` raises it again

    def _make(self, fit: Fit) -> None:
        estimator = clone(self._estimator).set_params(**clone(fit.parameters, safe=False))
        clf = classifier_of(estimator)
        clf._check_parameters()
        if clf.verbose:  # what it prints comes in the order of the fits
            return
        if isinstance(estimator, Pipeline):
            fold, given = self._rows.of_pipeline(estimator, fit.split, fit.parameters)
        else:
            fold, given = self._rows.of_classifier(clf, fit.split)
        if set(given) - FIT_PARAMETERS:
            return
        clf.__dict__.update(fold.facts)
        data = fold.weighted(given.get("sample_weight"), clf.class_weight)
        validation = clf._validation(
            given.get("X_val"), given.get("y_val"), given.get("sample_weight_val"), fold.classes
        )
        random_state = _own_random_state(clf)
        if clf.solver == "lbfgs":
            fit.minimise = partial(
                _minimise, clf, data=data, classes=fold.classes, random_state=random_state
            )
        else:
            fit.training = clf._prepare(
                data, validation, fold.classes, epochs=self._most_epochs,
                random_state=random_state, orders=self._orders,
            ).prepared()  # fmt: skip
        fit.estimator = estimator

    def _train(self, group: list[Fit]) -> None:
        """Train some fits, those by epochs as a fleet."""
        if not group:
            return
        name, device, threads, precision = _engine_of(group[0])
        jobs = self._jobs
        shared = jobs * (threads or 1) if jobs > 1 else threads
        engine = make_engine(name, device, shared, precision)
        by_epochs = [fit for fit in group if fit.training is not None and not fit.is_ended]
        results = train_fleet([fit.planned() for fit in by_epochs], engine, until=self._until)
        for fit, result in zip(by_epochs, results, strict=True):
            fit.keep(result)
            if self._until is None:
                fit.training = None
        _train_by_lbfgs([fit for fit in group if fit.minimise is not None], engine)


FIT_PARAMETERS = {"sample_weight", "X_val", "y_val", "sample_weight_val"}
"""What `MLPClassifier.fit` takes besides X and y."""


def _own_random_state(clf: MLPClassifier) -> np.random.RandomState | None:
    """Return a generator of its own for a classifier that would use NumPy's global one."""
    if clf.random_state is not None:
        return None
    return np.random.RandomState(np.random.randint(2**31 - 1))


def _engine_of(fit: Fit) -> tuple[Any, Any, Any, Any]:
    clf = classifier_of(fit.estimator)
    return clf.engine, clf.device, clf.threads, clf.precision


def _state_bytes(fit: Fit) -> int:
    """Memory for a training's first, last and best state."""
    if fit.training is None:
        return 0
    state = fit.training.start.optimizer
    return 3 * (1 + len(state.slots)) * sum(value.nbytes for value in state.params)


def _minimise(clf: MLPClassifier, engine: Engine, **arguments: Any) -> Minimum:
    return clf._fit_lbfgs(engine=engine, **arguments)


def _train_by_lbfgs(fits: Sequence[Fit], engine: Engine) -> None:
    """Train by L-BFGS, with as many fits at a time as the engine can be divided for."""
    if not fits:
        return
    engines: SimpleQueue[Engine] = SimpleQueue()
    parts = engine.divided(len(fits))
    for part in parts:
        engines.put(part)
    config = get_config()

    def train(fit: Fit) -> None:
        mine = engines.get()
        try:
            with config_context(**config):
                fit.train_by_lbfgs(mine)
        finally:
            engines.put(mine)

    with ThreadPoolExecutor(len(parts)) as pool:
        list(pool.map(train, fits))
