"""Serves the provers that are connected to this gateway: sessions, heartbeats, leases out, results in.

hello -> session (older one of the same prover closes; leases it still holds move over, forgotten ones go back)
heartbeat -> leases live on;   silence or a cut stream -> they expire (watch.py)
market grants -> "leases" notification -> offer -> prover
result -> settlement judges -> paid, or the job goes back
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import structlog

from proofgrid.primitives.clock import Clock, fresh_uuid
from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import LeaseLost, ProofgridError, Recoverable, Unavailable
from proofgrid.primitives.ids import Address, GatewayId, JobId, LeaseId, ProverId, SessionId, TaskId, prover_id
from proofgrid.roles.dispatcher.returns import return_job
from proofgrid.rules.jobs.hedging import HedgePolicy
from proofgrid.rules.jobs.lifecycle import LeaseState
from proofgrid.rules.jobs.offers import HeldLease, JobReport, JobTrouble, LeaseOffer, ProverOffer, StageReport, Verdict
from proofgrid.rules.jobs.phases import LeaseTimes, PhasePolicy, after_progress
from proofgrid.rules.jobs.retry import REASON_OF_CODE, ReturnReason
from proofgrid.rules.reputation.standing import PAUSED, ReputationPolicy, pause_sentence
from proofgrid.store.batches import Batches
from proofgrid.store.database import PASSING_TROUBLE, Database
from proofgrid.store.lanes import GATEWAY_SILENT_MS
from proofgrid.store.queries import QUERIES
from proofgrid.store.stakes import slash_equivocation
from proofgrid.store.standing import standing_of
from proofgrid.store.subnetworks import check_operator, serve_chains
from proofgrid.store.tasks import Event, append_events
from proofgrid.store.transactions import Transaction
from proofgrid.wire import codec
from proofgrid.wire.sessions import Session
from proofgrid.wire.v1 import prover_pb2 as messages

AFTER_TROUBLE_SECONDS = 0.5
LEASES_PER_MESSAGE = 256
MANIFESTS_KEPT_MAX = 1_024

log = structlog.get_logger(__name__)

ACCEPTED = Verdict(accepted=True)

#: Who is paid for each, or the BadProof, LeaseLost or Recoverable that says why nobody is.
Settle = Callable[[Sequence[JobReport], Address], Awaitable[Sequence[ProverId | BaseException]]]
_Beat = tuple[SessionId, list[HeldLease]]
_Said = tuple[SessionId, StageReport]


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchSettings:
    """How long things may take, and how often they are tried."""

    heartbeat_ms: int = 1_000
    phases: PhasePolicy = field(default_factory=PhasePolicy)
    hedging: HedgePolicy = field(default_factory=HedgePolicy)
    reputation: ReputationPolicy = field(default_factory=ReputationPolicy)
    reconnect_grace_ms: int = 2_000  #: after a cut stream
    attempts_max: int = 5

    @property
    def lease_ttl_ms(self) -> int:
        """A lease without a heartbeat for so long is taken back."""
        return self.phases.silent_ms


class Desk:
    """The provers of this gateway. Fits roles.gateway.prover_service.ProverDesk."""

    def __init__(
        self,
        database: Database,
        *,
        gateway_id: GatewayId,
        settle: Settle,
        settings: DispatchSettings,
        subnetwork: str,
        clock: Clock,
    ) -> None:
        self._database = database
        self._gateway_id = gateway_id
        self._settle = settle
        self._settings = settings
        self._subnetwork = subnetwork
        self._clock = clock
        self._sessions: dict[SessionId, Session] = {}
        self._heartbeats: Batches[_Beat, list[LeaseId]] = Batches(self._write_heartbeats, size_max=1_000)
        self._progress: Batches[_Said, None] = Batches(self._write_progress, size_max=1_000)
        self._manifests: dict[Digest, str] = {}
        self._granted = asyncio.Event()
        self._offering = asyncio.Lock()
        self._moving = False  #: this gateway closes: no new sessions, no more leases to the ones it has
        self._someone_left = asyncio.Event()
        self._told_to_move: set[SessionId] = set()

    # --- sessions --------------------------------------------------------------------------------

    async def open_session(self, operator: Address, offer: ProverOffer) -> Session:
        """Write down who came, what it offers and what it still holds. Raises Unavailable when this gateway closes."""
        if self._moving:
            raise Unavailable("this gateway closes", hint="give the addresses of several gateways")
        subnetworks = offer.subnetworks or (self._subnetwork,)
        session = Session(
            session_id=SessionId(fresh_uuid(self._clock)),
            prover_id=prover_id(operator, offer.name),
            operator=operator,
            lanes=[f"{name}/{system}/{c}" for name in subnetworks for system in offer.asks for c in offer.classes],
            dropped=[],
        )
        # Known before it is written down: `keep_alive` closes what is open there and not known here.
        self._sessions[session.session_id] = session
        try:
            await self._write_down(session, offer, subnetworks)
        except BaseException:
            self._sessions.pop(session.session_id, None)
            raise
        if self._moving:
            self._ask_to_move(session)
        return session

    async def _write_down(self, session: Session, offer: ProverOffer, subnetworks: Sequence[str]) -> None:
        operator = session.operator
        async with self._database.transaction(Transaction.OPEN_SESSION) as connection:
            await check_operator(connection, subnetworks, operator=operator)
            await connection.execute(QUERIES["register_prover"], session.prover_id, operator)
            await connection.fetch(QUERIES["supersede_sessions"], session.prover_id)
            await connection.execute(
                QUERIES["open_session"],
                session.session_id,
                session.prover_id,
                operator,
                self._gateway_id,
                dict(offer.asks),
                [job_class.value for job_class in offer.classes],
                offer.slots,
                offer.cores,
                offer.memory_bytes,
                offer.region,
                offer.version,
                sorted(offer.cached_programs),
                {system: dict(prices) for system, prices in offer.class_asks.items()},
                offer.units_min,
            )
            await serve_chains(connection, session.session_id, subnetworks, proof_systems=len(offer.asks))
            adopted = await connection.fetch(
                QUERIES["adopt_leases"],
                session.prover_id,
                session.session_id,
                self._gateway_id,
                [held.lease_id for held in offer.held],
                [held.fence for held in offer.held],
                self._settings.lease_ttl_ms,
                self._settings.phases.pick_up_ms,
            )
            kept = [row["lease_id"] for row in adopted]
            forgotten = await connection.fetch(QUERIES["leases_a_prover_forgot"], session.prover_id, kept)
            prover = await connection.fetchrow(QUERIES["get_prover"], session.prover_id)
        if paused := pause_sentence(standing_of(prover), now_ms=prover["now_ms"]):
            self.tell(session.session_id, PAUSED, paused)
        session.dropped = [held.lease_id for held in offer.held if held.lease_id not in kept]
        for row in forgotten:
            detail = "the prover came back without it"
            await self._take_back(row["task_id"], row["lease_id"], ReturnReason.PROVER_LOST, detail, came_back=True)
        await self._wake_lanes(session)

    async def _take_back(
        self,
        task_id: TaskId,
        lease_id: LeaseId,
        reason: ReturnReason,
        detail: str,
        report: JobReport | None = None,
        *,
        came_back: bool = False,
    ) -> None:
        async with self._database.transaction(Transaction.RETURN_JOB) as connection:
            await return_job(
                connection,
                task_id,
                lease_id,
                reason,
                detail=detail,
                attempts_max=self._settings.attempts_max,
                report=report,
                came_back=came_back,
                reputation=self._settings.reputation,
            )

    async def close_session(self, session: Session) -> None:
        """The stream ended; its leases have a short grace to come back with a new session."""
        self._sessions.pop(session.session_id, None)
        self._someone_left.set()
        # A prover that was asked to go is not lost, and may have to look for a gateway that is there.
        grace_ms = self._settings.lease_ttl_ms if self._moving else self._settings.reconnect_grace_ms
        async with self._database.transaction(Transaction.CLOSE_SESSION) as connection:
            await connection.execute(QUERIES["close_session"], session.session_id, grace_ms)
            await connection.execute(QUERIES["wake_expiry"])

    async def drain(self, session: Session) -> None:
        """No new leases for this prover."""
        await self._database.write(Transaction.DRAIN_SESSION, QUERIES["drain_session"], session.session_id)

    async def move_all(self, *, patience_seconds: float) -> None:
        """Ask every prover to go to another gateway with its leases; return when they are gone, or patience is over."""
        self._moving = True
        # After an offer under way nothing follows: no lease may arrive behind the notice and be overlooked.
        async with self._offering:
            pass
        await self._database.write(Transaction.DRAIN_SESSION, QUERIES["drain_gateway"], self._gateway_id)
        for session in list(self._sessions.values()):
            self._ask_to_move(session)
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_seconds):
                while self._sessions:
                    self._someone_left.clear()
                    await self._someone_left.wait()

    def _ask_to_move(self, session: Session) -> None:
        if session.session_id not in self._told_to_move:
            self._told_to_move.add(session.session_id)
            notice = messages.Notice(code=codec.MOVE, detail="this gateway closes")
            self._send(session, messages.ToProver(notice=notice))

    async def _wake_lanes(self, session: Session) -> None:
        await self._database.write(Transaction.WAKE, QUERIES["wake_lanes"], session.lanes)

    # --- messages of provers ---------------------------------------------------------------------

    async def heartbeat(self, session: Session, held: list[HeldLease]) -> list[LeaseId]:
        """Let the session and its leases live on; return the leases that are not its own any more."""
        return await self._heartbeats.add((session.session_id, held))

    async def _write_heartbeats(self, beats: list[_Beat]) -> list[list[LeaseId]]:
        leases = [(one.lease_id, one.fence, session_id) for session_id, held in beats for one in held]
        ids, fences, sessions = ([lease[side] for lease in leases] for side in range(3))
        rows = await self._database.write(
            Transaction.HEARTBEAT,
            QUERIES["heartbeats"],
            [session_id for session_id, _ in beats],
            ids,
            fences,
            sessions,
            self._settings.lease_ttl_ms,
        )
        alive = {row["lease_id"] for row in rows}
        return [[one.lease_id for one in held if one.lease_id not in alive] for _, held in beats]

    async def progress(self, session: Session, report: StageReport) -> None:
        """Note how far a job is; the first word of a lease says that it has started."""
        await self._progress.add((session.session_id, report))

    async def _write_progress(self, said: list[_Said]) -> list[None]:
        # Of several words about one lease the last counts.
        last = {report.held.lease_id: (session_id, report) for session_id, report in said}
        async with self._database.transaction(Transaction.NOTE_PROGRESS) as connection:
            tasks = await connection.fetch(QUERIES["tasks_of_leases"], list(last))
            await connection.fetch(QUERIES["lock_tasks"], [row["task_id"] for row in tasks])
            rows = await connection.fetch(
                QUERIES["leases_of_progress"],
                list(last),
                [report.held.fence for _, report in last.values()],
                [session_id for session_id, _ in last.values()],
            )
            heard = [(row, last[row["lease_id"]][1]) for row in rows]
            await self._note_times(connection, heard)
            await append_events(connection, [_stage_event(row, report) for row, report in heard])
        return [None] * len(said)

    async def _note_times(self, connection: Any, heard: Sequence[tuple[asyncpg.Record, StageReport]]) -> None:
        times = [
            after_progress(lease_times(row), report.permille, policy=self._settings.phases, now_ms=row["now_ms"])
            for row, report in heard
        ]
        await connection.execute(
            QUERIES["note_progress"],
            [row["lease_id"] for row, _ in heard],
            [one.state.value for one in times],
            [one.expires_ms for one in times],
            [one.phase_until_ms for one in times],
            [one.started_ms for one in times],
            [one.permille for one in times],
            [report.stage for _, report in heard],
        )

    async def results(self, session: Session, reports: Sequence[JobReport]) -> list[Verdict]:
        """Have results judged; whatever is no valid proof sends its job back to the market."""
        outcomes = await self._settle(reports, session.operator)
        return [
            await self._refuse(session, report, outcome) if isinstance(outcome, BaseException) else ACCEPTED
            for report, outcome in zip(reports, outcomes, strict=True)
        ]

    async def _refuse(self, session: Session, report: JobReport, error: BaseException) -> Verdict:
        if isinstance(error, Unavailable) or not isinstance(error, ProofgridError):
            raise error  # the database is away: the stream ends, the prover comes back and says it again
        if isinstance(error, LeaseLost):
            log.info("late_result_refused", prover_id=session.prover_id, detail=error.detail)
            await self._look_for_equivocation(session, report)
        else:
            log.warning("result_refused", prover_id=session.prover_id, code=error.code, detail=error.detail)
            store_fault = isinstance(error, Recoverable)
            reason = REASON_OF_CODE.get(error.code, ReturnReason.STORE_FAULT) if store_fault else ReturnReason.BAD_PROOF
            await self._back(report.held, session, reason, str(error), report)
        return Verdict(accepted=False, code=error.code, detail=str(error))

    async def trouble(self, session: Session, trouble: JobTrouble) -> None:
        """A prover says that a job did not work out."""
        reason = REASON_OF_CODE.get(trouble.code, ReturnReason.CHILD_CRASHED)
        await self._back(trouble.held, session, reason, f"{trouble.code} {trouble.detail}")

    async def _look_for_equivocation(self, session: Session, report: JobReport) -> None:
        """A late result may be the second one that was signed for its lease."""
        if not report.signature:
            return
        async with self._database.connection() as connection:
            first = await connection.fetchrow(QUERIES["signed_evidence_of_lease"], report.held.lease_id)
        if first is not None and not first["known"]:
            async with self._database.transaction(Transaction.RETURN_JOB) as connection:
                await slash_equivocation(connection, report, session.operator)

    async def _back(
        self,
        held: HeldLease,
        session: Session,
        reason: ReturnReason,
        detail: str,
        report: JobReport | None = None,
    ) -> None:
        async with self._database.connection() as connection:
            lease = await connection.fetchrow(QUERIES["get_lease"], held.lease_id)
        # A prover can only give back what is its own.
        if lease is None or lease["fence"] != held.fence or lease["operator"] != session.operator:
            return
        await self._take_back(TaskId(lease["task_id"]), held.lease_id, reason, detail, report)

    # --- leases out ------------------------------------------------------------------------------

    def wake(self, gateway: str) -> None:
        """The market granted leases to provers of a gateway."""
        if gateway == str(self._gateway_id):
            self._granted.set()

    def wake_all(self) -> None:
        """Notifications may have been missed."""
        self._granted.set()

    def stop(self, session_id: SessionId, lease_id: LeaseId | None, reason: str) -> None:
        """Tell a prover to stop a lease, or end its stream when no lease is named."""
        session = self._sessions.get(session_id)
        if session is None:
            return
        message = (
            None if lease_id is None else messages.ToProver(stop=messages.Stop(lease_id=str(lease_id), reason=reason))
        )
        self._send(session, message)

    def tell(self, session_id: SessionId, code: str, detail: str) -> None:
        """Hand a notice on to a prover."""
        session = self._sessions.get(session_id)
        if session is not None:
            self._send(session, messages.ToProver(notice=messages.Notice(code=code, detail=detail)))

    async def run(self) -> None:
        """Serve the provers until cancelled."""
        async with asyncio.TaskGroup() as group:
            for work in (self._hand_out(), self._heartbeats.run(), self._progress.run()):
                group.create_task(work)

    async def _hand_out(self) -> None:
        while True:
            await self._granted.wait()
            self._granted.clear()
            try:
                await self._offer()
            except PASSING_TROUBLE as error:
                log.warning("database_away", reason=str(error))
                await asyncio.sleep(AFTER_TROUBLE_SECONDS)
                self._granted.set()

    async def _offer(self) -> None:
        async with self._offering:
            if self._moving:
                return  # what was granted and not told goes with its prover to the next gateway
            # Read back after a restart as well: what was granted and not told yet is told now.
            rows = await self._database.write(
                Transaction.OFFER_LEASES,
                QUERIES["offer_leases"],
                self._gateway_id,
                [LeaseState.GRANTED.value],
                self._settings.lease_ttl_ms,
                list(self._sessions),
                self._settings.phases.pick_up_ms,
            )
            by_session: dict[SessionId, list[LeaseOffer]] = defaultdict(list)
            for row in rows:
                by_session[row["session_id"]].append(_lease_offer(row))
            for session_id, leases in by_session.items():
                session = self._sessions.get(session_id)
                if session is not None:
                    for start in range(0, len(leases), LEASES_PER_MESSAGE):
                        part = leases[start : start + LEASES_PER_MESSAGE]
                        self._send(session, codec.write_leases(part, await self._manifests_of(part)))

    async def _manifests_of(self, leases: Sequence[LeaseOffer]) -> dict[str, str]:
        """Return the programs' manifests as JSON; a program never changes, so what was read once stays right."""
        wanted = {lease.program_digest for lease in leases}
        for digest in wanted - set(self._manifests):
            if len(self._manifests) >= MANIFESTS_KEPT_MAX:
                self._manifests.clear()
            async with self._database.connection() as connection:
                row = await connection.fetchrow(QUERIES["get_program"], digest)
            self._manifests[digest] = json.dumps(row["manifest"], separators=(",", ":"))
        return {digest: self._manifests[digest] for digest in wanted}

    def _send(self, session: Session, message: messages.ToProver | None) -> None:
        try:
            session.outgoing.put_nowait(message)
        except asyncio.QueueFull:
            # A prover that does not read is gone; its leases expire and are sold again.
            log.warning("prover_does_not_read", prover_id=session.prover_id)

    # --- this gateway's own heartbeat ------------------------------------------------------------

    async def keep_alive(self, interval_seconds: float = 1.0) -> None:
        """Tell the other gateways that this one lives, and that its sessions count."""
        while True:
            try:
                async with self._database.transaction(Transaction.GATEWAY_ALIVE) as connection:
                    await connection.fetch(QUERIES["gateway_alive"], self._gateway_id, GATEWAY_SILENT_MS)
                    await connection.execute(
                        QUERIES["close_sessions_without_stream"],
                        self._gateway_id,
                        list(self._sessions),
                        self._settings.lease_ttl_ms,
                    )
            except PASSING_TROUBLE as error:
                log.warning("database_away", reason=str(error))
            await asyncio.sleep(interval_seconds)


def _lease_offer(row: asyncpg.Record) -> LeaseOffer:
    return LeaseOffer(
        held=HeldLease(lease_id=LeaseId(row["lease_id"]), fence=row["fence"]),
        job_id=JobId(row["job_id"]),
        program_digest=Digest(row["program_digest"]),
        slice_index=row["slice"],
        input_digest=Digest(row["input_digest"]),
        small_input=row["small_input"],
        units=row["units"],
        memory_bytes=row["memory_bytes"],
        price=row["sell_price"],
        timeout_ms=max(1, row["run_ms"]),
    )


def lease_times(row: asyncpg.Record) -> LeaseTimes:
    """Return the timers in a lease's row."""
    return LeaseTimes(
        state=LeaseState(row["state"]),
        expires_ms=row["expires_ms"],
        phase_until_ms=row["phase_until_ms"],
        until_ms=row["until_ms"],
        prove_ms=row["prove_ms"],
        started_ms=row["started_ms"],
        permille=row["permille"],
    )


def _stage_event(row: asyncpg.Record, report: StageReport) -> Event:
    data = {
        "slice": row["slice"],
        "input": row["input"],
        "stage": report.stage,
        "permille": report.permille,
        "prover": row["prover_id"],
    }
    return Event(TaskId(row["task_id"]), "stage", data)
