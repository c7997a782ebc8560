"""Labels as scikit-learn keeps them, and weights of classes that a fold may lack."""

import warnings

import numpy as np
import pytest
import sklearn.neural_network
from sklearn.datasets import load_iris
from sklearn.model_selection import KFold, cross_val_score

from backhand import InputError, MLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
NAMES = np.array(["a", "bb", "ccc"])[Y]


def frames(make):
    def labels():
        return make(pytest.importorskip("pandas"))

    return labels


LABELS = {
    **{kind: lambda kind=kind: Y.astype(kind)
       for kind in ("i1", "u1", "i4", "i8", "u8", ">i4", "f2", "f4", "f8")},
    "bool": lambda: Y > 0,
    "U": lambda: NAMES,
    "object": lambda: NAMES.astype(object),
    "list of int": Y.tolist,
    "list of str": NAMES.tolist,
    "list of bool": (Y > 0).tolist,
    "datetime": lambda: np.array(["2020-01-01", "2020-01-02", "2020-01-03"], "M8[D]")[Y],
    "series of str": frames(lambda pandas: pandas.Series(NAMES)),
    "string series": frames(lambda pandas: pandas.Series(NAMES, dtype="string")),
    "categorical": frames(lambda pandas: pandas.Series(NAMES, dtype="category")),
    "Int64": frames(lambda pandas: pandas.Series(Y, dtype="Int64")),
    "boolean": frames(lambda pandas: pandas.Series(Y > 0, dtype="boolean")),
}  # fmt: skip


@pytest.mark.parametrize("incremental", [False, True])
@pytest.mark.parametrize("kind", LABELS)
def test_classes_have_scikit_learns_dtype(kind: str, incremental: bool) -> None:
    labels = LABELS[kind]()
    found = []
    for cls in (MLPClassifier, sklearn.neural_network.MLPClassifier):
        clf = cls((4,), max_iter=1, random_state=0)
        if incremental:
            clf.partial_fit(X, labels, classes=np.unique(np.asarray(labels)))
        else:
            clf.fit(X, labels)
        P = clf.predict(X[:3])
        found.append((clf.classes_.dtype, clf.classes_.tolist(), P.dtype, type(P[0])))
    assert found[0] == found[1]


def test_small_batches_are_no_regression() -> None:
    """Of 25 rows of many classes, hardly two are of one; that says nothing of the problem."""
    rng = np.random.default_rng(0)
    clf = MLPClassifier((4,), random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for rows in (1, 25, 40):
            clf.partial_fit(rng.standard_normal((rows, 3)), rng.integers(0, 200, rows),
                            classes=np.arange(200), X_val=rng.standard_normal((30, 3)),
                            y_val=np.arange(30))  # fmt: skip
    with pytest.raises(InputError, match=r"y holds 0\.5, which is not"):
        clf.partial_fit(rng.standard_normal((3, 3)), [0.5, 1, 2])
    with pytest.raises(ValueError, match="Unknown label type"):
        MLPClassifier().partial_fit(X, X[:, 0], classes=np.unique(X[:, 0]))


def test_a_fold_may_lack_a_class_that_has_a_weight() -> None:
    """Unshuffled folds of iris lack a class each."""
    named, balanced, none = (
        cross_val_score(MLPClassifier((8,), max_iter=60, random_state=0, class_weight=weights), X,
                        Y, cv=KFold(3), error_score="raise")
        for weights in ({0: 1.0, 1: 1.0, 2: 1.0}, "balanced", None)
    )  # fmt: skip
    assert np.array_equal(named, none) and np.array_equal(balanced, none)
    two = Y < 2
    for weights in ({0: 3.0, 2: 0.5}, {"a": 1.0}):  # one may be meant by the other
        with pytest.raises(InputError, match="not a class in y, and has no weight"):
            MLPClassifier(class_weight=weights).fit(X[two], Y[two])
    clf = MLPClassifier((8,), class_weight={0: 3.0, 2: 0.5}, random_state=0)
    clf.partial_fit(X[two], Y[two], classes=[0, 1, 2])


def test_weights_of_classes_whose_names_are_digits() -> None:
    weights = {0: 5.0, 1: 1.0, 2: 0.1}
    by_number = MLPClassifier(max_iter=5, random_state=0, class_weight=weights).fit(X, Y)
    by_name = MLPClassifier(max_iter=5, random_state=0,
                            class_weight={str(k): w for k, w in weights.items()})  # fmt: skip
    by_name.fit(X, Y.astype(str))
    assert np.array_equal(by_name.coefs_[0], by_number.coefs_[0])


def test_balanced_weights_leave_out_a_class_that_weighs_nothing() -> None:
    w = np.where(Y == 2, 0.0, 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        clf = MLPClassifier((8,), max_iter=5, random_state=0, class_weight="balanced")
        clf.fit(X, Y, sample_weight=w)
    assert np.isfinite(clf.coefs_[0]).all() and np.isfinite(clf.loss_)
    plain = MLPClassifier((8,), max_iter=5, random_state=0).fit(X, Y, sample_weight=w)
    np.testing.assert_allclose(clf.coefs_[0], plain.coefs_[0], rtol=1e-12)
