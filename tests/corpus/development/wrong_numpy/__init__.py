"""NumPy functions with one fault each."""
