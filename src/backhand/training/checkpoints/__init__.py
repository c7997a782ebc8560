"""Checkpoints: the state of a training, saved so that nothing can lose it.

A folder holds the last two, each in one safetensors file with a checksum, and belongs to one
training at a time.
"""
