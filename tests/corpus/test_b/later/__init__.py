"""60 functions with one fault each, 30 with two, and 30 right ones."""
