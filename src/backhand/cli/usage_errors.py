"""Options and arguments that the parser refuses, in the words of all other messages."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

from backhand.constraints import Or
from backhand.errors import did_you_mean, listed, nearest

KINDS = {
    "integer": "an integer", "int": "an integer", "float": "a number", "boolean": "true or false",
}  # fmt: skip
"""What options of the parser's types expect."""

ARGUMENTS = "backhand.arguments"
"""Where a context has the arguments that are parsed in it."""


def usage_sentence(error: Any) -> str:
    """Return what is wrong with the options and arguments, and what was expected."""
    kind, context = type(error).__name__, error.ctx
    command = _command(context)
    if kind == "NoSuchOption":
        return _no_such_option(error.option_name, command, context)
    if kind == "MissingParameter" and error.param is not None:
        return f"{_label(error.param)} is missing; expected {_use(error.param)}."
    if kind == "BadParameter" and error.param is not None:
        return _bad_value(error)
    if kind == "BadOptionUsage" and context is not None:
        return _bad_use(error.option_name, context)
    if found := re.fullmatch(r"No such command '(.*?)'\..*", error.message, re.DOTALL):
        return _no_such_command(found[1], context)
    if "unexpected extra argument" in error.message and context and ARGUMENTS in context.meta:
        return _extra_arguments(context)
    return f"{error.format_message().rstrip('.')}; '{command} --help' lists what there is."


def _command(context: Any) -> str:
    return (
        "backhand" if context is None or context.parent is None else f"backhand {context.info_name}"
    )


def option_of(param: Any) -> str:
    """The long form of a parameter's option."""
    return max((name for name in param.opts if name.startswith("--")), key=len, default="")


def _label(param: Any) -> str:
    return option_of(param) or _metavar(param)


def _metavar(param: Any) -> str:
    return str(param.metavar or param.type.name.upper())


def _use(param: Any) -> str:
    """How a parameter is given, and what it is."""
    what = (param.help or "").rstrip(".")
    what = f"{what[:1].lower()}{what[1:]}"
    if not option_of(param):
        return what
    return f"{option_of(param)} {_metavar(param)}{': ' if what else ''}{what}"


def _options(context: Any) -> dict[str, Any]:
    """The parameters of a command, by the names of their options."""
    params = context.command.get_params(context)
    return {name: param for param in params
            for name in (*param.opts, *param.secondary_opts) if name.startswith("-")}  # fmt: skip


def _no_such_option(name: str, command: str, context: Any) -> str:
    known = [] if context is None else [one for one in _options(context) if one.startswith("--")]
    initials = [one for one in known if "--" + "".join(re.findall("-([a-z])", one[1:])) == name]
    longer = [one for one in known if len(name) > 3 and one.startswith(name)]
    close = initials or longer[:3] or nearest(name, known)
    if close:
        return f"there is no option {name}. Did you mean {listed(close, conjunction='or')}?"
    return f"there is no option {name}; '{command} --help' lists those that there are."


def _bad_value(error: Any) -> str:
    """A value that is not of the option's type."""
    found = re.match(r"'(.*)' is not a valid", error.message, re.DOTALL)
    kind = KINDS.get(error.param.type.name)
    if found is None or kind is None:
        return f"{_label(error.param)}: {error.message.rstrip('.')}; expected {_use(error.param)}."
    return f"{_label(error.param)} is '{found[1]}'; expected {_expected(error.param, found[1])}."


def _expected(param: Any, text: str = "") -> str:
    """What an option's value has to be."""
    from dataclasses import fields

    from backhand.table_settings import Settings

    kind = KINDS.get(param.type.name, _metavar(param))
    setting = next((one for one in fields(Settings) if one.name == param.name), None)
    if setting is not None and param.type.name in KINDS:
        constraint = setting.metadata["constraint"]
        constraint = constraint.second if isinstance(constraint, Or) else constraint
        kind = kind if constraint is None else constraint.expected
    if kind.startswith("a number") and re.fullmatch(r"\d*,\d+", text):
        kind += f", with a decimal point: {text.replace(',', '.')}"
    return kind


def _bad_use(name: str, context: Any) -> str:
    """An option without its value, or a switch with one."""
    param = _options(context).get(name)
    if param is None:
        return f"{name} is not given as it has to be; '{_command(context)} --help' shows it."
    if param.is_flag:
        return f"{name} takes no value; expected {name} alone."
    return f"{name} has no value; expected {_use(param)}."


def _no_such_command(name: str, context: Any) -> str:
    known = list(context.command.commands)
    having = [
        f"backhand {one}" for one, command in context.command.commands.items()
        if any(f"--{name}" in param.opts for param in command.params)
    ]  # fmt: skip
    if having:
        return (
            f"there is no command '{name}'; expected --{name} as an option of "
            f"{listed(having, conjunction='or')}."
        )
    return f"there is no command '{name}'. {did_you_mean(name, known)}"


def _extra_arguments(context: Any) -> str:
    """More positional arguments than the command has."""
    command, arguments = context.info_name, list(context.meta[ARGUMENTS])
    values, extra, _ = context.command.make_parser(context).parse_args(arguments)
    params = [one for one in context.command.params if one.param_type_name == "argument"]
    names = {one.name for one in context.command.params}
    taken = " and ".join(map(_metavar, params)) or "options"
    data = values.get(params[-1].name) if params else None
    if isinstance(data, str) and all(Path(one).is_file() for one in (data, *extra)):
        folder, ending = Path(data).parent, Path(data).suffix
        pattern = folder / f"*{ending}"
        return (
            f"{len(extra) + 1} files are given where {command} takes one {_metavar(params[-1])}; "
            f"if the shell expanded a pattern, put it in quotes, such as '{pattern}', and all "
            "its files are read as one table."
        )
    if "target" in names - values.keys() and len(extra) == 1:
        return (
            f"{command} takes {taken} alone, and '{extra[0]}' follows it. Did you mean "
            f"--target {shlex.quote(extra[0])}?"
        )
    return f"{command} takes {taken} alone; leave out {listed(extra)}."
