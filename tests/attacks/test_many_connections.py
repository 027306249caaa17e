"""One address that opens connection after connection and calls nothing: nobody else runs out of files for it.

Pins down: of one address so many connections stay, those that were first; others are hung up on, at the ports of a
gateway and nowhere else; whoever calls meanwhile notices nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from structlog.testing import capture_logs

from proofgrid.doors.grpc.server import new_server
from proofgrid.doors.services.crowds import Crowds
from proofgrid.wire.addresses import host_of, is_loopback

MOST = 10
ATTACKER = "127.0.0.7"  #: of this machine, as a stranger's address is of another


def _nobody(_host: str) -> bool:
    return False


@contextmanager
def connected(address: tuple[str, int], number: int, *, source: str) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(socket.create_connection(address, timeout=60, source_address=(source, 0)))
            for _ in range(number)
        ]


@contextmanager
def listening(number: int, *, source: str) -> Iterator[tuple[Crowds, list[socket.socket]]]:
    """A port that somebody has connected to so often; every connection is accepted."""
    with socket.create_server(("127.0.0.1", 0)) as server, ExitStack() as stack:
        theirs = stack.enter_context(connected(server.getsockname(), number, source=source))
        for _ in range(number):
            ours, _address = server.accept()
            stack.callback(ours.close)
        yield Crowds([server.getsockname()[1]], most=MOST, spared=_nobody), theirs


def is_over(theirs: socket.socket) -> bool:
    """Whether the other end hung up; it did before this is asked."""
    theirs.setblocking(False)
    try:
        return theirs.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def test_who_was_there_first_stays_and_what_is_too_many_of_one_address_ends() -> None:
    with listening(MOST - 3, source=ATTACKER) as (crowds, first):
        assert crowds.look() == 0
        assert not any(is_over(one) for one in first)
    with listening(2 * MOST, source=ATTACKER) as (crowds, theirs), capture_logs() as told:
        assert crowds.look() == MOST
        assert sum(map(is_over, theirs)) == MOST
    assert [(one["event"], one["host"], one["ended"]) for one in told] == [("too_many_connections", ATTACKER, MOST)]


def test_those_that_come_later_end_and_not_those_before_them() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, ExitStack() as stack:
        crowds = Crowds([server.getsockname()[1]], most=MOST, spared=_nobody)

        def come(number: int) -> list[socket.socket]:
            theirs = stack.enter_context(connected(server.getsockname(), number, source=ATTACKER))
            for _ in range(number):
                stack.callback(server.accept()[0].close)
            return theirs

        first = come(MOST)
        assert crowds.look() == 0
        later = come(MOST)
        assert crowds.look() == MOST
        assert not any(map(is_over, first))
        assert all(map(is_over, later))


def test_other_ports_and_this_machine_are_not_counted() -> None:
    with listening(2 * MOST, source=ATTACKER) as (crowds, theirs):
        port = theirs[0].getpeername()[1]
        assert Crowds([port], most=MOST).look() == 0  # 127.0.0.0/8 is this machine
        assert Crowds([port + 1], most=MOST, spared=_nobody).look() == 0
        assert Crowds([port], most=2 * MOST, spared=_nobody).look() == 0
        assert crowds.look() == MOST


@pytest.mark.parametrize(
    ("one", "other", "are_one"),
    [
        ("2001:db8::1", "2001:db8::2:3", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("203.0.113.7", "203.0.113.8", False),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.8", False),  # at a port that takes both families
        ("::ffff:203.0.113.7", "203.0.113.7", True),
    ],
)
def test_of_ipv6_a_network_is_one_and_ipv4_in_its_clothes_is_itself(one: str, other: str, are_one: bool) -> None:
    assert (host_of(one) == host_of(other)) is are_one


def test_this_machine_in_ipv6s_clothes_is_this_machine() -> None:
    assert is_loopback(host_of("::ffff:127.0.0.1"))


async def test_a_gateway_answers_others_while_one_address_floods_it_with_connections() -> None:
    server = new_server()
    port = server.add_insecure_port("127.0.0.1:0")
    health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), server)
    await server.start()
    crowds = Crowds([port], most=MOST, spared=_nobody)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        ask: Any = health_pb2_grpc.HealthStub(channel)
        ask = ask.Check
        await ask(health_pb2.HealthCheckRequest())
        with connected(("127.0.0.1", port), 3 * MOST, source=ATTACKER) as theirs:
            for one in theirs:
                one.recv(9)  # the server's first words: it has accepted
            assert crowds.look() == 2 * MOST
            await ask(health_pb2.HealthCheckRequest())
            assert crowds.look() == 0
    await server.stop(0)
