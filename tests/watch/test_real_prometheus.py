"""Every panel's query and every alert's expression, asked of a real Prometheus that scraped a real gateway and prover.

It needs the program of Debian's package `prometheus`, and is skipped without.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.tasks import register_toy
from tests.networks import WAIT_SECONDS, Network, running_network
from tests.watch.test_expressions import RECORDED, expressions
from tools.watch.files import DEPLOY
from tools.watch.promql import selectors_of

pytestmark = pytest.mark.skipif(
    not shutil.which("prometheus"), reason="there is no prometheus here: apt-get install prometheus, make test-watch"
)

#: What has no series in a small network where all goes well: nothing is wrong with asking for it.
MAY_BE_SILENT = {
    "proofgrid_calls_failed_total",
    "proofgrid_certificate_age_seconds",
    "proofgrid_certificate_left_seconds",
    "proofgrid_loops_failed_total",
    "proofgrid_open_incidents",
    "proofgrid_prover_jobs_failed_total",
    "proofgrid_tasks_failed_total",
    "proofgrid_transactions_failed_total",
    "proofgrid_webhook_oldest_wait_seconds",
    "proofgrid_webhook_waiting_deliveries",
}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@asynccontextmanager
async def prometheus(root: Path, targets: dict[str, int]) -> AsyncIterator[httpx.AsyncClient]:
    """Run it on these ports to scrape, by job, with the rules that are checked in."""
    port = free_port()
    scrapes = "".join(
        f"  - job_name: {job}\n    static_configs:\n      - targets: ['127.0.0.1:{target}']\n"
        for job, target in targets.items()
    )
    rules = (DEPLOY / "prometheus" / "rules.yml").read_text().replace("interval: 30s", "interval: 1s")
    (root / "rules.yml").write_text(rules)
    (root / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
        f"rule_files: [{root / 'rules.yml'}]\nscrape_configs:\n{scrapes}"
    )
    with (root / "prometheus.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            "prometheus",
            f"--config.file={root / 'prometheus.yml'}",
            f"--storage.tsdb.path={root / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--enable-feature=exemplar-storage",
            stdout=log,
            stderr=log,
        )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=30) as client:
            yield client
    finally:
        process.kill()
        await process.wait()


async def ask(client: httpx.AsyncClient, what: str, **parameters: Any) -> Any:
    """Ask, and again while it starts."""
    while True:
        try:
            answer = await client.get(what, params=parameters)
        except httpx.TransportError:
            await asyncio.sleep(0.1)
            continue
        if answer.status_code != 503:
            assert answer.status_code == 200, (parameters, answer.text)
            return answer.json()["data"]
        await asyncio.sleep(0.1)


async def work(network: Network, root: Path, prover_port: int) -> str:
    """Let a task be proven, and another one wait; return the id of the first."""
    await network.start_prover("p", "alice", ask=700, METRICS=f"127.0.0.1:{prover_port}")
    async with network.client() as client:
        program = await register_toy(client, root)
        task = await client.submit(program.digest, ["five"], limit_price=1_500)
        async for _ in client.watch(task.task_id):
            pass
        await client.submit(program.digest, ["six"], limit_price=1)
        with pytest.raises(Exception, match="PG-"):
            await client.submit("f" * 64, ["six"], limit_price=1)
        return str(task.task_id)


@pytest.mark.thorough
async def test_every_expression_is_answered_out_of_what_a_real_network_told(
    tmp_path: Path, database_dsn: str, toy_system_on_path: Path
) -> None:
    assert shutil.which("prometheus"), "apt-get install prometheus"
    ports = {"proofgrid": free_port(), "proofgrid-provers": free_port()}
    settings = {"SRS_LOGROWS": "6", "METRICS": f"127.0.0.1:{ports['proofgrid']}"}
    async with running_network(tmp_path, database_dsn, **settings) as network:  # noqa: SIM117 - one after the other
        async with prometheus(tmp_path, ports) as client:
            await _until(client, 'up{job="proofgrid"} > 0')  # or the first ones would be counted before anybody looked
            task_id = await work(network, tmp_path, ports["proofgrid-provers"])
            await _until_all_is_there(client)
            failed = [
                f"{where}: {selector} has no series"
                for where, expression in expressions()
                for selector in selectors_of(expression)
                if not await _is_there(client, selector)
            ]
            for _, expression in expressions():
                await ask(client, "query", query=expression)
            examples = await ask(
                client, "query_exemplars", query="proofgrid_task_seconds_bucket", start="0", end="9999999999"
            )
            groups = (await ask(client, "rules"))["groups"]

    assert failed == []
    assert {one["labels"]["trace_id"] for series in examples for one in series["exemplars"]} == {
        task_id.replace("-", "")
    }
    unhealthy = [
        (rule["name"], rule.get("lastError")) for group in groups for rule in group["rules"] if rule["health"] == "err"
    ]
    assert unhealthy == []


async def _until_all_is_there(client: httpx.AsyncClient) -> None:
    # The census comes every ten seconds; a rate needs two scrapes.
    for needed in (
        "proofgrid_lane_waiting_jobs > 0",
        "count_over_time(proofgrid_prover_connected[5m]) > 2",
        "proofgrid:proof_success:errors_ratio_rate30d",
        "proofgrid:queue_wait:errors_ratio_rate30d",
    ):
        await _until(client, needed)


async def _until(client: httpx.AsyncClient, needed: str) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not (await ask(client, "query", query=needed))["result"]:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.2)


async def _is_there(client: httpx.AsyncClient, selector: str) -> bool:
    name = selector.partition("{")[0]
    if name in MAY_BE_SILENT or name in RECORDED:  # what is recorded is a ratio of what is asked for as well
        return True
    if 'code="PG-429"' in selector:
        selector = name
    return bool(await ask(client, "series", **{"match[]": selector}))
