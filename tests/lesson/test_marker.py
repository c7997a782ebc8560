"""The marker: right answers, wrong ones by name, hints that grow, and what is no answer yet."""

import doctest

import numpy as np
import pytest

import backhand
from backhand.doctor import Report
from backhand.equations import Gradients
from backhand.errors import InputError
from backhand.lesson import Mark, Marker, mark, marker
from backhand.lesson.sentences import about_wrong
from backhand.lesson.trial import Trial, random_batch, tried
from conftest import ROOT
from lesson.answers import RIGHT, WRONG
from lesson.cells import definition

CASES = [(name, *next(iter(codes.items()))) for name, codes in WRONG.items()]


def answer(name: str, code: str):
    """A function of the values that a line of code reads."""
    scope: dict = {"np": np}
    exec(definition(name, code), scope)
    return scope[name]


def marked(name: str, code: str, hints: int | None = None) -> Mark:
    return getattr(Marker(), name)(answer(name, code), hints=hints)


@pytest.fixture
def no_findings(monkeypatch) -> None:
    """No doctor: what is said is what one call of the answer shows."""
    monkeypatch.setattr(marker, "check", lambda f, **options: Report("wrong", [], []))


@pytest.fixture(scope="module")
def finished() -> Marker:
    """A marker that has had all right answers."""
    marks = Marker()
    for name, code in RIGHT.items():
        said = getattr(marks, name)(answer(name, code))
        assert said.ok and code in str(said), str(said)
    return marks


@pytest.mark.parametrize(("name", "code", "found"), CASES)
def test_two_hints_name_the_fault_at_once(name: str, code: str, found: str) -> None:
    said = marked(name, code, hints=2)
    assert said.outcome == "wrong"
    own = [finding for finding in said.report.findings if finding.equation == name]
    assert [finding.id for finding in own] == [found]
    assert own[0].mistake in str(said) and f"{name} = {RIGHT[name]}" in str(said)


def test_a_cell_that_is_run_again_is_no_new_answer(no_findings) -> None:
    blank = Marker().dW2
    for _ in range(3):
        assert blank(answer("dW2", "dS.T @ H1")).attempt == 1
    assert blank(answer("dW2", "H1.T @ P")).attempt == 2


def test_the_second_answer_gets_a_question_where_the_doctor_has_found_nothing() -> None:
    report = marked("dS", "3", hints=1).report
    assert not report.findings
    for name in RIGHT:
        said = about_wrong(name, Trial(written=True), report, hints=1)
        assert [label for label, _ in said].count("ask yourself") == 1


@pytest.mark.parametrize("code", ["...", "None", "... / N", "P - ..."])
def test_a_blank_is_no_answer(code: str) -> None:
    said = marked("dS", code)
    assert (said.outcome, said.attempt) == ("blank", 0)


def test_a_line_without_return_is_no_answer_and_that_is_said() -> None:
    said = Marker().dS(lambda P, Y: None)
    assert (said.outcome, said.attempt) == ("blank", 0)
    assert "returned nothing (None). Begin the line with `return`." in str(said)


def test_not_implemented_is_no_answer() -> None:
    def dS(P, Y, N):
        raise NotImplementedError

    assert Marker().dS(dS).outcome == "blank"


def test_shapes_that_do_not_fit_are_named_by_letters(no_findings) -> None:
    assert "inner sizes, and here they are N and H" in str(marked("dW2", "H1 @ dS"))
    assert "arrays of shapes (N, H) and (N, K)" in str(marked("dW2", "H1 * dS"))
    assert "Its shape is (K, H)" in str(marked("dW2", "dS.T @ H1"))
    assert "Its shape is ()" in str(marked("db2", "dS.sum()"))


@pytest.mark.parametrize(("name", "code"), [("dS", "P @ Y"), ("dS", "[][1]"), ("db1", "dZ1[9]")])
def test_an_exception_is_all_that_is_said_of_a_line(name: str, code: str) -> None:
    said = marked(name, code, hints=2)
    assert said.outcome == "wrong" and said.lines[0][1].startswith("Your line raised")
    assert [label for label, _ in said.lines[1:]] == ["expected"]
    assert {finding.equation for finding in said.report.findings} == {"call"}


def test_a_name_that_is_unknown_is_named(no_findings) -> None:
    said = marked("db2", "ds.sum(axis=0)")
    assert "Your line reads 'ds', which is not the name of a value. Did you mean 'dS'" in str(said)


@pytest.mark.parametrize(
    ("name", "code", "found"),
    [("dS", "((P - Y) / N).T", "dS.transpose.result"), ("dH1", "W2 @ dS.T", "dH1.transpose.result"),
     ("dZ1", "(dH1 * (Z1 > 0)).T", "dZ1.transpose.result")],
)  # fmt: skip
def test_a_transposed_gradient_is_the_one_finding(name: str, code: str, found: str) -> None:
    said = marked(name, code, hints=1)
    assert [finding.id for finding in said.report.findings] == [found]
    assert "ask yourself: What shape" in str(said)


def test_zeros_are_not_called_truncated_and_a_mean_is_asked_about() -> None:
    said = str(marked("dS", "np.zeros_like(P)", hints=2))
    assert "still the zeros" in said and "or left at zero" in said
    assert "By what is the sum divided" in str(marked("db2", "dS.mean(axis=0)", hints=1))


def test_no_array_is_a_remark_on_the_line(no_findings) -> None:
    assert "a value of type dict" in str(Marker().db2(lambda dS: {"db2": dS}))


def test_numbers_that_are_not_finite_are_wrong(no_findings) -> None:
    assert "your line gives nan" in str(marked("db2", "dS.sum(axis=0) * np.nan"))


def test_a_parameter_that_is_no_value_is_remarked_upon_and_is_no_answer() -> None:
    blank = Marker().dW2
    for parameters, says in [("h1, dS", "Did you mean 'H1'"), ("dZ1", "computed after dW2"),
                             ("dW2", "what it should return"), ("data", "Available")]:  # fmt: skip
        said = blank(eval(f"lambda {parameters}: 0"))
        assert says in str(said) and (said.outcome, said.attempt) == ("wrong", 0)


def test_what_is_no_function_and_no_level_of_hints_are_refused() -> None:
    with pytest.raises(InputError, match="the function itself, without brackets"):
        Marker().dW2(np.zeros((2, 2)))
    with pytest.raises(InputError, match="hints is 3"):
        Marker().dW2(lambda dS: dS, hints=3)


@pytest.mark.parametrize("sizes", [{}, {"X": np.ones((6, 4))}, {"X": np.ones((6, 4)), "N": 6}])
@pytest.mark.parametrize("divisor", ["len(X)", "N"])
def test_names_of_values_mean_the_pass_and_not_the_notebook(sizes: dict, divisor: str) -> None:
    scope = dict(sizes)
    exec(f"def dS(P, Y):\n    return (P - Y) / {divisor}", scope)
    batch = random_batch()
    assert tried("dS", scope["dS"], ("P", "Y"), batch) == Trial(written=True)


def test_the_pass_of_a_line_that_reads_more_than_its_arguments() -> None:
    scope = {"X": np.ones((6, 4))}
    exec("def dS(P, *, Y=None):\n    return (P - Y) / len(X)", scope)
    marks = Marker()
    assert marks.dS(scope["dS"]).ok
    params = backhand.init(4, 6, 3, dtype=np.float64)
    X, Y = np.ones((9, 4)), np.eye(3)[np.arange(9) % 3]
    right = Marker().backward(params, X, Y)
    assert np.allclose(marks.backward(params, X, Y).dS, right.dS, rtol=1e-12)


def test_what_the_notebook_has_of_later_values_is_remarked_upon(no_findings) -> None:
    scope = {"dW1": np.ones((4, 5))}
    exec("def dW2(H1, dS):\n    return dW1", scope)
    said = str(Marker().dW2(scope["dW2"]))
    assert "Your line reads dW1, but dW1 is computed after dW2" in said


def test_a_wrong_entry_is_one_of_the_rows_that_the_marker_has(no_findings) -> None:
    params = backhand.init(4, 6, 3, dtype=np.float64)
    X, Y = np.ones((9, 4)), np.eye(3)[np.arange(9) % 3]
    said = str(Marker(params, X, Y).db2(lambda dS: 0 * dS[0]))
    db2 = Marker().backward(params, X, Y).db2
    worst = int(np.abs(db2).argmax())
    assert f"on these rows, db2[{worst}] should be {db2[worst]:.4g}, and your line gives 0" in said
    assert "Its shape is (N,)" in str(Marker(params, X, Y).db2(lambda dS: dS[:, 0]))
    with pytest.raises(InputError, match="one-hot"):
        Marker(params, X, Y[:3])


def test_a_line_that_changes_what_it_reads_changes_a_copy() -> None:
    def dS(P, Y, N):
        P -= Y
        P /= N
        return P

    assert Marker().dS(dS).ok


def test_a_mask_with_at_least_zero_is_correct_with_a_remark() -> None:
    said = marked("dZ1", "dH1 * (Z1 >= 0)")
    assert said.ok and "remark" in str(said)


def test_the_pass_of_ones_own_lines_gives_the_equations_gradients(finished) -> None:
    marks = finished
    assert Marker().missing == list(Gradients._fields)
    marks.dW2(answer("dW2", "dS.T @ H1"))  # a later wrong answer takes nothing back
    assert marks.missing == []
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((9, 4)), rng.integers(0, 3, 9)
    params = backhand.init(4, 6, 3, dtype=np.float64)
    ours = marks.backward(params, X, np.eye(3)[y])
    right = backhand.backward(params, X, y, backhand.forward(params, X))
    for name, value in right._asdict().items():
        assert np.allclose(getattr(ours, name), value, rtol=1e-12, atol=0), name


def test_the_pass_runs_with_blanks_left_and_in_float32() -> None:
    params = backhand.init(4, 6, 3)
    X, Y = np.ones((5, 4), np.float32), np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1]]
    assert {value.dtype for value in Marker().backward(params, X, Y)} == {np.dtype(np.float32)}
    with pytest.raises(InputError, match="one-hot"):
        Marker().backward(params, X, Y[:3])


def test_notebooks_show_marks_with_words_and_without_markup_of_the_learners(no_findings) -> None:
    said = Marker().db2(lambda dS: eval("<script>"))
    assert "not yet" in said._repr_html_() and "<script>" not in said._repr_html_()
    marks = Marker()
    marks.dW2.outcome = "correct"
    assert "✓ correct" in marks._repr_html_() and "dW2 ✓, db2 …" in repr(marks)


@pytest.mark.parametrize("module", [mark, marker])
def test_the_examples_run(module) -> None:
    assert doctest.testmod(module).attempted and not doctest.testmod(module).failed


def test_the_document_shows_what_the_marker_says() -> None:
    done = doctest.testfile(str(ROOT / "docs" / "lesson.md"), module_relative=False)
    assert done.attempted > 8 and not done.failed
