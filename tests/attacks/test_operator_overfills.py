"""An operator stores what it likes under a lease: there is room for one proof, and one quota for all its leases."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from proofgrid.primitives.errors import InvalidField, NotAllowed, TooLarge
from proofgrid.rules.jobs.limits import Limits
from proofgrid.rules.jobs.retry import ReturnReason
from proofgrid.store.retention import DAY_MS, Retention, RetentionSettings
from proofgrid.store.stored_artifacts import HAND_OVER_PROOFS
from tests.attacks.worlds import OWNER, OwnedPrograms, operator

MIB = 1 << 20
EVE = operator("eve")


def limited(owned: OwnedPrograms) -> OwnedPrograms:
    return replace(owned, limits=Limits(stored_bytes=10 * MIB, upload_bytes=4 * MIB))


async def test_one_lease_holds_one_proof_however_many_uploads_come_at_once(owned: OwnedPrograms) -> None:
    here = limited(owned)
    lease_id = await here.lease_of(await here.register(), "eve")

    async def upload(number: int) -> bool:
        try:
            await here.upload(EVE, bytes([number]) * (3 * MIB), lease_id=lease_id)
        except TooLarge as refused:
            assert "under this lease" in refused.detail
            return False
        return True

    assert sum(await asyncio.gather(*(upload(number) for number in range(30)))) == 1
    assert await here.counted(EVE) == (3 * MIB, 0)
    await here.upload(EVE, bytes([99]) * MIB, lease_id=lease_id)  # there is room for another try


async def test_many_leases_have_one_quota(owned: OwnedPrograms) -> None:
    here = limited(owned)
    program = await here.register()
    leases = [await here.lease_of(program, f"eve-{number}") for number in range(4)]
    await here.lane.fetch("UPDATE leases SET operator = 'eve'")

    results = await asyncio.gather(
        *(here.upload(EVE, bytes([n]) * (3 * MIB), lease_id=lease) for n, lease in enumerate(leases)),
        return_exceptions=True,
    )
    assert [isinstance(one, TooLarge) for one in results].count(True) == 1
    assert await here.counted(EVE) == (9 * MIB, 0)


async def test_nothing_comes_under_a_lease_of_somebody_else_or_none_or_one_that_is_over(owned: OwnedPrograms) -> None:
    here = limited(owned)
    lease_id = await here.lease_of(await here.register(), "alice")

    with pytest.raises(NotAllowed):
        await here.upload(EVE, b"junk", lease_id=lease_id)
    with pytest.raises(InvalidField):
        await here.upload(EVE, b"junk")
    [lease] = await here.lane.leases()
    await here.lane.give_back(lease, ReturnReason.CHILD_CRASHED)
    with pytest.raises(NotAllowed):
        await here.upload(operator("alice"), b"junk", lease_id=lease_id)
    assert await here.counted(EVE) == await here.counted(operator("alice")) == (0, 0)


async def test_what_a_lease_leaves_behind_is_gone_within_hours_and_a_paid_proof_is_its_clients(
    owned: OwnedPrograms,
) -> None:
    here = limited(owned)
    program = await here.register()
    leases = [await here.lease_of(program, name) for name in ("eve", "alice")]
    junk = await here.upload(EVE, bytes(MIB), lease_id=leases[0])
    proof = await here.upload(operator("alice"), bytes(2 * MIB), lease_id=leases[1])
    before, _ = await here.counted(OWNER)
    await here.lane.ask(HAND_OVER_PROOFS, owners=[OWNER.address], operators=["alice"], digests=[proof], sizes=[2 * MIB])
    assert await here.counted(operator("alice")) == (0, 0)
    assert await here.counted(OWNER) == (before + 2 * MIB, 0)

    settings = RetentionSettings(keep_ms=30 * DAY_MS, grace_ms=-DAY_MS)
    retention = Retention(here.lane.database, here.lane.artifacts, settings)
    await here.lane.fetch("UPDATE artifacts SET created_ms = created_ms - 7200000")
    await retention.tidy()
    assert await here.lane.artifacts.exists(junk)  # its lease is held
    [lease] = [one for one in await here.lane.leases() if one["lease_id"] == leases[0]]
    await here.lane.give_back(lease, ReturnReason.CHILD_CRASHED)
    await retention.tidy()
    assert not await here.lane.artifacts.exists(junk)
    assert await here.lane.artifacts.exists(proof)
    assert await here.counted(EVE) == (0, 0)
