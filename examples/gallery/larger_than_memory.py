"""
A table larger than its memory
==============================

800,000 rows of 80 numbers are 244 MB when they are encoded for training. With ``memory="64MB"``
they are written to a file and mapped from there; with ``memory="2GB"`` they stay in memory. The
two models are bit-identical. A thread measures what the process takes meanwhile.

Needs ``pip install 'backhand[fast,plot,tables]' psutil pyarrow``.
"""

import tempfile
import threading
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

import backhand

# %%
# The table
# ---------
# It is written in parts, so that this script does not hold it either. The class says which of
# two products is larger.

N, D, PART = 800_000, 80, 10_000
folder = tempfile.TemporaryDirectory()
table = Path(folder.name) / "large.parquet"
columns = {f"x{k}": pa.float32() for k in range(D)} | {"label": pa.string()}
rng = np.random.default_rng(0)
with pq.ParquetWriter(table, pa.schema(columns)) as writer:
    for _ in range(N // PART):
        X = rng.standard_normal((PART, D), dtype=np.float32)
        label = np.where(X[:, 0] * X[:, 1] > X[:, 2] * X[:, 3], "first", "second")
        writer.write_table(pa.table([*X.T, label], schema=pa.schema(columns)))
encoded = N * D * 4 / 2**20
print(f"{N:,} rows: {encoded:.0f} MB encoded, {table.stat().st_size / 2**20:.0f} MB as Parquet")

# %%
# Training
# --------
# What counts is the memory that the process has for itself. Pages of a mapped file, which the
# system takes back whenever it needs them, do not; Linux calls them shared.


def own_memory():
    """Megabytes in memory, without those of mapped files."""
    memory = psutil.Process().memory_info()
    return (memory.rss - getattr(memory, "shared", 0)) / 2**20


def measured(memory):
    """Train on the table; return the model, and what was measured 20 times per second."""
    curve, ended, began = [], threading.Event(), time.perf_counter()

    def measure():
        while not ended.wait(0.05):
            curve.append((time.perf_counter() - began, own_memory() - before))

    thread = threading.Thread(target=measure)
    thread.start()
    model = backhand.fit(table, "label", quick=True, epochs=1, hidden=32, memory=memory)
    ended.set()
    thread.join()
    return model, np.transpose(curve)


# A small training first, so that the memory of the libraries is not counted.
backhand.fit({"x": X[:, 0] + (label == "first"), "label": label}, "label", quick=True)
before = own_memory()
results = {memory: measured(memory) for memory in ("64MB", "2GB")}
for memory, (model, (seconds, megabytes)) in results.items():
    print(
        f"memory={memory:4}: at most {megabytes.max():.0f} MB more than before, "
        f"{seconds[-1]:.1f} s, held-out accuracy {model.metrics['held_out_accuracy']:.4f}"
    )
small, large = (model for model, _ in results.values())
print("bit-identical:", all(map(np.array_equal, small.params, large.params)))

# %%
# Memory by time
# --------------
# ``memory`` bounds the table's own buffers and the encoded rows. The classes, a few bytes per
# row, and what is being decoded come on top of it.

fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
for memory, (_, (seconds, megabytes)) in results.items():
    ax.plot(seconds, megabytes, label=f'memory="{memory}"')
ax.axhline(encoded, color="black", linestyle="--", linewidth=1, label="the encoded rows")
ax.set(xlabel="seconds", ylabel="MB more than before")
ax.legend()
plt.show()
folder.cleanup()
