"""How well predictions agree with the truth: figures, their intervals, curves."""

from backhand.evaluation.evaluation import Baseline, Evaluation, Verdict, finite
from backhand.evaluation.figures import Figure
from backhand.evaluation.scores import Scores
from backhand.evaluation.tally import Tally

__all__ = ["Baseline", "Evaluation", "Figure", "Scores", "Tally", "Verdict", "finite"]
