"""Training: what an epoch is, in which order rows come, when to validate and when to stop."""

from backhand.training.api import train
from backhand.training.callbacks import Callback, Every, Progress, StopTraining
from backhand.training.checkpoints.manager import Checkpoint
from backhand.training.early_stopping import DivergenceError, EarlyStopping
from backhand.training.history import History
from backhand.training.loop import TrainResult, carry_out

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
