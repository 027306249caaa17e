"""The wire of ere's: what we write is read by the protobuf library, and what it writes by us."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.proofs.kit.services import Service, ServiceFailed
from proofgrid.proofs.systems.sp1 import ere
from tests.proofs.systems.sp1.ere_server import (
    MESSAGES,
    EreServer,
    complains,
    ere_server,
    hands_over,
    names_key,
    runs,
    sends,
)

KEY = bytes(range(32))


@pytest.fixture
def server() -> Iterator[EreServer]:
    with ere_server() as server:
        yield server


def service(server: EreServer) -> Service:
    return Service("127.0.0.1", server.port, is_encrypted=False)


@given(st.binary(max_size=300))
def test_what_we_write_the_library_reads(stdin: bytes) -> None:
    assert MESSAGES["ProveRequest"].FromString(ere.field_of(1, stdin)).input_stdin == stdin


@given(st.binary(max_size=300), st.binary(max_size=300), st.binary(max_size=40))
def test_what_the_library_writes_we_read(public_values: bytes, proof: bytes, report: bytes) -> None:
    ok = MESSAGES["ProveOk"](public_values=public_values, proof=proof, report=report)
    found = ere.fields_in(ok.SerializeToString())
    assert [found.get(number, b"") for number in (1, 2, 3)] == [public_values, proof, report]


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_and_never_more_than_the_library_takes(content: bytes) -> None:
    try:
        found = ere.fields_in(content)
    except ValueError:
        return
    try:
        ok = MESSAGES["ProveOk"].FromString(content)
    except DecodeError:
        return  # the library is stricter on what we skip
    assert found.get(2, b"") == ok.proof


def test_a_service_names_its_program_runs_it_and_proves_it(server: EreServer) -> None:
    server.answers = {
        "ProgramVk": names_key(KEY),
        "Execute": runs(b"shown", 1 << 40),
        "Prove": hands_over(b"shown", b"proof"),
    }
    assert ere.key_of(service(server)) == KEY
    assert ere.execute(service(server), b"stdin") == ere.Run(b"shown", 1 << 40)
    assert ere.prove(service(server), b"stdin") == ere.Proven(b"shown", b"proof")
    assert ere.prove(service(server), b"") == ere.Proven(b"shown", b"proof")
    assert server.stdins() == [b"stdin", b""]


@pytest.mark.parametrize(
    "answer",
    [
        sends(200, b""),
        sends(200, b"\xff" * 40),
        sends(200, b"\x0a\x05abc"),
        sends(200, b"\x0a\x03abc"),
        sends(200, b"<html>busy</html>"),
        sends(200, b"\x1a\x01a"),
    ],
)
def test_an_answer_that_is_none_is_the_services_trouble(server: EreServer, answer: Callable[[Any], None]) -> None:
    server.answers = dict.fromkeys(("ProgramVk", "Execute", "Prove"), answer)
    for ask in (ere.key_of, lambda one: ere.execute(one, b"stdin"), lambda one: ere.prove(one, b"stdin")):
        with pytest.raises(ServiceFailed, match="no answer of ere's"):
            ask(service(server))


@pytest.mark.parametrize("key", [b"", KEY[:-1], KEY + b"0"])
def test_a_key_has_32_bytes(server: EreServer, key: bytes) -> None:
    server.answers["ProgramVk"] = names_key(key)
    with pytest.raises(ServiceFailed, match="none of SP1's"):
        ere.key_of(service(server))


def test_a_run_has_cycles(server: EreServer) -> None:
    ok = MESSAGES["ExecuteOk"](public_values=b"shown", report=bytes(7))
    server.answers["Execute"] = sends(200, MESSAGES["ExecuteResponse"](ok=ok).SerializeToString())
    with pytest.raises(ServiceFailed, match="does not report the cycles"):
        ere.execute(service(server), b"stdin")


def test_what_a_service_complains_of_is_told_apart(server: EreServer) -> None:
    server.answers = {"ProgramVk": complains("ProgramVk", "no key"), "Prove": complains("Prove", "exit code 1")}
    with pytest.raises(ere.ServiceComplains, match="no key"):
        ere.key_of(service(server))
    with pytest.raises(ere.ServiceComplains, match="exit code 1"):
        ere.prove(service(server), b"stdin")
