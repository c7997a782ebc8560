"""Tell GitHub Classroom the points of a table that `backhand grade --csv` wrote.

    python report_points.py points.csv

In the template repository: .github/report_points.py. The two notices are those by which Classroom's
own graders report. The exit code is 1, and the job fails, unless all points are given.
"""

import csv
import json
import os
import sys
from pathlib import Path


def main() -> int:
    with Path(sys.argv[1]).open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    possible = [one.partition("=") for one in os.environ["POINTS"].split(",")]
    most = sum(float(points) for _, _, points in possible)
    given = float(row["sum"] or 0)
    print(f"::notice title=Autograding complete::Points {given:g}/{most:g}")
    report = json.dumps({"totalPoints": given, "maxPoints": most})
    print(f"::notice title=Autograding report::{report}")
    lines = ["| equation | points | of |", "|---|---:|---:|"]
    lines += [f"| {name} | {row[name] or 0} | {points} |" for name, _, points in possible]
    summary = "\n".join([f"# {given:g} of {most:g} points: {row['outcome']}", "", *lines, ""])
    if summary_file := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary_file).open("a", encoding="utf-8") as file:
            file.write(summary)
    return 0 if given == most else 1


if __name__ == "__main__":
    sys.exit(main())
