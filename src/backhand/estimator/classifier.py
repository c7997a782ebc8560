"""`MLPClassifier`: scikit-learn's estimator of that name, with one hidden layer of ReLU units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.metaestimators import available_if

from backhand.engines import Engine, Rows
from backhand.equations import Parameters
from backhand.errors import InputError
from backhand.estimator.fitted import FittedClassifier
from backhand.estimator.initialisation import draw_parameters
from backhand.estimator.inputs import (
    HERE,
    Read,
    Reader,
    all_classes,
    places_of,
    same_classes,
    split,
    weights_of,
)
from backhand.estimator.interchange import Interchange
from backhand.estimator.parameters import ConstructorParameters
from backhand.estimator.random_states import copy_of, generator_of
from backhand.estimator.reporting import Tasks, print_end, printer, warn_of_end
from backhand.estimator.scikit_learn_callbacks import CallbackSupportMixin, with_callbacks
from backhand.estimator.solvers import (
    EpochTraining,
    train_by_lbfgs,
    warn_of_minimum,
    with_dropout_seed,
)
from backhand.training.callbacks import Callback
from backhand.training.checkpoints.checkpoint import Checkpoint
from backhand.training.lbfgs import Minimum
from backhand.training.result import TrainResult
from backhand.training.samplers import OrderPool, RandomStateSampler, Sampler


def _by_epochs(estimator: Any) -> bool:
    if estimator.solver == "lbfgs":
        raise AttributeError(
            "partial_fit trains batch by batch; solver='lbfgs' needs all rows at once. "
            "Use solver='sgd' or 'adam'."
        )
    return True


class MLPClassifier(
    Interchange,
    FittedClassifier,
    ConstructorParameters,
    CallbackSupportMixin,  # type: ignore[misc]
    ClassifierMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
):
    """One hidden layer of ReLU units, softmax and cross-entropy, trained by hand-written gradients.

    Parameters and attributes have scikit-learn's names, defaults and meanings, and the numbers are
    scikit-learn's too: the same `random_state` gives the same weights, batches and losses.
    https://backhand-mlp.github.io/backhand/from-scikit-learn.html lists the differences and
    their reasons.

    Parameters
    ----------
    hidden_layer_sizes : (int,) or int, default=(100,)
        H; exactly one layer.
    activation : {"relu"}, default="relu"
        The ReLU, max(0, Z1), is the only one.
    solver : {"adam", "sgd", "lbfgs"}, default="adam"
        Adam, gradient descent (with momentum), or L-BFGS on all rows at once.
    alpha : float, default=0.0001
        Adds alpha / (2 Σw) (‖W1‖² + ‖W2‖²) to each batch's loss, Σw being its rows or weights.
    batch_size : int or "auto", default="auto"
        "auto" is min(200, N).
    learning_rate : {"constant", "invscaling", "adaptive"}, default="constant"
        For "sgd": stay; learning_rate_init / (t + 1)^power_t, t being the rows visited in whole
        epochs; or be divided by 5 instead of stopping, down to 1e-6.
    learning_rate_init : float, default=0.001
        η of "adam", and the first η of "sgd".
    power_t : float, default=0.5
        Exponent of the learning rate "invscaling".
    max_iter : int, default=200
        Maximum number of epochs, or of steps for "lbfgs".
    shuffle : bool, default=True
        Visit the rows in a new order in each epoch.
    random_state : int, RandomState or None, default=None
        Seed for the initial parameters, the held-out rows, the orders of the rows and dropout.
    tol : float, default=1e-4
        Smallest improvement of the training loss that counts, or with `early_stopping` of the
        validation score; for "lbfgs", the largest entry of the gradient at which it ends.
    verbose : bool or int, default=False
        Print the loss of each epoch.
    warm_start : bool, default=False
        `fit` continues from where the last one ended: parameters, optimizer state and learning
        rate. With validation, the best weights of all these fits are returned.
    momentum : float, default=0.9
        μ of "sgd"; 0 is plain gradient descent.
    nesterovs_momentum : bool, default=True
        Use Nesterov's form of the momentum.
    early_stopping : bool, default=False
        Monitor the score on `X_val`, or on `validation_fraction` of the rows if that is not given,
        and stop when it does not improve or is 1. The best epoch's weights are returned.
    validation_fraction : float, default=0.1
        Share of the rows of each class that `early_stopping` holds out.
    beta_1, beta_2, epsilon : float, default=0.9, 0.999, 1e-8
        Constants of "adam".
    n_iter_no_change : int or inf, default=10
        Consecutive epochs without improvement to tolerate.
    max_fun : int, default=15000
        Maximum number of times that "lbfgs" computes loss and gradient.
    class_weight : dict, "balanced" or None, default=None
        Weight of each class, times its rows' sample weights; "balanced" is N / (K · rows of the
        class).
    dropout : float, default=0.0
        Share of hidden units that are dropped for each row in each update; the others count
        1 / (1 - dropout) times. `loss_curve_` is measured with dropout.
    engine : {"auto", "fused", "reference", "torch"}, default="auto"
        What computes, as for `backhand.train`.
    device : str or None, default=None
        Where the torch engine computes: "cpu", "cuda", "cuda:1".
    threads : int or None, default=None
        Maximum number of threads; None: as many as the process may use.
    precision : {"auto", "bf16"}, default="auto"
        As for `backhand.train`. With "bf16" X and the parameters become float32.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        The labels, sorted.
    coefs_, intercepts_ : list of two ndarrays
        [W1 (d, H), W2 (H, K)] and [b1 (H,), b2 (K,)], in X's dtype, float32 or float64. They may
        be set; for two classes W2 may then be scikit-learn's (H, 1), and b2 (1,).
    parameters_ : Parameters
        W1, b1, W2, b2: the same arrays.
    loss_, best_loss_ : float
        The last training loss, and the lowest (None with `early_stopping`).
    loss_curve_ : list of float
        Training loss of each epoch (for "lbfgs": after each step), penalty included; a row's loss
        is capped at -log(eps) of the dtype.
    validation_scores_, validation_loss_curve_ : list of float, or None
        Accuracy and loss on the validation rows after each epoch.
    best_validation_score_ : float or None
        The highest of `validation_scores_`.
    stopped_ : bool
        Whether patience has run out, or the validation score is 1: for loops of `partial_fit`.
    n_iter_ : int
        Epochs of the last fit.
    t_ : int
        Rows visited in all fits.
    n_features_in_ : int
        d.
    feature_names_in_ : ndarray of shape (d,)
        Names of X's columns, if it has any.
    n_layers_, n_outputs_, out_activation_ : int, int and str
        3; K; "softmax".

    See Also
    --------
    MLPClassifierCV : Chooses penalty, epochs and temperature by cross-validation.
    GridSearchCV : Searches the parameters, training all candidates together.
    RayMLPClassifier : The same over workers.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from backhand import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = make_pipeline(
    ...     StandardScaler(), MLPClassifier((16,), solver="lbfgs", alpha=1, random_state=0))
    >>> bool(cross_val_score(clf, X, y).mean() > 0.9)
    True
    >>> clf.fit(X, y).predict(X[:2]).tolist()
    [0, 0]
    """

    loss_curve_: list[float]
    best_loss_: float | None
    validation_scores_: list[float] | None
    validation_loss_curve_: list[float] | None
    best_validation_score_: float | None
    _held_out: np.random.RandomState | None  # its state when it drew the held-out rows
    _trained: TrainResult | None = None  # the last training by epochs, to continue from

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        class_weight: Mapping[Any, float] | str | None = None,
        dropout: float = 0.0,
        engine: str = "auto",
        device: str | None = None,
        threads: int | None = None,
        precision: str = "auto",
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.class_weight = class_weight
        self.dropout = dropout
        self.engine = engine
        self.device = device
        self.threads = threads
        self.precision = precision

    @classmethod
    @cache
    def _get_param_names(cls) -> list[str]:
        """scikit-learn's, which inspects the signature anew in each `clone` and `get_params`."""
        names: list[str] = super()._get_param_names()
        return names

    @with_callbacks  # type: ignore[untyped-decorator]
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> MLPClassifier:
        """Train on the rows of X.

        Parameters
        ----------
        X : array, data frame, Arrow table or sparse matrix of shape (N, d)
            Rows. float32 stays float32; other numbers become float64. The fused engine never makes
            a sparse matrix dense; other engines do so one batch at a time.
        y : array_like of shape (N,)
            Labels of any kind: texts, numbers or booleans.
        sample_weight : array_like of shape (N,), optional
            Weights of the rows: means become weighted means.
        X_val, y_val, sample_weight_val : array_like, optional
            Rows to validate on after each epoch: the best epoch's weights are returned, and
            training ends at a score of 1.

        Returns
        -------
        MLPClassifier
            The same object, fitted.

        Raises
        ------
        InputError
            If an argument or a constructor parameter is not allowed.
        DivergenceError
            If the loss stops being finite.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from backhand import MLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> some = range(0, 150, 5)
        >>> clf = MLPClassifier((16,), learning_rate_init=0.05, early_stopping=True, random_state=0)
        >>> clf = clf.fit(X, y, X_val=X[some], y_val=y[some])
        >>> clf.n_iter_ < 200, bool(clf.best_validation_score_ > 0.9)
        (True, True)
        """
        self._check_parameters()
        checkpoint = self._checkpoint()
        with self._reader(X, y, sample_weight, X_val, y_val, sample_weight_val) as reader:
            first = not (self.warm_start and hasattr(self, "coefs_"))
            known = None if first else self.classes_
            read = reader.read(self, X, y, sample_weight, reset=first)
            classes = same_classes(read.labels, known)
            data = self._data(reader, read, classes)
            validation = self._validation(X_val, y_val, sample_weight_val, classes, reader)
            by_epochs = self.solver != "lbfgs"
            tasks = Tasks(self, X, y, sample_weight, self.max_iter if by_epochs else None,
                          "epoch" if by_epochs else "step", self._fitted)  # fmt: skip
            engine = reader.engine(self.engine, self.device, self.threads, self.precision)
            if by_epochs:
                training = self._prepare(data, validation, classes, first=first, engine=engine)
                warn_of_end(self._train_by_epochs(training, tasks.callbacks(), checkpoint))
            else:
                minimum = self._fit_lbfgs(data, classes, tasks, first=first, engine=engine)
                warn_of_minimum(minimum)
            tasks.close()
        return self

    @available_if(_by_epochs)  # type: ignore[untyped-decorator]
    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        classes: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> MLPClassifier:
        """Train one epoch on the rows of X, and continue from there at the next call.

        `X_val` is scored after each call: the weights are those of the call that scored best, and
        training continues from the last. With `early_stopping`, `stopped_` is True once patience
        has run out; later calls train nevertheless.

        Parameters
        ----------
        X, y, sample_weight : array_like
            The next rows, as for `fit`.
        classes : array_like of shape (K,), optional
            All classes that any call may have; required in the first call.
        X_val, y_val, sample_weight_val : array_like, optional
            Rows to validate on, as for `fit`.

        Returns
        -------
        MLPClassifier
            The same object.

        Raises
        ------
        InputError
            If an argument or a constructor parameter is not allowed: early stopping without rows
            to validate on, or balanced class weights, which need all rows.
        DivergenceError
            If the loss stops being finite.

        Examples
        --------
        Rows that arrive in parts:

        >>> from sklearn.datasets import load_digits
        >>> from backhand import MLPClassifier
        >>> X, y = load_digits(return_X_y=True)
        >>> clf = MLPClassifier((32,), learning_rate_init=0.02, random_state=0)
        >>> for first in range(0, 1700, 100):
        ...     part = slice(first, first + 100)
        ...     clf = clf.partial_fit(X[part], y[part], classes=range(10))
        >>> clf.t_, clf.score(X[1700:], y[1700:]) > 0.7
        (1700, True)
        """
        self._check_parameters()
        first = not hasattr(self, "coefs_")
        if self.early_stopping and X_val is None:
            raise InputError(
                "partial_fit does not support early_stopping=True without X_val and y_val: its "
                "rows change from call to call. Pass the rows to validate on."
            )
        if self.class_weight == "balanced":
            raise InputError(
                "partial_fit does not support class_weight='balanced', since it does not see all "
                "rows; pass a dict (compute_class_weight of sklearn.utils.class_weight helps)."
            )
        classes = all_classes(classes, None if first else self.classes_)
        with self._reader(X, y, sample_weight, X_val, y_val, sample_weight_val) as reader:
            read = reader.read(self, X, y, sample_weight, reset=first)
            data = self._data(reader, read, classes)
            validation = self._validation(X_val, y_val, sample_weight_val, classes, reader)
            engine = reader.engine(self.engine, self.device, self.threads, self.precision)
            random_state = generator_of(self.random_state)
            params = self._begin(data, classes, random_state) if first else self._present()
            training = self._training(
                params, data, validation, random_state, 1, engine=engine, ahead=False
            )
            self._train_by_epochs(training, keep_interrupted=False)
        return self

    @property
    def stopped_(self) -> bool:
        """Whether early stopping would stop: patience has run out, or the score is 1."""
        seen = None if self._trained is None else self._trained.state.early_stopping
        return seen is not None and (seen.out_of_patience or seen.perfect)

    @property
    def _no_improvement_count(self) -> int:
        """The count under scikit-learn's name, which its tests read."""
        seen = None if self._trained is None else self._trained.state.early_stopping
        return 0 if seen is None else seen.num_bad_epochs

    @property
    def _optimizer(self) -> TrainResult | None:
        """What the next training continues from; scikit-learn's tests read its `learning_rate`."""
        return self._trained

    # What fit and partial_fit do.

    def _reader(self, *passed: Any) -> AbstractContextManager[Reader]:  # noqa: ARG002
        """Return what reads the rows of a fit, to which these were passed, while it runs."""
        return nullcontext(HERE)

    def _data(self, reader: Reader, read: Read, classes: NDArray[Any]) -> Rows:
        X, labels, w = read
        weights = weights_of(X.dtype, labels, w, self.class_weight, classes)
        return reader.data(X, places_of(labels, classes, "y"), weights)

    def _validation(
        self, X: Any, y: Any, sample_weight: Any, classes: NDArray[Any], reader: Reader = HERE
    ) -> Rows | None:
        if X is None and y is None and sample_weight is None:
            return None
        if X is None or y is None:
            raise InputError(
                "X_val and y_val must be passed together, and sample_weight_val only with them."
            )
        if self.solver == "lbfgs":
            raise InputError(
                "X_val is scored after each epoch, and solver='lbfgs' has no epochs; use "
                "solver='adam' or 'sgd'."
            )
        X, labels, w = reader.read(self, X, y, sample_weight, "X_val", reset=False)
        weights = weights_of(X.dtype, labels, w, None, classes)
        return reader.data(X, places_of(labels, classes, "y_val"), weights)

    def _begin(
        self, data: Rows, classes: NDArray[Any], random_state: np.random.RandomState
    ) -> Parameters:
        """Draw the initial weights, and discard the results of an earlier fit."""
        d, H, K = data.X.shape[1], self._hidden_units(), len(classes)
        self.classes_ = classes
        params = draw_parameters(d, H, K, random_state, data.X.dtype)
        self._reset(params)
        return params

    def _present(self) -> Parameters:
        """The weights to continue from."""
        params = self.parameters_
        H = params.W1.shape[1]
        if self._hidden_units() != H:
            raise InputError(
                f"hidden_layer_sizes is {self.hidden_layer_sizes!r}, and the weights to continue "
                f"from have {H} hidden units. Restore it, or start again with fit and "
                "warm_start=False."
            )
        return params

    def _reset(self, params: Parameters) -> None:
        """Start with these weights, as an untrained classifier."""
        self.parameters_ = params
        self.n_iter_, self.t_, self.loss_curve_, self.best_loss_ = 0, 0, [], None
        self._held_out = None
        self._reset_epochs()

    def _reset_epochs(self) -> None:
        """Reset what only training by epochs has: validation, and the optimizer's state."""
        self.validation_scores_, self.validation_loss_curve_ = None, None
        self.best_validation_score_, self._trained = None, None

    def _train_by_epochs(
        self,
        training: EpochTraining,
        callbacks: Sequence[Callback] = (),
        checkpoint: Checkpoint | None = None,
        *,
        keep_interrupted: bool = True,
    ) -> TrainResult:
        """Run a training, and keep its result."""
        shown = [printer(training.config)] if self.verbose else []
        result = training.run([*shown, *callbacks], checkpoint, keep_interrupted=keep_interrupted)
        if self.verbose:
            print_end(result)
        self._keep(result, training.data.rows)
        return result

    def _prepare(
        self,
        data: Rows,
        validation: Rows | None,
        classes: NDArray[Any],
        *,
        first: bool = True,
        epochs: int | None = None,
        random_state: Any = None,
        orders: OrderPool | None = None,
        engine: Engine | None = None,
    ) -> EpochTraining:
        """Return the training by epochs that `fit` runs; `max_iter` of them, if none are given.

        `first` draws the weights. Rows are held out if `early_stopping` needs validation rows and
        there are none.
        """
        random_state = generator_of(random_state or self.random_state)
        params = self._begin(data, classes, random_state) if first else self._present()
        if validation is None and self.early_stopping:
            data, validation = self._split(data, random_state)
        return self._training(
            params, data, validation, random_state, epochs or self.max_iter, orders, engine
        )

    def _training(
        self,
        params: Parameters,
        data: Rows,
        validation: Rows | None,
        random_state: np.random.RandomState,
        epochs: int,
        orders: OrderPool | None = None,
        engine: Engine | None = None,
        *,
        ahead: bool = True,
    ) -> EpochTraining:
        """A training of at most `epochs` epochs, which continues the last one.

        `ahead`: it may end before epochs whose order was drawn.
        """
        batch_size, past = self._batch_size(data.rows), self._trained
        config = self._config(batch_size, epochs, validated=validation is not None)
        config = with_dropout_seed(config, past, random_state)
        sampler: Sampler | None = None
        if self.shuffle:
            own = RandomStateSampler(data.rows, random_state, ahead=ahead)
            sampler = own if orders is None else orders.shared(own, epochs)
        return EpochTraining(
            params=params, past=past, rows_seen=self.t_, data=data, validation=validation,
            config=config, sampler=sampler, engine=engine or self._engine(),
            objective=self._objective(config, data, len(self.classes_)),
        )  # fmt: skip

    def _split(self, data: Rows, random_state: Any) -> tuple[Rows, Rows]:
        """Rows to learn from and held-out rows, the same whenever training continues.

        Otherwise later training would be evaluated on rows that it has learned from.
        """
        if self._held_out is None:
            self._held_out = copy_of(random_state)
        else:
            random_state = copy_of(self._held_out)
        return split(data, self.validation_fraction, len(self.classes_), random_state)

    def _fit_lbfgs(
        self,
        data: Rows,
        classes: NDArray[Any],
        tasks: Tasks | None = None,
        *,
        first: bool = True,
        engine: Engine | None = None,
        random_state: Any = None,
    ) -> Minimum:
        random_state = generator_of(random_state or self.random_state)
        params = self._begin(data, classes, random_state) if first else self._present()
        minimum, self.loss_curve_ = train_by_lbfgs(
            params, data, engine or self._engine(), alpha=float(self.alpha),
            first_class_fixed=len(self.classes_) == 2, iterations=self.max_iter,
            evaluations=self.max_fun, gtol=float(self.tol), tasks=tasks,
            verbose=bool(self.verbose),
        )  # fmt: skip
        self._reset_epochs()
        self.parameters_, self.n_iter_ = minimum.params, minimum.iterations
        self.loss_ = self.best_loss_ = minimum.loss
        return minimum

    def _keep(self, result: TrainResult, rows: int) -> None:
        history, E = result.history, len(result.history)
        self._trained = result
        # Copies: an array that is changed by hand is noticed when training continues.
        self.parameters_ = Parameters(*map(np.array, result.params))
        self.n_iter_, self.t_ = E, self.t_ + E * rows
        losses = history.loss.tolist()
        self.loss_curve_ = [*self.loss_curve_, *losses]
        if E:
            self.loss_ = losses[-1]
        known = self.loss_curve_ if self.best_loss_ is None else [self.best_loss_, *losses]
        self.best_loss_ = None if self.early_stopping else min(known, default=None)
        seen = result.state.early_stopping
        if seen is not None and seen.rule.restore_best is not None:
            scores, losses = history.validation_accuracy, history.validation_loss
            self.validation_scores_ = [*(self.validation_scores_ or []), *scores.tolist()]
            self.validation_loss_curve_ = [*(self.validation_loss_curve_ or []), *losses.tolist()]
            self.best_validation_score_ = seen.best

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
