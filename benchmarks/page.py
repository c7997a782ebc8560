"""The page of `backhand.explain` in Chromium: its weight, its first paint, its frames per second.

    python benchmarks/page.py [--repeats 5] [--seconds 3] [--json FILE]

For each problem, the file is written and opened from disk, each time in a new tab; the times of the
first paint and of the drawing are medians. Then a number is changed once per frame, as dragging it
does, and the pointer is moved over the drawing. The frames that the browser draws meanwhile are
counted, at most 60 per second, and the time that its main thread computes per frame: other
programs, which make it wait, affect that least. Below 16 ms there is time for 60 frames. Needs
Chromium and Playwright. Prints a Markdown table.
"""

from __future__ import annotations

import gzip
import shutil
import statistics
import tempfile
from pathlib import Path

import numpy as np
from output import arguments_of, markdown, write_json
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

import backhand
from backhand.explanation.page.contents import page_contents
from backhand.explanation.page.write import html_page
from backhand.explanation.problem import Problem

HEADINGS = (
    "N,d,H,K", "weight, KB", "compressed, KB", "first paint, ms", "drawn, ms",
    "changing, frames/s", "ms per frame", "pointing, frames/s", "ms per frame then",
)  # fmt: skip

COUNT = """([seconds, change]) => new Promise((done) => {
  const root = document.getElementById("backhand");
  const b1 = root.store.given.b1.data;
  const times = [];
  let frame = 0;
  function next(now) {
    times.push(now);
    if (now - times[0] > 1000 * seconds) return done(times);
    if (change) root.store.setNumber("b1", [0], b1[0] + Math.sin(++frame / 10) / 10);
    requestAnimationFrame(next);
  }
  requestAnimationFrame(next);
})"""
"""The times of the frames of some seconds, in which a bias is changed once per frame, or not."""

PAINT = """() => performance.getEntriesByType("paint")
  .find((one) => one.name === "first-contentful-paint")?.startTime"""


WATCH = """new MutationObserver((_, observer) => {
  if (!document.querySelector("[role=grid]")) return;
  observer.disconnect();
  requestAnimationFrame(() => setTimeout(() => { window.drawn = performance.now(); }));
}).observe(document, { childList: true, subtree: true })"""
"""Notes when the matrices have been drawn."""


def problems() -> dict[str, Problem]:
    """The built-in example, and a model of images."""
    rng = np.random.default_rng(0)
    params = backhand.init(d=784, H=256, K=10, dtype=np.float64)
    images = Problem(params, rng.random((16, 784)), np.eye(10)[rng.integers(0, 10, 16)],
                     title="random images")  # fmt: skip
    return {"penguins": backhand.explain().problem, "images": images}


def opening(browser: Browser, path: Path, repeats: int) -> tuple[float, float]:
    """Median times from the start of loading to the first paint and to the drawing, in ms."""
    times = []
    for _ in range(repeats):
        page = browser.new_page()
        page.add_init_script(WATCH)
        page.goto(path.as_uri())
        page.wait_for_function("() => window.drawn")
        times.append((page.evaluate(PAINT), page.evaluate("() => window.drawn")))
        page.close()
    first, drawn = zip(*times, strict=True)
    return statistics.median(first), statistics.median(drawn)


def frames(page: Page, seconds: float, *, change: bool) -> tuple[float, float]:
    """Frames per second, and the CPU time of the main thread per frame in milliseconds."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = _computed(session)
    page.evaluate(f"(given) => {{ window.counting = ({COUNT})(given); }}", [seconds, change])
    if not change:
        _point(page)
    times = np.array(page.evaluate("() => window.counting"))
    computed = 1000 * (_computed(session) - before)
    return 1000 * (len(times) - 1) / (times[-1] - times[0]), computed / len(times)


def _computed(session: CDPSession) -> float:
    """Seconds that the main thread has computed."""
    found = session.send("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in found if one["name"] == "TaskDuration"))


def _point(page: Page) -> None:
    """Move the pointer over the cells of the drawing, to and fro."""
    box = page.locator("[role=grid]").first.bounding_box()
    if box is None:
        return
    for at in np.linspace(0, 1, 60):
        page.mouse.move(box["x"] + at * box["width"], box["y"] + (at * 7 % 1) * box["height"])


def measured(
    browser: Browser, problem: Problem, repeats: int, seconds: float
) -> dict[str, float | str]:
    """All figures of a problem, by their headings."""
    html = html_page(page_contents(problem)).encode()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        path.write_bytes(html)
        times = opening(browser, path, repeats)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(path.as_uri())
        moving = [*frames(page, seconds, change=True), *frames(page, seconds, change=False)]
        page.close()
    sizes = ",".join(map(str, (*problem.X.shape, *problem.params.W2.shape)))
    weights = (len(html) / 1000, len(gzip.compress(html)) / 1000)
    return dict(zip(HEADINGS, (sizes, *weights, *times, *moving), strict=True))


def main() -> None:
    parser = arguments_of(__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="pages opened for the first paint")
    parser.add_argument("--seconds", type=float, default=3.0, help="time that frames are counted")
    given = parser.parse_args()
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=options)
        results = {name: measured(browser, problem, given.repeats, given.seconds)
                   for name, problem in problems().items()}  # fmt: skip
        browser.close()
    markdown(
        ["problem", *HEADINGS],
        [[name, *(cell if isinstance(cell, str) else f"{cell:.0f}" for cell in result.values())]
         for name, result in results.items()],
    )  # fmt: skip
    write_json(given.json, results)


if __name__ == "__main__":
    main()
