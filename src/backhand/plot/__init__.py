"""Pictures with matplotlib: displays in scikit-learn's convention, of results, models, classifiers.

Each class is made by `from_estimator`, which computes what is shown and draws it, and has `plot`,
which draws it again elsewhere. The values are its attributes; what was drawn are attributes whose
names end in `_`.
"""

from backhand.plot.decision_regions import DecisionRegionsDisplay
from backhand.plot.hidden_units import HiddenUnitsDisplay
from backhand.plot.loss_curve import LossCurveDisplay
from backhand.plot.mask import MaskDisplay
from backhand.plot.weights import WeightsDisplay

__all__ = [
    "DecisionRegionsDisplay",
    "HiddenUnitsDisplay",
    "LossCurveDisplay",
    "MaskDisplay",
    "WeightsDisplay",
]
