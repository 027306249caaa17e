"""`proofgrid sign-in`: a session at the HTTP door, as a browser's wallet gets one."""

from __future__ import annotations

from typing import Annotated

import typer

from proofgrid.cli.kit.console import date_text, plain, print_json, say
from proofgrid.cli.kit.options import ClientOptions, with_client


def add_to(cli: typer.Typer) -> None:
    cli.command("sign-in", short_help="Sign in over HTTP with a key.")(run)


@with_client
def run(
    options: ClientOptions,
    http: Annotated[str, typer.Argument(metavar="URL", help="Of the gateway's HTTP door.")] = "http://127.0.0.1:7480",
) -> None:
    """Sign in over HTTP (EIP-4361) with a key, for an hour: prints the headers that curl needs.

    Who has them is you until the session ends: they belong into no log.

    \b
    Example:
      proofgrid sign-in http://127.0.0.1:7480 --key me.key
      proofgrid sign-in https://gateway.example:7480 --json
    """
    from proofgrid.sdk.sign_in import sign_in

    session = sign_in(http, options.signer(), ca_file=options.tls_ca())
    if options.json:
        print_json(plain(session))
        return
    roles = ", ".join(session.roles) or "no role"
    say(f"signed in as {session.address} ({roles}) until {date_text(session.expires_ms)} UTC")
    say(f"Cookie: {session.cookie}")
    say(f"X-CSRF-Token: {session.csrf}")
