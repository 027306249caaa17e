"""Other people's programs: nobody reads a model but its owner and, slice by slice, the prover that has to prove it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import NotAllowed, UnknownArtifact, UnknownProgram
from proofgrid.roles.intake.known_engines import KnownEngines
from proofgrid.roles.intake.programs import KnownPrograms, Programs
from proofgrid.roles.intake.registration import Registration
from proofgrid.rules.jobs.retry import ReturnReason
from tests.attacks.worlds import ADMIN, FILES, OWNER, STRANGER, OwnedPrograms, operator

SECRET = ("model-0", "model-1", "calibration")


async def test_a_stranger_downloads_nothing_of_a_program_but_what_verifies_its_proofs(owned: OwnedPrograms) -> None:
    program = await owned.register()
    uploaded = await owned.upload(OWNER, b"the model as it was handed in")

    for caller in (STRANGER, ADMIN, operator("eve")):
        for name in SECRET:
            with pytest.raises(UnknownArtifact):
                await owned.download(caller, program.files[name])
        with pytest.raises(UnknownArtifact):
            await owned.download(caller, uploaded)
        assert await owned.download(caller, program.files["verifying_key"]) == FILES["verifying_key"]
    assert [await owned.download(OWNER, program.files[name]) for name in FILES] == list(FILES.values())


async def test_a_prover_downloads_the_files_of_its_slice_while_it_holds_the_lease(owned: OwnedPrograms) -> None:
    program = await owned.register()
    await owned.lease_of(program, "alice", slice_index=1)
    alice = operator("alice")

    assert await owned.download(alice, program.files["model-1"]) == FILES["model-1"]
    for name in ("model-0", "calibration"):
        with pytest.raises(UnknownArtifact):
            await owned.download(alice, program.files[name])
    with pytest.raises(UnknownArtifact):
        await owned.download(operator("bob"), program.files["model-1"])  # who holds none

    [lease] = await owned.lane.leases()
    await owned.lane.give_back(lease, ReturnReason.CHILD_CRASHED)
    with pytest.raises(UnknownArtifact):
        await owned.download(alice, program.files["model-1"])


async def test_a_program_is_not_made_of_a_file_that_somebody_else_uploaded(
    owned: OwnedPrograms, tmp_path: Path, toy_system_on_path: Path
) -> None:
    stolen = await owned.upload(OWNER, b"the model as it was handed in")
    nobody: Any = None
    registration = Registration(
        owned.lane.database,
        owned.lane.artifacts,
        nobody,
        nobody,
        trust={},
        scratch=tmp_path,
        publish=nobody,
        engines=KnownEngines(owned.lane.database, None, clock=ManualClock()),
    )

    with pytest.raises(UnknownArtifact):
        await anext(aiter(registration.register(STRANGER.address, "toy", {"model": stolen}, {}, "")))


async def test_a_strangers_program_is_neither_listed_nor_used_nor_described(owned: OwnedPrograms) -> None:
    program = await owned.register(label="what we are about to launch")
    programs, known = Programs(owned.lane.database), KnownPrograms(owned.lane.database, ManualClock())

    assert [one.label for one in await programs.list_for(OWNER, limit=10) if one.digest == program.digest] == [
        "what we are about to launch"
    ]
    for caller in (STRANGER, ADMIN):
        assert await programs.list_for(caller, limit=10) == []
        assert await programs.list_for(caller, limit=10, begins=program.digest[:8]) == []
        shown = await programs.get(caller, program.digest)
        assert shown.manifest["identity"] == program.identity
        assert (shown.label, shown.manifest["summary"]) == ("", {})
        assert shown.manifest["files"] == {"verifying_key": program.files["verifying_key"]}
        with pytest.raises(NotAllowed):
            await known.check_may_use(caller.address, program.digest, subnetwork="default")
    await known.check_may_use(OWNER.address, program.digest, subnetwork="default")
    with pytest.raises(UnknownProgram):
        await known.check_may_use(OWNER.address, digest_of(b"no program"), subnetwork="default")


async def test_who_registers_the_same_content_sees_nothing_of_the_first_owner(owned: OwnedPrograms) -> None:
    program = await owned.register(label="the first one's name for it")
    await owned.register(STRANGER, label="the second one's")
    programs = Programs(owned.lane.database)

    [seen] = await programs.list_for(STRANGER, limit=10)
    assert (seen.label, seen.shared_with, seen.is_owner) == ("the second one's", frozenset(), True)
    assert (await programs.get(OWNER, program.digest)).label == "the first one's name for it"
    assert await owned.download(STRANGER, program.files["model-0"]) == FILES["model-0"]  # it had the model already
    assert seen.stored_bytes == sum(map(len, FILES.values()))  # and both are charged for it
