"""The dictionary: all mistakes, each as code that stands where an equation should.

Among mistakes that give the same numbers the first is named, so the usual ones come first. In the
lines, `c` is a number that is found by least squares; `before` holds the values of the call before,
`last` what the function returned there, and `first` the values of the first call.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from types import MappingProxyType

from backhand.doctor.faults.backward import BACKWARD, BOUNDED, NARROW, SCALES
from backhand.doctor.faults.families import CONSISTENT
from backhand.doctor.faults.fault import Mistake, mistake
from backhand.doctor.faults.forward import CLIPPED, FORWARD, OVERWRITTEN
from backhand.doctor.faults.penalty import of_penalties
from backhand.doctor.faults.update import of_updates
from backhand.formulas import LINES, UPDATED


@cache
def dictionary() -> tuple[Mistake, ...]:
    """All mistakes, the usual ones first, each once."""
    found: dict[tuple[object, ...], Mistake] = {}
    for one in _mistakes():
        found.setdefault((one.name, *one.lines.items(), one.returned), one)
    return tuple(found.values())


def _mistakes() -> Iterator[Mistake]:
    for name, entries in FORWARD.items():
        tail = " + l2 / 2 * ((W1**2).sum() + (W2**2).sum())" if name == "L" else ""
        yield from (mistake(name, code + tail, says) for code, says in entries)
    for name, entries in BACKWARD.items():
        yield from (mistake(name, code + _tail(name), says) for code, says in entries)
    yield from of_updates()
    yield from (mistake(*entry) for entry in CONSISTENT)
    yield from of_penalties()
    yield from (mistake("P", code, says) for code, says in CLIPPED)
    for name in ("dS", "dW2", "db2", "dH1", "dZ1", "dW1", "db1"):
        for code, says in (*SCALES, *BOUNDED):
            yield mistake(name, code.format(LINES[name]), says)
        for code, says in SCALES if _tail(name) else ():
            bare = LINES[name].removesuffix(_tail(name))
            yield mistake(name, code.format(bare) + _tail(name), says)
    for name, line in LINES.items():
        for code, says in NARROW:
            if name != "L":  # which is not judged that closely
                yield mistake(name, code.format(line), says)
    for name, code, says in OVERWRITTEN:
        yield Mistake(name, code, says, MappingProxyType({name: code}), returned=True)
    yield from _of_memory()
    yield from _of_constants()


def _tail(name: str) -> str:
    """The penalty's part of a line."""
    return {"dW1": " + l2 * W1", "dW2": " + l2 * W2"}.get(name, "")


def _of_memory() -> Iterator[Mistake]:
    """What is kept from call to call."""
    for names, says in (
        (("dW2", "db2", "dW1", "db1"), "as are all gradients"),
        (("dW2", "dW1"), "as is dW1"),
        (("db2", "db1"), "as is db1"),
    ):
        lines = {name: f"{LINES[name]} + last.{name}" for name in names}
        yield Mistake(
            names[0],
            lines[names[0]],
            f"it is added to what earlier calls left there, {says}",
            MappingProxyType(lines),
        )
    for name in ("dW2", "db2", "dW1", "db1"):
        yield mistake(
            name, f"{LINES[name]} + last.{name}", "it is added to what earlier calls left there"
        )
        yield mistake(name, f"last.{name}", "it is that of the call before")
        yield mistake(
            name,
            f"{LINES[name]} + c * last.{name}",
            "a share of what the call before gave is added",
        )
    for name in ("Z1", "H1", "S", "P", "dS", "dH1", "dZ1"):
        yield mistake(name, f"before.{name}", "it is that of the call before")


def _of_constants() -> Iterator[Mistake]:
    """With a number that the equations do not have."""
    for name in ("dS", "dW2", "db2", "dH1", "dZ1", "dW1", "db1"):
        yield mistake(name, f"c * ({LINES[name]})", "it has a factor that does not belong there")
    for name, W, bare in (("dW2", "W2", "H1.T @ dS"), ("dW1", "W1", "X.T @ dZ1")):
        yield mistake(name, f"{bare} + c * {W}", "a penalty is added that was not asked for")
    yield mistake("db2", "dS.sum(axis=0) + c * b2", "the bias is shrunk as well")
    yield mistake("db1", "dZ1.sum(axis=0) + c * b1", "the bias is shrunk as well")
    yield mistake(
        "dS", "c * (P - Y) / N + (1 - c) * P / N", "the one-hot rows are not 1 at their class"
    )
    yield mistake("L", "c * (Y * log(P)).sum()", "it has a factor that does not belong there")
    for name in UPDATED:
        W = name.removeprefix("new ")
        yield mistake(name, f"{W} - c * d{W}", f"the step of {W} has another size")
