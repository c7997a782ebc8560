"""The parts of a page, in plain words: each a function of the contents."""
