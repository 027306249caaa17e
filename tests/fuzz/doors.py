"""The doors and use cases of a gateway as they are, over a world that ends a call when it is touched."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from proofgrid.primitives.errors import InvalidRequest, ProofgridError
from proofgrid.roles.intake import intake as all_of_it
from proofgrid.roles.intake.intake import Intake
from proofgrid.rules.access.roles import Caller
from proofgrid.rules.jobs.limits import Limits
from proofgrid.sdk.tokens import bearing, make_token, purpose_of
from tests.fuzz.likely import CALLER, NETWORK, NOW_MS
from tests.makers import a_key

First = TypeVar("First")
TOKEN = make_token(a_key(2), network=NETWORK, purpose=purpose_of("/toy", b"", gateway="gateway.example"), now_ms=NOW_MS)


class Reached(InvalidRequest):
    """The world was asked: everything before was read. A door answers it as it answers what somebody asked wrongly."""

    code = "PG-999"  # a test looks that no two errors share one


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

    async def admit_stream(
        self, _context: object, _use_case: object, read: Callable[[], Awaitable[First]]
    ) -> tuple[Caller, First]:
        return CALLER, await read()

    def admit_stranger(self, _context: object) -> None: ...

    def weigh_json(self, _caller: object, *_texts: str) -> None: ...

    async def pace_stream(self, *_: object) -> None: ...

    async def pace_bytes(self, *_: object) -> None: ...


class OneCall:
    """A call's context: what its caller sends, and where it comes from."""

    def __init__(self, sent: Sequence[Message] = ()) -> None:
        self._sent = list(sent)

    def peer(self) -> str:
        return "ipv4:10.0.0.1:4711"

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return bearing(TOKEN)

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


class Services:
    def __init__(self) -> None:
        self.methods: list[Method] = []

    def add_generic_rpc_handlers(self, _handlers: object) -> None: ...

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        for name, one in sorted(handlers.items()):
            call = one.unary_unary or one.unary_stream or one.stream_unary or one.stream_stream
            kind = one.request_deserializer.__self__ if hasattr(one.request_deserializer, "__self__") else None
            message = (lambda read=one.request_deserializer: read(b"")) if kind is None else kind
            self.methods.append(Method(f"{service}/{name}", call, message, bool(one.request_streaming)))


def intake_over_nothing() -> Intake:
    parts: dict[str, Any] = {}
    known = {"limits": Limits(), "here": ()}  # what is looked at while it is made
    for name, kind in inspect.get_annotations(Intake).items():
        cls = getattr(all_of_it, kind)
        asked = inspect.signature(cls).parameters.values()
        made = {one.name: known.get(one.name, World()) for one in asked if one.default is one.empty}
        parts[name] = _OpenGate() if name == "gate" else Limits() if cls is Limits else cls(**made)
    return Intake(**parts)


class _OpenGate:
    def place(self, _client: object, **_: object) -> AbstractContextManager[None]:
        return _Place()


class _Place(nullcontext[None]):
    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...


_LOOP: list[asyncio.AbstractEventLoop] = []


def run(work: Any) -> Any:
    """Return what a coroutine comes to, on one loop for all."""
    if not _LOOP:
        _LOOP.append(asyncio.new_event_loop())
    try:
        return _LOOP[0].run_until_complete(work)
    except BaseExceptionGroup as group:
        _raise_worst(group)


def _raise_worst(error: BaseException) -> None:
    """Of work done side by side: what is no refusal of ours comes first."""
    if not isinstance(error, BaseExceptionGroup):
        raise error
    inner = sorted(error.exceptions, key=lambda one: isinstance(one, ProofgridError))
    _raise_worst(inner[0])
