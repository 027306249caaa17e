"""What a drill is: how an incident is caused for real, what must hold then, how the cause is taken away."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from proofgrid.cli.demo.drills.scratch import Scratch
from proofgrid.primitives.errors import ProofgridError
from proofgrid.primitives.ids import Address
from proofgrid.rules.jobs.constraints import Constraints

GOAL_MS = 5_000
LIMIT_PRICE = 1_500  #: base units per PU that its clients bid; its provers ask 500

Cause = Callable[[Scratch], Awaitable[int]]  #: returns when the signal was there, by the database's clock
Check = Callable[[Scratch], Awaitable[None]]


async def nothing(_scratch: Scratch) -> None:
    """Nothing is left to be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """One of them."""

    kind: str  #: of the incident
    cause: Cause
    holds: Check = nothing  #: raises unless the act is felt
    mend: Check = nothing  #: takes the cause away, before the incident is ended
    flags: tuple[str, ...] = ()  #: more of the gateway's
    is_felt: bool = False  #: a gateway acts before it can write that down: its log says when


async def refused(code: str, call: Awaitable[object]) -> None:
    """Raise unless a call is refused with this code."""
    try:
        await call
    except ProofgridError as error:
        if error.code == code:
            return
        raise
    raise ProofgridError(f"a call went on that {code} should have ended")


def source(scratch: Scratch) -> Mapping[str, Path]:
    """Return what a program of a drill is made of."""
    path = scratch.folder / "nothing"
    path.write_text("a drill needs no source")
    return {"nothing": path}


def only(address: Address) -> Constraints:
    """Let nobody but one operator prove."""
    return Constraints(allowed_operators=frozenset({address}))


async def submitted(scratch: Scratch, *inputs: str, constraints: Constraints | None = None) -> str:
    """Let a new client submit a task of these inputs; return its id."""
    async with scratch.client(await scratch.a_client()) as client:
        program = await client.register_program(source(scratch), proof_system="drill")
        task = await client.submit(
            program.digest, list(inputs), limit_price=LIMIT_PRICE, constraints=constraints or Constraints()
        )
    return task.task_id
