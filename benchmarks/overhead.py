"""What does the network cost? A task of four slices on one prover, against its four proofs in a plain loop.

The network builds the program and its prover derives the keys, once, before anything is timed; the loop gets both.
The ratio is of processor time, of the loop and of all of the network's processes: a busy machine hardly disturbs it.
Who waits for whom only the clock knows: the difference by it counts on an idle machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks.digits import (
    bench_network,
    cleaned_up,
    made_srs,
    name_of_prover,
    register_digits,
    rest,
    start_warm_prover,
    timed_task,
)
from benchmarks.measuring import Result, Target, busy_percent, median, say, step, temporary_folder
from benchmarks.processor_time import postmaster_of, used_by_trees
from proofgrid.bootstrap.gateway.store_keys import store_keys_in
from proofgrid.primitives.digests import Digest
from proofgrid.proofs.kit.engine import ENGINE_THREADS
from proofgrid.proofs.library import ProgramLibrary
from proofgrid.proofs.manifest import program_to_json
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.cache import LocalCache
from proofgrid.store.database import Database
from proofgrid.store.embedded import dsn_of
from proofgrid.store.vault import Vault
from tests.networks import Network

NAME = "overhead"
RATIO_MAX = 1.03
DIFFERENCE_MAX_SECONDS = 0.5
JOBS = 4


def run(*, repetitions: int) -> Result:
    """Measure alternately, so that a disturbance of the machine meets both alike."""
    busy = busy_percent()
    with temporary_folder() as folder, made_srs(folder) as srs:
        (folder / "direct").mkdir()
        network = Network(folder, "", {"SRS_FILE": str(srs)})
        with cleaned_up(network):
            table = asyncio.run(_measure(network, repetitions))

    directly = median([row["processor_seconds_direct"] for row in table])
    through = median([row["processor_seconds_network"] for row in table])
    ratio, difference = through / directly, through - directly
    waited = median([row["difference_seconds"] for row in table])
    return Result(
        name=NAME,
        measured=f"processor time of a 4-slice task through the network, all its processes: median {through:.2f} s",
        against=f"its four proofs in a loop in one process on one core, keys warm: median {directly:.2f} s",
        ratio=round(ratio, 4),
        targets=(
            Target(text=f"at most {RATIO_MAX} times", met=ratio <= RATIO_MAX),
            Target(
                text=f"at most {DIFFERENCE_MAX_SECONDS} s more by the clock, on an idle machine; it is {waited:+.2f} s"
                f" (processor: {1000 * difference / JOBS:+.0f} ms a job)",
                met=waited <= DIFFERENCE_MAX_SECONDS,
            ),
        ),
        table=tuple(table),
        busy_before_percent=busy,
    )


async def _measure(network: Network, repetitions: int) -> list[dict[str, Any]]:
    table = []
    async with bench_network(network) as client:
        digest = await register_digits(client)
        await start_warm_prover(network, client, digest, "alice")
        program = await _program_of(network, Digest(digest))
        async with _direct_peer(network.root / "direct", program) as peer:
            with step("starting the plain loop; it proves once"):
                assert (await _answer_of(peer))["digest"] == digest, "both prove the same program"
            of_network = (
                *(process.pid for process in network.processes),
                postmaster_of(network.root / "gateway" / "db"),
            )
            for repetition in range(1, repetitions + 1):
                await rest()
                direct = await _ask(peer, repetition)
                await rest()
                before = used_by_trees(of_network)
                task = await timed_task(client, digest, number=repetition)
                processor_seconds = used_by_trees(of_network) - before
                directly, through = float(direct["seconds"]), task.seconds
                table.append(
                    {
                        "repetition": repetition,
                        "direct_seconds": directly,
                        "busy_cores_direct": direct["busy_cores"],
                        "network_seconds": through,
                        "busy_cores_network": task.busy_cores,
                        "difference_seconds": round(through - directly, 3),
                        "ratio": round(through / directly, 3),
                        "processor_seconds_direct": direct["processor_seconds"],
                        "processor_seconds_network": round(processor_seconds, 3),
                        "processor_ratio": round(processor_seconds / direct["processor_seconds"], 3),
                    }
                )
                say(f"repetition {repetition}: directly {directly:.2f} s, through the network {through:.2f} s")
    return table


async def _program_of(network: Network, digest: Digest) -> dict[str, Any]:
    """Return the program that the network has built, its files and the prover's keys copied for the plain loop."""
    folder, gateway = network.root / "direct", network.root / "gateway"
    vault = Vault(store_keys_in(gateway / "keys" / "store", ""))
    artifacts = ArtifactStore.open(str(gateway / "artifacts"), vault=vault)
    database = await Database.connect(dsn_of(gateway / "db"), size=1)
    try:
        program = await ProgramLibrary(database, artifacts, LocalCache(folder / "cache", 1 << 40)).program(digest)
    finally:
        await database.close()
    files = {name: folder / f"file-{number}" for number, name in enumerate(program.files)}
    for name, path in files.items():
        await artifacts.fetch_to(program.files[name], path)
    shutil.copytree(network.keys_directory(name_of_prover("alice"), "alice"), folder / "keys")
    return {"manifest": program_to_json(program), "files": {name: str(path) for name, path in files.items()}}


@asynccontextmanager
async def _direct_peer(folder: Path, program: dict[str, Any]) -> AsyncIterator[Process]:
    """The plain loop's process; it ends with its standard input, however this one ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.direct",
        stdin=PIPE,
        stdout=PIPE,
        env={**os.environ, **dict.fromkeys(ENGINE_THREADS, "1")},
        start_new_session=True,
    )
    try:
        await _tell(process, json.dumps({"folder": str(folder), **program}))
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _ask(process: Process, number: int) -> dict[str, Any]:
    await _tell(process, str(number))
    return await _answer_of(process)


async def _tell(process: Process, line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line.encode() + b"\n")
    await process.stdin.drain()


async def _answer_of(process: Process) -> dict[str, Any]:
    assert process.stdout is not None
    line = await process.stdout.readline()
    assert line, "the plain loop ended; its complaint stands above"
    answer: dict[str, Any] = json.loads(line)
    return answer
