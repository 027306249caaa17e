"""Drills of lies: provers that hand in what is wrong, blame what is whole, and sign two results of one lease."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from proofgrid.cli.demo.drills.drill import LIMIT_PRICE, Drill, only, refused, source, submitted
from proofgrid.cli.demo.drills.drill_system import BLAME, LIE, OTHER_SYSTEM, WRONG
from proofgrid.cli.demo.drills.scratch import Scratch, package_of
from proofgrid.cli.demo.drills.second_result import send_another_result

PROVEN_BEFORE = 8
LIES = 5
BOND = 10**9
LOOKED_AT = 16
TO_LOOK_AT = "SELECT FROM leases WHERE state = 'settled' AND get_byte(decode(md5(lease_id::text), 'hex'), 0) % 16 = 0"


async def lie_alone(scratch: Scratch) -> int:
    await scratch.start_provers("liar")
    _tell(scratch, "liar", WRONG)
    return await _submit_until_lies(scratch, LIES)


async def lie_everywhere(scratch: Scratch) -> int:
    names = ("one", "two", "three")
    await scratch.start_provers(*names)
    client = await scratch.a_client()
    async with scratch.client(client) as asking:
        program = await asking.register_program(source(scratch), proof_system="drill")
        addresses = [scratch.provers[name].address for name in names]
        for address in addresses:
            task = await asking.submit(
                program.digest,
                [f"{address} {number}" for number in range(PROVEN_BEFORE)],
                limit_price=LIMIT_PRICE,
                constraints=only(address),
            )
            await asking.wait(task.task_id)
        for name in names:
            _tell(scratch, name, WRONG)
        for address in addresses:
            await asking.submit(
                program.digest,
                [f"lie {address}"],
                limit_price=LIMIT_PRICE,
                constraints=only(address),
            )
    return await _until_lies(scratch, len(names))


async def the_engine_is_refused(scratch: Scratch) -> None:
    client = await scratch.a_client()
    async with scratch.client(client) as asking:
        await refused("PG-145", asking.register_program(source(scratch), proof_system="drill"))


async def blame_what_is_whole(scratch: Scratch) -> int:
    """Hand leases back because an artifact is lost, which the gateway then reads."""
    await scratch.start_provers("liar")
    _tell(scratch, "liar", BLAME)
    return await _submit_until_lies(scratch, LIES)


async def stand_for_two_results(scratch: Scratch) -> int:
    await scratch.start_provers("liar", bond=BOND)
    _tell(scratch, "liar", WRONG)
    await submitted(scratch, "lie")
    await scratch.until("SELECT FROM evidence WHERE kind = 'invalid_proof'")
    at_ms = await scratch.now_ms()
    await send_another_result(scratch, "liar")
    return at_ms


async def nothing_is_sold_to_it(scratch: Scratch) -> None:
    await submitted(scratch, "who proves this?")
    await scratch.until(
        "SELECT FROM provers WHERE operator = $1 AND paused_until_ms > now_ms()", scratch.provers["liar"].address
    )


async def let_two_versions_differ(scratch: Scratch) -> int:
    """A second gateway has another version of the engine, which takes no proof of the first one's."""
    other = await scratch.start_gateway("other", python_path=package_of(scratch.folder / "other-site", OTHER_SYSTEM))
    await scratch.start_provers("honest")
    client = await scratch.a_client()
    async with scratch.client(client, other) as asking:
        await asking.register_program(source(scratch), proof_system="drill")
    async with scratch.client(client) as asking:
        program = await asking.register_program(source(scratch), proof_system="drill")
        for number in range(LOOKED_AT):  # of those of clients one in sixteen is looked at
            inputs = [f"{number} {place}" for place in range(LOOKED_AT)]
            task = await asking.submit(program.digest, inputs, limit_price=LIMIT_PRICE)
            await asking.wait(task.task_id)
            if await scratch.sql(TO_LOOK_AT):
                break
    return await scratch.now_ms()


def _tell(scratch: Scratch, name: str, how: str) -> None:
    for folder in scratch.folder.glob(f"{name}/**/keys"):
        (folder / LIE).write_text(how)


async def _submit_until_lies(scratch: Scratch, times: int) -> int:
    client = await scratch.a_client()
    async with scratch.client(client) as asking:
        program = await asking.register_program(source(scratch), proof_system="drill")
        for number in range(times):
            await asking.submit(program.digest, [f"lie {number}"], limit_price=LIMIT_PRICE)
    return await _until_lies(scratch, times)


async def _until_lies(scratch: Scratch, times: int) -> int:
    while True:
        rows = await scratch.sql("SELECT max(at_ms) AS at_ms FROM lies HAVING count(*) >= $1", times)
        if rows:
            return await scratch.now_ms()
        await asyncio.sleep(0.02)


_PATIENT = ("--pause-after-faults-in-row", "0", "--pause-after-faults-of-ten", "0")
DRILLS: Mapping[str, Drill] = {
    "invalid-proofs": Drill(kind="invalid_proofs", cause=lie_alone, holds=nothing_is_sold_to_it, flags=_PATIENT),
    "false-claims": Drill(kind="false_claims", cause=blame_what_is_whole, holds=nothing_is_sold_to_it, flags=_PATIENT),
    "equivocation": Drill(
        kind="equivocation",
        cause=stand_for_two_results,
        holds=nothing_is_sold_to_it,
        flags=(*_PATIENT, "--stake-permille", "500"),
    ),
    "engine": Drill(kind="engine_broken", cause=lie_everywhere, holds=the_engine_is_refused, flags=_PATIENT),
    "two-engines": Drill(kind="engines", cause=let_two_versions_differ),
}
