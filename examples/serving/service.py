"""A web service of an exported model: NumPy and FastAPI, without Backhand.

model.py beside this file is the export: `backhand export MODEL --to numpy -o model.py`. Run it with
`uvicorn service:app`; http://127.0.0.1:8000/docs is its page.
"""

from typing import Annotated, Any, Literal

import model
from fastapi import FastAPI
from pydantic import BeforeValidator, ConfigDict, Field, create_model


def text(value: Any) -> Any:
    """A category as the model spells it: numbers and booleans are texts to it."""
    return model.respelled(value) if isinstance(value, bool | int | float | str) else value


def expected(column: Any) -> tuple[Any, Any]:
    """The type of a column's values; null is allowed where training had missing values."""
    kind: Any = float if type(column).__name__ == "Number" else str
    if type(column).__name__ == "Category":
        known = Literal[(*column.categories, *column.equal)]
        kind = Annotated[str if column.other else known, BeforeValidator(text)]
    return (kind | None if column.missing else kind), Field(alias=column.name)


only_these = ConfigDict(extra="forbid", allow_inf_nan=False)
fields: dict[str, Any] = {f"column{i}": expected(column) for i, column in enumerate(model.COLUMNS)}
Row = create_model("Row", __config__=only_these, **fields)
app = FastAPI(title="Predictions")


@app.post("/predict")
def predict(rows: Annotated[list[Row], Field(min_length=1, max_length=10_000)]) -> list[dict]:
    """Classify rows: the most probable class of each, and the probability of every class."""
    values = [row.model_dump(by_alias=True) for row in rows]
    P = model.predict_proba({c.name: [row[c.name] for row in values] for c in model.COLUMNS})
    return [
        {"prediction": model.CLASSES[p.argmax()],
         "probabilities": dict(zip(model.CLASSES, p.tolist(), strict=True))}
        for p in P
    ]  # fmt: skip


@app.get("/health")
def health() -> dict[str, int]:
    """Answer if the model is loaded; what starts and stops services asks this."""
    return {"columns": len(model.COLUMNS), "classes": len(model.CLASSES)}
