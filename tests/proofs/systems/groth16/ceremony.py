"""Keys of a small ceremony by snarkjs, which npm brings: it runs as a tool, once, and what it made stays in a cache."""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path

from tests.proofs.npm import alone_in, installed
from tests.proofs.systems.groth16.circom import compiled

SOURCES = Path(__file__).with_name("snarkjs")
_POWER = "8"


@cache
def zkeys_of(name: str) -> tuple[Path, Path]:
    """Return the keys of a circuit before anybody contributed, and after somebody did."""
    r1cs = compiled(name) / f"{name}.r1cs"
    place = installed(SOURCES, "package.json")
    first, last = place / f"{name}-0.zkey", place / f"{name}-1.zkey"
    with alone_in(place):
        if not last.is_file():
            shutil.copy(r1cs, place / f"{name}.r1cs")
            _snarkjs(place, "powersoftau", "new", "bn128", _POWER, "0.ptau")
            _snarkjs(place, "powersoftau", "contribute", "0.ptau", "1.ptau", "-e=some words")
            _snarkjs(place, "powersoftau", "prepare", "phase2", "1.ptau", "2.ptau")
            _snarkjs(place, "groth16", "setup", f"{name}.r1cs", "2.ptau", first.name)
            _snarkjs(place, "zkey", "contribute", first.name, "made.zkey", "-e=other words")
            (place / "made.zkey").rename(last)
    return first, last


def snarkjs_accepts(zkey: Path, coordinates: list[int], public: list[str], *, folder: Path) -> bool:
    """Let snarkjs verify a proof, given as the eight coordinates that contracts take."""
    place = installed(SOURCES, "package.json")
    key, claimed, proof = (folder / f"{name}.json" for name in ("key", "public", "proof"))
    _snarkjs(place, "zkey", "export", "verificationkey", str(zkey), str(key))
    claimed.write_text(json.dumps(public))
    ax, ay, bx1, bx0, by1, by0, cx, cy = map(str, coordinates)
    points = {"pi_a": [ax, ay, "1"], "pi_b": [[bx0, bx1], [by0, by1], ["1", "0"]], "pi_c": [cx, cy, "1"]}
    proof.write_text(json.dumps({**points, "protocol": "groth16", "curve": "bn128"}))
    said = _snarkjs(place, "groth16", "verify", str(key), str(claimed), str(proof), check=False)
    return said.returncode == 0 and "OK" in said.stdout


def _snarkjs(place: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    command = ["node", "node_modules/snarkjs/build/cli.cjs", *arguments]
    return subprocess.run(command, cwd=place, check=check, capture_output=True, text=True)
