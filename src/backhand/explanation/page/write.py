"""The page: data, style and script in one HTML file that needs no server and no network."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from functools import cache
from html import escape
from typing import Any

from backhand.explanation.page.bundle import WEB, bundle

POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
"""What the browser lets the page do: nothing is loaded from anywhere."""


def html_page(contents: Mapping[str, Any]) -> str:
    """Return a whole page of what `page_contents` returns.

    Parameters
    ----------
    contents : mapping
        What `page_contents` returns.

    Returns
    -------
    page : str
        HTML. The script is packed, a third of its size: the browser unpacks it, and its debugger
        shows the modules as they are in `web/`, with their comments.
    """
    # A text such as </script> in somebody's data must not end the script.
    data = json.dumps(contents, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    title = escape(contents["problem"]["title"] or "The network, number by number")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{title}</title>
<style>
{stylesheet()}</style>
</head>
<body>
<main id="backhand" class="backhand">
<p>The page is being computed. It needs JavaScript, in a browser of 2024 or later.</p>
</main>
<script type="application/json" id="backhand-contents">{data}</script>
<script type="text/plain" id="backhand-modules">{packed_modules()}</script>
<script type="module">
const text = (id) => document.getElementById(id).textContent;
const bytes = Uint8Array.from(atob(text("backhand-modules")), (one) => one.charCodeAt(0));
const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
const script = document.createElement("script");
script.textContent = await new Response(unpacked).text();
document.head.append(script);
$app.mount(document.getElementById("backhand"), JSON.parse(text("backhand-contents")));
</script>
</body>
</html>
"""


@cache
def packed_modules() -> str:
    """Return the script of the page, compressed with gzip, as base64: always the same text."""
    return base64.b64encode(gzip.compress(bundle("app").encode(), mtime=0)).decode("ascii")


def stylesheet() -> str:
    """Return the style sheets of `web/`: what all parts share, that of each, and that of paper."""
    paths = sorted(WEB.rglob("*.css"), key=lambda path: (path.parent != WEB, path))
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)
