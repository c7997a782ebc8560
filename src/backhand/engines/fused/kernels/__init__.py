"""The inner loops: products, softmax, reductions, updates, on vectors in registers."""
