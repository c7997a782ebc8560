"""What the documents show is what the code says and does."""

import re

import numpy as np
import pytest

from conftest import ROOT
from equations.test_mutations import MUTANTS

SOURCE = (ROOT / "src/backhand/equations.py").read_text()
DERIVATION = (ROOT / "docs/derivation.md").read_text()
README = (ROOT / "README.md").read_text()
DOCTOR = (ROOT / "docs/doctor.md").read_text()
FLEETS = (ROOT / "docs/fleets.md").read_text()
FROM_SCIKIT_LEARN = (ROOT / "docs/from-scikit-learn.md").read_text()


def code(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def test_every_line_of_the_derivation_is_a_line_of_the_equations() -> None:
    lines = [line.strip() for block in code(DERIVATION) for line in block.splitlines()]
    assert len(lines) > 15
    for line in lines:
        assert line in SOURCE, line


def test_every_line_of_the_backward_pass_is_derived() -> None:
    body = SOURCE[SOURCE.index("dS = (P - Y)") : SOURCE.index("return Gradients(dS")]
    for line in body.splitlines():
        assert line.strip() in DERIVATION, line


def test_the_documents_name_files_that_exist() -> None:
    tops = ("src", "tests", "docs", "examples", "benchmarks")
    here = [f"/{path.relative_to(ROOT)}" for top in tops for path in (ROOT / top).rglob("*.py")]
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    named = {(document.name, name) for document in documents
             for name in re.findall(r"`([\w/]+\.py)`", document.read_text())}  # fmt: skip
    assert len(named) > 60
    missing = [pair for pair in named if not any(path.endswith(f"/{pair[1]}") for path in here)]
    assert not missing


def test_the_derivation_counts_its_mutants_right() -> None:
    assert f"in {len(MUTANTS)} ways" in DERIVATION


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_readmes_python_runs(capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    namespace: dict = {}
    for block in code(README):
        exec(block, namespace)
    first, held_out, predicted, last = capsys.readouterr().out.splitlines()
    assert min(float(first.split()[-1]), float(held_out), float(last)) > 0.9
    assert f"# {predicted}; frames" in README


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_python_for_those_who_come_from_scikit_learn_runs(capsys) -> None:
    namespace: dict = {}
    for block in code(FROM_SCIKIT_LEARN):
        exec(block, namespace)
    score, validated, best, searched, chosen, the_same = capsys.readouterr().out.splitlines()
    assert f"# {float(score):.2f}, about" in FROM_SCIKIT_LEARN
    assert all(f"# {line}\n" in FROM_SCIKIT_LEARN for line in (searched, chosen))
    accuracy, scores, losses = map(float, validated.split())
    assert accuracy > 0.9 and scores == losses and best == the_same == "True"


def test_the_readmes_demo_prints_what_the_demo_prints(tmp_path, monkeypatch) -> None:
    from typer.testing import CliRunner

    from backhand.cli.app import app

    monkeypatch.chdir(ROOT)
    output = tmp_path / "penguins.safetensors"
    command = ["train", "examples/penguins.csv", "--target", "species", "--output", str(output)]
    printed = CliRunner().invoke(app, command).stdout.replace(str(tmp_path) + "/", "")
    shown = README[README.index("    Table  examples") : README.index("`--explain-words` explains")]
    # Losses and borderline rows may differ in a last digit between CPUs; words and shapes may not.
    blank = re.compile(r"\d+\.\d+|\d+(?= of 69)|(?<= )[\d·]+$", re.MULTILINE)
    ours = [blank.sub("#", line.strip()) for line in printed.splitlines() if line.strip()]
    theirs = [blank.sub("#", line.strip()) for line in shown.splitlines() if line.strip()]
    assert ours == theirs


def test_what_the_doctors_page_wraps_is_judged(capsys) -> None:
    """Its own example is diagnosed as printed there, and the wrapped code is right."""
    import torch

    from backhand.doctor import check
    from corpus import wrapped

    namespace = vars(wrapped) | {"torch": torch}
    for block in code(DOCTOR):
        exec(block, namespace)
    assert f"# {capsys.readouterr().out}" in DOCTOR
    for name in ("of_a_tape", "of_a_function"):
        report = check(namespace[name])
        assert report.ok, str(report)


def test_the_doctors_gallery_shows_what_the_doctor_says() -> None:
    import html

    from backhand.doctor import check
    from corpus import record
    from corpus.registry import cases

    shown = cases("gallery", "mistaken")
    assert len(shown) == 11
    for case in shown:
        name = "mistaken" if case.collection == "mistaken" else case.function.__name__
        assert f"doctor/{name}.svg" in DOCTOR + README
        picture = (ROOT / f"docs/doctor/{name}.svg").read_text()
        words = html.unescape(re.sub(r"<[^>]*>", "", picture)).replace("\xa0", " ")
        report = check(case.function, autograd=False, **case.options)
        found = sorted(finding.id for finding in report.findings)
        assert found == record.judgement(case, record.read()).found
        for finding in report.findings:
            start = finding.mistake.split(",")[0][:60]
            assert start in " ".join(words.split()), (case.name, start)


def test_the_doctors_page_counts_its_dictionary_right() -> None:
    from backhand.doctor.faults import dictionary

    assert f"{len(dictionary()):,} entries" in DOCTOR


def test_the_sweep_of_many_trainings_runs(capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 4))
    namespace: dict = {"X": X, "y": (X[:, 0] > 0).astype(int)}
    for block in code(FLEETS):
        exec(block, namespace)
    assert capsys.readouterr().out.startswith("best: learning rate 0.")
    assert len(namespace["results"]) == 300
