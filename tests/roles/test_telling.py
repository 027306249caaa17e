"""Whoever watches the network is told of each incident once, by every way, and again while nobody takes it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from proofgrid.bootstrap.gateway.telling import ways_of
from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.errors import InvalidField
from proofgrid.roles.intake.incidents import Incidents
from proofgrid.roles.posting import Answer
from proofgrid.roles.telling.channels import (
    Alertmanager,
    Encryption,
    Mail,
    MailServer,
    SignedWebhook,
    mail_of,
)
from proofgrid.roles.telling.telling import Telling
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.incidents.signals import Signal
from proofgrid.rules.incidents.telling import PER_HOUR, Change
from proofgrid.rules.webhooks.signing import spell_secret, verify
from proofgrid.settings.gateway import GatewaySettings
from proofgrid.store.incidents import NOTE_ACTED, open_incidents
from proofgrid.store.transactions import Transaction
from tests.makers import a_key
from tests.roles.lanes import LaneUnderTest
from tests.rules.incidents.test_telling import EVIL, a_message

NETWORK = a_key(1).address
ADMIN = Caller(a_key(2).address, frozenset({Role.ADMIN}))
SECRET = bytes(range(32))


class Posts:
    """A server that answers what it is told to."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.took: list[tuple[str, Mapping[str, str], Any]] = []

    async def __call__(self, url: str, headers: Mapping[str, str], content: bytes) -> Answer:
        if 200 <= self.status < 300:
            self.took.append((url, headers, json.loads(content)))
        return Answer(self.status, "said\x1b")


async def opened(
    lane: LaneUnderTest, kind: str = "invalid_proofs", subject: str = "0xbob", number: int = 1
) -> list[int]:
    signals = [Signal(kind=kind, subject=f"{subject}{i or ''}", detail=EVIL, facts={"n": i}) for i in range(number)]
    async with lane.database.transaction(Transaction.CHECK_LEDGER) as connection:
        return [one.incident_id for one in await open_incidents(connection, signals)]


def telling(lane: LaneUnderTest, *ways: Any) -> Telling:
    return Telling(lane.database, network=NETWORK, ways=ways)


async def test_each_change_is_told_once_and_in_order(lane: LaneUnderTest) -> None:
    posts, incidents = Posts(), Incidents(lane.database, network=NETWORK)
    one = telling(lane, Alertmanager("http://alerts:9093/", posts))
    [incident_id] = await opened(lane)
    assert await one.step() == 1
    assert await one.step() == 0

    await lane.database.write(Transaction.CHECK_LEDGER, NOTE_ACTED, incident_id=incident_id, acted="3 paused")
    await incidents.close(ADMIN, incident_id, why="mended")
    await opened(lane)  # another one of the same kind and subject
    assert await one.step() + await one.step() == 3

    told = sorted((alert for _, _, [alert] in posts.took), key=lambda alert: int(alert["labels"]["incident"]))
    [first, acted, closed, again] = told
    assert {url for url, _, _ in posts.took} == {"http://alerts:9093/api/v2/alerts"}
    assert first["labels"] == acted["labels"] == closed["labels"] != again["labels"]
    assert acted["annotations"]["act"] == "3 paused"
    assert closed["endsAt"] < first["endsAt"]


async def test_gateways_share_the_work(lane: LaneUnderTest) -> None:
    posts = Posts()
    await opened(lane, number=6)

    assert sum(await asyncio.gather(*(telling(lane, Alertmanager("http://a", posts)).step() for _ in range(3)))) == 6
    assert len({alert["labels"]["subject"] for _, _, [alert] in posts.took}) == 6


async def test_what_nobody_takes_waits_and_what_follows_waits_for_it(lane: LaneUnderTest) -> None:
    posts, incidents = Posts(503), Incidents(lane.database, network=NETWORK)
    one = telling(lane, Alertmanager("http://a", posts))
    [incident_id] = await opened(lane)
    await one.step()
    await incidents.close(ADMIN, incident_id)
    assert await one.step() == 0

    posts.status = 200
    await lane.fetch("UPDATE incident_tellings SET due_ms = 0")
    while await one.step():
        pass

    assert len(posts.took) == 2
    story = await incidents.story(incident_id)
    assert [(line.change, line.state, line.attempts) for line in story.told] == [
        ("opened", "told", 2),
        ("closed", "told", 1),
    ]
    assert "\x1b" not in story.post_mortem


async def test_a_storm_is_told_at_its_rate(lane: LaneUnderTest) -> None:
    posts = Posts()
    await opened(lane, number=PER_HOUR + 5)
    one = telling(lane, Alertmanager("http://a", posts))
    while await one.step():
        pass

    assert len(posts.took) == PER_HOUR


async def test_a_way_that_comes_later_is_not_told_of_what_is_old(lane: LaneUnderTest) -> None:
    await opened(lane)
    await lane.fetch("UPDATE incident_changes SET at_ms = at_ms - 2 * 86400000")

    assert await telling(lane, Alertmanager("http://a", Posts())).step() == 0


async def test_a_webhook_is_signed_and_has_one_id(lane: LaneUnderTest) -> None:
    posts, clock = Posts(), ManualClock()
    way = SignedWebhook("https://x.example/", SECRET, clock, posts)
    await way.tell(a_message())
    await way.tell(a_message())

    (_, headers, told), (_, again, _) = posts.took
    content = json.dumps(told, separators=(",", ":")).encode()
    assert verify(spell_secret(SECRET), headers, content, now_seconds=clock.now_ms() // 1_000) == a_message().name
    assert headers["webhook-id"] == again["webhook-id"]
    assert told["type"] == "incident.opened"
    assert told["data"]["facts"]["invalid"] == 5


async def test_an_administrator_says_why(lane: LaneUnderTest) -> None:
    incidents = Incidents(lane.database, network=NETWORK)
    [incident_id] = await opened(lane)
    with pytest.raises(InvalidField):
        await incidents.close(ADMIN, incident_id, why="\x1b[31m")
    await incidents.close(ADMIN, incident_id, why="its operator mended it")
    await incidents.close(ADMIN, incident_id, why="closing twice closes once")

    story = await incidents.story(incident_id)
    assert [(step.what, step.said) for step in story.steps][-1] == ("closed", "its operator mended it")
    assert "its operator mended it" in story.post_mortem


class Box:
    """A mail server that keeps what it took."""

    def __init__(self) -> None:
        self.took: list[tuple[str, list[str], bytes]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.took.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return "250 taken"


@asynccontextmanager
async def mail_server(box: Box, **options: Any) -> AsyncIterator[int]:
    """Run a mail server on a port of this machine."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(box, loop=loop, **options), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def a_mail_server(**changes: Any) -> MailServer:
    values: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": 1,
        "encryption": Encryption.NONE,
        "user": "",
        "password": "",
        "sender": "net@example.org",
        "receivers": ("duty@example.org", "boss@example.org"),
    }
    return MailServer(**{**values, **changes})


async def test_a_mail_comes_with_nothing_of_a_stranger_in_its_head() -> None:
    box = Box()
    async with mail_server(box) as port:
        answer = await Mail(a_mail_server(port=port)).tell(a_message())

    assert answer.status == 250
    [(sender, receivers, content)] = box.took
    assert (sender, receivers) == ("net@example.org", ["duty@example.org", "boss@example.org"])
    head = content.partition(b"\r\n\r\n")[0].decode().lower()
    assert "bcc:" not in [line.partition(" ")[0] for line in head.splitlines()]


async def test_no_password_is_said_to_a_server_without_encryption() -> None:
    told: list[str] = []

    def note(server: Any, session: Any, envelope: Any, mechanism: Any, data: Any) -> AuthResult:
        told.append("password")
        return AuthResult(success=True)

    async with mail_server(Box(), authenticator=note, auth_require_tls=False) as port:
        server = a_mail_server(port=port, encryption=Encryption.STARTTLS, user="net", password="secret")
        answer = await Mail(server).tell(a_message())

    assert answer.status == 0
    assert "STARTTLS" in answer.text
    assert "secret" not in answer.text
    assert told == []


async def test_a_server_that_is_not_there_is_an_answer() -> None:
    assert (await Mail(a_mail_server()).tell(a_message())).status == 0


def test_mails_of_one_incident_are_one_thread() -> None:
    first, last = mail_of(a_message(), a_mail_server()), mail_of(a_message(change=Change.CLOSED), a_mail_server())

    assert last["References"] == first["Message-ID"] != last["Message-ID"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"incidents_mail_to": "duty"}, "incidents_mail_to"),
        ({"incidents_mail_to": "a@b\r\nBcc: c@d"}, "incidents_mail_to"),
        ({"incidents_mail_to": "a@b.example"}, "incidents_mail_server"),
        (
            {"incidents_mail_to": "a@b.example", "incidents_mail_server": "m:25", "incidents_mail_encryption": "x"},
            "incidents_mail_encryption",
        ),
        ({"incidents_webhook": "https://x.example/"}, "incidents_webhook_secret"),
        ({"incidents_alertmanager": "file:///etc/passwd"}, "incidents_alertmanager"),
    ],
)
def test_a_way_that_is_half_set_up_is_refused_at_the_start(wrong: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        ways_of(GatewaySettings(**wrong), ManualClock())  # type: ignore[arg-type]

    assert refused.value.field == field


def test_all_ways_can_be_set_up() -> None:
    settings = GatewaySettings(
        incidents_alertmanager="http://127.0.0.1:9093",
        incidents_webhook="https://x.example/",
        incidents_webhook_secret=spell_secret(SECRET),
        incidents_mail_to="duty@example.org, boss@example.org",
        incidents_mail_server="mail.example.org",
    )

    assert [way.channel for way in ways_of(settings, ManualClock())] == ["alertmanager", "webhook", "mail"]
    assert ways_of(GatewaySettings(), ManualClock()) == []
