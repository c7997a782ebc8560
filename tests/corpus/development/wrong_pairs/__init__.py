"""Two faults each, in any style.

In each pair the faults neither cancel nor hide each other: if one of them alone is fixed, something
that the function returns changes, and something is still wrong.
"""
