"""Which recipe makes the folded net best: `python -m benchmarks.tricks.run --help`."""
