"""Checkpoints: the state of a training, saved so that nothing can lose it."""
