"""Drills of who may do what: the audit log, tokens of strangers, a stolen key."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from proofgrid.cli.demo.drills.drill import Drill, refused
from proofgrid.cli.demo.drills.scratch import Scratch
from proofgrid.primitives.errors import ProofgridError
from proofgrid.rules.access.roles import Role
from proofgrid.rules.identity.key_list import KeyState, sign_list, with_end
from proofgrid.rules.incidents.signals import ABUSE_MAX
from proofgrid.sdk.keys import new_key

BAD_CALLS_AT_ONCE = 10


async def rewrite_the_audit_log(scratch: Scratch) -> int:
    await scratch.a_client()
    while not await scratch.sql("SELECT FROM audit_checkpoints"):  # noqa: ASYNC110 - of another process
        await asyncio.sleep(0.05)
    await scratch.sql("ALTER TABLE audit_entries DISABLE TRIGGER USER")
    await scratch.sql("CREATE TABLE kept AS SELECT entry_id, spelled FROM audit_entries WHERE position = 0")
    at_ms = await scratch.now_ms()
    await scratch.sql("UPDATE audit_entries SET spelled = '{}' WHERE position = 0")
    return at_ms


async def nobody_is_let_in(scratch: Scratch) -> None:
    async with scratch.client() as admin:
        await refused("PG-530", admin.admin.grant(new_key().address, Role.CLIENT.value, label=""))


async def restore_the_audit_log(scratch: Scratch) -> None:
    await scratch.sql(
        "UPDATE audit_entries SET spelled = kept.spelled FROM kept WHERE kept.entry_id = audit_entries.entry_id"
    )
    await scratch.sql("ALTER TABLE audit_entries ENABLE TRIGGER USER")


async def knock_with_unknown_keys(scratch: Scratch) -> int:
    async with scratch.client(new_key()) as stranger:

        async def knock() -> None:
            with suppress(ProofgridError):
                await stranger.status()

        for _ in range(ABUSE_MAX // BAD_CALLS_AT_ONCE):
            await asyncio.gather(*(knock() for _ in range(BAD_CALLS_AT_ONCE)))
    return await scratch.now_ms()


async def only_known_keys_are_let_in(scratch: Scratch) -> None:
    async with scratch.client(new_key()) as stranger, asyncio.timeout(10), scratch.client() as admin:
        await refused("PG-531", stranger.status())
        await admin.status()


async def revoke_a_key(scratch: Scratch) -> int:
    words = ("--data-dir", str(scratch.data), "--gateway", scratch.ready.address, "--json")
    for _ in range(2):  # the gateway goes on with the first one
        await _run(scratch, "admin", "keys", "rotate", *words)
    async with scratch.client() as admin:
        before = (await admin.admin.keys.get()).named
        at_ms = await scratch.now_ms()
        after = with_end(before, before.keys[-1].address, KeyState.REVOKED, now_ms=at_ms)
        await admin.admin.keys.publish(sign_list(after, scratch.admin_key))
    return at_ms


async def _run(scratch: Scratch, *words: str) -> None:
    code, out, err = await scratch.fleet.run(*words)
    if code:
        raise ProofgridError(f"`proofgrid {' '.join(words)}` failed: {err or out}")


DRILLS: Mapping[str, Drill] = {
    "audit-log": Drill(
        kind="audit_log", cause=rewrite_the_audit_log, holds=nobody_is_let_in, mend=restore_the_audit_log
    ),
    "token-abuse": Drill(kind="token_abuse", cause=knock_with_unknown_keys, holds=only_known_keys_are_let_in),
    "stolen-key": Drill(kind="key_compromised", cause=revoke_a_key),
}
