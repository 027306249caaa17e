"""The drills: for each kind that can be caused on one machine, how it is caused, and what must hold then."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from proofgrid.cli.demo.drills.drill_system import LIE
from proofgrid.cli.demo.drills.scratch import Scratch
from proofgrid.primitives.errors import ProofgridError
from proofgrid.primitives.ids import Address
from proofgrid.rules.access.roles import Role
from proofgrid.rules.identity.key_list import KeyState, sign_list, with_end
from proofgrid.rules.incidents.signals import ABUSE_MAX
from proofgrid.rules.jobs.constraints import Constraints
from proofgrid.sdk.keys import new_key

BAD_CALLS_AT_ONCE = 10
PROVEN_BEFORE = 8
GOAL_MS = 5_000
SLOW_GOAL_MS = 15_000  #: three looks at a database that takes seconds to answer
LIES = 5

Cause = Callable[[Scratch], Awaitable[int]]  #: returns when the signal was there, by the database's clock
Check = Callable[[Scratch], Awaitable[None]]


async def _nothing(_scratch: Scratch) -> None:
    """Nothing is left to be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """One of them."""

    kind: str  #: of the incident
    cause: Cause
    holds: Check = _nothing  #: raises unless the act is felt
    mend: Check = _nothing  #: takes the cause away, before the incident is ended
    flags: tuple[str, ...] = ()  #: more of the gateway's
    goal_ms: int = GOAL_MS  #: from the signal to the act


async def corrupt_a_balance(scratch: Scratch) -> int:
    client = await scratch.a_client()
    at_ms = await scratch.now_ms()
    await scratch.sql("UPDATE accounts SET balance = balance + 1 WHERE account = $1", f"client:{client.address}")
    async with scratch.client() as admin:  # who moves money is looked at
        await admin.admin.deposit(client.address, 1, deposit_id="drill")
    return at_ms


async def nothing_is_paid_out(scratch: Scratch) -> None:
    async with scratch.client() as admin:
        await admin.admin.fund_treasury(5)
        await _refused("PG-340", admin.admin.take_out(1))


async def repair_the_balance(scratch: Scratch) -> None:
    await scratch.sql("UPDATE accounts SET balance = balance - 1 WHERE account LIKE 'client:%'")


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
        await _refused("PG-530", admin.admin.grant(new_key().address, Role.CLIENT.value, label=""))


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
        await _refused("PG-531", stranger.status())
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


async def break_the_store(scratch: Scratch) -> int:
    store = scratch.data / "artifacts"
    store.rename(store.with_name("artifacts-aside"))
    store.write_text("no folder")
    return await scratch.now_ms()


async def mend_the_store(scratch: Scratch) -> None:
    store = scratch.data / "artifacts"
    store.unlink()
    store.with_name("artifacts-aside").rename(store)


async def slow_the_database(scratch: Scratch) -> int:
    at_ms = await scratch.now_ms()
    server = psutil.Process(int((scratch.data / "db" / "postmaster.pid").read_text().split()[0]))
    for _ in range(5):
        backends = [child.pid for child in server.children()]
        for pid in backends:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(3.0)
        finally:
            for pid in backends:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
        await asyncio.sleep(0.05)
    return at_ms


async def lie_alone(scratch: Scratch) -> int:
    await scratch.start_provers("liar")
    _let_lie(scratch, "liar")
    return await _submit_until_lies(scratch, LIES)


async def lie_everywhere(scratch: Scratch) -> int:
    names = ("one", "two", "three")
    await scratch.start_provers(*names)
    client = await scratch.a_client()
    async with scratch.client(client) as asking:
        program = await asking.register_program(_source(scratch), proof_system="drill")
        addresses = [scratch.provers[name].address for name in names]
        for address in addresses:
            task = await asking.submit(
                program.digest,
                [f"{address} {number}" for number in range(PROVEN_BEFORE)],
                limit_price=1_500,
                constraints=_only(address),
            )
            await asking.wait(task.task_id)
        for name in names:
            _let_lie(scratch, name)
        for address in addresses:
            await asking.submit(
                program.digest,
                [f"lie {address}"],
                limit_price=1_500,
                constraints=_only(address),
            )
    return await _until_lies(scratch, len(names))


async def the_engine_is_refused(scratch: Scratch) -> None:
    client = await scratch.a_client()
    async with scratch.client(client) as asking:
        await _refused("PG-145", asking.register_program(_source(scratch), proof_system="drill"))


def _source(scratch: Scratch) -> Mapping[str, Path]:
    path = scratch.folder / "nothing"
    path.write_text("a drill needs no source")
    return {"nothing": path}


def _only(address: Address) -> Constraints:
    return Constraints(allowed_operators=frozenset({address}))


def _let_lie(scratch: Scratch, name: str) -> None:
    for folder in scratch.folder.glob(f"{name}/**/keys"):
        (folder / LIE).write_text("")


async def _submit_until_lies(scratch: Scratch, times: int) -> int:
    client = await scratch.a_client()
    async with scratch.client(client) as asking:
        program = await asking.register_program(_source(scratch), proof_system="drill")
        for number in range(times):
            await asking.submit(program.digest, [f"lie {number}"], limit_price=1_500)
    return await _until_lies(scratch, times)


async def _until_lies(scratch: Scratch, times: int) -> int:
    while True:
        rows = await scratch.sql("SELECT max(at_ms) AS at_ms FROM lies HAVING count(*) >= $1", times)
        if rows:
            return await scratch.now_ms()
        await asyncio.sleep(0.02)


async def _run(scratch: Scratch, *words: str) -> None:
    code, out, err = await scratch.fleet.run(*words)
    if code:
        raise ProofgridError(f"`proofgrid {' '.join(words)}` failed: {err or out}")


async def _refused(code: str, call: Awaitable[object]) -> None:
    try:
        await call
    except ProofgridError as error:
        if error.code == code:
            return
        raise
    raise ProofgridError(f"a call went on that {code} should have ended")


_PATIENT = ("--pause-after-faults-in-row", "0", "--pause-after-faults-of-ten", "0")
DRILLS: Mapping[str, Drill] = {
    "ledger": Drill(kind="balance", cause=corrupt_a_balance, holds=nothing_is_paid_out, mend=repair_the_balance),
    "audit-log": Drill(
        kind="audit_log", cause=rewrite_the_audit_log, holds=nobody_is_let_in, mend=restore_the_audit_log
    ),
    "token-abuse": Drill(kind="token_abuse", cause=knock_with_unknown_keys, holds=only_known_keys_are_let_in),
    "stolen-key": Drill(kind="key_compromised", cause=revoke_a_key),
    "store": Drill(kind="store_slow", cause=break_the_store, mend=mend_the_store),
    "database": Drill(kind="database_slow", cause=slow_the_database, goal_ms=SLOW_GOAL_MS),
    "invalid-proofs": Drill(kind="invalid_proofs", cause=lie_alone, flags=_PATIENT),
    "engine": Drill(kind="engine_broken", cause=lie_everywhere, holds=the_engine_is_refused, flags=_PATIENT),
}
