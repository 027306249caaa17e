"""Contracts in an EVM: compiler and machine come from npm, pinned by a lock file, and stay in a cache."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from proofgrid.proofs.offers import Contract
from tests.proofs.npm import installed

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call of a contract led to."""

    returned: str | None  #: 0x and hex digits; None where it reverted
    gas: int


def answers_of(contract: Contract, calls: Sequence[str]) -> list[Answer]:
    """Deploy a contract and return what each call (0x and hex digits) leads to; skip the test where there is no npm."""
    return [Answer(one["returned"], one["gas"]) for one in _run(contract, calls)["answers"]]


def compiled(contract: Contract) -> str:
    """Return what deploys a contract (0x and hex digits); skip the test where there is no npm."""
    return str(_run(contract, [])["code"])


def _run(contract: Contract, calls: Sequence[str]) -> dict[str, Any]:
    place = installed(HERE, "package.json", "run.js")
    asked = json.dumps({"source": contract.source, "contract": contract.name, "calls": list(calls)})
    node = shutil.which("node") or pytest.skip("contracts are tried in Node.js")
    said = subprocess.run([node, "run.js"], cwd=place, input=asked, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(said.stdout)
    return found
