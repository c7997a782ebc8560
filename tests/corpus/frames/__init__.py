"""Functions in frames of many kinds: other activations, outputs, losses, layouts and shapes."""
