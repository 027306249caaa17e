"""Stubs are made in one place, so no call can be bound to the gateway that its connection has left."""

from __future__ import annotations

import re
from pathlib import Path

import grpc

import proofgrid
from proofgrid.sdk.services import Services

SOURCES = Path(proofgrid.__file__).parent
STUB = re.compile(r"\b\w+Service(?:Async)?Stub\b")


def test_no_other_module_makes_stubs() -> None:
    making = {
        str(path.relative_to(SOURCES))
        for path in SOURCES.rglob("*.py")
        if not path.name.endswith("_pb2_grpc.py") and STUB.search(path.read_text())
    }
    # A prover's link makes a channel for each connection, on a thread of its own.
    assert making == {"sdk/services.py", "roles/prover/link.py"}


async def test_every_service_that_clients_call_is_there() -> None:
    generated = {
        name.removesuffix("Stub")
        for path in (SOURCES / "wire" / "v1").glob("*_pb2_grpc.py")
        for name in re.findall(r"^class (\w+Stub)\b", path.read_text(), re.MULTILINE)
    }
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
        made = {type(stub).__name__.removesuffix("Stub") for stub in vars(Services(channel)).values()}
    assert made == generated - {"ProverService"}
