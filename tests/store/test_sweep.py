"""Store keys: which one locks, and how what was stored before comes under it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from proofgrid.primitives.at_rest import JOB_INPUT, StoreKey, key_id_of
from proofgrid.primitives.digests import Digest
from proofgrid.primitives.ids import GatewayId
from proofgrid.primitives.sealing_errors import StoreKeyMissing
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.database import Database
from proofgrid.store.gateways import REGISTER_GATEWAY
from proofgrid.store.lanes import GATEWAY_SILENT_MS
from proofgrid.store.mirror import DatabaseRepairList, MirroredStore
from proofgrid.store.store_keys import EVERY_STORE_KEY, RETIRE_STORE_KEY, StoreKeys
from proofgrid.store.sweep import Sweep
from proofgrid.store.transactions import Transaction
from proofgrid.store.vault import Vault
from tests.store.test_artifacts import read

OLD, NEW = StoreKey(b"1" * 32), StoreKey(b"2" * 32)


class GatewayUnderTest:
    """One gateway's vault, and the key files in its folder; its own connections to the network's database."""

    def __init__(self, database: Database, *keys: StoreKey) -> None:
        self.database = database
        self.vault = Vault()
        self.files = list(keys)
        database.vault = self.vault
        self.keys = StoreKeys(database, lambda: iter(self.files))

    async def join(self) -> None:
        await self.keys.open()
        self.keys.gateway_id = GatewayId(uuid4())
        async with self.database.transaction(Transaction.JOIN_NETWORK) as connection:
            await connection.run(REGISTER_GATEWAY, gateway_id=self.keys.gateway_id)
            await self.keys.note(connection)

    async def get(self, key: StoreKey) -> None:
        """Copy a key's file into its folder, and let it look."""
        self.files.append(key)
        await self.keys.look()


@pytest.fixture
async def others(database: Database) -> AsyncIterator[Database]:
    """Another gateway's connections to the same database."""
    other = await Database.connect(database.dsn, size=2)
    yield other
    await other.close()


async def retire(database: Database, key: StoreKey, *, lost: bool = False) -> bool:
    return bool(await database.write(Transaction.TIDY_ARTIFACTS, RETIRE_STORE_KEY, key_id=key.key_id, lost=lost))


async def test_a_key_locks_once_all_living_gateways_have_it(database: Database, others: Database) -> None:
    one, other = GatewayUnderTest(database, OLD), GatewayUnderTest(others, OLD)
    await one.join()
    await other.join()
    assert one.vault.writes == other.vault.writes == OLD.key_id

    await one.get(NEW)
    assert one.vault.writes == OLD.key_id
    await other.get(NEW)
    await one.keys.look()
    assert one.vault.writes == other.vault.writes == NEW.key_id
    async with database.connection() as connection:
        known = await connection.fetch(EVERY_STORE_KEY, gateway_silent_ms=GATEWAY_SILENT_MS)
    assert [(one.key_id, one.at, one.gateways) for one in known] == [(NEW.key_id, 2, 2), (OLD.key_id, 2, 2)]


async def test_while_a_gateway_of_the_release_before_lives_nothing_is_locked(
    database: Database, others: Database
) -> None:
    await others.write(Transaction.JOIN_NETWORK, REGISTER_GATEWAY, gateway_id=GatewayId(uuid4()))
    new = GatewayUnderTest(database, OLD)
    await new.join()
    assert new.vault.writes is None

    async with others.transaction(Transaction.JOIN_NETWORK) as connection:
        await connection.raw.execute("UPDATE gateways SET seen_ms = 0 WHERE store_keys = '{}'")
    await new.keys.look()
    assert new.vault.writes == OLD.key_id


async def test_a_gateway_without_a_key_that_is_needed_does_not_start(database: Database, others: Database) -> None:
    await GatewayUnderTest(database, OLD).join()

    with pytest.raises(StoreKeyMissing) as missing:
        await GatewayUnderTest(others, NEW).join()
    assert OLD.key_id in str(missing.value)

    assert not await retire(database, OLD)
    assert await retire(database, OLD, lost=True)
    await GatewayUnderTest(others, NEW).keys.open()


async def test_what_lay_open_and_what_an_older_key_locked_comes_under_the_new_one(
    database: Database, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    digests = [
        await write(first, second, content, *keys)
        for content, keys in ((b"open", ()), (b"old", (OLD,)), (b"new", (OLD, NEW)))
    ]
    inputs = {uuid4(): content for content in (b"open", OLD.lock(JOB_INPUT, b"old"), NEW.lock(JOB_INPUT, b"new"))}
    await add_jobs(database, inputs)
    gateway = GatewayUnderTest(database, OLD, NEW)
    await gateway.join()
    store = store_of(first, second, gateway.vault, database)
    await store.set_aside(digests[0])

    assert await Sweep(database, store, known_ms=-1).sweep() == 2 * 2 + 2
    files = [path for root in (first, second) for path in root.rglob("*") if path.is_file()]
    assert {key_id_of(path.read_bytes()) for path in files} == {NEW.key_id}
    assert [await read(store, digest) for digest in digests] == [b"open", b"old", b"new"]
    async with database.connection() as connection:
        rows = await connection.raw.fetch("SELECT job_id, small_input FROM jobs")
    assert {NEW.open(JOB_INPUT, row["small_input"]) for row in rows} == {b"open", b"old", b"new"}

    assert await Sweep(database, store, known_ms=-1).sweep() == 0
    assert await retire(database, OLD)


async def write(first: Path, second: Path, content: bytes, *keys: StoreKey) -> Digest:
    """Store content as a gateway did that had these keys."""
    vault = Vault(keys, writes=keys[-1].key_id if keys else None)
    for root in (first, second):
        digest = await ArtifactStore.open(str(root), vault=vault).put_bytes(content)
    return digest


def store_of(first: Path, second: Path, vault: Vault, database: Database) -> MirroredStore:
    primary, other = (ArtifactStore.open(str(root), vault=vault) for root in (first, second))
    return MirroredStore(primary, other, DatabaseRepairList(database))


async def add_jobs(database: Database, inputs: dict[UUID, bytes]) -> None:
    """Write jobs down with these inputs, whatever else they are."""
    async with database.transaction(Transaction.TIDY_ARTIFACTS) as connection:
        await connection.raw.execute("SET LOCAL session_replication_role = replica")  # of no task
        await connection.raw.executemany(
            "INSERT INTO jobs (job_id, task_id, slice, input, position, state, lane, class, units, memory_bytes,"
            " input_digest, facts, small_input) VALUES ($1, $1, 0, 0, 0, 'ready', '', '', 1, 1, '', '{}', $2)",
            list(inputs.items()),
        )
