"""`backhand compare`: the hand-written backward pass and autograd, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from backhand.cli import options

if TYPE_CHECKING:
    import numpy as np

    from backhand.engines import Data


def compare(
    data: options.OptionalData = None,
    *,
    target: Annotated[
        str | None,
        typer.Option("--target", "-t", metavar="COLUMN", show_default=False,
                     help="Column to predict; with DATA or --query."),
    ] = None,
    query: options.Query = None,
    reference_run: Annotated[
        bool, typer.Option("--reference-run", help="Run the fixed example of the documentation.")
    ] = False,
    rows: Annotated[int, typer.Option(help="Number of random rows, N, without DATA.")] = 128,
    features: Annotated[int, typer.Option(help="Number of random features, d, without DATA.")] = 20,
    classes: Annotated[int, typer.Option(help="Number of random classes, K, without DATA.")] = 5,
    hidden: Annotated[int, typer.Option(help="Number of hidden units, H.")] = 64,
    epochs: Annotated[int, typer.Option(help="Number of full-batch epochs of SGD.")] = 200,
    every: Annotated[int, typer.Option(help="Epochs between two lines of the report.")] = 50,
    learning_rate: Annotated[float, typer.Option(help="Learning rate, η.")] = 0.5,
    l2: options.L2 = 0.0,
    seed: Annotated[int, typer.Option(help="Random seed for rows and initial parameters.")] = 0,
    dtype: Annotated[str, typer.Option(help="float32 or float64.")] = "float32",
    engine: options.EngineName = "auto",
    threads: Annotated[
        int | None, typer.Option(help="Threads for each of the two.", show_default="1")
    ] = None,
    precision: options.Precision = "auto",
    json: options.Json = False,
) -> None:  # fmt: skip
    """Train by hand and by autograd. Starts both from equal parameters; shows their differences."""
    from backhand import torch_twin
    from backhand.cli.reports.comparison import show_comparison, show_reference_run
    from backhand.constraints import Integer, check
    from backhand.engines import make_engine
    from backhand.errors import InputError
    from backhand.functional import init
    from backhand.support.optional import is_installed

    # Without threadpoolctl, NumPy's own number of threads cannot be changed.
    limit = 1 if threads is None and is_installed("threadpoolctl") else threads
    if precision == "bf16" and dtype == "float64":
        raise InputError("--precision bf16 is of float32 parameters; leave out --dtype float64.")
    chosen = make_engine(engine, threads=limit, precision=precision)
    threads = threads or 1
    if reference_run:
        if data is not None or query is not None or target is not None:
            raise InputError("--reference-run uses its own data; omit DATA, --query and --target.")
        show_reference_run(torch_twin.reference_run(chosen, threads), chosen, as_json=json)
        return
    for name, value in (("epochs", epochs), ("every", every), ("rows", rows)):
        check(name, value, Integer(1))
    parsed = _dtype(dtype)
    if data is None and query is None:
        if target is not None:
            raise InputError("--target names a column, but there is no DATA; name a file.")
        params = init(features, hidden, classes, seed, parsed)
        batch = _random_data(rows, features, classes, seed, parsed)
    else:
        batch, K = _table_data(data, query, target, seed, parsed)
        params = init(batch.X.shape[1], hidden, K, seed, parsed)
    reports = torch_twin.compare(
        params, batch, learning_rate=learning_rate, epochs=epochs, every=every, engine=chosen,
        threads=threads, l2=l2,
    )  # fmt: skip
    show_comparison(reports, params, batch.rows, chosen, threads, as_json=json)


def _dtype(name: str) -> type[np.floating]:
    import numpy as np

    from backhand.errors import InputError

    if name not in ("float32", "float64"):
        raise InputError(f"dtype is '{name}'; expected float32 or float64.")
    return np.float32 if name == "float32" else np.float64


def _random_data(N: int, d: int, K: int, seed: int, dtype: type[np.floating]) -> Data:
    import numpy as np

    from backhand.engines import Data

    rng = np.random.default_rng([seed, 1])
    return Data(rng.standard_normal((N, d)).astype(dtype), rng.integers(0, K, N))


def _table_data(
    data: str | None, query: str | None, target: str | None, seed: int, dtype: type[np.floating]
) -> tuple[Data, int]:
    from backhand.cli.arguments import no_target
    from backhand.engines import Data
    from backhand.table_settings import Settings
    from backhand.tables.reading.reader import read_table
    from backhand.tabular.row_parts import here
    from backhand.tabular.training import prepare_table

    if target is None:
        raise no_target(data, query)
    table = read_table(data, query)
    table.warn_of_remarks()
    prepared = prepare_table(table, target, Settings(quick=True, test_size=0.0, seed=seed))
    rows = here(prepared.training)
    return Data(rows.X.astype(dtype), rows.y), len(prepared.target.classes)
