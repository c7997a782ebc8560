"""The widget in JupyterLab and in marimo: shown, and equal in Python and on the page."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conftest import ROOT
from helpers.notebooks import jupyterlab, marimo
from helpers.web_page import chromium, needs_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page


def needs(*modules: str) -> pytest.MarkDecorator:
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(modules)}")


PICTURES = ROOT / "build" / "page"

pytestmark = [pytest.mark.slow, needs_browser, needs("anywidget")]

MADE = """
import numpy as np
import backhand
widget = backhand.explain().widget()
"""

STATE = """
loss = float(np.asarray(widget.trace["L"]))
print("READ", widget.b1[0], widget.updates, widget.selected, widget.X.shape, f"{loss:.10g}")
"""

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

RUN = """(at) => {
  const { shell, commands } = window.jupyterapp;
  shell.currentWidget.content.activeCellIndex = at;
  return commands.execute("notebook:run-cell");
}"""

READY = """() => {
  const context = window.jupyterapp?.shell.currentWidget?.sessionContext;
  const kernel = context?.isReady && context.session?.kernel;
  return kernel && kernel.connectionStatus === "connected" && kernel.status === "idle";
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with chromium() as one:
        yield one


class Lab:
    """A notebook in JupyterLab, whose cells run one after the other."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        page.set_default_timeout(40_000)
        self.next = 0
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(address)
        page.wait_for_function(READY)

    def run_cell(self) -> None:
        """Run the next cell, and wait for its end. (A click on the page selects the page's.)"""
        self.page.evaluate(RUN, self.next)
        self.next += 1

    def root(self, at: int = 0) -> Locator:
        return self.page.locator(".backhand").nth(at)

    def wait(self, condition: str, at: int = 0) -> None:
        """Wait until a condition on the page's store holds."""
        self.page.wait_for_function(
            f"() => {{ const {{ store }} = document.querySelectorAll('.backhand')[{at}];"
            f" return {condition}; }}", timeout=10_000,
        )  # fmt: skip

    def type_number(self, name: str, text: str) -> None:
        """Change the first number of an array by typing."""
        grid = self.root().locator(f'[role=grid][aria-label^="{name}, shape"]')
        grid.locator("[role=gridcell]").first.dblclick()
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")

    def loss(self) -> str:
        """L on the page, in 10 digits."""
        return f"{self.root().evaluate('root => root.store.values.L.data[0]'):.10g}"

    def read(self) -> str:
        """What the next cell prints, once what was changed on the page has reached Python."""
        self.page.wait_for_timeout(500)
        self.run_cell()
        printed = self.page.locator(".jp-OutputArea-output", has_text=re.compile(r"^\s*READ "))
        return printed.last.inner_text().strip().removeprefix("READ ")


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
    [[f"{MADE}widget", "widget.b1 = np.arange(8.0)", STATE, "widget",
      "widget.problem = backhand.explain(example='xor').problem; widget.selected = 'L'", STATE,
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
    lab.type_number("b1", "0.25")
    lab.wait("store.updates === 3 && store.given.b1.data[0] === 0.25")
    assert lab.read() == f"0.25 3 b1[0] (8, 4) {lab.loss()}"

    lab.run_cell()  # the same widget once more
    lab.root(1).wait_for()
    lab.wait("store.given.b1.data[0] === 0.25 && store.selected.name === 'b1'", at=1)
    lab.root(1).evaluate("root => root.store.setNumber('b1', [0], 0.75)")
    lab.wait("store.given.b1.data[0] === 0.75", at=0)
    lab.page.screenshot(path=PICTURES / "jupyterlab.png")

    lab.run_cell()  # another problem, of four rows
    for at in (0, 1):
        lab.wait("store.values.Z1.shape[0] === 4 && store.selected?.name === 'L'", at=at)
    assert lab.read() == f"0.0 0 L (4, 2) {lab.loss()}"

    lab.root().get_by_label("example").select_option(index=1)  # and one that the reader chooses
    for at in (0, 1):
        lab.wait("store.values.Z1.shape[0] !== 4 && store.selected === null", at=at)
    shape = lab.root(1).evaluate("root => root.store.given.X.shape.join(', ')")
    assert f"None ({shape}) {lab.loss()}" in lab.read()

    stores = "[...document.querySelectorAll('.backhand')].map((root) => root.store)"
    lab.page.evaluate(f"() => {{ window.stores = {stores}; }}")
    lab.run_cell()  # the widget is closed
    lab.page.wait_for_function("() => document.querySelectorAll('.backhand').length === 0")
    assert lab.page.evaluate("() => window.stores.map((store) => store.closed)") == [True, True]
    assert lab.errors == []


@needs("jupyterlab", "nbformat", "ipykernel")
@pytest.mark.parametrize("lab", [[f"{MADE}widget", "'second'"]], indirect=True)
def test_keys_in_the_page_are_not_shortcuts_of_jupyterlab_and_the_theme_is_its_theme(
    lab: Lab,
) -> None:
    lab.run_cell()
    lab.root().wait_for()
    lab.root().locator("[role=gridcell][tabindex='0']").first.focus()
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
    lab.page.screenshot(path=PICTURES / "jupyterlab-dark.png")
    assert lab.errors == []


MARIMO = [
    f"""
def _():
    import marimo as mo
    {MADE.strip().replace(chr(10), chr(10) + "    ")}
    network = mo.ui.anywidget(widget)
    network
    return mo, network, np
""",
    """
def _(mo):
    button = mo.ui.run_button(label="change b1")
    button
    return button,
""",
    """
def _(button, network, np):
    if button.value:
        network.widget.b1 = np.arange(8.0)
    return
""",
    """
def _(mo, network):
    network.value
    mo.md(f"READ {network.b1[0]} {network.updates} {network.selected}")
    return
""",
]
"""The widget, a button that changes it in Python, and a text of what Python has."""


@needs("marimo")
def test_marimo_shows_the_page_and_python_and_the_page_have_the_same_numbers(
    browser: Browser, tmp_path: Path
) -> None:
    with marimo(tmp_path, MARIMO) as address:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.set_default_timeout(40_000)
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
        page.screenshot(path=PICTURES / "marimo.png")

        root.evaluate("root => root.store.select({ name: 'b1', index: [0] })")
        box = root.get_by_label("Change b1[0]")
        box.press("Control+a")
        box.press_sequentially("1.05", delay=60)  # the page must not rewrite it meanwhile
        page.get_by_text("READ 1.05 3 b1[0]").wait_for(timeout=10_000)
        page.close()
    assert errors == []
