"""An operator that stands for two different results of one lease, on a stream of its own: no prover does that."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import UUID

from proofgrid.cli.demo.drills.drill_system import ENGINE
from proofgrid.cli.demo.drills.scratch import WAIT_SECONDS, Scratch
from proofgrid.primitives.clock import SystemClock
from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import ProofgridError
from proofgrid.primitives.ids import LeaseId
from proofgrid.roles.prover.link import Delivered, Link
from proofgrid.roles.prover.session_secret import SessionSecret
from proofgrid.rules.jobs.classes import JobClass
from proofgrid.rules.jobs.offers import Acks, HeldLease, JobReport, ProverTerms, Welcome
from proofgrid.rules.staking.results import claim_from_text, public_digest, sign_result
from proofgrid.sdk.keys import new_key

PROOF, PUBLIC = b"another", {"hash": "another"}


async def send_another_result(scratch: Scratch, name: str) -> None:
    """Sign and hand in other public values for the lease that a prover lied about; return when they are answered."""
    [row] = await scratch.sql("SELECT claim FROM evidence WHERE kind = 'invalid_proof' LIMIT 1")
    first = claim_from_text(str(row["claim"]))
    second = replace(first, proof=digest_of(PROOF), public=public_digest(PUBLIC))
    report = JobReport(
        held=HeldLease(lease_id=LeaseId(UUID(first.lease_id)), fence=first.fence),
        proof=PROOF,
        proof_digest=None,
        public=PUBLIC,
        wall_ms=1,
        memory_peak_bytes=0,
        signature=sign_result(second, scratch.provers[name]),
    )
    said: asyncio.Queue[Delivered] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    link = Link(
        [scratch.ready.address],
        scratch.provers[name],
        terms=_terms,
        held=lambda: (),
        secret=SessionSecret(new_key()),
        certify=lambda _network: None,
        deliver=lambda one: loop.call_soon_threadsafe(said.put_nowait, one),
        network=scratch.ready.network,
        ca_file=None,
        clock=SystemClock(),
    )
    link.start()
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while not isinstance(one := await said.get(), Acks):
                if isinstance(one, ProofgridError):
                    raise one
                if isinstance(one, Welcome):
                    link.send(report)
    finally:
        await asyncio.to_thread(link.close)


def _terms() -> ProverTerms:
    return ProverTerms(
        name="second-tongue",
        asks={ENGINE: 10**9},  # it is there to speak, not to prove
        classes=(JobClass.SMALL,),
        slots=1,
        cores=1,
        memory_bytes=1 << 30,
        region="",
        version="drill",
    )
