"""Options that a command gets as one value: its settings, made from their declarations, and groups that are shared."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar, get_type_hints

import typer

from proofgrid.settings.declared import Declared, Settings, declared, load_settings

P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S", bound=Settings)
Given = TypeVar("Given")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Options that several commands have: a frozen dataclass, whose fields are the options and arguments.

    A command under `with_client` or its like takes it as one parameter; typer sees its fields in its place.
    """


def with_settings(kind: type[S]) -> Callable[[Callable[Concatenate[S, P], T]], Callable[..., T]]:
    """Give a command an option for each setting of a kind, and the loaded settings as its first argument."""

    def decorate(command: Callable[Concatenate[S, P], T]) -> Callable[..., T]:
        given = options_of(kind)  # type: ignore[arg-type]  # a type has a hash
        return with_options(lambda **flags: load_settings(kind, **flags), given, command, [], own_parameters(command))

    return decorate


@functools.cache
def options_of(kind: type[Settings]) -> tuple[inspect.Parameter, ...]:
    """Return the options of a kind of settings, without its secrets; made once for all commands that have them."""
    return tuple(_option(one) for one in declared(kind) if not one.told.is_secret)


def own_parameters(command: Callable[..., object]) -> list[inspect.Parameter]:
    """Return a command's parameters but the first, as typer takes them."""
    parameters = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    return [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]


def with_options(
    make: Callable[..., Given],
    given: Sequence[inspect.Parameter],
    command: Callable[..., T],
    before: Iterable[inspect.Parameter],
    after: Iterable[inspect.Parameter],
) -> Callable[..., T]:
    """Return a command whose first argument is made of the options `given`, with those `before` and `after` them."""
    own = [*before, *after]
    groups = {parameter.name: parameter.annotation for parameter in own if _is_group(parameter)}
    parameters = [one for parameter in (*before, *given, *after) for one in _spread(parameter)]
    names = [parameter.name for parameter in given]

    @functools.wraps(command)
    def run(**values: Any) -> T:
        first = make(**{name: _joined(values.pop(name)) for name in names})
        for name, kind in groups.items():
            values[name] = kind(**{one.name: values.pop(one.name) for one in fields(kind)})
        return command(first, **values)  # the names were checked by typer, which reads the signature made here

    del run.__wrapped__
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _is_group(parameter: inspect.Parameter) -> bool:
    return isinstance(parameter.annotation, type) and issubclass(parameter.annotation, Group)


def _spread(parameter: inspect.Parameter) -> list[inspect.Parameter]:
    """Return the parameters of a group in the place of the one that takes it, or any other parameter as it is."""
    if not _is_group(parameter):
        return [parameter]
    hints = get_type_hints(parameter.annotation, include_extras=True)
    return [
        inspect.Parameter(
            one.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if one.default is MISSING else one.default,
            annotation=hints[one.name],
        )
        for one in fields(parameter.annotation)
    ]


def _joined(value: object) -> object:
    """Return what a repeated flag says, as the setting has it."""
    return (",".join(value) or None) if isinstance(value, list) else value


def _option(one: Declared) -> inspect.Parameter:
    flag = one.told.flag or f"--{one.name.replace('_', '-')}"
    type_ = list[str] if one.told.is_repeated else one.type
    option = typer.Option(
        f"{flag}/--no-{flag[2:]}" if one.type is bool else flag,
        help=one.help,
        metavar=one.told.metavar,
        parser=None if one.told.spelling is None else str,  # it is read where every source is
        rich_help_panel=one.panel or None,
    )
    return inspect.Parameter(
        one.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[type_ | None, option],
    )
