"""What provers and gateways say to each other, each message behind its length."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from random import Random
from typing import Any
from uuid import UUID

from google.protobuf.message import DecodeError, Message
from structlog.testing import capture_logs

from proofgrid.doors.grpc.prover import ProverService
from proofgrid.doors.grpc.services import add_prover_service
from proofgrid.primitives.ids import Address, LeaseId, ProverId, SessionId
from proofgrid.roles.dispatcher.session import Session
from proofgrid.rules.access.sessions import Origin
from proofgrid.rules.jobs.offers import HeldLease, JobReport, JobTrouble, Leases, ProverTerms, StageReport, Verdict
from proofgrid.rules.staking.results import public_digest
from proofgrid.wire.codec import provers as codec
from proofgrid.wire.codec import texts as wire_texts
from proofgrid.wire.v1 import prover_pb2
from tests.fuzz.doors import OneCall, OpenDoor, Services, intake_over_nothing, run
from tests.fuzz.likely import NETWORK, filled, mutated_messages, piece, pieces
from tests.fuzz.mutating import mutated_message
from tests.makers import some_terms


class OpenDesk:
    """Takes every prover and believes everything."""

    async def open_session(self, operator: Address, terms: ProverTerms, _origin: Origin) -> Session:
        prover = ProverId(f"{operator}/{terms.name}")
        return Session(SessionId(UUID(int=1)), prover, operator, ["default/toy/small"], [], slots=terms.slots)

    async def heartbeat(self, _session: Session, held: list[HeldLease]) -> list[LeaseId]:
        return [one.lease_id for one in held]

    async def progress(self, _session: Session, _report: StageReport) -> None: ...

    async def own_leases(self, _session: Session, held: Sequence[HeldLease]) -> set[LeaseId]:
        return {one.lease_id for one in held}

    async def results(self, _session: Session, reports: Sequence[JobReport]) -> list[Verdict]:
        for report in reports:
            public_digest(report.public)
        return [Verdict(accepted=True, code="", detail="") for _ in reports]

    async def trouble(self, _session: Session, _trouble: JobTrouble) -> None: ...

    async def drain(self, _session: Session) -> None: ...

    def unread(self, _session: Session) -> AbstractContextManager[None]:
        return nullcontext()

    async def close_session(self, _session: Session) -> None: ...


@cache
def _prover_service() -> ProverService:
    server: Any = Services()
    intake: Any = intake_over_nothing()
    add_prover_service(server, intake, OpenDesk(), network=NETWORK, heartbeat_ms=2_000)
    service: ProverService = server.methods[0].call.__self__
    door: Any = OpenDoor()
    service._door = door
    return service


def take_stream(data: bytes) -> None:
    """Let a prover connect and say all that."""
    try:
        said = [prover_pb2.FromProver.FromString(piece) for piece in pieces(data)]
    except DecodeError:
        return
    with capture_logs():
        run(_connect(said))


async def _connect(said: Sequence[Message]) -> None:
    context: Any = OneCall(said)
    asked: Any = ProverService.Connect
    await asked.__wrapped__(_prover_service(), None, context)


def from_provers() -> list[bytes]:
    """A hello, and one of each of what may follow."""
    hello = codec.write_hello(some_terms())
    others = [name for name in prover_pb2.FromProver.DESCRIPTOR.fields_by_name if name != "hello"]
    said = [hello]
    for name in others:
        message = prover_pb2.FromProver()
        inner = getattr(message, name)
        inner.SetInParent()
        filled(inner)
        said.append(message)
    one_by_one = [b"".join(piece(one.SerializeToString()) for one in (hello, other)) for other in said]
    return [*one_by_one, b"".join(piece(one.SerializeToString()) for one in said)]


def mutated_stream(data: bytes, chance: Random) -> bytes:
    """Change one of the messages."""
    return mutated_messages(prover_pb2.FromProver, True, data, chance)


def take_to_prover(data: bytes) -> None:
    """Read what a gateway says as a prover's link does."""
    try:
        message = prover_pb2.ToProver.FromString(data)
    except DecodeError:
        return
    said = codec.read_to_prover(message)
    if isinstance(said, Leases):
        wire_texts.read_manifests(said)


def to_provers() -> list[bytes]:
    """One of each of what a gateway says."""
    made = []
    for name in prover_pb2.ToProver.DESCRIPTOR.fields_by_name:
        message = prover_pb2.ToProver()
        inner = getattr(message, name)
        inner.SetInParent()
        filled(inner)
        made.append(message.SerializeToString())
    return made


def mutated_to_prover(data: bytes, chance: Random) -> bytes:
    """Change some fields."""
    return mutated_message(prover_pb2.ToProver, data, chance)
