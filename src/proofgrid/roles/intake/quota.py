"""What limits a caller, and how much of it is used: one answer to every "why was I refused, and when may I again?"."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.primitives.account_errors import UnknownApiKey
from proofgrid.roles.intake.callers import Callers, CallsLeft
from proofgrid.roles.intake.registration import BUILDS_OF_OWNER_MAX, Registration
from proofgrid.rules.access.api_keys import LIVE_MAX, Scope
from proofgrid.rules.access.rights import ANYBODY, needs
from proofgrid.rules.access.roles import Caller
from proofgrid.rules.jobs.limits import Limits
from proofgrid.rules.webhooks.endpoints import ENDPOINTS_MAX
from proofgrid.store.api_keys import GET_API_KEY, StoredKey
from proofgrid.store.database import Database
from proofgrid.store.quota import USAGE_OF

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """How much there is of something. `limit` 0: none."""

    used: int
    limit: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """Of one caller; `builds`, `calls` and both paces are of the gateway that is asked."""

    stored_bytes: Use
    programs: Use
    open_tasks: Use
    builds: Use
    calls: Use
    api_keys: Use
    webhooks: Use
    requests: CallsLeft
    sent_bytes: CallsLeft
    key: StoredKey | None  #: the API key that asks
    resets_ms: int  #: when its day ends


class Quotas:
    """For everybody, each of itself."""

    def __init__(self, database: Database, callers: Callers, registration: Registration, *, limits: Limits) -> None:
        self._database = database
        self._callers = callers
        self._registration = registration
        self._limits = limits

    @needs(*ANYBODY, scopes=(Scope.ACCOUNT_READ, Scope.TASKS_READ, Scope.TASKS_WRITE, Scope.PROGRAMS_WRITE))
    async def get(self, caller: Caller) -> Quota:
        """Return every limit of the caller, and how much of each is used now."""
        limits, whose = self._limits, caller.address
        async with self._database.connection() as connection:
            usage = await connection.value(USAGE_OF, owner=whose)
            key = None
            if caller.api_key is not None:
                key = await connection.first(GET_API_KEY, key_id=caller.api_key.key_id)
                if key is None:
                    raise UnknownApiKey(field="key_id")
        return Quota(
            stored_bytes=Use(used=usage.stored_bytes, limit=limits.stored_bytes),
            programs=Use(used=usage.programs),
            open_tasks=Use(used=usage.open_tasks, limit=limits.open_tasks),
            builds=Use(used=self._registration.builds_of(whose), limit=BUILDS_OF_OWNER_MAX),
            calls=Use(used=self._callers.calls.count_of(whose), limit=limits.calls_at_once),
            api_keys=Use(used=usage.api_keys, limit=LIVE_MAX),
            webhooks=Use(used=usage.webhooks, limit=ENDPOINTS_MAX),
            requests=self._callers.left_of(whose),
            sent_bytes=self._callers.bytes_left_of(whose),
            key=key,
            resets_ms=(usage.now_ms // DAY_MS + 1) * DAY_MS,
        )
