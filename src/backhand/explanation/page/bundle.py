"""JavaScript modules in one script: what a file that opens from disk, or a widget, can load.

Browsers load no modules from disk beside a page. So each module of `web/` becomes a function that
is called once, after those that it imports, and returns what it exports. Nothing else is changed:
what the browser's debugger shows is the source.
"""

from __future__ import annotations

import re
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

WEB = Path(__file__).parent / "web"

IMPORT = re.compile(r'^import \{([^}]*)\} from "[./\w]*?(\w+)\.js";\n', re.MULTILINE)
"""The only form of import that the modules use."""

EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|const|class) (\w+))", re.MULTILINE)
"""The only form of export: in front of a declaration."""


@cache
def places() -> dict[str, Path]:
    """Return the file of each module, by its name: no two have the same, whatever their folders."""
    return {path.stem: path for path in sorted(WEB.rglob("*.js"))}


def source(module: str) -> str:
    """Return the text of a module of `web/`."""
    return places()[module].read_text(encoding="utf-8")


@cache
def bundle(entry: str) -> str:
    """Return a script that runs a module and all that it imports.

    The modules' exports are in constants such as `$equations`; `entry` is the last of them.
    """
    sources: dict[str, str] = {}
    waiting = [entry]
    while waiting:
        module = waiting.pop()
        if module not in sources:
            sources[module] = source(module)
            waiting += [other for _, other in IMPORT.findall(sources[module])]
    needs = {m: [other for _, other in IMPORT.findall(text)] for m, text in sources.items()}
    return "\n".join(_wrapped(m, sources[m]) for m in TopologicalSorter(needs).static_order())


def _wrapped(module: str, text: str) -> str:
    """A module as a constant of what it exports."""
    exported = EXPORT.findall(text)
    body = IMPORT.sub(lambda found: f"const {{{_renamed(found[1])}}} = ${found[2]};\n", text)
    body = EXPORT.sub("", body)
    return f"const ${module} = (() => {{\n{body}return {{ {', '.join(exported)} }};\n}})();"


def _renamed(names: str) -> str:
    """The names of an import as those of a destructuring: `a as b` is `a: b`."""
    return re.sub(r"(\w+) as (\w+)", r"\1: \2", names)
