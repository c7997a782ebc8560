"""What the documents show is what the code says and does."""

import re

import pytest

from conftest import ROOT
from equations.test_mutations import MUTANTS

SOURCE = (ROOT / "src/backhand/equations.py").read_text()
DERIVATION = (ROOT / "docs/derivation.md").read_text()
DOCTOR = (ROOT / "docs/doctor.md").read_text()
CHECK = (ROOT / "docs/check.md").read_text()


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


@pytest.mark.slow
def test_the_doctors_gallery_shows_what_the_doctor_says() -> None:
    import html

    from backhand.doctor import check
    from corpus import record
    from corpus.registry import cases

    shown = cases("gallery", "mistaken")
    assert len(shown) == 11
    for case in shown:
        name = "mistaken" if case.collection == "mistaken" else case.function.__name__
        assert f"doctor/{name}.svg" in DOCTOR + CHECK
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

    assert f"{len(dictionary()):,} entries" in DOCTOR + CHECK
