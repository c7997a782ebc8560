"""Files to the table or view `rows`, by their format."""
