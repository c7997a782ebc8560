"""Real tables from beside the checkout: each is understood and, in few epochs, learned."""

import numpy as np
import pytest

from backhand.table_settings import Settings
from backhand.tables.reading.reader import read_table
from backhand.tabular.training import fit_table, prepare_table

TABLES = {
    "BreastCancer": ("Class", 2, 0.9),
    "HouseVotes84": ("Class", 2, 0.85),
    "LetterRecognition": ("lettr", 26, 0.7),
    "PimaIndiansDiabetes2": ("diabetes", 2, 0.7),
    "Soybean": ("Class", 19, 0.8),
    "Vowel": ("Class", 11, 0.6),
    "penguins": ("species", 3, 0.9),
}


@pytest.mark.filterwarnings("ignore:the classes:backhand.errors.BackhandWarning")  # Vowel: hAd, had
@pytest.mark.parametrize("name", TABLES)
def test_a_real_table_is_learned(shared, name) -> None:
    target, K, least = TABLES[name]
    settings = Settings(quick=True, epochs=30 if name != "LetterRecognition" else 5)
    prepared = prepare_table(read_table(shared / f"{name}.csv"), target, settings)
    assert len(prepared.target.classes) == K
    assert [note.column for note in prepared.notes] == (["Id"] if name == "BreastCancer" else [])
    X = prepared.training.X
    assert X.dtype == np.float32 and np.isfinite(X).all() and abs(X.mean()) < 1
    _, evaluation = fit_table(prepared, settings)
    assert evaluation is not None and evaluation.accuracy > least
