"""The network's keys change while it runs: by the root key's word, one list after the other, heard by every gateway."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.signatures import Signer
from proofgrid.roles.audit.keeping import AuditPlacing
from proofgrid.roles.intake.audit import AuditHead, AuditLog
from proofgrid.roles.intake.keys import KeyRing
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.audit.checkpoint import Checkpoint, verified_checkpoint
from proofgrid.rules.identity.key_list import (
    KeyState,
    Purpose,
    SignedKeyList,
    first_list,
    read_signed_list,
    sign_list,
    with_end,
    with_key,
)
from proofgrid.rules.identity.network_keys import NetworkKeys
from proofgrid.store.access import GRANT_ROLE
from proofgrid.store.database import Database
from proofgrid.store.transactions import Transaction
from proofgrid.telemetry.acting import Act, acting
from tests.makers import a_key

ROOT, ONE, TWO = a_key(2), a_key(21), a_key(22)
ADMIN = Caller(ROOT.address, frozenset({Role.ADMIN}))
CLIENT = Caller(a_key(1).address, frozenset({Role.CLIENT}))


@dataclass
class Gateway:
    """The keys of one gateway, the files that lie there, and the lists that it kept."""

    database: Database
    keys: NetworkKeys
    files: list[Signer] = field(default_factory=list)
    kept: list[SignedKeyList] = field(default_factory=list)

    @property
    def ring(self) -> KeyRing:
        return KeyRing(self.database, self.keys, load=lambda: self.files, keep=self.kept.append)


def _first() -> SignedKeyList:
    return sign_list(with_key(first_list(ROOT.address), ONE.address, Purpose, now_ms=1_000), ROOT)


def _second() -> SignedKeyList:
    return sign_list(with_key(_first().list, TWO.address, Purpose, now_ms=2_000), ROOT)


@pytest.fixture
def gateway(database: Database) -> Gateway:
    return Gateway(database, NetworkKeys.of(ROOT), files=[ONE])


async def test_a_list_counts_here_at_once_and_elsewhere_when_they_look(database: Database, gateway: Gateway) -> None:
    elsewhere = Gateway(database, NetworkKeys.of(ROOT), files=[ONE])
    shown = await gateway.ring.publish(ADMIN, _first().text)
    assert shown.keys == _first()
    assert gateway.keys.voice(Purpose.BUNDLES).signer is ONE
    assert gateway.kept == [_first()]
    assert elsewhere.keys.voice(Purpose.BUNDLES).signer is ROOT
    await elsewhere.ring.look()
    assert elsewhere.keys.voice(Purpose.BUNDLES).signer is ONE


async def test_published_twice_it_is_the_same_and_nothing_is_left_out(gateway: Gateway) -> None:
    await gateway.ring.publish(ADMIN, _first().text)
    await gateway.ring.publish(ADMIN, _first().text)
    other = sign_list(with_key(first_list(ROOT.address), TWO.address, Purpose, now_ms=1_000), ROOT)
    third = with_end(_second().list, ONE.address, KeyState.RETIRED, now_ms=3_000)
    for refused in (other, sign_list(third, ROOT)):
        with pytest.raises(InvalidField) as refusal:
            await gateway.ring.publish(ADMIN, refused.text)
        assert refusal.value.field == "keys.number"
    assert gateway.keys.keys == _first()


async def test_a_list_by_which_the_gateway_could_sign_nothing_is_refused(database: Database) -> None:
    cold = Gateway(database, NetworkKeys(ROOT.address, [ONE], _first()), files=[ONE])
    await cold.ring.publish(ADMIN, _first().text)
    await cold.ring.publish(ADMIN, _second().text)
    retired = sign_list(with_end(_second().list, ONE.address, KeyState.RETIRED, now_ms=3_000), ROOT)
    with pytest.raises(InvalidField, match="could not sign rounds, bundles, certificates, checkpoints any more"):
        await cold.ring.publish(ADMIN, retired.text)
    cold.files.append(TWO)
    await cold.ring.publish(ADMIN, retired.text)
    assert cold.keys.voice(Purpose.ROUNDS).signer is TWO


async def test_what_the_database_was_made_to_say_is_not_believed(database: Database, gateway: Gateway) -> None:
    value = json.loads(_first().text)
    value["list"]["keys"][0]["address"] = TWO.address
    async with database.connection() as connection:
        forged = json.dumps(value, sort_keys=True, separators=(",", ":"))
        await connection.raw.execute("INSERT INTO key_lists (number, spelled) VALUES (1, $1)", forged)
    await gateway.ring.look()
    assert gateway.keys.keys is None
    with pytest.raises(InvalidField, match="not signed by the root key"):
        await gateway.ring.publish(ADMIN, _first().text)


async def test_a_broken_key_file_stops_no_gateway(database: Database) -> None:
    def broken() -> list[Signer]:
        raise InvalidField("half.key is no key file", field="key")

    keys = NetworkKeys.of(ROOT)
    await KeyRing(database, keys, load=broken, keep=lambda signed: None).look()
    assert keys.held == [ROOT.address]


async def test_only_administrators_see_which_keys_a_gateway_has(gateway: Gateway) -> None:
    assert (await gateway.ring.get(ADMIN)).held == [ROOT.address]
    assert (await gateway.ring.get(CLIENT)).held == []


async def _act(database: Database, log: AuditLog, keys: NetworkKeys) -> tuple[AuditHead, Checkpoint]:
    act = Act("Grant", "ipv4:192.0.2.7:55", dict)
    with acting(act):
        await database.write(Transaction.CHANGE_ROLES, GRANT_ROLE, address=CLIENT.address, role="client", label="")
    await AuditPlacing(database, keys).step()
    return await _head(log)


async def _head(log: AuditLog) -> tuple[AuditHead, Checkpoint]:
    head = await log.head()
    keys = read_signed_list(head.keys) if head.keys else None
    return head, verified_checkpoint(head.note, head.verifier, head.statement, ROOT.address, keys)


async def test_the_audit_log_goes_on_under_the_next_key_and_the_root_key_can_leave(
    database: Database, gateway: Gateway
) -> None:
    log = AuditLog(database, gateway.keys)
    first, checkpoint = await _act(database, log, gateway.keys)
    assert (checkpoint.size, first.keys) == (1, "")
    gateway.files.append(TWO)
    await gateway.ring.publish(ADMIN, _first().text)
    between, checkpoint = await _head(log)  # still the root key's note
    assert between.verifier == first.verifier
    second, checkpoint = await _act(database, log, gateway.keys)
    assert checkpoint.size == 3  # the publishing is an entry too
    assert second.verifier != first.verifier
    cold = NetworkKeys(ROOT.address, [ONE, TWO], _second())
    third, checkpoint = await _act(database, AuditLog(database, cold), cold)
    assert checkpoint.size == 4
    assert third.keys == _second().text
