"""The time of a training step, compared with other libraries on the same machine.

The command line and the scripts in `benchmarks/` call `process.benchmark`. It measures each number
of threads in a process of its own, because libraries read that number only when they are loaded.
There, `measure.measure` times the contenders in turn. A step is always one full batch with plain
SGD: forward pass with loss and accuracy, backward pass, update.
"""
