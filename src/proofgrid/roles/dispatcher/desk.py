"""Serves the provers that are connected to this gateway: sessions, heartbeats, leases out, results in.

hello -> session, unless another one of the name lives (rules/access/sessions.py); its own older one closes;
         leases it still holds move over, forgotten ones go back
heartbeat -> hearing.py -> leases live on;   silence or a cut stream -> they expire (watch.py)
market grants -> handing_out.py -> prover
result -> settlement judges -> paid, or the job goes back
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field

import structlog

from proofgrid.primitives.clock import Clock, fresh_uuid
from proofgrid.primitives.errors import LeaseLost, ProofgridError, Recoverable, Unavailable
from proofgrid.primitives.ids import Address, GatewayId, LeaseId, SessionId, TaskId, prover_id
from proofgrid.primitives.turns import Urgency
from proofgrid.roles.dispatcher.arriving import check_arrival, columns_of, why_paused
from proofgrid.roles.dispatcher.checking import Checking
from proofgrid.roles.dispatcher.engines_here import NOT_HERE, with_engines_here
from proofgrid.roles.dispatcher.handing_back import HandingBack
from proofgrid.roles.dispatcher.handing_out import HandingOut, send
from proofgrid.roles.dispatcher.hearing import Hearing
from proofgrid.roles.dispatcher.in_hand import InHand
from proofgrid.roles.dispatcher.late import refuse_late
from proofgrid.roles.dispatcher.patience import MOMENT_SECONDS, may_pass, patiently
from proofgrid.roles.dispatcher.returns import return_job
from proofgrid.roles.dispatcher.session import Session
from proofgrid.roles.loop import Loop, every
from proofgrid.rules.access.operator_limits import OperatorLimits
from proofgrid.rules.access.rights import needs
from proofgrid.rules.access.roles import Role
from proofgrid.rules.access.sessions import Origin
from proofgrid.rules.jobs.hedging import HedgePolicy
from proofgrid.rules.jobs.offers import (
    MOVE,
    HeldLease,
    JobReport,
    JobTrouble,
    Notice,
    Paid,
    ProverTerms,
    StageReport,
    Stop,
    Verdict,
)
from proofgrid.rules.jobs.phases import PhasePolicy
from proofgrid.rules.jobs.retry import ReturnReason
from proofgrid.rules.reputation.standing import PAUSED, ReputationPolicy
from proofgrid.rules.scheduling.fitness import HORIZON_MS
from proofgrid.store.database import Database
from proofgrid.store.gateways import DRAIN_GATEWAY, GATEWAY_ALIVE
from proofgrid.store.lanes import GATEWAY_SILENT_MS
from proofgrid.store.leases import CLOSE_SESSIONS_WITHOUT_STREAM
from proofgrid.store.sessions import (
    ADOPT_LEASES,
    CHANGE_SESSION,
    CLOSE_SESSION,
    DRAIN_SESSION,
    OPEN_SESSION,
    REGISTER_PROVER,
    SUPERSEDE_SESSIONS,
    WAKE_EXPIRY,
)
from proofgrid.store.signals import NOTE_LIE
from proofgrid.store.stakes import SIGNED_EVIDENCE_OF_LEASE, slash_equivocation
from proofgrid.store.subnetworks import check_operator, serve_stacks
from proofgrid.store.tasks import WAKE_LANES
from proofgrid.store.transactions import Transaction

FORGOTTEN = "the prover came back without it"

log = structlog.get_logger(__name__)

#: Who is paid for each, or the BadProof, LeaseLost or Recoverable that says why nobody is.
Settle = Callable[[Sequence[JobReport], Address], Awaitable[Sequence[Paid | BaseException]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchSettings:
    """How long things may take, and how often they are tried."""

    heartbeat_ms: int = 1_000
    phases: PhasePolicy = field(default_factory=PhasePolicy)
    hedging: HedgePolicy = field(default_factory=HedgePolicy)
    reputation: ReputationPolicy = field(default_factory=ReputationPolicy)
    reconnect_grace_ms: int = 2_000  #: after a cut stream
    horizon_ms: int = HORIZON_MS  #: nobody is wished for who needs longer for a job, at its measured speed
    attempts_max: int = 5
    operator_limits: OperatorLimits = field(default_factory=OperatorLimits)
    engines: Collection[str] | None = None  #: whose proofs this gateway can verify; None: all

    @property
    def lease_ttl_ms(self) -> int:
        """A lease without a heartbeat for so long is taken back."""
        return self.phases.silent_ms


class Desk:
    """The provers of this gateway. Fits doors.grpc.prover.ProverDesk."""

    def __init__(
        self,
        database: Database,
        *,
        gateway_id: GatewayId,
        settle: Settle,
        checking: Checking,
        settings: DispatchSettings,
        subnetwork: str,
        clock: Clock,
        in_hand: InHand,
    ) -> None:
        self._database = database
        self._in_hand = in_hand
        self._gateway_id = gateway_id
        self._settle = settle
        self._settings = settings
        self._subnetwork = subnetwork
        self._clock = clock
        self._sessions: dict[SessionId, Session] = {}
        self._hearing = Hearing(database, settings.phases)
        self._back = HandingBack(database, checking, self._take_back)
        self.own_leases = self._back.own_leases
        self._out = HandingOut(
            database, gateway_id=gateway_id, sessions=self._sessions, phases=settings.phases, in_hand=in_hand
        )
        self._moving = False  #: this gateway closes: no new sessions, no more leases to the ones it has
        self._someone_left = asyncio.Event()
        self._told_to_move: set[SessionId] = set()

    @property
    def connected(self) -> int:
        """How many provers are connected here."""
        return len(self._sessions)

    # --- sessions --------------------------------------------------------------------------------

    @needs(Role.OPERATOR, once=True)
    async def open_session(self, operator: Address, terms: ProverTerms, origin: Origin) -> Session:
        """Write down who came, what it offers and what it still holds.

        Raises NameTaken when another session of its name lives, TooManyOpen when its operator has too many already,
        Unavailable when this gateway closes, or can verify nothing that the prover proves.
        """
        if self._moving:
            raise Unavailable("this gateway closes", hint="give the addresses of several gateways")
        subnetworks = terms.subnetworks or (self._subnetwork,)
        terms, left_out = await with_engines_here(self._database, terms, subnetworks, self._settings.engines)
        session = Session(
            session_id=SessionId(fresh_uuid(self._clock)),
            prover_id=prover_id(operator, terms.name),
            operator=operator,
            lanes=[f"{name}/{engine}/{c}" for name in subnetworks for engine in terms.asks for c in terms.classes],
            dropped=[],
            slots=terms.slots,
        )
        # Known before it is written down: `keep_alive` closes what is open there and not known here.
        self._sessions[session.session_id] = session
        try:
            await self._write_down(session, terms, subnetworks, origin)
        except BaseException:
            self._sessions.pop(session.session_id, None)
            raise
        if left_out:
            self.tell(session.session_id, NOT_HERE, left_out)
        if self._moving:
            self._ask_to_move(session)
        return session

    async def _write_down(
        self, session: Session, terms: ProverTerms, subnetworks: Sequence[str], origin: Origin
    ) -> None:
        operator = session.operator
        async with self._database.transaction(Transaction.OPEN_SESSION) as connection:
            await check_operator(connection, subnetworks, operator=operator)
            await connection.run(REGISTER_PROVER, prover_id=session.prover_id, operator=operator)
            await connection.run(CHANGE_SESSION, prover_id=session.prover_id)
            await check_arrival(
                connection,
                session.prover_id,
                operator,
                origin,
                slots=terms.slots,
                limits=self._settings.operator_limits,
                heartbeat_ms=self._settings.heartbeat_ms,
                silent_ms=self._settings.lease_ttl_ms,
            )
            await connection.run(SUPERSEDE_SESSIONS, prover_id=session.prover_id)
            await connection.run(
                OPEN_SESSION,
                session_id=session.session_id,
                prover_id=session.prover_id,
                operator=operator,
                gateway_id=self._gateway_id,
                **columns_of(terms),
                peer=origin.peer,
                session_key=origin.key,
                run=origin.run,
            )
            await serve_stacks(connection, session.session_id, subnetworks, engines=len(terms.asks))
            leases = await connection.fetch(
                ADOPT_LEASES,
                prover_id=session.prover_id,
                session_id=session.session_id,
                gateway_id=self._gateway_id,
                held_ids=[held.lease_id for held in terms.held],
                held_fences=[held.fence for held in terms.held],
                silent_ms=self._settings.lease_ttl_ms,
                pick_up_ms=self._settings.phases.pick_up_ms,
            )
            paused = await why_paused(connection, session.prover_id, operator)
        if paused:
            self.tell(session.session_id, PAUSED, paused)
        kept = {lease.lease_id for lease in leases if lease.kept}
        session.dropped = [held.lease_id for held in terms.held if held.lease_id not in kept]
        for lease in (lease for lease in leases if not lease.kept):
            await self._take_back(lease.task_id, lease.lease_id, ReturnReason.PROVER_LOST, FORGOTTEN, came_back=True)
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
            reputation = self._settings.reputation
            returned = await return_job(
                connection,
                task_id,
                lease_id,
                reason,
                detail=detail,
                attempts_max=self._settings.attempts_max,
                report=report,
                came_back=came_back,
                reputation=reputation,
            )
            if not returned and report is not None:
                await refuse_late(connection, lease_id, reason, detail=detail, report=report, reputation=reputation)

    async def close_session(self, session: Session) -> None:
        """The stream ended; its leases have a short grace to come back with a new session."""
        self._sessions.pop(session.session_id, None)
        self._someone_left.set()
        # A prover that was asked to go is not lost, and may have to look for a gateway that is there.
        grace_ms = self._settings.lease_ttl_ms if self._moving else self._settings.reconnect_grace_ms
        async with self._database.transaction(Transaction.CLOSE_SESSION) as connection:
            grace_ms += self._in_hand.lag_ms()  # its next hello waits as long for this gateway
            await connection.run(CLOSE_SESSION, session_id=session.session_id, grace_ms=grace_ms)
            await connection.run(WAKE_EXPIRY)

    async def drain(self, session: Session) -> None:
        """No new leases for this prover."""
        await self._database.write(Transaction.DRAIN_SESSION, DRAIN_SESSION, session_id=session.session_id)

    async def move_all(self, *, patience_seconds: float) -> None:
        """Ask every prover to go to another gateway with its leases; return when they are gone, or patience is over."""
        self._moving = True
        await self._out.end()
        with suppress(Recoverable):  # with the database away nothing is sold anyway
            await self._database.write(Transaction.DRAIN_SESSION, DRAIN_GATEWAY, gateway_id=self._gateway_id)
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
            send(session, Notice(code=MOVE, detail="this gateway closes"))

    async def _wake_lanes(self, session: Session) -> None:
        await self._database.write(Transaction.WAKE, WAKE_LANES, lanes=session.lanes)

    # --- messages of provers ---------------------------------------------------------------------

    async def heartbeat(self, session: Session, held: list[HeldLease]) -> list[LeaseId]:
        """Let the session and its leases live on; return the leases that are not its own any more."""
        with self._in_hand.words(held):
            return await patiently(lambda: self._hearing.heartbeat(session.session_id, held))

    async def progress(self, session: Session, report: StageReport) -> None:
        """Note how far a job is; the first word of a lease says that it has started."""
        with self._in_hand.words([report.held]):
            await patiently(lambda: self._hearing.progress(session.session_id, report))

    async def results(self, session: Session, reports: Sequence[JobReport]) -> list[Verdict]:
        """Have results judged; whatever is no valid proof sends its job back to the market."""
        with self._in_hand.last_words(report.held for report in reports):
            outcomes = await self._judge(reports, session.operator)
            return [
                Verdict(accepted=True, price=outcome.price)
                if isinstance(outcome, Paid)
                else await self._refuse(session, report, outcome)
                for report, outcome in zip(reports, outcomes, strict=True)
            ]

    async def _judge(self, reports: Sequence[JobReport], operator: Address) -> list[Paid | BaseException]:
        outcomes = list(await self._settle(reports, operator))
        if undone := [place for place, outcome in enumerate(outcomes) if may_pass(outcome)]:
            await asyncio.sleep(MOMENT_SECONDS)
            again = await self._settle([reports[place] for place in undone], operator)
            for place, outcome in zip(undone, again, strict=True):
                outcomes[place] = outcome
        return outcomes

    async def _refuse(self, session: Session, report: JobReport, error: BaseException) -> Verdict:
        if isinstance(error, Unavailable) or not isinstance(error, ProofgridError):
            raise error  # the database is away: the stream ends, the prover comes back and says it again
        if isinstance(error, LeaseLost):
            log.info("late_result_refused", prover_id=session.prover_id, detail=error.detail)
            await self._look_for_equivocation(session, report)
        else:
            log.warning("result_refused", prover_id=session.prover_id, code=error.code, detail=error.detail)
            await self._back.refused(report, session, error)
        return Verdict(accepted=False, code=error.code, detail=str(error))

    async def trouble(self, session: Session, trouble: JobTrouble) -> None:
        """A prover says that a job did not work out."""
        with self._in_hand.last_words([trouble.held]):
            await self._back.excused(trouble, session)

    def unread(self, session: Session) -> AbstractContextManager[None]:
        """For as long as a stream is not read on, because too much of it is in hand."""
        return self._in_hand.unread(session.session_id)

    async def _look_for_equivocation(self, session: Session, report: JobReport) -> None:
        """A late result may be the second one that was signed for its lease."""
        if not report.signature:
            return
        async with self._database.connection(Urgency.ROUNDS) as connection:
            first = await connection.first(SIGNED_EVIDENCE_OF_LEASE, lease_id=report.held.lease_id)
        if first is not None and not first.known:
            async with self._database.transaction(Transaction.RETURN_JOB) as connection:
                if await slash_equivocation(connection, report, session.operator) is not None:
                    await connection.run(NOTE_LIE, lease_id=report.held.lease_id, kind="equivocation")

    # --- leases out ------------------------------------------------------------------------------

    def wake(self, gateway: str) -> None:
        """The market granted leases to provers of a gateway."""
        if gateway == str(self._gateway_id):
            self._out.wake()

    def wake_all(self) -> None:
        """Notifications may have been missed."""
        self._out.wake()

    def stop(self, session_id: SessionId, lease_id: LeaseId | None, reason: str) -> None:
        """Tell a prover to stop a lease, or end its stream when no lease is named."""
        session = self._sessions.get(session_id)
        if session is None:
            return
        message = None if lease_id is None else Stop(lease_id=lease_id, reason=reason)
        send(session, message)

    def tell(self, session_id: SessionId, code: str, detail: str) -> None:
        """Hand a notice on to a prover."""
        session = self._sessions.get(session_id)
        if session is not None:
            send(session, Notice(code=code, detail=detail))

    async def run(self) -> None:
        """Serve the provers until cancelled."""
        async with asyncio.TaskGroup() as group:
            for work in (self._hearing.run(), self._out.run(), self._back.run()):
                group.create_task(work)

    # --- this gateway's own heartbeat ------------------------------------------------------------

    async def keep_alive(self, interval_seconds: float = 1.0) -> None:
        """Tell the other gateways that this one lives, and that its sessions count."""
        await Loop("gateway", every(interval_seconds, self._say_alive), retry_seconds=interval_seconds).run()

    async def _say_alive(self) -> None:
        async with self._database.transaction(Transaction.GATEWAY_ALIVE) as connection:
            await connection.run(GATEWAY_ALIVE, gateway_id=self._gateway_id, gateway_silent_ms=GATEWAY_SILENT_MS)
            await connection.run(
                CLOSE_SESSIONS_WITHOUT_STREAM,
                gateway_id=self._gateway_id,
                session_ids=list(self._sessions),
                grace_ms=self._settings.lease_ttl_ms,
            )
