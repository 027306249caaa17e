"""A sample of the settings file, made from what is declared: everything in it is a comment that says the default."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator

from proofgrid.settings.anchor import AnchorSettings
from proofgrid.settings.client import ClientSettings
from proofgrid.settings.declared import Declared, Settings, declared
from proofgrid.settings.gateway import GatewaySettings
from proofgrid.settings.prover import ProverSettings

KINDS: dict[str, type[Settings]] = {
    kind.table: kind for kind in (ClientSettings, ProverSettings, GatewaySettings, AnchorSettings)
}  #: by their tables of the file, in its order

_WIDTH = 100
_HEAD = """\
# Settings of proofgrid. A line without its "# " counts; the value that stands there is the default.
# Flags win over PROOFGRID_… variables, those over this file, and this file over the defaults:
# `proofgrid config show` says what counts, and where it comes from.
"""


def sample_file() -> str:
    """Return the text of a proofgrid.toml in which every setting is a comment."""
    tables = ["\n".join(_table(kind)) for kind in KINDS.values()]
    return "\n".join([_HEAD, *tables])


def toml_text(value: object) -> str:
    """Return a setting's value as TOML spells it."""
    return json.dumps(value if isinstance(value, bool | int) else str(value), ensure_ascii=False)


def _table(kind: type[Settings]) -> Iterator[str]:
    yield f"[{kind.table}]"
    panel = ""
    for one in declared(kind):
        if one.panel not in ("", panel, "Connection"):
            panel = one.panel
            yield f"\n# --- {panel} ---"
        yield ""
        yield from textwrap.wrap(one.told.help, _WIDTH, initial_indent="# ", subsequent_indent="# ")
        yield _line(one)
    yield ""


def _line(one: Declared) -> str:
    if one.told.is_secret:
        return f"# a secret: give it by {one.variable}, never in a file"
    told = f"  # {one.told.default}" if one.told.default else ""
    if one.told.spelling is not None:
        return f"# {one.name} = {toml_text(one.told.spelling.shows(one.default))}{told}"
    empty = one.default is None or (one.default == "" and one.told.default is not None)
    value = toml_text("…" if empty else one.default)
    return f"# {one.name} = {value}{told}"
