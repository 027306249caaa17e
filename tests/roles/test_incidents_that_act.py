"""Signals open one incident, its act is done once whoever sees it and whoever dies, and it ends."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from proofgrid.primitives.clock import ManualClock, SystemClock
from proofgrid.primitives.errors import Busy
from proofgrid.primitives.ids import Address, GatewayId
from proofgrid.primitives.incident_errors import AddressBlocked, AdministrationStopped
from proofgrid.roles.audit.checking import AuditCheck
from proofgrid.roles.audit.keeping import AuditPlacing
from proofgrid.roles.incidents.feeling import Feeling
from proofgrid.roles.incidents.responding import Responding
from proofgrid.roles.intake.abuse import Abuse
from proofgrid.roles.intake.access_list import AccessList
from proofgrid.roles.intake.gate import Gate
from proofgrid.roles.intake.incidents import Incidents
from proofgrid.roles.intake.known_roles import KnownRoles
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.identity.network_keys import NetworkKeys
from proofgrid.rules.incidents.lifecycle import BY_ITSELF, IncidentState
from proofgrid.rules.incidents.signals import ABUSE_MAX, Signal, SlowTogether, starves
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.database import Database
from proofgrid.store.gateways import REGISTER_GATEWAY
from proofgrid.store.incidents import LIST_INCIDENTS, Incident, open_incidents
from proofgrid.store.transactions import Transaction
from proofgrid.telemetry.acting import Act, acting
from tests.makers import a_key
from tests.roles.lanes import LaneUnderTest

KEY = a_key(2)
ADMIN = Caller(KEY.address, frozenset({Role.ADMIN}))
ALICE, BOB, CAROL = (Address(f"0x{name}") for name in ("alice", "bob", "carol"))
TOY = "toy@1.0"
LIE = (
    "INSERT INTO lies (lease_id, kind, operator, prover_id, engine, proven_jobs) "
    "VALUES ($1, $2, $3, $3 || '/a', $4, 99)"
)


async def lie(lane: LaneUnderTest, operator: str, kind: str = "invalid", times: int = 5) -> None:
    for _ in range(times):
        await lane.fetch(LIE, uuid4(), kind, operator, TOY)


async def all_of(database: Database) -> list[Incident]:
    async with database.connection() as connection:
        return await connection.fetch(LIST_INCIDENTS, closed=True, limit=100)


async def open_one(database: Database, signal: Signal) -> None:
    async with database.transaction(Transaction.OPEN_INCIDENT) as connection:
        await open_incidents(connection, [signal])


def responding(database: Database) -> Responding:
    return Responding(database, SystemClock(), silent_ms=6_000)


async def pauses(lane: LaneUnderTest, operator: str) -> list[bool]:
    rows = await lane.fetch(
        "SELECT paused_until_ms > now_ms() + 60000 AS long FROM provers WHERE operator = $1 "
        "UNION ALL SELECT paused_until_ms > now_ms() + 60000 FROM operator_standings WHERE operator = $1",
        operator,
    )
    return [row["long"] for row in rows]


async def test_a_burst_of_invalid_proofs_is_a_quarantine_once_for_all_gateways(lane: LaneUnderTest) -> None:
    await lane.add_prover(ALICE)
    await lane.add_prover(BOB)
    await lie(lane, ALICE)

    await asyncio.gather(*(responding(lane.database).step() for _ in range(3)))

    [incident] = await all_of(lane.database)
    assert (incident.kind, incident.subject, incident.state) == ("invalid_proofs", ALICE, IncidentState.STANDING)
    assert set(await pauses(lane, ALICE)) == {True}
    assert True not in await pauses(lane, BOB)
    assert incident.until_ms is not None
    assert incident.until_ms > incident.opened_ms
    assert await lane.fetch("SELECT FROM audit_entries WHERE act = 'act_on_incident'")


async def test_who_dies_before_the_act_leaves_it_to_the_next(lane: LaneUnderTest) -> None:
    await lane.add_prover(ALICE)
    await open_one(lane.database, Signal(kind="equivocation", subject=ALICE, detail="two results"))
    assert True not in await pauses(lane, ALICE)  # the gateway that opened it died here

    await responding(lane.database).step()
    await responding(lane.database).step()

    assert set(await pauses(lane, ALICE)) == {True}
    assert len(await lane.fetch("SELECT FROM audit_entries WHERE act = 'act_on_incident'")) == 1


async def test_a_quarantine_ends_by_time_and_the_next_one_is_longer(lane: LaneUnderTest) -> None:
    await lane.add_prover(ALICE)
    await lie(lane, ALICE, "false")
    await responding(lane.database).step()
    await lane.fetch("UPDATE incidents SET until_ms = now_ms() - 1")

    await responding(lane.database).step()
    await responding(lane.database).step()  # lies from before its end count no more

    [first] = await all_of(lane.database)
    assert (first.state, first.closed_by) == (IncidentState.CLOSED, BY_ITSELF)
    await lie(lane, ALICE, "false")
    await responding(lane.database).step()
    second, _ = await all_of(lane.database)
    assert second.until_ms is not None
    assert second.until_ms - second.opened_ms == 2 * first.row.first_ms


async def test_an_administrator_ends_a_quarantine_before(lane: LaneUnderTest) -> None:
    await lane.add_prover(ALICE)
    await lie(lane, ALICE)
    await responding(lane.database).step()
    [incident] = await all_of(lane.database)

    closed = await Incidents(lane.database, network=ADMIN.address).close(ADMIN, incident.incident_id)

    assert closed.state is IncidentState.CLOSED
    assert True not in await pauses(lane, ALICE)


async def test_an_engine_whose_proofs_fail_everywhere_is_stopped_until_somebody_ends_it(lane: LaneUnderTest) -> None:
    for operator in (ALICE, BOB, CAROL):
        await lie(lane, operator, times=1)
    await responding(lane.database).step()

    [incident] = await all_of(lane.database)
    assert (incident.kind, incident.subject) == ("engine_broken", TOY)
    assert incident.facts["distrust"] == []
    stops = "SELECT stopped_by FROM engine_stops WHERE engine = $1 AND resumed_ms IS NULL"
    assert [row["stopped_by"] for row in await lane.fetch(stops, TOY)] == ["network"]

    await Incidents(lane.database, network=ADMIN.address).close(ADMIN, incident.incident_id)
    assert await lane.fetch(stops, TOY) == []
    await responding(lane.database).step()
    assert len(await all_of(lane.database)) == 1


async def test_new_operators_say_nothing_of_an_engine(lane: LaneUnderTest) -> None:
    for operator in (ALICE, BOB, CAROL):
        await lie(lane, operator, times=1)
    await lane.fetch("UPDATE lies SET proven_jobs = 7")
    await responding(lane.database).step()
    assert await all_of(lane.database) == []


async def test_a_compromised_key_loses_all_it_may_do(lane: LaneUnderTest) -> None:
    await lane.add_prover(ALICE)
    await lane.fetch("INSERT INTO identities (address, role) VALUES ($1, 'operator') ON CONFLICT DO NOTHING", ALICE)
    await open_one(lane.database, Signal(kind="key_compromised", subject=ALICE, detail="said its owner"))
    await responding(lane.database).step()
    assert await lane.fetch("SELECT FROM identities WHERE address = $1", ALICE) == []
    assert await lane.fetch("SELECT FROM sessions WHERE operator = $1 AND open", ALICE) == []


async def test_what_lasts_only_as_long_as_its_signal_is_over_without_it(lane: LaneUnderTest) -> None:
    await open_one(lane.database, starves("default/toy/small", 700_000))
    await responding(lane.database).step()
    [incident] = await all_of(lane.database)
    assert incident.state is IncidentState.STANDING

    await lane.fetch("UPDATE incidents SET seen_ms = now_ms() - 30000")
    await responding(lane.database).step()
    [incident] = await all_of(lane.database)
    assert (incident.state, incident.closed_by) == (IncidentState.CLOSED, BY_ITSELF)


async def test_a_signal_that_is_seen_again_is_counted_on_the_open_incident(database: Database) -> None:
    signal = starves("default/toy/small", 700_000)
    await open_one(database, signal)
    await open_one(database, signal)
    async with database.connection() as connection:
        await connection.raw.execute("UPDATE incidents SET seen_ms = now_ms() - 20000")
    await open_one(database, signal)
    [incident] = await all_of(database)
    assert incident.times == 2


async def test_an_audit_log_that_was_changed_stops_administration(database: Database) -> None:
    keys = NetworkKeys.of(KEY)
    access = AccessList(database, KnownRoles(database, clock=SystemClock()))
    act = Act("Grant", "ipv4:192.0.2.7:55", dict)
    with acting(act):
        await access.grant(ADMIN, ALICE, Role.CLIENT, label="")
    await AuditPlacing(database, keys).step()
    check = AuditCheck(database, keys)
    await check.look()
    assert await all_of(database) == []

    async with database.connection() as connection:
        await connection.raw.execute("ALTER TABLE audit_entries DISABLE TRIGGER ALL")
        await connection.raw.execute("UPDATE audit_entries SET spelled = '{}'")
    await check.look()

    [incident] = await all_of(database)
    assert incident.kind == "audit_log"
    with acting(act), pytest.raises(AdministrationStopped):
        await access.grant(ADMIN, BOB, Role.CLIENT, label="")
    with acting(act):
        await access.revoke(ADMIN, ALICE, Role.CLIENT)  # what is taken is taken
        await Incidents(database, network=ADMIN.address).close(ADMIN, incident.incident_id)
        await access.grant(ADMIN, BOB, Role.CLIENT, label="")


async def test_strangers_at_an_address_with_too_many_bad_tokens_are_not_looked_at_for_a_while(
    database: Database,
) -> None:
    clock = ManualClock()
    here, there = Abuse(database, clock), Abuse(database, clock)
    for _ in range(ABUSE_MAX):
        here.note("192.0.2.7")
        here.note(f"192.0.2.{_}" if _ != 7 else "")
    await here.look()
    await there.look()
    for one in (here, there):
        with pytest.raises(AddressBlocked):
            one.check("192.0.2.7")
        one.check("192.0.2.8")
    assert [one.subject for one in await all_of(database)] == ["192.0.2.7"]


async def test_a_slow_trickle_of_bad_tokens_is_nothing(database: Database) -> None:
    clock = ManualClock()
    abuse = Abuse(database, clock)
    for _ in range(3 * ABUSE_MAX):
        abuse.note("192.0.2.7")
        await clock.sleep(0.7)
    await abuse.look()
    assert await all_of(database) == []


async def feeling_of(database: Database, folder: Path, clock: SystemClock | ManualClock) -> Feeling:
    return Feeling(
        database,
        ArtifactStore.open(str(folder / "store")),
        clock,
        gateway_id=GatewayId(uuid4()),
        data_dir=folder,
        certificate=None,
    )


async def test_a_gateway_whose_disk_is_full_lets_nothing_new_in(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feeling = await feeling_of(database, tmp_path, SystemClock())
    gate = Gate({}, SystemClock(), sheds=lambda: feeling.sheds)
    await feeling.look()
    async with gate.place(ALICE):
        pass

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(1, 1, 0))
    await feeling.look()

    with pytest.raises(Busy):
        async with gate.place(ALICE):
            pass
    assert [one.kind for one in await all_of(database)] == ["disk_full"]


async def test_a_disk_that_refuses_a_file_is_full_whatever_is_free(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feeling = await feeling_of(database, tmp_path, SystemClock())

    def refused(*_given: object) -> None:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", refused)
        await feeling.look()
    assert feeling.sheds == "disk_full"
    assert [(one.kind, "quota" in one.detail) for one in await all_of(database)] == [("disk_full", True)]
    assert not list(tmp_path.glob("room-*"))  # noqa: ASYNC240 - of a test

    await feeling.look()
    assert not feeling.sheds


async def test_a_database_that_does_not_answer_is_slow_before_it_does(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feeling = await feeling_of(database, tmp_path, SystemClock())
    feeling._database_slow = SlowTogether(slow_seconds=0.05, together_seconds=0.1)
    let_go, asked, real = asyncio.Event(), 0, feeling._answer

    async def held() -> Any:
        nonlocal asked
        asked += 1
        await let_go.wait()
        return await real()

    monkeypatch.setattr(feeling, "_answer", held)
    await feeling.look()
    await feeling.look()
    assert feeling.sheds == "database_slow"
    assert asked == 1  # nobody asks a second question before the first one is answered

    let_go.set()
    feeling._database_slow.slow_seconds = 60.0
    for _ in range(4):
        await feeling.look()
    assert not feeling.sheds


async def test_a_gateway_with_a_wrong_clock_leads_no_more_where_somebody_else_does(
    database: Database, tmp_path: Path
) -> None:
    clock = ManualClock()  # of long ago
    feeling = await feeling_of(database, tmp_path, clock)
    for _ in range(3):
        await feeling.look()
    assert feeling.may_lead  # nobody else does

    await database.write(Transaction.JOIN_NETWORK, REGISTER_GATEWAY, gateway_id=GatewayId(uuid4()))
    await feeling.look()
    assert not feeling.may_lead
    assert [one.kind for one in await all_of(database)] == ["clock_skew"]
