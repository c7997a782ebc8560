"""`RayMLPClassifier`: the classifier whose rows are shared out over workers, on a Ray cluster."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from copy import deepcopy
from functools import wraps
from typing import Any

from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from backhand.cluster.connect import connect
from backhand.cluster.parts import Parts
from backhand.cluster.ray_objects import is_reference, machines_near, wait_for
from backhand.cluster.transport import Transport
from backhand.constraints import Constraint, Exactly, Integer, Or, Text, check_all
from backhand.errors import InputError
from backhand.estimator.classifier import MLPClassifier
from backhand.estimator.inputs import Reader
from backhand.estimator.integrations import enter
from backhand.estimator.listed_parts import computed, is_in_parts, scored
from backhand.estimator.parts_reader import PartsReader, check_lists
from backhand.model import Model

OURS = ("num_workers", "address")
"""The parameters that `MLPClassifier` does not have."""

THREADS = "threads"
"""The address of workers that are threads of this process, without Ray."""

CONSTRAINTS: Mapping[str, Constraint] = {
    "num_workers": Integer(1),
    "address": Or(Exactly(None), Text()),
}


def _with_the_parameters_of(kind: type) -> Callable[[Any], Any]:
    """Decorate an `__init__` that passes on its `**settings`: its signature names them all."""

    def decorate(init: Any) -> Any:
        theirs = inspect.signature(kind.__init__).parameters  # type: ignore[misc]
        own = inspect.signature(init).parameters
        new = [own[name] for name in OURS]
        init.__signature__ = inspect.Signature([*theirs.values(), *new])
        return init

    return decorate


def _by_part(method: Callable[[Any, Any], NDArray[Any]]) -> Any:
    """Return a method for X in one piece, or for a list of parts."""

    @wraps(method)
    def called(self: RayMLPClassifier, X: Any) -> Any:
        if not is_in_parts(X):
            return method(self, X)
        return self._of_each(computed, (method.__name__,), [(part,) for part in X])

    first, *others = str(method.__doc__).split("\n\n")
    called.__doc__ = "\n\n".join([first, "        For a list of parts, a list of these.", *others])
    return called


class RayMLPClassifier(MLPClassifier):
    """`MLPClassifier` for rows that are shared out over workers, on one machine or on many.

    Each update is computed by the workers that hold its rows, and their sums are added in an order
    that depends on sizes alone: the same `random_state` gives the same bits for any number of
    workers, and to rounding the numbers of `MLPClassifier`. A worker that is lost is replaced while
    training continues, and no bit changes.
    https://backhand-mlp.github.io/backhand/many-machines.html says when it is faster than one
    machine.

    Parameters
    ----------
    num_workers : int, default=2
        Number of workers: of Ray, each is a process with `threads` CPUs (one, if None).
    address : str or None, default=None
        None: the Ray cluster that this process is connected to (`ray.init`), or that of the
        environment variable RAY_ADDRESS; if there is neither, one that is started on this machine
        and ended with the call. "local": always one of its own. "auto": also a cluster that runs
        on this machine. "threads": workers are threads of this process, without Ray. Otherwise
        the address of a cluster, such as "10.0.0.1:6379".
    **settings : Any
        All parameters of `MLPClassifier`, with their names, defaults and meanings. `threads` are
        those of each worker.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        The labels, sorted; and all other attributes of `MLPClassifier`. Nothing of a cluster is
        kept: a fitted classifier predicts, and can be pickled, without one.

    See Also
    --------
    MLPClassifier : The same on one machine.

    Notes
    -----
    Workers are started by each `fit` and `partial_fit`, and ended with it. `partial_fit` is for
    few large sets of rows; for many small ones, continue with `to_local()`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from backhand import RayMLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> settings = {"solver": "lbfgs", "random_state": 0, "address": "threads"}
    >>> clf = RayMLPClassifier((16,), num_workers=2, **settings).fit(X, y)
    >>> clf.predict(X[:2])
    array([0, 0])

    Rows in parts, some of which may be references to objects in Ray's store:

    >>> clf = RayMLPClassifier((16,), num_workers=2, **settings)
    >>> clf = clf.fit([X[:70], X[70:]], [y[:70], y[70:]])
    >>> type(clf.to_local()).__name__
    'MLPClassifier'
    """

    @_with_the_parameters_of(MLPClassifier)
    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        num_workers: int = 2,
        address: str | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(hidden_layer_sizes, activation, **settings)
        self.num_workers = num_workers
        self.address = address

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> RayMLPClassifier:
        """Train on the rows of X, on workers.

        Parameters
        ----------
        X : array, data frame, Arrow table or sparse matrix of shape (N, d); or a list of such parts
            A table in one piece is cut into parts. A list has a part (n, d) in each entry, or a
            reference to one (`ray.ObjectRef`): it is read, validated and converted by the worker
            that holds it, and does not pass through this process. Parts must have the same
            columns. One may have any number of rows, also none, and any of the classes.
        y : array_like of shape (N,), or a list of (n,)
            Labels of any kind; a list if X is one.
        sample_weight : array_like of shape (N,), or a list of (n,), optional
            Weights of the rows: means become weighted means.
        X_val, y_val, sample_weight_val : array_like, optional
            Rows to validate on after each epoch, in the same forms.

        Returns
        -------
        RayMLPClassifier
            The same object, fitted.

        Raises
        ------
        InputError
            If an argument or a constructor parameter is not allowed; it names the part.
        BackhandError
            If the workers are lost again and again.
        DivergenceError
            If the loss stops being finite.
        """
        super().fit(X, y, sample_weight, X_val, y_val, sample_weight_val)
        return self

    predict_proba = _by_part(MLPClassifier.predict_proba)
    predict_log_proba = _by_part(MLPClassifier.predict_log_proba)
    predict = _by_part(MLPClassifier.predict)
    decision_function = _by_part(MLPClassifier.decision_function)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy: the share of the rows whose most probable class is theirs in y.

        Parameters
        ----------
        X, y, sample_weight : array_like
            As for `fit`.

        Returns
        -------
        float
            From 0 to 1.

        Raises
        ------
        InputError
            If X is a list, and y is not one with as many parts.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from backhand import RayMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = RayMLPClassifier((8,), solver="lbfgs", random_state=0, address="threads")
        >>> clf = clf.fit([X[:70], X[70:]], [y[:70], y[70:]])
        >>> clf.score([X[:70], X[70:]], [y[:70], y[70:]]) > 0.9
        True
        """
        if not is_in_parts(X):
            return super().score(X, y, sample_weight)
        check_lists(X, y, sample_weight)
        w = [None] * len(X) if sample_weight is None else sample_weight
        hits, weights = zip(*self._of_each(scored, (), zip(X, y, w, strict=True)), strict=True)
        return float(sum(hits) / sum(weights))

    def to_local(self) -> MLPClassifier:
        """Return an `MLPClassifier` with the same parameters, and fitted if this one is.

        It continues where this one has ended, with `partial_fit` or `warm_start`.

        Returns
        -------
        MLPClassifier
            Its arrays are copies.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from backhand import RayMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = RayMLPClassifier((8,), solver="lbfgs", random_state=0, address="threads")
        >>> local = clf.fit(X, y).to_local()
        >>> bool((local.predict(X) == clf.predict(X)).all())
        True
        """
        local = MLPClassifier()
        for name, value in vars(self).items():
            if name not in OURS:
                shared = name == "_skl_callbacks"  # they may be of the user's, or not be copied
                setattr(local, name, value if shared else deepcopy(value))
        return local

    def to_model(self) -> Model:
        """Return a `Model`: parameters, classes, constructor parameters and history.

        Returns
        -------
        Model
            As that of `MLPClassifier.to_model`.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from backhand import RayMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = RayMLPClassifier((8,), solver="lbfgs", random_state=0, address="threads")
        >>> clf.fit(X, y).to_model().params
        Parameters (float64): W1 (4, 8), b1 (8,), W2 (8, 3), b2 (3,)
        """
        return self.to_local().to_model()

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_all(self, CONSTRAINTS)

    @contextmanager
    def _reader(self, *passed: Any) -> Iterator[Reader]:
        lists = [values for values in passed if isinstance(values, list | tuple)]
        references = [value for values in lists for value in values if is_reference(value)]
        with self._connected(references) as transport:
            batch_size = None if self.solver == "lbfgs" else self.batch_size
            yield PartsReader(transport, batch_size)

    def _connected(self, references: Sequence[Any]) -> AbstractContextManager[Transport]:
        """Start the workers, once the objects exist that they will read."""
        if references:
            if self.address == THREADS:
                raise InputError(
                    f"address is '{THREADS}', and X has references to objects of Ray, which only "
                    "workers of Ray can read: pass address=None."
                )
            wait_for(references)
        address = None if self.address == THREADS else self.address or _usual_address()
        return connect(int(self.num_workers), address, self.threads)

    def _of_each(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        of_part: Iterable[tuple[Any, ...]],
    ) -> list[Any]:
        """Return `function({}, self, *args, *of_part[p])` of each part p.

        Workers compute it if any of the arguments is a reference, and otherwise this process.
        """
        check_is_fitted(self)
        of_part = list(of_part)
        references = [value for values in of_part for value in values if is_reference(value)]
        if not references:
            return [function({}, self, *args, *values) for values in of_part]
        local = self.to_local().drop_optimizer_state()
        with self._connected(references) as transport:
            near = machines_near([[X] if is_reference(X) else [] for X, *_ in of_part])
            parts = Parts(transport, len(of_part), near=near)
            return parts.each(function, transport.share(local), *args, of_part=of_part)


enter(RayMLPClassifier)


def _usual_address() -> str:
    """Return what `connect` takes for the cluster that there is, or for one of its own."""
    ray: Any = sys.modules.get("ray")
    connected = ray is not None and ray.is_initialized()
    return "auto" if connected or "RAY_ADDRESS" in os.environ else "local"
