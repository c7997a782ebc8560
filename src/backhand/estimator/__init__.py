"""scikit-learn's `MLPClassifier` over Backhand's training: change one import line."""

from importlib.metadata import PackageNotFoundError, version

from backhand.engines.registry import preload
from backhand.errors import MissingDependencyError
from backhand.support.optional import LEAST, is_installed, pip

preload()
try:
    if not is_installed("sklearn"):
        raise ModuleNotFoundError(name="sklearn")
    from backhand.estimator.classifier import MLPClassifier
    from backhand.estimator.cross_validated import MLPClassifierCV
    from backhand.estimator.search import GridSearchCV
except ModuleNotFoundError as error:
    if not str(error.name).startswith("sklearn"):
        raise
    try:
        found = f"{version('scikit-learn')} is installed"
    except PackageNotFoundError:
        found = "it is not installed"
    least = ".".join(map(str, LEAST["sklearn"][1]))
    raise MissingDependencyError(
        f"Backhand's estimators need scikit-learn {least} or newer, and {found}; install it with: "
        f"{pip('sklearn')}."
    ) from error
from backhand.estimator.integrations import enter  # noqa: E402

__all__ = ["GridSearchCV", "MLPClassifier", "MLPClassifierCV"]

enter(MLPClassifier)
