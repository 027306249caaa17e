"""Pages that are made from the code: commands, settings, error codes, the HTTP door, the Python package."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import proofgrid
from proofgrid.primitives.error_codes import every_error
from proofgrid.primitives.errors import InvalidRequest, ProofgridError, Recoverable
from proofgrid.settings.declared import Declared, Settings, declared
from proofgrid.settings.sample import KINDS
from tools.site.commands import Block, Command, Row, one_line

_MADE = "*Made from the code of proofgrid {version}.*"
_OPENAPI = Path(proofgrid.__file__).parent / "doors" / "http" / "openapi.json"
_VERBS = ("get", "post", "put", "patch", "delete")
_OPTIONAL = ("chain", "simulation", "wire")  #: need packages that need not be here, or define no errors


def commands_page(below: Sequence[Command]) -> str:
    """Return the page of a command, or of a group with all that is in it."""
    return _page(below[0].name, _commands(below))


def _commands(every: Sequence[Command]) -> Iterator[str]:
    for number, command in enumerate(every):
        if number:
            yield f"## {command.name}"
        yield f"```text\n{command.usage}\n```"
        examples = [block for block in command.blocks if _is_example(block)]
        for block in command.blocks:
            if block not in examples:
                yield _block(block)
        yield from _rows("argument", command.arguments)
        yield from _rows("option", command.options)
        if examples:
            yield "For example:"
        for block in examples:
            yield _block(block)


def _is_example(block: Block) -> bool:
    return block.is_verbatim and block.text.partition("\n")[0].strip() in ("Example:", "Examples:")


def _block(block: Block) -> str:
    if not block.is_verbatim:
        return _plain(block.text)
    if _is_example(block):
        rest = block.text.partition("\n")[2]
        return f"```text\n{_outdented(rest)}\n```"
    return f"```text\n{_outdented(block.text)}\n```"


def _outdented(text: str) -> str:
    return inspect.cleandoc("\n" + text)


def _rows(heading: str, rows: Sequence[Row]) -> Iterator[str]:
    if rows:
        lines = [f"| `{row.names.replace('|', chr(92) + '|')}` | {_cell(row.help)} |" for row in rows]
        yield "\n".join([f"| {heading} | |", "|---|---|", *lines])


def settings_page() -> str:
    """Return what may be set, by process: in the file, in the environment, on the command line."""
    parts = [
        "Each setting is a flag, a variable and a key of the TOML file. "
        "Flags win over variables, variables over the file, the file over the default.",
        "`proofgrid config show gateway` says which count, `proofgrid config init` writes a file with all of them.",
    ]
    for kind in KINDS.values():
        parts.append(f"## [{kind.table}]")
        parts.extend(_settings(kind))
    return _page("Settings", parts)


def _settings(kind: type[Settings]) -> Iterator[str]:
    panels: dict[str, list[Declared]] = {}
    for one in declared(kind):
        panels.setdefault(one.panel, []).append(one)
    for panel, found in panels.items():
        if panel and len(panels) > 1:
            yield f"### {panel} of a {kind.table}"
        yield "\n".join(["| setting | default | |", "|---|---|---|", *(_setting(one) for one in found)])


def _setting(one: Declared) -> str:
    default = one.told.default
    if default is None and one.told.spelling is not None:
        default = one.told.spelling.shows(one.default)
    if default is None:
        default = str(one.default).lower() if isinstance(one.default, bool) else str(one.default or "")
    how = f"by `{one.variable}` only" if one.told.is_secret else ""
    return f"| `{one.name}` | {_cell(default)} | {_cell(one.told.help)} {how} |"


def errors_page() -> str:
    """Return every error by its code: whose turn it is to change something."""
    for module in pkgutil.walk_packages(proofgrid.__path__, "proofgrid."):
        if module.name.split(".")[1] not in _OPTIONAL and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    rows = [
        f"| {code} | `{kind.__name__}` | {_who(kind)} | {_cell((kind.__doc__ or '').strip().splitlines()[0])} |"
        for code, kind in sorted(every_error().items())
    ]
    return _page(
        "Error codes",
        [
            "A code never changes its meaning. "
            "It stands on the command line, in HTTP's problem details, on the wire, in logs and metrics.",
            "\n".join(["| code | name | who changes something | |", "|---|---|---|---|", *rows]),
        ],
    )


def _who(kind: type[ProofgridError]) -> str:
    if issubclass(kind, InvalidRequest):
        return "the caller"
    return "nobody: try again" if issubclass(kind, Recoverable) else "see the text"


def http_page() -> str:
    """Return every call of the HTTP door, out of its OpenAPI document."""
    document = json.loads(_OPENAPI.read_text(encoding="utf-8"))
    by_tag: dict[str, list[str]] = {tag["name"]: [] for tag in document["tags"]}
    for path, verbs in document["paths"].items():
        for verb in _VERBS:
            if verb in verbs:
                by_tag[verbs[verb]["tags"][0]].append(_operation(verb, path, verbs[verb]))
    parts = [
        one_line(document["info"]["description"]),
        "The whole document is at `/v1/openapi.json` of every gateway with `--http`.",
    ]
    for tag, rows in by_tag.items():
        parts.append(f"## {tag}")
        parts.append("\n".join(["| call | | takes | answers |", "|---|---|---|---|", *rows]))
    return _page("HTTP", parts)


def _operation(verb: str, path: str, told: dict[str, object]) -> str:
    parameters = told.get("parameters", [])
    names = [f"`{one['name']}`" for one in parameters if one.get("in") in ("query", "header")]  # type: ignore[attr-defined]
    body = told.get("requestBody", {}).get("content", {})  # type: ignore[attr-defined]
    names += [f"a body ({kind})" for kind in body]
    answers = [
        kind
        for code, answer in told["responses"].items()  # type: ignore[attr-defined]
        if code.startswith("2")
        for kind in answer.get("content", {})
    ]
    said = ", ".join(dict.fromkeys(answers))
    return f"| `{verb.upper()} {path}` | {_cell(str(told['summary']))} | {', '.join(names)} | {said} |"


def python_page() -> str:
    """Return what the Python package offers to its users: each class with its methods and their first sentences."""
    from proofgrid.sdk.admin import Admin
    from proofgrid.sdk.api_keys import ApiKeys
    from proofgrid.sdk.bonds import Bonds
    from proofgrid.sdk.client import Client
    from proofgrid.sdk.sync import SyncClient
    from proofgrid.sdk.vaults import Vaults
    from proofgrid.sdk.webhooks import Webhooks

    parts = [
        "```python\nfrom proofgrid.sdk.client import Client\n```",
        "Every answer is a frozen value of `proofgrid.sdk.answers`; every refusal raises an error with a code.",
    ]
    attributes = {Client: "", ApiKeys: "client.api_keys", Webhooks: "client.webhooks", Bonds: "client.bonds"}
    attributes |= {Vaults: "client.vaults"}
    attributes |= {Admin: "client.admin", SyncClient: ""}
    for kind, where in attributes.items():
        parts.append(f"## {kind.__name__}{f' (`{where}`)' if where else ''}")
        parts.append(_plain(inspect.getdoc(kind) or ""))
        parts.extend(_methods(kind))
    return _page("Python", parts)


def _methods(kind: type) -> Iterator[str]:
    rows = []
    for name, method in inspect.getmembers(kind, inspect.isfunction):
        if not name.startswith("_"):
            words = re.split(r"(?<=\.)\s", one_line(inspect.getdoc(method) or ""))[0]
            parameters = ", ".join(list(inspect.signature(method).parameters)[1:])
            rows.append(f"| `{name}({parameters})` | {_cell(words)} |")
    if rows:
        yield "\n".join(["| method | |", "|---|---|", *rows])


def _page(title: str, parts: Sequence[str] | Iterator[str]) -> str:
    return "\n\n".join([f"# {title}", *parts, _MADE.format(version=proofgrid.__version__)]) + "\n"


def _plain(text: str) -> str:
    """Return words that are no Markdown."""
    return re.sub(r"([<*_\[\]])", r"\\\1", text)


def _cell(text: str) -> str:
    return _plain(one_line(text)).replace("|", "\\|")
