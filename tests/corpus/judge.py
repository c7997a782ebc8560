"""Show the diagnoses that are not as recorded, and record them.

    PYTHONPATH=tests python -m corpus.judge [--record]

A diagnosis that names the ids of a case's faults, and nothing else, is exact. Any other has to be
read: `exact` in `judged.json` is a person's judgement whether the doctor names the very fault that
the author describes, in the same equation. `--record` leaves it null where the ids have changed.
"""

from __future__ import annotations

import argparse

from backhand.doctor import check
from corpus.record import Judgement, judgement, read, write
from corpus.registry import cases


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", action="store_true", help="write what is found to the record")
    arguments = parser.parse_args()
    record = read()
    for case in cases():
        findings = check(case.function, **case.options).findings
        found = sorted(finding.id for finding in findings)
        before = judgement(case, record)
        if found == before.found:
            continue
        print(case.name)
        for fault, mistake in zip(case.faults, case.mistakes, strict=True):
            print(f"  fault    {fault}: {mistake}")
        print(f"  recorded {', '.join(before.found)}")
        for finding in findings:
            print(f"  found    {finding.id}: {finding.mistake}")
        record.pop(case.name, None)
        if found != sorted(case.faults):
            record[case.name] = Judgement(found, exact=None)
    if arguments.record:
        write(record)


if __name__ == "__main__":
    main()
