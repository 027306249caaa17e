"""API keys: secrets that servers of a client carry instead of its signing key, each for a part of what that may do.

    pgk_<16 hex digits that find it>_<64 hex digits that prove it>

A key is made by its owner's signature, or by another key that has the scope for it; what such a one makes may do no
more than itself, makes no keys, ends with it, and spends from its maker's day as well. Only SHA-256 of the secret is
kept: 256 bits of chance need no slow hash. Days are UTC's, by the database's clock.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from proofgrid.primitives.account_errors import OutOfScope
from proofgrid.primitives.errors import BadToken, InvalidField, NotAllowed, TokenExpired, UnknownKey
from proofgrid.primitives.ids import Address
from proofgrid.primitives.money import AMOUNT_MAX

PREFIX = "pgk_"
ID_BYTES = 8
SECRET_BYTES = 32
LABEL_CHARS_MAX = 128
LIVE_MAX = 100  #: of one owner
KEPT_MAX = 1_000  #: of one owner, those that are revoked or expired included
ADDRESSES_MAX = 16
ADDRESS_CHARS_MAX = 64
IPV6_BITS = 64  #: whoever has one address of such a network has all of them
FORGET_AFTER_MS = 30 * 86_400_000  #: a dead key is listed for so long

Network: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"

_KEY = re.compile(r"pgk_([0-9a-f]{16})_([0-9a-f]{64})")
_ID = re.compile(r"[0-9a-f]{16}")


class Scope(StrEnum):
    """What an API key may do. Use cases say which of these lets a key in (`rights.needs`); no scope, no key."""

    TASKS_READ = "tasks:read"
    TASKS_WRITE = "tasks:write"
    PROGRAMS_READ = "programs:read"
    PROGRAMS_WRITE = "programs:write"
    ACCOUNT_READ = "account:read"
    NETWORK_READ = "network:read"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"


MEANINGS: Mapping[Scope, str] = {
    Scope.TASKS_READ: "list and follow tasks, fetch their bundles, list firm quotes",
    Scope.TASKS_WRITE: "submit and cancel tasks, ask for prices, buy firm quotes",
    Scope.PROGRAMS_READ: "list programs and fetch their files",
    Scope.PROGRAMS_WRITE: "register, share and delete programs",
    Scope.ACCOUNT_READ: "see the account and its statement",
    Scope.NETWORK_READ: "see rounds, operators, engines, lanes and the head of the audit log",
    Scope.WEBHOOKS_READ: "list webhooks and what was sent to them",
    Scope.WEBHOOKS_WRITE: "make, test, replay and remove webhooks",
    Scope.KEYS_READ: "list API keys",
    Scope.KEYS_WRITE: "make API keys that may do no more than this one, and revoke any",
}
#: Of a key whose maker names none: what a server needs that has things proven.
USUAL = (Scope.TASKS_READ, Scope.TASKS_WRITE, Scope.PROGRAMS_READ, Scope.NETWORK_READ)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """What a key may do, without what proves it."""

    key_id: str
    owner: Address
    scopes: frozenset[Scope]
    subnetwork: str = ""  #: the one whose lanes and tasks it is for; empty: all that its owner may use
    spend_per_day: int = 0  #: base units that may leave its owner's account by it on one UTC day
    expires_ms: int = 0  #: 0: never
    addresses: tuple[str, ...] = ()  #: networks from where it is good; none: from everywhere


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedKey:
    """What is asked of a key that is to be made."""

    label: str
    scopes: frozenset[Scope]
    subnetwork: str = ""
    spend_per_day: int = 0
    expires_ms: int = 0
    addresses: tuple[str, ...] = ()


def is_api_key(token: str) -> bool:
    """Tell whether a bearer's token is meant as an API key."""
    return token.startswith(PREFIX)


def spell_key(key_id: bytes, secret: bytes) -> tuple[str, str]:
    """Return the name of a key, and the key as it is shown once. Takes ID_BYTES and SECRET_BYTES of chance."""
    return key_id.hex(), f"{PREFIX}{key_id.hex()}_{secret.hex()}"


def id_of(text: str) -> str:
    """Return the name in an API key; raise BadToken for what is none, without repeating any of it."""
    found = _KEY.fullmatch(text)
    if found is None:
        raise BadToken("an API key is pgk_<16 hex digits>_<64 hex digits>", hint="is all of it there?")
    return found[1]


def parse_key_id(text: str, *, field: str = "key_id") -> str:
    """Return the name of a key, given as it is listed; raise InvalidField, also where somebody pastes the secret."""
    name = text.removeprefix(PREFIX)
    if not _ID.fullmatch(name):
        raise InvalidField("the name of an API key is 16 hex digits", field=field, hint="proofgrid api-keys list")
    return name


def hash_of(text: str) -> bytes:
    """Return what is stored of an API key."""
    return hashlib.sha256(text.encode()).digest()


def check_secret(text: str, stored_hash: bytes | None) -> None:
    """Raise BadToken unless the key hashes to what is stored; None: no key has that name."""
    # Compared even where there is none: how long it takes tells nobody which names there are.
    if not hmac.compare_digest(hash_of(text), stored_hash or bytes(32)) or stored_hash is None:
        raise BadToken("there is no such API key", hint="proofgrid api-keys list shows yours")


def check_live(key: ApiKey, *, is_revoked: bool, now_ms: int) -> None:
    """Raise UnknownKey for a key that was revoked, TokenExpired for one whose time is over."""
    if is_revoked:
        raise UnknownKey("this API key was revoked", hint="its owner can make another: proofgrid api-keys new")
    if key.expires_ms and now_ms >= key.expires_ms:
        raise TokenExpired("this API key has expired", hint="its owner can make another: proofgrid api-keys new")


def check_from(key: ApiKey, host: str) -> None:
    """Raise NotAllowed for a key that is used from where it is not good: somebody else may have it.

    `host`: where the call comes from, of IPv6 its network.
    """
    if not key.addresses:
        return
    try:
        caller = ipaddress.ip_network(host, strict=False)
    except ValueError:
        caller = None
    if caller is None or not any(_is_within(caller, ipaddress.ip_network(one)) for one in key.addresses):
        raise NotAllowed(
            f"this API key is not good from {host[:ADDRESS_CHARS_MAX]}",
            field="address",
            hint="if that is no server of yours, somebody has your key: revoke it",
        )


def parse_addresses(texts: Iterable[str]) -> tuple[str, ...]:
    """Return addresses and networks in their one spelling, sorted; raise InvalidField. Of IPv6 a network at least."""
    found: set[str] = set()
    for text in texts:
        try:
            network = ipaddress.ip_network(text)
        except ValueError:
            raise InvalidField(
                f"{text[:ADDRESS_CHARS_MAX]!r} is no address and no network",
                field="addresses",
                hint="203.0.113.7, 203.0.113.0/24, 2001:db8::/64",
            ) from None
        if network.version == 6 and network.prefixlen > IPV6_BITS:
            network = network.supernet(new_prefix=IPV6_BITS)
        found.add(str(network))
    if len(found) > ADDRESSES_MAX:
        raise InvalidField(f"at most {ADDRESSES_MAX}", field="addresses")
    return tuple(sorted(found))


def _is_within(one: Network, other: Network) -> bool:
    if isinstance(one, ipaddress.IPv4Network):
        return isinstance(other, ipaddress.IPv4Network) and one.subnet_of(other)
    return isinstance(other, ipaddress.IPv6Network) and one.subnet_of(other)


def check_scope(key: ApiKey, taken: frozenset[Scope]) -> None:
    """Raise OutOfScope unless the key has one of the scopes that a use case takes; none: it takes no API keys."""
    if not taken:
        raise OutOfScope("API keys are not let in here", hint="sign the call with your key: --key FILE")
    if not key.scopes & taken:
        names = " or ".join(sorted(taken))
        raise OutOfScope(f"this API key has not the scope {names}", hint=f"it has {', '.join(sorted(key.scopes))}")


def subnetwork_for(key: ApiKey | None, asked: str) -> str:
    """Return in which subnetwork a request is made; raise NotAllowed where a key is for another one."""
    if key is None or not key.subnetwork or asked == key.subnetwork:
        return asked
    if asked:
        raise NotAllowed(f"this API key is for the subnetwork {key.subnetwork} only", field="subnetwork")
    return key.subnetwork


def parse_scopes(texts: Iterable[str]) -> frozenset[Scope]:
    """Return scopes by their names, the usual ones where none is named; raise InvalidField."""
    names = list(texts)
    unknown = sorted(set(names) - set(Scope))
    if unknown:
        raise InvalidField(f"no scope {unknown[0][:64]!r}", field="scopes", hint=f"scopes are {', '.join(Scope)}")
    return frozenset(map(Scope, names)) or frozenset(USUAL)


def check_wanted(wanted: WantedKey, *, now_ms: int) -> None:
    """Raise InvalidField for a key that cannot be made."""
    if not 1 <= len(wanted.label) <= LABEL_CHARS_MAX:
        raise InvalidField(f"1 to {LABEL_CHARS_MAX} characters: what is it for?", field="label")
    if wanted.expires_ms and wanted.expires_ms <= now_ms:
        raise InvalidField("not in the future", field="expires_ms")
    check_spend(wanted.spend_per_day)
    if Scope.TASKS_WRITE in wanted.scopes and not wanted.spend_per_day:
        raise InvalidField(
            "a key that submits says what it may spend a day",
            field="spend_per_day",
            hint="--spend-per-day TOKENS, or leave the scope tasks:write out",
        )


def check_spend(spend_per_day: int) -> None:
    """Raise InvalidField for what no key may spend a day, in base units."""
    if not 0 <= spend_per_day <= AMOUNT_MAX:
        raise InvalidField(f"0 to {AMOUNT_MAX} base units", field="spend_per_day")


def check_within(maker: ApiKey, wanted: WantedKey) -> None:
    """Raise NotAllowed where a key is to make one that may do what it may not itself, or that makes keys again."""
    if Scope.KEYS_WRITE in wanted.scopes:
        raise NotAllowed("a key that was made by a key makes none", field="scopes")
    if not wanted.scopes <= maker.scopes:
        missing = ", ".join(sorted(wanted.scopes - maker.scopes))
        raise NotAllowed(f"the key that makes it has not the scope {missing} itself", field="scopes")
    if maker.subnetwork and wanted.subnetwork != maker.subnetwork:
        raise NotAllowed(f"the key that makes it is for the subnetwork {maker.subnetwork}", field="subnetwork")
    if wanted.spend_per_day > maker.spend_per_day:
        raise NotAllowed("more than the key that makes it may spend itself", field="spend_per_day")
    networks = [ipaddress.ip_network(one) for one in maker.addresses]
    asked = [ipaddress.ip_network(one) for one in wanted.addresses]
    if networks and not (asked and all(any(_is_within(one, other) for other in networks) for one in asked)):
        raise NotAllowed("good from where the key that makes it is not", field="addresses")
    if maker.expires_ms and not 0 < wanted.expires_ms <= maker.expires_ms:
        raise NotAllowed("later than the key that makes it", field="expires_ms")
