"""Drills of the market: a region from which nobody is heard, a lane in which a job waits."""

from __future__ import annotations

import signal
from collections.abc import Mapping

from proofgrid.cli.demo.drills.drill import Drill, submitted
from proofgrid.cli.demo.drills.drill_system import HOLD
from proofgrid.cli.demo.drills.scratch import Scratch
from proofgrid.rules.incidents.signals import REGION_PROVERS, STARVES_MS

REGION = "drill-region"
SILENT_MS = 6_000  #: what a gateway waits for a prover's word, by default


async def silence_a_region(scratch: Scratch) -> int:
    """Every process of its provers is stopped, as a cut cable does."""
    names = [f"p{number}" for number in range(REGION_PROVERS)]
    await scratch.start_provers(*names, flags=("--region", REGION))
    for name in names:
        scratch.fleet.signal(name, signal.SIGSTOP)
    [row] = await scratch.sql("SELECT max(seen_ms) AS heard_ms FROM sessions WHERE region = $1", REGION)
    return int(str(row["heard_ms"])) + SILENT_MS


async def let_it_speak(scratch: Scratch) -> None:
    for number in range(REGION_PROVERS):
        scratch.fleet.signal(f"p{number}", signal.SIGCONT)


async def let_a_lane_starve(scratch: Scratch) -> int:
    """Its only prover is busy for long, and the job that waits came ten minutes ago by its row."""
    await scratch.start_provers("busy")
    for folder in scratch.folder.glob("busy/**/keys"):
        (folder / HOLD).write_text("")
    task = await submitted(scratch, "one", "two", "three", "four")
    await scratch.until("SELECT FROM leases WHERE task_id = $1::text::uuid", task)
    await scratch.sql(
        "UPDATE jobs SET not_before_ms = now_ms() - $1::bigint - 1 WHERE task_id = $2::text::uuid AND state = 'ready'",
        STARVES_MS,
        task,
    )
    return await scratch.now_ms()


DRILLS: Mapping[str, Drill] = {
    "region": Drill(kind="region_silent", cause=silence_a_region, mend=let_it_speak),
    "lane": Drill(kind="lane_starves", cause=let_a_lane_starve),
}
