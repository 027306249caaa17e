"""What requests and quotes both say: the inputs, who may have the jobs, and in whose lanes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from proofgrid.cli.kit.reading import read_inputs
from proofgrid.cli.kit.setting_options import Group
from proofgrid.primitives.canonical import Json
from proofgrid.primitives.money import parse_amount
from proofgrid.rules.jobs.constraints import Constraints, parse_constraints

ProgramArgument = Annotated[str, typer.Argument(metavar="PROGRAM", help="The program's digest.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Group):
    """What is to be proven, and of whom it is asked."""

    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[INPUT_FILE]...",
            help="Files of inputs: JSON, EZKL's input_data, NPY, NPZ or CSV; - reads standard input.",
        ),
    ] = None
    inputs: Annotated[
        list[str] | None, typer.Option("--input", metavar="JSON", help="An input in place; may be given again.")
    ] = None
    allow_operator: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-operator",
            "--allow",
            metavar="ADDRESS",
            help="Only provers of this operator; may be given again.",
        ),
    ] = None
    deny_operator: Annotated[
        list[str] | None,
        typer.Option("--deny-operator", metavar="ADDRESS", help="No prover of this operator; may be given again."),
    ] = None
    min_stake: Annotated[
        str | None, typer.Option("--min-stake", metavar="TOKENS", help="Only operators with at least this stake.")
    ] = None
    region: Annotated[
        list[str] | None,
        typer.Option("--region", metavar="NAME", help="Only provers in this region; may be given again."),
    ] = None
    confinement: Annotated[
        str | None,
        typer.Option(
            "--confinement",
            metavar="rules|namespaces",
            help="Only provers that say they confine what they prove at least so well.",
        ),
    ] = None
    subnetwork: Annotated[
        str,
        typer.Option("--subnetwork", metavar="NAME", help="Use this subnetwork's lanes. [default: the common ones]"),
    ] = ""
    one_proof: Annotated[
        bool,
        typer.Option("--one-proof", help="Get one proof of all inputs instead of one of each, where the program can."),
    ] = False

    def read_inputs(self) -> list[Json]:
        """Return the inputs of files and options; raise InvalidField or InvalidInput naming what is wrong."""
        return read_inputs(self.files or [], self.inputs or [])

    def constraints(self) -> Constraints:
        """Return what is demanded of provers; raise InvalidField naming what is wrong."""
        return parse_constraints(
            allowed_operators=self.allow_operator or [],
            denied_operators=self.deny_operator or [],
            min_stake=parse_amount(self.min_stake, field="min_stake") if self.min_stake else 0,
            regions=self.region or [],
            confinement=self.confinement or "",
        )
