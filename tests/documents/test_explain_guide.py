"""docs/explain.md names every panel of the page."""

import re

from conftest import ROOT

GUIDE = ROOT / "docs/explain.md"


def test_the_guide_names_every_panel_of_the_page() -> None:
    web = ROOT / "src/backhand/explanation/page/web"
    panel = re.compile(r'export const \w+Panel = \{\n  id: "[\w-]+",\n  title: "(.*)",')
    titles = {
        title for path in web.rglob("*.js") for title in panel.findall(path.read_text("utf-8"))
    }
    assert titles
    table = GUIDE.read_text(encoding="utf-8").partition("| panel |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| ([^|]+?) \|", table, re.MULTILINE)) == titles
