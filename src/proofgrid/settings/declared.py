"""A setting is declared once: name, type, default, bounds, and what help says of it.

From that come its flag (`--retention-days`), its variable (`PROOFGRID_RETENTION_DAYS`) and its key in the TOML file
(`retention_days` in the table of its process). From lowest to highest: default, file, variable, flag.
Help needs declarations but no values, so pydantic is imported only where values are read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar, get_type_hints

from proofgrid.primitives.errors import InvalidField

CONFIG_VARIABLE = "PROOFGRID_CONFIG"
VARIABLE_PREFIX = "PROOFGRID_"
_HINT = "settings: flags, PROOFGRID_… variables, the TOML file"

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """How people write a setting's value, where that is not how it is kept."""

    reads: Callable[[str], object]  #: raises InvalidField
    shows: Callable[[Any], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a declaration tells of a setting besides its name, type and default."""

    help: str  #: a sentence for the command's help
    default: str | None = None  #: the default in words; None: its value, where it is a number or a text
    metavar: str | None = None  #: stands for the value in the help
    flag: str | None = None  #: where it is not the name
    is_repeated: bool = False  #: the flag may be given again; values are joined by commas
    is_secret: bool = False  #: has no flag: a command line is in every list of processes
    least: int | None = None
    most: int | None = None
    spelling: Spelling | None = None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one process, or those of one concern, which a process inherits."""

    table: ClassVar[str] = ""  #: of the TOML file
    panel: ClassVar[str] = ""  #: the heading of these settings in the help
    tells_variables: ClassVar[bool] = False  #: the help names the variables


S = TypeVar("S", bound=Settings)


def setting(
    default: T,
    help: str,  # noqa: A002
    *,
    least: int | None = None,
    most: int | None = None,
    told: str | None = None,
    metavar: str | None = None,
    flag: str | None = None,
    is_repeated: bool = False,
    is_secret: bool = False,
    spelling: Spelling | None = None,
) -> T:
    """Declare a setting; the arguments are those of `Told`, `told` is the default in words."""
    words = Told(
        help=help,
        default=told,
        metavar=metavar,
        flag=flag,
        is_repeated=is_repeated,
        is_secret=is_secret,
        least=least,
        most=most,
        spelling=spelling,
    )
    return field(default=default, metadata={"told": words})


def setting_of_machine(make: Callable[[], T], help: str, *, told: str, least: int | None = None) -> T:  # noqa: A002
    """Declare a setting whose default is found on the machine."""
    return field(default_factory=make, metadata={"told": Told(help=help, default=told, least=least)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A setting as it was declared."""

    name: str
    type: Any  #: as it was annotated, for typer and pydantic
    default: object  #: None where it is found on the machine
    told: Told
    panel: str
    tells_variable: bool

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return f"{VARIABLE_PREFIX}{self.name.upper()}"

    @property
    def help(self) -> str:
        """The sentence, and the default in words."""
        default = self.told.default
        if default is None and self.told.spelling is not None:
            default = self.told.spelling.shows(self.default)
        if default is None and isinstance(self.default, (int, str)) and not isinstance(self.default, bool):
            default = str(self.default)
        if self.tells_variable:
            notes = self.variable + (f"; default {default}" if default else "")
        else:
            notes = f"default: {default}" if default else ""
        return f"{self.told.help} [{notes}]" if notes else self.told.help


def declared(kind: type[Settings]) -> Iterator[Declared]:
    """Yield the settings of a kind: those of its concerns in their order, then its own."""
    types = get_type_hints(kind)
    by_name = {one.name: one for one in fields(kind)}
    concerns = [*(base for base in kind.__mro__[1:] if issubclass(base, Settings)), kind]
    for concern in concerns:
        for name in concern.__annotations__:
            if name in by_name:
                one = by_name[name]
                yield Declared(
                    name=name,
                    type=types[name],
                    default=None if one.default is MISSING else one.default,
                    told=one.metadata["told"],
                    panel=concern.panel,
                    tells_variable=concern.tells_variables,
                )


def load_settings(kind: type[S], **flags: object) -> S:
    """Return settings of a kind; flags that are None do not count. Raises InvalidField naming the setting."""
    return _settings_of(kind, _said(kind, flags))


class Source(StrEnum):
    """Where a setting's value comes from, from the lowest to the highest."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Effective:
    """A setting with the value that counts."""

    declared: Declared
    value: object  #: of the declared type
    source: Source


def effective_settings(kind: type[Settings], **flags: object) -> list[Effective]:
    """Return every setting of a kind as `load_settings` would have it, and from where. Raises InvalidField."""
    said = _said(kind, flags)
    settings = _settings_of(kind, said)
    return [
        Effective(one, getattr(settings, one.name), said[one.name][1] if one.name in said else Source.DEFAULT)
        for one in declared(kind)
    ]


def config_path() -> Path:
    """Return which TOML file is read; it may not exist."""
    from platformdirs import user_config_dir

    return Path(os.environ.get(CONFIG_VARIABLE) or Path(user_config_dir("proofgrid")) / "proofgrid.toml")


def _settings_of(kind: type[S], said: Mapping[str, tuple[object, Source]]) -> S:
    return kind(**_checked(kind, {name: value for name, (value, _) in said.items()}))


def _said(kind: type[Settings], flags: Mapping[str, object]) -> dict[str, tuple[object, Source]]:
    """Return what file, environment and flags say of the settings: the highest of each, and which it was."""
    sources = (
        (_read_table(kind.table), Source.FILE),
        (_environment(kind), Source.ENVIRONMENT),
        ({name: value for name, value in flags.items() if value is not None}, Source.FLAG),
    )
    return {name: (value, source) for values, source in sources for name, value in values.items()}


def default_data_dir() -> Path:
    """Return where data lives unless said otherwise: the user's data directory."""
    from platformdirs import user_data_dir

    return Path(user_data_dir("proofgrid", appauthor=False))


def _checked(kind: type[Settings], values: Mapping[str, object]) -> dict[str, object]:
    """Return the values with their types; texts are read."""
    from pydantic import Field, TypeAdapter, ValidationError

    known = {one.name: one for one in declared(kind)}
    checked: dict[str, object] = {}
    for name, one in known.items():
        if name in values:
            bounded = Annotated[one.type, Field(ge=one.told.least, le=one.told.most)]  # type: ignore[name-defined]
            try:
                checked[name] = TypeAdapter(bounded).validate_python(_read(one, values[name]))
            except ValidationError as error:
                raise InvalidField(error.errors()[0]["msg"], field=name, hint=_HINT) from None
    for name in values:
        if name not in known:
            alike = get_close_matches(name, known, n=1)
            hint = f"did you mean {alike[0]}?" if alike else f"proofgrid config show {kind.table} lists all"
            raise InvalidField("there is no such setting", field=name, hint=hint)
    return checked


def _read(one: Declared, value: object) -> object:
    if one.told.spelling is None or not isinstance(value, str):
        return value
    try:
        return one.told.spelling.reads(value)
    except InvalidField as error:
        raise InvalidField(error.detail, field=one.name, hint=error.hint or _HINT) from None


def _environment(kind: type[Settings]) -> dict[str, object]:
    found = {name.upper(): value for name, value in os.environ.items()}
    return {one.name: found[one.variable] for one in declared(kind) if one.variable in found}


def _read_table(table: str) -> dict[str, object]:
    import tomllib

    path = config_path()
    try:
        content = tomllib.loads(path.read_text())
    except FileNotFoundError:
        if CONFIG_VARIABLE in os.environ:
            raise InvalidField(f"there is no file {path}", field=CONFIG_VARIABLE) from None
        return {}
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise InvalidField(f"{path}: {error}", field=CONFIG_VARIABLE) from None
    values = content.get(table, {})
    if not isinstance(values, dict):
        raise InvalidField(f"[{table}] in {path} is a table", field=CONFIG_VARIABLE)
    return values
