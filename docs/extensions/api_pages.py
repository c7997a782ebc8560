"""The pages of the public names: what they show, and what becomes a link.

`docs/reference/api.md` lists the names in groups; `sphinx.ext.autosummary` writes a page for each
by the templates in `docs/templates/autosummary`. Docstrings are made to be read as plain text too:
a name in single backticks is code, and a link where it is a public name.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

from numpydoc.docscrape_sphinx import SphinxDocString
from numpydoc.xref import DEFAULT_LINKS
from public_api import RETURNED, methods, public_names, returned

TEMPLATES = Path(__file__).parent.parent / "templates"
BEFORE_NUMPYDOC = 400

DOCUMENT = re.compile(r"`?\bdocs/([\w-]+)\.md\b`?")


def configure(_: Any, config: Any) -> None:
    """Set what belongs to these pages."""
    names = public_names()
    classes = {name: value for name, value in names.items() if inspect.isclass(value)}
    modules = [name for name, value in names.items() if inspect.ismodule(value)]
    config.templates_path.append(str(TEMPLATES))
    config.autosummary_context |= {
        "public_methods": {f"backhand.{n}": methods(n, kind) for n, kind in classes.items()}
        | {RETURNED[n]: methods(n, kind) for n, kind in returned().items()},
        "title_of": {RETURNED[n]: n for n in RETURNED} | {f"backhand.{n}": n for n in names},
        "public_names": {
            f"backhand.{module}": [n.removeprefix(f"{module}.") for n in names if f"{module}." in n]
            for module in modules
        },
    }
    config.default_role = "py:obj"
    config.nitpick_ignore_regex.append(("py:obj", r"(?s).*"))
    config.smartquotes = False  # "adam" is to be copied
    config.toc_object_entries_show_parents = "hide"
    # Types in docstrings are links where they are public classes, and words otherwise.
    config.numpydoc_xref_param_type = True
    config.numpydoc_xref_ignore = "all"
    config.numpydoc_xref_aliases = (
        {word: word for word in DEFAULT_LINKS}
        | {name.rpartition(".")[2]: f"backhand.{name}" for name in classes}
        | RETURNED
    )


def described(self: Any, name: str, lines: list[str], _: bool) -> tuple[str, list[str]]:
    """Describe an attribute as its class does; numpydoc would take the property's docstring."""
    return f"**{self._escape_args_and_kwargs(name.strip())}**", lines


def linked(_: Any, __: str, ___: str, ____: Any, _____: Any, lines: list[str]) -> None:
    """Make links of the documents that a docstring names, such as docs/precision.md."""
    lines[:] = [DOCUMENT.sub(r":doc:`/\1`", line) for line in lines]


def shortened_signature(
    _: Any, what: str, __: str, value: Any, ___: Any, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """Leave out the arguments of protocols, which are not made, and the names of factories."""
    if what == "class" and getattr(value, "_is_protocol", False):
        return "", returns
    return signature and signature.replace("=<factory>", "=..."), returns


def setup(app: Any) -> dict[str, Any]:
    """Register the extension."""
    SphinxDocString._process_param = described
    app.connect("config-inited", configure, priority=BEFORE_NUMPYDOC)
    app.connect("autodoc-process-docstring", linked)
    app.connect("autodoc-process-signature", shortened_signature)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
