"""Drills of what a gateway feels: its database, store, disk, clock and certificate, each broken for real."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import ssl
from collections.abc import Mapping
from contextlib import suppress

import psutil

from proofgrid.cli.demo.drills.certificates import write_certificate
from proofgrid.cli.demo.drills.drill import Drill, refused, submitted
from proofgrid.cli.demo.drills.scratch import Scratch
from proofgrid.primitives.errors import ProofgridError

HANGS_SECONDS = 6.0
FILE_BYTES_MAX = 2 << 20  #: half of what a gateway tries to write, and more than its log takes
CLOCK_ERROR_MS = 30_000
ENDS_SOON_DAYS, ENDS_LATE_DAYS = 3, 90


async def break_the_store(scratch: Scratch) -> int:
    store = scratch.data / "artifacts"
    store.rename(store.with_name("artifacts-aside"))
    store.write_text("no folder")
    return await scratch.now_ms()


async def mend_the_store(scratch: Scratch) -> None:
    store = scratch.data / "artifacts"
    store.unlink()
    store.with_name("artifacts-aside").rename(store)


async def stop_the_database(scratch: Scratch) -> int:
    """Let it answer nobody for a while: its processes are stopped, those that serve connections."""
    at_ms = await scratch.now_ms()
    server = psutil.Process(int((scratch.data / "db" / "postmaster.pid").read_text().split()[0]))
    backends = [child.pid for child in server.children()]
    _tell_all(backends, signal.SIGSTOP)
    try:
        await asyncio.sleep(HANGS_SECONDS)
    finally:
        _tell_all(backends, signal.SIGCONT)
    return at_ms


def _tell_all(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


async def shut_the_disk(scratch: Scratch) -> int:
    """As a quota does: the kernel lets the gateway's process write no file beyond a size."""
    at_ms = await scratch.now_ms()
    _bound_files(scratch, FILE_BYTES_MAX)
    return at_ms


async def open_the_disk(scratch: Scratch) -> None:
    _bound_files(scratch, resource.RLIM_INFINITY)


def _bound_files(scratch: Scratch, limit: int) -> None:
    pid = scratch.fleet.pid_of("gateway")
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


async def nothing_new_is_let_in(scratch: Scratch) -> None:
    await refused("PG-429", submitted(scratch, "there is no room"))


async def set_a_clock_wrong(scratch: Scratch) -> int:
    """Only of a second gateway's process: packages of its own make its clock go ahead."""
    folder = scratch.folder / "clock"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        f"import time\nright = time.time_ns\ntime.time_ns = lambda: right() + {CLOCK_ERROR_MS}_000_000\n"
    )
    await scratch.start_gateway("ahead", python_path=folder)
    return await scratch.now_ms()


async def the_other_one_leads(scratch: Scratch) -> None:
    """Jobs are sold as before."""
    await scratch.start_provers("honest")
    task = await submitted(scratch, "who holds the round?")
    await scratch.until("SELECT FROM tasks WHERE task_id = $1::text::uuid AND state = 'done'", task)


async def let_a_certificate_end(scratch: Scratch) -> int:
    certificate, key = await asyncio.to_thread(write_certificate, scratch.folder, days=ENDS_SOON_DAYS)
    await scratch.start_gateway("encrypted", "--tls-certificate", str(certificate), "--tls-key", str(key))
    return await scratch.now_ms()


async def a_new_one_is_served(scratch: Scratch) -> None:
    """It lies where the old one lay, and no gateway was started again."""
    certificate, _ = await asyncio.to_thread(write_certificate, scratch.folder, days=ENDS_LATE_DAYS)
    port = int(scratch.others["encrypted"].address.rpartition(":")[2])
    served = await asyncio.to_thread(ssl.get_server_certificate, ("localhost", port), timeout=10)
    if served.strip() != certificate.read_text().strip():
        raise ProofgridError("the gateway still shows the certificate that ends")


DRILLS: Mapping[str, Drill] = {
    "database": Drill(kind="database_slow", cause=stop_the_database, is_felt=True),
    "store": Drill(kind="store_slow", cause=break_the_store, mend=mend_the_store),
    "disk": Drill(kind="disk_full", cause=shut_the_disk, holds=nothing_new_is_let_in, mend=open_the_disk),
    "clock": Drill(kind="clock_skew", cause=set_a_clock_wrong, holds=the_other_one_leads),
    "certificate": Drill(kind="certificate_ends", cause=let_a_certificate_end, holds=a_new_one_is_served),
}
