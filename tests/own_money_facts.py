"""Accounts on pages, without a database: what somebody owns, its API keys and caps, its limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from proofgrid.primitives.ids import Address
from proofgrid.roles.intake.accounts import Account, LedgerHealth
from proofgrid.roles.intake.callers import CallsLeft
from proofgrid.roles.intake.quota import Quota, Use
from proofgrid.rules.access.api_keys import WantedKey, check_wanted
from proofgrid.rules.access.rights import ANYBODY, needs
from proofgrid.rules.access.roles import Role
from proofgrid.store.api_keys import StoredKey
from proofgrid.store.ledger import LedgerSums
from tests.own_pages_facts import CAROL, Done, a_close_up
from tests.pages_facts import EVIL, NOW_MS

KEY_ID = "00112233445566aa"
SECRET = f"pgk_{KEY_ID}_" + "ab" * 32


def a_stored_key(**changes: Any) -> StoredKey:
    """Return a live key."""
    key = StoredKey(
        key_id=KEY_ID,
        owner=CAROL,
        maker_id=None,
        label=EVIL,
        secret_hash=b"never shown",
        scopes=("tasks:read", "tasks:write"),
        subnetwork="",
        spend_per_day=5_000_000_000,
        spent_today=1_000_000_000,
        created_ms=NOW_MS - 5_000,
        expires_ms=NOW_MS + 5_000,
        is_revoked=False,
        addresses=(),
        used_ms=None,
    )
    return replace(key, **changes)


class KeysOfFacts:
    def __init__(self, done: Done) -> None:
        self._done = done
        self.kept: Sequence[StoredKey] = [a_stored_key(), a_stored_key(key_id="f" * 16, is_revoked=True)]

    @needs(Role.CLIENT)
    async def make(self, caller: Any, wanted: WantedKey) -> tuple[StoredKey, str]:
        check_wanted(wanted, now_ms=NOW_MS)
        self._done.note(wanted)
        return a_stored_key(), SECRET

    @needs(Role.CLIENT, Role.ADMIN)
    async def list_for(self, caller: Any, asked: Address | None) -> Sequence[StoredKey]:
        return self.kept

    @needs(Role.CLIENT)
    async def set_spend(self, caller: Any, key_id: str, *, spend_per_day: int) -> StoredKey:
        self._done.note((key_id, spend_per_day))
        return a_stored_key(spend_per_day=spend_per_day)

    @needs(Role.CLIENT, Role.ADMIN)
    async def revoke(self, caller: Any, key_id: str) -> None:
        self._done.note(key_id)


class QuotasOfFacts:
    @needs(*ANYBODY)
    async def get(self, caller: Any) -> Quota:
        some, left = Use(used=3, limit=20), CallsLeft(200, 50, 199)
        return Quota(
            stored_bytes=Use(used=5 << 20, limit=8 << 30),
            programs=Use(used=2),
            open_tasks=some,
            builds=some,
            calls=some,
            api_keys=some,
            webhooks=some,
            requests=left,
            sent_bytes=left,
            key=None,
            resets_ms=NOW_MS,
        )


class MoneyOfFacts:
    def __init__(self, done: Done | None = None, **account: Any) -> None:
        self._done = done or Done()
        self._account = account

    @needs(*ANYBODY)
    async def get(self, caller: Any, asked: Any, *, transfers_limit: int) -> Account:
        known = {"balance": 10, "escrowed": 2, "earned": 0, "transfers": a_close_up().transfers, **self._account}
        return Account(address=caller.address, **known)

    @needs(Role.CLIENT)
    async def set_low_balance(self, caller: Any, amount: int) -> None:
        self._done.note(amount)

    @needs(Role.ADMIN)
    async def check_ledger(self) -> LedgerHealth:
        return LedgerHealth(sums=LedgerSums(0, 100, 100), faults=[])

    @needs(Role.ADMIN)
    async def balance(self) -> int:
        return 1_500_000_000
