"""A page of `backhand.explain` in Chromium, driven by Playwright: its values, requests and errors.

    with chromium() as browser, open_page(contents, browser=browser) as shown:
        shown.page.get_by_role("button", name="reset").click()
        np.testing.assert_allclose(shown.value("dW1"), expected)

Tests of single modules need no page: `open_modules("rules", "slopes")` loads some of them.
"""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from backhand.explanation.page.bundle import bundle
from backhand.explanation.page.contents import page_contents
from backhand.explanation.page.write import html_page
from backhand.explanation.problem import Problem

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome")
     if (found := shutil.which(name))), None,
)  # fmt: skip

OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking",
           "--disable-component-update", "--disable-sync"]  # fmt: skip

needs_browser = pytest.mark.skipif(
    CHROMIUM is None or importlib.util.find_spec("playwright") is None,
    reason="needs Chromium and Playwright",
)


@dataclass
class WebPage:
    """An open page.

    Attributes
    ----------
    page : Page
        Playwright's.
    requests : list of str
        The addresses that were requested, the page's own file left out.
    complaints : list of str
        Errors and warnings of the console, and exceptions.
    """

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def run(self, expression: str, argument: Any = None) -> Any:
        """What a JavaScript expression gives, or a function of an argument."""
        return self.page.evaluate(expression, argument)

    def value(self, name: str) -> NDArray[np.float64]:
        """A value of the page's store: "dW1", "new W1", "L", …."""
        return as_array(self.run(f"name => {STORE}.values[name]", name))

    def settle(self) -> None:
        """Wait until what has changed is drawn, out of view too: that waits for a while."""
        self.run(SETTLED)


STORE = 'document.getElementById("backhand").store'
"""The page's store, as JavaScript."""


SETTLED = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  await frame();
  await frame();
  await new Promise((done) => setTimeout(done, 120));
  await frame();
}"""
"""After the frames of what is in view, the time after which all else follows, and its frame."""


MOUNTED = """() => {
  const root = document.getElementById("backhand");
  return !root || root.store;
}"""
"""Whether the page is there: its script is unpacked after the page has loaded."""


def as_array(found: Mapping[str, Any]) -> NDArray[np.float64]:
    """An array of matrix.js, `{shape, data}`, as NumPy's."""
    data = found["data"]
    numbers = list(data.values()) if isinstance(data, Mapping) else data
    return np.array(numbers, np.float64).reshape(found["shape"])


@contextmanager
def chromium() -> Iterator[Browser]:
    """A Chromium for several pages."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def open_page(
    contents: Mapping[str, Any], *, browser: Browser | None = None, width: int = 1280,
    height: int = 900, dark: bool = False, reduced_motion: bool = False,
) -> Iterator[WebPage]:  # fmt: skip
    """The page of these contents, opened from disk."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        path.write_text(html_page(contents), encoding="utf-8")
        with _opened(path, browser, width, height, dark, reduced_motion) as shown:
            shown.page.wait_for_function(STORE)  # the script is unpacked after the load event
            yield shown


@contextmanager
def page_of(problem: Problem, browser: Browser) -> Iterator[WebPage]:
    """The page of a problem, which neither complains nor requests anything."""
    with open_page(page_contents(problem), browser=browser) as shown:
        shown.page.set_default_timeout(5000)
        yield shown
        assert not shown.complaints and not shown.requests


def cell(shown: WebPage, name: str, row: int, column: int) -> Locator:
    """A cell by its place in the drawing."""
    lines = shown.page.locator(f'.network [data-name="{name}"] .line')
    found: Locator = lines.nth(row).locator(".cell").nth(column)
    return found


def heading(shown: WebPage) -> str:
    """The heading of the panel that takes an entry apart, once it is drawn."""
    shown.settle()
    return str(shown.page.locator(".entry h2").inner_text())


@contextmanager
def open_modules(*names: str, browser: Browser | None = None) -> Iterator[WebPage]:
    """An empty page in which `modules.NAME` has what a module of `web/` exports."""
    scripts = ",\n".join(f"{name}: (() => {{\n{bundle(name)}\nreturn ${name};\n}})()"
                         for name in names)  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        path.write_text(
            f'<!doctype html><meta charset="utf-8"><title>Modules</title>\n'
            f"<script>window.modules = {{\n{scripts}\n}};</script>",
            encoding="utf-8",
        )
        with _opened(path, browser, 800, 600, False, False) as shown:
            yield shown


@contextmanager
def _opened(
    path: Path, browser: Browser | None, width: int, height: int, dark: bool, reduced: bool
) -> Iterator[WebPage]:
    with ExitStack() as stack:
        page = (browser or stack.enter_context(chromium())).new_page(
            viewport={"width": width, "height": height}, device_scale_factor=1,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce" if reduced else "no-preference",
        )  # fmt: skip
        stack.callback(page.close)
        shown = WebPage(page)
        own = path.as_uri()
        page.on("request", lambda asked: asked.url == own or shown.requests.append(asked.url))
        page.on("pageerror", lambda error: shown.complaints.append(str(error)))
        page.on("console", lambda said: said.type in ("error", "warning")
                and shown.complaints.append(said.text))  # fmt: skip
        page.goto(own)
        page.wait_for_function(MOUNTED)
        yield shown
