"""The torch engine on a GPU: its tests, a training step compared with torch's own, and a fleet.

    python benchmarks/gpu.py [--json FILE] [--members 10000] [--no-tests]

Takes up to eight minutes, most of them in compilers. It prints the card's name, the last lines of
`tests/engines/test_cuda.py`, and Markdown tables: the median time of a full-batch step of SGD in
float32 on six shapes, of contenders in turn and with loss and accuracy of each step kept on the
device; of a shuffled mini-batch with Adam; and of members of a fleet (128 rows, d 20, H 64, K 5)
that are advanced as one. A contender that cannot be measured is named with the reason and left out.

`--device cpu --quick` tries the script on a machine without a GPU.
"""

from __future__ import annotations

import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from output import arguments_of, markdown, write_json

import backhand
from backhand.benchmark.measure import Effort, in_turn, steps_for
from backhand.benchmark.problem import LEARNING_RATE, SHAPES, Shape, make_problem
from backhand.benchmark.results import figure
from backhand.engines import Block, Data, OptimizerState
from backhand.engines.torch import TorchEngine
from backhand.optimizers import make_optimizer

ROOT = Path(__file__).parent.parent
FLEET, UPDATES = Shape(128, 20, 64, 5), 200
Run = Callable[[int], Any]


def ways(device: str) -> dict[str, Callable[[], TorchEngine]]:
    """The ways of the torch engine to do a block on a device, by name."""
    found = {"Backhand, eager": partial(TorchEngine, device, graphs=False)}
    if device != "cpu":
        found["Backhand, CUDA graphs"] = partial(TorchEngine, device)
        if find_spec("triton") is not None:
            found["Backhand, Triton, CUDA graphs"] = partial(TorchEngine, device, kernels="triton")
    return dict(found)


def stepping(make: Callable[[], TorchEngine], shape: Shape) -> Run:
    """Full-batch steps of SGD by Backhand, in one block."""
    problem, engine, rule = make_problem(shape), make(), make_optimizer("sgd")
    state = OptimizerState.initial(problem.params, rule)
    session = engine.start(state, Data(problem.X, problem.y), rule)

    def run(steps: int) -> Any:
        rates = np.full((steps, 1), LEARNING_RATE)
        return session.advance(Block(shape.N, rates, 0 * rates)).loss[-1]

    return run


def compiled_steps(device: str, shape: Shape) -> Run:
    """The same by `torch.compile` with CUDA graphs ("reduce-overhead"), the update included.

    All tensors stay where they are, as torch's CUDA graphs require.
    """
    import torch

    from backhand.benchmark.contenders.torch import loss_and_accuracy

    problem = make_problem(shape)
    X, y = (torch.tensor(value, device=device) for value in (problem.X, problem.y))
    theta = [torch.tensor(value, device=device) for value in problem.params]
    sums = torch.zeros(2, device=device)

    def step() -> None:
        found = torch.func.grad_and_value(loss_and_accuracy, has_aux=True)(theta, X, y)
        gradients, (loss, accuracy) = found
        for value, gradient in zip(theta, gradients, strict=True):
            value.sub_(gradient, alpha=LEARNING_RATE)
        sums.add_(torch.stack([loss, accuracy]))

    for tensor in (*theta, X, y, sums):
        torch._dynamo.mark_static_address(tensor)
    compiled = torch.compile(step, mode="reduce-overhead", dynamic=False)

    def run(steps: int) -> Any:
        sums.zero_()
        for _ in range(steps):
            compiled()
        return float(sums[0]) / steps  # waits for the device

    return run


def autograd_steps(device: str, shape: Shape) -> Run:
    """The usual loop: `nn.Sequential`, `backward()` and `optim.SGD`, eager."""
    import torch

    from backhand.torch_twin import to_torch

    problem = make_problem(shape)
    X, y = (torch.tensor(value, device=device) for value in (problem.X, problem.y))
    model, criterion = to_torch(problem.params).to(device), torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    sums = torch.zeros(2, device=device)

    def run(steps: int) -> Any:
        sums.zero_()
        for _ in range(steps):
            S = model(X)
            loss = criterion(S, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            sums.add_(torch.stack([loss.detach(), (S.argmax(dim=1) == y).float().mean()]))
        return float(sums[0]) / steps

    return run


def mini_batches(make: Callable[[], TorchEngine], shape: Shape, batch_size: int) -> Run:
    """Shuffled mini-batches with Adam: so many epochs as there are steps."""
    problem, engine, rule = make_problem(shape), make(), make_optimizer("adam")
    state = OptimizerState.initial(problem.params, rule)
    session = engine.start(state, Data(problem.X, problem.y), rule)
    rng, batches = np.random.default_rng(0), -(-shape.N // batch_size)

    def run(epochs: int) -> Any:
        orders = np.stack([rng.permutation(shape.N) for _ in range(epochs)])
        rates = np.full((epochs, batches), 1e-3)
        return session.advance(Block(batch_size, rates, 0 * rates, orders)).loss[-1]

    return run


def started(makers: Iterable[tuple[str, Callable[[], Run]]], effort: Effort) -> tuple[Any, Any]:
    """The runs, warm, and how many steps of each take long enough; those that fail are named."""
    runs: dict[str, Run] = {}
    steps: dict[str, int] = {}
    for name, make in makers:
        began = time.perf_counter()
        try:
            run = make()
            steps[name] = steps_for(run, effort)
            runs[name] = run
        except Exception as error:  # a compiler's, say; the others can still be measured
            said = f"{type(error).__name__}: {error}".splitlines()[0]
            print(f"{name}: left out ({said})\n", flush=True)
        took = time.perf_counter() - began
        print(f"{name}: ready after {took:.1f} s", file=sys.stderr, flush=True)
    return runs, steps


def step_table(arguments: Namespace, effort: Effort) -> dict[str, Any]:
    """Microseconds per step of the six shapes."""
    device, found = arguments.device, {}
    for shape in SHAPES[:2] if arguments.quick else SHAPES:
        makers = [(name, partial(stepping, make, shape))
                  for name, make in ways(device).items()]  # fmt: skip
        makers.append(("torch autograd, eager", partial(autograd_steps, device, shape)))
        if device != "cpu":
            makers.append((
                'torch.compile, "reduce-overhead"', partial(compiled_steps, device, shape)
            ))  # fmt: skip
        runs, steps = started(makers, effort)
        seconds = in_turn(runs, steps, effort.repeats)
        found[str(shape)] = {name: median(took) * 1e6 for name, took in seconds.items()}
    names = list(dict.fromkeys(name for times in found.values() for name in times))
    markdown(
        ["µs per step: N,d,H,K", *names],
        [[shape, *(figure(times[n]) if n in times else "–" for n in names)]
         for shape, times in found.items()],
    )  # fmt: skip
    return found


def mini_batch_table(arguments: Namespace, effort: Effort) -> dict[str, float]:
    """Microseconds per update of an epoch of mini-batches."""
    shape = Shape(2000, 20, 64, 5) if arguments.quick else Shape(60000, 784, 256, 10)
    batch_size = 128
    makers = [(name, partial(mini_batches, make, shape, batch_size))
              for name, make in ways(arguments.device).items()]  # fmt: skip
    runs, steps = started(makers, effort)
    seconds = in_turn(runs, steps, effort.repeats)
    updates = -(-shape.N // batch_size)
    found = {name: median(took) / updates * 1e6 for name, took in seconds.items()}
    title = f"µs per update: {shape.N:,} rows, d {shape.d}, H {shape.H}, batches of {batch_size}"
    markdown([f"{title}, Adam", *found], [["", *map(figure, found.values())]])
    return found


def fleet_table(arguments: Namespace) -> dict[str, dict[str, float]]:
    """Microseconds per member and update, alone and in `train_many`, and how losses differ."""
    problem, found = make_problem(FLEET), {}
    members = [
        backhand.Member(hidden=FLEET.H, epochs=UPDATES, seed=m, learning_rate=rate)
        for m, rate in enumerate(np.linspace(0.02, 0.12, arguments.members).tolist())
    ]
    few = backhand.train_many(members[:3], problem.X, problem.y, engine="reference")
    expected = np.array([result.history.loss[-1] for result in few])
    for name, make in ways(arguments.device).items():
        try:
            engine = make()
            update = advance_time(engine, members, problem)
            began = time.perf_counter()
            results = backhand.train_many(members, problem.X, problem.y, engine=engine)
            took = time.perf_counter() - began
        except Exception as error:  # memory, a compiler; the others can still be measured
            print(f"{name}: left out ({type(error).__name__}: {str(error).splitlines()[0]})\n")
            continue
        losses = np.array([result.history.loss[-1] for result in results[:3]])
        found[name] = {
            "update": update, "all": took,
            "difference": float(np.abs(losses - expected).max()),
        }  # fmt: skip
    markdown(
        [f"{arguments.members:,} members of {FLEET}, {UPDATES} updates",
         "µs per member and update", "`train_many`, s", "largest difference of losses"],
        [[name, figure(of["update"]), f"{of['all']:.2f}", f"{of['difference']:.0e}"]
         for name, of in found.items()],
    )  # fmt: skip
    return found


def advance_time(engine: TorchEngine, members: list[Any], problem: Any) -> float:
    """Microseconds per member and update of `advance_all`, without what `train_many` adds.

    The second call is measured: the first one stacks the members, compiles and captures.
    """
    data, rule = Data(problem.X, problem.y), make_optimizer("sgd")
    total = 0.0
    for begin in range(0, len(members), engine.group):
        some = members[begin : begin + engine.group]
        sessions = [
            engine.start(OptimizerState.initial(
                backhand.init(FLEET.d, FLEET.H, FLEET.K, seed=m.seed), rule), data, rule)
            for m in some
        ]  # fmt: skip
        blocks = [
            Block(FLEET.N, np.full((UPDATES, 1), m.learning_rate), np.zeros((UPDATES, 1)))
            for m in some
        ]
        for _ in range(2):
            began = time.perf_counter()
            engine.advance_all(sessions, blocks)
            took = time.perf_counter() - began
        total += took
    return total / len(members) / UPDATES * 1e6


def run_tests() -> None:
    """Run the tests that need a device, which the configuration deselects."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-m", "cuda",
               "tests/engines/test_cuda.py"]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    print("```\n" + "\n".join((done.stdout + done.stderr).splitlines()[-15:]) + "\n```\n")


def describe(device: str) -> dict[str, str]:
    """The card and the versions."""
    import torch

    about = {"torch": torch.__version__}
    if device != "cpu":
        about = {"card": torch.cuda.get_device_name(device)} | about
    if find_spec("triton") is not None:
        import triton

        about["Triton"] = triton.__version__
    print("## " + ", ".join(f"{name} {value}" for name, value in about.items()) + "\n", flush=True)
    return about


def main() -> None:
    parser = arguments_of(__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--members", type=int, default=10000)
    parser.add_argument("--quick", action="store_true", help="a check that measuring works")
    parser.add_argument("--no-tests", action="store_true")
    arguments = parser.parse_args()
    effort = Effort(2, 0.02, 1) if arguments.quick else Effort(7, 0.1, 10)
    found: dict[str, Any] = {"machine": describe(arguments.device)}
    if not arguments.no_tests:
        run_tests()
    found["steps"] = step_table(arguments, effort)
    found["fleet"] = fleet_table(arguments)
    found["mini-batches"] = mini_batch_table(arguments, effort)
    write_json(arguments.json, found)


if __name__ == "__main__":
    main()
