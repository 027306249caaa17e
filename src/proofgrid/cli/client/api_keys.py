"""`proofgrid api-keys`: secrets that your servers carry instead of your key."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proofgrid.cli.kit.console import date_text, plain, print_answer, print_answers, print_json, say
from proofgrid.cli.kit.options import ClientOptions, with_client
from proofgrid.cli.kit.reading import parse_duration_ms
from proofgrid.primitives.clock import SystemClock
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.money import format_amount, parse_amount
from proofgrid.primitives.private_files import write_private_file
from proofgrid.rules.access.api_keys import MEANINGS, USUAL

if TYPE_CHECKING:
    from proofgrid.sdk.answers.api_keys import ApiKey

NEVER = "never"
_SCOPES = "; ".join(f"{scope}: {meaning}" for scope, meaning in MEANINGS.items())

group = typer.Typer(
    name="api-keys",
    help="Secrets that your servers carry instead of your key, each for a part of what you may do.",
    no_args_is_help=True,
)


@group.command("new")
@with_client
def new(
    options: ClientOptions,
    label: Annotated[str, typer.Argument(metavar="LABEL", help="What it is for.")],
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", help=f"May be given again. {_SCOPES}. [default: {', '.join(USUAL)}]"),
    ] = None,
    spend_per_day: Annotated[
        str, typer.Option("--spend-per-day", metavar="TOKENS", help="What may leave your account by it on a UTC day.")
    ] = "0",
    expires: Annotated[str, typer.Option("--expires", metavar="DURATION", help=f"90d, 12h; or {NEVER}.")] = "90d",
    subnetwork: Annotated[
        str, typer.Option("--subnetwork", metavar="NAME", help="Only this subnetwork's lanes and tasks.")
    ] = "",
    address: Annotated[
        list[str] | None,
        typer.Option("--address", metavar="NETWORK", help="From where it is good: 203.0.113.0/24; may be given again."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write it there, readable by you only.")
    ] = None,
) -> None:
    """Make an API key and show it, once: the network keeps a hash of it.

    What a day's spend counts is the money that submitting locks and firm quotes cost, when it leaves your account; what
    comes back does not make room again. Whoever has the key may do what its scopes say until you revoke it. It is used
    in PROOFGRID_API_KEY, as the key of the SDK's Client, or as `authorization: Bearer`.

    \b
    Example:
      proofgrid api-keys new "rollup backend" --spend-per-day 5 --address 203.0.113.7 --out backend.key
      proofgrid api-keys new dashboard --scope tasks:read --scope network:read --expires never
    """
    if out is not None and out.exists():
        raise InvalidField(f"{out} exists already", field="out", hint="choose another name")
    spend = parse_amount(spend_per_day, field="spend_per_day")
    ends_ms = 0 if expires == NEVER else SystemClock().now_ms() + parse_duration_ms(expires, field="expires")
    made = options.ask(
        lambda client: client.api_keys.make(
            label,
            scopes=scope or [],
            subnetwork=subnetwork,
            spend_per_day=spend,
            expires_ms=ends_ms,
            addresses=address or [],
        )
    )
    if out is not None:
        write_private_file(out, made.secret + "\n", field="out")
    if options.json:
        print_json(plain(made.key) | ({"file": str(out)} if out else {"secret": made.secret}))
        return
    say(made.secret if out is None else f"written to {out}")
    if out is None:
        say("This is the only time that it is shown.", style="dim")
    say(f"{made.key.key_id}: {_may(made.key)}; {_ends(made.key)}", style="dim")


@group.command("list")
@with_client
def list_all(
    options: ClientOptions,
    owner: Annotated[str, typer.Option("--owner", metavar="ADDRESS", help="Of others, for administrators.")] = "",
) -> None:
    """List your API keys, newest first; those that were revoked or have expired stay for 30 days.

    \b
    Example:
      proofgrid api-keys list
    """
    print_answers(
        options.ask(lambda client: client.api_keys.known(owner)),
        ("key", "label", "scopes", "subnetwork", "spent today>", "of>", "last used (UTC)", "ends (UTC)"),
        lambda key: (
            key.key_id,
            key.label,
            " ".join(key.scopes),
            key.subnetwork or "all",
            format_amount(key.spent_today),
            format_amount(key.spend_per_day),
            date_text(key.used_ms)[:16] if key.used_ms else NEVER,
            _ends(key),
        ),
        empty="no API keys; proofgrid api-keys new LABEL makes one",
        json=options.json,
    )


@group.command("set")
@with_client
def set_spend(
    options: ClientOptions,
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="Its name, as `list` shows it.")],
    spend_per_day: Annotated[
        str, typer.Option("--spend-per-day", metavar="TOKENS", help="What may leave your account by it on a UTC day.")
    ],
) -> None:
    """Say anew what an API key may spend a day; what it spent today stays counted.

    \b
    Example:
      proofgrid api-keys set 1f2e3d4c5b6a7980 --spend-per-day 7.5
    """
    spend = parse_amount(spend_per_day, field="spend_per_day")
    key = options.ask(lambda client: client.api_keys.set_spend(key_id, spend))
    print_answer(key, f"{key.key_id}: {_may(key)}; {_ends(key)}", json=options.json)


@group.command("revoke")
@with_client
def revoke(
    options: ClientOptions,
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="Its name, as `list` shows it.")],
) -> None:
    """End an API key at once, with the keys that it made and the calls that it has open.

    \b
    Example:
      proofgrid api-keys revoke 1f2e3d4c5b6a7980
    """
    revoked = options.ask(lambda client: client.api_keys.revoke(key_id))
    if options.json:
        print_json(plain(revoked))
        return
    say(f"{revoked.key_id} is revoked.")


def _may(key: ApiKey) -> str:
    where = f" in {key.subnetwork}" if key.subnetwork else ""
    whence = f" from {' '.join(key.addresses)}" if key.addresses else ""
    return f"{' '.join(key.scopes)}{where}{whence}, {format_amount(key.spend_per_day)} tokens a day"


def _ends(key: ApiKey) -> str:
    if key.revoked:
        return "revoked"
    return date_text(key.expires_ms)[:16] if key.expires_ms else NEVER
