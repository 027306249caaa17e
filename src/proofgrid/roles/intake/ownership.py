"""What owners decide about their programs: who else may have them proven, and when they go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import InUse, NotAllowed, UnknownProgram
from proofgrid.roles.intake.programs import KnownPrograms
from proofgrid.rules.access.api_keys import Scope
from proofgrid.rules.access.programs import SUBNETWORK_PREFIX, checked_audiences
from proofgrid.rules.access.rights import needs
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database
from proofgrid.store.programs import (
    DISOWN_PROGRAM,
    GET_PROGRAM,
    LOCK_PROGRAM,
    RELEASE_PROGRAM_FILES,
    SHARE_PROGRAM,
    SHOW_PROGRAM,
    TASKS_OF_PROGRAM,
    UNSHARE_PROGRAM,
    ReleasedFiles,
    ShownProgram,
)
from proofgrid.store.subnetworks import check_client
from proofgrid.store.transactions import Transaction

OPEN_TASKS_TOLD_MAX = 1_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """What became of a program that one of its owners deleted."""

    was_own: bool  #: False: it was somebody else's, or deleted already
    has_other_owners: bool = False
    files: ReleasedFiles


class Ownership:
    """For owners. Raises UnknownProgram, NotAllowed for a program that is somebody else's alone."""

    def __init__(self, database: Database, known: KnownPrograms) -> None:
        self._database = database
        self._known = known

    @needs(Role.CLIENT, Role.ADMIN, once=True, scopes=(Scope.PROGRAMS_WRITE,))
    async def share(self, caller: Caller, digest: Digest, audiences: Sequence[str]) -> ShownProgram:
        """Share a program with audiences (rules/access/programs.py) beside those that it is shared with; return it.

        Raises InvalidField for no audience, UnknownSubnetwork and NotAMember for a subnetwork that is not the caller's.
        """
        async with self._database.transaction(Transaction.SHARE_PROGRAM) as connection:
            shown = await _own(connection, caller, digest)
            wanted = checked_audiences(audiences, beside=shown.shared_with)
            for audience in sorted(wanted):
                if audience.startswith(SUBNETWORK_PREFIX):
                    name = audience.removeprefix(SUBNETWORK_PREFIX)
                    await check_client(connection, name, client=caller.address, proof_systems=())
            await connection.run(SHARE_PROGRAM, digest=digest, owner=caller.address, audiences=sorted(wanted))
            shown = await connection.value(SHOW_PROGRAM, digest=digest, reader=caller.address)
        return self._changed(caller, shown)

    @needs(Role.CLIENT, Role.ADMIN, once=True, scopes=(Scope.PROGRAMS_WRITE,))
    async def unshare(self, caller: Caller, digest: Digest, audiences: Sequence[str]) -> ShownProgram:
        """Share a program no more with audiences, or with nobody where none is named; what is submitted is proven."""
        async with self._database.transaction(Transaction.SHARE_PROGRAM) as connection:
            await _own(connection, caller, digest)
            named = checked_audiences(audiences) if audiences else frozenset()
            await connection.run(
                UNSHARE_PROGRAM, digest=digest, owner=caller.address, audiences=sorted(named), all=not named
            )
            shown = await connection.value(SHOW_PROGRAM, digest=digest, reader=caller.address)
        return self._changed(caller, shown)

    @needs(Role.CLIENT, Role.ADMIN, once=True, scopes=(Scope.PROGRAMS_WRITE,))
    async def delete(self, caller: Caller, digest: Digest) -> Deleted:
        """Stop owning a program. Where nobody else owns it, it is proven no more, and what proves with it goes.

        What verifies the proofs that were made with it stays. Deleting twice is deleting once. Raises InUse
        while tasks of it are open.
        """
        async with self._database.transaction(Transaction.DELETE_PROGRAM) as connection:
            has_other_owners = await connection.first(LOCK_PROGRAM, digest=digest, owner=caller.address)
            if has_other_owners is None:
                if await connection.first(GET_PROGRAM, digest=digest) is None:
                    raise UnknownProgram(field="digest")
                return Deleted(was_own=False, files=ReleasedFiles(released_bytes=0, kept_bytes=0))
            tasks = await connection.value(TASKS_OF_PROGRAM, digest=digest, count_max=OPEN_TASKS_TOLD_MAX)
            if tasks.open_tasks and not has_other_owners:
                raise InUse(
                    f"{tasks.open_tasks} tasks of this program are open",
                    field="digest",
                    hint="wait for them, or cancel yours; proofgrid program unshare keeps others from coming",
                )
            await connection.run(DISOWN_PROGRAM, digest=digest, owner=caller.address, is_used=tasks.is_used)
            files = await connection.value(
                RELEASE_PROGRAM_FILES,
                digest=digest,
                owner=caller.address,
                keeps_verifying=tasks.is_used and not has_other_owners,
            )
        self._known.forget(digest)
        log.info("program_deleted", digest=digest, owner=caller.address, has_other_owners=has_other_owners)
        return Deleted(was_own=True, has_other_owners=has_other_owners, files=files)

    def _changed(self, caller: Caller, shown: ShownProgram) -> ShownProgram:
        self._known.forget(shown.digest)
        log.info("program_shared", digest=shown.digest, owner=caller.address, audiences=sorted(shown.shared_with))
        return shown


async def _own(connection: Connection, caller: Caller, digest: Digest) -> ShownProgram:
    """Return a program that the caller owns."""
    shown = await connection.first(SHOW_PROGRAM, digest=digest, reader=caller.address)
    if shown is None:
        raise UnknownProgram(field="digest")
    if not shown.is_owner:
        raise NotAllowed("only who registered a program decides about it", field="digest")
    return shown
