"""What the door answers: problems by rule and field, events that go on where they were, files by ranges."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from google.protobuf.message import Message

from proofgrid.doors.http.document import document
from proofgrid.doors.http.routes import ROUTES
from proofgrid.doors.services.front_door import CallContext, answering, streaming
from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import Busy, InvalidField, NoToken, TooManyOpen, UnknownTask
from proofgrid.proofs.bundles.container import write_container
from proofgrid.wire.v1 import client_pb2 as messages
from tests.doors.http.toy_door import app_of, asking
from tools.openapi import DOCUMENT, document_text

TASK = "0198c0de-0000-7000-8000-000000000001"


def refusing(error: Exception) -> object:
    @answering
    async def call(_self: object, _request: Message, _context: CallContext) -> Message:
        raise error

    return lambda request, context: call(None, request, context)


def test_the_document_is_the_one_of_the_table() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document_text(), "python -m tools.openapi"


def test_every_call_of_the_protos_has_a_request_of_its_own() -> None:
    paths = [(route.verb, route.path) for route in ROUTES]
    assert len(set(paths)) == len(paths)
    names = [one["operationId"] for path in document()["paths"].values() for one in path.values()]  # type: ignore[attr-defined]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("error", "status", "header"),
    [
        (InvalidField("no", field="state", hint="yes"), 400, None),
        (NoToken(), 401, ("www-authenticate", 'Bearer realm="proofgrid"')),
        (UnknownTask(field="task_id"), 404, None),
        (TooManyOpen(wait_ms=1_001), 429, ("retry-after", "2")),
        (Busy(wait_ms=10), 503, ("retry-after", "1")),
        (ValueError("secret"), 500, None),
    ],
)
async def test_what_is_refused_is_a_problem_with_our_code(
    error: Exception, status: int, header: tuple[str, str] | None
) -> None:
    async with asking(app_of(ClientService_GetTask=refusing(error))) as client:
        answer = await client.get(f"/v1/tasks/{TASK}")
    told = answer.json()
    assert (answer.status_code, told["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert told["code"] == getattr(error, "code", "PG-000")
    assert "secret" not in answer.text
    if header is not None:
        assert answer.headers[header[0]] == header[1]


@pytest.mark.parametrize(
    ("verb", "path", "content", "status", "told"),
    [
        ("GET", "/v1/nothing", None, 404, "/v1/openapi.json"),
        ("PUT", "/v1/tasks", None, 405, "this takes POST, GET"),
        ("GET", "/v1/tasks?limit=many", None, 400, "[limit] an integer"),
        ("GET", "/v1/tasks?limit=%E0%A5%AB", None, 400, "[limit] an integer"),
        ("GET", "/v1/tasks?limit=1&limit=2", None, 400, "[limit] it is given twice"),
        ("GET", "/v1/tasks?lim=1", None, 400, "[lim] there is no such parameter"),
        ("POST", "/v1/tasks?limit_price=1", b"{}", 400, "there is no such parameter"),
        ("POST", "/v1/tasks", b"", 400, "[body]"),
        ("POST", "/v1/tasks", b"[]", 400, "[body] a JSON object"),
        ("POST", "/v1/tasks", b'{"a":NaN}', 400, "[body]"),
        ("POST", "/v1/tasks", b"[" * 100_000, 400, "[body]"),
        ("POST", "/v1/tasks", b'{"inputs":["\\ud800"]}', 400, "[body]"),
        ("POST", "/v1/tasks", b"\xff", 400, "[body] not UTF-8"),
        ("POST", "/v1/tasks", b'{"limit_price":' + b"9" * 400 + b"}", 400, "["),
    ],
)
async def test_what_cannot_be_read_asks_nobody(
    verb: str, path: str, content: bytes | None, status: int, told: str
) -> None:
    async with asking(app_of(), {"content-type": "application/json"}) as client:
        answer = await client.request(verb, path, content=content)
    problem = answer.json()
    assert answer.status_code == status, problem
    assert told in f"[{problem['field']}] {problem['detail']} {problem['hint']}"


@pytest.mark.parametrize("size", ["9" * 5_000, "\u00b2", "-1", "0x10"])
async def test_a_size_that_is_no_number_is_no_mistake_of_ours(size: str) -> None:
    async with asking(app_of()) as browser:
        headers = {b"content-type": b"application/json", b"content-length": size.encode("latin-1")}
        told = [await browser.post(path, content=b"[", headers=headers) for path in ("/v1/tasks", "/v1/artifacts")]
    assert all(400 <= answer.status_code < 500 for answer in told), [answer.text for answer in told]


async def test_a_body_of_another_kind_or_beyond_its_bound_is_refused() -> None:
    async with asking(app_of()) as client:
        assert (
            await client.post("/v1/tasks", content=b"{}", headers={"content-type": "text/plain"})
        ).status_code == 415
        large = {"content-type": "application/json", "content-length": str(1 << 30)}
        assert (await client.post("/v1/tasks", content=b"", headers=large)).status_code == 413

        async def endless() -> AsyncIterator[bytes]:
            while True:
                yield b" " * (1 << 20)

        answer = await client.post("/v1/tasks", content=endless(), headers={"content-type": "application/json"})
        assert answer.status_code == 413


async def test_the_key_of_a_header_is_that_of_the_body() -> None:
    asked: list[messages.SubmitRequest] = []

    async def submit(request: messages.SubmitRequest, _: object) -> messages.Task:
        asked.append(request)
        return messages.Task(task_id=TASK)

    async with asking(app_of(ClientService_Submit=submit)) as client:
        for key in ("k 1", '"k 1"'):
            answer = await client.post("/v1/tasks", json={"inputs": [1]}, headers={"idempotency-key": key})
            assert answer.json()["task_id"] == TASK
        two = await client.post("/v1/tasks", json={"idempotency_key": "k2"}, headers={"idempotency-key": "k1"})
    assert [one.idempotency_key for one in asked] == ["k 1", "k 1"]
    assert asked[0].inputs_json == "[1]"
    assert (two.status_code, two.json()["field"]) == (400, "idempotency_key")


# --- events ---------------------------------------------------------------------------------------

EVENTS = [(1, "accepted"), (2, "sold"), (4, "proven"), (5, "done")]


@streaming
async def watch(
    _self: object, request: messages.WatchTaskRequest, _context: CallContext
) -> AsyncIterator[messages.TaskEvent]:
    """A task with four events, one of them after a gap, as an administrator's view may have it."""
    assert request.says_where
    if request.task_id != TASK:
        raise UnknownTask(field="task_id")
    cursor = request.cursor if request.cursor <= 5 else 0
    kind = "reset" if cursor != request.cursor else "over" if cursor == 5 else "begins"
    yield messages.TaskEvent(cursor=cursor, kind=kind)
    for number, name in EVENTS:
        if number > cursor:
            yield messages.TaskEvent(cursor=number, kind=name, data_json='{"slice":0}')


def watched() -> object:
    return lambda request, context: watch(None, request, context)


def read_events(text: str) -> list[dict[str, str]]:
    blocks = [block for block in text.split("\n\n") if block and not block.startswith((":", "retry"))]
    return [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]


async def test_whoever_comes_back_after_any_event_gets_the_rest_once_and_in_order() -> None:
    async with asking(app_of(ClientService_WatchTask=watched())) as client:
        for seen in range(len(EVENTS)):
            last = str(EVENTS[seen - 1][0]) if seen else ""
            answer = await client.get(f"/v1/tasks/{TASK}/events", headers={"last-event-id": last})
            assert answer.headers["content-type"].startswith("text/event-stream")
            events = read_events(answer.text)
            assert [(int(one["id"]), one["event"]) for one in events[:-1]] == EVENTS[seen:]
            assert [json.loads(one["data"])["data"] for one in events[:-1]] == [{"slice": 0}] * (len(EVENTS) - seen)
            assert events[-1] == {"event": "end", "data": "{}"}  # not durable: no id
        assert (await client.get(f"/v1/tasks/{TASK}/events?cursor=5")).status_code == 204


@pytest.mark.parametrize("seen", ["6", "9" * 30, "-1", "x", "\u0665"])
async def test_an_id_that_no_event_has_is_told_and_all_comes_again(seen: str) -> None:
    async with asking(app_of(ClientService_WatchTask=watched())) as client:
        answer = await client.get(f"/v1/tasks/{TASK}/events", headers=[(b"last-event-id", seen.encode())])
    events = read_events(answer.text)
    assert (events[0]["event"], "id" in events[0]) == ("reset", False)
    assert [one["event"] for one in events[1:-1]] == [name for _, name in EVENTS]


async def test_what_refuses_a_stream_before_its_first_event_is_a_status_and_later_an_event() -> None:
    @streaming
    async def breaking(_self: object, request: Message, _: CallContext) -> AsyncIterator[messages.TaskEvent]:
        yield messages.TaskEvent(kind="begins")
        yield messages.TaskEvent(cursor=1, kind="accepted")
        raise Busy(wait_ms=500)

    async with asking(app_of(ClientService_WatchTask=watched())) as client:
        assert (await client.get("/v1/tasks/x/events")).status_code == 404
    app = app_of(ClientService_WatchTask=lambda request, context: breaking(None, request, context))
    async with asking(app) as client:
        events = read_events((await client.get(f"/v1/tasks/{TASK}/events")).text)
    assert [one["event"] for one in events] == ["accepted", "error"]
    assert json.loads(events[1]["data"])["code"] == Busy.code


# --- files ----------------------------------------------------------------------------------------


def a_bundle(tmp_path: Path) -> bytes:
    with (tmp_path / "b.zip").open("wb") as file:
        proof = b"proof" * 100
        write_container(file, {"manifest.json": b"{}", "signature.json": b"[]"}, {digest_of(proof): proof})
    return (tmp_path / "b.zip").read_bytes()


def serving(content: bytes) -> object:
    digest = digest_of(content)

    async def fetch(request: messages.FetchResultRequest, _: object) -> messages.Result:
        result = messages.Result(task_id=request.task_id)
        result.bundle.digest, result.bundle.size_bytes = digest, len(content)
        return result

    async def download(request: messages.DownloadRequest, _: object) -> AsyncIterator[messages.DownloadResponse]:
        assert request.digest == digest
        for place in range(0, len(content), 7):
            yield messages.DownloadResponse(chunk=content[place : place + 7])

    return SimpleNamespace(
        app=app_of(ClientService_FetchResult=fetch, ArtifactService_Download=download), digest=digest
    )


async def test_a_bundle_comes_whole_by_range_and_not_again(tmp_path: Path) -> None:
    content = a_bundle(tmp_path)
    served = serving(content)
    path = f"/v1/tasks/{TASK}/bundle"
    async with asking(served.app) as client:  # type: ignore[attr-defined]
        whole = await client.get(path)
        assert (whole.content, whole.headers["content-length"]) == (content, str(len(content)))
        assert "immutable" in whole.headers["cache-control"]
        for text, part in [("5-9", content[5:10]), ("100-", content[100:]), ("-3", content[-3:]), ("0-99999", content)]:
            answer = await client.get(path, headers={"range": f"bytes={text}"})
            assert (answer.status_code, answer.content) == (206, part)
        assert answer.headers["content-range"] == f"bytes 0-{len(content) - 1}/{len(content)}"
        assert (await client.get(path, headers={"range": "bytes=99999-"})).status_code == 416
        assert (await client.get(path, headers={"range": "bytes=1-2,4-5"})).content == content
        other = {"range": "bytes=1-2", "if-range": '"another"'}
        assert (await client.get(path, headers=other)).content == content
        head = await client.head(path)
        told = ("content-length", "etag", "accept-ranges", "cache-control")
        assert (head.status_code, head.content) == (200, b"")
        assert [head.headers[one] for one in told] == [whole.headers[one] for one in told]
        again = await client.get(path, headers={"if-none-match": whole.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


async def test_single_files_of_a_bundle(tmp_path: Path) -> None:
    content = a_bundle(tmp_path)
    proof = digest_of(b"proof" * 100)
    async with asking(serving(content).app) as client:  # type: ignore[attr-defined]
        path = f"/v1/tasks/{TASK}/bundle"
        assert (await client.get(f"{path}/manifest.json")).json() == {}
        assert (await client.get(f"{path}/files/{proof}")).content == b"proof" * 100
        missing = await client.get(f"{path}/files/{'0' * 64}")
        assert (missing.status_code, missing.json()["field"]) == (404, "name")
    for broken in (content[:200], b"", b"PK\x03\x04" + b"\xff" * 40):
        async with asking(serving(broken).app) as client:  # type: ignore[attr-defined]
            answer = await client.get(f"{path}/files/{proof}")
            assert answer.content != b"proof" * 100
            assert answer.status_code != 200 or len(broken) == 200
