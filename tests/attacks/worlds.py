"""What the attacks of this folder are aimed at."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID

from proofgrid.primitives.clock import SystemClock
from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.ids import Address
from proofgrid.proofs.base import Program, SliceSpec
from proofgrid.roles.intake.artifacts import Artifacts, Declared
from proofgrid.roles.intake.registration import write_program
from proofgrid.roles.intake.reservations import Reservations
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.jobs.limits import Limits
from proofgrid.store.reservations import BYTES_OF
from tests.roles.lanes import CLIENT, UNITS, LaneUnderTest

OWNER = Caller(CLIENT, frozenset({Role.CLIENT}))
STRANGER = Caller(Address("0xbad"), frozenset({Role.CLIENT}))
ADMIN = Caller(Address("0xad"), frozenset({Role.ADMIN}))
FILES = {name: name.encode() * 100 for name in ("model-0", "model-1", "verifying_key", "calibration")}


def operator(address: str) -> Caller:
    return Caller(Address(address), frozenset({Role.OPERATOR}))


def a_program_of_files() -> Program:
    """Two slices, a file for each; a key for verifiers; a file that no prover needs."""
    return Program(
        proof_system="toy",
        identity={"model": "a secret one"},
        files={name: digest_of(content) for name, content in FILES.items()},
        verifying_files=("verifying_key",),
        slices=tuple(
            SliceSpec(index=index, units=UNITS, memory_bytes=1, files=("verifying_key", f"model-{index}"))
            for index in range(2)
        ),
        summary={"inputs": ["what the model is about"]},
    )


async def in_pieces(content: bytes, piece_bytes: int = 1 << 10) -> AsyncIterator[bytes]:
    for start in range(0, len(content), piece_bytes):
        yield content[start : start + piece_bytes]


@dataclass(frozen=True, slots=True)
class OwnedPrograms:
    """One gateway's use cases for artifacts and programs."""

    lane: LaneUnderTest
    limits: Limits = field(default_factory=lambda: Limits(upload_bytes=1 << 20, stored_bytes=4 << 20))

    @property
    def artifacts(self) -> Artifacts:
        return Artifacts(
            self.lane.database, self.lane.artifacts, self.reservations, self.lane.troubles, limits=self.limits
        )

    @property
    def reservations(self) -> Reservations:
        return Reservations(self.lane.database, SystemClock(), limits=self.limits)

    async def register(self, owner: Caller = OWNER, *, label: str = "mine") -> Program:
        """Let a program be registered, as if it had been built just now."""
        program = a_program_of_files()
        for content in FILES.values():
            await self.lane.artifacts.put_bytes(content)
        sizes = {digest_of(content): len(content) for content in FILES.values()}
        await write_program(self.lane.database, program, sizes, owner=owner.address, label=label)
        return program

    async def lease_of(self, program: Program, operator_name: str, *, slice_index: int = 0) -> UUID:
        """Let an operator hold a lease of one slice of a task of the program; return the lease's id."""
        session = await self.lane.add_prover(operator_name)
        task_id = await self.lane.add_task()
        await self.lane.fetch("UPDATE tasks SET program_digest = $2 WHERE task_id = $1", task_id, program.digest)
        await self.lane.fetch("UPDATE jobs SET slice = $2 WHERE task_id = $1", task_id, slice_index)
        assert await self.lane.sell()
        await self.lane.offer(session)
        [lease] = [one for one in await self.lane.leases() if one["task_id"] == task_id]
        return UUID(str(lease["lease_id"]))

    async def upload(
        self, caller: Caller, content: bytes, *, declared: int | None = None, lease_id: UUID | None = None
    ) -> Digest:
        """Upload as the caller, who says that it comes to so many bytes."""
        size_bytes = len(content) if declared is None else declared
        told = Declared(size_bytes=size_bytes, digest=None, lease_id=lease_id)
        digest, _ = await self.artifacts.store(caller, told, in_pieces(content))
        return digest

    async def counted(self, caller: Caller) -> tuple[int, int]:
        """Return what counts for the caller: bytes stored, and promised."""
        [held] = await self.lane.ask(BYTES_OF, owner=caller.address, digest="", lease_id=None)
        return held.stored, held.reserved

    async def on_disk(self) -> int:
        """Return how many bytes the artifact store holds in all."""
        found = [digest async for batch in self.lane.artifacts.older_than(1 << 62) for digest in batch]
        return sum([await self.lane.artifacts.size(digest) for digest in found])

    async def download(self, caller: Caller, digest: Digest) -> bytes:
        return b"".join([piece async for piece in self.artifacts.read(caller, digest)])
