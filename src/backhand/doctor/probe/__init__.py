"""Calling a user's function on problems, and collecting what it returned."""
