"""Checks in a process of their own, for functions that may not return, or end their process."""
