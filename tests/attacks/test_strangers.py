"""Whoever has no key, or keys that nobody knows, asks as often as it likes: each address has limits of its own.

Pins down: what a stranger may ask is counted by address, GetNetwork too; signatures of strangers are looked at only
so often; members at the same address are not shut out; one key has so many calls under way, and sends so many bytes.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from proofgrid.doors.services.client import ClientService
from proofgrid.doors.services.front_door import FrontDoor
from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.errors import BadToken, RateLimited, TooManyOpen, UnknownKey
from proofgrid.primitives.ids import Address
from proofgrid.primitives.signatures import SigningKey, signer_of
from proofgrid.roles.intake import callers as callers_module
from proofgrid.roles.intake.callers import Callers
from proofgrid.roles.intake.heard import Heard, hear
from proofgrid.rules.access.rights import needs
from proofgrid.rules.access.roles import Role
from proofgrid.rules.access.tokens import Claims, read_token, spell_claims
from proofgrid.rules.jobs.limits import Limits
from proofgrid.sdk.tokens import purpose_of
from proofgrid.store.database import Database
from proofgrid.wire.addresses import peer_host
from proofgrid.wire.v1 import client_pb2
from tests.makers import a_key
from tests.toy_call import told, toy_call

NETWORK = a_key(9).address
LIMITS = Limits(stranger_requests_burst=5, stranger_requests_per_second=1, calls_at_once=3)
CLIENTS = frozenset({Role.CLIENT})
PURPOSE = purpose_of("/toy", b"", gateway="127.0.0.1:7400")
HEARD = Heard(PURPOSE.method, {PURPOSE.gateway}, PURPOSE.body)


class Roles:
    """Knows one client; counts how often it was asked."""

    def __init__(self, known: Address) -> None:
        self._known = known
        self.asked = 0

    def has(self, address: Address) -> bool:
        return address == self._known

    async def of(self, address: Address) -> frozenset[Role]:
        self.asked += 1
        return CLIENTS if address == self._known else frozenset()


MEMBER = a_key(7)


@pytest.fixture
def callers() -> Callers:
    made = Callers(cast(Database, None), audience=NETWORK, limits=LIMITS, clock=ManualClock())
    made.known_roles = cast(Any, Roles(MEMBER.address))
    return made


def a_token(key: SigningKey, clock: ManualClock, *, number: int = 0, subject: Address | None = None) -> str:
    now_ms = clock.now_ms()
    claims = Claims(
        subject=subject or key.address,
        audience=NETWORK,
        purpose=PURPOSE,
        issued_ms=now_ms,
        expires_ms=now_ms + 60_000,
        token_id=f"{number:032x}",
    )
    signed = spell_claims(claims)
    return f"{signed}.{key.sign(signed.encode())}"


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return the list of what a signature was looked at of."""
    seen: list[bytes] = []

    def counting(message: bytes, signature: str) -> Address | None:
        seen.append(message)
        return signer_of(message, signature)

    monkeypatch.setattr(callers_module, "signer_of", counting)
    return seen


async def test_tokens_of_keys_that_nobody_knows_are_looked_at_so_often(
    callers: Callers, looked_at: list[bytes]
) -> None:
    clock = cast(ManualClock, callers._clock)
    outcomes = []
    for number in range(50):
        try:
            await callers.admit(a_token(a_key(100 + number), clock), CLIENTS, heard=HEARD, host="10.0.0.1")
        except (UnknownKey, RateLimited) as error:
            outcomes.append(type(error))
    assert outcomes == [UnknownKey] * 5 + [RateLimited] * 45
    assert len(looked_at) == 5
    assert cast(Any, callers.known_roles).asked == 5


async def test_who_is_known_is_let_in_beside_strangers_at_the_same_address(callers: Callers) -> None:
    clock = cast(ManualClock, callers._clock)
    for number in range(50):
        with pytest.raises((BadToken, RateLimited)):
            await callers.admit(
                a_token(a_key(5), clock, number=number, subject=NETWORK), CLIENTS, heard=HEARD, host="10.0.0.1"
            )
    for number in range(20):
        caller = await callers.admit(a_token(MEMBER, clock, number=number), CLIENTS, heard=HEARD, host="10.0.0.1")
        assert caller.address == MEMBER.address
    with pytest.raises(UnknownKey):
        await callers.admit(a_token(a_key(5), clock), CLIENTS, heard=HEARD, host="10.0.0.2")


async def test_an_address_is_heard_again_at_its_rate(callers: Callers) -> None:
    clock = cast(ManualClock, callers._clock)
    for _ in range(5):
        callers.admit_stranger("10.0.0.1")
    with pytest.raises(RateLimited) as caught:
        callers.admit_stranger("10.0.0.1")
    assert caught.value.wait_ms == 1_000
    clock.advance(1_000)
    callers.admit_stranger("10.0.0.1")


class Facts:
    """An intake of which only the network's facts are asked."""

    def __init__(self) -> None:
        self.asked = 0

    @property
    def status(self) -> Any:
        self.asked += 1
        raise LookupError("asked for facts")


async def test_what_everybody_may_ask_is_counted_by_address_whatever_the_port(callers: Callers) -> None:
    facts = Facts()
    service = ClientService(FrontDoor(callers), cast(Any, facts))
    for port in range(20):
        with pytest.raises(ConnectionAbortedError):
            await service.GetNetwork(client_pb2.GetNetworkRequest(), toy_call(peer=f"ipv4:10.0.0.1:{port}"))
    assert facts.asked == 5


async def test_calls_without_a_token_are_counted_too(callers: Callers) -> None:
    intake = SimpleNamespace(tasks=SimpleNamespace(get=_use_case))
    service = ClientService(FrontDoor(callers), cast(Any, intake))
    ended = []
    for _ in range(8):
        call = toy_call()
        with pytest.raises(ConnectionAbortedError):
            await service.GetTask(client_pb2.GetTaskRequest(), call)
        ended.append(told(call).split()[0])
    assert ended == ["PG-201"] * 5 + ["PG-210"] * 3


@pytest.mark.parametrize("token", ["pg2.nonsense", "pgk_nonsense"])
async def test_credentials_that_cannot_be_read_count_too(callers: Callers, token: str) -> None:
    door = FrontDoor(callers)
    hear(HEARD)
    for _ in range(5):
        with pytest.raises(BadToken):
            await door.admit(toy_call(token=token), _use_case)
    with pytest.raises(RateLimited):
        door.admit_stranger(toy_call())


async def test_one_key_has_so_many_calls_under_way(callers: Callers) -> None:
    clock = cast(ManualClock, callers._clock)
    door = FrontDoor(callers)
    hear(HEARD)
    open_calls = [toy_call(token=a_token(MEMBER, clock, number=number)) for number in range(3)]
    for call in open_calls:
        await door.admit(call, _use_case)
    another = toy_call(token=a_token(MEMBER, clock, number=9))
    with pytest.raises(TooManyOpen):
        await door.admit(another, _use_case)
    over = open_calls[0].add_done_callback.call_args.args[0]
    over(open_calls[0])
    await door.admit(another, _use_case)


def test_json_counts_before_it_is_read(callers: Callers) -> None:
    text = "0" * (8 << 20)
    for _ in range(4):
        callers.weigh_json(MEMBER.address, text)
    with pytest.raises(RateLimited) as caught:
        callers.weigh_json(MEMBER.address, text)
    assert caught.value.wait_ms == 2_000
    callers.weigh_json(a_key(8).address, text)


def test_a_token_that_is_nested_too_deep_is_a_bad_one() -> None:
    import base64

    body = base64.urlsafe_b64encode(b"[" * 1_500).decode().rstrip("=")
    with pytest.raises(BadToken):
        read_token(f"pg2.{body}.0x00")


@pytest.mark.parametrize(
    ("peer", "host"),
    [
        ("ipv4:10.0.0.5:4711", "10.0.0.5"),
        ("ipv6:%5B::1%5D:4711", "::/64"),
        ("ipv6:%5B2001:db8:1:2:3:4:5:6%5D:4711", "2001:db8:1:2::/64"),
        ("ipv6:%5B::ffff:203.0.113.7%5D:4711", "203.0.113.7"),  # at a port that takes both families
        ("unix:", "unix"),
    ],
)
def test_an_address_is_a_machine_s_not_a_connection_s(peer: str, host: str) -> None:
    assert peer_host(peer) == host


@needs(Role.CLIENT)
async def _use_case() -> None:
    """Something that clients may ask."""
