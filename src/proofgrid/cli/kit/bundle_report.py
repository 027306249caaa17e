"""Verifies a bundle as a stranger would, and tells what it proves."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from proofgrid.cli.kit.console import print_json, print_table, say
from proofgrid.cli.kit.proven import print_proven, proven_to_json
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import short_prover
from proofgrid.primitives.money import format_amount, format_price

if TYPE_CHECKING:
    from proofgrid.proofs.bundles.bundle import BundleReport


def check_file(
    file: Path, *, program: str | None = None, network: str | None = None, keys: Path | None = None
) -> BundleReport:
    """Verify a bundle file in a folder of its own; raises what `verify_bundle` raises."""
    from proofgrid.primitives.digests import DIGEST_DIGITS, parse_digest
    from proofgrid.primitives.signatures import parse_address
    from proofgrid.proofs.bundles.bundle import verify_bundle
    from proofgrid.sdk.network_keys import read_list_file

    if not file.is_file():
        raise InvalidField(f"there is no file {file}", field="file")
    if program and len(program.rstrip("…")) < DIGEST_DIGITS:
        # Whoever makes a false program can make thousands, until one begins as yours does.
        raise InvalidField("the whole digest is needed here: a beginning can be met on purpose", field="program")
    expect_program = parse_digest(program, field="program") if program else None
    expect_network = parse_address(network, field="network") if network else None
    known = read_list_file(keys)
    with tempfile.TemporaryDirectory(prefix="proofgrid-verify-") as workdir:
        return verify_bundle(
            file, expect_program=expect_program, expect_network=expect_network, known=known, workdir=Path(workdir)
        )


def report_to_json(report: BundleReport, *, program: str | None, network: str | None) -> dict[str, object]:
    """Return a report as JSON values."""
    from proofgrid.proofs.bundles.manifest import manifest_to_json

    return {
        "valid": True,
        "program_pinned": program is not None,
        "network_pinned": network is not None,
        "checks": list(report.checks),
        **proven_to_json(report.manifest),
        "manifest": manifest_to_json(report.manifest),
    }


def print_report(
    report: BundleReport, file: Path | None, *, program: str | None, network: str | None, json: bool = False
) -> None:
    """Print what a bundle that verified proves; `file` is where it is kept, if it is."""
    if json:
        print_json({"file": str(file or ""), **report_to_json(report, program=program, network=network)})
        return
    manifest = report.manifest
    say(f"VALID  {file or f'the result of task {manifest.task.task_id}'}", style="bold green")
    say(f"  program   {manifest.program.digest} ({manifest.program.proof_system}; {_pinned(program, 'program')})")
    say(f"  signed by {manifest.network} ({_pinned(network, 'network')})")
    say(f"  task      {manifest.task.task_id} of client {manifest.task.client}")
    say("")
    say("What was proven:", style="bold")
    print_proven(manifest)
    say("")
    for check in report.checks:
        say(f"  ✓ {check}", style="green")
    rows = [
        (
            job.slice_index,
            job.input_index,
            short_prover(job.prover),
            f"{job.lane} #{job.round_number}" if job.round_number else f"{job.lane}, firm quote",
            job.units,
            format_price(job.price_buy),
            format_price(job.price_sell),
            format_amount(job.paid),
        )
        for job in manifest.jobs
    ]
    columns = ("slice>", "input>", "operator/prover", "round", "PU>", "client pays, /M>", "operator gets, /M>", "paid>")
    print_table(columns, rows, empty="no jobs")


def _pinned(expected: str | None, option: str) -> str:
    return "pinned: it is the expected one" if expected else f"NOT pinned: give --{option} to insist on one"
