"""One fault each, in other styles than the NumPy script."""
