"""Which faults of the dictionary give a function's numbers."""
