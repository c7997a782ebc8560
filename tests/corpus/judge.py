"""Show what the doctor says of the wrong functions where that is not as recorded, and record it.

    python tests/corpus/judge.py [--record]

What changed has to be read: `exact` is a person's judgement whether the doctor names the very
mistake that the author says he made, in the same equation. It is kept where the words stay; where
they change, it becomes false until somebody has read them and sets it.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from backhand.doctor import check
from corpus import held_out, later, wrong_numpy, wrong_pairs, wrong_styles

RECORD = Path(__file__).parent / "judged.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", action="store_true", help="write the record anew")
    record = parser.parse_args().record
    known = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    found = {}
    for module in (wrong_numpy, wrong_styles, held_out, later, wrong_pairs):
        for case in [*getattr(module, "WRONG", ()), *getattr(module, "PAIRS", ())]:
            named = getattr(case.f, "__qualname__", type(case.f).__qualname__)
            key = f"{module.__name__.rpartition('.')[2]}.{named}"
            report = check(case.f, **case.options)
            made = getattr(case, "mistakes", None) or [case]
            said = [f"{f.equation}: {f.mistake}" for f in report.findings if f.equation != "call"]
            equations = {finding.equation for finding in report.findings}
            before = known.get(key, {})
            same = before.get("said") == said
            found[key] = {
                "said": said,
                "named": all(mistake.equation in equations for mistake in made),
                "exact": before.get("exact", False) if same else False,
            }
            if not same:
                print(key, *(f"\n  made:  {m.equation}: {m.mistake}" for m in made),
                      *(f"\n  found: {sentence}" for sentence in said))  # fmt: skip
    if record:
        RECORD.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
