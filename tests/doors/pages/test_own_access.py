"""API keys and webhooks on pages: made by forms, their secrets shown once, nothing without a session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest

from proofgrid.doors.pages.routes import build_pages
from proofgrid.doors.pages.views.access import key_lines, kind_choices, scope_choices
from proofgrid.primitives.clock import ManualClock
from proofgrid.roles.intake.webhooks import Trial
from proofgrid.rules.access.api_keys import USUAL, Scope, WantedKey
from proofgrid.rules.access.rights import needs
from proofgrid.rules.access.roles import Role
from proofgrid.rules.webhooks.endpoints import DeliveryState, check_url, parse_kinds
from proofgrid.rules.webhooks.signing import public_key_of, spell_secret
from proofgrid.store.webhooks import Delivery, Endpoint
from tests.own_money_facts import KEY_ID, SECRET, KeysOfFacts, a_stored_key
from tests.own_pages_facts import (
    CAROL,
    CSRF,
    TASK_ID,
    CallersOfFacts,
    Done,
    SignedIn,
)
from tests.pages_facts import EVIL, NOW_MS, an_intake

HOOK = UUID(int=7)
HOOK_SECRET = bytes(32)
PATHS = ("/keys", "/webhooks", f"/webhooks/{HOOK}")
FORMS = (
    "/keys",
    f"/keys/{KEY_ID}/revoke",
    "/webhooks",
    *(f"/webhooks/{HOOK}/{act}" for act in ("test", "replay", "remove")),
)


def an_endpoint(**changes: Any) -> Endpoint:
    """Return an endpoint that is in use."""
    endpoint = Endpoint(HOOK, CAROL, f"https://x.example/{EVIL}", ("done",), HOOK_SECRET, NOW_MS, None, "", 1)
    return replace(endpoint, **changes)


class WebhooksOfFacts:
    answers = 204

    def __init__(self, done: Done) -> None:
        self._done = done

    @needs(Role.CLIENT)
    async def make(self, caller: Any, url: str, kinds: Sequence[str]) -> Endpoint:
        check_url(url, may_be_local=False)
        self._done.note((url, parse_kinds(kinds)))
        return an_endpoint()

    @needs(Role.CLIENT)
    async def list_own(self, caller: Any) -> list[Endpoint]:
        return [an_endpoint(), an_endpoint(endpoint_id=UUID(int=8), disabled_ms=NOW_MS, disabled_why=EVIL)]

    @needs(Role.CLIENT)
    async def deliveries(self, caller: Any, endpoint_id: UUID, *, limit: int) -> list[Delivery]:
        states = [DeliveryState.WAITING, DeliveryState.DELIVERED, DeliveryState.FAILED]
        return [Delivery(TASK_ID, 4, "done", one, 3, NOW_MS + 9_000, 503, EVIL, NOW_MS) for one in states]

    @needs(Role.CLIENT)
    async def test(self, caller: Any, endpoint_id: UUID) -> Trial:
        self._done.note(endpoint_id)
        return Trial(message_id="msg_test_1", status=self.answers, answer=EVIL, took_ms=12)

    @needs(Role.CLIENT)
    async def replay(self, caller: Any, endpoint_id: UUID, *, since_ms: int) -> int:
        self._done.note((endpoint_id, since_ms))
        return 1

    @needs(Role.CLIENT)
    async def remove(self, caller: Any, endpoint_id: UUID) -> None:
        self._done.note(endpoint_id)


def a_browser(*roles: Role, done: Done | None = None) -> httpx.AsyncClient:
    """Return a browser in which somebody with these roles is signed in."""
    noted = done or Done()
    intake = an_intake(api_keys=KeysOfFacts(noted), webhooks=WebhooksOfFacts(noted), callers=CallersOfFacts(roles))
    pages = build_pages(intake, ManualClock(), SignedIn(*roles) if roles else None)
    return httpx.AsyncClient(transport=httpx.ASGITransport(pages.app), base_url="http://pages")


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_shows_no_secret_and_runs_nothing(path: str) -> None:
    async with a_browser(Role.CLIENT) as browser:
        answer = await browser.get(path)

    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert EVIL not in answer.text
    assert spell_secret(HOOK_SECRET) not in answer.text
    assert answer.text.count("<h1") == 1


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_is_for_clients_that_are_signed_in(path: str) -> None:
    async with a_browser() as nobody, a_browser(Role.OPERATOR) as other:
        assert (await nobody.get(path)).headers["location"] == f"/sign-in?to={path}"
        assert (await other.get(path)).status_code == 403


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("token", ["", "another"])
async def test_a_form_of_another_session_does_nothing(path: str, token: str) -> None:
    done = Done()

    async with a_browser(Role.CLIENT, done=done) as browser:
        answer = await browser.post(path, data={"csrf": token, "label": "x", "url": "https://x.example/", "days": "7"})

    assert (answer.status_code, done.acts) == (403, [])


async def test_a_key_is_made_of_the_boxes_and_shown_once() -> None:
    done = Done()
    fields = {"csrf": CSRF, "label": " backend ", "spend": "5", "days": "30", "scope tasks:write": "on"}

    async with a_browser(Role.CLIENT, done=done) as browser:
        answer = await browser.post("/keys", data=fields)
        again = await browser.get("/keys")

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text.count(SECRET) == 1
    assert SECRET not in again.text
    wanted = WantedKey(
        label="backend",
        scopes=frozenset({Scope.TASKS_WRITE}),
        spend_per_day=5_000_000_000,
        expires_ms=NOW_MS + 30 * 86_400_000,
    )
    assert done.acts == [("MakeApiKey", CAROL, wanted)]


@pytest.mark.parametrize(
    "fields", [{"spend": ""}, {"spend": "-1"}, {"label": ""}, {"days": "5000"}, {"scope all": "on"}, {"spend": "1e9"}]
)
async def test_what_is_wrong_in_a_key_is_said_and_the_form_stays_filled(fields: dict[str, str]) -> None:
    done = Done()
    filled = {"csrf": CSRF, "label": "backend", "spend": "5", "days": "30", "scope tasks:write": "on"} | fields

    async with a_browser(Role.CLIENT, done=done) as browser:
        answer = await browser.post("/keys", data=filled)

    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert 'name="scope tasks:write" checked' in answer.text
    assert done.acts == []


async def test_a_key_is_revoked_in_its_owners_name() -> None:
    done = Done()

    async with a_browser(Role.CLIENT, done=done) as browser:
        answer = await browser.post(f"/keys/{KEY_ID}/revoke", data={"csrf": CSRF})

    assert answer.headers["location"] == "/keys"
    assert done.acts == [("RevokeApiKey", CAROL, KEY_ID)]


async def test_a_webhook_is_made_and_its_secret_shown_once() -> None:
    done = Done()
    fields = {"csrf": CSRF, "url": "https://x.example/hook", "event done": "on", "event failed": "on"}

    async with a_browser(Role.CLIENT, done=done) as browser:
        answer = await browser.post("/webhooks", data=fields)

    assert answer.text.count(spell_secret(HOOK_SECRET)) == 1
    assert done.acts == [("MakeWebhook", CAROL, ("https://x.example/hook", ("done", "failed")))]


async def test_an_address_inside_is_refused_in_words() -> None:
    async with a_browser(Role.CLIENT) as browser:
        answer = await browser.post("/webhooks", data={"csrf": CSRF, "url": "http://127.0.0.1/"})

    assert answer.status_code == 400
    assert "only https" in answer.text
    assert 'value="http://127.0.0.1/"' in answer.text


async def test_deliveries_have_a_state_and_the_last_answer() -> None:
    async with a_browser(Role.CLIENT) as browser:
        text = (await browser.get(f"/webhooks/{HOOK}")).text
        disabled = (await browser.get(f"/webhooks/{UUID(int=8)}")).text
        unknown = await browser.get(f"/webhooks/{UUID(int=9)}")

    assert all(f">{state}</span>" in text for state in DeliveryState)
    assert "503" in text
    assert public_key_of(HOOK_SECRET) in text.replace("&#43;", "+")
    assert "Nothing is sent until you replay it" in disabled
    assert unknown.status_code == 404


@pytest.mark.parametrize(("hours", "since_ms"), [("", 0), ("2", NOW_MS - 7_200_000)])
async def test_what_failed_is_sent_again(hours: str, since_ms: int) -> None:
    done = Done()

    async with a_browser(Role.CLIENT, done=done) as browser:
        answer = await browser.post(f"/webhooks/{HOOK}/replay", data={"csrf": CSRF, "hours": hours})
        refused = await browser.post(f"/webhooks/{HOOK}/replay", data={"csrf": CSRF, "hours": "9999"})

    assert answer.headers["location"] == f"/webhooks/{HOOK}"
    assert refused.status_code == 400
    assert done.acts == [("ReplayWebhook", CAROL, (HOOK, since_ms))]


@pytest.mark.parametrize(
    ("status", "told"), [(204, "It answered 204"), (500, "It answered 500"), (0, "There was no answer")]
)
async def test_a_test_says_what_came_back(monkeypatch: pytest.MonkeyPatch, status: int, told: str) -> None:
    monkeypatch.setattr(WebhooksOfFacts, "answers", status)
    done = Done()

    async with a_browser(Role.CLIENT, done=done) as browser:
        answer = await browser.post(f"/webhooks/{HOOK}/test", data={"csrf": CSRF})

    assert answer.status_code == 200
    assert told in answer.text
    assert (">delivered</span> It" in answer.text) == (status == 204)
    assert EVIL not in answer.text
    assert done.acts == [("TestWebhook", CAROL, HOOK)]


async def test_a_webhook_is_removed() -> None:
    done = Done()

    async with a_browser(Role.CLIENT, done=done) as browser:
        answer = await browser.post(f"/webhooks/{HOOK}/remove", data={"csrf": CSRF})

    assert answer.headers["location"] == "/webhooks"
    assert done.acts == [("RemoveWebhook", CAROL, HOOK)]


def test_keys_that_are_good_for_something_come_first() -> None:
    dead = a_stored_key(key_id="0" * 16, is_revoked=True)
    old = a_stored_key(key_id="1" * 16, expires_ms=NOW_MS)
    lines = key_lines([dead, old, a_stored_key(expires_ms=0)], now_ms=NOW_MS)

    assert [(one.key_id, one.state) for one in lines] == [
        (KEY_ID, "live"),
        ("0" * 16, "revoked"),
        ("1" * 16, "expired"),
    ]


def test_what_a_webhook_may_be_told_of_is_of_tasks_and_of_the_account() -> None:
    offered = {one.name: one.is_chosen for one in kind_choices(None)}

    assert {name for name, is_chosen in offered.items() if is_chosen} == {"done", "failed", "cancelled"}
    assert offered["low_balance"] is False
    assert offered["sold"] is False


def test_the_usual_scopes_are_ticked_until_somebody_chose() -> None:
    assert {one.name for one in scope_choices(None) if one.is_chosen} == set(USUAL)
    assert not any(one.is_chosen for one in scope_choices([]))
