"""Where browsers find the door."""

from __future__ import annotations

import socket

import pytest
from starlette.applications import Starlette

from proofgrid.doors.http.server import HttpDoor
from proofgrid.doors.services.listening import Listen


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
async def test_an_address_is_one_that_browsers_take(host: str, shown: str) -> None:
    try:
        socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError:
        pytest.skip(f"{host} cannot be listened on here")
    door = HttpDoor(Starlette(), Listen(host=host))
    try:
        assert door.address == f"http://{shown}:{door.port}"
    finally:
        await door.close(grace_seconds=0)
