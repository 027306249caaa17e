"""Which keys speak for a network: a numbered list, signed by its root key, whose address is the network's name.

A network whose root key signs everything has no list. One that has split its key names the others, each for its
purposes, and may keep the root key where nobody reaches it:

    active -> retired   it signs nothing more, what it signed stands
           -> revoked   it was stolen: alone it shows nothing any more
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from proofgrid.primitives.canonical import Json, canonical_json
from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.primitives.reading import read_integer, read_json, read_list, read_object, read_text, read_texts
from proofgrid.primitives.signatures import Signer, is_spelled_once, parse_address, signer_of

FORMAT = "proofgrid keys 1"
KEYS_MAX = 64  #: ever; an eighth of that is years of rotations
BYTES_MAX = 24 << 10
NUMBER_MAX = 2**53 - 1


class Purpose(StrEnum):
    """What an online key signs."""

    ROUNDS = "rounds"  #: the market's rounds, and exports of them
    BUNDLES = "bundles"  #: bundles, and evidence against operators
    CERTIFICATES = "certificates"  #: the certificates that provers connect with
    CHECKPOINTS = "checkpoints"  #: of the audit log


class KeyState(StrEnum):
    """How a key stands. Nothing leads back to active."""

    ACTIVE = "active"
    RETIRED = "retired"
    REVOKED = "revoked"


#: where each state may lead
NEXT_STATES: Mapping[KeyState, frozenset[KeyState]] = {
    KeyState.ACTIVE: frozenset({KeyState.ACTIVE, KeyState.RETIRED, KeyState.REVOKED}),
    KeyState.RETIRED: frozenset({KeyState.RETIRED, KeyState.REVOKED}),
    KeyState.REVOKED: frozenset({KeyState.REVOKED}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedKey:
    """An online key, as the root key names it."""

    address: Address
    purposes: tuple[Purpose, ...]  #: sorted, each once
    since_ms: int
    state: KeyState = KeyState.ACTIVE
    ended_ms: int = 0  #: when it stopped being active; 0: it is


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyList:
    """What the root key says: every online key there ever was, the oldest first."""

    network: Address
    number: int
    issued_ms: int
    keys: tuple[NamedKey, ...]

    @property
    def spelled(self) -> bytes:
        """What is hashed."""
        return canonical_json(_list_to_json(self))

    def may_sign(self, address: Address | None, purpose: Purpose) -> bool:
        """Does this key sign today, for this purpose? The root key always does."""
        return self._has(address, purpose, (KeyState.ACTIVE,))

    def stands_for(self, address: Address | None, purpose: Purpose) -> bool:
        """Does what this key signed for this purpose count by itself?"""
        return self._has(address, purpose, (KeyState.ACTIVE, KeyState.RETIRED))

    def knows(self, address: Address | None, purpose: Purpose) -> bool:
        """Was this key ever one of the network's, for this purpose? Enough where another signature stands behind it."""
        return self._has(address, purpose, tuple(KeyState))

    def active(self, purpose: Purpose) -> list[Address]:
        """Return the keys that sign for a purpose, the newest first."""
        return [key.address for key in reversed(self.keys) if self.may_sign(key.address, purpose)]

    def _has(self, address: Address | None, purpose: Purpose, states: tuple[KeyState, ...]) -> bool:
        if address is None:
            return False
        return address == self.network or any(
            key.address == address and purpose in key.purposes and key.state in states for key in self.keys
        )


@dataclass(frozen=True, slots=True)
class SignedKeyList:
    """A list with the root key's signature, checked: nothing but `sign_list` and `signed_list_of` makes one."""

    list: KeyList
    signature: str

    def to_json(self) -> Mapping[str, Json]:
        return {"list": _list_to_json(self.list), "signature": self.signature}

    @property
    def text(self) -> str:
        """The one spelling, in which lists are stored and sent."""
        return canonical_json(self.to_json()).decode()


def first_list(network: Address) -> KeyList:
    """Return what holds before the first list: the root key signs for everything."""
    return KeyList(network=network, number=0, issued_ms=0, keys=())


def with_key(before: KeyList, address: Address, purposes: Iterable[Purpose], *, now_ms: int) -> KeyList:
    """Return the next list, in which a new key is named. Raises InvalidField for one that is no new one."""
    wanted = tuple(sorted(set(purposes)))
    if not wanted:
        raise InvalidField("a key is for at least one purpose", field="purposes", hint=", ".join(Purpose))
    if address == before.network or any(key.address == address for key in before.keys):
        raise InvalidField(f"{address} was named before", field="key", hint="a rotation brings a new key")
    if len(before.keys) >= KEYS_MAX:
        raise InvalidField(f"a network names at most {KEYS_MAX} keys", field="key")
    key = NamedKey(address=address, purposes=wanted, since_ms=now_ms)
    return replace(before, number=before.number + 1, issued_ms=now_ms, keys=(*before.keys, key))


def with_end(before: KeyList, address: Address, state: KeyState, *, now_ms: int) -> KeyList:
    """Return the next list, in which a key is retired or revoked.

    Raises InvalidField for a key that the list does not name, or whose state leads nowhere else.
    """
    found = next((key for key in before.keys if key.address == address), None)
    if found is None:
        raise InvalidField(f"{address} is none of the network's online keys", field="key", hint="see: admin keys list")
    if state not in NEXT_STATES[found.state] - {found.state, KeyState.ACTIVE}:
        raise InvalidField(f"{address} is {found.state} already", field="key")
    ended = replace(found, state=state, ended_ms=found.ended_ms or now_ms)
    keys = tuple(ended if key is found else key for key in before.keys)
    return replace(before, number=before.number + 1, issued_ms=now_ms, keys=keys)


def check_follows(before: KeyList, after: KeyList) -> None:
    """Raise InvalidField unless a list is the next one: no number left out, no key forgotten or come back."""
    if after.network != before.network:
        raise InvalidField(f"the list is of network {after.network}, not {before.network}", field="keys.network")
    if after.number != before.number + 1:
        raise InvalidField(
            f"list {before.number + 1} comes next, this is {after.number}",
            field="keys.number",
            hint="somebody else changed the keys meanwhile; look: admin keys list",
        )
    if after.issued_ms < before.issued_ms:
        raise InvalidField("it was issued before the list that it follows", field="keys.issued_ms")
    for place, known in enumerate(before.keys):
        now = after.keys[place] if place < len(after.keys) else None
        if now is None or replace(now, state=known.state, ended_ms=known.ended_ms) != known:
            raise InvalidField(f"{known.address} is missing or changed", field=f"keys.keys[{place}]")
        if now.state not in NEXT_STATES[known.state]:
            raise InvalidField(f"{known.address} was {known.state}", field=f"keys.keys[{place}].state")


def sign_list(unsigned: KeyList, root: Signer) -> SignedKeyList:
    """Return a list with the root key's signature. Raises InvalidField for another key."""
    if root.address != unsigned.network:
        raise InvalidField(f"only the root key {unsigned.network} signs the list, this is {root.address}", field="root")
    return SignedKeyList(unsigned, root.sign(_message(unsigned)))


def read_signed_list(content: str | bytes, *, field: str = "keys") -> SignedKeyList:
    """Return the list of a text, its signature checked. Raises InvalidField: not a list, not spelled so, not signed."""
    raw = content.encode() if isinstance(content, str) else content
    if len(raw) > BYTES_MAX:
        raise InvalidField(f"a list of keys has at most {BYTES_MAX} bytes", field=field)
    value = read_json(raw, field=field)
    found = signed_list_of(value, field=field)
    if canonical_json(found.to_json()) != raw.strip():
        raise InvalidField("a list of keys is spelled in the one canonical way", field=field)
    return found


def signed_list_of(value: Json, *, field: str = "keys") -> SignedKeyList:
    """Return the list that a JSON value says, its signature checked. Raises InvalidField."""
    outer = read_object(value, ("list", "signature"), field)
    found = _read_list(outer["list"], f"{field}.list")
    signature = read_text(outer["signature"], f"{field}.signature")
    if not is_spelled_once(signature) or signer_of(_message(found), signature) != found.network:
        raise InvalidField(f"it is not signed by the root key {found.network}, or changed since", field=field)
    return SignedKeyList(found, signature)


def newer(one: SignedKeyList | None, other: SignedKeyList | None) -> SignedKeyList | None:
    """Return the list with the higher number."""
    if one is None or other is None:
        return one or other
    return other if other.list.number > one.list.number else one


def _message(unsigned: KeyList) -> bytes:
    return f"{FORMAT} {digest_of(unsigned.spelled)}".encode()


def _list_to_json(one: KeyList) -> dict[str, Json]:
    return {
        "format": FORMAT,
        "network": one.network,
        "number": one.number,
        "issued_ms": one.issued_ms,
        "keys": [
            {
                "address": key.address,
                "purposes": [purpose.value for purpose in key.purposes],
                "since_ms": key.since_ms,
                "state": key.state.value,
                "ended_ms": key.ended_ms,
            }
            for key in one.keys
        ],
    }


def _read_list(value: Json, field: str) -> KeyList:
    data = read_object(value, ("format", "network", "number", "issued_ms", "keys"), field)
    if data["format"] != FORMAT:
        raise InvalidField(f"this is no {FORMAT!r}", field=f"{field}.format", hint="a newer version may read it")
    rows = read_list(data["keys"], f"{field}.keys")
    if len(rows) > KEYS_MAX:
        raise InvalidField(f"at most {KEYS_MAX} keys", field=f"{field}.keys")
    network = _address(data["network"], f"{field}.network")
    keys = tuple(_read_key(row, f"{field}.keys[{place}]") for place, row in enumerate(rows))
    if len({network, *(key.address for key in keys)}) != len(keys) + 1:
        raise InvalidField("a key is named twice", field=f"{field}.keys")
    return KeyList(
        network=network,
        number=_number(data["number"], f"{field}.number", least=1),
        issued_ms=_number(data["issued_ms"], f"{field}.issued_ms"),
        keys=keys,
    )


def _read_key(value: Json, field: str) -> NamedKey:
    data = read_object(value, ("address", "purposes", "since_ms", "state", "ended_ms"), field)
    purposes = read_texts(data["purposes"], f"{field}.purposes")
    if not purposes or list(purposes) != sorted(set(purposes)) or not set(purposes) <= {one.value for one in Purpose}:
        raise InvalidField(f"sorted, each once, of: {', '.join(sorted(Purpose))}", field=f"{field}.purposes")
    state = read_text(data["state"], f"{field}.state")
    if state not in {one.value for one in KeyState}:
        raise InvalidField(f"one of {', '.join(KeyState)}", field=f"{field}.state")
    ended_ms = _number(data["ended_ms"], f"{field}.ended_ms")
    if (state == KeyState.ACTIVE) != (ended_ms == 0):
        raise InvalidField("a key that is not active has a time since when, and no other", field=f"{field}.ended_ms")
    return NamedKey(
        address=_address(data["address"], f"{field}.address"),
        purposes=tuple(Purpose(one) for one in purposes),
        since_ms=_number(data["since_ms"], f"{field}.since_ms"),
        state=KeyState(state),
        ended_ms=ended_ms,
    )


def _address(value: Json, field: str) -> Address:
    text = read_text(value, field)
    address = parse_address(text, field=field)
    if address != text:
        raise InvalidField("an address is spelled with its EIP-55 checksum here", field=field)
    return address


def _number(value: Json, field: str, *, least: int = 0) -> int:
    number = read_integer(value, field, least=least)
    if number > NUMBER_MAX:
        raise InvalidField(f"at most {NUMBER_MAX}", field=field)
    return number
