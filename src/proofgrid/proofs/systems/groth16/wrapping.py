"""Proofs of proofs: BLS12-377's inside one on BW6-761, whose scalar field has the coordinates of the other's points.

What the circuit demands stands in engines/gnark/wrap_circuit.go; here it is asked, and said what it costs.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof, InvalidField
from proofgrid.proofs.base import ProgramFiles, Report
from proofgrid.proofs.kit.circom.curves import CURVES
from proofgrid.proofs.kit.circom.engine import SETUP_SECONDS, ask
from proofgrid.proofs.kit.circom.signals import is_element
from proofgrid.proofs.kit.one_proof_of_chains import Claim

WRAP = "wrap"  #: in an identity: {"parts", "constraints"}
SUFFIXES = {"wrap_proving_key": ".wpk", "wrap_verifying_key": ".wvk"}
KEYS = tuple(SUFFIXES)
CURVE = CURVES["bls12377"]  #: of the proofs that can be wrapped
PARTS_MAX = 64

_MEMORY_LEAST_BYTES = 1 << 30
_MEMORY_PER_CONSTRAINT = 12 << 10  #: measured: 7 KiB are used
_UNITS_LEAST, _CONSTRAINTS_PER_UNIT = 200, 3


@dataclass(frozen=True, slots=True)
class Shape:
    """What a wrap takes: so many proofs, of circuits with so many outputs and public inputs."""

    parts: int
    outputs: int
    public_inputs: int

    def to_json(self) -> dict[str, object]:
        return {"chains": self.parts, "slices": [[self.outputs, self.public_inputs]]}


def units(constraints: int) -> int:
    """Return what a wrap costs, in PU."""
    return _UNITS_LEAST + constraints // _CONSTRAINTS_PER_UNIT


def memory_bytes(constraints: int) -> int:
    """Return what a wrap's job may take."""
    return _MEMORY_LEAST_BYTES + constraints * _MEMORY_PER_CONSTRAINT


def constraints_at_most(shape: Shape) -> int:
    """Return a bound of what a wrap's circuit has: measured 24,000 for a proof with two public values, and 13,000."""
    public = shape.outputs + shape.public_inputs
    return 13_000 + 1_000 * public + shape.parts * (20_000 + 3_000 * public)


def parts_of_setting(value: Json) -> int:
    """Return how many proofs a program's wraps take; raise InvalidField for what is no such number."""
    if type(value) is not int or not 1 <= value <= PARTS_MAX:
        raise InvalidField(f"an integer from 1 to {PARTS_MAX}", field="settings.wrap_parts")
    return value


def make_keys(shape: Shape, keys: Mapping[str, Path], *, workdir: Path, report: Report) -> None:
    """Make keys for all programs of a shape, whose secret nobody keeps, as the engine says. Raises Refused."""
    _ask("wrap-keygen", shape, {**keys}, workdir=workdir, report=report)


def check_keys(shape: Shape, keys: Mapping[str, Path], *, workdir: Path) -> int:
    """Return how many constraints a wrap has; raise Refused unless the keys are for wraps of this shape."""
    answer = _ask("wrap-keys", shape, {**keys}, workdir=workdir)
    return int(str(answer["constraints"]))


def check_claims(shape: Shape, verifying_key: Path, claims: Sequence[Claim], *, workdir: Path) -> None:
    """Raise Refused for public values that the circuit cannot take, which a key can be made for."""
    request = {"verifying_keys": [verifying_key], "parts": parts_of_claims(shape, claims)}
    ask("wrap-claim", {**shape.to_json(), **request}, workdir=workdir, memory=_MEMORY_LEAST_BYTES)


def prove(
    shape: Shape,
    files: ProgramFiles,
    claims: Sequence[Claim],
    proofs: Sequence[bytes],
    *,
    memory: int,
    workdir: Path,
    report: Report,
) -> bytes:
    """Return a proof of the claims. Raises Refused."""
    request = {
        **shape.to_json(),
        "verifying_keys": [files.path("verifying_key")],
        "wrap_proving_key": files.path("wrap_proving_key"),
        "parts": parts_of_claims(shape, claims, proofs),
    }
    answer = ask("wrap", request, workdir=workdir, memory=memory, report=report, seconds=SETUP_SECONDS)
    return base64.b64decode(str(answer["proof"]))


def complaint_about(shape: Shape, files: ProgramFiles, claims: Sequence[Claim], proof: bytes, *, workdir: Path) -> str:
    """Return what is wrong with a proof of these claims; "" when it verifies."""
    request = {
        **shape.to_json(),
        "verifying_keys": [files.path("verifying_key")],
        "wrap_verifying_key": files.path("wrap_verifying_key"),
        "parts": parts_of_claims(shape, claims),
        "proof": base64.b64encode(proof).decode(),
    }
    return str(ask("wrap-verify", request, workdir=workdir, memory=_MEMORY_LEAST_BYTES)["verdict"])


def parts_of_claims(shape: Shape, claims: Sequence[Claim], proofs: Sequence[bytes] = ()) -> list[dict[str, Json]]:
    """Return the claims as the engine reads them, with their proofs; raise BadProof for values of another circuit."""
    parts: list[dict[str, Json]] = []
    for place, claim in enumerate(claims):
        public: list[Json] = []
        for values, count in ((claim.claimed, shape.outputs), (claim.shown, shape.public_inputs)):
            if not isinstance(values, list) or len(values) != count:
                raise BadProof(f"part {place} has not the public values of the circuit")
            public += values
        if not all(is_element(value, CURVE) for value in public):
            raise BadProof(f"the public values of part {place} are not elements of the field, in decimal")
        proof = {"proof": base64.b64encode(proofs[place]).decode()} if proofs else {}
        parts.append({"public": public, **proof})
    return parts


def _ask(
    command: str, shape: Shape, request: Mapping[str, object], *, workdir: Path, report: Report | None = None
) -> Mapping[str, Json]:
    return ask(
        command,
        {**shape.to_json(), **request},
        workdir=workdir,
        memory=memory_bytes(constraints_at_most(shape)),
        report=report,
        seconds=SETUP_SECONDS,
    )
