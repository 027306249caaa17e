"""Options of requests: the inputs, who may have the jobs, and in whose lanes."""

from __future__ import annotations

from typing import Annotated

import typer

from proofgrid.cli.kit.reading import parse_amount
from proofgrid.rules.jobs.constraints import Constraints, parse_constraints

InputOption = Annotated[
    list[str] | None, typer.Option("--input", metavar="JSON", help="An input in place; may be given again.")
]
AllowOperator = Annotated[
    list[str] | None,
    typer.Option("--allow-operator", metavar="ADDRESS", help="Only provers of this operator; may be given again."),
]
DenyOperator = Annotated[
    list[str] | None,
    typer.Option("--deny-operator", metavar="ADDRESS", help="No prover of this operator; may be given again."),
]
MinStake = Annotated[
    str | None, typer.Option("--min-stake", metavar="TOKENS", help="Only operators with at least this stake.")
]
Region = Annotated[
    list[str] | None,
    typer.Option("--region", metavar="NAME", help="Only provers in this region; may be given again."),
]
Subnetwork = Annotated[
    str, typer.Option("--subnetwork", metavar="NAME", help="Use this subnetwork's lanes. [default: the common ones]")
]


def demanded(
    allow_operator: list[str] | None, deny_operator: list[str] | None, min_stake: str | None, region: list[str] | None
) -> Constraints:
    """Return what the options demand; raise InvalidField naming what is wrong."""
    return parse_constraints(
        allowed_operators=allow_operator or [],
        denied_operators=deny_operator or [],
        min_stake=parse_amount(min_stake, field="min_stake") if min_stake else 0,
        regions=region or [],
    )
