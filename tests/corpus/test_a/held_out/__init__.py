"""64 functions with one fault each, and 24 right ones."""
