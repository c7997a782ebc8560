"""Draw the reports of docs/doctor.md and of docs/check.md.

    PYTHONPATH=tests python docs/doctor/draw.py

The functions are those of gallery.py and of examples/mistaken.py.
"""

from __future__ import annotations

from pathlib import Path

from backhand.doctor import check
from corpus.registry import cases


def main() -> None:
    for case in cases("gallery", "mistaken"):
        name = case.function.__name__
        file = f"gallery.py:{name}"
        if case.collection == "mistaken":
            name, file = "mistaken", "mistaken.py:backward"
        options = "".join(f" --{option} {value}" for option, value in case.options.items())
        report = check(case.function, autograd=False, **case.options)
        picture = report.svg(f"backhand check {file}{options}", width=92)
        Path(__file__).with_name(f"{name}.svg").write_text(picture)


if __name__ == "__main__":
    main()
