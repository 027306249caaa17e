"""`proofgrid admin keys`: which keys speak for the network; a new one while it runs; one that signs no more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proofgrid.cli.kit.console import date_text, print_json, print_table, say
from proofgrid.cli.kit.options import AdministratorOptions, with_administrator
from proofgrid.primitives.errors import InvalidField

if TYPE_CHECKING:
    from proofgrid.rules.identity.key_list import KeyList, Purpose, SignedKeyList
    from proofgrid.sdk.network_keys import NetworkKeys

group = typer.Typer(
    name="keys",
    help="The keys that speak for the network: the root key names the others, and may lie where nobody reaches it.",
    no_args_is_help=True,
)

RootOption = Annotated[
    Path | None,
    typer.Option("--root", metavar="FILE", help="The root key, which signs the list. [default: the key of the call]"),
]
DryOption = Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and change nothing.")]
ALL = "all"


@group.command("list")
@with_administrator
def list_keys(
    options: AdministratorOptions,
    save: Annotated[
        Path | None, typer.Option("--save", metavar="FILE", help="Write the signed list, for the --keys of `verify`.")
    ] = None,
) -> None:
    """List the network's keys; an administrator sees which of them the gateway has that is asked.

    \b
    Examples:
      proofgrid admin keys list
      proofgrid admin keys list --save network.keys
    """
    known = options.ask(lambda client: client.admin.keys.get())
    if save is not None:
        if known.signed is None:
            raise InvalidField("there is no list: the root key signs everything", field="--save")
        save.write_text(known.signed.text, encoding="utf-8")
    _print(known, json=options.json)


@group.command("rotate")
@with_administrator
def rotate(
    options: AdministratorOptions,
    purposes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PURPOSE]…", help="rounds, bundles, certificates, checkpoints. [default: all]"),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option("--address", metavar="ADDRESS", help="Name this key, which lies elsewhere; else one is made."),
    ] = None,
    root: RootOption = None,
    dry_run: DryOption = False,
) -> None:
    """Name a new key for some purposes; gateways that have it sign with it from now on, without a restart.

    The key is made in the folder `keys` of the data directory. Copy it into that of every other gateway, then retire
    the key before it. The first rotation splits the network's key: afterwards network.key, the root key, may be moved
    to where nobody reaches it, and is needed for these commands only. With PROOFGRID_KEY_PASSWORD set the new file is
    encrypted; gateways need the same password then.

    \b
    Examples:
      proofgrid admin keys rotate --dry-run
      proofgrid admin keys rotate rounds bundles
      proofgrid admin keys rotate --root /mnt/stick/network.key --key admin.key
    """
    from proofgrid.primitives.clock import SystemClock
    from proofgrid.primitives.signatures import parse_address
    from proofgrid.rules.identity.key_list import with_key
    from proofgrid.sdk.keys import new_key, write_key

    wanted = _purposes(purposes or [ALL])
    known = options.ask(lambda client: client.admin.keys.get())
    made = new_key() if address is None else None
    named = made.address if made is not None else parse_address(address or "", field="--address")
    after = with_key(known.named, named, wanted, now_ms=SystemClock().now_ms())
    if dry_run:
        _explain(known.named, after, json=options.json)
        return
    signed = _signed(options, after, root)
    if made is not None:
        path = options.keys_folder() / f"{named}.key"
        write_key(made, path, password=options.password() or None)
        if not options.json:
            say(f"the key lies in {path}")
    _publish(options, known, signed)


@group.command("retire")
@with_administrator
def retire(
    options: AdministratorOptions,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="The online key.")],
    stolen: Annotated[
        bool, typer.Option("--stolen", help="It is in other hands: bundles that it signed count no more either.")
    ] = False,
    root: RootOption = None,
    dry_run: DryOption = False,
) -> None:
    """Let a key sign nothing more. What it signed stands, unless it was stolen.

    Whoever verifies with `--keys FILE`, the newest list, refuses what a stolen key signed; rounds stay good, because
    each export is signed as a whole by a key that counts.

    \b
    Examples:
      proofgrid admin keys retire 0x… --dry-run
      proofgrid admin keys retire 0x… --stolen
    """
    from proofgrid.primitives.clock import SystemClock
    from proofgrid.primitives.signatures import parse_address
    from proofgrid.rules.identity.key_list import KeyState, with_end

    known = options.ask(lambda client: client.admin.keys.get())
    state = KeyState.REVOKED if stolen else KeyState.RETIRED
    after = with_end(known.named, parse_address(address), state, now_ms=SystemClock().now_ms())
    if dry_run:
        _explain(known.named, after, json=options.json)
        return
    _publish(options, known, _signed(options, after, root))


def _purposes(names: list[str]) -> list[Purpose]:
    from proofgrid.rules.identity.key_list import Purpose

    if ALL in names:
        return list(Purpose)
    if unknown := sorted(set(names) - {one.value for one in Purpose}):
        raise InvalidField(f"there is no purpose {unknown[0]!r}", field="purpose", hint=", ".join([*Purpose, ALL]))
    return [Purpose(name) for name in names]


def _signed(options: AdministratorOptions, after: KeyList, root: Path | None) -> SignedKeyList:
    from proofgrid.rules.identity.key_list import sign_list
    from proofgrid.sdk.keys import read_signer

    return sign_list(
        after, options.signer() if root is None else read_signer(root, password=options.password() or None)
    )


def _publish(options: AdministratorOptions, before: NetworkKeys, signed: SignedKeyList) -> None:
    known = options.ask(lambda client: client.admin.keys.publish(signed))
    if not options.json:
        _explain(before.named, signed.list, json=False)
    _print(known, json=options.json)


def _explain(before: KeyList, after: KeyList, *, json: bool) -> None:
    lines = list(_changes(before, after))
    if json:
        print_json({"list": after.number, "was": before.number, "changes": lines})
        return
    say(f"list {after.number} of network {after.network}, after list {before.number}:", style="bold")
    for line in lines:
        say(f"  {line}")


def _changes(before: KeyList, after: KeyList) -> list[str]:
    was = {key.address: key for key in before.keys}
    lines = []
    for key in after.keys:
        old = was.get(key.address)
        what = ", ".join(key.purposes)
        if old is None:
            lines.append(f"{key.address} is named for {what}: gateways that have it sign with it")
            lines += [
                f"{other} goes on for {one}: retire it once every gateway has the new key"
                for one in key.purposes
                for other in before.active(one)
            ]
        elif old.state != key.state:
            lines.append(f"{key.address} ({what}) was {old.state}, is {key.state}")
    for purpose in sorted({one for key in after.keys for one in key.purposes}):
        if not after.active(purpose):
            lines.append(f"nobody but the root key signs {purpose} then")
    return lines


def _print(known: NetworkKeys, *, json: bool) -> None:
    if json:
        print_json(
            {
                "network": known.network,
                "number": known.named.number,
                "held": list(known.held),
                "keys": [
                    {
                        "address": key.address,
                        "purposes": list(key.purposes),
                        "state": key.state,
                        "since_ms": key.since_ms,
                        "ended_ms": key.ended_ms,
                    }
                    for key in known.named.keys
                ],
            }
        )
        return
    if known.signed is None:
        say(f"the root key {known.network} signs everything; `proofgrid admin keys rotate` names others")
        return
    say(
        f"list {known.named.number} of network {known.network}, issued {date_text(known.named.issued_ms)} UTC",
        style="bold",
    )
    print_table(
        ("key", "for", "state", "since (UTC)", "ended (UTC)", "on this gateway"),
        (
            (
                key.address,
                ", ".join(key.purposes),
                key.state.value,
                date_text(key.since_ms),
                date_text(key.ended_ms) if key.ended_ms else "",
                "yes" if key.address in known.held else "no",
            )
            for key in reversed(known.named.keys)
        ),
        empty="no online key",
    )
    root = (
        "is on this gateway too: move it away once online keys do all"
        if known.network in known.held
        else "is elsewhere"
    )
    say(f"the root key {known.network} {root}", style="dim")
