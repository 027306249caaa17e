"""`proofgrid deliver`: have a contract of a chain verify what a task proved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from proofgrid.cli.kit.console import print_answer, print_json, print_table, say
from proofgrid.cli.kit.failures import EXIT_FAILED
from proofgrid.cli.kit.options import ClientOptions, with_client
from proofgrid.primitives.money import tokens_text

if TYPE_CHECKING:
    from proofgrid.sdk.answers.deliveries import ProofDelivery
    from proofgrid.sdk.client import Client


def add_to(cli: typer.Typer) -> None:
    cli.command("deliver", short_help="Have a contract verify a task's proof.")(run)


@with_client
def run(
    options: ClientOptions,
    task: Annotated[str, typer.Argument(metavar="[TASK]", help="The task's id; without one: what it costs.")] = "",
    to: Annotated[str, typer.Option("--to", metavar="chain:ADDRESS", help="Which contract; without it: show.")] = "",
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Until the receipt is final.")] = False,
) -> None:
    """Have the network bring a task's proof to a contract of a chain, which verifies it; and show what became of that.

    The network pays the gas and takes a price, when a dry run has shown that the contract takes the proof. A proof that
    nobody else may bring names the submitter, which is shown without a task.

    \b
    Example:
      proofgrid deliver
      proofgrid deliver 0198c0de-0000-7000-8000-000000000000 --to chain:0x5290… --wait
      proofgrid deliver 0198c0de-0000-7000-8000-000000000000
    """
    if not task:
        _show_terms(options)
        return

    async def work(client: Client) -> ProofDelivery:
        if to:
            await client.deliveries.deliver(task, to)
        return await (client.deliveries.wait(task) if wait else client.deliveries.show(task))

    found = options.ask(work)
    print_answer(found, _said(found), json=options.json)
    if found.state in ("refused", "failed"):
        raise typer.Exit(EXIT_FAILED)


def _show_terms(options: ClientOptions) -> None:
    terms = options.ask(lambda client: client.deliveries.terms())
    if options.json:
        names = ("chain_id", "submitter", "contracts", "price", "gas_most")
        print_json({name: getattr(terms, name) for name in names})
        return
    if not terms.contracts:
        say("this network brings proofs to no contract")
        return
    rows = [("contract", contract) for contract in terms.contracts]
    rows += [("chain", str(terms.chain_id)), ("brought by", terms.submitter), ("price", tokens_text(terms.price))]
    print_table(["proofs are brought to", ""], rows, empty="")


def _said(found: ProofDelivery) -> str:
    if found.state == "delivered":
        return (
            f"{found.contract} verified it in block {found.block}: transaction {found.transaction}, {found.gas} gas,"
            f" paid {tokens_text(found.price)}"
        )
    return f"{found.contract}: {found.state}" + (f", {found.detail}" if found.detail else "")
