"""`proofgrid admin audit`: who changed what, and that nobody rewrote it since."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proofgrid.cli.kit.bars import count_bar
from proofgrid.cli.kit.console import date_text, print_json, print_table, say
from proofgrid.cli.kit.options import AdministratorOptions, KeysOption, LimitOption, with_administrator
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.event_loop import run_async

if TYPE_CHECKING:
    from proofgrid.rules.audit.checkpoint import Checkpoint
    from proofgrid.sdk.audit import AuditEntry, AuditHead
    from proofgrid.sdk.client import Client

group = typer.Typer(
    name="audit",
    help="The audit log: who changed rights, money by hand, incidents and programs, and who was refused.",
    no_args_is_help=True,
)

_SHOWN = 60  #: letters of a request in the list


@group.command("list")
@with_administrator
def list_entries(
    options: AdministratorOptions,
    limit: LimitOption = 50,
    by: Annotated[str, typer.Option("--by", metavar="ADDRESS", help="Only what this caller did.")] = "",
    act: Annotated[str, typer.Option("--act", metavar="CALL", help="Only this call, like Grant or Deposit.")] = "",
    before: Annotated[int | None, typer.Option("--before", min=0, help="Only places below this one.")] = None,
) -> None:
    """List entries, newest first.

    \b
    Examples:
      proofgrid admin audit list
      proofgrid admin audit list --act Grant --limit 10
    """
    entries = options.ask(lambda client: client.admin.audit.entries(limit=limit, before=before, by=by, act=act))
    if options.json:
        print_json([_plain(one) for one in entries])
        return
    print_table(
        ("place>", "when (UTC)", "who", "did", "with", "ended", "from"),
        (
            (
                one.position,
                date_text(one.fields["at_ms"]),
                one.fields["by"] or "the network",
                one.fields["act"],
                _short(one),
                _ended(one),
                one.fields["peer"],
            )
            for one in entries
        ),
        empty="no entries yet",
    )


@group.command("show")
@with_administrator
def show(
    options: AdministratorOptions,
    place: Annotated[int, typer.Argument(metavar="PLACE", min=0, help="Its place in the log.")],
) -> None:
    """Show one entry, and check the proof that the log's signed checkpoint holds it.

    \b
    Example:
      proofgrid admin audit show 12
    """

    async def ask(client: Client) -> tuple[AuditEntry, AuditHead]:
        return await client.admin.audit.entry(place, await client.connection.network())

    entry, head = options.ask(ask)
    if options.json:
        print_json(_plain(entry) | {"checkpoint": head.note})
        return
    fields = entry.fields
    say(f"{entry.position}: {fields['act']} by {fields['by'] or 'the network'}, {_ended(entry)}", style="bold")
    say(f"  {date_text(fields['at_ms'])} UTC, from {fields['peer'] or 'this network itself'}")
    for name, value in fields["what"].items():
        say(f"  {name}: {value if isinstance(value, str) else jsonlib.dumps(value)}")
    say(f"  proven to be in the log of {head.checkpoint.size} entries, root {head.checkpoint.root.hex()}")


@group.command("export")
@with_administrator
def export(
    options: AdministratorOptions,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write; an older export there grows.")],
) -> None:
    """Write the whole log into a folder of static files (C2SP tlog-tiles), and check it.

    Whoever gets the folder can serve it as it is, and check it without the network. An export into a folder that holds
    an older one is refused when the past was rewritten since.

    \b
    Example:
      proofgrid admin audit export audit-log
    """
    with count_bar("tiles") as advance:

        async def ask(client: Client) -> Checkpoint:
            from proofgrid.sdk.audit_folder import export_audit_log

            return await export_audit_log(
                client.admin.audit, folder, await client.connection.network(), on_tile=advance
            )

        checkpoint = options.ask(ask)
    if options.json:
        print_json(_plain_checkpoint(checkpoint) | {"folder": str(folder)})
    else:
        say(f"{checkpoint.size} entries in {folder}; check them: proofgrid admin audit verify {folder} --network 0x…")


@group.command("verify")
@with_administrator
def verify(
    options: AdministratorOptions,
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="An exported log; else the network's own.")
    ] = None,
    since: Annotated[
        Path | None,
        typer.Option("--since", metavar="FILE", help="An older checkpoint: check that the log grew out of it."),
    ] = None,
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="FILE", help="Write the newest checkpoint here, for the next time.")
    ] = None,
    keys: KeysOption = None,
) -> None:
    """Check the log: of a folder every file, offline; of the network that it grew out of an older checkpoint.

    The second needs no right but that to use the network: a follower that runs it every day with --since and --keep
    notices when the past was rewritten. Exit 1 then. Offline, --network says whose log it must be.

    \b
    Examples:
      proofgrid admin audit verify audit-log --network 0x…
      proofgrid admin audit verify --since yesterday.note --keep today.note
    """
    checkpoint, note = _verified_folder(options, folder, since, keys) if folder else _verified_network(options, since)
    if keep is not None:
        keep.write_text(note, encoding="utf-8")
    if options.json:
        print_json(_plain_checkpoint(checkpoint))
    else:
        grown = f", grown out of {since}" if since else ""
        say(f"the log holds {checkpoint.size} entries{grown}; root {checkpoint.root.hex()}")


def _verified_folder(
    options: AdministratorOptions, folder: Path, since: Path | None, keys: Path | None
) -> tuple[Checkpoint, str]:
    from proofgrid.primitives.signatures import parse_address
    from proofgrid.sdk.audit_folder import check_beginning, verify_folder
    from proofgrid.sdk.network_keys import read_list_file

    if options.network is None:
        raise InvalidField("whose log must it be?", field="network", hint="--network ADDRESS")
    checkpoint = verify_folder(folder, parse_address(options.network, field="network"), read_list_file(keys))
    if since is not None:
        check_beginning(folder, _kept(since))
    return checkpoint, (folder / "checkpoint").read_text(encoding="utf-8")


def _verified_network(options: AdministratorOptions, since: Path | None) -> tuple[Checkpoint, str]:
    old = None if since is None else _kept(since)

    async def work() -> AuditHead | None:
        async with options.client() as client:
            network = await client.connection.network()
            return await (
                client.admin.audit.head(network) if old is None else client.admin.audit.check_grown(old, network)
            )

    head = run_async(work())
    if head is None:
        raise InvalidField("the log is empty", field="network")
    return head.checkpoint, head.note


def _kept(place: Path) -> Checkpoint:
    from proofgrid.rules.audit.checkpoint import read_checkpoint

    try:
        checkpoint = read_checkpoint(place.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as reason:
        raise InvalidField(f"it cannot be read: {reason}", field="since") from reason
    if checkpoint is None:
        raise InvalidField(
            "no checkpoint", field="since", hint="a file that --keep wrote, or `checkpoint` of an export"
        )
    return checkpoint


def _short(entry: AuditEntry) -> str:
    text = jsonlib.dumps(entry.fields["what"], sort_keys=True) if entry.fields["what"] else ""
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _ended(entry: AuditEntry) -> str:
    outcome, count = entry.fields["outcome"], entry.fields["count"]
    return str(outcome) if count == 1 else f"{outcome}, {count} times"


def _plain(entry: AuditEntry) -> dict[str, object]:
    return {"position": entry.position, **entry.fields}


def _plain_checkpoint(checkpoint: Checkpoint) -> dict[str, object]:
    return {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root.hex()}
