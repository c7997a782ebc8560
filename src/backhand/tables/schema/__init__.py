"""The schema of a table: what its columns are, and how they become a matrix."""
