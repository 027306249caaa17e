"""A task that is named by its first digits is looked up once: one that comes meanwhile may begin with them too."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proofgrid.cli.kit import following
from proofgrid.cli.kit.following import fetch, follow
from proofgrid.cli.kit.task_screen import TaskScreen
from proofgrid.primitives.digests import digest_of
from proofgrid.sdk.client import Client
from proofgrid.wire.v1 import client_pb2 as messages
from proofgrid.wire.v1 import common_pb2
from tests.answering_gateway import answering_gateway
from tests.makers import a_key

NETWORK = a_key(2).address
TASK = messages.Task(task_id="0198c0de-1111-7000-8000-000000000000", state="done")
BEGINNING = TASK.task_id[:8]
CONTENT = b"a bundle"

ANSWERS = {
    "GetNetwork": messages.Network(address=NETWORK),
    "ListTasks": messages.ListTasksResponse(tasks=[TASK]),
    "GetTask": TASK,
    "WatchTask": messages.TaskEvent(cursor=1, kind="done", data_json="{}"),
    "FetchResult": messages.Result(bundle=common_pb2.ArtifactRef(digest=digest_of(CONTENT))),
    "Download": messages.DownloadResponse(chunk=CONTENT),
}


@pytest.fixture
def heard() -> list[str]:
    """What the gateway was asked."""
    return []


@pytest.fixture
async def client(heard: list[str]) -> AsyncIterator[Client]:
    async with answering_gateway(ANSWERS, heard) as address, Client(address, a_key(), network=NETWORK) as client:
        yield client


async def test_a_task_that_is_waited_for_is_looked_up_once(client: Client, heard: list[str]) -> None:
    assert (await client.wait(BEGINNING)).task_id == TASK.task_id
    assert heard.count("ListTasks") == 1


@pytest.mark.parametrize("cursor", [0, 17])
async def test_a_task_that_is_followed_is_looked_up_once(client: Client, heard: list[str], cursor: int) -> None:
    await follow(client, BEGINNING, cursor=cursor, json=True)
    assert heard.count("ListTasks") == 1


async def test_a_task_whose_result_is_fetched_is_looked_up_once(
    client: Client, heard: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "answer.bundle"
    await fetch(client, BEGINNING, out, is_verified=False, json=True)
    assert out.read_bytes() == CONTENT
    assert heard.count("ListTasks") == 1


async def test_while_jobs_wait_a_watcher_asks_why(
    heard: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(following, "WAITS_EVERY_SECONDS", 0.01)
    job = messages.Job(state="ready", waiting=messages.Waiting(reason="busy", after_ms=3_000))
    answers = {**ANSWERS, "GetTask": messages.Task(task_id=TASK.task_id, state="open", jobs=[job])}
    async with answering_gateway(answers, heard) as address, Client(address, a_key(), network=NETWORK) as client:
        screen = TaskScreen(json=True)
        screen.board.apply("accepted", {"jobs": [{"slice": 0, "input": 0}]})
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(following._ask_why_it_waits(client, TASK.task_id, screen))
            while True:
                if heard.count("GetTask") >= 3:
                    break
                await asyncio.sleep(0.01)
            asking.cancel()

    [told] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (told["kind"], told["reason"], told["after_ms"]) == ("waits", "busy", 3_000)
