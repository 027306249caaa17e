"""The work that is measured: the demo's digits model in four slices of 2^15 rows, on a network of real processes.

So many rows make a slice take about seven seconds of one core, so that proving is what is measured.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measuring import say, step, timed, uninterrupted
from proofgrid.cli.demo.digits import MODEL, read_digit
from proofgrid.cli.demo.processes import stop_database
from proofgrid.proofs.systems.ezkl.circuits.development import make_development_srs
from proofgrid.sdk.client import Client
from tests.networks import Network, Process

SLICES = 4
LOGROWS = 15
SETTINGS = {"slices": SLICES, "decomposition": "16384x2", "input_range": [0, 1]}
ASK, LIMIT_PRICE = 800, 2_000
SAMPLES = 10  #: digits to choose from; every repetition proves another one


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedTask:
    """One task from submit to done."""

    seconds: float
    busy_cores: float  #: of the whole machine meanwhile
    jobs_of: dict[str, int]  #: prover -> jobs; tells whether all of them had a share


@contextmanager
def made_srs(folder: Path) -> Iterator[Path]:
    """A folder with the one reference string that fits the circuits."""
    srs = folder / "srs"
    srs.mkdir()
    with step(f"making an SRS of 2^{LOGROWS} points"):
        make_development_srs(srs / f"kzg{LOGROWS}.srs", LOGROWS)
    yield srs


@contextmanager
def cleaned_up(network: Network) -> Iterator[None]:
    """Whatever happens, none of the network's processes lives on; the second net below `Network.stop`."""
    try:
        yield
    finally:
        with uninterrupted():
            for process in network.processes:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
            stop_database(network.root / "gateway" / "db")


@asynccontextmanager
async def bench_network(network: Network) -> AsyncIterator[Client]:
    """Start a gateway with its own embedded PostgreSQL, a client with money, and operators without provers."""
    say("starting a gateway with its own PostgreSQL")
    try:
        await network.start_gateway()
        await network.let_in()
        async with network.client() as client:
            yield client
        await network.check_ledger()
    except BaseException:
        for process in network.processes[1:]:
            process.kill()  # asked politely, provers would finish their jobs first
        raise
    finally:
        await network.stop()


async def register_digits(client: Client) -> str:
    """Have the network build the program; return its digest."""
    with step("registering the digits model; the network builds it"):
        program = await client.register_program({"model": MODEL}, settings=SETTINGS)
    return program.digest


async def start_warm_prover(network: Network, client: Client, digest: str, operator: str) -> Process:
    """Start an operator's one-core prover and have it derive its proving keys in a task that nobody measures."""
    with step(f"starting {operator}'s prover; it derives its proving keys"):
        prover = await start_prover(network, operator)
        await timed_task(client, digest, number=0)
    return prover


async def start_prover(network: Network, operator: str) -> Process:
    """Start an operator's prover; one that was stopped finds its keys again."""
    return await network.start_prover(name_of_prover(operator), operator, ask=ASK, cores=1)


def name_of_prover(operator: str) -> str:
    """Return what an operator's prover is called."""
    return f"{operator}-1"


async def stop_prover(network: Network, prover: Process) -> None:
    """Stop a prover and wait until the gateway knows."""
    await prover.stop()
    await network.until(lambda status: all(not known.prover_id.endswith(f"/{prover.name}") for known in status.provers))


async def timed_task(client: Client, digest: str, *, number: int) -> TimedTask:
    """Prove one digit on the network."""
    pixels = read_digit(number % SAMPLES).model_input
    with timed() as watch:
        submitted = await client.submit(digest, [pixels], limit_price=LIMIT_PRICE)
        async for _ in client.watch(submitted.task_id):
            pass

    task = await client.task(submitted.task_id)
    assert task.state == "done", f"the task ended as {task.state}"
    assert len(task.jobs) == SLICES
    return TimedTask(
        seconds=watch.seconds, busy_cores=watch.busy_cores, jobs_of=dict(Counter(job.prover for job in task.jobs))
    )


async def rest() -> None:
    """Let what a task leaves to do (events, combining, page cache) settle before the next is timed."""
    await asyncio.sleep(0.5)
