"""Converts a fitted classifier to a Model, an ONNX file or a torch network, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from backhand.errors import InputError
from backhand.model import Model
from backhand.training.history import History
from backhand.training.result import TrainResult


class Exports:
    """The conversions of a fitted classifier."""

    def to_model(self) -> Model:
        """Return a `Model`, which `save` writes to a file."""
        raise NotImplementedError

    def to_onnx(self, path: str | Path, *, double: bool = False) -> None:
        """Write an ONNX file: X (N, d) in, `prediction` and `probabilities` out.

        The file is checked against `predict_proba` before it replaces anything.

        Parameters
        ----------
        path : str or path
            The file to write; its name ends in .onnx.
        double : bool, default=False
            Compute the network in double precision instead of the parameters' dtype.

        Raises
        ------
        InputError
            If `path` cannot be written to.
        MissingDependencyError
            If onnx or onnxruntime is not installed.
        BackhandError
            If the file does not predict as the classifier does.

        See Also
        --------
        export_onnx : The same for any trained network; its page has the details.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> from sklearn.datasets import load_iris
        >>> from backhand import MLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = MLPClassifier((8,), solver="lbfgs", random_state=0).fit(X, y)
        >>> path = Path(tempfile.mkdtemp()) / "iris.onnx"
        >>> clf.to_onnx(path)
        >>> path.exists()
        True
        """
        from backhand.exports.onnx import export_onnx

        export_onnx(self.to_model(), path, double=double)

    def to_torch(self, softmax: bool = False) -> Any:
        """Return an `nn.Sequential(Linear, ReLU, Linear)` whose outputs are the logits S.

        Parameters
        ----------
        softmax : bool, default=False
            Append a Softmax layer: the outputs are P, as in `predict_proba`.

        Returns
        -------
        torch.nn.Sequential
            On the CPU, in the parameters' dtype; its parameters are copies.

        Raises
        ------
        MissingDependencyError
            If torch is not installed.

        See Also
        --------
        from_torch : The way back.

        Examples
        --------
        >>> import torch
        >>> from sklearn.datasets import load_iris
        >>> from backhand import MLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = MLPClassifier((8,), solver="lbfgs", random_state=0).fit(X, y)
        >>> S = clf.to_torch()(torch.tensor(X))
        >>> bool((S.argmax(1).numpy() == clf.predict(X)).all())
        True
        """
        from backhand.exports.torch import to_torch

        return to_torch(self.to_model(), softmax=softmax)

    def _settings(self: Any) -> dict[str, Any]:
        """The constructor's parameters that are JSON values."""
        return {
            name: np.asarray(value).tolist()  # NumPy's own numbers are not JSON's
            for name, value in self.get_params().items()
            if isinstance(value, str | int | float | tuple | np.generic) and value != np.inf
        }


class Interchange(Exports):
    """The conversions of `MLPClassifier`."""

    _trained: TrainResult | None

    def to_model(self: Any) -> Model:
        """Return a `Model`: parameters, classes, constructor parameters and history.

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
        >>> from backhand import MLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = MLPClassifier((8,), solver="lbfgs", random_state=0).fit(X, y)
        >>> clf.to_model()
        Model of d 4, H 8, K 3 (float64): classes 0, 1, 2...
        """
        check_is_fitted(self)
        loss = np.array(self.loss_curve_)
        unknown = np.full(len(loss), np.nan)
        scores, losses = (
            unknown if curve is None or len(curve) != len(loss) else np.array(curve)
            for curve in (self.validation_scores_, self.validation_loss_curve_)
        )
        history = History(loss, unknown, losses, scores)
        return Model(self.parameters_, tuple(self.classes_), hyperparameters=self._settings(),
                     history=history)  # fmt: skip

    @classmethod
    def from_torch(cls, network: Any, classes: Any = None, **settings: Any) -> Any:
        """Return a fitted classifier with the weights of an `nn.Sequential(Linear, ReLU, Linear)`.

        Parameters
        ----------
        network : nn.Sequential
            May end in Softmax or LogSoftmax.
        classes : array_like of shape (K,), optional
            The classes of its outputs, sorted; 0..K-1 if not given.
        **settings : Any
            Constructor parameters, for training that continues by `partial_fit` or `warm_start`.

        Returns
        -------
        MLPClassifier
            Its parameters are copies, float32 or float64 as the network's.

        Raises
        ------
        InputError
            If the network has other layers, or classes that do not fit its outputs.
        MissingDependencyError
            If torch is not installed.

        Examples
        --------
        >>> from torch import nn
        >>> from backhand import MLPClassifier
        >>> net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
        >>> clf = MLPClassifier.from_torch(net, classes=["no", "yes"])
        >>> clf.predict_proba([[5.1, 3.5, 1.4, 0.2]]).shape
        (1, 2)
        """
        from backhand.exports.torch import from_torch

        params = from_torch(network)
        (d, H), K = params.W1.shape, params.b2.shape[0]
        labels = np.arange(K) if classes is None else np.asarray(classes)
        if len(labels) != K or not np.array_equal(labels, np.unique(labels)):
            raise InputError(
                f"classes is {labels.tolist()}; expected the {K} different classes of the "
                "network's outputs, sorted, as scikit-learn keeps them."
            )
        if K == 1:
            raise InputError(
                "the network has one output; expected one per class, so two for two classes: the "
                "sigmoid of s is the softmax of 0 and s."
            )
        settings = {"hidden_layer_sizes": H, **settings}
        clf: Any = cls(**settings)
        clf.classes_, clf.n_features_in_ = labels, d
        clf._reset(params)
        return clf

    def to_sklearn(self) -> Any:
        """Return a fitted `sklearn.neural_network.MLPClassifier` with the same P, to rounding.

        For code that requires scikit-learn's own class. It is independent of this one, has all
        fitted attributes, and its `partial_fit` resumes with the optimizer's state. `class_weight`,
        `dropout`, the engine and its precision, which scikit-learn does not have, are left out.

        Returns
        -------
        sklearn.neural_network.MLPClassifier
            Its arrays are copies.

        Raises
        ------
        InputError
            If the classifier has only one class.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.datasets import load_iris
        >>> from backhand import MLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = MLPClassifier((8,), solver="lbfgs", random_state=0).fit(X, y)
        >>> theirs = clf.to_sklearn()
        >>> bool(np.allclose(theirs.predict_proba(X), clf.predict_proba(X)))
        True
        """
        from backhand.estimator.scikit_learn import to_sklearn

        return to_sklearn(self)

    @classmethod
    def from_sklearn(cls, classifier: Any, **settings: Any) -> Any:
        """Return a fitted classifier with the same P as scikit-learn's, to rounding.

        Parameters
        ----------
        classifier : sklearn.neural_network.MLPClassifier
            Fitted, with one hidden layer of ReLU units and one label per row.
        **settings : Any
            Constructor parameters to change.

        Returns
        -------
        MLPClassifier
            Its arrays are copies. `partial_fit` continues with the optimizer's state.

        Raises
        ------
        InputError
            If it is something else.

        Examples
        --------
        Convert a classifier that scikit-learn has trained:

        >>> from sklearn.datasets import load_iris
        >>> from sklearn.neural_network import MLPClassifier as Theirs
        >>> from backhand import MLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> theirs = Theirs((8,), solver="lbfgs", max_iter=30, random_state=0).fit(X, y)
        >>> clf = MLPClassifier.from_sklearn(theirs, solver="adam")
        >>> bool((clf.predict(X) == theirs.predict(X)).all())
        True
        """
        from backhand.estimator.scikit_learn import from_sklearn

        return from_sklearn(cls, classifier, **settings)

    def drop_optimizer_state(self: Any) -> Any:
        """Discard the optimizer's state, which is up to three quarters of a pickle.

        Predictions stay. `partial_fit` and `warm_start` then begin with a new optimizer, patience
        and learning rate, and `stopped_` is False.

        Returns
        -------
        MLPClassifier
            The same object.

        Raises
        ------
        NotFittedError
            If the classifier has not been fitted.

        Examples
        --------
        >>> import pickle
        >>> from sklearn.datasets import load_iris
        >>> from backhand import MLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = MLPClassifier((64,), max_iter=5, random_state=0).fit(X, y)
        >>> before = len(pickle.dumps(clf))
        >>> len(pickle.dumps(clf.drop_optimizer_state())) < before / 2
        True
        """
        check_is_fitted(self)
        self._trained = None
        return self
