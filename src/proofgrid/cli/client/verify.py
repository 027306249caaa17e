"""`proofgrid verify`: check a bundle offline, believing nobody."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from proofgrid.cli.kit.console import print_json, print_table, say, stderr
from proofgrid.cli.kit.failures import EXIT_FAILED, error_text, error_to_json
from proofgrid.cli.kit.options import JsonOption
from proofgrid.primitives.errors import BadBundle, InvalidField, ProofgridError
from proofgrid.primitives.ids import short_prover
from proofgrid.primitives.money import format_amount

if TYPE_CHECKING:
    from proofgrid.proofs.bundles.bundle import BundleReport

VALUES_SHOWN = 12


def add_to(cli: typer.Typer) -> None:
    cli.command("verify", short_help="Verify a bundle, offline.")(run)


def run(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The bundle.")],
    program: Annotated[
        str | None, typer.Option("--program", metavar="DIGEST", help="The program that must have been proven.")
    ] = None,
    network: Annotated[
        str | None, typer.Option("--network", metavar="ADDRESS", help="Address of the key that must have signed.")
    ] = None,
    rounds: Annotated[
        list[Path] | None,
        typer.Option("--rounds", metavar="FILE", help="Rounds by `market export`: check the prices against them too."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Verify a bundle: exit 0 and a table of what was proven, or exit 1 and the check that failed.

    Needs no network, no database and no key. Without --program it proves *some* program, without --network the prices
    and names in it are signed by *somebody*.

    \b
    Example:
      proofgrid verify answer.bundle --program 3f9a… --network 0x…
      proofgrid verify answer.bundle --rounds day.rounds --network 0x…
      proofgrid verify answer.bundle --json
    """
    try:
        report = check_file(file, program=program, network=network)
        if rounds:
            report = _with_prices(report, rounds)
    except ProofgridError as error:
        _print_refusal(error, file, json=json)
        raise typer.Exit(EXIT_FAILED) from None
    print_report(report, file, program=program, network=network, json=json)


def check_file(file: Path, *, program: str | None = None, network: str | None = None) -> BundleReport:
    """Verify a bundle file in a folder of its own; raises what `verify_bundle` raises."""
    from proofgrid.primitives.digests import parse_digest
    from proofgrid.primitives.signatures import parse_address
    from proofgrid.proofs.bundles.bundle import verify_bundle

    if not file.is_file():
        raise InvalidField(f"there is no file {file}", field="file")
    expect_program = parse_digest(program, field="program") if program else None
    expect_network = parse_address(network, field="network") if network else None
    with tempfile.TemporaryDirectory(prefix="proofgrid-verify-") as workdir:
        return verify_bundle(file, expect_program=expect_program, expect_network=expect_network, workdir=Path(workdir))


def _with_prices(report: BundleReport, rounds: Sequence[Path]) -> BundleReport:
    """Check that every job was sold in a round that replays, at prices of that round."""
    from dataclasses import replace

    from proofgrid.sdk.records import check_prices

    lanes = check_prices(report.manifest, rounds)
    said = f"rounds: every job was sold in a round that was run again, at its price ({lanes})"
    return replace(report, checks=(*report.checks, said))


def report_to_json(report: BundleReport, *, program: str | None, network: str | None) -> dict[str, Any]:
    """Return a report as JSON values."""
    from proofgrid.proofs.bundles.manifest import manifest_to_json

    return {
        "valid": True,
        "program_pinned": program is not None,
        "network_pinned": network is not None,
        "checks": list(report.checks),
        "manifest": manifest_to_json(report.manifest),
    }


def print_report(
    report: BundleReport, file: Path, *, program: str | None, network: str | None, json: bool = False
) -> None:
    """Print what a bundle that verified proves."""
    if json:
        print_json({"file": str(file), **report_to_json(report, program=program, network=network)})
        return
    manifest = report.manifest
    say(f"VALID  {file}", style="bold green")
    say(f"  program   {manifest.program.digest} ({manifest.program.proof_system}; {_pinned(program, 'program')})")
    say(f"  signed by {manifest.network} ({_pinned(network, 'network')})")
    say(f"  task      {manifest.task.task_id} of client {manifest.task.client}")
    _print_values("input", _items(manifest.statement, "inputs"))
    _print_values("output", _items(manifest.result, "outputs"))
    say("")
    for check in report.checks:
        say(f"  ✓ {check}", style="green")
    rows = [
        (
            job.slice_index,
            job.input_index,
            short_prover(job.prover),
            f"{job.lane} #{job.round_number}",
            job.units,
            job.price_buy,
            job.price_sell,
            format_amount(job.paid),
        )
        for job in manifest.jobs
    ]
    columns = ("slice>", "input>", "operator/prover", "round", "PU>", "client pays>", "operator gets>", "paid>")
    print_table(columns, rows, empty="no jobs")


def _pinned(expected: str | None, option: str) -> str:
    return "pinned: it is the expected one" if expected else f"NOT pinned: give --{option} to insist on one"


def _print_values(name: str, items: Sequence[Any]) -> None:
    for index, item in enumerate(items[:VALUES_SHOWN]):
        values = item.get("values", item) if isinstance(item, Mapping) else item
        say(f"  {name} {index:<3} {_shortened(values)}")
    if len(items) > VALUES_SHOWN:
        say(f"  … and {len(items) - VALUES_SHOWN} more {name}s; --json shows all")


def _shortened(values: Any) -> str:
    if isinstance(values, Mapping):
        return ", ".join(f"{key} {value}" for key, value in values.items())
    if not isinstance(values, Sequence) or isinstance(values, str):
        return str(values)
    more = f" … ({len(values)} values)" if len(values) > VALUES_SHOWN else ""
    return " ".join(str(value) for value in values[:VALUES_SHOWN]) + more


def _items(value: Mapping[str, Any], name: str) -> Sequence[Any]:
    # The members of a statement are its proof system's; those without this list show as a whole.
    found = value.get(name)
    return found if isinstance(found, Sequence) and not isinstance(found, str) else [value]


def _print_refusal(error: ProofgridError, file: Path, *, json: bool) -> None:
    if json:
        print_json({"file": str(file), "valid": False, "error": error_to_json(error)})
        return
    stderr().print(f"NOT VALID  {file}", style="bold red", markup=False, soft_wrap=True)
    stderr().print(error_text(error), style="red", markup=False, soft_wrap=True)
    if isinstance(error, BadBundle) and error.field:
        stderr().print(f"The check that failed: {error.field}", style="red", markup=False, soft_wrap=True)
