"""`proofgrid admin evidence`: what operators were slashed for, shown, exported, verified by anybody, and appeals."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from proofgrid.cli.kit.console import date_text, plain, print_answer, print_json, say, stderr
from proofgrid.cli.kit.failures import EXIT_FAILED, error_text, error_to_json
from proofgrid.cli.kit.options import AdministratorOptions, JsonOption, KeysOption, LimitOption, with_administrator
from proofgrid.cli.kit.tables import print_evidence_list
from proofgrid.primitives.errors import InvalidField, ProofgridError, UnknownProofSystem
from proofgrid.primitives.money import format_amount

group = typer.Typer(name="evidence", help="What operators were slashed for, and how to show it.", no_args_is_help=True)

EvidenceArgument = Annotated[str, typer.Argument(metavar="EVIDENCE", help="Its id.")]


@group.command("list")
@with_administrator
def list_evidence(
    options: AdministratorOptions,
    operator: Annotated[str, typer.Option("--operator", help="Only of this operator.")] = "",
    state: Annotated[str, typer.Option("--state", help="stands, appealed, upheld or overturned.")] = "",
    limit: LimitOption = 20,
) -> None:
    """List slashes, newest first.

    \b
    Example:
      proofgrid admin evidence list --state appealed
    """
    evidence = options.ask(lambda client: client.bonds.evidence(operator=operator, state=state, limit=limit))
    print_evidence_list(evidence, json=options.json)


@group.command("show")
@with_administrator
def show(options: AdministratorOptions, evidence: EvidenceArgument) -> None:
    """Show one slash: who, for which lease, who got what, and the appeal.

    \b
    Example:
      proofgrid admin evidence show 0197b2c4-6f00-7000-8000-000000000001
    """
    one = options.ask(lambda client: client.bonds.one_evidence(evidence))
    if options.json:
        print_json(plain(one))
        return
    say(f"{one.evidence_id}: {one.kind} by {one.prover}, {date_text(one.at_ms)[:16]} UTC", style="bold")
    say(f"  lease {one.lease_id}, slice {one.slice} of task {one.task_id}")
    say(f"  {one.detail}")
    say(
        f"  taken {format_amount(one.amount)}: {format_amount(one.burnt)} burnt,"
        f" {format_amount(one.to_client)} to the client, {format_amount(one.to_rescuer)} for the rescuer"
    )
    say("  anybody can verify it: proofgrid admin evidence export" if one.can_be_verified else "  only clocks saw it")
    say(f"  {one.state}" + (f", {format_amount(one.given_back)} given back" if one.given_back else ""))
    for name, text in (("appeal", one.appeal), ("answer", one.answer)):
        if text:
            say(f"  {name}: {text}")


@group.command("export")
@with_administrator
def export(
    options: AdministratorOptions,
    evidence: EvidenceArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The file to write.")],
) -> None:
    """Write one file with everything needed to verify that a result was a lie. Operators may export their own.

    \b
    Example:
      proofgrid admin evidence export 0197b2c4-6f00-7000-8000-000000000001 --out lie.evidence
    """
    from proofgrid.sdk.evidence import export_evidence

    options.ask(lambda client: export_evidence(client.connection, evidence, out))
    if options.json:
        print_json({"evidence_id": evidence, "file": str(out)})
    else:
        say(f"{out}: check it with  proofgrid admin evidence verify {out}")


@group.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The exported evidence.")],
    network: Annotated[
        str | None, typer.Option("--network", metavar="ADDRESS", help="Address of the key that must have signed.")
    ] = None,
    keys: KeysOption = None,
    json: JsonOption = False,
) -> None:
    """Verify evidence, offline: exit 0 when the operator signed a result that is a lie, 1 when that is not shown.

    Needs no network, no database and no key. The operator's signature and the verifier are believed, and the network's
    key for what the right proof would have proven: insist on it with --network.

    \b
    Example:
      proofgrid admin evidence verify lie.evidence --network 0x…
    """
    from proofgrid.primitives.signatures import parse_address
    from proofgrid.proofs.bundles.evidence import verify_evidence
    from proofgrid.sdk.network_keys import read_list_file

    if not file.is_file():
        raise InvalidField(f"there is no file {file}", field="file")
    expected = parse_address(network, field="network") if network else None
    try:
        with tempfile.TemporaryDirectory(prefix="proofgrid-verify-") as workdir:
            report = verify_evidence(file, expect_network=expected, known=read_list_file(keys), workdir=Path(workdir))
    except UnknownProofSystem:
        raise  # it was not checked, so it is not said to be wrong
    except ProofgridError as error:
        if json:
            print_json({"file": str(file), "holds": False, "error": error_to_json(error)})
        else:
            stderr().print(f"NOT SHOWN  {file}", style="bold red", markup=False, soft_wrap=True)
            stderr().print(error_text(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(EXIT_FAILED) from None
    if json:
        said = {"kind": report.kind.value, "operator": report.operator, "network": report.network}
        print_json({"file": str(file), "holds": True, **said, "checks": list(report.checks)})
        return
    say(f"SHOWN  {report.kind.value} by {report.operator}", style="bold green")
    for check in report.checks:
        say(f"  ✓ {check}", style="green")


@group.command("resolve")
@with_administrator
def resolve(
    options: AdministratorOptions,
    evidence: EvidenceArgument,
    answer: Annotated[str, typer.Option("--answer", help="Why, for the operator.")],
    overturn: Annotated[
        bool, typer.Option("--overturn/--uphold", help="Give back what can be given back, or let it stand.")
    ],
) -> None:
    """Answer an appeal. Overturned: what was burnt is made again, the treasury pays for the rest as far as it can.

    \b
    Example:
      proofgrid admin evidence resolve 0197b2c4-6f00-7000-8000-000000000001 --overturn --answer "our line was cut"
    """
    one = options.ask(lambda client: client.admin.resolve_appeal(evidence, overturn=overturn, answer=answer))
    said = f"{one.evidence_id} is {one.state}, {format_amount(one.given_back)} given back"
    print_answer(one, said, json=options.json)
