"""Draw docs/explain/page.png and page-dark.png: the page of the example, one entry pinned.

    PYTHONPATH=src python docs/explain/draw.py [CHROMIUM]

Needs playwright, and Chromium: by default that of Debian.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

import backhand

PICTURES = {"light": "page.png", "dark": "page-dark.png"}

PINNED = "dW1[3,7]"


def main(chromium: str = "/usr/bin/chromium") -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "page.html"
        backhand.explain().save(path)
        flags = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        for scheme, name in PICTURES.items():
            window = {"width": 1280, "height": 1600}
            page = browser.new_page(viewport=window, color_scheme=scheme)
            page.goto(path.as_uri())
            page.get_by_label("go to").fill(PINNED)
            page.keyboard.press("Enter")
            page.wait_for_timeout(500)
            page.evaluate("window.scrollTo(0, 0)")
            page.screenshot(path=Path(__file__).with_name(name))
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
