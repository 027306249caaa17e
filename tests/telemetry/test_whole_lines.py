"""Lines of a log that several processes share: each is one write, or another's line would stand in its middle."""

from __future__ import annotations

import json
import socket
import subprocess
import sys

import pytest

PROGRAM = """
import structlog
from proofgrid.telemetry.logs import configure_logs
configure_logs(json_lines={json_lines}, process=1)
for number in range(3):
    structlog.get_logger().info("an_event", number=number, padding="x" * 20_000)
"""


@pytest.mark.parametrize("json_lines", [True, False])
def test_a_line_is_one_write(json_lines: bool) -> None:
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)  # which keeps writes apart
    with ours, its:
        subprocess.run([sys.executable, "-c", PROGRAM.format(json_lines=json_lines)], stderr=its.fileno(), check=True)
        its.close()
        written = []
        while packet := ours.recv(1 << 16):
            written.append(packet.decode())
    assert len(written) == 3
    for number, line in enumerate(written):
        assert line.endswith("\n")
        assert line.count("\n") == 1
        assert f"number={number}" in line or json.loads(line)["number"] == number
