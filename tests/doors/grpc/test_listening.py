"""Whose a port is: one gateway's alone, or that of several processes that share it, and nobody else's."""

from __future__ import annotations

import socket

import pytest

from proofgrid.doors.grpc.server import bind, new_server
from proofgrid.doors.services.listening import Listen, check_listen, reserved_port
from proofgrid.primitives.errors import InvalidField


async def test_processes_share_a_port_that_nobody_else_gets() -> None:
    with reserved_port(Listen()) as port:
        with pytest.raises(InvalidField, match=f"cannot listen on 127.0.0.1:{port}"):
            check_listen(Listen(port=port))  # nobody listens there yet, and still it is taken
        servers = [new_server(shares_port=True) for _ in range(2)]
        for server in servers:
            assert bind(server, Listen(port=port, is_shared=True)) == port
            await server.start()
        with pytest.raises(InvalidField, match="is another gateway running there"):
            bind(new_server(), Listen(port=port))
        with pytest.raises(InvalidField), reserved_port(Listen(port=port)):
            pass
        for server in servers:
            await server.stop(0)


def test_a_port_in_use_cannot_be_shared() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InvalidField, match=f"cannot listen on 127.0.0.1:{port}"), reserved_port(Listen(port=port)):
            pass
