"""The frame of a function: which network it computes, and how it is called."""
