"""`MLPClassifier`: scikit-learn's estimator of that name, over `train`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from backhand.checked import init
from backhand.engines import Data, make_engine
from backhand.equations import Parameters
from backhand.errors import InputError
from backhand.model import Model
from backhand.optimizers import SGD, Adam, Momentum, Nesterov, Optimizer
from backhand.training import EarlyStopping, TrainResult, train


class MLPClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """One hidden layer of ReLU units, softmax and cross-entropy, trained by hand-written gradients.

    The parameters bear scikit-learn's names, defaults and meanings; new beside them are `engine`,
    `device` and `threads`.

    Parameters
    ----------
    hidden_layer_sizes : (int,) or int, default=(100,)
        H; exactly one layer.
    solver : {"adam", "sgd"}, default="adam"
    alpha : float, default=0.0001
        Adds alpha / (2 Σw) (‖W1‖² + ‖W2‖²) to each batch's loss, Σw being its rows or weights.
    batch_size : int or "auto", default="auto"
        "auto" is min(200, N).
    learning_rate_init : float, default=0.001
    max_iter : int, default=200
        Epochs at most.
    shuffle : bool, default=True
    random_state : int, RandomState or None, default=None
    tol : float, default=1e-4
        What counts as an improvement of the training loss, or with `early_stopping` of the
        validation score.
    verbose : bool, default=False
        Print the loss of each epoch.
    momentum : float, default=0.9
    nesterovs_momentum : bool, default=True
    early_stopping : bool, default=False
        Hold out `validation_fraction` of the rows, stop when their score does not improve, and give
        back the best epoch's parameters.
    validation_fraction : float, default=0.1
    beta_1, beta_2, epsilon : float, default=0.9, 0.999, 1e-8
        Of Adam.
    n_iter_no_change : int, default=10
        Epochs without improvement before stopping.
    engine, device, threads
        As for `backhand.train`.

    Attributes
    ----------
    classes_ : (K,)
    parameters_ : Parameters
        W1, b1, W2, b2.
    coefs_, intercepts_ : lists of two arrays
        [W1, W2] and [b1, b2].
    loss_curve_, loss_, best_loss_, n_iter_ :
        Training loss of each epoch, the last, the lowest, and the number of epochs.
    validation_scores_ : list of float, or None
        With `early_stopping`: accuracy on the held-out rows after each epoch.
    """

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate_init: float = 0.001,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int = 10,
        engine: str = "auto",
        device: str | None = None,
        threads: int | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.engine = engine
        self.device = device
        self.threads = threads

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPClassifier:
        """Train on X (N, d) and labels y (N,) of any kind; `sample_weight` (N,) weighs the rows."""
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32])
        check_classification_targets(y)
        self.classes_, indices = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError(
                f"y holds 1 class, {self.classes_[0]}; a classifier needs two or more."
            )
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=X.dtype)
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        params = init(X.shape[1], self._hidden(), len(self.classes_), seed, X.dtype)
        self._keep(self._train(params, X, indices, sample_weight, seed))
        return self

    def _train(
        self, params: Parameters, X: NDArray[Any], y: NDArray[np.int64], w: Any, seed: int
    ) -> TrainResult:
        validation = None
        if self.early_stopping:
            rows, out = train_test_split(
                np.arange(len(X)), test_size=self.validation_fraction, random_state=seed, stratify=y
            )
            data = Data(X, y, w)
            validation, (X, y, w) = data.at(out), data.at(rows)
        monitor = "validation_accuracy" if self.early_stopping else "loss"
        return train(
            params, X, y,
            learning_rate=self.learning_rate_init,
            epochs=self.max_iter,
            batch_size=min(200, len(X)) if self.batch_size == "auto" else self.batch_size,  # type: ignore[arg-type]
            optimizer=self._optimizer(),
            alpha=self.alpha,
            sample_weight=w,
            validation=validation,
            # scikit-learn stops after more than n_iter_no_change epochs without improvement.
            early_stopping=EarlyStopping(self.n_iter_no_change + 1, self.tol, monitor),
            callbacks=[_print_loss] if self.verbose else [],
            engine=self.engine, device=self.device, threads=self.threads,
            seed=seed,
            shuffle=self.shuffle,
        )  # fmt: skip

    def _hidden(self) -> int:
        given: Any = self.hidden_layer_sizes
        sizes = (given,) if isinstance(given, Integral) else tuple(given)
        if len(sizes) != 1:
            raise InputError(
                f"hidden_layer_sizes is {self.hidden_layer_sizes!r}; Backhand's network "
                "has exactly one hidden layer, whose gradients are written out by hand: "
                "give one size, such as (100,)."
            )
        return int(sizes[0])

    def _optimizer(self) -> Optimizer:
        if self.solver == "adam":
            return Adam(self.beta_1, self.beta_2, self.epsilon)
        if self.solver != "sgd":
            raise InputError(f"solver is {self.solver!r}; expected 'adam' or 'sgd'.")
        if self.momentum == 0:
            return SGD()
        return Nesterov(self.momentum) if self.nesterovs_momentum else Momentum(self.momentum)

    def _keep(self, result: TrainResult) -> None:
        self.parameters_ = result.params
        self._result = result
        self.coefs_ = [result.params.W1, result.params.W2]
        self.intercepts_ = [result.params.b1, result.params.b2]
        self.loss_curve_ = result.history.loss.tolist()
        self.loss_ = self.loss_curve_[-1]
        self.best_loss_ = min(self.loss_curve_)
        self.n_iter_ = len(self.loss_curve_)
        self.n_layers_, self.n_outputs_, self.out_activation_ = 3, len(self.classes_), "softmax"
        scores = result.history.validation_accuracy
        self.validation_scores_ = scores.tolist() if self.early_stopping else None
        if self.n_iter_ == self.max_iter and result.best_epoch is not None \
                and self.n_iter_ - result.best_epoch < self.n_iter_no_change:  # fmt: skip
            warnings.warn(f"training was still improving after max_iter={self.max_iter} epochs",
                          ConvergenceWarning, stacklevel=3)  # fmt: skip

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """P (N, K) of X (N, d), one column a class in the order of `classes_`."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        engine = make_engine(self.engine, self.device, self.threads)
        return engine.predict_proba(self.parameters_, X)

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of each row of X (N, d): (N,)."""
        most_probable = self.predict_proba(X).argmax(axis=1)
        labels: NDArray[Any] = self.classes_[most_probable]
        return labels

    def predict_log_proba(self, X: Any) -> NDArray[Any]:
        """Log P (N, K) of X (N, d); -inf where P rounds to 0."""
        with np.errstate(divide="ignore"):
            log_P: NDArray[Any] = np.log(self.predict_proba(X))
        return log_P

    def to_model(self) -> Model:
        """What `backhand.save` writes: parameters, classes, constructor parameters, history."""
        check_is_fitted(self)
        settings = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in self.get_params().items()
            if isinstance(value, str | int | float | tuple)
        }
        return Model(self.parameters_, tuple(self.classes_), hyperparameters=settings,
                     history=self._result.history)  # fmt: skip


def _print_loss(progress: Any) -> None:
    print(f"epoch {progress.epoch}: loss {progress.history.loss[-1]:.6f}")
