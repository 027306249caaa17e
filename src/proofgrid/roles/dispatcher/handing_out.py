"""Hands the leases that the market granted to the provers of this gateway.

market grants -> "leases" notification -> offer -> prover
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import structlog

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.ids import GatewayId, SessionId
from proofgrid.primitives.turns import Urgency
from proofgrid.roles.apart import each_alone
from proofgrid.roles.dispatcher.in_hand import InHand
from proofgrid.roles.dispatcher.session import Session
from proofgrid.roles.loop import Loop
from proofgrid.rules.jobs.offers import HeldLease, LeaseOffer, Leases, TakenProof, ToProver
from proofgrid.rules.jobs.phases import PhasePolicy
from proofgrid.rules.jobs.sealing import LeaseSeal
from proofgrid.store.database import Database
from proofgrid.store.leases import OFFER_LEASES, JsonRow, OfferedLease
from proofgrid.store.programs import GET_PROGRAM
from proofgrid.store.transactions import Transaction
from proofgrid.store.vault import Vault, input_of_row
from proofgrid.telemetry import traces
from proofgrid.telemetry.metrics.of_gateway import LEASE_SECONDS

AFTER_TROUBLE_SECONDS = 0.5
LEASES_PER_MESSAGE = 256
PROOFS_PER_MESSAGE = 1_024  #: that wraps take: of 4 KiB each at most; facts of what is sealed count by their size
SMALL_BYTES = 4 << 10
MANIFESTS_KEPT_MAX = 1_024
HOLDS_SECONDS = 60.0  #: a program that was deleted and registered again may have other files than before

log = structlog.get_logger(__name__)


class HandingOut:
    """Tells the sessions of this gateway, which others open and close, of their new leases."""

    def __init__(
        self,
        database: Database,
        *,
        gateway_id: GatewayId,
        sessions: Mapping[SessionId, Session],
        phases: PhasePolicy,
        in_hand: InHand,
    ) -> None:
        self._database = database
        self._gateway_id = gateway_id
        self._sessions = sessions
        self._phases = phases
        self._in_hand = in_hand
        self._untold: int | None = None  #: of `in_hand`, since the first of these leases was sold
        self._manifests: dict[Digest, tuple[str, float]] = {}  #: and when it was read, by the loop's clock
        self._loop = Loop("handing_out", self._offer, first=None, retry_seconds=AFTER_TROUBLE_SECONDS)
        self._offering = asyncio.Lock()
        self._ended = False

    def wake(self) -> None:
        """There may be granted leases."""
        if self._untold is None:
            self._untold = self._in_hand.begin_telling()
        self._loop.wake()

    async def end(self) -> None:
        """Offer nothing more: what was granted and not told goes with its prover to the next gateway."""
        self._ended = True
        # After an offer under way nothing follows: no lease may arrive behind a notice and be overlooked.
        async with self._offering:
            pass

    async def run(self) -> None:
        """Hand out until cancelled."""
        await self._loop.run()

    async def _offer(self) -> None:
        untold, self._untold = self._untold, None
        try:
            await self._offer_all()
        except BaseException:
            untold, self._untold = self._untold, untold  # they wait on
            raise
        finally:
            if untold is not None:
                self._in_hand.end(untold)

    async def _offer_all(self) -> None:
        async with self._offering:
            if self._ended:
                return
            # Read back after a restart as well: what was granted and not told yet is told now.
            rows = await self._database.write(
                Transaction.OFFER_LEASES,
                OFFER_LEASES,
                gateway_id=self._gateway_id,
                silent_ms=self._phases.silent_ms,
                session_ids=list(self._sessions),
                pick_up_ms=self._phases.pick_up_ms,
            )
            by_session: dict[SessionId, list[OfferedLease]] = defaultdict(list)
            for row in rows:
                LEASE_SECONDS.observe(row.untold_ms / 1_000)
                by_session[row.session_id].append(row)
            await each_alone(by_session.values(), self._tell, trouble="leases_not_told")

    async def _tell(self, rows: Sequence[OfferedLease]) -> None:
        session = self._sessions.get(rows[0].session_id)
        if session is not None:
            for part in _messages([_lease_offer(row, self._database.vault) for row in rows]):
                send(session, Leases(leases=tuple(part), manifests=await self._manifests_of(part)))

    async def _manifests_of(self, leases: Sequence[LeaseOffer]) -> dict[str, str]:
        """Return the programs' manifests as JSON."""
        return {digest: await self._manifest_of(digest) for digest in {lease.program_digest for lease in leases}}

    async def _manifest_of(self, digest: Digest) -> str:
        now_seconds = asyncio.get_running_loop().time()
        text, read_seconds = self._manifests.get(digest, ("", 0.0))
        if text and now_seconds - read_seconds < HOLDS_SECONDS:
            return text
        async with self._database.connection(Urgency.ROUNDS) as connection:
            program = await connection.value(GET_PROGRAM, digest=digest)
        if len(self._manifests) >= MANIFESTS_KEPT_MAX:
            self._manifests.clear()
        text = json.dumps(program.manifest, separators=(",", ":"))
        self._manifests[digest] = text, now_seconds
        return text


def send(session: Session, message: ToProver | None) -> None:
    """Queue a message for a prover; None ends its stream."""
    try:
        session.outgoing.put_nowait(message)
    except asyncio.QueueFull:
        # A prover that does not read is gone; its leases expire and are sold again.
        log.warning("prover_does_not_read", prover_id=session.prover_id)


def _messages(leases: Sequence[LeaseOffer]) -> Iterator[list[LeaseOffer]]:
    """Yield the leases as they go together: neither many nor, with the proofs that wraps take, large."""
    part: list[LeaseOffer] = []
    taken = 0
    for lease in leases:
        weight = len(lease.parts) + (0 if lease.seal is None else -(-len(lease.seal.facts_json) // SMALL_BYTES))
        if part and (len(part) == LEASES_PER_MESSAGE or taken + weight > PROOFS_PER_MESSAGE):
            yield part
            part, taken = [], 0
        part.append(lease)
        taken += weight
    if part:
        yield part


def _lease_offer(row: OfferedLease, vault: Vault) -> LeaseOffer:
    return LeaseOffer(
        held=HeldLease(lease_id=row.lease_id, fence=row.fence),
        job_id=row.job_id,
        program_digest=row.program_digest,
        slice_index=row.slice,
        input_digest=row.input_digest,
        small_input=input_of_row(vault, row.small_input),
        units=row.units,
        memory_bytes=row.memory_bytes,
        price=row.sell_price,
        timeout_ms=max(1, row.run_ms),
        parts=tuple(_taken(part) for part in row.parts or ()),
        seal=None if row.seal is None else _seal(row.seal),
        trace_context=str(traces.of_lease(row.task_id, row.lease_id)) if traces.is_told(row.task_id.hex) else "",
    )


def _seal(seal: JsonRow) -> LeaseSeal:
    own = seal["own"] or {"key_id": "", "sealed": ""}
    return LeaseSeal(
        client=seal["client"],
        request=Digest(seal["request"]),
        key_id=own["key_id"],
        sealed=base64.b64decode(own["sealed"]),
        commitment=seal["commitment"],
        input_index=seal["input"],
        facts_json=json.dumps(seal["facts"], separators=(",", ":")),
    )


def _taken(part: JsonRow) -> TakenProof:
    return TakenProof(
        slice_index=part["slice"],
        input_index=part["input"],
        proof_digest=Digest(part["proof"]),
        small_proof=None if part["small"] is None else base64.b64decode(part["small"]),
        public=part["public"],
    )
