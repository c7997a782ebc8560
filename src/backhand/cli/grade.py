"""`backhand grade`: check the submissions of a class."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backhand.cli import frame_options, options, written_output


def grade(
    submissions: Annotated[
        list[str],
        typer.Argument(metavar="PLACE:FUNCTION...", show_default=False,
                       help="A file, a notebook, a folder with all that is below it, or a quoted "
                            "pattern, such as 'submissions/*.py:backward'."),
    ],
    *,
    function: Annotated[
        str | None,
        typer.Option(metavar="NAME", show_default=False,
                     help="The function in files that are named without one, as a shell does that "
                          "expands a pattern."),
    ] = None,
    points: Annotated[
        str | None,
        typer.Option(metavar="dW1=2,db1=1,...", show_default=False,
                     help="Points for each equation, given if it is correct given its inputs."),
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", show_default=False, help="Write the table.")
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", show_default=False,
                     help="Write a page for each submission, and an index."),
    ] = None,
    hints: options.Hints = 2,
    jobs: Annotated[
        int | None,
        typer.Option(show_default="the number of CPUs", help="Submissions checked at a time."),
    ] = None,
    seconds: Annotated[
        float,
        typer.Option(help="Time limit for importing a file, and for each call. All calls together "
                          "may take six times as long."),
    ] = 5.0,
    memory: Annotated[
        str, typer.Option(metavar="SIZE", help="Memory that a submission may use, on Linux.")
    ] = "1GiB",
    activation: frame_options.Activation = None,
    output: frame_options.Output = None,
    loss: frame_options.Loss = None,
    reduction: frame_options.Reduction = None,
    layout: frame_options.Layout = None,
    biases: frame_options.Biases = None,
    labels: frame_options.Labels = None,
    forward: frame_options.Forward = False,
    json: options.Json = False,
) -> None:  # fmt: skip
    """Check the submissions of a class. Each runs in a process of its own, several at once.

    Prints a line on standard error when a submission is checked, and a table at the end. The exit
    code is 0 if all were graded, whatever the outcomes.
    """
    from backhand.cli.reports.grading import GradingReport, write_csv
    from backhand.cli.standard_streams import write_message
    from backhand.constraints import Integer, Number, check
    from backhand.doctor.grading.grade import Grading
    from backhand.doctor.grading.pages import make_folder, write_pages
    from backhand.doctor.grading.points import parse_points
    from backhand.doctor.grading.submissions import find_submissions
    from backhand.doctor.report.hints import check_hints
    from backhand.support.atomic_files import check_output
    from backhand.support.memory_budget import parse_size

    check("seconds", seconds, Number(0.001))
    check_hints(hints)
    if jobs is not None:
        check("jobs", jobs, Integer(1))
    by_equation = parse_points(points) if points else {}
    found = find_submissions(submissions, function)
    if csv is not None:
        check_output(csv, "the table", [one.file for one in found], ".csv")
        written_output.expect_file(csv, f"the table was written to {csv}")
    if html is not None:
        make_folder(html)  # rather than after a minute, that it cannot be made
    frame = frame_options.declared(
        activation=activation, output=output, loss=loss, reduction=reduction, layout=layout,
        biases=biases, labels=labels,
    )  # fmt: skip
    report = GradingReport(len(found), as_json=json)
    graded = []
    with Grading(
        by_equation,
        jobs=jobs,
        seconds=seconds,
        memory=parse_size(memory),
        forward=forward,
        **frame,
    ) as grading:
        for one in grading.graded(found):
            report.progress(one)
            graded.append(one)
    graded.sort(key=lambda one: one.submission)
    if csv is not None:
        write_csv(csv, graded)
    if html is not None:
        write_pages(html, graded, hints)
    report.show(graded)
    if all(one.ids == "call.not_found" for one in graded):
        write_message(f"no submission has the function. {graded[0].report.findings[0].mistake}")
