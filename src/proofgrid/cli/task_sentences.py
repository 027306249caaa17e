"""One sentence per event of a task, for people who watch without a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proofgrid.cli.console import short_prover
from proofgrid.primitives.money import format_amount

STYLES = {"proven": "green", "returned": "yellow", "failed": "bold red", "cancelled": "yellow", "done": "bold green"}


def sentence(kind: str, data: Mapping[str, Any], *, people: Mapping[str, str], batch: bool = False) -> str:
    """Say what happened; `people` are names for operators' addresses."""
    job = f"slice {data['slice']}" + (f" of input {data['input']}" if batch else "") if "slice" in data else ""
    prover = short_prover(str(data.get("prover", "")), people)
    match kind:
        case "accepted":
            return (
                f"accepted: {len(data['jobs'])} jobs, {data['units']} PU, at most {data['limit_price']} per PU;"
                f" {format_amount(data['escrow'])} held in escrow"
            )
        case "sold":
            return (
                f"round {data['round']} of {data['lane']}: {job} sold to {prover};"
                f" client pays {data['buy_price']}, operator gets {data['sell_price']} per PU"
            )
        case "stage":
            return f"{job}: {data['stage']} at {prover}"
        case "returned":
            return f"{job} came back from {prover}: {data['reason']} {data['detail']}".rstrip()
        case "proven":
            return (
                f"{job} proven by {prover} in {data['wall_ms'] / 1000:.1f} s and verified;"
                f" paid {format_amount(data['paid'])} for {data['units']} PU"
            )
        case "combining":
            return "all proven; linking and verifying the whole"
        case "done":
            return f"done: spent {format_amount(data['spent'])}, {format_amount(data['refunded'])} given back"
        case "failed":
            return f"failed: {data['code']} {data['detail']}; {format_amount(data['refunded'])} given back"
        case "cancelled":
            return f"cancelled; {format_amount(data['refunded'])} given back"
    return f"{kind} {job}".rstrip()
