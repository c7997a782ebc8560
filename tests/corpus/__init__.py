"""Functions that compute the gradients by hand, right and wrong, and what is wrong in each.

They are written as people write them, in many styles. Each file of `development`, `test_a` and
`test_b` registers its functions with `registry.py`; `record.py` has what the doctor says of them.

The package is imported from the folder `tests`: pytest has it on its path (pyproject.toml), and
scripts are run with `PYTHONPATH=tests`:

    PYTHONPATH=tests python -m corpus.judge
    PYTHONPATH=tests python benchmarks/doctor.py
"""
