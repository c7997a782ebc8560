"""Which frame a function was written in: how it is called, and which network it computes."""
