"""What a supervisor and its siblings say to each other over their pipes: pickled, each behind its length.

    supervisor -> sibling   Begin, then Living whenever somebody comes or goes, Drain, Stop   (standard input)
    sibling -> supervisor   Prepared, Ready, Alive twice a second, Counted where metrics are read, Ended
                                                                                              (a pipe of its own)

When standard input ends the supervisor is gone, however it went.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import struct
from dataclasses import dataclass

from proofgrid.bootstrap.gateway.running import GatewayFacts
from proofgrid.primitives.errors import ProofgridError
from proofgrid.primitives.ids import GatewayId
from proofgrid.settings.gateway import GatewaySettings
from proofgrid.telemetry.metrics.snapshot import Snapshot

_LENGTH = struct.Struct(">I")


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """Run a gateway."""

    settings: GatewaySettings
    number: int
    count: int
    counts: bool = False  #: somebody reads metrics: it tells its numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Living:
    """These live: they share the chores. The first one lets a sibling accept calls."""

    numbers: tuple[int, ...]
    dead: tuple[GatewayId, ...] = ()  #: gateways that have just died


@dataclass(frozen=True, slots=True)
class Drain:
    """Send everybody elsewhere, then end."""


@dataclass(frozen=True, slots=True)
class Stop:
    """End now."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """It could accept calls."""

    gateway_id: GatewayId


@dataclass(frozen=True, slots=True)
class Ready:
    """It accepts calls."""

    facts: GatewayFacts


@dataclass(frozen=True, slots=True)
class Alive:
    """Its event loop turns."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Its metrics as they are now."""

    numbers: Snapshot


@dataclass(frozen=True, slots=True)
class Ended:
    """It cannot go on."""

    error: ProofgridError


Order = Begin | Living | Drain | Stop
Report = Prepared | Ready | Alive | Counted | Ended


def pack(message: Order | Report) -> bytes:
    """Return the bytes of a message."""
    content = pickle.dumps(message)
    return _LENGTH.pack(len(content)) + content


def read_order(file: int) -> Order | None:
    """Return the next order in the file of this number, or None when there will be none. Blocking."""
    head = _read(file, _LENGTH.size)
    content = _read(file, _LENGTH.unpack(head)[0]) if head else b""
    return pickle.loads(content) if content else None  # noqa: S301 - of our own parent


def _read(file: int, size: int) -> bytes:
    """Return so many bytes, or none when the file ends before. Unbuffered: a process may end while a thread waits."""
    content = b""
    while len(content) < size:
        part = os.read(file, size - len(content))
        if not part:
            return b""
        content += part
    return content


async def read_report(stream: asyncio.StreamReader) -> Report | None:
    """Return the next report, or None when there will be none."""
    try:
        (size,) = _LENGTH.unpack(await stream.readexactly(_LENGTH.size))
        content = await stream.readexactly(size)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return pickle.loads(content)  # type: ignore[no-any-return]  # noqa: S301 - of our own child
