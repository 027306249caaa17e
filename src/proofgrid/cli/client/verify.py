"""`proofgrid verify`: check a bundle offline, believing nobody."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proofgrid.cli.kit.bundle_report import check_file, print_report
from proofgrid.cli.kit.console import complain, print_json
from proofgrid.cli.kit.failures import EXIT_FAILED, error_text, error_to_json
from proofgrid.cli.kit.options import JsonOption, KeysOption
from proofgrid.cli.kit.proven import OutputOption, check_suffix, say_written, write_proven
from proofgrid.cli.kit.refusals import meaning_of
from proofgrid.primitives.errors import ProofgridError, UnknownProofSystem

if TYPE_CHECKING:
    from proofgrid.proofs.bundles.bundle import BundleReport


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
    engines: Annotated[
        Path | None,
        typer.Option("--engines", metavar="FILE", help="From `proofgrid engines --json`: none of these is stopped."),
    ] = None,
    keys: KeysOption = None,
    output: OutputOption = None,
    json: JsonOption = False,
) -> None:
    """Verify a bundle: exit 0 and the numbers that were proven, or exit 1, the check that failed and what that means.

    Needs no network, no database and no key. Without --program it proves *some* program, without --network the prices
    and names in it are signed by *somebody*.

    \b
    Example:
      proofgrid verify answer.bundle --program 3f9a… --network 0x…
      proofgrid verify answer.bundle --rounds day.rounds --network 0x…
      proofgrid engines --json > engines.json
      proofgrid verify answer.bundle --engines engines.json
      proofgrid verify answer.bundle --program 3f9a… --output scores.npy
      proofgrid verify answer.bundle --json
    """
    check_suffix(output)
    try:
        report = check_file(file, program=program, network=network, keys=keys)
        if rounds:
            report = _with_prices(report, rounds, keys)
        if engines is not None:
            report = _with_engines(report, engines)
    except UnknownProofSystem:
        raise  # it was not checked, so it is not said to be wrong
    except ProofgridError as error:
        _print_refusal(error, file, json=json)
        raise typer.Exit(EXIT_FAILED) from None
    if output is not None:
        write_proven(report.manifest, output)
    print_report(report, file, program=program, network=network, json=json)
    say_written(output, json=json)


def _with_prices(report: BundleReport, rounds: Sequence[Path], keys: Path | None) -> BundleReport:
    """Check that every job was sold in a round that replays, at prices of that round."""
    from dataclasses import replace

    from proofgrid.sdk.network_keys import read_list_file
    from proofgrid.sdk.records import check_prices

    lanes = check_prices(report.manifest, rounds, keys=read_list_file(keys))
    said = f"rounds: every job was sold in a round that was run again, at its price ({lanes})"
    return replace(report, checks=(*report.checks, said))


def _with_engines(report: BundleReport, file: Path) -> BundleReport:
    """Check that no engine that made it is stopped, by what its network says."""
    from dataclasses import replace

    from proofgrid.sdk.stopped_engines import check_engines

    count = check_engines(report.manifest, file)
    said = f"engines: none of the {count} that made it is stopped, by what {file.name} says"
    return replace(report, checks=(*report.checks, said))


def _print_refusal(error: ProofgridError, file: Path, *, json: bool) -> None:
    check, meaning = meaning_of(error)
    if json:
        refusal = {"valid": False, "failed_check": check, "meaning": meaning, "error": error_to_json(error)}
        print_json({"file": str(file), **refusal})
        return
    complain(f"NOT VALID  {file}", style="bold red")
    complain(error_text(error), style="red")
    if check:
        complain(f"The check that failed: {check}.", style="red")
    complain(f"What that means: {meaning}", style="red")
