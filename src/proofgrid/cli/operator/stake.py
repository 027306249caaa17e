"""`proofgrid stake`: an operator's bond."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from proofgrid.cli.kit.console import date_text, plain, print_answer, print_json, print_table, say
from proofgrid.cli.kit.options import AmountArgument, BaseUnitsOption, ClientOptions, IdOption, with_client
from proofgrid.cli.kit.reading import parse_amount
from proofgrid.cli.kit.tables import print_evidence_list
from proofgrid.primitives.clock import fresh_bytes
from proofgrid.primitives.money import format_amount

if TYPE_CHECKING:
    from proofgrid.wire.v1.stake_pb2 import Stake

group = typer.Typer(
    name="stake",
    help="Your bond as an operator: pay in, take out, and see what was taken of it and why.",
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
    from proofgrid.wire.v1.stake_pb2 import GetStakeRequest

    _print_stake(
        options.ask(lambda network: network.stake.GetStake, GetStakeRequest(operator=operator)), json=options.json
    )


@group.command("deposit")
@with_client
def deposit(
    options: ClientOptions,
    amount: AmountArgument,
    base_units: BaseUnitsOption = False,
    id: IdOption = None,  # noqa: A002
) -> None:
    """Pay into your bond, out of what you earned. An administrator brings money from outside: admin deposit --stake.

    \b
    Example:
      proofgrid stake deposit 25 --key operator.key
    """
    from proofgrid.wire.v1.stake_pb2 import DepositStakeRequest

    request = DepositStakeRequest(
        amount=parse_amount(amount, base_units=base_units), deposit_id=id or fresh_bytes(16).hex()
    )
    _print_stake(options.ask(lambda network: network.stake.DepositStake, request), json=options.json)


@group.command("unbond")
@with_client
def unbond(
    options: ClientOptions,
    amount: AmountArgument,
    base_units: BaseUnitsOption = False,
    id: IdOption = None,  # noqa: A002
) -> None:
    """Begin to take a part of your bond out. It carries no more leases, and can be slashed until the delay is over.

    \b
    Example:
      proofgrid stake unbond 10 --key operator.key
    """
    from proofgrid.wire.v1.stake_pb2 import UnbondRequest

    request = UnbondRequest(
        amount=parse_amount(amount, base_units=base_units), unbonding_id=id or fresh_bytes(16).hex()
    )
    _print_stake(options.ask(lambda network: network.stake.Unbond, request), json=options.json)


@group.command("withdraw")
@with_client
def withdraw(options: ClientOptions) -> None:
    """Move what was unbonded long enough ago to your earnings.

    \b
    Example:
      proofgrid stake withdraw --key operator.key
    """
    from proofgrid.wire.v1.stake_pb2 import WithdrawStakeRequest

    _print_stake(options.ask(lambda network: network.stake.WithdrawStake, WithdrawStakeRequest()), json=options.json)


@group.command("slashes")
@with_client
def slashes(
    options: ClientOptions,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1_000, help="How many.")] = 20,
) -> None:
    """List what was taken of your bond, for which leases, and what became of your appeals.

    \b
    Example:
      proofgrid stake slashes --key operator.key
    """
    from proofgrid.wire.v1.stake_pb2 import ListEvidenceRequest

    answer = options.ask(lambda network: network.stake.ListEvidence, ListEvidenceRequest(limit=limit))
    print_evidence_list(answer.evidence, json=options.json)


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
    from proofgrid.wire.v1.stake_pb2 import AppealRequest

    answer = options.ask(lambda network: network.stake.Appeal, AppealRequest(evidence_id=evidence, text=text))
    print_answer(answer, f"{answer.evidence_id} is {answer.state}", json=options.json)


def _print_stake(stake: Stake, *, json: bool) -> None:
    if json:
        print_json(plain(stake))
        return
    say(stake.operator, style="bold")
    lines = (
        ("bond", stake.bond),
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
