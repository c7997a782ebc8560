"""The report of `backhand compare`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from backhand.cli.reports.output import engine_shown, print_json
from backhand.engines import Engine
from backhand.equations import Parameters

if TYPE_CHECKING:  # it imports torch
    from backhand.torch_twin import Comparison, ReferenceColumn

BF16 = """By hand, factors of products are rounded to 8 bits; autograd computes in float32. Near a
minimum, a gradient is a small sum of large terms, and its relative difference may approach 1. The
losses should agree to two or three digits.
"""
"""What to expect of a comparison in bf16."""

REFERENCE_EPOCHS = (50, 100, 150, 200)


def show_reference_run(
    columns: Sequence[ReferenceColumn], engine: Engine, *, as_json: bool
) -> None:
    """Print the eight lines of the reference run, and the time of each method."""
    if engine.precision == "bf16" and not as_json:
        print(f"by hand: the {engine_shown(engine)}; the documented losses are those of float32\n")
    for column in columns:
        for epoch in REFERENCE_EPOCHS:
            loss, accuracy = float(column.loss[epoch - 1]), float(column.accuracy[epoch - 1])
            if as_json:
                print_json("epoch", {"way": column.name, "epoch": epoch, "loss": loss,
                                     "accuracy": accuracy})  # fmt: skip
            else:
                print(f"{column.name:<9} epoch {epoch:3d} | loss {loss:.4f} | acc {accuracy:.3f}")
    for column in columns:
        if as_json:
            print_json("time", {"way": column.name, "seconds": column.seconds})
        else:
            each = column.seconds / len(column.loss)
            print(
                f"{column.name:<9} {len(column.loss)} epochs in {column.seconds * 1e3:.1f} ms, "
                f"{each * 1e6:,.0f} µs per epoch"
            )


def show_comparison(
    reports: Iterable[Comparison],
    params: Parameters,
    rows: int,
    engine: Engine,
    threads: int,
    *,
    as_json: bool,
) -> None:
    """Print a line per reported epoch, as it is computed."""
    if not as_json:
        _heading(params, rows, engine, threads)
    for report in reports:
        ours, theirs = report.by_hand, report.autograd
        if as_json:
            print_json("epoch", {
                "epoch": report.epoch, "by_hand": ours._asdict(), "autograd": theirs._asdict(),
                "gradients": report.gradients, "weights": report.weights,
            })  # fmt: skip
            continue
        print(
            f"{report.epoch:6d} {ours.loss:8.4f} {theirs.loss:8.4f}  {ours.accuracy:8.3f} "
            f"{theirs.accuracy:8.3f}  {report.gradients:9.1e} {report.weights:9.1e}  "
            f"{ours.seconds_per_step * 1e6:8,.0f} {theirs.seconds_per_step * 1e6:8,.0f}",
            flush=True,
        )


def _heading(params: Parameters, rows: int, engine: Engine, threads: int) -> None:
    (d, H), K = params.W1.shape, params.W2.shape[1]
    print(
        f"N {rows:,}, d {d:,}, H {H:,}, K {K:,}, {params.W1.dtype}; full batch, SGD, equal weights"
    )
    print(
        f"by hand: the {engine_shown(engine)}; autograd: torch, nn.Sequential and loss.backward()"
    )
    print(f"{threads} thread{'s' if threads > 1 else ''} each\n")
    if engine.precision == "bf16":
        print(BF16)
    titles = ("loss", "accuracy", "largest difference", "µs per step")
    print((" " * 6 + "".join(f" {title:^18}" for title in titles)).rstrip())
    pair = f"{'by hand':>8} {'autograd':>8}"
    print(f"{'epoch':>6} {pair}  {pair}  {'gradients':>9} {'weights':>9}  {pair}")
