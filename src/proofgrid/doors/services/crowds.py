"""No address has more connections to a gateway than it may: what comes beyond that is hung up on.

gRPC tells Python of no connection that has no call, so who has which is read from this process's own sockets, a few
times a second. Who was there first stays; calls of others notice nothing.
"""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

from proofgrid.wire.addresses import host_of, is_loopback, own_spelling

LOOK_SECONDS = 0.5
_OWN_FILES = "/proc/self/fd" if sys.platform == "linux" else "/dev/fd"

log = structlog.get_logger(__name__)

Peer = tuple[str, int]  #: whose connection, by address and port of the other end


class Crowds:
    """Counts the connections to some ports of this process by the address that they come from.

    `most`: of one address, of IPv6 of its network of 64 bits; 0: any number. `spared`: addresses that are not counted.
    """

    def __init__(self, ports: Collection[int], *, most: int, spared: Callable[[str], bool] = is_loopback) -> None:
        self._ports = frozenset(ports) - {0}
        self._most = most
        self._spared = spared
        self._seen: dict[Peer, None] = {}  #: in the order in which they came

    async def run(self) -> None:
        """Look for ever."""
        while self._most and self._ports:
            await asyncio.sleep(LOOK_SECONDS)
            await asyncio.to_thread(self.look)

    def look(self) -> int:
        """Hang up on what is too many; return on how many."""
        files = [int(path.name) for path in Path(_OWN_FILES).iterdir()]
        if len(files) <= self._most:
            return 0
        here = {peer: number for number in files if (peer := self._peer_of(number)) is not None}
        self._seen = {peer: None for peer in (*self._seen, *here) if peer in here}
        counted: Counter[str] = Counter()
        ended: Counter[str] = Counter()
        for peer in self._seen:
            host = host_of(peer[0])
            counted[host] += 1
            if counted[host] > self._most and self._hang_up(here[peer], peer):
                ended[host] += 1
        for host, number in ended.items():
            log.warning("too_many_connections", host=host, ended=number, most=self._most)
        return ended.total()

    def _peer_of(self, number: int) -> Peer | None:
        """Return who is connected to one of the ports by this file; None where it is something else."""
        with suppress(OSError), _socket_of(number) as ours:
            if ours.family in (socket.AF_INET, socket.AF_INET6) and ours.getsockname()[1] in self._ports:
                host, port = ours.getpeername()[:2]
                return None if self._spared(own_spelling(host)) else (host, port)
        return None

    def _hang_up(self, number: int, peer: Peer) -> bool:
        # The number may be another file by now: looked at again, as what cannot change any more.
        with suppress(OSError), _socket_of(number) as ours:
            if ours.getpeername()[:2] == peer and ours.getsockname()[1] in self._ports:
                ours.shutdown(socket.SHUT_RDWR)
                return True
        return False


@contextmanager
def _socket_of(number: int) -> Iterator[socket.socket]:
    """Yield a second handle of a socket of this process, by its file's number. Raises OSError where it is none."""
    if not stat.S_ISSOCK(os.fstat(number).st_mode):
        raise OSError("no socket")
    with socket.socket(fileno=os.dup(number)) as ours:
        yield ours
