"""What a cell means: one rule for its number, its day, its text, and for whether it is missing.

The rule depends on the cell, on the type of its column in the file, and on what the schema states
of the column (the decimal sign, the order of day and month), not on other rows: CSV and JSON hold
texts, Parquet and queries values with a type. Spaces around a text are not part of it. An exported
file has the same rule (`exports/numpy_template.py`), and a test compares the two.
"""
