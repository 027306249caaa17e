"""Programs as those who call may see them; which of them a client may use."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.digests import Digest, digests_between
from proofgrid.primitives.errors import UnknownProgram
from proofgrid.primitives.ids import Address
from proofgrid.primitives.pages import Page, before_name, page_of
from proofgrid.primitives.turns import Urgency
from proofgrid.proofs.manifest import part_for_verifiers
from proofgrid.rules.access.api_keys import Scope
from proofgrid.rules.access.programs import ProgramAccess, check_may_use
from proofgrid.rules.access.rights import ANYBODY, needs
from proofgrid.rules.access.roles import Caller
from proofgrid.rules.jobs.limits import list_limit
from proofgrid.rules.ledger.accounts import NETWORK_CLIENT
from proofgrid.store.database import Database
from proofgrid.store.programs import LIST_PROGRAMS, PROGRAM_ACCESS, PROGRAMS_BETWEEN, SHOW_PROGRAM, ShownProgram

HOLDS_MS = 1_000  #: who may use a program is looked up once in so long, for each client that submits many tasks
HELD_MAX = 10_000


class Programs:
    """What is registered: all of one's own and of what is shared, and of anything else what its verifiers need."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @needs(
        *ANYBODY,
        scopes=(
            Scope.PROGRAMS_READ,
            Scope.PROGRAMS_WRITE,
        ),
    )
    async def get(self, caller: Caller, digest: Digest) -> ShownProgram:
        """Return one program, to strangers only what verifies its proofs; raise UnknownProgram."""
        async with self._database.connection() as connection:
            program = await connection.first(SHOW_PROGRAM, digest=digest, reader=caller.address)
        if program is None:
            raise UnknownProgram(field="digest")
        if program.access.sees:
            return program
        return replace(program, manifest=part_for_verifiers(program.manifest))

    @needs(
        *ANYBODY,
        scopes=(
            Scope.PROGRAMS_READ,
            Scope.PROGRAMS_WRITE,
        ),
    )
    async def list_for(self, caller: Caller, *, limit: int, begins: str = "", cursor: str = "") -> Page[ShownProgram]:
        """Return the newest programs that the caller may use, or those of them whose digest begins so (hex digits)."""
        wanted = {"reader": caller.address, "limit": list_limit(limit) + 1, **before_name(cursor, "programs")}
        async with self._database.connection() as connection:
            if begins:
                low, high = digests_between(begins, field="begins")
                rows = await connection.fetch(PROGRAMS_BETWEEN, low=low, high=high, **wanted)
            else:
                rows = await connection.fetch(LIST_PROGRAMS, **wanted)
        return page_of(rows, limit=list_limit(limit), of="programs", place=lambda one: (one.created_ms, one.digest))


@dataclass(frozen=True, slots=True)
class _Held:
    access: ProgramAccess
    at_ms: int


class KnownPrograms:
    """Which clients may use which programs, as it was a second ago at most."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._held: OrderedDict[tuple[Address, Digest], _Held] = OrderedDict()

    async def check_may_use(self, client: Address, digest: Digest, *, subnetwork: str) -> None:
        """Raise UnknownProgram, or NotAllowed where the program is not the client's and not shared with it there.

        The network itself proves canaries with what an administrator may use.
        """
        if client != NETWORK_CLIENT:
            check_may_use(await self._access(client, digest), client, subnetwork=subnetwork)

    def forget(self, digest: Digest) -> None:
        """Whose the program is, or whom it is shared with, was changed here; others see it within `HOLDS_MS`."""
        for key in [key for key in self._held if key[1] == digest]:
            del self._held[key]

    async def _access(self, client: Address, digest: Digest) -> ProgramAccess | None:
        key, now_ms = (client, digest), self._clock.now_ms()
        held = self._held.get(key)
        if held is not None and 0 <= now_ms - held.at_ms < HOLDS_MS:
            return held.access
        async with self._database.connection(Urgency.ADMISSION) as connection:
            access = await connection.first(PROGRAM_ACCESS, digest=digest, reader=client)
        self._held.pop(key, None)
        if access is not None and access.sees:
            self._held[key] = _Held(access, now_ms)
            if len(self._held) > HELD_MAX:
                self._held.popitem(last=False)
        return access
