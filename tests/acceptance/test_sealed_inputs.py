"""An input that was submitted sealed is found nowhere but at the prover that proved it."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import asyncpg
import pytest

from proofgrid.rules.jobs.constraints import Constraints
from tests.networks import running_network
from tests.packages import hiding_system_installed

NUMBERS = [713_905_377, 401_226_918, 950_118_263]


def traces_of(numbers: list[int]) -> list[bytes]:
    """Return what an input would be found by: its JSON, and its tensors, as engines hold them."""
    texts = [json.dumps(numbers), json.dumps(numbers, separators=(",", ":")), *map(str, numbers)]
    tensors = [struct.pack(f"{order}{len(numbers)}{kind}", *numbers) for order in "<>" for kind in "iqfd"]
    return [text.encode() for text in texts] + tensors


async def rows_of(dsn: str) -> bytes:
    """Return all rows of a database as text, and again with their bytes as they are."""
    connection = await asyncpg.connect(dsn)
    try:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        found = []
        for (table,) in tables:
            for row in await connection.fetch(f"SELECT t::text AS text, t.* FROM {table} AS t"):  # noqa: S608
                found.append(row["text"].encode())
                found += [value for value in row.values() if isinstance(value, bytes)]
        return b"\n".join(found)
    finally:
        await connection.close()


def memory_of(pid: int) -> bytes:
    """Return what a core of a process would hold, where this test may look; it is closed to others of the same user."""
    try:
        maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
        with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
            pieces = []
            for begin, end in (line.split()[0].split("-") for line in maps if " rw" in line):
                try:
                    memory.seek(int(begin, 16))
                    pieces.append(memory.read(int(end, 16) - int(begin, 16)))
                except (OSError, ValueError, OverflowError):
                    continue  # the kernel's own
            return b"".join(pieces)
    except OSError:
        return b""


def files_of(root: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink())


def check_unread(content: bytes, where: str) -> None:
    found = [trace for trace in traces_of(NUMBERS) if trace in content]
    assert not found, f"{found} in {where}"


async def test_a_sealed_input_is_found_nowhere_and_its_proof_verifies(
    tmp_path: Path, database_dsn: str, srs_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "net").mkdir()
    with hiding_system_installed(tmp_path / "site", monkeypatch):
        async with running_network(tmp_path / "net", database_dsn, SRS_FILE=str(srs_file)) as network:
            provers = {
                name: await network.start_prover(name, operator, ask=100)
                for name, operator in (("one", "alice"), ("two", "alice"), ("three", "bob"))
            }
            async with network.client() as client:
                source = tmp_path / "nothing"
                source.write_text("{}")
                program = await client.register_program({"model": source}, proof_system="hiding")
                only_alice = Constraints(allowed_operators=frozenset({network.keys["alice"].address}))
                sealed = await client.sealing.submit(
                    program.digest, [NUMBERS], limit_price=1_500, constraints=only_alice
                )
                task = await client.wait(sealed.task.task_id)
                assert task.state == "done", task
                winner = task.jobs[0].prover.rpartition("/")[2]
                await client.fetch_result(task.task_id, tmp_path / "a.bundle")
                events = [event async for event in client.watch(task.task_id)]
            assert sealed.provers == tuple(f"{network.keys['alice'].address}/{name}" for name in ("one", "two"))
            assert winner in ("one", "two")
            assert str(sum(NUMBERS)).encode() in (tmp_path / "a.bundle").read_bytes()

            check_unread(await rows_of(database_dsn), "the database")
            check_unread(files_of(tmp_path), "some file")  # the winner's as well: its job is over
            check_unread(repr(events).encode(), "an event")
            assert network.gateway is not None
            for process in (network.gateway, *(one for name, one in provers.items() if name != winner)):
                for pid in (process.pid, *(child.pid for child in process.children())):
                    check_unread(memory_of(pid), f"the memory of {process.name}")
