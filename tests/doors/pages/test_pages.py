"""The public pages as they are answered: escaped, safe, kept by digest, refused in words."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from importlib.resources import files

import httpx
import pytest

from proofgrid.doors.pages.routes import build_pages
from proofgrid.doors.pages.static_files import StaticFiles
from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import DatabaseLost, RateLimited
from proofgrid.roles.intake.intake import Intake
from proofgrid.roles.intake.overview import NetworkNow
from tests.pages_facts import ALICE, BOB, EVIL, SMALL, OverviewOfFacts, a_network, an_intake, some_figures

PATHS = (
    "/",
    "/market",
    f"/market/{SMALL}",
    f"/market/{SMALL}/rounds/318",
    "/operators",
    f"/operators/{BOB}",
    "/systems",
)


def a_browser(intake: Intake | None = None) -> httpx.AsyncClient:
    """Return a client of pages that were told what to say."""
    pages = build_pages(intake or an_intake(), ManualClock())
    return httpx.AsyncClient(transport=httpx.ASGITransport(pages.app), base_url="http://pages")


@pytest.fixture
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    async with a_browser() as client:
        yield client


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_runs_nothing_that_stands_in_it(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path)

    assert answer.status_code == 200, answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=", answer.text)


@pytest.mark.parametrize("path", PATHS)
async def test_what_others_wrote_is_escaped(browser: httpx.AsyncClient, path: str) -> None:
    assert EVIL not in (await browser.get(path)).text


async def test_it_is_shown_all_the_same(browser: httpx.AsyncClient) -> None:
    assert "&lt;script&gt;alert(1)" in (await browser.get("/operators")).text


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_has_one_heading_a_language_and_a_way_to_its_content(
    browser: httpx.AsyncClient, path: str
) -> None:
    text = (await browser.get(path)).text

    assert text.count("<h1") == 1
    assert '<html lang="en">' in text
    assert 'href="#content"' in text
    assert 'id="content"' in text


async def test_files_are_kept_by_their_digest(browser: httpx.AsyncClient) -> None:
    path = StaticFiles().path("pages.css")

    answer = await browser.get(path)

    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/css")
    assert path in (await browser.get("/")).text
    for other in ("/static/0000000000000000/pages.css", "/static/x/../../routes.py", "/static/x/..%2froutes.py"):
        assert (await browser.get(other)).status_code == 404


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/nothing", 404, "no such page"),
        ("/market/secret/ezkl/small", 404, "there is no lane"),
        (f"/market/{SMALL}/rounds/999", 404, "no such round"),
        (f"/market/{SMALL}?window=century", 400, "hour, day, week"),
        (f"/market/{SMALL}?below=-1", 400, "a whole number"),
        (f"/market/{SMALL}?below={'9' * 40}", 400, "a whole number"),
        ("/operators/somebody", 400, "PG-101"),
        (f"/operators/{'0x' + '0' * 40}", 404, "no such page"),
    ],
)
async def test_a_refusal_is_a_page_that_says_why(browser: httpx.AsyncClient, path: str, status: int, told: str) -> None:
    answer = await browser.get(path)

    assert (answer.status_code, told in answer.text) == (status, True), answer.text
    assert "content-security-policy" in answer.headers


async def test_an_empty_network_says_what_to_do() -> None:
    empty = a_network(provers=[], lanes=[], capacity=[], waiting=[], jobs_by_state={})
    overview = OverviewOfFacts(empty, some_figures(proven=[], punctuality=[], prices=[]))

    async with a_browser(an_intake(overview)) as browser:
        assert "proofgrid prover --gateway" in (await browser.get("/")).text
        assert (await browser.get("/market")).status_code == 200


async def test_strangers_are_counted() -> None:
    class FullRates:
        def admit_stranger(self, host: str) -> None:
            raise RateLimited("too many calls from your address without a token", wait_ms=1)

    async with a_browser(an_intake(callers=FullRates())) as browser:
        answer = await browser.get("/")
        assert answer.status_code == 429
        assert "without a token" in answer.text
        assert (await browser.get(StaticFiles().path("pages.css"))).status_code == 200


async def test_trouble_of_ours_is_told_without_its_details() -> None:
    class Broken(OverviewOfFacts):
        async def now(self) -> NetworkNow:
            raise KeyError("/secret/path")

    class Away(OverviewOfFacts):
        async def now(self) -> NetworkNow:
            raise DatabaseLost()

    async with a_browser(an_intake(Broken())) as browser:
        answer = await browser.get("/")
        assert answer.status_code == 500
        assert "secret" not in answer.text
    async with a_browser(an_intake(Away())) as browser:
        assert (await browser.get("/")).status_code == 503


async def test_a_live_page_hears_of_changes_until_the_gateway_closes() -> None:
    overview = OverviewOfFacts()
    pages = build_pages(an_intake(overview), ManualClock())
    heard: list[bytes] = []

    async def send(message: dict[str, object]) -> None:
        body = message.get("body")
        if isinstance(body, bytes) and body:
            heard.append(body)
            overview.network = replace(overview.network, jobs_by_state={"ready": len(heard)})
            if len(heard) == 4:
                pages.close()

    async def receive() -> dict[str, object]:
        await asyncio.Event().wait()
        return {}

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "method": "GET",
        "path": "/live/network",
        "raw_path": b"/live/network",
        "query_string": b"",
        "root_path": "",
        "headers": [],
        "client": ("192.0.2.1", 1),
        "server": ("pages", 80),
        "scheme": "http",
        "http_version": "1.1",
    }
    await pages.app(scope, receive, send)  # type: ignore[arg-type]

    assert heard[0] == b"retry: 3000\n\n"
    assert heard[1:] == [b"event: changed\ndata: {}\n\n"] * 3


async def test_bob_and_alice_are_linked(browser: httpx.AsyncClient) -> None:
    text = (await browser.get("/operators")).text

    assert f"/operators/{ALICE}" in text
    assert f"/operators/{BOB}" in text


def test_what_is_vendored_is_what_was_recorded() -> None:
    vendor = files("proofgrid.doors.pages") / "static" / "vendor"
    recorded = {name: digest for digest, name in map(str.split, (vendor / "SHA256SUMS").read_text().splitlines())}
    scripts = {one.name: digest_of(one.read_bytes()) for one in vendor.iterdir() if one.name.endswith((".js", ".css"))}
    licences = {one.name.removesuffix(".LICENSE") for one in vendor.iterdir() if one.name.endswith(".LICENSE")}

    assert scripts == recorded
    assert licences == {name.partition(".")[0] for name in scripts}


async def test_the_record_of_a_round_is_there_to_the_byte(browser: httpx.AsyncClient) -> None:
    page = await browser.get(f"/market/{SMALL}/rounds/318")
    answer = await browser.get(f"/market/{SMALL}/rounds/318/record")

    assert answer.headers["content-type"] == "application/json"
    assert f'data-hash="{digest_of(answer.content)}"' in page.text
    assert 'data-record="318/record"' in page.text
    assert (await browser.get(f"/market/{SMALL}/rounds/999/record")).status_code == 404
