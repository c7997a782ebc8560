"""What a mistake is: lines that stand where others should."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from backhand.formulas import equation_of, parts_of

NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class Mistake:
    """What was written in place of an equation.

    Attributes
    ----------
    name : str
        The value that it is about, a key of `LINES`; where several lines change, the first.
    code : str
        What stands there.
    says : str
        What is wrong with that, a sentence.
    lines : mapping
        All the lines that change, `name` among them unless only what is returned is wrong.
    returned : bool
        Only what is returned under `name` is wrong; the right value was used.
    """

    name: str
    code: str
    says: str
    lines: Mapping[str, str]
    returned: bool = False

    @property
    def equation(self) -> str:
        """The equation that is wrong."""
        return equation_of(self.name)

    @cached_property
    def constant(self) -> bool:
        """Whether the lines have a number to be found."""
        return any("c" in parts_of(code) for code in self.lines.values())

    @cached_property
    def remembers(self) -> bool:
        """Whether the lines read what was there in the call before."""
        return any({"before", "last", "first"} & parts_of(code) for code in self.lines.values())


def mistake(name: str, code: str, says: str, also: Mapping[str, str] = NOTHING) -> Mistake:
    """A mistake in a line, and in others that change with it."""
    return Mistake(name, code, says, MappingProxyType({name: code, **also}))
