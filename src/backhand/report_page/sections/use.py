"""How to use the model, how it was made, and what the words mean."""

from __future__ import annotations

import shlex

from backhand.glossary import TERMS
from backhand.report_page.contents import Contents
from backhand.report_page.html import Html, details, element, joined, lines, table, whole
from backhand.report_page.wording import NONE


def use(contents: Contents) -> Html:
    """Return the commands that use the model."""
    name = shlex.quote(contents.model_file)
    steps = [
        ("Predict the classes of new rows, in a file with the same columns:",
         f"backhand predict {name} NEW_DATA.csv -o predicted.csv"),
        ("Measure how good it is on rows whose class is known, and that it was not trained on:",
         f"backhand evaluate {name} OTHER_DATA.csv --report evaluation.html"),
        ("In Python:",
         f"import backhand\n\nmodel = backhand.load({contents.model_file!r})\n"
         "print(model.predict('NEW_DATA.csv'))"),
        ("As a single Python file that needs only NumPy:",
         f"backhand export {name} --to numpy -o model.py"),
    ]  # fmt: skip
    if contents.command is None:  # it was made in Python, which saves it when it is asked to
        steps.insert(0, ("Save it, where it was made in Python:",
                         f"backhand.save(model, {contents.model_file!r})"))  # fmt: skip
    return joined(
        part for text, command in steps
        for part in (element("p", text), element("pre", element("code", lines(command))))
    )  # fmt: skip


def made(contents: Contents) -> Html:
    """Return the exact command, the settings and the versions."""
    parts = []
    if contents.command:
        parts += [
            element("p", "The command:"),
            element("pre", element("code", whole(contents.command))),
        ]
    d, H, K = contents.model.sizes
    text = (
        f"The network has {d:,} input numbers (features), {H:,} hidden units and {K:,} outputs, "
        "one for each class."
    )
    parts.append(element("p", text))
    shown = {None: NONE, True: "yes", False: "no"}
    settings = [
        (name, shown[value] if value is None or isinstance(value, bool) else str(value))
        for name, value in contents.model.hyperparameters.items()
    ]
    if settings:
        if contents.model.chosen is not None:
            text = (
                "In the settings, epochs is the most that a network of the search was trained for; "
                "their number that was chosen is in “What was chosen”."
            )
            parts.append(element("p", text))
        parts.append(details("All settings of the training", table(["setting", "value"], settings,
                             caption="Settings of the training")))  # fmt: skip
    versions = ", ".join(f"{name} {value}" for name, value in contents.model.versions.items())
    parts.append(element("p", f"Versions: {versions}."))
    return joined(parts)


def words(contents: Contents) -> Html:
    """Return the terms of the page with their meanings."""
    absent = {"bf16"} - {contents.model.hyperparameters.get("precision")}
    entries = (
        part for term, meaning in TERMS.items() if term not in absent
        for part in (element("dt", term), element("dd", meaning))
    )  # fmt: skip
    return element("dl", *entries, class_="words")
