"""The widget in JupyterLab and in marimo: shown, and equal in Python and on the page."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from helpers.notebooks import WAIT, jupyterlab, marimo
from helpers.web_page import chromium, needs_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page


def needs(*modules: str) -> pytest.MarkDecorator:
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(modules)}")


pytestmark = [pytest.mark.slow, needs_browser, needs("anywidget")]

PROBLEM = """
import numpy as np
import backhand
from backhand.explain.problem import Problem
from backhand.explain.widget import NetworkWidget
X = np.random.default_rng(0).standard_normal((8, 4))
params = backhand.init(d=4, H=8, K=3, dtype=np.float64)
problem = Problem(params, X, np.eye(3)[[0, 1, 2, 0, 1, 2, 0, 1]])
"""

STATE = 'print("READ", widget.b1[0], widget.updates, widget.selected, widget.X.shape)'

ON_PAGE = """root => {
  root.store.step(3);
  root.store.select({ name: "dW1", index: [3, 7] });
  root.store.setNumber("b1", [0], 0.25);
}"""
"""Changes on the page: three updates, a pinned entry, and a number."""

DUPLICATES = """() => {
  const ids = [...document.querySelectorAll(".backhand [id]")].map((node) => node.id);
  return ids.filter((id, at) => ids.indexOf(id) !== at);
}"""

READY = """() => {
  const context = window.jupyterapp?.shell.currentWidget?.sessionContext;
  const kernel = context?.isReady && context.session?.kernel;
  return kernel && kernel.connectionStatus === "connected" && kernel.status === "idle";
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


class Lab:
    """A notebook in JupyterLab, whose cells run one after the other."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        page.set_default_timeout(WAIT * 1000)
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(address)
        page.wait_for_function(READY)

    def run_cell(self) -> None:
        """Run the cell that is selected, wait for its end, and select the next."""
        self.page.evaluate(
            "() => window.jupyterapp.commands.execute('notebook:run-cell-and-select-next')"
        )

    def root(self, at: int = 0) -> Locator:
        return self.page.locator(".backhand").nth(at)

    def wait(self, condition: str, at: int = 0) -> None:
        """Wait until a condition on the page's store holds."""
        self.page.wait_for_function(
            f"() => {{ const {{ store }} = document.querySelectorAll('.backhand')[{at}];"
            f" return {condition}; }}", timeout=10_000,
        )  # fmt: skip

    def printed(self) -> str:
        return self.page.locator(".jp-OutputArea-output", has_text="READ").last.inner_text()


@pytest.fixture
def lab(browser: Browser, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """JupyterLab with the cells that a test names."""
    with jupyterlab(tmp_path, request.param) as address:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        try:
            yield Lab(page, address)
        finally:
            page.close()


@needs("jupyterlab", "nbformat", "ipykernel")
@pytest.mark.parametrize(
    "lab",
    [[f"{PROBLEM}widget = NetworkWidget(problem)\nwidget", "widget.b1 = np.arange(8.0)", STATE,
      "widget", "widget.problem = Problem(params, X[:2], np.eye(3)[:2]); widget.selected = 'L'",
      STATE, "widget.close()"]],
    indirect=True,
)  # fmt: skip
def test_jupyterlab_shows_the_page_and_python_and_the_page_have_the_same_numbers(
    lab: Lab,
) -> None:
    lab.run_cell()
    lab.root().wait_for()
    lab.wait("store.values.L.data[0] > 0")

    lab.run_cell()  # Python changes b1
    lab.wait("store.given.b1.data.every((value, at) => value === at)")

    lab.root().evaluate(ON_PAGE)
    lab.wait("store.updates === 3")
    lab.page.wait_for_timeout(500)
    lab.run_cell()  # Python reads
    assert lab.printed().split() == ["READ", "0.25", "3", "dW1[3,7]", "(8,", "4)"]

    lab.run_cell()  # the same widget once more
    lab.root(1).wait_for()
    lab.wait("store.given.b1.data[0] === 0.25 && store.selected.name === 'dW1'", at=1)
    lab.root(1).evaluate("root => root.store.setNumber('b1', [0], 0.75)")
    lab.wait("store.given.b1.data[0] === 0.75", at=0)
    assert lab.page.evaluate(DUPLICATES) == []

    lab.run_cell()  # another problem, of two rows
    for at in (0, 1):
        lab.wait("store.values.Z1.shape[0] === 2 && store.selected?.name === 'L'", at=at)
    lab.run_cell()
    assert lab.printed().split() == ["READ", "0.0", "0", "L", "(2,", "4)"]

    stores = "[...document.querySelectorAll('.backhand')].map((root) => root.store)"
    lab.page.evaluate(f"() => {{ window.stores = {stores}; }}")
    lab.run_cell()  # the widget is closed
    lab.page.wait_for_function("() => document.querySelectorAll('.backhand').length === 0")
    assert lab.page.evaluate("() => window.stores.map((store) => store.closed)") == [True, True]
    assert lab.errors == []


@needs("jupyterlab", "nbformat", "ipykernel")
@pytest.mark.parametrize("lab", [[f"{PROBLEM}NetworkWidget(problem)", "'second'"]], indirect=True)
def test_keys_in_the_page_are_not_shortcuts_of_jupyterlab_and_the_theme_is_its_theme(
    lab: Lab,
) -> None:
    lab.run_cell()
    lab.root().wait_for()
    lab.root().locator("button, input, [tabindex='0']").first.focus()
    for key in ("x", "d", "d", "b", "ArrowDown", "m"):
        lab.page.keyboard.press(key)
    assert lab.page.locator(".jp-CodeCell").count() == 2
    assert lab.page.locator(".jp-MarkdownCell").count() == 0

    assert lab.root().get_attribute("data-theme") == "light"
    lab.page.evaluate(
        "() => window.jupyterapp.commands.execute('apputils:change-theme', "
        "{ theme: 'JupyterLab Dark' })"
    )
    lab.page.wait_for_function(
        "() => document.querySelector('.backhand').dataset.theme === 'dark'", timeout=10_000
    )
    assert lab.errors == []


MARIMO = [
    "def _():\n    import marimo as mo"
    + PROBLEM.replace("\n", "\n    ")
    + "network = mo.ui.anywidget(NetworkWidget(problem))\n    network\n    return mo, network, np",
    "def _(mo):\n    button = mo.ui.run_button(label='change b1')\n    button\n    return button,",
    "def _(button, network, np):\n    if button.value:\n"
    "        network.widget.b1 = np.arange(8.0)\n    return",
    "def _(mo, network):\n    network.value\n    widget = network.widget\n"
    "    mo.md(f'READ {widget.b1[0]} {widget.updates} {widget.selected}')\n    return",
]


@needs("marimo")
def test_marimo_shows_the_page_and_python_and_the_page_have_the_same_numbers(
    browser: Browser, tmp_path: Path
) -> None:
    with marimo(tmp_path, MARIMO) as address:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.set_default_timeout(WAIT * 1000)
        page.goto(address)
        root = page.locator(".backhand")  # in a shadow tree
        root.wait_for()
        assert root.evaluate("root => root.store.values.L.data[0]") > 0

        page.get_by_role("button", name="change b1").click()
        until = "root => new Promise((done) => { const look = () => CONDITION ? done(true) : "
        until += "setTimeout(look, 50); look(); })"
        assert root.evaluate(until.replace("CONDITION", "root.store.given.b1.data[7] === 7"))

        root.evaluate(ON_PAGE)
        page.get_by_text("READ 0.25 3 dW1[3,7]").wait_for(timeout=10_000)
        page.close()
    assert errors == []
