"""Where the columns of X come from: each is the column of the table, encoded as it says."""

from __future__ import annotations

import re

import numpy as np

from backhand.explanation.origins import origins
from backhand.tables.schema.columns import Category, Date, Number
from backhand.tables.schema.schema import Schema

SCHEMA = Schema("y", (
    Number("mass", 4.0, 2.0, missing=0.1),
    Number("wing", 0.0, 1.0, missing=0.0, bins=(1.0, 2.0, 5.0)),
    Date("when", 100.0, 10.0, missing=0.0, cycles=("year",)),
    Category("island", ("Biscoe", "Dream"), missing=0.1, other=0.1),
))  # fmt: skip


def test_each_column_of_X_has_its_origin() -> None:
    found = origins(SCHEMA)
    assert len(found) == SCHEMA.width
    for feature, origin in zip(SCHEMA.features, found, strict=True):
        assert feature.startswith(origin.column)
        for word in ("missing", "year", "Biscoe", "Dream"):
            assert (word in feature) == (word in origin.encoding)


def test_a_standardised_number_is_said_to_be_computed_from_the_cell() -> None:
    values, X = np.array([6.0, 1.5, 4.0, 90.0]), np.empty((4, 2), np.float32)
    SCHEMA.columns[0].encode(values, X)
    said = [origins(SCHEMA)[0].sentence(float(x)) for x in X[:, 0]]
    assert said[0] == "column 'mass' of the table, standardised: (6 - 4) / 2"
    x, mean, std = map(float, re.findall(r"[\d.]+", said[1].partition(":")[2]))
    assert np.isclose((x - mean) / std, X[1, 0])
    assert said[2].endswith("the mean, 4, which also stands for a missing value")
    assert said[3].endswith("clipped to 10")
