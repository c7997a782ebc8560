"""scikit-learn's `MLPClassifier` over Backhand's training: change one import line."""

from backhand.estimator.classifier import MLPClassifier

__all__ = ["MLPClassifier"]
