"""The terms in the output of the commands, explained once.

They are printed at the end of `backhand train --help`, and after a report by `--explain-words`.
"""

from __future__ import annotations

from textwrap import wrap

from backhand.glossary import TERMS

WIDTH, LABEL = 78, 19
"""Of a line, and of the terms."""


def glossary(width: int = WIDTH) -> str:
    """Return the terms as lines of that width at most."""
    lines = []
    for term, meaning in TERMS.items():
        first, *rest = wrap(meaning, max(width - LABEL - 2, 20), break_on_hyphens=False)
        lines.append(f"  {term:<{LABEL}}{first}")
        lines += [" " * (LABEL + 2) + line for line in rest]
    return "\n".join(lines)


GLOSSARY = f"""
\b
Terms in the report:
{glossary()}
"""
