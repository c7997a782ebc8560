"""`MLPClassifierCV`: chooses penalty, epochs and temperature on inner folds, by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from backhand.constraints import (
    Constraint,
    Exactly,
    Flag,
    Integer,
    Or,
    Span,
    Weights,
    check_all,
)
from backhand.engines import Data
from backhand.errors import InputError
from backhand.estimator.fitted import FittedClassifier
from backhand.estimator.inner_folds import inner_folds
from backhand.estimator.inputs import features_and_labels, places_of, same_classes, weights_of
from backhand.estimator.interchange import Exports
from backhand.estimator.scaling import Scaling
from backhand.model import Model
from backhand.selection import (
    MEMBERS,
    PENALTIES,
    Chosen,
    InnerFolds,
    OutOfFold,
    Recipe,
    SearchProgress,
    Selection,
    Trial,
    select,
)
from backhand.table_settings import Settings
from backhand.training.history import History

CONSTRAINTS: Mapping[str, Constraint] = {
    "hidden": Integer(1),
    "members": Integer(1),
    "max_iter": Or(Exactly(None), Integer(1)),
    "budget": Or(Exactly(None), Span()),
    "class_weight": Or(Exactly(None), Or(Exactly("balanced"), Weights())),
    "verbose": Or(Flag(), Integer(0)),
}
"""Constraints of the parameters; `Recipe` checks the penalties, and `make_engine` the engine's."""


class MLPClassifierCV(
    Exports,
    FittedClassifier,
    ClassifierMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
):
    """A two-layer network whose penalty, epochs and temperature are chosen by cross-validation.

    Networks learn from the rows outside one inner fold each, and stop when the loss on that fold no
    longer improves. Each penalty is tried on two folds; those whose loss there is more than 5 %
    above the least are given up, and the others are tried on the other folds too. The penalty with
    the least out-of-fold loss is chosen. With it, and for the
    median of the numbers of epochs, new networks learn from all rows, and are averaged into one,
    exactly (`backhand.fold`); its logits are divided by the temperature with the least out-of-fold
    loss. Columns are standardised inside, and mean and scale are folded into
    W1 and b1: the fitted network takes X as it is. It does the same as `backhand train`, for X of
    numbers.

    Parameters
    ----------
    hidden : int, default=128
        Number of hidden units of a network. The averaged one has those of all together.
    penalties : sequence of float, default=(0.0002, 0.002, 0.02)
        λ that are compared: λ/2 (‖W1‖² + ‖W2‖²) is added to the loss.
    cv : int, splitter or iterable, default=5
        The inner folds: a number of folds, which are stratified and keep `groups` together; a
        splitter such as `KFold`, `GroupKFold` or `TimeSeriesSplit`; or its splits.
    members : int, default=5
        Number of networks that learn from all rows and are averaged.
    max_iter : int, optional
        Maximum number of epochs; None: 10 to 400, for about 8,000 updates.
    budget : str, optional
        Time after which the search ends with what it has found, such as "30s" or "5min".
    class_weight : dict, "balanced" or None, default=None
        Weight of each class, times its rows' sample weights; out-of-fold figures have them too.
    random_state : int, RandomState or None, default=None
        Seed for the folds, the initial parameters and the orders of the rows.
    verbose : bool or int, default=False
        Print how far the search is.
    engine : {"auto", "fused", "reference", "torch"}, default="auto"
        What computes, as for `backhand.train`.
    device : str or None, default=None
        Where the torch engine computes: "cpu", "cuda", "cuda:1".
    threads : int or None, default=None
        Maximum number of threads; None: as many as the process may use.
    precision : {"auto", "bf16"}, default="auto"
        As for `backhand.train`. With "bf16" X becomes float32.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        The labels, sorted.
    coefs_, intercepts_ : list of two ndarrays
        [W1 (d, H), W2 (H, K)] and [b1 (H,), b2 (K,)], in float64, for X as it was passed.
    parameters_ : Parameters
        W1, b1, W2, b2: the same arrays.
    penalty_, temperature_ : float
        Those chosen. The temperature is infinite where the class shares predict better than all
        that was tried: then they are what the network predicts.
    n_iter_ : int
        Epochs of each averaged network.
    out_of_fold_proba_ : ndarray of shape (N, K)
        What the members of the other folds, with the temperature, predict for each training row;
        nan for a row that is in no fold. float32.
    out_of_fold_loss_, out_of_fold_score_ : float
        Mean cross-entropy and accuracy of these rows; nan without such rows.
    cv_results_ : dict of ndarray
        An entry for each network of the search: `penalty`, `fold`, `epochs`, `best_epoch`, `loss`
        and `accuracy` on its fold. A penalty that was given up has no entries of the other folds.
    n_features_in_ : int
        d.
    feature_names_in_ : ndarray of shape (d,)
        Names of X's columns, if it has any.
    n_layers_, n_outputs_, out_activation_ : int, int and str
        3; K; "softmax".

    See Also
    --------
    MLPClassifier : One network, with settings that you choose.
    backhand.fit : The same from a table, with texts and dates.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from backhand import MLPClassifierCV
    >>> X, y = load_wine(return_X_y=True)
    >>> clf = MLPClassifierCV(hidden=16, random_state=0).fit(X, y)
    >>> clf.coefs_[0].shape, clf.out_of_fold_proba_.shape, bool(clf.out_of_fold_score_ > 0.9)
    ((13, 80), (178, 3), True)
    """

    _chosen: Chosen
    _history: History

    def __init__(
        self,
        *,
        hidden: int = 128,
        penalties: Sequence[float] = PENALTIES,
        cv: Any = 5,
        members: int = MEMBERS,
        max_iter: int | None = None,
        budget: str | None = None,
        class_weight: Mapping[Any, float] | str | None = None,
        random_state: Any = None,
        verbose: bool | int = False,
        engine: str = "auto",
        device: str | None = None,
        threads: int | None = None,
        precision: str = "auto",
    ) -> None:
        self.hidden = hidden
        self.penalties = penalties
        self.cv = cv
        self.members = members
        self.max_iter = max_iter
        self.budget = budget
        self.class_weight = class_weight
        self.random_state = random_state
        self.verbose = verbose
        self.engine = engine
        self.device = device
        self.threads = threads
        self.precision = precision

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> MLPClassifierCV:
        """Choose and train on the rows of X.

        Parameters
        ----------
        X : array, data frame, Arrow table or sparse matrix of shape (N, d)
            Members are trained in float32 if X is float32, and else in float64, which takes about
            twice the time. A sparse X is scaled, but not centred, and never made dense.
        y : array_like of shape (N,)
            Labels of any kind: texts, numbers or booleans.
        sample_weight : array_like of shape (N,), optional
            Weights of the rows: means become weighted means.
        groups : array_like of shape (N,), optional
            Rows of one group are in one inner fold.

        Returns
        -------
        MLPClassifierCV
            The same object, fitted.

        Raises
        ------
        InputError
            If an argument or a constructor parameter is not allowed.
        DivergenceError
            If a member of each penalty diverges.

        Examples
        --------
        Several rows of one patient are in one fold:

        >>> import numpy as np
        >>> from backhand import MLPClassifierCV
        >>> rng = np.random.default_rng(0)
        >>> patient = np.repeat(np.arange(20), 3)
        >>> X = rng.standard_normal((60, 4)) + rng.standard_normal((20, 4))[patient]
        >>> y = np.where(X[:, 0] > 0, "ill", "well")
        >>> clf = MLPClassifierCV(hidden=8, members=2, cv=4, max_iter=50, random_state=0)
        >>> clf.fit(X, y, groups=patient).penalty_ in clf.penalties
        True
        """
        check_all(self, CONSTRAINTS)
        engine = self._engine()
        X, labels = features_and_labels(self, X, y, reset=True)
        classes = same_classes(labels, None)
        if len(classes) < 2:
            raise InputError(f"y has 1 class, {classes.tolist()[0]!r}; expected two or more.")
        places = places_of(labels, classes, "y")
        of_rows = None
        if sample_weight is not None:
            of_rows = weights_of(X.dtype, labels, sample_weight, None, classes)
        weights = weights_of(X.dtype, labels, sample_weight, self.class_weight, classes)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        folds = inner_folds(self.cv, X, places, groups, seed)
        recipe = self._recipe(folds, seed)
        scaling = Scaling.of(X, of_rows)
        data = Data(scaling.apply(X), places, weights)
        found = select(data, folds, len(classes), recipe, engine, dtype=X.dtype,
                       watch=_Printer() if self.verbose else _silent)  # fmt: skip
        self.classes_ = classes
        self._keep(found, scaling, data)
        return self

    def _recipe(self, folds: InnerFolds, seed: int) -> Recipe:
        """What is tried: as `backhand train` does it, with these penalties."""
        settings = Settings(hidden=self.hidden, epochs=self.max_iter, members=self.members,
                            budget=self.budget, seed=seed)  # fmt: skip
        penalties = tuple(np.ravel(np.asarray(self.penalties)).tolist())
        # Rows may stand for weights, and weights for rows: nothing may be drawn from single rows.
        recipe = settings.recipe_for(folds)
        return replace(recipe, penalties=penalties, kinks_among_rows=False)

    def _keep(self, found: Selection, scaling: Scaling, data: Data) -> None:
        """Keep what was chosen, and the network for X as it was passed."""
        params = scaling.folded(found.params)
        self.coefs_, self.intercepts_ = [params.W1, params.W2], [params.b1, params.b2]
        self._chosen, self._history = found.chosen, found.history
        self.penalty_, self.temperature_ = found.chosen.l2, found.chosen.temperature
        self.n_iter_ = found.chosen.epochs
        self.cv_results_ = _table(found.chosen)
        self._keep_out_of_fold(found.out_of_fold, data)

    def _keep_out_of_fold(self, found: OutOfFold | None, data: Data) -> None:
        self.out_of_fold_proba_ = np.full((data.rows, len(self.classes_)), np.nan, np.float32)
        self.out_of_fold_loss_ = self.out_of_fold_score_ = float("nan")
        if found is not None:
            P, w = found.probabilities, data.sample_weight
            self.out_of_fold_proba_[found.rows] = P
            hits = P.argmax(axis=1) == data.y[found.rows]
            self.out_of_fold_loss_ = found.calibrated_loss
            self.out_of_fold_score_ = float(
                np.average(hits, weights=None if w is None else w[found.rows])
            )

    def to_model(self) -> Model:
        """Return a `Model`: parameters, classes, parameters of this object, and what was chosen.

        Returns
        -------
        Model
            What `save` writes, and `explain` and the exports take. Its arrays are the classifier's.

        Raises
        ------
        NotFittedError
            If the classifier has not been fitted.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from backhand import MLPClassifierCV
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = MLPClassifierCV(hidden=8, members=2, max_iter=30, random_state=0).fit(X, y)
        >>> model = clf.to_model()
        >>> model.chosen.l2 == clf.penalty_, model.params.W1.shape
        (True, (4, 16))
        """
        check_is_fitted(self)
        return Model(self.parameters_, tuple(self.classes_), hyperparameters=self._settings(),
                     history=self._history, chosen=self._chosen)  # fmt: skip

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _table(chosen: Chosen) -> dict[str, NDArray[Any]]:
    """Return the trials as columns."""
    columns = zip(*chosen.trials, strict=True) if chosen.trials else [()] * len(Trial._fields)
    found = dict(zip(Trial._fields, map(np.array, columns), strict=True))
    return {"penalty": found.pop("l2"), **found}


def _silent(_: SearchProgress) -> None:
    """Print nothing."""


class _Printer:
    """Prints a line whenever members are done."""

    def __init__(self) -> None:
        self._done = 0

    def __call__(self, progress: SearchProgress) -> None:
        if progress.done > self._done:
            self._done = progress.done
            print(f"{progress.done} of {progress.members} members, "
                  f"{progress.seconds:.1f} s")  # fmt: skip
