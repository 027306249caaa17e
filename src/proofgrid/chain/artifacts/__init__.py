"""Our contracts as compiled from contracts/src by `make contracts`; a test compiles them again and compares."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

from proofgrid.chain.abi import Abi

NAMES = ("ClaimJudge", "DevToken", "ProgramVerifiers", "ProofgridAvs", "ProofgridVault")


@cache
def abi(name: str) -> Abi:
    """Return the ABI of one of our contracts."""
    found: Abi = _artifact(name)["abi"]
    return found


@cache
def bytecode(name: str) -> str:
    """Return what deploys one of our contracts: hex digits after 0x."""
    return f"0x{_artifact(name)['bytecode']}"


@cache
def _artifact(name: str):  # type: ignore[no-untyped-def]  # JSON
    return json.loads(resources.files(__package__).joinpath(f"{name}.json").read_text(encoding="utf-8"))
