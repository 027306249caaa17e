"""`proofgrid account quota` and `low-balance`: what limits you, and when you want to be told that money runs out."""

from __future__ import annotations

from typing import Annotated

import typer

from proofgrid.cli.kit.console import date_text, plain, print_answer, print_json, print_table
from proofgrid.cli.kit.options import ClientOptions, with_client
from proofgrid.primitives.money import format_amount, parse_amount, tokens_text


def add_to(group: typer.Typer) -> None:
    group.command("quota")(quota)
    group.command("low-balance")(low_balance)


@with_client
def quota(options: ClientOptions) -> None:
    """Show every limit of yours, and how much of it is used.

    \b
    Example:
      proofgrid account quota
    """
    found = options.ask(lambda client: client.quota())
    if options.json:
        print_json(plain(found))
        return
    rows: list[tuple[object, ...]] = [
        (name, use.used, use.limit or "no limit", "")
        for name, use in (
            ("stored bytes", found.stored_bytes),
            ("programs", found.programs),
            ("open tasks", found.open_tasks),
            ("builds at this gateway", found.builds),
            ("calls at this gateway", found.calls),
            ("API keys", found.api_keys),
            ("webhooks", found.webhooks),
        )
    ]
    rows += [
        (name, pace.burst - pace.left, pace.burst, f"{pace.per_second} more a second")
        for name, pace in (("requests", found.requests), ("bytes sent", found.sent_bytes))
    ]
    if (key := found.key_spend) is not None:
        until = f"until {date_text(key.resets_ms)[:16]} UTC"
        rows.append(("tokens by this API key", format_amount(key.spent_today), format_amount(key.spend_per_day), until))
    print_table(("what", "used>", "of>", ""), rows, empty="nothing is limited")


@with_client
def low_balance(
    options: ClientOptions,
    amount: Annotated[str, typer.Argument(metavar="TOKENS", help="Below this balance; 0: no more.")],
) -> None:
    """Have your webhooks that want low_balance told when your balance falls below an amount.

    They are told once, until the balance is as high again. Who is below it already is told when it falls there again.

    \b
    Example:
      proofgrid account low-balance 2.5
      proofgrid webhook new https://server.example/proofgrid --event low_balance
    """
    account = options.ask(lambda client: client.set_low_balance(parse_amount(amount)))
    told = f"told below {tokens_text(account.low_balance)}" if account.low_balance else "not told any more"
    print_answer(account, f"{account.address}: {told}; there are {tokens_text(account.balance)}", json=options.json)
