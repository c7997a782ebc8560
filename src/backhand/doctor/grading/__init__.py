"""Grading many submissions: each checked in a process of its own, several at once."""
