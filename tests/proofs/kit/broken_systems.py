"""The salted toy, broken in one way each: what a conformance suite is there to find."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof
from proofgrid.proofs.base import PartialProof, ProgramFiles
from proofgrid.proofs.kit.one_job_per_input import TakenInput
from tests.proofs.kit.salted_engine import walk
from tests.proofs.kit.salted_system import SaltedSystem

BN254_SCALARS = 21888242871839275222246405745257275088548364400416034343698204186575808495617


class TakesAnyOutput(SaltedSystem):
    """Does not look at what the prover claims."""

    def check_proof(self, files: ProgramFiles, shown: Json, claimed: Json, proof: bytes, *, workdir: Path) -> None:
        right = self.end_of(files, bytes.fromhex(str(shown))).hex()
        super().check_proof(files, shown, right, proof, workdir=workdir)

    def verify_partial(self, files, slice_index, facts, output, *, workdir):  # type: ignore[no-untyped-def]
        super().verify_partial(files, slice_index, {**facts, "output": None}, output, workdir=workdir)


class TakesAnyInput(SaltedSystem):
    """Takes a proof that is right for any input that was ever sealed."""

    sealed: dict[bytes, tuple[str, str]] = {}  # noqa: RUF012 - shared on purpose

    def seal_of(self, files: ProgramFiles, start: bytes, end: bytes) -> bytes:
        right = super().seal_of(files, start, end)
        self.sealed[right] = (start.hex(), end.hex())
        return right

    def check_proof(self, files: ProgramFiles, shown: Json, claimed: Json, proof: bytes, *, workdir: Path) -> None:
        start, end = self.sealed.get(proof, (shown, claimed))
        super().check_proof(files, start if end == claimed else shown, claimed, proof, workdir=workdir)

    def verify_partial(self, files, slice_index, facts, output, *, workdir):  # type: ignore[no-untyped-def]
        super().verify_partial(files, slice_index, {**facts, "output": None}, output, workdir=workdir)


class TakesAnyProgram(SaltedSystem):
    """Takes a proof of a program that differs from this one."""

    def check_proof(self, files: ProgramFiles, shown: Json, claimed: Json, proof: bytes, *, workdir: Path) -> None:
        try:
            super().check_proof(files, shown, claimed, proof, workdir=workdir)
        except BadProof:
            start = bytes.fromhex(str(shown))
            end = walk(start, self.read_circuit(files.path("circuit"))["rounds"] + 1)
            if (claimed, proof) != (end.hex(), self.seal_of(files, start, end)):
                raise

    def verify_partial(self, files, slice_index, facts, output, *, workdir):  # type: ignore[no-untyped-def]
        super().verify_partial(files, slice_index, {**facts, "output": None}, output, workdir=workdir)


class TakesCutProofs(SaltedSystem):
    """Reads the first half of a proof only, as far as it goes."""

    def is_seal(self, proof: bytes, right: bytes) -> bool:
        return len(proof) >= 16 and right.startswith(proof)


class TakesMoreBytes(SaltedSystem):
    """Does not see what follows a proof."""

    def is_seal(self, proof: bytes, right: bytes) -> bool:
        return proof[:32] == right


class TakesFlippedBits(SaltedSystem):
    """Ignores one bit of each byte."""

    def is_seal(self, proof: bytes, right: bytes) -> bool:
        return bytes(byte & 0xFE for byte in proof) == bytes(byte & 0xFE for byte in right)


class TakesNothing(SaltedSystem):
    """Takes an empty proof for a cached one."""

    def is_seal(self, proof: bytes, right: bytes) -> bool:
        return proof in (right, b"")


class IsMalleable(SaltedSystem):
    """Reads a proof as a number, and computes with its remainder."""

    def is_seal(self, proof: bytes, right: bytes) -> bool:
        numbers = [int.from_bytes(one, "big") for one in (proof, right)]
        return len(proof) == 32 and numbers[0] % BN254_SCALARS == numbers[1] % BN254_SCALARS


class ChangesWithTime(SaltedSystem):
    """Two builds of one source are two programs."""

    def identity_of(self, digests: Mapping[str, str]) -> Mapping[str, Json]:
        return {**digests, "built": os.urandom(8).hex()}


class ChangesWithPlace(SaltedSystem):
    """A build in another process is another program: sets have another order there."""

    def identity_of(self, digests: Mapping[str, str]) -> Mapping[str, Json]:
        return {**digests, "order": str(hash("order") % 1_000_003)}


class ForgetsTheCircuit(SaltedSystem):
    """Names nothing in the identity that tells two circuits apart."""

    def identity_of(self, digests: Mapping[str, str]) -> Mapping[str, Json]:
        return {"salt.bin": digests["salt.bin"]}

    def check_program(self, files: ProgramFiles) -> None:
        """Believe the manifest."""


class StumblesOverSources(SaltedSystem):
    """Lets the client see its own trouble with a malformed file."""

    def read_circuit(self, path: Path) -> dict[str, int]:
        return dict(json.loads(path.read_bytes()))


class TakesAnyRequest(SaltedSystem):
    """Makes a text of whatever is handed in."""

    def take_input(self, files: ProgramFiles, value: Json, *, field: str, workdir: Path) -> TakenInput:
        return super().take_input(files, str(value), field=field, workdir=workdir)


class ShowsFloats(SaltedSystem):
    """Puts a number into a job's facts that has several spellings."""

    def normalise(self, files, inputs, *, workdir):  # type: ignore[no-untyped-def]
        request = super().normalise(files, inputs, workdir=workdir)
        return replace(request, jobs=tuple(replace(job, facts={**job.facts, "price": 0.1}) for job in request.jobs))


class BelievesItsFiles(SaltedSystem):
    """Does not compare files with the identity."""

    def check_program(self, files: ProgramFiles) -> None:
        """Believe them."""


class BelievesTheWhole(SaltedSystem):
    """Counts proofs, and does not compare the result with them."""

    def verify_whole(self, files, statement, result, parts: list[PartialProof], *, workdir):  # type: ignore[no-untyped-def]
        true = self.combine(files, statement, parts, workdir=workdir)
        return super().verify_whole(files, statement, true, parts, workdir=workdir)


class LeavesHalfKeys(SaltedSystem):
    """Writes the key where the next job looks for it."""

    def key_in(self, cache: Path, files: ProgramFiles, workdir: Path) -> bytes:
        key = cache / "half.key"
        cache.mkdir(parents=True, exist_ok=True)
        if not key.exists():
            self.write_key(files, key, workdir)
        return key.read_bytes()


class MinesAlone(SaltedSystem):
    """Marks the cache as taken, and gives up when it is."""

    def key_in(self, cache: Path, files: ProgramFiles, workdir: Path) -> bytes:
        cache.mkdir(parents=True, exist_ok=True)
        (cache / "taken").touch(exist_ok=False)
        try:
            return super().key_in(cache, files, workdir)
        finally:
            (cache / "taken").unlink()
