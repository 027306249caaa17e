"""Somebody copies what a network stores: its database, its artifacts, their second copies, a backup, logs, caches."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest

from proofgrid.bootstrap.gateway.store_keys import store_keys_in
from proofgrid.primitives.at_rest import ARTIFACT, JOB_INPUT, key_id_of
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.vault import Vault
from tests.cli.commands import proofgrid
from tests.networks import Network, running_network
from tests.packages import hiding_system_installed
from tests.searching import NUMBERS, check_unread, files_of, rows_of

MANY = [*NUMBERS, *range(10_000_000, 10_001_000)]  #: too many to live in a row


async def test_whoever_copies_what_is_stored_reads_no_input(
    tmp_path: Path, database_dsn: str, srs_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "nothing").write_text("{}")
    second = tmp_path / "second"
    with hiding_system_installed(tmp_path / "site", monkeypatch):
        settings = {"SRS_FILE": str(srs_file), "ARTIFACTS_MIRROR": str(second), "WORKERS": "1"}
        async with running_network(tmp_path / "net", database_dsn, **settings) as network, network.client() as client:
            program = await client.register_program({"model": tmp_path / "nothing"}, proof_system="hiding")
            tasks = [await client.submit(program.digest, [one], limit_price=1_500) for one in (NUMBERS, MANY)]

            check_unread(await rows_of(database_dsn), "a row, while it waits")
            check_unread(files_of(tmp_path), "a file, while it waits")
            await asyncio.to_thread(back_up, network, tmp_path / "backup", second)
            check_unread(files_of(tmp_path / "backup"), "a backup")
            await check_that_keys_open_both(network, database_dsn)

            await network.start_prover("p", "alice", ask=100)
            for task in tasks:
                assert (await client.wait(task.task_id)).state == "done"
            check_unread(await rows_of(database_dsn), "a row")
            check_unread(files_of(tmp_path), "a file")  # the prover's as well: its jobs are over


def back_up(network: Network, folder: Path, second: Path) -> None:
    """Back up a network while it runs, as its administrator does."""
    data = ["--data-dir", str(network.root / "gateway"), "--dsn", network.dsn]
    done = proofgrid("admin", "backup", "--out", str(folder), *data, home=folder.parent)
    assert done.returncode == 0, done.stderr
    assert len(list((folder / "artifacts" / "sha256").rglob("*"))) > 1
    assert len(list((second / "sha256").rglob("*"))) > 1


async def check_that_keys_open_both(network: Network, dsn: str) -> None:
    """What was searched is where it was searched for: whoever has the key file finds it there."""
    vault = Vault(store_keys_in(network.root / "gateway" / "keys" / "store", ""))
    connection = await asyncpg.connect(dsn)
    try:
        [small] = await connection.fetchval("SELECT array_agg(small_input) FROM jobs WHERE small_input <> ''")
        [large] = await connection.fetchval("SELECT array_agg(input_digest) FROM jobs WHERE small_input IS NULL")
    finally:
        await connection.close()
    folder = network.root / "gateway" / "artifacts"
    stored = (folder / "sha256" / large[:2] / large).read_bytes()
    assert key_id_of(small) == key_id_of(stored) == vault.held[0]
    for opened in (
        vault.opened(JOB_INPUT, small),
        vault.opened(ARTIFACT, stored),
        await ArtifactStore.open(str(folder), vault=vault).read_bytes(large, limit_bytes=1 << 20),
    ):
        with pytest.raises(AssertionError):
            check_unread(opened, "what the key opens")
