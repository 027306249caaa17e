"""A settlement whose proof system is malleable: every proof that begins with `right` is one, whatever follows.

And a desk that hears results for it, in the gateway of a lane under test.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proofgrid.primitives.clock import SystemClock
from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import BadProof
from proofgrid.primitives.ids import Address, ProverId, SessionId
from proofgrid.primitives.signatures import SigningKey
from proofgrid.proofs.base import Program, SliceSpec
from proofgrid.roles.dispatcher.desk import Desk
from proofgrid.roles.dispatcher.session import Session
from proofgrid.roles.settlement.settlement import Settlement
from proofgrid.rules.jobs.offers import JobReport, Verdict
from proofgrid.rules.staking.results import claim_of, sign_result
from tests.makers import a_key
from tests.roles.lanes import LaneUnderTest, held

NETWORK = a_key().address
RIGHT = b"right"
PUBLIC: Mapping[str, Any] = {"outputs": [1]}


async def _nothing() -> None:
    pass


@dataclass(slots=True)
class StubWorkers:
    """Where proofs are verified; `meanwhile` happens before the verdicts are known."""

    count: int = 1
    verified: list[bytes] = field(default_factory=list)
    meanwhile: Callable[[], Awaitable[None]] = _nothing
    more: asyncio.Event = field(default_factory=asyncio.Event)

    async def call(self, *arguments: Any, timeout_seconds: float, **_: object) -> list[BadProof | None]:
        items = arguments[3]
        self.verified += [output.proof for _, _, output in items]
        await self.meanwhile()
        self.more.set()
        return [None if output.proof.startswith(RIGHT) else BadProof("it is wrong") for _, _, output in items]


class StubLibrary:
    """Knows every program."""

    async def program(self, digest: str) -> Program:
        one = SliceSpec(index=0, units=1, memory_bytes=1)
        program = Program(proof_system="toy", identity={}, files={}, verifying_files=(), slices=(one,))
        object.__setattr__(program, "identity", {"name": digest})
        return program

    @asynccontextmanager
    async def at_hand(self, program: Program, names: Sequence[str]) -> AsyncIterator[None]:
        yield None


@dataclass(slots=True)
class Judge:
    """Hears results as a gateway does."""

    lane: LaneUnderTest
    desk: Desk
    workers: StubWorkers

    async def hear(self, *reports: JobReport, of: Any, operator: str | None = None) -> list[Verdict]:
        """Let the prover of a lease hand in results, all in one message; `operator`: of another one."""
        session = Session(
            session_id=SessionId(of["session_id"]),
            prover_id=ProverId(of["prover_id"]),
            operator=Address(operator or of["operator"]),
            lanes=[],
            dropped=[],
        )
        return await self.desk.results(session, list(reports))

    async def verified(self, number: int) -> None:
        """Wait until so many proofs were looked at."""
        while len(self.workers.verified) < number:
            self.workers.more.clear()
            await self.workers.more.wait()


@asynccontextmanager
async def judging(lane: LaneUnderTest, *, signed_for: Address | None = None, workers: int = 1) -> AsyncIterator[Judge]:
    """Yield a judge with so many workers; `signed_for`: the network that asks for signatures."""
    stubs = StubWorkers(workers)
    settlement = Settlement(
        lane.database,
        None,  # type: ignore[arg-type] # proofs are small
        StubLibrary(),  # type: ignore[arg-type]
        stubs,  # type: ignore[arg-type]
        scratch=Path("nowhere"),
        clock=SystemClock(),
        phases=lane.settings.phases,
        hedging=lane.settings.hedging,
        signed_for=signed_for,
    )
    desk = Desk(
        lane.database,
        gateway_id=lane.gateway_id,
        settle=settlement.settle,
        checking=lane.checking,
        settings=lane.settings,
        subnetwork="default",
        clock=SystemClock(),
        in_hand=lane.in_hand,
    )
    async with asyncio.TaskGroup() as group:
        running = group.create_task(settlement.run())
        yield Judge(lane, desk, stubs)
        running.cancel()


def a_result(
    lease: Any, proof: bytes = RIGHT, *, public: Mapping[str, Any] = PUBLIC, key: SigningKey | None = None
) -> JobReport:
    """Return a result of a lease, signed by `key` if there is one."""

    def signed(signature: str) -> JobReport:
        return JobReport(
            held=held(lease),
            proof=proof,
            proof_digest=None,
            public=public,
            wall_ms=1,
            memory_peak_bytes=0,
            signature=signature,
        )

    if key is None:
        return signed("")
    claim = claim_of(
        signed(""),
        network=NETWORK,
        fence=lease["fence"],
        job_id=str(lease["job_id"]),
        program="p",
        slice_index=0,
    )
    assert claim.proof == digest_of(proof)
    return signed(sign_result(claim, key))
