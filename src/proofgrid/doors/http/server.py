"""uvicorn in the gateway's own event loop: a bound socket, an application, and how long strangers may keep waiting."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Generator

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from proofgrid.doors.services.listening import Listen, server_tls, take_socket
from proofgrid.wire.addresses import Target

HEAD_BYTES_MAX = 32 << 10  #: request line and headers
HEAD_SECONDS = 10.0  #: a connection that says nothing, or half of a request's head, is ended after this
IDLE_SECONDS = 75  #: one without requests as well: who needs it again makes it again
CONNECTIONS_MAX = 8_192
BACKLOG = 2_048


class HttpDoor:
    """A server whose port is taken; it answers once it is opened."""

    def __init__(self, app: ASGIApp, listen: Listen) -> None:
        self._socket = take_socket(listen)
        self._server = _Server(app, server_tls(listen.certificate, listen.private_key))
        self.port: int = self._socket.getsockname()[1]
        self._target = Target(listen.host, self.port, encrypted=listen.is_encrypted)

    @property
    def address(self) -> str:
        """Where browsers find it: scheme://host:port."""
        return f"{'https' if self._target.encrypted else 'http'}://{self._target.address}"

    async def open(self) -> None:
        """Answer from now on."""
        await self._server.startup(sockets=[self._socket])

    async def run(self) -> None:
        """Keep what answers tell of the time, until cancelled."""
        await self._server.main_loop()

    async def close(self, *, grace_seconds: float) -> None:
        """Accept no more requests; those under way may take so long. Closing twice is no mistake."""
        if self._server.started:
            self._server.started = False
            self._server.config.timeout_graceful_shutdown = grace_seconds  # type: ignore[assignment]  # seconds
            await self._server.shutdown()
        self._socket.close()


class _Server(uvicorn.Server):
    """Leaves signals to the gateway, and ends handshakes that last."""

    def __init__(self, app: ASGIApp, tls: ssl.SSLContext | None) -> None:
        config = uvicorn.Config(
            app,
            http=_Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            h11_max_incomplete_event_size=HEAD_BYTES_MAX,
            timeout_keep_alive=IDLE_SECONDS,
            limit_concurrency=CONNECTIONS_MAX,
            reset_contextvars=True,
        )
        super().__init__(config)
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # what fails is logged where it does
        config.load()
        config.ssl = tls
        self.lifespan = config.lifespan_class(config)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        loop = asyncio.get_running_loop()
        await self.on_tick(0)  # the date of the first answers

        def protocol() -> asyncio.Protocol:
            return _Protocol(config=self.config, server_state=self.server_state, app_state={}, _loop=loop)

        timeout = None if self.config.ssl is None else HEAD_SECONDS
        self.servers = [
            await loop.create_server(
                protocol, sock=one, ssl=self.config.ssl, ssl_handshake_timeout=timeout, backlog=BACKLOG
            )
            for one in sockets or ()
        ]
        self.started = True

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class _Protocol(H11Protocol):
    """A connection that is ended when it has nothing under way and says only parts of what comes next."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def _watch(self) -> None:
        # Not begun anew with every byte: a head in drops is half of a head.
        if self.cycle is not None and not self.cycle.response_complete:
            self._forget()
        elif self._waiting is None and self.timeout_keep_alive_task is None:
            self._waiting = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _forget(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
