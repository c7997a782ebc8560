"""A client's program, right for a type checker: every kind of call that the documents show."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import backhand
from backhand import BackhandWarning, Interrupted, Table, optimizers

X: NDArray[np.float64] = np.zeros((8, 3))
y: NDArray[np.int64] = np.zeros(8, np.int64)

params = backhand.init(3, 5, 2, seed=1, dtype=np.float64)
acts: backhand.Activations = backhand.forward(params, X)
grads: backhand.Gradients = backhand.backward(params, X, y, acts)
params = backhand.sgd(params, grads, learning_rate=0.1)
shape: tuple[int, ...] = grads.dW1.shape
loss = float(backhand.cross_entropy(acts.S, y))


def show(progress: backhand.Progress) -> None:
    if progress.epoch > 3:
        raise backhand.StopTraining


try:
    result = backhand.train(
        params, X, y, learning_rate=0.1, epochs=5, batch_size=4, optimizer="adam",
        schedule="cosine", engine="reference", callbacks=[backhand.Every(1, show)],
        validation=(X, y), early_stopping=backhand.EarlyStopping(monitor="validation_loss"),
        checkpoint=backhand.Checkpoint("folder"),
    )  # fmt: skip
except (Interrupted, backhand.DivergenceError, BackhandWarning):
    raise
result = backhand.train(params, X, y, optimizer=optimizers.Momentum(0.9))
last: float = float(result.history.loss[-1])

model = backhand.Model(result.params, ("no", "yes"))
table: Table = backhand.read_table(Path("data.csv"))
labels: NDArray[np.object_] = model.predict(X)
for rows in (X, [[1.0, 2.0, 3.0]], {"a": [1.0], "b": ["x"]}, "data.csv", Path("data.csv"), table):
    labels = model.predict_proba(rows, engine="fused")
backhand.save(model, "model.safetensors")
backhand.save(result, Path("model.safetensors"))
classes: tuple[object, ...] = backhand.load("model.safetensors").classes

report: backhand.Report = backhand.check(lambda X, W1: (X, W1))
for finding in report.findings:
    print(finding.equation, finding.mistake, finding.certain, finding.suggestion)
engine = backhand.make_engine("auto", threads=1)
worst: float = backhand.export_numpy(model, "model.py") + backhand.export_onnx(model, "m.onnx")
net = backhand.to_torch(backhand.from_torch(backhand.to_torch(model)))
