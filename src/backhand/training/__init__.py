"""Training: what an epoch is, in which order rows come, when to validate and when to stop."""

from backhand.training.checkpoints import Checkpoint
from backhand.training.events import Callback, Every, Progress, StopTraining
from backhand.training.front import train
from backhand.training.history import History
from backhand.training.loop import TrainResult, carry_out
from backhand.training.stopping import DivergenceError, EarlyStopping

__all__ = [
    "Callback",
    "Checkpoint",
    "DivergenceError",
    "EarlyStopping",
    "Every",
    "History",
    "Progress",
    "StopTraining",
    "TrainResult",
    "carry_out",
    "train",
]
