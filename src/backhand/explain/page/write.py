"""The page: data, style and script in one HTML file that needs no server and no network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any

from backhand.explain.page.bundle import WEB, bundle

POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
"""What the browser lets the page do: nothing is loaded from anywhere."""


def html_page(contents: Mapping[str, Any]) -> str:
    """Return a whole page of what `page_contents` returns.

    Parameters
    ----------
    contents : mapping
        What JSON can hold: "problem", "rules", "equations", "mistakes", ….
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
<main id="backhand" class="backhand"></main>
<script type="application/json" id="backhand-contents">{data}</script>
<script type="module">
{bundle("app")}
$app.mount(document.getElementById("backhand"),
  JSON.parse(document.getElementById("backhand-contents").textContent));
</script>
</body>
</html>
"""


def stylesheet() -> str:
    """Return the style sheets of `web/`, one after the other."""
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(WEB.glob("*.css")))
