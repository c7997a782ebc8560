"""Check a built site: no broken links within it, and nothing loaded from another host.

    python docs/check_site.py build/site

Prints what was checked, then each fault; ends with exit code 1 if there is one.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {("audio", "src"), ("embed", "src"), ("iframe", "src"), ("image", "href"), ("img", "src"),
          ("object", "data"), ("script", "src"), ("source", "src"), ("use", "href"),
          ("video", "poster"), ("video", "src")}  # fmt: skip
"""What a browser loads as soon as it shows the page; also some kinds of <link>, and `srcset`."""

LOADED_RELATIONS = {"icon", "manifest", "modulepreload", "preconnect", "preload", "stylesheet"}

IN_STYLES = re.compile(r"""url\(\s*['"]?([^'")]+)|@import\s+['"]([^'"]+)""")


@dataclass
class Page(HTMLParser):
    """The links, the loaded addresses and the anchors of a page."""

    text: str
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=lambda: {"", "top"})

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what one element refers to, and the anchors that it has."""
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        self.links += [values["href"]] if tag in ("a", "area") and "href" in values else []
        self.loaded += [values[name] for name in values if (tag, name) in LOADED]
        choices = values.get("srcset", "").split(",")
        self.loaded += [choice.split()[0] for choice in choices if choice.strip()]
        self.loaded += in_styles(values.get("style", ""))
        if tag == "link" and LOADED_RELATIONS & set(values.get("rel", "").split()):
            self.loaded.append(values.get("href", ""))


def in_styles(text: str) -> list[str]:
    """Return the addresses that a style sheet loads."""
    return [one or other for one, other in IN_STYLES.findall(text)]


def read_pages(site: Path) -> dict[Path, Page]:
    """Return the pages of a site by their paths."""
    paths = [path for path in sorted(site.rglob("*.html")) if path.parent.name != "_static"]
    return {path: Page(path.read_text(encoding="utf-8")) for path in paths}


def fault(source: Path, address: str, pages: dict[Path, Page]) -> str | None:
    """Return what is wrong with an address within the site, if anything."""
    parts = urlsplit(address)
    path = (source.parent / unquote(parts.path)).resolve() if parts.path else source
    if not path.is_file():  # a folder, too: from disk, no server finds its index.html
        return "no such file"
    if path in pages and unquote(parts.fragment) not in pages[path].anchors:
        return "no such anchor"
    return None


def is_external(address: str) -> bool:
    """Whether an address leads to another host, or does not lead to a file at all."""
    return bool(urlsplit(address).scheme) or address.startswith("//")


def faults(site: Path, pages: dict[Path, Page]) -> Iterator[str]:
    """Yield a line per fault."""
    loaded = {path: page.loaded for path, page in pages.items()}
    loaded |= {path: in_styles(path.read_text(encoding="utf-8")) for path in site.rglob("*.css")}
    for source, addresses in loaded.items():
        for address in addresses:
            if is_external(address) and not address.startswith("data:"):
                yield f"{source.relative_to(site)}: loads {address}"
    linked = [(path, page.links) for path, page in pages.items()]
    for source, addresses in [*loaded.items(), *linked]:
        for address in addresses:
            if not is_external(address) and (wrong := fault(source, address, pages)):
                yield f"{source.relative_to(site)}: {address}: {wrong}"


def main(site: Path) -> int:
    """Print the figures and the faults, and return the exit code."""
    site = site.resolve()
    pages = read_pages(site)
    found = sorted(set(faults(site, pages)))
    links = sum(not is_external(link) for page in pages.values() for link in page.links)
    print(*found, sep="\n", end="\n" if found else "")
    print(f"{len(pages)} pages, {links:,} links within the site: {len(found)} faults")
    return 1 if found or not pages else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
