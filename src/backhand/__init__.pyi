"""The public names, listed once: type checkers read this file, and so does `__init__.py`."""

from backhand import optimizers as optimizers
from backhand.doctor import Finding as Finding
from backhand.doctor import Report as Report
from backhand.doctor import Verdict as Verdict
from backhand.doctor import assert_gradients as assert_gradients
from backhand.doctor import check as check
from backhand.dropout import dropout_mask as dropout_mask
from backhand.engines import make_engine as make_engine
from backhand.equations import Activations as Activations
from backhand.equations import Gradients as Gradients
from backhand.equations import Parameters as Parameters
from backhand.errors import BackhandError as BackhandError
from backhand.errors import BackhandWarning as BackhandWarning
from backhand.errors import InputError as InputError
from backhand.errors import MissingDependencyError as MissingDependencyError
from backhand.errors import MissingFileError as MissingFileError
from backhand.errors import OutputError as OutputError
from backhand.estimator import MLPClassifier as MLPClassifier
from backhand.exports.numpy import export_numpy as export_numpy
from backhand.exports.onnx import export_onnx as export_onnx
from backhand.exports.torch import from_torch as from_torch
from backhand.exports.torch import to_torch as to_torch
from backhand.functional import accuracy as accuracy
from backhand.functional import backward as backward
from backhand.functional import cross_entropy as cross_entropy
from backhand.functional import forward as forward
from backhand.functional import init as init
from backhand.functional import sgd as sgd
from backhand.model import Model as Model
from backhand.model import load as load
from backhand.model import save as save
from backhand.support.signals import Interrupted as Interrupted
from backhand.tables.reading.reader import read_table as read_table
from backhand.tables.table import Table as Table
from backhand.training.callbacks import Callback as Callback
from backhand.training.callbacks import Every as Every
from backhand.training.callbacks import Progress as Progress
from backhand.training.callbacks import StopTraining as StopTraining
from backhand.training.checkpoints.checkpoint import Checkpoint as Checkpoint
from backhand.training.early_stopping import DivergenceError as DivergenceError
from backhand.training.early_stopping import EarlyStopping as EarlyStopping
from backhand.training.history import History as History
from backhand.training.result import TrainResult as TrainResult
from backhand.training.train import train as train

__version__: str
