"""An input that was submitted sealed is found nowhere but at the prover that proved it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from proofgrid.bootstrap.gateway.store_keys import store_keys_in
from proofgrid.primitives.at_rest import JOB_INPUT
from proofgrid.primitives.errors import IdempotencyConflict, InvalidField
from proofgrid.rules.jobs.constraints import Constraints
from proofgrid.sdk.client import Client
from proofgrid.store.vault import Vault
from proofgrid.wire.v1 import client_pb2 as messages
from tests.networks import Network, running_network
from tests.packages import hiding_system_installed
from tests.searching import NUMBERS, check_unread, files_of, memory_of, rows_of


async def test_a_sealed_input_is_found_nowhere_and_its_proof_verifies(
    tmp_path: Path, database_dsn: str, srs_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "net").mkdir()
    with hiding_system_installed(tmp_path / "site", monkeypatch):
        async with running_network(tmp_path / "net", database_dsn, SRS_FILE=str(srs_file)) as network:
            provers = {name: await network.start_prover(name, "alice", ask=100) for name in ("one", "two")}
            (tmp_path / "nothing").write_text("{}")
            only_alice = Constraints(allowed_operators=frozenset({network.keys["alice"].address}))
            async with network.client() as client:
                program = await client.register_program({"model": tmp_path / "nothing"}, proof_system="hiding")
                sent = requests_of(client, monkeypatch)
                sealed = await client.sealing.submit(
                    program.digest, [NUMBERS], limit_price=1_500, constraints=only_alice
                )
                task = await client.wait(sealed.task.task_id)
                assert task.state == "done", task
                await client.fetch_result(task.task_id, tmp_path / "a.bundle")
                events = [event async for event in client.watch(task.task_id)]
            assert sealed.provers == tuple(f"{network.keys['alice'].address}/{name}" for name in ("one", "two"))
            winner = task.jobs[0].prover.rpartition("/")[2]
            assert winner in ("one", "two")
            assert str(sum(NUMBERS)).encode() in (tmp_path / "a.bundle").read_bytes()

            assert network.gateway is not None
            check_unread(await rows_of(database_dsn), "the database")
            check_unread(files_of(tmp_path), "some file")  # the winner's as well: its job is over
            check_unread(repr(events).encode(), "an event")
            for process in (network.gateway, *(one for name, one in provers.items() if name != winner)):
                for pid in (process.pid, *(child.pid for child in process.children())):
                    check_unread(memory_of(pid), f"the memory of {process.name}")

            await check_that_unsealed_ones_are_found(network, database_dsn, program.digest)
            await check_that_lies_are_nobodys_fault(network, database_dsn, sent[0])


def requests_of(client: Client, monkeypatch: pytest.MonkeyPatch) -> list[messages.SubmitRequest]:
    """Return what a client submits from now on."""
    sent: list[messages.SubmitRequest] = []
    ask = client.connection.ask_in_turn

    async def ask_and_keep(method: Any, request: Any) -> Any:
        sent.append(request)
        return await ask(method, request)

    monkeypatch.setattr(client.connection, "ask_in_turn", ask_and_keep)
    return sent


async def check_that_unsealed_ones_are_found(network: Network, dsn: str, program: str) -> None:
    """What searches for sealed inputs finds others, once somebody opens them with the gateway's store key."""
    keys = Vault(store_keys_in(network.root / "gateway" / "keys" / "store", ""))
    async with network.client() as client:
        task = await client.submit(program, [NUMBERS], limit_price=1_500)
        assert (await client.wait(task.task_id)).state == "done"
    connection = await asyncpg.connect(dsn)
    try:
        stored = await connection.fetchval("SELECT small_input FROM jobs WHERE task_id = $1", UUID(task.task_id))
    finally:
        await connection.close()
    with pytest.raises(AssertionError, match="the database"):
        check_unread(keys.opened(JOB_INPUT, stored), "the database")


async def check_that_lies_are_nobodys_fault(network: Network, dsn: str, honest: messages.SubmitRequest) -> None:
    """A client that says what is not so, or seals garbage, gets no proof, and no prover is blamed."""
    lie, garbage, broken = (messages.SubmitRequest.FromString(honest.SerializeToString()) for _ in range(3))
    facts = json.loads(honest.sealed.jobs[0].facts_json)
    lie.sealed.jobs[0].facts_json = json.dumps({**facts, "output": facts["output"] + 1})
    broken.sealed.jobs[0].facts_json = json.dumps({**facts, "shown": "0" * 64})
    garbage.sealed.jobs[0].locked = bytes(64)
    broken.idempotency_key = "another"
    garbage.idempotency_key = "another, that its seals are not for"
    async with network.client() as client:
        with pytest.raises(InvalidField) as refused:
            await client.connection.ask_in_turn(lambda services: services.client.Submit, broken)
        with pytest.raises(IdempotencyConflict):
            await client.connection.ask_in_turn(lambda services: services.client.Submit, lie)
        task = await client.connection.ask_in_turn(lambda services: services.client.Submit, garbage)
        ended = await client.wait(task.task_id)
    assert (ended.failure_code, ended.spent) == ("PG-514", 0)
    assert refused.value.field == "sealed.facts.shown"
    connection = await asyncpg.connect(dsn)
    try:
        outcomes = await connection.fetch("SELECT outcomes FROM provers WHERE outcomes LIKE '%x%'")
    finally:
        await connection.close()
    assert not outcomes
