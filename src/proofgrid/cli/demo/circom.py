"""Circuits of the demo, compiled where it runs: npm brings the compiler that a lock file pins; nothing of it stays."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from proofgrid.primitives.errors import InvalidField, Unprovable
from proofgrid.proofs.kit.engine_recipes import NPM, find_node, find_npm
from proofgrid.proofs.offers import MakesKeys
from proofgrid.proofs.registry import proof_system

CIRCUIT = Path(__file__).parent / "data" / "factors" / "circom"
_TIMEOUT_SECONDS = 300
_COMPILER = Path("node_modules", "circom2", "cli.js")


def compile_circuit(place: Path, *, system: str, prime: str = "bn128") -> None:
    """Leave the circuit of factors at `place`, which is made, with keys for development where programs bring some.

    Blocks for some seconds. Raises InvalidField where there is no npm, Unprovable when it fails.
    """
    from proofgrid.proofs.kit.source_folders import source_in

    npm, node = find_npm(), find_node()
    if npm is None or node is None:
        raise InvalidField("circom comes by npm, and there is none", field="system", hint=f"install {NPM.needs}")
    shutil.copytree(CIRCUIT, place)
    _run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], place)
    _run([node, str(_COMPILER), "factors.circom", "--r1cs", "--wasm", "--sym", "--prime", prime], place)
    shutil.rmtree(place / "node_modules")
    chosen = proof_system(system)
    if isinstance(chosen, MakesKeys):
        chosen.make_keys(source_in(place, system), place, workdir=place, report=_quiet)


def _run(command: Sequence[str], place: Path) -> None:
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False)
    if done.returncode:
        raise Unprovable(f"{Path(command[-1]).name} failed: {(done.stderr or done.stdout).strip()[-500:]}")


def _quiet(stage: str, permille: int) -> None:
    """Tell nothing of a step of a second."""
