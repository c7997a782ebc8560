"""`backhand check`: find the wrong equation of a backward pass, or test the engines."""

from __future__ import annotations

from typing import Annotated

import typer

from backhand.cli import frame_options, options

EXIT_CODES = {"correct": 0, "wrong": 1, "not judged": 3}
"""2 is a wrong request, as for all commands: no such file or function, an unknown option."""


def check(
    function: Annotated[
        str | None,
        typer.Argument(metavar="MODULE_OR_FILE:FUNCTION", show_default=False,
                       help="A function in a module, .py file or notebook, such as "
                            "net.py:backward or week1.ipynb:backward. Without it, the engines of "
                            "this installation are tested."),
    ] = None,
    *,
    activation: frame_options.Activation = None,
    output: frame_options.Output = None,
    loss: frame_options.Loss = None,
    reduction: frame_options.Reduction = None,
    layout: frame_options.Layout = None,
    biases: frame_options.Biases = None,
    labels: frame_options.Labels = None,
    forward: frame_options.Forward = False,
    autograd: Annotated[
        bool | None,
        typer.Option("--autograd/--no-autograd", show_default="if the function uses torch",
                     help="Compare with autograd as well."),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(help="Time limit for one call, and for importing the file.",
                     show_default="10, and 60 for the file"),
    ] = None,
    hints: options.Hints = 2,
    json: options.Json = False,
) -> None:  # fmt: skip
    """Find the wrong equation of a backward pass. Says what the code does instead.

    Without a function, tests the engines of this installation.

    Exit codes: 0 all correct, 1 wrong, 2 no such file, function or option, 3 not judged: the file
    could not be run, the function is not written yet or its parameters are unknown.
    """
    if function is None:
        of_function = {
            "--activation": activation, "--output": output, "--loss": loss,
            "--reduction": reduction, "--layout": layout, "--biases": biases, "--labels": labels,
            "--forward": forward or None, "--autograd": autograd, "--seconds": seconds,
            "--hints": None if hints == 2 else hints,
        }  # fmt: skip
        for name, value in of_function.items():
            if value is not None:
                from backhand.errors import InputError

                raise InputError(f"{name} is about a function, and none is named; expected "
                                 "MODULE_OR_FILE:FUNCTION, such as net.py:backward.")  # fmt: skip
        from backhand.cli.reports.diagnosis import show_installation
        from backhand.selftest import check_installation

        code = 0 if show_installation(check_installation(), as_json=json) else 1
    else:
        from backhand.doctor.apart.check_process import CheckProcess

        frame = frame_options.declared(
            activation=activation, output=output, loss=loss, reduction=reduction, layout=layout,
            biases=biases, labels=labels,
        )  # fmt: skip
        with CheckProcess(
            function, forward=forward, autograd=autograd, seconds=seconds, **frame
        ) as apart:
            # Imported while that starts.
            import backhand.doctor.report.render  # noqa: F401
            from backhand.cli.reports.diagnosis import show_report
            from backhand.constraints import Number
            from backhand.constraints import check as check_setting
            from backhand.doctor.report.hints import check_hints

            check_hints(hints)
            if seconds is not None:
                check_setting("seconds", seconds, Number(0.001))
            report = apart.report()
        show_report(report.hinted(hints), function, as_json=json)
        code = EXIT_CODES[report.outcome]
    if code:
        raise typer.Exit(code)
