"""The page of money: what runs low, caps of API keys, limits, and the statement as a file."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from proofgrid.doors.pages.money import COLUMNS
from proofgrid.doors.pages.routes import build_pages
from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.ids import AccountId
from proofgrid.roles.intake.statements import Closing, Movement, Opening, Part
from proofgrid.rules.access.rights import ANYBODY, needs
from proofgrid.rules.access.roles import Role
from proofgrid.wire.v1 import statements_pb2
from tests.own_money_facts import KEY_ID, KeysOfFacts, MoneyOfFacts, QuotasOfFacts
from tests.own_pages_facts import (
    CAROL,
    CSRF,
    TASK_ID,
    CallersOfFacts,
    Done,
    SignedIn,
)
from tests.pages_facts import NOW_MS, an_intake

DAY_MS = 86_400_000
A_DAY_MS = 1_772_323_200_000  #: 2026-03-01


class StatementsOfFacts:
    """A statement of two movements."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, int]] = []

    @needs(*ANYBODY)
    async def read_for(self, caller: Any, owner: str, *, from_ms: int, to_ms: int) -> AsyncIterator[Part]:
        self.asked.append((owner, from_ms, to_ms))
        yield Opening(owner=caller.address, from_ms=from_ms, to_ms=NOW_MS, balance=7)
        yield [_movement("escrow", -5, 2, TASK_ID), _movement("deposit", 10, 12, None)]
        yield Closing(balance=12, movements=2, sums={})


def _movement(reason: str, amount: int, balance: int, task_id: UUID | None) -> Movement:
    return Movement(
        at_ms=NOW_MS,
        transfer_id=f"{reason}:1",
        account=AccountId(f"client:{CAROL}"),
        counter_account=AccountId("world"),
        amount=amount,
        balance=balance,
        reason=reason,
        task_id=task_id,
        job_id=None,
        lane="",
        round=0,
        units=0,
        price=0,
    )


def a_browser(*roles: Role, done: Done | None = None, statements: Any = None, **account: Any) -> httpx.AsyncClient:
    """Return a browser in which somebody with this account is signed in."""
    noted = done or Done()
    intake = an_intake(
        accounts=MoneyOfFacts(noted, **account),
        api_keys=KeysOfFacts(noted),
        quotas=QuotasOfFacts(),
        statements=statements,
        callers=CallersOfFacts(roles),
    )
    pages = build_pages(intake, ManualClock(), SignedIn(*roles))
    return httpx.AsyncClient(transport=httpx.ASGITransport(pages.app), base_url="http://pages")


@pytest.mark.parametrize(("balance", "low", "is_told"), [(10, 11, True), (11, 11, False), (10, 0, False)])
async def test_a_low_balance_is_said(balance: int, low: int, is_told: bool) -> None:
    async with a_browser(Role.CLIENT, balance=balance, low_balance=low) as browser:
        text = (await browser.get("/money")).text

    assert ("Your balance is low" in text) == is_told


async def test_caps_and_limits_are_shown_those_of_clients_to_clients() -> None:
    async with a_browser(Role.CLIENT) as client, a_browser(Role.OPERATOR) as operator:
        text, other = (await client.get("/money")).text, (await operator.get("/money")).text

    assert f'action="/keys/{KEY_ID}/spend"' in text
    assert text.count('action="/keys/') == 1  # one that was revoked has no cap to set
    assert "5.0 MiB of 8.0 GiB" in text
    assert "3 of 20" in other
    assert "low-balance" not in other
    assert "/keys/" not in other


@pytest.mark.parametrize(("typed", "amount"), [("2.5", 2_500_000_000), ("", 0), ("0", 0)])
async def test_the_amount_that_is_low_is_set(typed: str, amount: int) -> None:
    done = Done()

    async with a_browser(Role.CLIENT, done=done) as browser:
        answer = await browser.post("/money/low-balance", data={"csrf": CSRF, "amount": typed})

    assert answer.headers["location"] == "/money#low"
    assert done.acts == [("SetLowBalance", CAROL, amount)]


async def test_a_cap_is_set_anew() -> None:
    done = Done()

    async with a_browser(Role.CLIENT, done=done) as browser:
        answer = await browser.post(f"/keys/{KEY_ID}/spend", data={"csrf": CSRF, "spend": "0.5"})
        wrong = await browser.post(f"/keys/{KEY_ID}/spend", data={"csrf": CSRF, "spend": ""})

    assert answer.headers["location"] == "/money#caps"
    assert wrong.status_code == 400
    assert done.acts == [("SetApiKey", CAROL, (KEY_ID, 500_000_000))]


@pytest.mark.parametrize("path", ["/money/low-balance", f"/keys/{KEY_ID}/spend"])
async def test_a_form_of_another_session_or_of_no_client_does_nothing(path: str) -> None:
    done = Done()

    async with a_browser(Role.CLIENT, done=done) as browser, a_browser(Role.OPERATOR, done=done) as operator:
        answers = [
            await browser.post(path, data={"csrf": "another", "amount": "1", "spend": "1"}),
            await operator.post(path, data={"csrf": CSRF, "amount": "1", "spend": "1"}),
        ]

    assert [one.status_code for one in answers] == [403, 403]
    assert done.acts == []


async def test_a_statement_is_a_file_with_the_last_day_in_it() -> None:
    statements = StatementsOfFacts()

    async with a_browser(Role.CLIENT, statements=statements) as browser:
        answer = await browser.get("/money/statement.csv", params={"from": "2026-03-01", "to": "2026-03-02"})
        everything = await browser.get("/money/statement.csv")

    assert statements.asked == [("", A_DAY_MS, A_DAY_MS + 2 * DAY_MS), ("", 0, 0)]
    assert "attachment" in answer.headers["content-disposition"]
    lines = list(csv.DictReader(answer.text.splitlines()))
    assert [(one["reason"], one["balance"]) for one in lines] == [
        ("opening", "7"),
        ("escrow", "2"),
        ("deposit", "12"),
        ("closing", "12"),
    ]
    assert [one["task_id"] for one in lines] == ["", str(TASK_ID), "", ""]
    assert len(everything.text.splitlines()) == 5


@pytest.mark.parametrize("query", [{"from": "yesterday"}, {"from": "2026-03-02", "to": "2026-03-01"}])
async def test_days_that_are_none_are_refused(query: dict[str, str]) -> None:
    async with a_browser(Role.CLIENT, statements=StatementsOfFacts()) as browser:
        assert (await browser.get("/money/statement.csv", params=query)).status_code == 400


def test_its_columns_are_those_of_the_same_statement_elsewhere() -> None:
    assert list(COLUMNS) == [one.name for one in statements_pb2.Movement.DESCRIPTOR.fields]
