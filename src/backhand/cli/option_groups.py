"""Options that belong together as one record: one parameter of a command, several options.

A command is written with a parameter per record. `with_groups` replaces it by the options that the
fields of the record are, and makes the record of their values. The help lists the options of each
record under a title.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import fields, is_dataclass
from functools import wraps
from typing import Annotated, Any, get_type_hints

import typer
from typer.core import TyperCommand
from typer.models import OptionInfo

from backhand.cli.standard_streams import write_message
from backhand.cli.usage_errors import ARGUMENTS, option_of
from backhand.constraints import Choice, Or
from backhand.option_names import at_shell
from backhand.support.deprecated import current_options

KINDS = {"int": int, "float": float, "bool": bool}
"""Types of options by the first word of a setting's type; all others are texts."""


class Command(TyperCommand):
    """A command that takes options by their old names too, and says on standard error so.

    While it runs, messages name settings by its options.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments, old names of options replaced by the new ones."""
        current = current_options(ctx.info_name, args, write_message)
        ctx.meta[ARGUMENTS] = tuple(current)
        try:
            return super().parse_args(ctx, current)
        except Exception as error:
            if getattr(error, "ctx", ctx) is None:  # its message needs the command's options
                error.ctx = ctx  # type: ignore[attr-defined]
            raise

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        options = {str(param.name): option_of(param) for param in self.params if option_of(param)}
        with at_shell(options):
            return super().invoke(ctx)


class GroupedCommand(Command):
    """A command whose help lists its options under the titles of their groups."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, the options of no group, and those of each group."""
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for param in self.get_params(ctx):
            title = getattr(param, "rich_help_panel", None) or "Options"
            if param.param_type_name == "argument":
                title = "Arguments"
            if (record := param.get_help_record(ctx)) is not None:
                help_text = record[1].replace("[default: (required)]", "[required]")
                sections.setdefault(title, []).append((record[0], help_text))
        for title, records in sections.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


def with_groups(
    *, titles: Mapping[str, str], spelled: Mapping[str, dict[str, Any]]
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of the records that its parameters are.

    A record's options are its annotated fields, under its `title`; or, if it declares settings, an
    option for each of them.

    Parameters
    ----------
    titles : mapping
        The titles of declared settings: each by the first setting that has it.
    spelled : mapping
        The names of an option, or its metavar, where they are not those that follow from a setting.
    """

    def options_of(group: Any) -> list[inspect.Parameter]:
        annotations, title = titled_options(group), ""
        for declared in fields(group):
            title = titles.get(declared.name, title)
            if "description" in declared.metadata:
                option = setting_option(declared, title, **spelled.get(declared.name, {}))
                annotations[declared.name] = option
        kind = inspect.Parameter.KEYWORD_ONLY
        return [inspect.Parameter(f.name, kind, default=f.default, annotation=annotations[f.name])
                for f in fields(group)]  # fmt: skip

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(command, eval_str=True)
        groups: dict[str, Any] = {
            name: parameter.annotation
            for name, parameter in signature.parameters.items()
            if is_dataclass(parameter.annotation)
        }
        parameters: list[inspect.Parameter] = []
        for name, parameter in signature.parameters.items():
            parameters += options_of(groups[name]) if name in groups else [parameter]

        @wraps(command)
        def called(**values: Any) -> None:
            records: dict[str, Any] = {
                name: group(**{f.name: values.pop(f.name) for f in fields(group)})
                for name, group in groups.items()
            }
            command(**values, **records)

        called.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        return called

    return decorate


def titled_options(group: Any) -> dict[str, Any]:
    """The annotated fields of a record, whose options get its title."""
    found: dict[str, Any] = {}
    if not hasattr(group, "title"):  # it declares settings
        return found
    for name, hint in get_type_hints(group, include_extras=True).items():
        if (metadata := getattr(hint, "__metadata__", None)) is None:  # its title
            continue
        option = copy(metadata[0])
        option.rich_help_panel = group.title
        found[name] = Annotated[hint.__origin__, option]
    return found


def setting_option(declared: Any, title: str, **spelled: Any) -> Any:
    """The option of a declared setting: its type, description and choices."""
    kind: Any = KINDS.get(str(declared.type).split()[0], str)
    constraint = declared.metadata["constraint"]
    if isinstance(constraint, Or):
        constraint = constraint.second
    if isinstance(constraint, Choice):
        spelled.setdefault("metavar", "|".join(map(str, constraint.choices)))
    names = spelled.pop("names", ())
    option: OptionInfo = typer.Option(
        *names, help=declared.metadata["description"].replace("\n", " "), rich_help_panel=title,
        show_default=declared.default is not None and kind is not bool, **spelled,
    )  # fmt: skip
    return Annotated[kind | None if declared.default is None else kind, option]
