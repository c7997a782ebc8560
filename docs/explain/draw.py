"""Draw docs/explain/page.png: the page of the built-in example, with one entry pinned.

    PYTHONPATH=src python docs/explain/draw.py [CHROMIUM]

Needs playwright, and Chromium: by default that of Debian.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

import backhand

PICTURE = Path(__file__).with_name("page.png")

PINNED = "dW1[3,7]"


def main(chromium: str = "/usr/bin/chromium") -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "page.html"
        backhand.explain().save(path)
        flags = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        page = browser.new_page(viewport={"width": 1280, "height": 1600})
        page.goto(path.as_uri())
        page.get_by_label("go to").fill(PINNED)
        page.keyboard.press("Enter")
        page.wait_for_timeout(500)
        page.evaluate("window.scrollTo(0, 0)")
        page.screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
