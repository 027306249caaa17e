"""How every crash point is reached: real work up to it, and what must be true after the gateway has come back.

Each driver is one life in the network: it starts work, lets the gateway die on the way, and looks at the outcome.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import pytest

from proofgrid.bootstrap.gateway.store_keys import store_keys_in
from proofgrid.primitives.clock import SystemClock
from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.engine_errors import EngineBroken
from proofgrid.primitives.errors import NotAllowed, ProofgridError, UnknownKey, Unprovable
from proofgrid.rules.access.subnetworks import SubnetworkChange
from proofgrid.rules.identity.key_list import Purpose, sign_list, with_key
from proofgrid.rules.jobs.ladder import Ladder
from proofgrid.rules.ledger.accounts import NETWORK_CLIENT
from proofgrid.sdk.client import Client
from proofgrid.sdk.keys import new_key, write_key
from proofgrid.sdk.transfer import upload_file
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.vault import Vault
from proofgrid.wire.v1 import prover_pb2 as messages
from tests.acceptance.scenarios.doomed import PATIENCE_SECONDS, Doomed
from tests.acceptance.scenarios.scripted import ScriptedProver, prove, sign
from tests.acceptance.tasks import database_of, events_of
from tests.makers import a_key
from tests.networks import Network

PROVERS = (("p0", "alice"), ("p1", "bob"))  #: name, operator
BOND = 10**9
NEVER_SOLD = 1  #: base units per PU: no prover asks so little
TOY, OLD_TOY = "toy@1.0", "toy@0.9"
LONG_HOLD_MS = 600_000  #: of a firm quote
LONG_MS = 2_000  #: a job that is not over before its lease is
OLD_MS = 40 * 24 * 3_600_000  #: longer than artifacts are kept
NO_REPAIRS = "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM artifact_repairs)"


async def start_prover(network: Network, name: str) -> None:
    """Start one of PROVERS, as it is at every point: a slot ahead is what its promises need."""
    await network.start_prover(name, dict(PROVERS)[name], ask=500, RESERVE_SLOTS="1")


# --- a task's life -----------------------------------------------------------------------------------


async def prove_tasks(doomed: Doomed) -> None:
    """Two clients' calls at once, from submit to a bundle that verifies."""
    program = await doomed.program(slices=2)
    async with doomed.killed(meanwhile=doomed.forget_the_dead):
        await asyncio.gather(doomed.prove(program), doomed.prove(program))


async def prove_slowly(doomed: Doomed) -> None:
    """The gateway dies while a prover is at work."""
    task_id = await doomed.running()
    async with doomed.killed():
        await doomed.ends_well(task_id)


async def prover_fails(doomed: Doomed) -> None:
    """Provers' child processes exit until the gateway has died."""
    program = await doomed.program()
    wishes = [doomed.network.keys_directory(*who) / "toy-behaviour" for who in PROVERS]
    for wish in wishes:
        wish.write_text("exit")

    async def repent() -> None:
        for wish in wishes:
            wish.unlink()

    async with doomed.killed(meanwhile=repent):
        proven = await doomed.prove(program)
    task_id = proven.task.task_id
    reasons = await _why_returned(doomed, task_id)
    # What a gateway heard and could not write down before it died is lost; its prover comes back without the lease.
    assert reasons in (["child_crashed"], ["prover_lost"]), await _story(doomed, task_id)


async def lease_runs_out(doomed: Doomed) -> None:
    """A job takes longer than it may."""
    task_id = await doomed.running(sleep_ms=LONG_MS)
    async with doomed.killed():
        await doomed.sql("UPDATE leases SET until_ms = 0, expires_ms = 0 WHERE task_id = $1", task_id)
        await doomed.sql("SELECT pg_notify('expiry', '')")
        await doomed.ends_well(task_id)
    reasons = await _why_returned(doomed, task_id)
    assert reasons == ["timed_out"], await _story(doomed, task_id)


async def slashed(doomed: Doomed) -> None:
    """A lease runs out whose operator has a bond; the job is proven after all."""
    for name in ("alice", "bob"):
        await _pay_into_bond(doomed, name)
    await lease_runs_out(doomed)
    # A gateway that dies before it takes the lease back is to blame for the time that passes.
    assert len(await doomed.sql("SELECT 1 FROM evidence WHERE task_id::text = $1", doomed.acknowledged[-1])) <= 1
    assert not await doomed.sql("SELECT 1 FROM accounts WHERE account LIKE 'rescue:%' AND balance <> 0")


async def proof_comes_late(doomed: Doomed) -> None:
    """A proof comes after its lease was taken back; nobody else has the job, and it is paid once."""
    task_id, prover, lease = await _taken_back(doomed)
    async with doomed.killed():
        verdict = await _say_until_answered(prover, prove(lease))
        await doomed.ends_well(task_id)
    assert (verdict.accepted, verdict.price) == (True, -(-lease.price // 2))
    kinds = [event.kind for event in await events_of(doomed.client, task_id)]
    assert (kinds.count("sold"), kinds.count("proven")) == (1, 1), kinds


async def lie_comes_late(doomed: Doomed) -> None:
    """So does a lie: it costs its bond once, and nothing more is taken of the lease."""
    await _pay_into_bond(doomed, "bob")
    task_id, prover, lease = await _taken_back(doomed)
    lie = sign(
        messages.JobResult(lease_id=lease.lease_id, fence=lease.fence, proof=b"no", public_json="{}"),
        lease,
        doomed.network,
        "bob",
    )
    async with doomed.killed():
        await _say_until_answered(prover, lie)
        await doomed.wait_until_reached()
        verdict = await _say_until_answered(prover, prove(lease))
    assert (verdict.accepted, verdict.code) == (False, "PG-330")
    taken = await doomed.sql("SELECT kind FROM evidence WHERE lease_id::text = $1 ORDER BY kind", lease.lease_id)
    assert [row["kind"] for row in taken] == ["invalid_proof", "missed_deadline"]
    async with prover("rescuer") as rescuer:
        await rescuer.answer(prove(await rescuer.take_lease()))
    await doomed.ends_well(task_id)


async def prover_is_slow(doomed: Doomed) -> None:
    """A job takes far longer than usual, and the other operator, who would be quick, gets a second lease."""
    wishes = {name: doomed.network.keys_directory(name, operator) / "toy-behaviour" for name, operator in PROVERS}
    for wish in wishes.values():
        wish.write_text("slow")
    task_id = await doomed.submit(await doomed.program(sleep_ms=60_000))
    await doomed.eventually("SELECT 1 FROM leases WHERE task_id = $1 AND stage = 'prove'", task_id)
    for wish in wishes.values():
        wish.unlink()  # the child at work has read it
    async with doomed.killed():
        await doomed.sql(
            """INSERT INTO lane_times SELECT lane, array_fill(50000::bigint, ARRAY[20]) FROM jobs WHERE task_id = $1
            ON CONFLICT (lane) DO UPDATE SET us_per_unit = excluded.us_per_unit""",
            task_id,
        )
        await doomed.sql("UPDATE leases SET started_ms = started_ms - 30000 WHERE task_id = $1", task_id)
        await doomed.ends_well(task_id)
    kinds = [event.kind for event in await events_of(doomed.client, task_id)]
    assert kinds.count("slow") == 1, kinds


async def input_is_unprovable(doomed: Doomed) -> None:
    """Both operators say that it cannot be proven; the gateway dies at the word of the second one."""
    before = await doomed.balance()
    task_id = await doomed.submit(await doomed.program(behaviour="unprovable"))
    async with doomed.killed(nth=2):
        task = await doomed.client.wait(task_id)
    ended = (task.state, task.failure_code, task.failure_detail, await doomed.balance() - before)
    assert (ended[0], ended[1], ended[3]) == ("failed", Unprovable.code, 0), (ended, await _story(doomed, task_id))


async def prover_forgets(doomed: Doomed) -> None:
    """A prover is killed and comes back without the lease that it had."""
    task_id = await doomed.running(sleep_ms=LONG_MS)
    [lease] = await doomed.sql("SELECT prover_id FROM leases WHERE task_id = $1", task_id)
    name = lease["prover_id"].rpartition("/")[2]
    [prover] = [one for one in doomed.network.processes if one.name == name and one.process.returncode is None]
    async with doomed.killed():
        prover.kill()
        await prover.process.wait()
        await start_prover(doomed.network, name)
        await doomed.ends_well(task_id)


async def nobody_sells_at_first(doomed: Doomed) -> None:
    """The client's limit price has to rise before anybody sells."""
    task_id = await doomed.submit(
        await doomed.program(), limit_price=490, ladder=Ladder(permille=100, every_ms=1_000, price_max=2_000)
    )
    async with doomed.killed():
        await doomed.ends_well(task_id)
    kinds = [event.kind for event in await events_of(doomed.client, task_id)]
    assert kinds.count("raised") >= 1, kinds


async def cancel(doomed: Doomed) -> None:
    """A client does not want it any more."""
    before = await doomed.balance()
    task_id = await doomed.submit(await doomed.program(), limit_price=NEVER_SOLD)
    async with doomed.killed():
        task = await doomed.client.cancel(task_id)
    assert (task.state, await doomed.balance()) == ("cancelled", before)


async def miss_deadline(doomed: Doomed) -> None:
    """Nobody sells at that price in time."""
    before = await doomed.balance()
    program = await doomed.program()
    async with doomed.killed():
        task_id = await doomed.submit(program, limit_price=NEVER_SOLD, deadline_ms=SystemClock().now_ms() + 1_500)
        task = await doomed.client.wait(task_id)
    assert (task.state, await doomed.balance()) == ("failed", before)


async def fail_combining(doomed: Doomed) -> None:
    """The proofs are right and paid, but make no bundle."""
    program = await doomed.program(behaviour="uncombinable")
    async with doomed.killed(meanwhile=doomed.forget_the_dead):
        task = await doomed.client.wait(await doomed.submit(program))
    assert (task.state, task.failure_code) == ("failed", Unprovable.code)


async def replay(doomed: Doomed) -> None:
    """A dead letter is tried once more: one new task with its own escrow, whoever asks how often."""
    dead = await doomed.submit(await doomed.program(behaviour="uncombinable"))
    await doomed.client.wait(dead)
    async with doomed.killed(), doomed.admin() as admin:
        letter = await admin.replay_dead_letter(dead)
    replays = await doomed.sql("SELECT task_id::text FROM tasks WHERE replay_of = $1", dead)
    assert [row["task_id"] for row in replays] == [letter.replayed_as]
    assert (await doomed.client.wait(letter.replayed_as)).failure_code == Unprovable.code


async def cancel_by_filter(doomed: Doomed) -> None:
    """A client wants none of them any more: the act is written down once, whoever asks how often."""
    before = await doomed.balance()
    task_id = await doomed.submit(await doomed.program(), limit_price=NEVER_SOLD)
    async with doomed.killed():
        acted = await doomed.client.cancel_tasks(state="open", since_ms=SystemClock().now_ms() - 60_000)
    assert {one.outcome for one in acted.tasks if one.task_id == task_id} == {"cancelled"}
    assert await doomed.balance() == before


async def replay_by_filter(doomed: Doomed) -> None:
    """What was cancelled is tried once more: one new task of each with an escrow of its own."""
    program = await doomed.program()
    task_id = await doomed.submit(program, limit_price=NEVER_SOLD)
    await doomed.client.cancel(task_id)
    async with doomed.killed():
        acted = await doomed.client.replay_tasks(program=program, state="cancelled", limit_price=NEVER_SOLD)
    replays = await doomed.sql("SELECT task_id::text FROM tasks WHERE replay_of = $1", task_id)
    named = [one.replayed_as for one in acted.tasks if one.task_id == task_id]
    assert [row["task_id"] for row in replays] == named
    await doomed.client.cancel(named[0])


async def want_delivery(doomed: Doomed) -> None:
    """A proof is to be brought to a contract; no contract takes a toy's, and that is told once."""
    contract = a_key(4).address
    await doomed.sql(
        "INSERT INTO delivery_terms (chain_id, submitter, contracts, price, gas_most) VALUES (1, $1, $2, 5, 9)"
        " ON CONFLICT (one) DO NOTHING",
        contract,
        [contract],
    )
    task_id = await doomed.submit(await doomed.program(), limit_price=NEVER_SOLD)
    async with doomed.killed():
        await doomed.client.deliveries.deliver(task_id, f"chain:{contract}")
        await doomed.client.cancel(task_id)
        refused = await doomed.client.deliveries.wait(task_id)
    assert (refused.state, refused.price, refused.contract) == ("refused", 0, contract)
    told = await doomed.sql("SELECT FROM task_events WHERE task_id = $1 AND kind = 'not_delivered'", task_id)
    assert len(told) == 1


async def set_low_balance(doomed: Doomed) -> None:
    """A client wants to be told when its money runs out."""
    async with doomed.killed():
        account = await doomed.client.set_low_balance(5)
    assert (account.low_balance, account.is_low) == (5, False)


async def buy_quote(doomed: Doomed) -> None:
    """A firm quote is bought: paid once, however often the call is made."""
    program = await _promised_program(doomed)
    before = await doomed.balance()
    async with doomed.killed():
        quote = await doomed.client.buy_quote(program, ["x"], hold_ms=LONG_HOLD_MS)
    assert await doomed.balance() == before - quote.terms.cost - quote.terms.premium
    assert len(await doomed.sql("SELECT 1 FROM firm_quotes WHERE program_digest = $1", program)) == 1
    assert len(await doomed.sql("SELECT 1 FROM firm_quote_seats WHERE state = 'reserved'")) == 1
    await doomed.sql("UPDATE firm_quotes SET held_until_ms = 0 WHERE state = 'held'")  # later points need its slot
    await doomed.eventually("SELECT 1 WHERE NOT EXISTS (SELECT FROM firm_quote_seats WHERE state = 'reserved')")


async def redeem_quote(doomed: Doomed) -> None:
    """A task is submitted with a firm quote; nothing more is paid, and the promise is kept."""
    program = await _promised_program(doomed)
    quote = await doomed.client.buy_quote(program, ["x"], hold_ms=LONG_HOLD_MS)
    await doomed.sql("UPDATE firm_quotes SET within_ms = 600000 WHERE state = 'held'")  # a gateway's death takes longer
    before = await doomed.balance()
    async with doomed.killed():
        task = await doomed.client.submit(program, ["x"], quote_id=quote.quote_id)
        doomed.acknowledged.append(task.task_id)
        await doomed.ends_well(task.task_id)
    assert await _state_of_quote(doomed, quote.quote_id) == "kept"
    assert await doomed.balance() >= before  # a proof that came late, because a gateway died, is paid less (0037)


async def seat_wrap(doomed: Doomed) -> None:
    """The part of a promised proof of all is paid, and what wraps it goes to whose seat it is, in one transaction."""
    # With as many slots ahead as jobs the price of a promise has no room.
    spare = await doomed.network.start_prover("spare", "alice", ask=500, RESERVE_SLOTS="1")
    program = await _promised_program(doomed, aggregate=True, wraps=2)
    quote = await doomed.client.buy_quote(program, ["x"], hold_ms=LONG_HOLD_MS, aggregate=True)
    await doomed.sql("UPDATE firm_quotes SET within_ms = 600000 WHERE state = 'held'")
    async with doomed.killed():
        task = await doomed.client.submit(program, ["x"], quote_id=quote.quote_id, aggregate=True)
        doomed.acknowledged.append(task.task_id)
        await doomed.ends_well(task.task_id)
    await spare.stop()
    assert await _state_of_quote(doomed, quote.quote_id) == "kept"
    assert not await doomed.sql("SELECT 1 FROM firm_quote_seats WHERE state IN ('reserved', 'granted')")


async def miss_promise(doomed: Doomed) -> None:
    """The prover whose slot was reserved is not done at the promised time: its bond pays, once."""
    program = await _promised_program(doomed, behaviour="hang")
    quote = await doomed.client.buy_quote(program, ["x"], hold_ms=LONG_HOLD_MS)
    await doomed.sql("UPDATE firm_quotes SET within_ms = 500 WHERE state = 'held'")
    async with doomed.killed():
        task = await doomed.client.submit(program, ["x"], quote_id=quote.quote_id)
        doomed.acknowledged.append(task.task_id)
        await doomed.client.wait(task.task_id)
    assert await _state_of_quote(doomed, quote.quote_id) == "missed"
    moved = await doomed.sql(
        "SELECT reason, sum(amount)::bigint AS amount FROM transfers WHERE debit = 'quote:' || $1 GROUP BY reason",
        quote.quote_id,
    )
    paid = {row["reason"]: row["amount"] for row in moved}
    terms = quote.terms
    # Whether the prover was back when the quote was redeemed decides whose the premium is.
    assert paid.pop("quote_reserved", 0) + paid.pop("quote_unearned", 0) == terms.premium
    assert paid == {
        "escrow": terms.cost,
        "quote_refund": terms.cost,
        "quote_penalty": terms.penalty,
        "quote_burnt": terms.penalty,
        "quote_back": terms.cost,
    }


async def quote_runs_out(doomed: Doomed) -> None:
    """Nobody redeems a firm quote in time, and its cost comes back."""
    program = await _promised_program(doomed)
    before = await doomed.balance()
    async with doomed.killed():
        quote = await doomed.client.buy_quote(program, ["x"], hold_ms=1_000)
        await doomed.eventually(
            "SELECT 1 FROM firm_quotes WHERE quote_id::text = $1 AND state = 'expired'", quote.quote_id
        )
    assert await doomed.balance() == before - quote.terms.premium


async def overflow(doomed: Doomed) -> None:
    """A job waits too long in a subnetwork without provers; the common ones prove it, and it is told of once."""
    name = await _new_subnetwork(doomed, overflow_after_ms=1)
    async with doomed.killed():
        task_id = await doomed.submit(await doomed.program(), subnetwork=name)
        await doomed.ends_well(task_id)
    kinds = [event.kind for event in await events_of(doomed.client, task_id)]
    assert kinds.count("overflowed") == 1, kinds


async def database_away(doomed: Doomed) -> None:
    """The database takes no connections for a moment; then the leases that nobody could note live on."""
    task_id = await doomed.running(sleep_ms=LONG_MS)
    async with doomed.killed():
        await _cut_database_off(doomed, seconds=1.5)
        await doomed.ends_well(task_id)


# --- a prover's session --------------------------------------------------------------------------------


async def cut_streams(doomed: Doomed) -> None:
    """Provers at work lose their streams and come back."""
    task_id = await doomed.running()
    async with doomed.killed():
        await doomed.sql(
            """SELECT pg_notify('stops', json_build_object('gateway', gateway_id, 'session', session_id)::text)
            FROM sessions WHERE open"""
        )
        await doomed.ends_well(task_id)


async def prover_drains(doomed: Doomed) -> None:
    """A prover says that it wants no more leases."""
    async with doomed.killed(), ScriptedProver(doomed.network, "leaver", "bob") as leaver:
        await leaver.say(drain=messages.Drain())
        await doomed.wait_until_reached()
    await doomed.prove(await doomed.program())


# --- a network's life ------------------------------------------------------------------------------------


async def start_again(doomed: Doomed) -> None:
    """A gateway dies while it starts, with work under way."""
    task_id = await doomed.running()
    async with doomed.killed():
        assert doomed.network.gateway is not None
        doomed.network.gateway.kill()
        await doomed.ends_well(task_id)


async def stop_politely(doomed: Doomed) -> None:
    """A gateway that was asked to stop dies while it closes, with work under way."""
    task_id = await doomed.running()
    async with doomed.killed():
        assert doomed.network.gateway is not None
        doomed.network.gateway.process.terminate()
        await doomed.ends_well(task_id)


# --- people, programs, artifacts --------------------------------------------------------------------------


async def register(doomed: Doomed) -> None:
    """A program is uploaded and built, and can be proven."""
    source = doomed.network.root / "toy-source"
    async with doomed.killed():
        program = await doomed.program(slices=1)
    assert [row["digest"] for row in await doomed.sql("SELECT digest FROM programs WHERE digest = $1", program)]
    assert await doomed.sql("SELECT 1 FROM artifacts WHERE digest = $1", digest_of(source.read_bytes()))
    await doomed.prove(program)


async def share(doomed: Doomed) -> None:
    """A program is shared, and its owner sees with whom."""
    program = await doomed.program()
    address = doomed.network.add_key(f"reader-{next(doomed.numbers)}").address
    async with doomed.killed():
        shown = await doomed.client.ownership.share(program, [address])
    assert address in shown.shared_with
    await doomed.client.ownership.unshare(program, [address])


async def delete_program(doomed: Doomed) -> None:
    """A program is deleted; registered again, it can be proven."""
    rounds = 5_000 + next(doomed.numbers)
    program = await doomed.program(rounds=rounds)
    async with doomed.killed():
        await doomed.client.ownership.delete(program)
    assert not await doomed.sql("SELECT 1 FROM program_owners WHERE program_digest = $1", program)
    assert await doomed.program(rounds=rounds) == program
    await doomed.prove(program)


async def change_roles(doomed: Doomed) -> None:
    """Somebody is put on the access list."""
    name = f"new-{next(doomed.numbers)}"
    address = doomed.network.add_key(name).address
    async with doomed.killed(), doomed.admin() as admin:
        identity = await admin.grant(address, "client", label=name)
    assert list(identity.roles) == ["client"]
    async with doomed.network.client(name) as client:
        assert await client.tasks() == []


async def revoke_role(doomed: Doomed) -> None:
    """Somebody is taken off the access list."""
    name = f"old-{next(doomed.numbers)}"
    address = doomed.network.add_key(name).address
    await doomed.network.grant(name, "client")
    async with doomed.killed(), doomed.admin() as admin:
        identity = await admin.revoke(address, "client")
    assert list(identity.roles) == []


async def make_api_key(doomed: Doomed) -> None:
    """An API key is made; one whose answer was lost on the way is listed, and nobody has its secret."""
    label = f"made {next(doomed.numbers)}"
    async with doomed.killed():
        made = await doomed.client.api_keys.make(label, spend_per_day=1)
    listed = [one.key_id for one in await doomed.client.api_keys.known() if one.label == label]
    assert made.key.key_id in listed
    assert len(listed) == (2 if doomed.point.endswith("after") else 1)
    async with Client(doomed.network.address, made.secret, patience_seconds=60) as server:
        await server.status()
    for one in listed:
        await doomed.client.api_keys.revoke(one)


async def revoke_api_key(doomed: Doomed) -> None:
    """An API key is revoked, and is good for nothing whatever died meanwhile."""
    made = await doomed.client.api_keys.make("to be revoked", spend_per_day=1)
    async with doomed.killed():
        assert (await doomed.client.api_keys.revoke(made.key.key_id)).revoked
    async with Client(doomed.network.address, made.secret, patience_seconds=60) as server:
        with pytest.raises(UnknownKey):
            await server.status()


async def use_api_key(doomed: Doomed) -> None:
    """A gateway that was asked to stop dies while it writes down which API keys were used."""
    made = await doomed.client.api_keys.make("used", spend_per_day=1)
    async with doomed.killed():
        assert doomed.network.gateway is not None
        async with Client(doomed.network.address, made.secret, patience_seconds=60) as server:
            await server.status()
        with suppress(ProcessLookupError):  # it writes them down now and then, too
            doomed.network.gateway.process.terminate()
    await doomed.client.api_keys.revoke(made.key.key_id)


async def make_webhook(doomed: Doomed) -> None:
    """A webhook is made; one whose answer was lost on the way is listed."""
    async with doomed.killed():
        made = await doomed.client.webhooks.make("https://server.example/")
    listed = [one.endpoint_id for one in await doomed.client.webhooks.known()]
    assert made.webhook.endpoint_id in listed
    for one in listed:
        await doomed.client.webhooks.remove(one)


async def deliver(doomed: Doomed) -> None:
    """A task's events reach a server whatever died, in order, each with one id."""
    ids: list[str] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        ids.append(head.partition("webhook-id: ")[2].split("\r\n")[0])
        writer.write(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    made = await doomed.client.webhooks.make(url, kinds=["accepted", "done"])
    try:
        program = await doomed.program()
        async with doomed.killed(meanwhile=doomed.forget_the_dead):
            await doomed.prove(program)
            await doomed.wait_until_reached()
        await doomed.sql("UPDATE webhook_deliveries SET due_ms = 0 WHERE state = 'waiting'")  # a claim of the dead
        await doomed.eventually(
            "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM webhook_deliveries WHERE state <> 'delivered')"
        )
    finally:
        await doomed.client.webhooks.remove(made.webhook.endpoint_id)
        server.close()
    first_seen = list(dict.fromkeys(ids))
    assert len(first_seen) == 2, ids
    assert [int(one.rpartition("_")[2]) for one in first_seen] == sorted(
        int(one.rpartition("_")[2]) for one in first_seen
    )


async def change_subnetwork(doomed: Doomed) -> None:
    """A subnetwork is made; asked for once more it is the same one."""
    name = f"new-{next(doomed.numbers)}"
    async with doomed.killed(), doomed.admin() as admin:
        made = await admin.create_subnetwork(name, SubnetworkChange(reference_price=900))
    assert (made.name, made.reference_price, made.members) == (name, 900, ())


async def rotate_keys(doomed: Doomed) -> None:
    """A new key is named once, however often that is said; bundles of it and of the key before verify."""
    made, root = new_key(), doomed.network.admin_key
    write_key(made, doomed.network.root / "gateway" / "keys" / f"{made.address}.key")
    async with doomed.admin() as admin:
        before = (await admin.keys.get()).named
    after = sign_list(with_key(before, made.address, Purpose, now_ms=SystemClock().now_ms()), root)
    async with doomed.killed(), doomed.admin() as admin:
        known = await admin.keys.publish(after)
    assert known.signed == after
    assert made.address in known.held
    await doomed.prove(await doomed.program())


async def stop_engine(doomed: Doomed) -> None:
    """An engine is stopped once, however often that is said; its open task ends, refunded; it is resumed by hand."""
    before = await doomed.balance()
    task_id = await _nobody_sells(doomed)
    try:
        async with doomed.killed(), doomed.administrator() as client:
            await client.engines.stop(TOY, "unsound")
        task = await doomed.client.wait(task_id)
        assert (task.state, task.failure_code) == ("failed", EngineBroken.code)
        assert await doomed.balance() == before
    finally:
        async with doomed.administrator() as client:
            resumed = await client.engines.resume(TOY)
    assert [stop.reason for stop in resumed.stops[:1]] == ["unsound"]
    await doomed.prove(await doomed.program())


async def end_tasks_of_stopped_engine(doomed: Doomed) -> None:
    """The gateway dies while it ends the tasks of a stopped engine; none is forgotten."""
    before = await doomed.balance()
    tasks = [await _nobody_sells(doomed) for _ in range(3)]
    try:
        async with doomed.killed(nth=2), doomed.administrator() as client:
            await client.engines.stop(TOY, "unsound")
        for task_id in tasks:
            assert (await doomed.client.wait(task_id)).failure_code == EngineBroken.code
        assert await doomed.balance() == before
    finally:
        async with doomed.administrator() as client:
            await client.engines.resume(TOY)


async def _nobody_sells(doomed: Doomed) -> str:
    return await doomed.submit(await doomed.program(), limit_price=NEVER_SOLD)


async def deposit(doomed: Doomed) -> None:
    """Money comes in once, however often the call is made."""
    before = await doomed.balance()
    deposit_id = f"crash-{next(doomed.numbers)}"
    async with doomed.killed(), doomed.admin() as admin:
        await admin.deposit(doomed.network.keys["client"].address, 777, deposit_id=deposit_id)
    assert await doomed.balance() == before + 777


async def bond(doomed: Doomed) -> None:
    """An operator's bond is paid in once."""
    before = await _bond_of(doomed, "alice")
    async with doomed.killed():
        await _pay_into_bond(doomed, "alice")
    assert await _bond_of(doomed, "alice") == before + BOND


async def appeal(doomed: Doomed) -> None:
    """An operator appeals, whoever hears it."""
    async with doomed.killed():
        evidence = await _appealed(doomed)
    [row] = await doomed.sql("SELECT state, appeal FROM evidence WHERE evidence_id::text = $1", evidence)
    assert tuple(row) == ("appealed", "no")


async def resolve(doomed: Doomed) -> None:
    """An appeal is answered, and what was burnt is given back once."""
    evidence = await _appealed(doomed)
    async with doomed.killed(), doomed.admin() as admin:
        answer = await admin.resolve_appeal(evidence, overturn=True, answer="so be it")
    [row] = await doomed.sql(
        "SELECT sum(amount)::bigint AS back FROM transfers WHERE transfer_id LIKE 'overturn:' || $1 || ':%'", evidence
    )
    assert (answer.state, answer.given_back) == ("overturned", row["back"])


async def close_incident(doomed: Doomed) -> None:
    """Settlement was stopped; a task ends well after the incident is closed, however often that is said."""
    program = await doomed.program()
    opened = await doomed.sql(
        "INSERT INTO incidents (kind, subject, detail) VALUES ('test', $1, 'by hand') RETURNING incident_id",
        f"crash-{next(doomed.numbers)}",
    )
    task_id = await doomed.submit(program)
    async with doomed.killed(), doomed.admin() as admin:
        await admin.close_incident(opened[0]["incident_id"])
    await doomed.ends_well(task_id)


async def lies_are_too_many(doomed: Doomed) -> None:
    """Too many lies of an operator open one incident, whose act is done once, by whichever gateway comes to it."""
    liar = doomed.network.add_key(f"liar-{next(doomed.numbers)}").address
    async with doomed.killed():
        await doomed.sql(
            "INSERT INTO lies (lease_id, kind, operator, prover_id, engine, proven_jobs) "
            "SELECT gen_random_uuid(), 'invalid', $1, $1 || '/one', 'toy@0', 0 FROM generate_series(1, 5)",
            liar,
        )
        await doomed.wait_until_reached()
    await doomed.eventually(f"SELECT FROM incidents WHERE subject = '{liar}' AND acted_ms IS NOT NULL")
    rows = await doomed.sql(
        "SELECT kind, state FROM (SELECT kind, closed_ms AS state FROM incidents WHERE subject = $1) i", liar
    )
    assert [(row["kind"], row["state"]) for row in rows] == [("invalid_proofs", None)]


async def incident_is_over(doomed: Doomed) -> None:
    """An incident whose signal is gone ends by itself, once."""
    lane = f"nowhere-{next(doomed.numbers)}"
    async with doomed.killed():
        await doomed.sql(
            "INSERT INTO incidents (kind, subject, detail, stops_settlement, acted_ms, seen_ms) "
            "VALUES ('lane_starves', $1, 'long ago', false, 1, 1)",
            lane,
        )
        await doomed.wait_until_reached()
    await doomed.eventually(f"SELECT FROM incidents WHERE subject = '{lane}' AND closed_by = 'network'")


async def place_audit(doomed: Doomed) -> None:
    """An act gets its place in the audit log, and one only."""
    address = doomed.network.add_key(f"audited-{next(doomed.numbers)}").address
    async with doomed.killed(), doomed.admin() as admin:
        await admin.grant(address, "client")
        await doomed.wait_until_reached()
    await doomed.eventually("SELECT WHERE NOT EXISTS (SELECT FROM audit_entries WHERE position IS NULL)")
    [row] = await doomed.sql("SELECT max(position) + 1 AS places, count(*) AS entries FROM audit_entries")
    assert row["places"] == row["entries"]


async def refuse(doomed: Doomed) -> None:
    """A gateway that was asked to stop dies while it writes down which calls it refused."""
    async with doomed.killed():
        assert doomed.network.gateway is not None
        with pytest.raises(NotAllowed):
            await doomed.client.admin.grant(doomed.network.admin_key.address, "operator")
        with suppress(ProcessLookupError):  # it writes them down each minute, too
            doomed.network.gateway.process.terminate()


async def add_canary(doomed: Doomed) -> None:
    """A canary is registered once, and proven once, however often the call is made."""
    program = await doomed.program()
    number = next(doomed.numbers)
    async with doomed.admin() as admin:
        await admin.fund_treasury(10**9, deposit_id=f"canary-{number}")
    await doomed.client.ownership.share(program, ["*"])
    async with doomed.killed(), doomed.admin() as admin:
        canary = await admin.add_canary(program, [f"canary {number}"], limit_price=2_000)
    await doomed.eventually("SELECT 1 FROM tasks WHERE task_id = $1 AND state = 'done'", canary.first_task)
    assert await doomed.sql("SELECT 1 FROM canaries WHERE first_task = $1", canary.first_task)


async def second_look(doomed: Doomed) -> None:
    """What another version accepted is verified again, and that is noted once."""
    program = await doomed.program()
    await doomed.sql("INSERT INTO program_engines (program_digest, engine) VALUES ($1, $2)", program, OLD_TOY)
    task_id = (await doomed.prove(program)).task.task_id
    sold = "SELECT client, lane FROM tasks JOIN leases USING (task_id) WHERE task_id = $1"
    [before] = await doomed.sql(sold, task_id)
    change = (
        "WITH sold AS (UPDATE leases SET lane = $2 WHERE task_id = $1) UPDATE tasks SET client = $3 WHERE task_id = $1"
    )
    try:
        async with doomed.killed():
            await doomed.sql(change, task_id, before["lane"].replace(TOY, OLD_TOY), NETWORK_CLIENT)
            await doomed.wait_until_reached()
        looked = "SELECT 1 FROM second_looks JOIN leases USING (lease_id) WHERE task_id = $1 AND verdict = 'agrees'"
        await doomed.eventually(looked, task_id)
    finally:
        await doomed.sql(change, task_id, before["lane"], before["client"])


async def tidy(doomed: Doomed, *, nth: int) -> None:
    """An old upload is forgotten and set aside; what is needed stays."""
    program = await doomed.program()
    digest = await upload_file(doomed.client.connection, _fresh_file(doomed))
    async with database_of(doomed.network) as connection, doomed.killed(nth=nth):
        # One gateway tidies at a time, and while this holds none: one pass finds everything at once.
        await connection.execute("SELECT pg_advisory_lock(hashtextextended('retention', 0))")
        await connection.execute("UPDATE artifacts SET created_ms = created_ms - $2 WHERE digest = $1", digest, OLD_MS)
        await connection.execute("SELECT pg_advisory_unlock(hashtextextended('retention', 0))")
        await doomed.eventually("SELECT 1 FROM artifact_garbage WHERE digest = $1 AND aside", digest)
    assert not await doomed.sql("SELECT 1 FROM artifacts WHERE digest = $1", digest)
    store = doomed.network.root / "gateway" / "artifacts"
    assert [(store / "aside" / digest).exists(), (store / "sha256" / digest[:2] / digest).exists()] == [True, False]
    await doomed.prove(program)


async def note_repair(doomed: Doomed) -> None:
    """The second store is away when something is uploaded; it has its copy in the end."""
    second, path = _SecondStore(doomed), _fresh_file(doomed)
    second.go()
    async with doomed.killed(meanwhile=second.come_back):
        digest = await upload_file(doomed.client.connection, path)
    await doomed.eventually(NO_REPAIRS)
    assert await second.content(digest) == path.read_bytes()


async def repair(doomed: Doomed) -> None:
    """The second store comes back and gets what it missed."""
    second, path = _SecondStore(doomed), _fresh_file(doomed)
    second.go()
    digest = await upload_file(doomed.client.connection, path)
    async with doomed.killed():
        await second.come_back()
        await doomed.eventually(NO_REPAIRS)
    assert await second.content(digest) == path.read_bytes()


# --- helpers ---------------------------------------------------------------------------------------------


async def _pay_into_bond(doomed: Doomed, name: str) -> None:
    deposit_id = f"bond-{next(doomed.numbers)}"
    async with doomed.admin() as admin:
        await admin.deposit_stake(doomed.network.keys[name].address, BOND, deposit_id=deposit_id)


async def _story(doomed: Doomed, task_id: str) -> str:
    """Return what happened to a task, for who has to find out why it was not as expected."""
    return "\n".join(f"{event.at_ms} {event.kind} {event.data}" for event in await events_of(doomed.client, task_id))


async def _why_returned(doomed: Doomed, task_id: str) -> list[str]:
    """Return why leases ended without a proof, but for those that their provers, still on their way back, never saw."""
    events = await events_of(doomed.client, task_id)
    reasons = [event.data["reason"] for event in events if event.kind == "returned"]
    return [reason for reason in reasons if reason not in ("not_picked_up", "not_started")]


async def _promised_program(doomed: Doomed, *, aggregate: bool = False, **settings: Any) -> str:
    """Register a program; return when provers would promise a time and a cost for it."""
    for _, name in PROVERS:
        await _pay_into_bond(doomed, name)
    program = await doomed.program(**settings)
    quote = await doomed.client.quote(program, ["x"], aggregate=aggregate)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while quote.firm is None:
                await asyncio.sleep(0.1)  # nobody tells
                quote = await doomed.client.quote(program, ["x"], aggregate=aggregate)
    except TimeoutError:
        raise AssertionError(f"nobody promises: {quote}\n{await _why_nobody(doomed, program)}") from None
    return program


async def _why_nobody(doomed: Doomed, program: str) -> str:
    """Return what is known of those who could promise, and what the network says when it is asked to sell a promise."""
    looked = [
        (await doomed.client.status()).provers,
        await doomed.sql("SELECT * FROM firm_quote_seats WHERE state = 'reserved'"),
        await doomed.sql("SELECT * FROM sessions WHERE open"),
        await doomed.sql("SELECT state, count(*), sum(stake_bound) FROM leases GROUP BY state"),
        await doomed.sql("SELECT * FROM accounts WHERE account LIKE 'stake:%'"),
    ]
    try:
        await doomed.client.buy_quote(program, ["x"])
    except ProofgridError as refused:
        looked.append(str(refused))
    return "\n".join(map(str, looked))


async def _state_of_quote(doomed: Doomed, quote_id: str) -> str:
    [state] = [quote.state for quote in await doomed.client.quotes() if quote.quote_id == quote_id]
    return state


async def _bond_of(doomed: Doomed, name: str) -> int:
    network = doomed.network
    async with Client(network.address, network.admin_key, patience_seconds=PATIENCE_SECONDS) as client:
        return (await client.bonds.show(doomed.network.keys[name].address)).bond


async def _appealed(doomed: Doomed) -> str:
    """Let a slash be there, and its operator appeal; return its evidence."""
    proven = await doomed.prove(await doomed.program())
    [row] = await doomed.sql(
        """INSERT INTO evidence (kind, lease_id, task_id, job_id, operator, prover_id, client, program_digest, slice,
            detail, facts, amount, burnt, to_client, to_rescuer)
        SELECT 'missed_deadline', lease_id, task_id, job_id, operator, prover_id, client, program_digest, 0, '', '{}',
            40, 20, 10, 10 FROM leases JOIN tasks USING (task_id) WHERE task_id::text = $1 LIMIT 1
        RETURNING evidence_id::text, operator""",
        proven.task.task_id,
    )
    network = doomed.network
    [key] = [network.keys[name] for _, name in PROVERS if network.keys[name].address == row["operator"]]
    async with Client(network.address, key, patience_seconds=PATIENCE_SECONDS) as operator:
        await operator.bonds.appeal(row["evidence_id"], "no")
    return str(row["evidence_id"])


async def _taken_back(doomed: Doomed) -> tuple[str, Callable[..., ScriptedProver], messages.Lease]:
    """Return a task, how its only prover connects again (or another one of bob's, by a name), and its lost lease."""
    subnetwork = await _new_subnetwork(doomed, overflow_after_ms=LONG_HOLD_MS)

    def prover(name: str = "late") -> ScriptedProver:
        return ScriptedProver(doomed.network, f"{name}-{subnetwork}", "bob", slots=1, subnetworks=[subnetwork])

    program = await doomed.program(rounds=10)
    async with prover() as only:
        task_id = await doomed.submit(program, subnetwork=subnetwork)
        lease = await only.take_lease()
        only.let_go(lease)
        await doomed.sql("UPDATE leases SET until_ms = 0, expires_ms = 0 WHERE task_id = $1", task_id)
        await doomed.sql("SELECT pg_notify('expiry', '')")
        await doomed.eventually("SELECT 1 FROM jobs WHERE task_id = $1 AND state = 'ready'", task_id)
    return task_id, prover, lease


async def _say_until_answered(prover: Callable[..., ScriptedProver], result: messages.JobResult) -> messages.ResultAck:
    """Hand in a result, over as many streams as it takes."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            with suppress(ProofgridError, grpc.RpcError, asyncio.InvalidStateError):
                async with prover() as again:
                    if (verdict := await again.answer(result)) is not None:
                        return verdict
            await asyncio.sleep(0.1)  # the gateway is away


async def _new_subnetwork(doomed: Doomed, *, overflow_after_ms: int) -> str:
    name = f"new-{next(doomed.numbers)}"
    async with doomed.admin() as admin:
        await admin.create_subnetwork(name, SubnetworkChange(is_open=True, overflow_after_ms=overflow_after_ms))
    return name


class _SecondStore:
    """The folder of the second copies, which may go away."""

    def __init__(self, doomed: Doomed) -> None:
        self.folder = Path(doomed.network.settings["ARTIFACTS_MIRROR"])
        self._aside = self.folder.with_name("second-away")
        self._gateway = doomed.network.root / "gateway"

    def go(self) -> None:
        """A file stands where the folder was."""
        self.folder.rename(self._aside)
        self.folder.write_text("not a folder")

    async def come_back(self) -> None:
        self.folder.unlink()
        self._aside.rename(self.folder)

    async def content(self, digest: Digest) -> bytes:
        """Return what an artifact is here, unlocked with the gateway's key."""
        vault = Vault(store_keys_in(self._gateway / "keys" / "store", ""))
        return await ArtifactStore.open(str(self.folder), vault=vault).read_bytes(digest, limit_bytes=1 << 20)


def _fresh_file(doomed: Doomed) -> Path:
    path = doomed.network.root / f"file-{next(doomed.numbers)}"
    path.write_text(path.name)
    return path


async def _cut_database_off(doomed: Doomed, *, seconds: float) -> None:
    dsn = doomed.network.dsn
    name = dsn.partition("?")[0].rpartition("/")[2]
    connection = await asyncpg.connect(dsn, database="postgres")
    try:
        await connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        await asyncio.sleep(seconds)
    finally:
        await connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await connection.close()
