"""Records of rounds: lines of JSON, each signed; here by a key that a stranger has, so that replaying is reached."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.digests import digest_of_json
from proofgrid.rules.market.record_file import RecordCheck
from tests.rules.market.records import NETWORK, a_record

EDITION_1 = Path(__file__).parent.parent / "rules" / "market" / "edition_1"
_ROUNDS_MAX = 3


def take_record(data: bytes) -> None:
    """Take a list of lines, header first; sign each, chain them where they name a round before, and check them."""
    try:
        values = json.loads(data)
    except (ValueError, RecursionError):
        return
    check = RecordCheck()
    for value in values if isinstance(values, list) else [values]:
        try:
            line = canonical_json(_signed(value)) + b"\n"
        except (ValueError, TypeError):
            return
        check.line(line)
    check.finish()


def _signed(value: Any) -> Any:
    for member in ("transcript", "trailer"):
        if isinstance(value, dict) and member in value:
            return {**value, "signature": NETWORK.sign(bytes.fromhex(digest_of_json(value[member])))}
    return {**value, "network": NETWORK.address} if isinstance(value, dict) and "network" in value else value


def files() -> list[bytes]:
    """Short records of both editions, without their last rounds."""
    made = [[json.loads(line) for line in lines] for lines in a_record(rounds=2).values()]
    for name in ("large", "small"):
        lines = (EDITION_1 / f"{name}.rounds").read_bytes().splitlines()
        made.append([json.loads(line) for line in lines[: 1 + _ROUNDS_MAX]])
    return [json.dumps(lines).encode() for lines in made]


def take_lines(data: bytes) -> None:
    """Check lines as they are."""
    check = RecordCheck()
    for line in data.splitlines(keepends=True):
        check.line(line)
    check.finish()


def lines() -> list[bytes]:
    """A short record, as a file has it."""
    return [b"".join(of_lane) for of_lane in a_record(rounds=1).values()]
