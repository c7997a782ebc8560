"""The files of a table: text of strangers read in bounds, and whether they changed."""
