"""`proofgrid stake`: an operator's bond."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from proofgrid.cli.kit.console import date_text, plain, print_answer, print_json, print_table, say
from proofgrid.cli.kit.options import ClientOptions, LimitOption, Money, with_client
from proofgrid.cli.kit.tables import print_evidence_list
from proofgrid.primitives.money import format_amount

if TYPE_CHECKING:
    from proofgrid.sdk.answers.operators import Stake

group = typer.Typer(
    name="stake",
    help="Your bond as an operator: pay in, take out, and see what was taken of it and why.",
    short_help="Your bond as an operator.",
    no_args_is_help=True,
)


@group.command("show")
@with_client
def show(
    options: ClientOptions,
    operator: Annotated[str, typer.Argument(metavar="[OPERATOR]", help="Others' are for administrators.")] = "",
) -> None:
    """Show a bond: how large it is, what held leases bind of it, what is on its way out.

    \b
    Example:
      proofgrid stake show --key operator.key
    """
    _print_stake(options.ask(lambda client: client.bonds.show(operator)), json=options.json)


@group.command("deposit")
@with_client
def deposit(options: ClientOptions, money: Money) -> None:
    """Pay into your bond, out of what you earned. An administrator brings money from outside: admin deposit --stake.

    \b
    Example:
      proofgrid stake deposit 25 --key operator.key
    """
    amount, deposit_id = money.read()
    _print_stake(options.ask(lambda client: client.bonds.deposit(amount, deposit_id=deposit_id)), json=options.json)


@group.command("unbond")
@with_client
def unbond(options: ClientOptions, money: Money) -> None:
    """Begin to take a part of your bond out. It carries no more leases, and can be slashed until the delay is over.

    \b
    Example:
      proofgrid stake unbond 10 --key operator.key
    """
    amount, unbonding_id = money.read()
    _print_stake(options.ask(lambda client: client.bonds.unbond(amount, unbonding_id=unbonding_id)), json=options.json)


@group.command("withdraw")
@with_client
def withdraw(options: ClientOptions) -> None:
    """Move what was unbonded long enough ago to your earnings.

    \b
    Example:
      proofgrid stake withdraw --key operator.key
    """
    _print_stake(options.ask(lambda client: client.bonds.withdraw()), json=options.json)


@group.command("slashes")
@with_client
def slashes(
    options: ClientOptions,
    limit: LimitOption = 20,
) -> None:
    """List what was taken of your bond, for which leases, and what became of your appeals.

    \b
    Example:
      proofgrid stake slashes --key operator.key
    """
    print_evidence_list(options.ask(lambda client: client.bonds.evidence(limit=limit)), json=options.json)


@group.command("appeal")
@with_client
def appeal(
    options: ClientOptions,
    evidence: Annotated[str, typer.Argument(metavar="EVIDENCE", help="Its id, from `proofgrid stake slashes`.")],
    text: Annotated[str, typer.Option("--text", help="Why it was wrong, for the administrators.")],
) -> None:
    """Say why a slash was wrong. Once for each; an administrator answers.

    \b
    Example:
      proofgrid stake appeal 0197b2c4-6f00-7000-8000-000000000001 --text "the gateway's line was cut, see the log"
    """
    answer = options.ask(lambda client: client.bonds.appeal(evidence, text))
    print_answer(answer, f"{answer.evidence_id} is {answer.state}", json=options.json)


def _print_stake(stake: Stake, *, json: bool) -> None:
    if json:
        print_json(plain(stake))
        return
    say(stake.operator, style="bold")
    lines = (
        ("bond", stake.bond),
        ("staked", stake.staked),
        ("bound", stake.bound),
        ("removable", stake.removable),
        ("unbonding", stake.unbonding),
        ("ready", stake.ready),
        ("earned", stake.earned),
    )
    for name, amount in lines:
        say(f"  {name:<10}{format_amount(amount)}")
    if not stake.stake_permille:
        say("  this network asks for no bond; one that is there is slashed all the same")
    rows = [(format_amount(one.amount), date_text(one.ready_ms)[:16]) for one in stake.unbondings]
    if rows:
        print_table(("unbonding>", "ready (UTC)"), rows, empty="")
    owed = [
        (one.evidence_id, format_amount(one.amount), one.state, format_amount(one.taken), str(one.executable_at or ""))
        for one in stake.debts
    ]
    if owed:
        print_table(("asked of the chain for", "amount>", "state", "taken>", "after block>"), owed, empty="")
