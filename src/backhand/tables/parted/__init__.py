"""Tables whose rows are cut into parts, each of which a worker reads."""
