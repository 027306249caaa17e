"""Somebody follows the audit log over the wire: exports it, checks it offline, and notices when the past is rewritten.

Go's own packages for transparency logs, which know nothing of this project, check the same folder.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from proofgrid.doors.grpc.hearing import hearing
from proofgrid.doors.services.audit import AuditService
from proofgrid.doors.services.front_door import FrontDoor
from proofgrid.primitives.clock import SystemClock
from proofgrid.primitives.errors import InvalidField, NotAllowed, UnknownKey
from proofgrid.proofs.kit.engine_recipes import find_tool
from proofgrid.roles.audit.keeping import AuditPlacing, RefusedCalls
from proofgrid.roles.intake.audit import AuditLog
from proofgrid.roles.intake.callers import Callers
from proofgrid.rules.audit.checkpoint import Checkpoint, RewrittenLog, audit_key, origin_of
from proofgrid.rules.audit.entries import Entry
from proofgrid.rules.audit.merkle import Frontier
from proofgrid.rules.identity.network_keys import NetworkKeys
from proofgrid.rules.jobs.limits import Limits
from proofgrid.sdk.audit_folder import check_beginning, export_audit_log, verify_folder
from proofgrid.sdk.client import Client
from proofgrid.store.access import GRANT_ROLE
from proofgrid.store.audit import AUDIT_LEAVES, note_entries
from proofgrid.store.database import Database
from proofgrid.store.transactions import Transaction
from proofgrid.telemetry.acting import Act, current_act
from proofgrid.telemetry.seam import observed_by
from proofgrid.wire.v1 import audit_pb2_grpc
from tests.makers import a_key

KEY = a_key(2)
CLIENT = a_key(1)
NETWORK = KEY.address
FOLLOWER = Path(__file__).parent / "follower"


@pytest.fixture
async def address(database: Database) -> AsyncIterator[str]:
    callers = Callers(database, audience=NETWORK, limits=Limits(), clock=SystemClock())
    server, names = grpc.aio.server(), set[str]()
    audit_pb2_grpc.add_AuditServiceServicer_to_server(
        AuditService(FrontDoor(callers), AuditLog(database, NetworkKeys.of(KEY))), hearing(server, names)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    names.add(f"127.0.0.1:{port}")
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(0)


@pytest.fixture
async def admin(address: str) -> AsyncIterator[Client]:
    async with Client(address, KEY, network=NETWORK) as client:
        yield client


async def _grow(database: Database, count: int) -> None:
    entries = [
        Entry(act="Deposit", by=NETWORK, peer="", what={"amount": number}, outcome="done", count=1, at_ms=0)
        for number in range(count)
    ]
    async with database.transaction(Transaction.NOTE_REFUSALS) as connection:
        await note_entries(connection, entries)
    await AuditPlacing(database, NetworkKeys.of(KEY)).step()


async def _rewrite(database: Database, place: int) -> None:
    """What somebody can do who owns the database, and not the network's key."""
    async with database.connection() as connection:
        await connection.raw.execute("ALTER TABLE audit_entries DISABLE TRIGGER ALL")
        await connection.raw.execute(
            "UPDATE audit_entries SET leaf = sha256('\\x00'::bytea || 'another'::bytea), spelled = 'another'"
            " WHERE position = $1",
            place,
        )


async def test_an_export_grows_and_is_checked_offline(database: Database, admin: Client, tmp_path: Path) -> None:
    await _grow(database, 3)
    first = await export_audit_log(admin.admin.audit, tmp_path, NETWORK)
    await _grow(database, 300)
    steps: list[tuple[int, int]] = []
    second = await export_audit_log(
        admin.admin.audit, tmp_path, NETWORK, on_tile=lambda done, total: steps.append((done, total))
    )
    assert (first.size, second.size) == (3, 303)
    assert steps[-1] == (5, 5)  # two tiles of entries, two of hashes, one above
    assert verify_folder(tmp_path, NETWORK) == second
    check_beginning(tmp_path, first)


async def test_independent_software_checks_the_same_folder(database: Database, admin: Client, tmp_path: Path) -> None:
    go = find_tool("go")
    if go is None:
        pytest.skip("no Go here")
    follower = tmp_path / "follower"
    built = await _run([go, "build", "-o", str(follower), "."], cwd=FOLLOWER)
    assert built.returncode == 0, built.stderr
    folder = tmp_path / "log"
    await _grow(database, 5)
    old = await export_audit_log(admin.admin.audit, folder, NETWORK)
    await _grow(database, 300)
    await export_audit_log(admin.admin.audit, folder, NETWORK)
    verifier = json.loads((folder / "key.json").read_text())["verifier"]
    ask = [str(follower), str(folder), verifier, str(old.size), base64.b64encode(old.root).decode()]
    assert (await _run(ask)).stdout == "305\n"
    place = folder / "tile/entries/000"
    place.write_bytes(place.read_bytes().replace(b"Deposit", b"deposit", 1))
    assert (await _run(ask)).returncode == 1


async def _run(command: list[str], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(subprocess.run, command, cwd=cwd, capture_output=True, text=True, check=False)


async def test_a_rewritten_entry_is_noticed_by_whoever_reads_it(
    database: Database, admin: Client, tmp_path: Path
) -> None:
    await _grow(database, 4)
    await export_audit_log(admin.admin.audit, tmp_path / "before", NETWORK)
    await _rewrite(database, 1)
    with pytest.raises(RewrittenLog):
        await admin.admin.audit.entry(1, NETWORK)
    with pytest.raises(RewrittenLog):
        await export_audit_log(admin.admin.audit, tmp_path / "after", NETWORK)


async def test_a_past_that_is_rewritten_and_signed_again_is_noticed_by_whoever_kept_a_checkpoint(
    database: Database, address: str, admin: Client, tmp_path: Path
) -> None:
    """Whoever runs the network has both database and key, and still cannot undo what followers have seen."""
    await _grow(database, 4)
    await database.write(Transaction.CHANGE_ROLES, GRANT_ROLE, address=CLIENT.address, role="client", label="")
    async with Client(address, CLIENT, network=NETWORK) as follower:
        head = await follower.admin.audit.head(NETWORK)
        assert head is not None
        await export_audit_log(admin.admin.audit, tmp_path, NETWORK)
        await _grow(database, 4)
        assert (await follower.admin.audit.check_grown(head.checkpoint, NETWORK)).checkpoint.size == 9
        await _rewrite(database, 1)
        await _sign_again(database)
        with pytest.raises(RewrittenLog, match="the first 4 entries"):
            await follower.admin.audit.check_grown(head.checkpoint, NETWORK)
        with pytest.raises(RewrittenLog):
            await export_audit_log(admin.admin.audit, tmp_path, NETWORK)


async def _sign_again(database: Database) -> None:
    async with database.connection() as connection:
        leaves = await connection.fetch(AUDIT_LEAVES, first=0, beyond=2**40)
        frontier = Frontier().append(leaves)
        note = audit_key(KEY).sign(Checkpoint(origin_of(NETWORK), frontier.size, frontier.root).text)
        await connection.raw.execute("ALTER TABLE audit_checkpoints DISABLE TRIGGER ALL")
        await connection.raw.execute(
            "UPDATE audit_checkpoints SET roots = $1, note = $2 WHERE size = $3",
            list(frontier.roots),
            note,
            frontier.size,
        )


async def test_who_is_no_administrator_sees_the_tree_and_nobodys_deeds(database: Database, address: str) -> None:
    await _grow(database, 2)
    await database.write(Transaction.CHANGE_ROLES, GRANT_ROLE, address=CLIENT.address, role="client", label="")
    async with Client(address, CLIENT, network=NETWORK) as follower:
        assert len(await follower.admin.audit.tile("tile/0/000.p/2")) == 64
        for asked in (
            follower.admin.audit.entries(),
            follower.admin.audit.entry(0, NETWORK),
            follower.admin.audit.entry_tile("tile/entries/000.p/2"),
        ):
            with pytest.raises(NotAllowed):
                await asked
        with pytest.raises(InvalidField):
            await follower.admin.audit.tile("tile/entries/000.p/2")


async def test_a_log_of_another_network_is_refused(database: Database, admin: Client, tmp_path: Path) -> None:
    await _grow(database, 2)
    with pytest.raises(RewrittenLog, match="not confirmed by the network"):
        await admin.admin.audit.head(CLIENT.address)
    await export_audit_log(admin.admin.audit, tmp_path, NETWORK)
    with pytest.raises(RewrittenLog, match="not confirmed by the network"):
        verify_folder(tmp_path, CLIENT.address)


@pytest.mark.parametrize(
    "place",
    ["checkpoint", "key.json", "tile/entries/000.p/5", "tile/0/000.p/5"],
    ids=lambda place: place.split("/")[-2:][0],
)
async def test_any_changed_cut_or_missing_file_of_a_folder_is_noticed(
    database: Database, admin: Client, tmp_path: Path, place: str
) -> None:
    await _grow(database, 5)
    await export_audit_log(admin.admin.audit, tmp_path, NETWORK)
    file = tmp_path / place
    content = file.read_bytes()
    for wrong in (content[:-3], content[:40] + bytes([content[40] ^ 1]) + content[41:], b"", b"\xff" * 100):
        file.write_bytes(wrong)
        with pytest.raises((RewrittenLog, InvalidField)):
            verify_folder(tmp_path, NETWORK)
    file.unlink()
    with pytest.raises((RewrittenLog, InvalidField)):
        verify_folder(tmp_path, NETWORK)


async def test_an_empty_log_has_no_export(admin: Client, tmp_path: Path) -> None:
    assert await admin.admin.audit.head(NETWORK) is None
    with pytest.raises(InvalidField, match="empty"):
        await export_audit_log(admin.admin.audit, tmp_path, NETWORK)


async def test_who_asks_for_what_is_not_theirs_is_known_by_name(database: Database, address: str) -> None:
    refused = RefusedCalls(database, SystemClock())
    with observed_by(refused.hear):
        async with Client(address, CLIENT, network=NETWORK) as stranger:
            with pytest.raises(UnknownKey):
                await stranger.admin.audit.entries()
    await refused.write_down()
    async with database.connection() as connection:
        row = await connection.raw.fetchrow("SELECT act, caller, outcome, peer FROM audit_entries")
    assert (row["act"], row["caller"], row["outcome"]) == ("ListAuditEntries", CLIENT.address, UnknownKey.code)
    assert "127.0.0.1" in row["peer"]


async def test_what_a_call_started_may_speak_of_it_when_it_is_over(database: Database, address: str) -> None:
    """Asking gRPC for the peer of a call that is over ends the whole process."""
    heard: list[Act | None] = []
    with observed_by(lambda ended: heard.append(current_act()) if ended.kind == "call" else None):
        async with Client(address, KEY, network=NETWORK) as admin:
            await admin.admin.audit.head(NETWORK)
    gc.collect()
    (act,) = heard
    assert act is not None
    assert act.peer.startswith("ipv4:127.0.0.1:")
    assert act.request == {}
