"""Owners share their programs, take that back, and delete them; what is and was proven with them stays right."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import InUse, NotAllowed, NotAMember, UnknownArtifact, UnknownProgram
from proofgrid.primitives.signatures import parse_address
from proofgrid.proofs.library import ProgramLibrary
from proofgrid.proofs.manifest import program_from_json
from proofgrid.roles.intake.ownership import Ownership
from proofgrid.roles.intake.programs import HOLDS_MS, KnownPrograms, Programs
from proofgrid.roles.intake.registration import write_program
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.store.cache import LocalCache
from proofgrid.store.programs import GET_PROGRAM
from proofgrid.store.reservations import BYTES_OF
from proofgrid.store.retention import DAY_MS, Retention, RetentionSettings
from tests.attacks.worlds import FILES, OWNER, STRANGER, OwnedPrograms
from tests.roles.lanes import LaneUnderTest

BYTES = sum(map(len, FILES.values()))
MEMBER = Caller(parse_address("0x" + "e" * 40), frozenset({Role.CLIENT}))


@pytest.fixture
def owned(lane: LaneUnderTest) -> OwnedPrograms:
    return OwnedPrograms(lane)


def ownership(owned: OwnedPrograms) -> tuple[Ownership, KnownPrograms, ManualClock]:
    clock = ManualClock()
    known = KnownPrograms(owned.lane.database, clock)
    return Ownership(owned.lane.database, known), known, clock


def retention(owned: OwnedPrograms) -> Retention:
    return Retention(
        owned.lane.database, owned.lane.artifacts, RetentionSettings(keep_ms=30 * DAY_MS, grace_ms=-DAY_MS)
    )


async def stored(owned: OwnedPrograms, caller: Caller) -> int:
    [held] = await owned.lane.ask(BYTES_OF, owner=caller.address, digest="", lease_id=None)
    return held.stored


async def test_a_program_is_shared_with_a_key_and_taken_back_and_its_files_stay_where_they_are(
    owned: OwnedPrograms,
) -> None:
    program = await owned.register()
    desk, known, clock = ownership(owned)

    shown = await desk.share(OWNER, program.digest, [MEMBER.address])
    assert shown.shared_with == {MEMBER.address}
    await known.check_may_use(MEMBER.address, program.digest, subnetwork="default")
    assert [one.label for one in await Programs(owned.lane.database).list_for(MEMBER, limit=9)] == ["mine"]
    with pytest.raises(UnknownArtifact):
        await owned.download(MEMBER, program.files["model-0"])
    with pytest.raises(NotAllowed):
        await known.check_may_use(STRANGER.address, program.digest, subnetwork="default")

    elsewhere = KnownPrograms(owned.lane.database, clock)  # of another gateway, which has seen that it is shared
    await elsewhere.check_may_use(MEMBER.address, program.digest, subnetwork="default")
    assert (await desk.unshare(OWNER, program.digest, [])).shared_with == frozenset()
    with pytest.raises(NotAllowed):
        await known.check_may_use(MEMBER.address, program.digest, subnetwork="default")
    await clock.sleep(HOLDS_MS / 1_000)
    with pytest.raises(NotAllowed):
        await elsewhere.check_may_use(MEMBER.address, program.digest, subnetwork="default")


async def test_a_subnetworks_clients_use_it_in_their_lanes_for_as_long_as_they_belong_to_it(
    owned: OwnedPrograms,
) -> None:
    program = await owned.register()
    desk, known, clock = ownership(owned)
    await owned.lane.fetch("INSERT INTO subnetworks (name, is_open) VALUES ('acme', false)")
    with pytest.raises(NotAMember):
        await desk.share(OWNER, program.digest, ["subnetwork:acme"])
    for caller in (OWNER, MEMBER):
        await owned.lane.fetch("INSERT INTO subnetwork_members VALUES ('acme', $1, 'client')", caller.address)

    await desk.share(OWNER, program.digest, ["subnetwork:acme"])
    await known.check_may_use(MEMBER.address, program.digest, subnetwork="acme")
    with pytest.raises(NotAllowed) as refused:
        await known.check_may_use(MEMBER.address, program.digest, subnetwork="default")
    assert refused.value.field == "subnetwork"
    with pytest.raises(NotAllowed):
        await known.check_may_use(STRANGER.address, program.digest, subnetwork="acme")

    await owned.lane.fetch("DELETE FROM subnetwork_members WHERE address = $1", MEMBER.address)
    await clock.sleep(HOLDS_MS / 1_000)
    with pytest.raises(NotAllowed):
        await known.check_may_use(MEMBER.address, program.digest, subnetwork="acme")


async def test_nobody_but_an_owner_decides(owned: OwnedPrograms) -> None:
    program = await owned.register()
    desk, known, _ = ownership(owned)
    await desk.share(OWNER, program.digest, ["*"])

    for attempt in (desk.share(STRANGER, program.digest, ["*"]), desk.unshare(STRANGER, program.digest, [])):
        with pytest.raises(NotAllowed):
            await attempt
    assert not (await desk.delete(STRANGER, program.digest)).was_own
    with pytest.raises(UnknownProgram):
        await desk.delete(STRANGER, "0" * 64)  # type: ignore[arg-type]
    await known.check_may_use(STRANGER.address, program.digest, subnetwork="default")


async def test_a_deleted_program_is_used_no_more_and_its_bytes_go_with_the_next_pass(owned: OwnedPrograms) -> None:
    program = await owned.register()
    desk, known, _ = ownership(owned)
    assert await stored(owned, OWNER) == BYTES

    deleted = await desk.delete(OWNER, program.digest)
    assert (deleted.was_own, deleted.files.released_bytes, deleted.files.kept_bytes) == (True, BYTES, 0)
    with pytest.raises(UnknownProgram):
        await known.check_may_use(OWNER.address, program.digest, subnetwork="default")
    assert not (await desk.delete(OWNER, program.digest)).was_own
    await retention(owned).tidy()
    assert await stored(owned, OWNER) == 0
    assert [await owned.lane.artifacts.exists(digest) for digest in program.files.values()] == [False] * len(FILES)

    await owned.register()  # again, under the same name
    await known.check_may_use(OWNER.address, program.digest, subnetwork="default")
    assert await owned.download(OWNER, program.files["model-0"]) == FILES["model-0"]


async def test_not_while_tasks_are_open_and_what_verifies_their_proofs_stays(owned: OwnedPrograms) -> None:
    program = await owned.register()
    desk, _, _ = ownership(owned)
    await owned.lease_of(program, "alice")
    with pytest.raises(InUse):
        await desk.delete(OWNER, program.digest)

    await owned.lane.fetch("UPDATE tasks SET state = 'done', finished_ms = now_ms()")
    deleted = await desk.delete(OWNER, program.digest)
    assert deleted.files.kept_bytes == len(FILES["verifying_key"])
    await retention(owned).tidy()
    assert await stored(owned, OWNER) == len(FILES["verifying_key"])
    assert await owned.download(STRANGER, program.files["verifying_key"]) == FILES["verifying_key"]
    assert not await owned.lane.artifacts.exists(program.files["model-0"])


async def test_a_task_that_came_while_it_was_deleted_finds_its_files(owned: OwnedPrograms) -> None:
    program = await owned.register()
    desk, _, _ = ownership(owned)
    await desk.delete(OWNER, program.digest)
    await owned.lease_of(program, "alice")  # a gateway that had not heard of it let it in

    tidied = await retention(owned).tidy()
    assert tidied is not None
    assert [await owned.lane.artifacts.exists(digest) for digest in program.files.values()] == [True] * len(FILES)


async def test_it_lives_on_with_its_other_owners(owned: OwnedPrograms) -> None:
    program = await owned.register()
    await owned.register(STRANGER)
    desk, known, _ = ownership(owned)
    await owned.lease_of(program, "alice")

    assert (await desk.delete(OWNER, program.digest)).has_other_owners
    await retention(owned).tidy()
    assert (await stored(owned, OWNER), await stored(owned, STRANGER)) == (0, BYTES)
    await known.check_may_use(STRANGER.address, program.digest, subnetwork="default")
    assert await owned.download(STRANGER, program.files["model-1"]) == FILES["model-1"]


async def test_files_that_another_program_of_the_same_owner_needs_stay_its_own(owned: OwnedPrograms) -> None:
    program = await owned.register()
    desk, _, _ = ownership(owned)
    await owned.lane.fetch(
        "INSERT INTO program_files (digest, program_digest) VALUES ($1, 'p')", program.files["model-0"]
    )

    await desk.delete(OWNER, program.digest)
    await retention(owned).tidy()
    assert await stored(owned, OWNER) == len(FILES["model-0"])
    assert await owned.lane.artifacts.exists(program.files["model-0"])


async def test_a_program_registered_again_with_other_files_is_read_anew(
    owned: OwnedPrograms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = await owned.register()
    library = ProgramLibrary(owned.lane.database, owned.lane.artifacts, LocalCache(tmp_path / "cache", 1 << 20))
    assert await library.program(program.digest) is await library.program(program.digest)
    other = replace(program, files={**program.files, "calibration": program.files["model-0"]})
    sizes = {digest_of(content): len(content) for content in FILES.values()}

    await write_program(owned.lane.database, other, sizes, owner=STRANGER.address, label="")
    [kept] = await owned.lane.ask(GET_PROGRAM, digest=program.digest)
    assert program_from_json(kept.manifest) == program  # as long as somebody owns it, the first build stays
    desk, _, _ = ownership(owned)
    for caller in (OWNER, STRANGER):
        await desk.delete(caller, program.digest)
    await write_program(owned.lane.database, other, sizes, owner=OWNER.address, label="")

    monkeypatch.setattr("proofgrid.proofs.library.HOLDS_SECONDS", 0.0)
    assert await library.program(program.digest) == other
