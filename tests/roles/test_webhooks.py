"""Webhooks with a database: written with their events, delivered at least once, in order, by any number of gateways."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest

from proofgrid.primitives.account_errors import UnknownWebhook
from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.errors import InvalidField, RateLimited, TooManyOpen
from proofgrid.primitives.ids import Address
from proofgrid.roles import posting
from proofgrid.roles.intake.webhooks import WebhookList
from proofgrid.roles.posting import Answer, post
from proofgrid.roles.webhooks.sending import LEASE_MS, Webhooks
from proofgrid.rules.access.api_keys import ApiKey
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.webhooks.endpoints import BACKOFF_SECONDS, ENDPOINTS_MAX, FAILS_MAX_MS, TEST_SECONDS, TESTS_AT_ONCE
from proofgrid.rules.webhooks.signing import public_key_of, spell_secret, verify
from proofgrid.store.webhooks import Endpoint
from tests.roles.lanes import CLIENT, LaneUnderTest

OWNER = Caller(CLIENT, frozenset({Role.CLIENT}))
DAY_SECONDS = 86_400


class Receiver:
    """A client's server: it answers what it is told to, and keeps what it took."""

    def __init__(self, endpoint: Endpoint, clock: ManualClock) -> None:
        self.keys: tuple[str, ...] = (spell_secret(endpoint.secret), public_key_of(endpoint.secret))
        self.clock = clock
        self.status = 200
        self.took: list[dict[str, Any]] = []
        self.ids: list[str] = []

    async def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        for key in self.keys:
            verify(key, headers, body, now_seconds=self.clock.now_ms() // 1_000)
        if self.status == 200:
            self.ids.append(headers["webhook-id"])
            self.took.append(json.loads(body))
        return Answer(self.status, "said")

    def order(self) -> dict[str, list[int]]:
        """The cursors that came, by task, in the order in which they came."""
        found: dict[str, list[int]] = {}
        for one in self.took:
            found.setdefault(one["data"]["task_id"], []).append(one["data"]["cursor"])
        return found


class Home:
    """A client with an endpoint, and gateways that send."""

    def __init__(self, lane: LaneUnderTest) -> None:
        self.lane = lane
        self.clock = ManualClock()
        self.list = WebhookList(lane.database, self.clock, may_be_local=False, send=self._send)

    async def open(self, *kinds: str) -> None:
        self.endpoint = await self.list.make(OWNER, "https://server.example/", kinds or ("accepted", "raised", "done"))
        self.receiver = Receiver(self.endpoint, self.clock)

    async def _send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        return await self.receiver(url, headers, body)

    def gateway(self, send: Any = None) -> Webhooks:
        return Webhooks(self.lane.database, self.clock, may_be_local=False, send=send or self.receiver)

    async def tell(self, task_id: UUID, seq: int, kind: str = "raised") -> None:
        await self.lane.fetch(
            "INSERT INTO task_events (task_id, seq, kind, data) VALUES ($1, $2, $3, '{}')", task_id, seq, kind
        )

    async def send_all(self, gateway: Webhooks | None = None) -> None:
        while await (gateway or self.gateway()).step():
            pass

    async def states(self) -> list[str]:
        return [one.state.value for one in await self.list.deliveries(OWNER, self.endpoint.endpoint_id, limit=99)]


@pytest.fixture
async def home(lane: LaneUnderTest) -> Home:
    home = Home(lane)
    await home.open()
    return home


async def test_what_is_accepted_is_to_be_told_from_the_same_commit_on(home: Home) -> None:
    task_id = await home.lane.add_task()
    assert await home.states() == ["waiting"]
    await home.send_all()
    [told] = home.receiver.took
    assert (told["type"], told["data"]["task_id"]) == ("task.accepted", str(task_id))
    assert home.receiver.ids == [f"msg_{task_id.hex}_1"]
    assert await home.states() == ["delivered"]


async def test_nobody_is_told_of_others_tasks_or_of_kinds_that_it_did_not_ask_for(home: Home) -> None:
    task_id = await home.lane.add_task()
    await home.tell(task_id, 2, "slow")
    await home.lane.fetch("UPDATE webhook_endpoints SET owner = '0xother'")
    await home.tell(task_id, 3)
    await home.lane.fetch("UPDATE webhook_endpoints SET owner = $1", CLIENT)
    await home.send_all()
    assert home.receiver.order() == {str(task_id): [1]}


async def test_a_receiver_that_is_down_for_a_day_gets_everything_signed_and_in_order(home: Home) -> None:
    home.receiver.status = 503
    tasks = [await home.lane.add_task() for _ in range(3)]
    for hour in range(24):
        await home.tell(tasks[hour % 3], 2 + hour // 3)
        await home.send_all()
        await home.clock.sleep(3_600)
    assert home.receiver.took == []
    home.receiver.status = 200
    for _ in range(12):
        await home.send_all()
        await home.clock.sleep(DAY_SECONDS / 4)
    assert home.receiver.order() == {str(task_id): list(range(1, 10)) for task_id in tasks}
    assert len(set(home.receiver.ids)) == len(home.receiver.ids) == 27
    assert set(await home.states()) == {"delivered"}


async def test_who_dies_after_sending_lets_it_be_sent_again_with_the_same_id(home: Home) -> None:
    await home.lane.add_task()

    async def killed(url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        await home.receiver(url, headers, body)
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await home.gateway(killed).step()
    assert await home.gateway().step() == 0  # it may still be at work
    await home.clock.sleep(LEASE_MS / 1_000)
    await home.send_all()
    assert len(home.receiver.ids) == 2
    assert len(set(home.receiver.ids)) == 1
    assert await home.states() == ["delivered"]


async def test_gateways_share_the_work_and_none_makes_a_delivery_of_another(home: Home) -> None:
    tasks = [await home.lane.add_task() for _ in range(12)]
    for task_id in tasks:
        await home.tell(task_id, 2)
    await asyncio.gather(*(home.send_all(home.gateway()) for _ in range(4)))
    await home.send_all()
    assert home.receiver.order() == {str(task_id): [1, 2] for task_id in tasks}


async def test_what_fails_to_the_end_is_given_up_and_holds_nothing_up(home: Home) -> None:
    task_id = await home.lane.add_task()
    home.receiver.status = 500
    for _ in range(len(BACKOFF_SECONDS) + 1):
        await home.lane.fetch("UPDATE webhook_endpoints SET failing_ms = NULL")
        await home.send_all()
        await home.clock.sleep(1.3 * DAY_SECONDS)
    assert await home.states() == ["failed"]
    home.receiver.status = 200
    await home.tell(task_id, 2)
    await home.send_all()
    assert home.receiver.order() == {str(task_id): [2]}
    assert await home.list.replay(OWNER, home.endpoint.endpoint_id, since_ms=0) == 1
    await home.send_all()
    assert home.receiver.order() == {str(task_id): [2, 1]}
    assert await home.list.replay(OWNER, home.endpoint.endpoint_id, since_ms=1) == 2


@pytest.mark.parametrize(("status", "why"), [(500, "took nothing for days"), (410, "gone")])
async def test_an_endpoint_that_takes_nothing_is_disabled_until_it_is_replayed(
    home: Home, status: int, why: str
) -> None:
    home.receiver.status = status
    task_id = await home.lane.add_task()
    for _ in range(2):
        await home.send_all()
        await home.clock.sleep(FAILS_MAX_MS / 1_000)
    await home.send_all()
    [listed] = await home.list.list_own(OWNER)
    assert listed.disabled_ms
    assert why in listed.disabled_why
    home.receiver.status = 200
    await home.tell(task_id, 2)
    await home.clock.sleep(DAY_SECONDS)
    await home.send_all()
    assert home.receiver.took == []
    assert await home.list.replay(OWNER, home.endpoint.endpoint_id, since_ms=0) == 2
    await home.send_all()
    assert home.receiver.order() == {str(task_id): [1, 2]}


async def test_a_test_is_signed_sent_once_and_is_no_delivery(home: Home) -> None:
    home.receiver.status = 503
    refused = await home.list.test(OWNER, home.endpoint.endpoint_id)
    home.receiver.status = 200
    taken = await home.list.test(OWNER, home.endpoint.endpoint_id)

    assert (refused.status, refused.is_delivered, refused.answer) == (503, False, "said")
    assert (taken.status, taken.is_delivered) == (200, True)
    assert home.receiver.ids == [taken.message_id]
    [told] = home.receiver.took
    assert (told["type"], told["data"]) == ("webhook.test", {"endpoint_id": str(home.endpoint.endpoint_id)})
    assert await home.states() == []
    [listed] = await home.list.list_own(OWNER)
    assert (listed.waiting, listed.disabled_ms) == (0, None)


async def test_so_many_tests_at_once_and_then_one_every_while(home: Home) -> None:
    other = await home.list.make(OWNER, "https://other.example/", ())
    home.receiver.keys = ()
    for place in range(TESTS_AT_ONCE):
        await home.list.test(OWNER, (home.endpoint, other)[place % 2].endpoint_id)
    with pytest.raises(RateLimited, match="so many tests") as refusal:
        await home.list.test(OWNER, other.endpoint_id)
    assert 0 < refusal.value.wait_ms <= TEST_SECONDS * 1_000
    await home.clock.sleep(TEST_SECONDS)
    await home.list.test(OWNER, other.endpoint_id)
    with pytest.raises(RateLimited):
        await home.list.test(OWNER, other.endpoint_id)


async def test_a_test_goes_nowhere_inside(lane: LaneUnderTest) -> None:
    webhooks = WebhookList(lane.database, ManualClock(), may_be_local=False)
    endpoint = await webhooks.make(OWNER, "https://127.0.0.1/", ())
    tested = await webhooks.test(OWNER, endpoint.endpoint_id)
    assert (tested.status, tested.is_delivered) == (0, False)
    assert "public network" in tested.answer


async def test_endpoints_are_their_owners(home: Home) -> None:
    stranger = Caller(Address("0xs"), frozenset({Role.CLIENT}))
    for call in (
        lambda: home.list.remove(stranger, home.endpoint.endpoint_id),
        lambda: home.list.replay(stranger, home.endpoint.endpoint_id, since_ms=0),
        lambda: home.list.deliveries(stranger, home.endpoint.endpoint_id, limit=9),
        lambda: home.list.test(stranger, home.endpoint.endpoint_id),
        lambda: home.list.remove(OWNER, uuid4()),
    ):
        with pytest.raises(UnknownWebhook):
            await call()
    key = ApiKey(key_id="k", owner=CLIENT, scopes=frozenset(), subnetwork="acme")
    with pytest.raises(InvalidField, match="for one"):
        await home.list.list_own(Caller(CLIENT, frozenset({Role.CLIENT}), key))
    await home.lane.add_task()
    await home.list.remove(OWNER, home.endpoint.endpoint_id)
    assert await home.gateway().step() == 0


async def test_so_many_endpoints_however_many_are_made_at_once(home: Home) -> None:
    made = await asyncio.gather(
        *(home.list.make(OWNER, "https://server.example/", ()) for _ in range(ENDPOINTS_MAX + 3)),
        return_exceptions=True,
    )
    assert len([one for one in made if isinstance(one, TooManyOpen)]) == 4


# --- what is connected to ---


async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(
        b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 100000\r\n\r\n" + b"x" * 100_000
    )
    await writer.drain()
    writer.close()


async def test_a_name_that_leads_inside_is_never_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    connected: list[str] = []

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.append("somebody")
        writer.close()

    server = await asyncio.start_server(count, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def inside(host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    async def mixed(host: str, _port: int) -> list[str]:
        return ["1.1.1.1", "127.0.0.1"]

    for resolve in (inside, mixed):
        url = f"http://inside.example:{port}/"
        answer = await post(url, {}, b"", may_be_local=False, resolve=resolve)
        assert (answer.status, "public network" in answer.text) == (0, True)
    server.close()
    assert connected == []


async def test_no_redirect_is_followed_and_no_more_of_an_answer_is_read_than_is_kept() -> None:
    server = await asyncio.start_server(answers, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    answer = await post(f"http://127.0.0.1:{port}/", {}, b"{}", may_be_local=True)
    server.close()
    assert (answer.status, answer.text) == (302, "x" * posting.ANSWER_BYTES_MAX)


async def test_what_cannot_be_reached_is_an_answer_and_no_error() -> None:
    async def nowhere(host: str, _port: int) -> list[str]:
        raise OSError("no such name")

    assert (await post("https://nowhere.example/", {}, b"", may_be_local=False, resolve=nowhere)).status == 0
    assert (await post("http://127.0.0.1:1/", {}, b"", may_be_local=True)).status == 0
