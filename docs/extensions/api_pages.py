"""The pages of the public names: which members a class's page shows, and what a single backtick is.

`docs/reference/api.md` lists the names in groups; `sphinx.ext.autosummary` writes a page for each
by the templates in `docs/templates/autosummary`.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from public_api import methods, public_names

TEMPLATES = Path(__file__).parent.parent / "templates"


def configure(_: Any, config: Any) -> None:
    """Pass the public methods of each class to the templates."""
    config.templates_path.append(str(TEMPLATES))
    config.autosummary_context["public_methods"] = {
        f"backhand.{name}": methods(name, value)
        for name, value in public_names().items()
        if inspect.isclass(value)
    }
    # Docstrings are read as plain text first: `name` is code, and a link where it is a public name.
    config.default_role = "py:obj"
    config.nitpick_ignore_regex.append(("py:obj", ".*"))


def setup(app: Any) -> dict[str, Any]:
    """Register the extension."""
    app.connect("config-inited", configure)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
