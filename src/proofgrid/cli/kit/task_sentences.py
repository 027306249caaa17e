"""One sentence per event of a task, for people who watch without a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proofgrid.cli.kit.console import short_prover
from proofgrid.primitives.money import format_amount

STYLES = {
    "proven": "green",
    "no_sale": "yellow",
    "slow": "yellow",
    "overflowed": "yellow",
    "returned": "yellow",
    "carried_on": "yellow",
    "unprovable": "yellow",
    "slashed": "yellow",
    "failed": "bold red",
    "cancelled": "yellow",
    "done": "bold green",
}


def sentence(kind: str, data: Mapping[str, Any], *, people: Mapping[str, str], batch: bool = False) -> str:
    """Say what happened; `people` are names for operators' addresses."""
    job = f"slice {data['slice']}" + (f" of input {data['input']}" if batch else "") if "slice" in data else ""
    prover = short_prover(str(data.get("prover", "")), people)
    match kind:
        case "accepted" if "quote" in data:
            quote = data["quote"]
            return (
                f"accepted: {len(data['jobs'])} jobs, {data['units']} PU, for {format_amount(quote['cost'])} by your"
                f" firm quote; if it is not there within {quote['within_ms'] / 1000:g} s you get that back and"
                f" {format_amount(quote['penalty'])} on top"
            )
        case "accepted":
            return (
                f"accepted: {len(data['jobs'])} jobs, {data['units']} PU, at most {data['limit_price']} per PU;"
                f" {format_amount(data['escrow'])} held in escrow{_demanded(data.get('constraints'), people)}"
            )
        case "sold":
            return (
                f"round {data['round']} of {data['lane']}: {job} sold to {prover};"
                f" client pays {data['buy_price']}, operator gets {data['sell_price']} per PU"
            )
        case "no_sale" if data.get("nobody"):
            return f"no sale in {data['lane']}: no connected prover meets the task's constraints"
        case "no_sale":
            return (
                f"no sale in {data['lane']}: the cheapest ask is {data['cheapest_ask']} per PU,"
                f" your limit {data['limit_price']}"
            )
        case "raised":
            return (
                f"nobody sold: the limit price goes from {data['before']} to {data['limit_price']},"
                f" at most {data['limit_price_max']} per PU"
            )
        case "overflowed":
            return (
                f"{data['jobs']} jobs waited {data['waited_ms'] / 1000:.1f} s in {data['from']}"
                f" and go on to {data['to']}"
            )
        case "slow":
            return (
                f"{job} is slow at {prover}: {data['running_ms'] / 1000:.1f} s so far,"
                f" {data['usual_ms'] / 1000:.1f} s are usual"
            )
        case "hedged":
            return (
                f"round {data['round']} of {data['lane']}: {job} sold a second time, to {prover}, the first proof wins;"
                f" client pays {data['buy_price']}, operator gets {data['sell_price']} per PU"
            )
        case "hedge_lost":
            return (
                f"{job}: {prover} was overtaken and stopped;"
                f" paid {format_amount(data['paid'])} for the {data['shown'] / 10:g}% that it shows"
            )
        case "carried_on":
            return f"{job} goes on without {prover}: {data['reason']} {data['detail']}".rstrip()
        case "unprovable":
            return (
                f"{prover} says that {job} cannot be proven: {data['detail']};"
                f" {data['operators']} of {data['needed']} operators agree"
            )
        case "slashed":
            return (
                f"{prover} was slashed {format_amount(data['amount'])} for {job} ({data['reason']}):"
                f" {format_amount(data['to_client'])} to you, {format_amount(data['to_rescuer'])} for its rescuer"
            )
        case "rescued":
            whom = "you" if data["to"] == "client" else people.get(data["to"], data["to"])
            return f"{format_amount(data['amount'])} of what was slashed for {job} went to {whom}"
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
            charged = f"{format_amount(data['charged'])} charged for the work shown, " if data.get("charged") else ""
            penalty = f", and {format_amount(data['penalty'])} on top as promised" if data.get("penalty") else ""
            back = f"{format_amount(data['refunded'])} given back{penalty}"
            return f"failed: {data['code']} {data['detail']}; {charged}{back}"
        case "cancelled":
            return f"cancelled; {format_amount(data['refunded'])} given back"
    return f"{kind} {job}".rstrip()


def _demanded(constraints: Mapping[str, Any] | None, people: Mapping[str, str]) -> str:
    if not constraints:
        return ""
    parts = []
    for key, words in (("allowed_operators", "only provers of"), ("denied_operators", "none of")):
        if constraints[key]:
            parts.append(f"{words} {', '.join(short_prover(one, people) for one in constraints[key])}")
    if constraints["min_stake"]:
        parts.append(f"stake at least {format_amount(constraints['min_stake'])}")
    if constraints["regions"]:
        parts.append(f"only in {', '.join(constraints['regions'])}")
    return "; " + "; ".join(parts)
