"""How long a training step takes, beside other ways to do the same step on the same machine.

`process.benchmark` is what the command line and the scripts in `benchmarks/` call: it measures in
a process of its own for each number of threads, because libraries read that number once, when they
are loaded. There, `measure.measure` times the contenders in turn. What is measured is always full
batches and plain SGD: forward pass with loss and accuracy, backward pass, update.
"""
