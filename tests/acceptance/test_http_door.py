"""The HTTP door of a running network: a task followed through deaths of its gateway, and what strangers try."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from proofgrid.proofs.bundles.bundle import verify_bundle
from proofgrid.sdk.sign_in import SignedIn, sign_in
from tests.acceptance.tasks import register_toy
from tests.networks import WAIT_SECONDS, Network

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
)
with_http = pytest.mark.parametrize("network", [{"HTTP": "127.0.0.1:0"}], indirect=True, ids=["http"])


async def signed_in(network: Network, name: str = "client") -> SignedIn:
    return await asyncio.to_thread(sign_in, network.http, network.keys[name])


def asking(network: Network, session: SignedIn) -> httpx.AsyncClient:
    headers = {"cookie": session.cookie, "x-csrf-token": session.csrf}
    return httpx.AsyncClient(base_url=network.http, headers=headers, timeout=WAIT_SECONDS, trust_env=False)


async def read_events(client: httpx.AsyncClient, task_id: str, last: str, *, most: int) -> list[tuple[str, str]]:
    """Return the next events of a task, as (id, kind): as many at most, or until it has ended."""
    found: list[tuple[str, str]] = []
    headers = {"last-event-id": last} if last else {}
    async with client.stream("GET", f"/v1/tasks/{task_id}/events", headers=headers) as answer:
        if answer.status_code == 204:
            return []
        assert answer.status_code == 200
        event: dict[str, str] = {}
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if name in ("id", "event", "data"):
                event[name] = value
            elif not line and event:
                if "id" in event:
                    found.append((event["id"], event["event"]))
                    assert json.loads(event["data"])["kind"] == event["event"]
                event = {}
                if len(found) == most:
                    break
    return found


@with_http
async def test_a_gateway_dies_between_events_and_each_comes_once_and_in_order(network: Network, tmp_path: Path) -> None:
    hold = network.hold("p", "alice")
    await network.start_prover("p", "alice", ask=500)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1)
    session = await signed_in(network)
    async with asking(network, session) as client:
        asked = {"program_digest": program.digest, "inputs": ["hello"], "limit_price": 1_500}
        answers = [await client.post("/v1/tasks", json=asked, headers={"idempotency-key": "k"}) for _ in range(2)]
        assert [one.status_code for one in answers] == [200, 200], answers[0].text
        assert answers[0].json()["task_id"] == answers[1].json()["task_id"]
        task_id = answers[0].json()["task_id"]
        assert int(answers[0].headers["ratelimit"].partition("r=")[2].partition(";")[0]) > 0
        refused = await client.post("/v1/tasks", json=asked, headers={"x-csrf-token": "guessed"})
        assert (refused.status_code, refused.json()["code"]) == (403, "PG-207")
        seen = await read_events(client, task_id, "", most=1)

    for kill in range(2):
        assert network.gateway is not None
        network.gateway.kill()
        await network.gateway.process.wait()
        await network.start_gateway()
        if kill:
            hold.let_go()
        async with asking(network, session) as client:  # a session outlives its gateway
            seen += await read_events(client, task_id, seen[-1][0], most=1_000 if kill else 1)
            # Wherever between two events the one before died: who comes back to this one gets the rest.
            for gap in range(len(seen) - 1):
                assert await read_events(client, task_id, seen[gap][0], most=len(seen) - gap - 1) == seen[gap + 1 :]
    assert [int(one) for one, _ in seen] == list(range(1, len(seen) + 1))
    assert (seen[0][1], seen[-1][1]) == ("accepted", "done")

    async with asking(network, session) as client:
        assert await read_events(client, task_id, seen[-1][0], most=1) == []  # 204: browsers do not come back
        bundle = await client.get(f"/v1/tasks/{task_id}/bundle")
        (tmp_path / "b.bundle").write_bytes(bundle.content)
        report = verify_bundle(tmp_path / "b.bundle", workdir=tmp_path / "verify")
        assert str(report.manifest.task.task_id) == task_id
        part = await client.get(f"/v1/tasks/{task_id}/bundle", headers={"range": "bytes=4-9"})
        assert (part.status_code, part.content) == (206, bundle.content[4:10])
        manifest = (await client.get(f"/v1/tasks/{task_id}/bundle/manifest.json")).json()
        assert manifest["task"]["task_id"] == task_id
        lines = (await client.get("/v1/statement", headers={"accept": "text/csv"})).text.splitlines()
        whole = (await client.get("/v1/statement")).json()
        assert len(lines) == len(whole["movements"]) + 3
        assert whole["closing"]["balance"] == (await client.get("/v1/account")).json()["balance"]
        assert (await client.post("/v1/sign-out")).status_code == 204
        assert (await client.get("/v1/account")).status_code == 401


@pytest.mark.thorough
@with_http
async def test_a_gateway_dies_in_the_gap_behind_any_event_of_a_task(network: Network, tmp_path: Path) -> None:
    """A task for each gap: the gateway is killed when the event before the gap has come, and another one goes on.

    `make gaps` tries every gap that there is; the first ones here.
    """
    gaps = 1_000 if os.environ.get("EVERY_GAP") else 2
    await network.start_prover("p", "alice", ask=500)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1)
    session = await signed_in(network)
    for gap in range(1, gaps + 1):
        async with asking(network, session) as client:
            asked = {"program_digest": program.digest, "inputs": [f"gap {gap}"], "limit_price": 1_500}
            made = await client.post("/v1/tasks", json=asked, headers={"idempotency-key": f"gap-{gap}"})
            task_id = made.json()["task_id"]
            seen = await read_events(client, task_id, "", most=gap)
        if len(seen) < gap or seen[-1][1] == "done":
            break  # there are no more gaps
        assert network.gateway is not None
        network.gateway.kill()
        await network.gateway.process.wait()
        await network.start_gateway()
        async with asking(network, session) as client:
            seen += await read_events(client, task_id, seen[-1][0], most=1_000)
        assert [int(one) for one, _ in seen] == list(range(1, len(seen) + 1)), f"killed behind event {gap}: {seen}"
        assert (seen[0][1], seen[-1][1]) == ("accepted", "done")
    else:
        assert gaps == 2  # a task has so many events


@with_http
async def test_no_answer_is_an_error_of_ours_or_one_that_the_document_does_not_name(network: Network) -> None:
    """schemathesis makes requests up out of the document, as a client and as the administrator."""
    seconds = int(os.environ.get("HTTP_CHECK_SECONDS", "10"))
    sessions = [await signed_in(network), await asyncio.to_thread(sign_in, network.http, network.admin_key)]
    for session in sessions:
        done = await asyncio.to_thread(
            subprocess.run,
            [
                sys.executable,
                "-m",
                "schemathesis.cli",
                "run",
                f"{network.http}/v1/openapi.json",
                "--no-color",
                "--max-time",
                str(seconds),
                "--request-timeout",
                "60",
                "--continue-on-failure",
                "--seed",
                "1",
                "--phases",
                "coverage,fuzzing",
                "--checks",
                ",".join(CHECKS),
                "--exclude-operation-id",
                "SignOut",
                "-H",
                f"Cookie: {session.cookie}",
                "-H",
                f"X-CSRF-Token: {session.csrf}",
            ],
            cwd=network.root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
    async with asking(network, sessions[0]) as client:
        assert (await client.get("/v1/account")).status_code == 200  # it still answers, and knows who asks
