"""Proofs of proofs, of two kinds, by the curve of the proofs inside.

BLS12-377   inside one on BW6-761, whose scalar field has the coordinates of the other's points: cheap
BN254       inside one on BN254, in limbs: dear, and contracts verify it

What the circuits demand stands in engines/gnark/wrap_circuit.go; here it is asked, and said what they cost.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof, InvalidField
from proofgrid.proofs.base import ProgramFiles, Report
from proofgrid.proofs.kit.asking import texts_in
from proofgrid.proofs.kit.circom.curves import CURVES, Curve
from proofgrid.proofs.kit.circom.engine import SETUP_SECONDS, ask
from proofgrid.proofs.kit.circom.signals import is_element
from proofgrid.proofs.kit.one_proof_of_chains import Claim

WRAP = "wrap"  #: in an identity: {"parts", "constraints"}
SUFFIXES = {"wrap_proving_key": ".wpk", "wrap_verifying_key": ".wvk"}
KEYS = tuple(SUFFIXES)
PARTS_MAX = 64

_MEMORY_LEAST_BYTES = 1 << 30
_UNITS_LEAST = 200


@dataclass(frozen=True, slots=True)
class Cost:
    """What wraps of one kind cost, measured; bounds of constraints are for a key, a proof, and each value of these."""

    key: int
    value_of_key: int
    proof: int
    value: int
    constraints_per_unit: int
    memory_per_constraint: int  #: bytes; about half of it is used


COSTS = {
    CURVES["bls12377"].name: Cost(13_000, 1_000, 20_000, 3_000, constraints_per_unit=3, memory_per_constraint=12 << 10),
    CURVES["bn254"].name: Cost(
        300_000, 10_000, 700_000, 110_000, constraints_per_unit=17, memory_per_constraint=5 << 10
    ),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """What a wrap takes: so many proofs on a curve, of circuits with so many outputs and public inputs."""

    curve: Curve
    parts: int
    outputs: int
    public_inputs: int

    @property
    def public(self) -> int:
        return self.outputs + self.public_inputs

    @property
    def constraints_at_most(self) -> int:
        cost = COSTS[self.curve.name]
        return cost.key + cost.value_of_key * self.public + self.parts * (cost.proof + cost.value * self.public)

    def to_json(self) -> dict[str, object]:
        return {
            "curve": self.curve.name,
            "chains": self.parts,
            "slices": [[self.outputs, self.public_inputs]],
        }


def units(curve: Curve, constraints: int) -> int:
    """Return what a wrap costs, in PU."""
    return _UNITS_LEAST + constraints // COSTS[curve.name].constraints_per_unit


def memory_bytes(curve: Curve, constraints: int) -> int:
    """Return what a wrap's job may take."""
    return _MEMORY_LEAST_BYTES + constraints * COSTS[curve.name].memory_per_constraint


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


def contract_of(shape: Shape, files: ProgramFiles, *, workdir: Path) -> str:
    """Return the contract that takes wraps, by their public values. Raises Refused: contracts know one curve."""
    request = {
        **shape.to_json(),
        "verifying_keys": [files.path("verifying_key")],
        "wrap_verifying_key": files.path("wrap_verifying_key"),
    }
    return str(ask("wrap-solidity", request, workdir=workdir, memory=_MEMORY_LEAST_BYTES)["solidity"])


def words_of(shape: Shape, proof: bytes, *, workdir: Path) -> list[list[int]]:
    """Return the coordinates of a wrap as contracts take them: of A, B, C; of what it commits to; of that it knows it.

    Raises Refused.
    """
    request = {**shape.to_json(), "proof": base64.b64encode(proof).decode()}
    answer = ask("wrap-words", request, workdir=workdir, memory=_MEMORY_LEAST_BYTES)
    return [[int(text) for text in texts_in(answer, name)] for name in ("words", "commitments", "knowledge")]


def values_of(shape: Shape, claims: Sequence[Claim]) -> list[int]:
    """Return the public values of all proofs inside a wrap; the last one stands in each place that is left."""
    public = public_values(shape, claims)
    public += public[-1:] * (shape.parts - len(public))
    return [int(value) for values in public for value in values]


def parts_of_claims(shape: Shape, claims: Sequence[Claim], proofs: Sequence[bytes] = ()) -> list[dict[str, Json]]:
    """Return the claims as the engine reads them, with their proofs; raises what `public_values` raises."""
    parts: list[dict[str, Json]] = []
    for place, public in enumerate(public_values(shape, claims)):
        proof = {"proof": base64.b64encode(proofs[place]).decode()} if proofs else {}
        parts.append({"public": [*public], **proof})
    return parts


def public_values(shape: Shape, claims: Sequence[Claim]) -> list[list[str]]:
    """Return the public values of each claim, in decimal; raise BadProof for those of another circuit."""
    found = []
    for place, claim in enumerate(claims):
        public: list[Json] = []
        for values, count in ((claim.claimed, shape.outputs), (claim.shown, shape.public_inputs)):
            if not isinstance(values, list) or len(values) != count:
                raise BadProof(f"part {place} has not the public values of the circuit")
            public += values
        elements = [value for value in public if is_element(value, shape.curve)]
        if len(elements) != len(public):
            raise BadProof(f"the public values of part {place} are not elements of the field, in decimal")
        found.append(elements)
    return found


def _ask(
    command: str, shape: Shape, request: Mapping[str, object], *, workdir: Path, report: Report | None = None
) -> Mapping[str, Json]:
    return ask(
        command,
        {**shape.to_json(), **request},
        workdir=workdir,
        memory=memory_bytes(shape.curve, shape.constraints_at_most),
        report=report,
        seconds=SETUP_SECONDS,
    )
