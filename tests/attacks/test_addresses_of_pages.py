"""A stranger types addresses of pages that no browser would send, to have the gateway fail and say so in its log.

Pins down: characters that no column holds, numbers that nobody reads and what is far too long are refused as what they
are, by every page, before anybody asks the database; no line of the error log is written.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from unittest.mock import MagicMock

import httpx
import pytest
from structlog.testing import capture_logs

from proofgrid.doors.pages.routes import FORMS, PAGES, build_pages
from proofgrid.doors.pages.visitors import Visitor
from proofgrid.primitives.clock import ManualClock
from proofgrid.rules.access.roles import Caller, Role
from tests.pages_facts import an_intake
from tests.roles.intake.test_overview import an_overview
from tests.roles.lanes import CLIENT, LaneUnderTest

HOSTILE = ("a%00b", "%1b%5d52;c;", "%e2%80%ae", "e%cc%81", "9" * 5_000, "9" * 30, "%c2%b2", "x" * 5_000)
FILLED = {"lane": "default/toy/small", "number": "1", "address": CLIENT, "task_id": "0" * 32, "incident_id": "1"}


class Home:
    """Somebody is signed in, and the form is one of ours."""

    async def visitor(self, _: object) -> Visitor:
        return Visitor(caller=Caller(CLIENT, frozenset({Role.CLIENT})), csrf="csrf")

    def check_csrf(self, _visitor: object, _token: str) -> None: ...


@asynccontextmanager
async def a_browser(lane: LaneUnderTest, visitors: Home | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """Pages over a database, for a stranger or for somebody who is signed in."""
    others = {
        name: MagicMock()
        for name in ("accounts", "api_keys", "artifacts", "close_up", "evidence", "incidents", "tasks", "webhooks")
    }  # nobody gets so far
    intake = an_intake(overview=an_overview(lane), **others)  # type: ignore[arg-type]  # the real overview
    pages = build_pages(intake, ManualClock(), visitors)
    transport = httpx.ASGITransport(pages.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://pages") as client:
        yield client


def hostile_paths() -> list[str]:
    """Each page, and each form, with something hostile in place of each part that its address leaves open."""
    made = []
    for path, _ in (*PAGES, *FORMS):
        names = [part.strip("{}").partition(":")[0] for part in path.split("/") if part.startswith("{")]
        for name in names:
            for hostile in HOSTILE:
                parts = [
                    (hostile if part == name else FILLED[part]) if whole.startswith("{") else whole
                    for whole in path.split("/")
                    for part in [whole.strip("{}").partition(":")[0]]
                ]
                made.append("/".join(parts))
    return made


async def test_no_address_of_a_page_makes_the_gateway_fail(lane: LaneUnderTest) -> None:
    paths = hostile_paths()
    assert len(paths) > 6 * len(HOSTILE)
    async with a_browser(lane) as browser:
        with capture_logs() as told:
            for path in paths:
                answer = await browser.get(path)
                assert 400 <= answer.status_code < 500 or "/sign-in" in answer.headers.get("location", ""), path
    assert [one for one in told if one["log_level"] in ("error", "critical")] == []


@pytest.mark.parametrize("hostile", HOSTILE)
async def test_no_query_of_a_page_does(lane: LaneUnderTest, hostile: str) -> None:
    async with a_browser(lane) as browser:
        with capture_logs() as told:
            for path, name in (("/market/default/toy/small", "window"), ("/market/default/toy/small", "below")):
                assert (await browser.get(f"{path}?{name}={hostile}")).status_code in (400, 404)
    assert [one for one in told if one["log_level"] in ("error", "critical")] == []


@pytest.mark.parametrize("name", ["key", "program", "limit_price"])
async def test_no_field_of_a_form_holds_what_no_column_does(lane: LaneUnderTest, name: str) -> None:
    async with a_browser(lane, Home()) as browser:
        for hostile in ("a\0b", "\u202e", "x" * 5_000):
            answer = await browser.post("/tasks", data={"csrf": "csrf", "inputs": "[1]", name: hostile})
            assert answer.status_code == 400
            assert name in answer.text
