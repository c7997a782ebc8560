"""The lesson in a real kernel, with the light core alone, and as a web page."""

import json
import subprocess
import sys

import pytest

from conftest import ROOT
from lesson.answers import RIGHT, WRONG
from lesson.cells import code_cells, copied_examples, filled, notebook, program
from test_packaging import EXTRAS

pytestmark = pytest.mark.slow


def executed(tmp_path, answers: dict[str, str]):
    """The notebook, run by a kernel with these answers in its blanks."""
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    book = nbformat.reads(json.dumps(notebook()), as_version=4)
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.source = filled(cell.source, answers)
    path = {"metadata": {"path": str(copied_examples(tmp_path))}}
    return nbclient.NotebookClient(book, timeout=300, resources=path).execute()


def outputs(book) -> str:
    """All that the cells printed and showed, as text."""
    return "\n".join(
        out.get("text") or out.get("data", {}).get("text/plain", "")
        for cell in book.cells if cell.cell_type == "code" for out in cell.outputs
    )  # fmt: skip


@pytest.mark.filterwarnings("ignore")  # of the client's and its sockets
def test_a_kernel_runs_it_with_right_answers(tmp_path) -> None:
    said = outputs(executed(tmp_path, RIGHT))
    assert said.count("✓ correct (answer 1)") == 7
    assert "200      0.0477     1.000       0.0477     1.000" in said


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("number", range(5))
def test_a_kernel_runs_it_with_wrong_answers_to_the_end(tmp_path, number: int) -> None:
    answers = {name: list(codes)[number] for name, codes in WRONG.items()}
    said = outputs(executed(tmp_path, answers))
    assert said.count("✗ not yet (answer 1)") == 7
    assert "200      0.0477     1.000       0.0477     1.000" in said


WITHOUT_EXTRAS = """
import sys

class Absent:
    def find_spec(name, path=None, target=None):
        if name.split('.')[0] in {blocked}:
            raise ModuleNotFoundError(f"No module named '{{name}}'", name=name)

sys.meta_path.insert(0, Absent)
for cell in {cells!r}:
    exec(compile(cell, "cell", "exec"), globals())
"""


def test_it_runs_on_the_light_core(tmp_path) -> None:
    cells = [filled(cell, RIGHT) for cell in code_cells()]
    script = WITHOUT_EXTRAS.format(blocked=sorted(EXTRAS["all"]), cells=cells)
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True,
                          text=True, cwd=copied_examples(tmp_path))  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "PyTorch is not installed" in done.stdout
    assert "200      0.0318     1.000       0.0318     1.000" in done.stdout


@pytest.mark.filterwarnings("ignore")
def test_the_web_page_loads_nothing_and_has_the_network_in_it(tmp_path) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    output = tmp_path / "build" / "lesson.html"
    program("build").main(output)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        page, asked, errors = browser.new_page(), [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(output.as_uri())
        frame = page.frame_locator("iframe").locator(".backhand")
        frame.wait_for(timeout=60_000)
        pictures = page.locator("img").evaluate_all("all => all.map(img => img.naturalWidth)")
        text = page.inner_text("body")
        browser.close()
    assert [url for url in asked if not url.startswith(("file:", "data:", "about:"))] == []
    assert errors == []
    assert len(pictures) == 2 and min(pictures) > 0
    assert text.count("no answer yet") >= 7 and "Traceback" not in text
    assert str(ROOT) not in text
