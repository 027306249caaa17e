"""Answers GET /metrics, and nothing else: one answer for each connection, few connections, little patience.

A web framework would be a hundred times of what is needed, in a port that stays open for years.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress

import structlog

from proofgrid.doors.metrics.listen import MetricsListen
from proofgrid.doors.services.listening import server_tls
from proofgrid.primitives.errors import InvalidField
from proofgrid.telemetry.metrics.exposition import OPEN_METRICS, PLAIN, wants_open_metrics, written
from proofgrid.telemetry.metrics.snapshot import Snapshot
from proofgrid.wire.addresses import Target

PATH = "/metrics"
HEAD_BYTES_MAX = 8 << 10
PATIENCE_SECONDS = 5.0  #: for a whole request, and for its answer to be taken
CONNECTIONS_MAX = 16

Read = Callable[[], Snapshot]  #: what there is to tell at this moment; must be quick

log = structlog.get_logger(__name__)


class MetricsDoor:
    """`read` says what there is to tell. Needs `open`, and `close` in the end."""

    def __init__(self, listen: MetricsListen, read: Read) -> None:
        self._listen = listen
        self._read = read
        self._server: asyncio.Server | None = None
        self._connections = 0

    @property
    def port(self) -> int:
        """The port that it listens on, 0 before it is opened."""
        return self._server.sockets[0].getsockname()[1] if self._server is not None and self._server.sockets else 0

    @property
    def address(self) -> str:
        """Where it is read, as people write it."""
        target = Target(self._listen.host, self.port, encrypted=self._listen.certificate is not None)
        return f"{'https' if target.encrypted else 'http'}://{target.address}{PATH}"

    async def open(self) -> None:
        """Answer from now on. Raises InvalidField when the address is taken."""
        try:
            self._server = await asyncio.start_server(
                self._answer,
                self._listen.host,
                self._listen.port,
                limit=HEAD_BYTES_MAX,
                ssl=server_tls(self._listen.certificate, self._listen.private_key),
            )
        except OSError as reason:
            raise InvalidField(
                f"cannot listen on {self._listen.host}:{self._listen.port}: {reason.strerror or reason}",
                field="metrics",
                hint="is another gateway or prover running there?",
            ) from reason
        log.info("metrics_open", address=self.address)

    async def close(self) -> None:
        """Answer no more; nobody is waited for."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        try:
            if self._connections <= CONNECTIONS_MAX:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    writer.write(self._answer_to(await _head(reader)))
                    await writer.drain()
        except (TimeoutError, ConnectionError, ssl.SSLError):
            pass  # whoever does not read is not waited for
        finally:
            self._connections -= 1
            with suppress(ConnectionError, ssl.SSLError):
                writer.close()

    def _answer_to(self, head: bytes | None) -> bytes:
        if head is None:
            return _spelled("431 Request Header Fields Too Large", b"the request is too long\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        method, _, rest = first.partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        if method not in ("GET", "HEAD"):
            return _spelled("405 Method Not Allowed", b"only GET is answered here\n", "Allow: GET, HEAD")
        if path != PATH:
            return _spelled("404 Not Found", f"only {PATH} is here\n".encode())
        if not self._listen.lets_in(headers.get("authorization", "")):
            return _spelled("401 Unauthorized", b"metrics need the token of this gateway\n", "WWW-Authenticate: Bearer")
        as_open_metrics = wants_open_metrics(headers.get("accept", ""))
        body = written(self._read(), as_open_metrics=as_open_metrics)
        kind = OPEN_METRICS if as_open_metrics else PLAIN
        return _spelled("200 OK", body, kind=kind, without_body=method == "HEAD")


async def _head(reader: asyncio.StreamReader) -> bytes | None:
    """Return the head of a request, None where it is too long. Raises ConnectionError where it is not all."""
    try:
        return (await reader.readuntil(b"\r\n\r\n"))[:-4]
    except asyncio.LimitOverrunError:
        return None
    except asyncio.IncompleteReadError as reason:
        raise ConnectionError("the request ended before its end") from reason


def _spelled(
    status: str, body: bytes, *more: str, kind: str = "text/plain; charset=utf-8", without_body: bool = False
) -> bytes:
    head = [
        f"HTTP/1.1 {status}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        "Connection: close",
        *more,
    ]
    return "\r\n".join([*head, "", ""]).encode() + (b"" if without_body else body)
