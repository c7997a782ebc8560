"""scikit-learn's `MLPClassifier` over Backhand's training: change one import line."""

from backhand.estimator.classifier import MLPClassifier
from backhand.estimator.integrations import enter

__all__ = ["MLPClassifier"]

enter()
