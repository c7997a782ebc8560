"""What is deprecated: one list of all old names, and the functions by which they still work.

An entry works until the version that removes it, with a `BackhandFutureWarning` that names the new
name. A test fails when that version is reached, so that nothing stays longer than it says; and
docs/reference/compatibility.md has the list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Literal, ParamSpec, TypeVar

from backhand.errors import BackhandFutureWarning, InputError, warn

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Deprecated:
    """An old name that still works.

    Attributes
    ----------
    kind : {"name", "parameter", "option"}
        A public name of `backhand`, a parameter of a public function, or an option of commands.
    old, new : str
        What it was called, and what replaces it.
    since, removed_in : str
        The version that deprecates it, and the one in which it is gone.
    where : str
        The function whose parameter it is, or the commands that have the option.
    """

    kind: Literal["name", "parameter", "option"]
    old: str
    new: str
    since: str
    removed_in: str
    where: str = ""

    @property
    def sentence(self) -> str:
        """What a user is to know."""
        whose = f" of {self.where}" if self.kind == "parameter" else ""
        return (
            f"{self.old}{whose} is deprecated since Backhand {self.since} and will be removed in "
            f"{self.removed_in}; use {self.new}, which is the same."
        )


DEPRECATED = (
    Deprecated(
        "option", "--weight-decay", "--l2", "0.1.0", "0.3.0", where="train, explain, compare"
    ),
)
"""Everything that is deprecated. `--weight-decay` is a penalty in the loss: with Adam that is not
what is called weight decay."""


def current_name(old: str, known: Iterable[Deprecated] = DEPRECATED) -> str | None:
    """Return the name that replaces a public name, with a warning; None if it never was one."""
    for entry in known:
        if entry.kind == "name" and entry.old == old:
            warn(entry.sentence, BackhandFutureWarning)
            return entry.new
    return None


def old_parameters(
    function: Callable[P, T], known: Iterable[Deprecated] = DEPRECATED
) -> Callable[P, T]:
    """Let a function take the old names of its parameters, with a warning.

    Raises
    ------
    InputError
        When it is called with both an old name and the new one.
    """
    renamed = {entry.old: entry for entry in known
               if entry.kind == "parameter" and entry.where == function.__name__}  # fmt: skip

    @wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> T:
        for old in renamed.keys() & kwargs.keys():
            entry = renamed[old]
            if entry.new in kwargs:
                raise InputError(
                    f"{old} and {entry.new} are both given, and {old} is the old name of "
                    f"{entry.new}; leave {old} out."
                )
            warn(entry.sentence, BackhandFutureWarning)
            kwargs[entry.new] = kwargs.pop(old)
        return function(*args, **kwargs)

    return called


def current_options(
    command: str,
    arguments: Iterable[str],
    notify: Callable[[str], None],
    known: Iterable[Deprecated] = DEPRECATED,
) -> list[str]:
    """Return the arguments of a command with new options instead of old ones.

    `notify` is called with a sentence about each old one, once.
    """
    renamed = {entry.old: entry for entry in known
               if entry.kind == "option" and command in entry.where.split(", ")}  # fmt: skip
    found: list[str] = []
    named: set[str] = set()
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if argument == "--":  # what follows are no options
            return [*found, argument, *rest]
        if (entry := renamed.get(name)) is None:
            found.append(argument)
            continue
        found.append(f"{entry.new}{equals}{value}")
        if name not in named:
            notify(entry.sentence)
        named.add(name)
    return found
