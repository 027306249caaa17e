"""What comes over the wire: through the doors as they are, and the use cases behind, until they touch the world.

A call is one byte that says which, and its message; calls and streams of many messages have each behind its length.
"""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any
from uuid import UUID

import grpc
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from structlog.testing import capture_logs

from proofgrid.doors.grpc import front_door
from proofgrid.doors.grpc.prover import ProverService
from proofgrid.doors.grpc.services import add_prover_service, add_services
from proofgrid.primitives.errors import ProofgridError
from proofgrid.primitives.ids import Address, LeaseId, ProverId, SessionId
from proofgrid.primitives.reading import read_json
from proofgrid.roles.dispatcher.session import Session
from proofgrid.roles.intake import intake as all_of_it
from proofgrid.roles.intake.intake import Intake
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.access.sessions import Origin
from proofgrid.rules.access.tokens import check_claims, read_token
from proofgrid.rules.audit.entries import summary_of
from proofgrid.rules.jobs.limits import Limits
from proofgrid.rules.jobs.offers import HeldLease, JobReport, JobTrouble, ProverTerms, StageReport, Verdict
from proofgrid.rules.jobs.request import check_request
from proofgrid.rules.staking.results import public_digest
from proofgrid.sdk.tokens import make_token
from proofgrid.wire.codec import provers as codec
from proofgrid.wire.codec import texts as wire_texts
from proofgrid.wire.codec.requests import read_quote_request, read_submit
from proofgrid.wire.fields import check_message
from proofgrid.wire.v1 import client_pb2, prover_pb2, quotes_pb2
from tests.fuzz.mutating import mutated_bytes, mutated_message
from tests.makers import a_key

NOW_MS = 1_700_000_000_000
NETWORK, CALLER = a_key(1).address, Caller(a_key(2).address, frozenset(Role))
_LENGTH_BYTES = 2


class Reached(ProofgridError):
    """The world was asked: everything before was read."""


class World:
    """Stands for database, workers, clocks: whoever touches it has read what it was sent."""

    def __getattr__(self, name: str) -> Any:
        raise Reached(name)

    def __call__(self, *_: object, **__: object) -> Any:
        raise Reached("called")


class OpenDoor:
    """Admits everybody as everything."""

    async def admit(self, *_: object, **__: object) -> Caller:
        return CALLER

    def admit_stranger(self, _context: object) -> None: ...

    def weigh_json(self, _caller: object, _text: str) -> None: ...

    async def pace_stream(self, *_: object) -> None: ...

    async def pace_bytes(self, *_: object) -> None: ...


class OneCall:
    """A call's context: what its caller sends, and where it comes from."""

    def __init__(self, sent: Sequence[Message] = ()) -> None:
        self._sent = list(sent)

    def peer(self) -> str:
        return "ipv4:10.0.0.1:4711"

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", "Bearer pg1.token"),)

    async def read(self) -> Any:
        return self._sent.pop(0) if self._sent else grpc.aio.EOF

    async def write(self, message: Message) -> None:
        message.SerializeToString()


@dataclass(frozen=True, slots=True)
class Method:
    """One call of a service."""

    name: str
    call: Any  #: the bound method
    message: Callable[[], Message]  #: makes an empty one
    is_stream: bool  #: does its caller send many messages?


class _Services:
    def __init__(self) -> None:
        self.methods: list[Method] = []

    def add_generic_rpc_handlers(self, _handlers: object) -> None: ...

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        for name, one in sorted(handlers.items()):
            call = one.unary_unary or one.unary_stream or one.stream_unary or one.stream_stream
            kind = one.request_deserializer.__self__ if hasattr(one.request_deserializer, "__self__") else None
            message = (lambda read=one.request_deserializer: read(b"")) if kind is None else kind
            self.methods.append(Method(f"{service}/{name}", call, message, bool(one.request_streaming)))


@cache
def methods() -> Sequence[Method]:
    """Every call but the provers' stream, behind an open door, over nothing."""
    server: Any = _Services()
    add_services(server, _intake())
    for method in server.methods:
        method.call.__self__._door = OpenDoor()
    return tuple(server.methods)


def _intake() -> Intake:
    parts: dict[str, Any] = {}
    known = {"limits": Limits(), "here": ()}  # what is looked at while it is made
    for name, kind in inspect.get_annotations(Intake).items():
        cls = getattr(all_of_it, kind)
        asked = inspect.signature(cls).parameters.values()
        made = {one.name: known.get(one.name, World()) for one in asked if one.default is one.empty}
        parts[name] = _OpenGate() if name == "gate" else Limits() if cls is Limits else cls(**made)
    return Intake(**parts)


class _OpenGate:
    def place(self, _client: object) -> AbstractContextManager[None]:
        return _Place()


class _Place(nullcontext[None]):
    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...


# --- calls ----------------------------------------------------------------------------------------


def take_call(data: bytes) -> None:
    """Send a message to the call that the first byte names."""
    if not data:
        return
    method = methods()[data[0] % len(methods())]
    try:
        sent = _messages(method, data[1:])
    except DecodeError:
        return
    if method.is_stream:
        run(_ask(method, sent))
        return
    (message,) = sent
    summary_of(front_door._fields_of(message))
    check_message(message)
    _judged_later(message)
    run(_ask(method, sent))


def _messages(method: Method, body: bytes) -> list[Message]:
    made = []
    for piece in _pieces(body) if method.is_stream else [body]:
        message = method.message()
        message.MergeFromString(piece)
        made.append(message)
    return made


def _judged_later(message: Message) -> None:
    """What the use case judges before it looks at anything is not reached behind a closed world: judged here."""
    limits = Limits()
    if isinstance(message, client_pb2.SubmitRequest):
        request = read_submit(message, bytes_max=limits.inputs_json_bytes)
        check_request(request, inputs_max=limits.inputs_per_task, now_ms=NOW_MS)
        _ = request.content_digest
    if isinstance(message, quotes_pb2.QuoteRequest):
        read_quote_request(message, bytes_max=limits.inputs_json_bytes)


async def _ask(method: Method, sent: Sequence[Message]) -> None:
    asked = method.call.__wrapped__
    request = _stream_of(sent) if method.is_stream else sent[0]
    answer = asked(method.call.__self__, request, OneCall())
    if inspect.isasyncgen(answer):
        async for _ in answer:
            pass
    else:
        await answer


async def _stream_of(sent: Sequence[Message]) -> AsyncIterator[Message]:
    for message in sent:
        yield message


def calls() -> list[bytes]:
    """An empty and a filled message for each call."""
    made = []
    for number, method in enumerate(methods()):
        for message in (method.message(), filled(method.message())):
            body = message.SerializeToString()
            made.append(bytes([number]) + (_piece(body) * 2 if method.is_stream else body))
    return made


def mutated_call(data: bytes, chance: Random) -> bytes:
    """Change some fields of the message of a call."""
    if not data or chance.randrange(50) == 0:
        return mutated_bytes(data, chance)
    method = methods()[data[0] % len(methods())]
    return data[:1] + _mutated_messages(method.message, method.is_stream, data[1:], chance)


def _mutated_messages(kind: Callable[[], Message], many: bool, body: bytes, chance: Random) -> bytes:
    if not many:
        return mutated_message(kind, body, chance)
    pieces = list(_pieces(body)) or [b""]
    place = chance.randrange(len(pieces))
    match chance.randrange(8):
        case 0:
            del pieces[place]
        case 1:
            pieces.insert(place, pieces[chance.randrange(len(pieces))])
        case _:
            pieces[place] = mutated_message(kind, pieces[place], chance)
    return b"".join(_piece(piece) for piece in pieces[:8])


# --- streams --------------------------------------------------------------------------------------


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
    server: Any = _Services()
    intake: Any = _intake()
    add_prover_service(server, intake, OpenDesk(), network=NETWORK, heartbeat_ms=2_000)
    service: ProverService = server.methods[0].call.__self__
    door: Any = OpenDoor()
    service._door = door
    return service


def take_stream(data: bytes) -> None:
    """Let a prover connect and say all that."""
    try:
        said = [prover_pb2.FromProver.FromString(piece) for piece in _pieces(data)]
    except DecodeError:
        return
    with capture_logs():
        run(_connect(said))


async def _connect(said: Sequence[Message]) -> None:
    context: Any = OneCall(said)
    asked: Any = ProverService.Connect
    await asked.__wrapped__(_prover_service(), None, context)


def streams() -> list[bytes]:
    """A hello, and one of each of what may follow."""
    hello = prover_pb2.FromProver(hello=filled(prover_pb2.Hello()))
    hello.hello.ClearField("session_key")
    others = [name for name in prover_pb2.FromProver.DESCRIPTOR.fields_by_name if name != "hello"]
    said = [hello]
    for name in others:
        message = prover_pb2.FromProver()
        inner = getattr(message, name)
        inner.SetInParent()
        filled(inner)
        said.append(message)
    one_by_one = [b"".join(_piece(one.SerializeToString()) for one in (hello, other)) for other in said]
    return [*one_by_one, b"".join(_piece(one.SerializeToString()) for one in said)]


def mutated_stream(data: bytes, chance: Random) -> bytes:
    """Change one of the messages."""
    return _mutated_messages(prover_pb2.FromProver, True, data, chance)


def take_to_prover(data: bytes) -> None:
    """Read what a gateway says as a prover's link does."""
    try:
        message = prover_pb2.ToProver.FromString(data)
    except DecodeError:
        return
    said = codec.read_to_prover(message)
    if hasattr(said, "manifests"):
        wire_texts.read_manifests(said)


def to_prover() -> list[bytes]:
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


# --- tokens and texts -----------------------------------------------------------------------------


def take_token(data: bytes) -> None:
    """Read a token, and look whether it holds."""
    claims, _, _ = read_token(data.decode(errors="replace"))
    check_claims(claims, audience=NETWORK, now_ms=NOW_MS)


def tokens() -> list[bytes]:
    """A good one."""
    return [make_token(a_key(2), audience=NETWORK, now_ms=NOW_MS).encode()]


def take_json(data: bytes) -> None:
    """Read a text as a message's and as a file's; what is read is written down again."""
    text = data.decode(errors="replace")
    for read in (
        lambda: read_json(data, field="f"),
        lambda: wire_texts.read_object(text, field="f"),
        lambda: wire_texts.read_list(text, field="f", bytes_max=1 << 20),
    ):
        try:
            value = read()
        except ProofgridError:
            continue
        if read is not None and value is not None:
            json.dumps(value)


def texts() -> list[bytes]:
    """Texts that look like much."""
    return [
        *(b"{}", b"[[[[]]]]", b'{"a": [1, 2.5e3, true, null, "x"]}', b'["\\u0000", "\\ud800", "\\\\u0000"]', b"1e400"),
        *(b"[NaN]", b'"' + b"\\" * 99, b"[" * 120 + b"]" * 120, b"[" + b"9" * 600 + b"]", b'{"a":1,"a":2}', b"\xff\xfe[\0]\0"),
    ]


# --- what all share -------------------------------------------------------------------------------

_LOOP: list[asyncio.AbstractEventLoop] = []


def run(work: Any) -> None:
    """Run a coroutine to its end, on one loop for all."""
    if not _LOOP:
        _LOOP.append(asyncio.new_event_loop())
    try:
        _LOOP[0].run_until_complete(work)
    except BaseExceptionGroup as group:
        _raise_worst(group)


def _raise_worst(error: BaseException) -> None:
    """Of work done side by side: what is no refusal of ours comes first."""
    if not isinstance(error, BaseExceptionGroup):
        raise error
    inner = sorted(error.exceptions, key=lambda one: isinstance(one, ProofgridError))
    _raise_worst(inner[0])


def filled(message: Any, depth: int = 0) -> Any:
    """Fill every field of a message with something that its name makes likely."""
    for field in message.DESCRIPTOR.fields:
        if field.containing_oneof is not None and field.containing_oneof.fields[0] is not field:
            continue
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            _fill_map(message, field)
        elif field.message_type is not None:
            if depth < 4:
                inner = getattr(message, field.name)
                filled(inner.add() if field.is_repeated else inner, depth + 1)
        elif field.is_repeated:
            getattr(message, field.name).append(_likely(field))
        else:
            setattr(message, field.name, _likely(field))
    return message


def _fill_map(message: Any, field: FieldDescriptor) -> None:
    kinds = field.message_type.fields_by_name
    if kinds["value"].message_type is None:
        key = "f" * 64 if field.name == "manifests" else "small" if "class" in field.name else "key"
        getattr(message, field.name)[key] = _likely(kinds["value"], within=field.name)


_LIKELY: Sequence[tuple[str, str]] = (
    ("lease_id", "0198c0de-0000-7000-8000-000000000001"),
    ("task_id", "0198c0de-0000-7000-8000-000000000002"),
    ("_id", "0198c0de-0000-7000-8000-000000000003"),
    ("digest", "f" * 64),
    ("cached_programs", "f" * 64),
    ("source", "f" * 64),
    ("address", CALLER.address),
    ("denied_operators", NETWORK),
    ("operator", CALLER.address),
    ("dropped_leases", "0198c0de-0000-7000-8000-000000000001"),
    ("owner", CALLER.address),
    ("audiences", CALLER.address),
    ("key", "one"),
    ("signature", "0x" + "1" * 128 + "1b"),
    ("inputs_json", '[{"a":1}]'),
    ("_json", "{}"),
    ("manifests", "{}"),
    ("lane", "default/toy@1/small"),
    ("role", "client"),
    ("class", "small"),
    ("state", "done"),
    ("path", "tile/0/000.p/1"),
    ("begins", "0198"),
    ("run", "0" * 32),
    ("engine", "toy@1"),
    ("proof_system", "toy"),
    ("confinement", "rules"),
    ("subnetwork", "default"),
    ("name", "alpha"),
)


def _likely(field: FieldDescriptor, within: str = "") -> Any:
    if field.type == FieldDescriptor.TYPE_STRING:
        return next((text for part, text in _LIKELY if part in (within or field.name)), "text")
    if field.type == FieldDescriptor.TYPE_BYTES:
        return b"\x01\x02"
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return True
    return 1 << 30 if field.name == "memory_bytes" else NOW_MS + 60_000 if field.name == "deadline_ms" else 3


def _piece(body: bytes) -> bytes:
    return len(body[:65_535]).to_bytes(_LENGTH_BYTES, "big") + body[:65_535]


def _pieces(data: bytes) -> Iterator[bytes]:
    place = 0
    while place + _LENGTH_BYTES <= len(data):
        size = int.from_bytes(data[place : place + _LENGTH_BYTES], "big")
        place += _LENGTH_BYTES
        yield data[place : place + size]
        place += size
