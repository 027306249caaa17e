"""The stream between a prover and this gateway: hello, then heartbeats, leases, progress and results."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Protocol

import grpc
import structlog

from proofgrid.doors.services.front_door import CallContext, FrontDoor, answering, call_id_of
from proofgrid.primitives.certificates import Certified
from proofgrid.primitives.clock import Clock, SystemClock
from proofgrid.primitives.errors import InvalidRequest, LeaseLost, MalformedMessage, NotAllowed, ProofgridError
from proofgrid.primitives.ids import Address, LeaseId, prover_id
from proofgrid.roles.dispatcher.session import Session
from proofgrid.roles.intake.certificates import Certificates
from proofgrid.rules.access.sessions import Origin, origin_of
from proofgrid.rules.jobs.offers import (
    Acks,
    HeldLease,
    JobReport,
    JobTrouble,
    ProverTerms,
    StageReport,
    Stop,
    Verdict,
    Welcome,
    check_terms,
)
from proofgrid.rules.jobs.sealing import check_certificate
from proofgrid.wire.addresses import peer_address
from proofgrid.wire.codec import provers as codec
from proofgrid.wire.fields import check_message
from proofgrid.wire.v1 import prover_pb2 as messages
from proofgrid.wire.v1 import prover_pb2_grpc as services

HELLO_TIMEOUT_SECONDS = 10.0
RESULTS_AT_ONCE = 16  #: messages with results of one prover; bounds the memory that their proofs take
WORDS_AT_ONCE = 64  #: other messages of one prover
SPARE_LEASES = 64  #: beyond those that run, and as many that are not acknowledged yet
STOPS_PER_HEARTBEAT = 64  #: the others are told at the next ones: a word of ours costs more than an id of theirs
SILENT_SECONDS = 120.0  #: its leases are gone long before
WORDS_WEIGHT = 16  #: a byte of a heartbeat costs as much as so many of a proof
MESSAGE_BYTES = 256  #: that a message costs besides its own
LOOK_FIRST_BYTES = 16 << 10  #: of results: what is larger is not read before their leases were looked up
NOT_YOURS = "no lease of yours has this id and fence"

log = structlog.get_logger(__name__)


class ProverDesk(Protocol):
    """Who serves connected provers; the dispatcher does."""

    async def open_session(self, operator: Address, terms: ProverTerms, origin: Origin) -> Session: ...
    async def heartbeat(self, session: Session, held: list[HeldLease]) -> list[LeaseId]: ...
    async def progress(self, session: Session, report: StageReport) -> None: ...
    async def own_leases(self, session: Session, held: Sequence[HeldLease]) -> set[LeaseId]: ...
    async def results(self, session: Session, reports: Sequence[JobReport]) -> list[Verdict]: ...
    async def trouble(self, session: Session, trouble: JobTrouble) -> None: ...
    async def drain(self, session: Session) -> None: ...
    def unread(self, session: Session) -> AbstractContextManager[None]: ...
    async def close_session(self, session: Session) -> None: ...


class ProverService(services.ProverServiceServicer):
    """What `ProverService` of proto/proofgrid/wire/v1/prover.proto promises."""

    def __init__(
        self,
        door: FrontDoor,
        desk: ProverDesk,
        *,
        network: Address,
        heartbeat_ms: int,
        certificates: Certificates | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._door = door
        self._desk = desk
        self._certificates = certificates
        self._network = network
        self._heartbeat_ms = heartbeat_ms

    @answering
    async def Connect(  # type: ignore[override]  # noqa: N802 - grpc.aio also takes a handler that reads and writes itself
        self, request_iterator: object, context: CallContext
    ) -> None:
        caller, hello = await self._door.admit_stream(context, self._desk.open_session, lambda: _read_hello(context))
        certified = self._certified(context, caller.address)
        terms = codec.read_hello(hello)
        check_terms(terms)
        self._check_sealing(caller.address, terms)
        origin = origin_of(
            codec.read_session(hello), name=terms.name, call=call_id_of(context), peer=peer_address(context.peer())
        )
        session = await self._desk.open_session(caller.address, terms, origin)
        log.info("prover_connected", prover_id=session.prover_id, slots=terms.slots, held=len(terms.held))
        try:
            await context.write(codec.write_to_prover(self._welcome(session)))
            async with self._while_certified(certified):
                await _until_either_ends(self._listen(session, context), _tell(session, context))
        finally:
            # Shielded: the end of a session must be written down however the stream ended.
            await asyncio.shield(self._desk.close_session(session))
            log.info("prover_disconnected", prover_id=session.prover_id)

    def _certified(self, context: CallContext, operator: Address) -> Certified | None:
        if self._certificates is None or not self._certificates.port:
            return None
        shown = next(iter(context.auth_context().get("x509_pem_cert", ())), None)
        return self._certificates.check(shown, operator)

    @asynccontextmanager
    async def _while_certified(self, certified: Certified | None) -> AsyncIterator[None]:
        """End the stream when its certificate ends; provers come with a new one before."""
        if certified is None or self._certificates is None:
            yield
            return
        try:
            async with asyncio.timeout(self._certificates.seconds_left(certified)) as limit:
                yield
        except TimeoutError:
            if not limit.expired():
                raise
            raise NotAllowed("the certificate of this stream has ended", field="certificate") from None

    def _check_sealing(self, operator: Address, terms: ProverTerms) -> None:
        if terms.sealing is not None:
            check_certificate(
                terms.sealing,
                network=self._network,
                prover=prover_id(operator, terms.name),
                now_ms=self._clock.now_ms(),
            )

    def _welcome(self, session: Session) -> Welcome:
        return Welcome(
            session_id=str(session.session_id),
            prover_id=session.prover_id,
            network=self._network,
            heartbeat_ms=self._heartbeat_ms,
            dropped=tuple(session.dropped),
        )

    async def _listen(self, session: Session, context: CallContext) -> None:
        async with asyncio.TaskGroup() as group:
            # Results take time to verify, words to be written down; what was sent behind them must not wait for that.
            results, words = asyncio.Semaphore(RESULTS_AT_ONCE), asyncio.Semaphore(WORDS_AT_ONCE)
            while (message := await _read(context)) is not None:
                kind = message.WhichOneof("message")
                weight = 1 if kind == "results" else WORDS_WEIGHT
                await self._door.pace_stream(session, weight * (message.ByteSize() + MESSAGE_BYTES))
                turn = results if kind == "results" else words
                with self._desk.unread(session):
                    await turn.acquire()
                group.create_task(self._handle(session, kind, message, turn))

    async def _handle(
        self, session: Session, kind: str | None, message: messages.FromProver, turn: asyncio.Semaphore
    ) -> None:
        try:
            check_message(message)
            if kind == "results":
                await self._judge_all(session, message.results)
            else:
                await self._hear(session, kind, message)
        finally:
            turn.release()

    async def _hear(self, session: Session, kind: str | None, message: messages.FromProver) -> None:
        match kind:
            case "heartbeat":
                if len(message.heartbeat.held) > 2 * session.slots + SPARE_LEASES:
                    raise MalformedMessage(f"more than {session.slots} slots can hold", field="heartbeat.held")
                held = [codec.read_held(one) for one in message.heartbeat.held]
                for lost in (await self._desk.heartbeat(session, held))[:STOPS_PER_HEARTBEAT]:
                    await session.outgoing.put(Stop(lease_id=lost, reason="the lease is not yours any more"))
            case "progress":
                await self._desk.progress(session, codec.read_progress(message.progress))
            case "failure":
                await self._desk.trouble(session, codec.read_failure(message.failure))
            case "drain":
                await self._desk.drain(session)
            case _:
                raise MalformedMessage(f"a {kind or 'message without content'} is not expected here", field="message")

    async def _judge_all(self, session: Session, message: messages.JobResults) -> None:
        reports, verdicts = [], []
        own = await self._own(session, message)
        for result in message.results:
            held = codec.read_held(result)
            if own is not None and held.lease_id not in own:
                verdicts.append((held.lease_id, Verdict(accepted=False, code=LeaseLost.code, detail=NOT_YOURS)))
                continue
            try:
                reports.append(codec.read_result(result))
            except InvalidRequest as error:
                verdicts.append(await self._unreadable(session, result, error))
        judged = await self._desk.results(session, reports)
        verdicts += [(report.held.lease_id, verdict) for report, verdict in zip(reports, judged, strict=True)]
        await session.outgoing.put(Acks(verdicts=tuple(verdicts)))

    async def _own(self, session: Session, message: messages.JobResults) -> set[LeaseId] | None:
        """Return whose results of a large message are read at all; None: those of a small one, where they are few."""
        if message.ByteSize() <= LOOK_FIRST_BYTES:
            return None
        return await self._desk.own_leases(session, [codec.read_held(result) for result in message.results])

    async def _unreadable(
        self, session: Session, message: messages.JobResult, error: InvalidRequest
    ) -> tuple[LeaseId, Verdict]:
        # A result that cannot even be read is a failure of this job, not of the whole stream.
        held = codec.read_held(message)
        await self._desk.trouble(session, JobTrouble(held=held, code=error.code, detail=str(error)))
        return held.lease_id, Verdict(accepted=False, code=error.code, detail=str(error))


async def _read_hello(context: CallContext) -> messages.Hello:
    try:
        async with asyncio.timeout(HELLO_TIMEOUT_SECONDS):
            message = await context.read()
    except TimeoutError:
        raise MalformedMessage(f"no hello within {HELLO_TIMEOUT_SECONDS:g} s", field="hello") from None
    if message is grpc.aio.EOF or message.WhichOneof("message") != "hello":
        raise MalformedMessage("the first message is the hello", field="hello")
    hello: messages.Hello = message.hello
    check_message(hello)
    return hello


async def _read(context: CallContext) -> messages.FromProver | None:
    """Return the next message, None at the end. Raises MalformedMessage where none comes: provers send heartbeats."""
    try:
        async with asyncio.timeout(SILENT_SECONDS):
            message: messages.FromProver = await context.read()
            return None if message is grpc.aio.EOF else message  # type: ignore[comparison-overlap]  # a wrong stub
    except TimeoutError:
        raise MalformedMessage(f"no heartbeat within {SILENT_SECONDS:g} s", field="heartbeat") from None


async def _tell(session: Session, context: CallContext) -> None:
    while (said := await session.outgoing.get()) is not None:
        await context.write(codec.write_to_prover(said))


async def _until_either_ends(listening: Coroutine[None, None, None], telling: Coroutine[None, None, None]) -> None:
    """Run both; when one ends, for whatever reason, end the other and pass on the reason."""
    tasks = {asyncio.ensure_future(listening), asyncio.ensure_future(telling)}
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            _raise_first(task.exception())
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _raise_first(error: BaseException | None) -> None:
    """Raise `error`; of a group only the first, so that a refusal keeps its code."""
    while isinstance(error, BaseExceptionGroup):
        ours = [inner for inner in error.exceptions if isinstance(inner, ProofgridError)]
        error = ours[0] if ours else error.exceptions[0]
    if error is not None:
        raise error
