"""Show what the doctor says of the wrong functions where that is not as recorded, and record it.

    PYTHONPATH=tests python -m corpus.judge [--record]

What changed has to be read: `exact` is a person's judgement whether the doctor names the very
mistake that the author says he made, in the same equation. It is kept where the words stay; where
they change, it becomes false until somebody has read them and sets it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from backhand.doctor import check
from corpus.registry import cases

RECORD = Path(__file__).parent / "judged.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", action="store_true", help="write the record anew")
    record = parser.parse_args().record
    known = json.loads(RECORD.read_text())
    found = {}
    for case in cases("wrong_numpy", "wrong_styles", "wrong_pairs", "held_out", "later"):
        if not case.faults:
            continue
        report = check(case.function, **case.options)
        said = [f"{f.equation}: {f.mistake}" for f in report.findings if f.equation != "call"]
        before = known.get(case.name, {})
        same = before.get("said") == said
        found[case.name] = {
            "said": said,
            "named": set(case.faults) <= {finding.equation for finding in report.findings},
            "exact": before.get("exact", False) if same else False,
        }
        if not same:
            print(case.name,
                  *(f"\n  made:  {equation}: {mistake}"
                    for equation, mistake in zip(case.faults, case.mistakes, strict=True)),
                  *(f"\n  found: {sentence}" for sentence in said))  # fmt: skip
    if record:
        RECORD.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
