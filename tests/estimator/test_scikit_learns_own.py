"""scikit-learn's own tests of its MLPClassifier, from the installed package, run on ours.

Its test module is loaded anew with our class in the place of its own, and with ReLU as the only
activation. What is left out stands in `LEFT_OUT` with the reason; everything else has to pass.
"""

import importlib.util
from types import FunctionType, ModuleType

import numpy as np
import pytest
import sklearn.neural_network

from backhand import MLPClassifier
from helpers.optional_packages import new_scikit_learn

REGRESSION = "regression"
LEFT_OUT = {
    "test_fit": "another activation than ReLU, and one output for two classes",
    "test_gradient": "calls a private method; the gradients are checked in test_equations.py",
    "test_predict_proba_binary": "another activation than ReLU",
    "test_multilabel_classification": "several labels a row",
    "test_predict_proba_multilabel": "several labels a row",
    "test_mlp_classifier_dtypes_casting": "two hidden layers",
    "test_mlp_param_dtypes": "two hidden layers",
    "test_lbfgs_regression": REGRESSION,
    "test_lbfgs_regression_maxfun": REGRESSION,
    "test_multioutput_regression": REGRESSION,
    "test_partial_fit_regression": REGRESSION,
    "test_nonfinite_params": REGRESSION,
    "test_shuffle": REGRESSION,
    "test_mlp_regressor_dtypes_casting": REGRESSION,
    "test_mlp_loading_from_joblib_partial_fit": REGRESSION,
    "test_mlp_diverging_loss": REGRESSION,
    "test_mlp_sample_weight_with_early_stopping": REGRESSION,
    "test_mlp_vs_poisson_glm_equivalent": REGRESSION,
    "test_minimum_input_sample_size": REGRESSION,
}


def load_their_tests() -> ModuleType:
    spec = importlib.util.find_spec("sklearn.neural_network.tests.test_mlp")
    assert spec is not None and spec.loader is not None, "scikit-learn came without its tests"
    module = importlib.util.module_from_spec(spec)
    theirs = sklearn.neural_network.MLPClassifier
    try:
        sklearn.neural_network.MLPClassifier = MLPClassifier
        spec.loader.exec_module(module)
    finally:
        sklearn.neural_network.MLPClassifier = theirs
    module.ACTIVATION_TYPES = ["relu"]
    return module


def without_the_regressor(test: FunctionType) -> FunctionType:
    """The test, no longer parametrised with the class that is not replaced."""
    marks = list(getattr(test, "pytestmark", []))
    test.pytestmark = []
    for mark in marks:
        if mark.name == "parametrize" and sklearn.neural_network.MLPRegressor in mark.args[1]:
            mark = pytest.mark.parametrize(mark.args[0], [MLPClassifier]).mark
        test.pytestmark.append(mark)
    return test


THEIRS = load_their_tests()
FOUND = {name: test for name, test in vars(THEIRS).items() if name.startswith("test_")}
globals().update(
    {name: without_the_regressor(test) for name, test in FOUND.items() if name not in LEFT_OUT}
)

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]


@pytest.fixture(autouse=True)
def same_random_numbers_on_every_run() -> None:
    """Many of them leave random_state to NumPy's global generator."""
    np.random.seed(0)


@new_scikit_learn
def test_all_of_scikit_learns_tests_are_run_or_left_out_for_a_reason() -> None:
    assert THEIRS.MLPClassifier is MLPClassifier
    assert set(LEFT_OUT) <= set(FOUND)
    assert len(FOUND) - len(LEFT_OUT) >= 24
