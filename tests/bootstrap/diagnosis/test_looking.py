"""Facts of a machine as `proofgrid doctor` looks them up: files, ports, a disk, a database, a store, a gateway."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
import structlog

import proofgrid
from proofgrid.bootstrap.diagnosis.doctor import examine
from proofgrid.bootstrap.diagnosis.machine import look_at_machine
from proofgrid.bootstrap.diagnosis.places import look_at_certificate, look_at_folder, look_at_key, look_at_port
from proofgrid.bootstrap.diagnosis.services import look_at_dsn, look_at_gateway, look_at_store
from proofgrid.primitives.clock import SystemClock
from proofgrid.rules.diagnosis.finding import Finding, Role, Verdict, is_well
from proofgrid.rules.diagnosis.places import KeyForm
from proofgrid.sdk.keys import encrypt_key, new_key, write_key
from proofgrid.wire.v1 import client_pb2 as messages
from tests.answering_gateway import answering_gateway
from tests.certificates import tls_settings

CLOCK = SystemClock()


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without settings."""
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    return tmp_path


def test_a_machine_is_looked_at(tmp_path: Path) -> None:
    facts = look_at_machine(tmp_path / "not" / "there", CLOCK)
    assert facts.cores >= 1
    assert facts.memory_bytes > 0
    assert 0 < facts.newest_file_ms <= CLOCK.now_ms()
    assert facts.disk is not None
    assert facts.disk.folder == str(tmp_path)  # what is to be made is made there
    assert list(tmp_path.iterdir()) == []


def test_a_key_file_is_recognised_without_being_opened(tmp_path: Path) -> None:
    path = tmp_path / "me.key"
    assert look_at_key(path, has_password=False).form is KeyForm.MISSING
    write_key(new_key(), path)
    assert (look_at_key(path, has_password=False).form, look_at_key(path, has_password=False).mode) == (
        KeyForm.OPEN,
        0o600,
    )
    path.chmod(0o644)
    assert look_at_key(path, has_password=False).mode == 0o644
    encrypt_key(path, password="secret")
    assert look_at_key(path, has_password=True).form is KeyForm.ENCRYPTED
    (tmp_path / "module.key").write_text(json.dumps({"address": "0x", "pkcs11": {}}))
    assert look_at_key(tmp_path / "module.key", has_password=True).form is KeyForm.IN_MODULE
    (tmp_path / "broken.key").write_text("{")
    assert look_at_key(tmp_path / "broken.key", has_password=True).form is KeyForm.BROKEN


def test_a_certificate_belongs_to_its_key(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one, two = tls_settings(tmp_path / "one"), tls_settings(tmp_path / "two")
    facts = look_at_certificate(Path(one["TLS_CERTIFICATE"]), Path(one["TLS_KEY"]))
    assert facts.problem == ""
    assert facts.names
    assert facts.begins_ms < CLOCK.now_ms() < facts.ends_ms
    other = look_at_certificate(Path(one["TLS_CERTIFICATE"]), Path(two["TLS_KEY"]))
    assert "another one's" in other.problem
    assert "cannot be read" in look_at_certificate(tmp_path / "none.pem", None).problem
    assert "no key" in look_at_certificate(Path(one["TLS_CERTIFICATE"]), None).problem


def test_a_folder_is_looked_at_and_not_made(tmp_path: Path) -> None:
    facts = look_at_folder(tmp_path / "data", holds_socket=True)
    assert (facts.is_there, facts.is_writable) == (False, True)
    (tmp_path / "file").touch()
    assert not look_at_folder(tmp_path / "file", holds_socket=True).is_writable
    assert not (tmp_path / "data").exists()


def test_a_port_that_somebody_has_is_told_from_a_free_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert look_at_port("listen", "127.0.0.1", port).problem != ""
    assert look_at_port("listen", "127.0.0.1", port).problem == ""


async def test_a_database_says_what_it_is(database_dsn: str, empty_database_dsn: str) -> None:
    facts = await look_at_dsn(database_dsn, connections=10, clock=CLOCK)
    assert facts.problem == ""
    assert facts.major >= 14
    assert abs(facts.ahead_ms) < 5_000  # the same machine's clock
    assert (facts.pending, facts.is_newer, facts.is_encrypted) == (0, False, True)
    empty = await look_at_dsn(empty_database_dsn, connections=10, clock=CLOCK)
    assert empty.pending > 30
    connection = await asyncpg.connect(database_dsn)
    await connection.execute("INSERT INTO schema_migrations (version, name, digest) VALUES (9999, 'later', 'x')")
    await connection.close()
    assert (await look_at_dsn(database_dsn, connections=10, clock=CLOCK)).is_newer


async def test_a_database_that_does_not_answer_is_named_without_its_password() -> None:
    facts = await look_at_dsn("postgresql://me:secret@127.0.0.1:1/proofgrid", connections=10, clock=CLOCK)
    assert facts.problem
    assert facts.where == "127.0.0.1/proofgrid"
    assert "secret" not in facts.problem


async def test_a_store_is_written_read_and_left_as_it_was(tmp_path: Path) -> None:
    facts = await look_at_store("artifacts", str(tmp_path / "store"))
    assert facts.problem == ""
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []
    (tmp_path / "file").touch()
    assert (await look_at_store("artifacts", str(tmp_path / "file"))).problem != ""


async def test_a_gateway_says_its_release() -> None:
    answer = messages.Network(address=new_key().address, version="9.9.9")
    async with answering_gateway({"GetNetwork": answer}, []) as address:
        facts = await look_at_gateway(address, network="", tls_ca=None)
    assert (facts.problem, facts.version, facts.ours) == ("", "9.9.9", proofgrid.__version__)


async def test_a_gateway_that_is_not_there_is_said(home: Path) -> None:
    facts = await look_at_gateway("127.0.0.1:1", network="", tls_ca=None)
    assert "cannot be reached" in facts.problem


def worst(found: list[Finding], what: str) -> Verdict:
    return max((one.verdict for one in found if one.what == what), key=list(Verdict).index)


async def test_a_gateway_to_be_is_examined(home: Path, database_dsn: str) -> None:
    certificate = tls_settings(home)
    flags = {
        "data_dir": home / "data",
        "listen": "127.0.0.1:0",
        "http": "127.0.0.1:0",
        "dsn": database_dsn,
        "artifacts": str(home / "store"),
        "artifacts_mirror": str(home / "second"),
        **{name.lower(): Path(value) for name, value in certificate.items()},
    }
    found = await examine(Role.GATEWAY, flags, CLOCK)
    assert {"settings", "data directory", "key", "certificate", "database", "schema", "artifacts"} <= {
        one.what for one in found
    }
    # The tests' server keeps no commits, and the shell that runs them may allow few files.
    faults = [one for one in found if one.verdict is Verdict.FAULT and one.what not in ("certificate", "open files")]
    assert ["synchronous_commit is off" in one.said for one in faults] == [True]
    assert not (home / "data").exists()


async def test_a_prover_without_key_and_gateway_is_not_well(home: Path) -> None:
    found = await examine(Role.PROVER, {"gateway": "127.0.0.1:1"}, CLOCK)
    assert worst(found, "key") is Verdict.FAULT
    assert worst(found, "gateway") is Verdict.FAULT
    assert all(one.mend for one in found if one.verdict is Verdict.FAULT)


async def test_settings_that_cannot_be_read_are_a_finding(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "wrong.toml").write_text("[client]\ngatway = 'x'\n")
    monkeypatch.setenv("PROOFGRID_CONFIG", str(home / "wrong.toml"))
    found = await examine(Role.CLIENT, {}, CLOCK)
    assert not is_well(found)
    assert (found[0].what, found[0].mend) == ("settings", "did you mean gateway?")
