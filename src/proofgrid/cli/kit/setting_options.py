"""Options of commands that are settings: made from their declarations, given to the command as one value."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar

import typer

from proofgrid.settings.declared import Declared, Settings, declared, load_settings

P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S", bound=Settings)
Given = TypeVar("Given")


def with_settings(kind: type[S]) -> Callable[[Callable[Concatenate[S, P], T]], Callable[..., T]]:
    """Give a command an option for each setting of a kind, and the loaded settings as its first argument."""

    def decorate(command: Callable[Concatenate[S, P], T]) -> Callable[..., T]:
        own = own_parameters(command)
        return with_options(lambda **flags: load_settings(kind, **flags), options_of(kind), command, [], own)

    return decorate


def options_of(kind: type[Settings]) -> list[inspect.Parameter]:
    """Return the options of a kind of settings, without its secrets."""
    return [_option(one) for one in declared(kind) if not one.told.is_secret]


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
    parameters = [*before, *given, *after]
    names = [parameter.name for parameter in given]

    @functools.wraps(command)
    def run(**values: Any) -> T:
        first = make(**{name: _joined(values.pop(name)) for name in names})
        return command(first, **values)  # the names were checked by typer, which reads the signature made here

    del run.__wrapped__
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


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
        rich_help_panel=one.panel or None,
    )
    return inspect.Parameter(
        one.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[type_ | None, option],
    )
