"""A connection to a network: the gateways' channels, the token on every call, our errors instead of gRPC's.

call -> the gateway we are at -> Unavailable? -> the next one of the list is where everybody goes from now on
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TypeVar

import grpc

from proofgrid.primitives.clock import Clock, SystemClock
from proofgrid.primitives.errors import BadToken, Busy, InvalidField, ProofgridError, Recoverable, Unavailable
from proofgrid.primitives.ids import Address
from proofgrid.primitives.signatures import Signer, parse_address
from proofgrid.rules.access.api_keys import id_of
from proofgrid.sdk.backoff import Backoff
from proofgrid.sdk.pacing import Pace
from proofgrid.sdk.services import Method, Services, StreamMethod, UploadMethod
from proofgrid.sdk.tokens import Metadata, bearing, make_token, purpose_of
from proofgrid.wire.addresses import Target, parse_target
from proofgrid.wire.errors import read_error
from proofgrid.wire.v1 import client_pb2 as messages

OnBusy = Callable[[Busy], None]

T = TypeVar("T")
Request = TypeVar("Request")
Answer = TypeVar("Answer")

CALL_TIMEOUT_SECONDS = 60.0
GREETING_SECONDS = 5.0  #: the first call; a gateway that hangs must not keep us from the others
HEARD_SECONDS = 10.0  #: until a gateway says that it heard a call whose answers are a stream
OPTIONS = [
    ("grpc.max_receive_message_length", 16 << 20),
    ("grpc.max_send_message_length", 16 << 20),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    # Despite its name also how long a connection may take to come about: a far or slow line needs its seconds.
    ("grpc.min_reconnect_backoff_ms", 5_000),
    # A new channel makes a new connection: it is not given the one that the channel before has just left, or its wait.
    ("grpc.use_local_subchannel_pool", 1),
]


def channel_credentials(target: Target, ca_file: Path | None) -> grpc.ChannelCredentials | None:
    """Return the TLS credentials of a target, or None for plain text on this machine."""
    return grpc.ssl_channel_credentials(root_certificates=read_roots(ca_file)) if target.encrypted else None


def read_roots(ca_file: Path | None) -> bytes | None:
    """Return the certificates that gateways are believed by, None for those of the machine. Raises InvalidField."""
    try:
        return ca_file.read_bytes() if ca_file else None
    except OSError as error:
        raise InvalidField(f"{ca_file} cannot be read: {error.strerror}", field="tls_ca") from None


def parse_gateways(gateways: str | Sequence[str]) -> list[Target]:
    """Return the targets of a list of addresses, or of a text in which commas separate them."""
    texts = gateways.split(",") if isinstance(gateways, str) else gateways
    targets = [parse_target(text.strip()) for text in texts if text.strip()]
    if not targets:
        raise InvalidField("at least one gateway", field="gateway", hint="like grpcs://gateway.example:7400")
    return list(dict.fromkeys(targets))


class Connection:
    """The gateways of one network, one key: a signing key, or an API key as text. Use as an async context manager.

    All gateways serve the same network, so any may be asked; calls go to one until it is unavailable.
    `busy_seconds`: how long `ask_in_turn` waits for a busy gateway, 0 not at all, by default as long as for one that is
    away; `on_busy` is told each time.
    """

    def __init__(
        self,
        gateways: str | Sequence[str],
        key: Signer | str | None,
        *,
        network: str | None = None,
        ca_file: Path | None = None,
        patience_seconds: float = 0.0,
        busy_seconds: float | None = None,
        on_busy: OnBusy | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.targets = parse_gateways(gateways)
        self.key = None if isinstance(key, str) else key
        self._api_key = key if isinstance(key, str) else ""
        if self._api_key:
            id_of(self._api_key)
        self._patience_seconds = patience_seconds
        self._busy_seconds = patience_seconds if busy_seconds is None else busy_seconds
        self._on_busy = on_busy
        self._pace = Pace()
        self._clock = clock or SystemClock()
        self._network: Address | None = parse_address(network, field="network") if network else None
        self._credentials = {target: channel_credentials(target, ca_file) for target in self.targets}
        self._channels: dict[Target, grpc.aio.Channel] = {}
        self._stubs: dict[Target, Services] = {}
        self._at = 0

    async def __aenter__(self) -> Connection:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the channels."""
        for channel in self._channels.values():
            await channel.close(None)

    @property
    def target(self) -> Target:
        """The gateway that is called now."""
        return self.targets[self._at]

    @property
    def channel(self) -> grpc.aio.Channel:
        """The channel to that gateway."""
        target = self.target
        channel = self._channels.get(target)
        if channel is None:
            credentials = self._credentials[target]
            channel = self._channels[target] = (
                grpc.aio.secure_channel(target.address, credentials, options=OPTIONS)
                if credentials is not None
                else grpc.aio.insecure_channel(target.address, options=OPTIONS)
            )
        return channel

    def judge(self, error: grpc.RpcError, target: Target) -> ProofgridError:
        """Return our error for a call that failed at `target`; when that gateway is unavailable, leave it."""
        ours = read_error(error)
        return self.leave(ours, target) if isinstance(ours, Unavailable) else ours

    def leave(self, error: Unavailable, target: Target) -> Unavailable:
        """Go to the next gateway, because of an error at `target`; return the error."""
        # Many calls fail when a gateway dies; only the first may move on, or they would move in circles.
        if target == self.target:
            self._at = (self._at + 1) % len(self.targets)
        return error

    async def patiently(
        self,
        attempt: Callable[[], Awaitable[T]],
        *,
        on: tuple[type[ProofgridError], ...] = (Recoverable,),
        but: tuple[type[ProofgridError], ...] = (),
    ) -> T:
        """Do what may safely be done twice, again and at other gateways for as long as patience lasts."""
        backoff = self.backoff()
        while True:
            try:
                return await attempt()
            except on as error:
                if isinstance(error, but):
                    raise
                await backoff.wait(error)

    def backoff(self) -> Backoff:
        """Return the patience for one piece of work."""
        return Backoff(patience_seconds=self._patience_seconds, gateways=len(self.targets))

    async def network(self) -> Address:
        """Return the address of the network's key. A pinned one is not asked for."""
        if self._network is None:
            target = self.target
            try:
                facts = await self._services().client.GetNetwork(messages.GetNetworkRequest(), timeout=GREETING_SECONDS)
            except grpc.RpcError as error:
                raise self.judge(error, target) from None
            self._network = parse_address(facts.address, field="network")
        return self._network

    async def metadata(self, path: str, body: bytes) -> Metadata:
        """Return the metadata that signs a call of the gateway that we are at: once, and for these bytes.

        `path`: of the method; `body`: its first message, as it will be sent. For calls that are made with `channel`.
        """
        await self._ready()
        return self._sign(path, body, self.target)

    async def call(
        self,
        method: Method[Request, Answer],
        request: Request,
        *,
        timeout: float | None = CALL_TIMEOUT_SECONDS,
    ) -> Answer:
        """Make a unary call; raise the ProofgridError that it was refused with, or Unavailable."""
        await self._ready()
        target = self.target
        try:
            return await method(self._services())(request, timeout=timeout)
        except grpc.RpcError as error:
            raise self.judge(error, target) from None

    async def ask(self, method: Method[Request, Answer], request: Request) -> Answer:
        """Make a call that may safely be made twice, again while no gateway answers."""
        return await self.patiently(lambda: self.call(method, request))

    async def ask_in_turn(self, method: Method[Request, Answer], request: Request) -> Answer:
        """Make a call that gateways refuse while they are busy, as `ask`; again when they said so.

        Calls of one connection go out at the pace that gateways take them (sdk/pacing.py). Raises Busy when the
        patience for that is over.
        """
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + self._busy_seconds
        while True:
            try:
                async with self._pace.turn(patience_seconds=give_up_at - loop.time()):
                    return await self.patiently(lambda: self.call(method, request), but=(Busy,))
            except Busy as error:
                seconds = error.wait_ms / 1_000 * self._pace.jitter()
                if loop.time() + seconds >= give_up_at:
                    raise
                if self._on_busy is not None:
                    self._on_busy(error)
                await asyncio.sleep(seconds)

    async def upload(self, method: UploadMethod[Request, Answer], parts: AsyncIterator[Request]) -> Answer:
        """Make a call that says many things and gets one answer, with the same errors, once."""
        await self._ready()
        target = self.target
        try:
            return await method(self._services())(parts)
        except TimeoutError:
            raise self.leave(Unavailable("the gateway neither takes the upload nor refuses it"), target) from None
        except grpc.RpcError as error:
            raise self.judge(error, target) from None

    async def stream(self, method: StreamMethod[Request, Answer], request: Request) -> AsyncGenerator[Answer, None]:
        """Read a streaming call to its end, with the same errors."""
        await self._ready()
        target = self.target
        answers = method(self._services())(request)
        try:
            # A stream may be silent for long, but a gateway that heard us says so: one that closes may never do.
            async with asyncio.timeout(HEARD_SECONDS):
                await answers.initial_metadata()
            async for answer in answers:
                yield answer
        except TimeoutError:
            raise self.leave(Unavailable(f"no answer within {HEARD_SECONDS:g} s"), target) from None
        except grpc.RpcError as error:
            raise self.judge(error, target) from None
        finally:
            answers.cancel()

    async def read(self, method: StreamMethod[Request, Answer], request: Request) -> AsyncGenerator[Answer, None]:
        """Read a streaming call that may safely begin twice: again and at other gateways until something has come.

        After that Unavailable is raised when it breaks off, as by `stream`.
        """
        backoff = self.backoff()
        begun = False
        while True:
            try:
                async with aclosing(self.stream(method, request)) as answers:
                    async for answer in answers:
                        begun = True
                        yield answer
                return
            except Recoverable as error:
                if begun:
                    raise
                await backoff.wait(error)

    async def _ready(self) -> None:
        """Know whom to sign for, and with what. Raises BadToken without a key."""
        if self.key is None and not self._api_key:
            raise BadToken("this call needs a key", hint="give --key FILE, or make one: proofgrid keys new")
        await self.network()

    def _services(self) -> Services:
        target = self.target
        services = self._stubs.get(target)
        if services is None:
            services = self._stubs[target] = Services(self.channel, lambda path, body: self._sign(path, body, target))
        return services

    def _sign(self, path: str, body: bytes, target: Target) -> Metadata:
        """Return nothing as long as it is not known whom to sign for: what is asked then is asked by anybody."""
        if self._network is None:
            return ()
        if self.key is None:
            return bearing(self._api_key) if self._api_key else ()
        purpose = purpose_of(path, body, gateway=target.name)
        return bearing(make_token(self.key, network=self._network, purpose=purpose, now_ms=self._clock.now_ms()))
