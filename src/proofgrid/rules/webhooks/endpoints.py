"""Webhooks, where clients are told of their tasks: an address, the kinds of events it wants, and what becomes of it.

    waiting --answers 2xx--> delivered
      |  `--anything else--> waiting, after a backoff of `BACKOFF_SECONDS` --no try left--> failed
    failed, delivered --replay--> waiting

An address that took nothing for FAILS_MAX_MS, or says 410 (gone), is disabled: nothing is sent until it is replayed.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.jobs import events  # noqa: F401 - or no kind is known
from proofgrid.rules.jobs.event_kinds import KINDS

URL_CHARS_MAX = 1_024
ENDPOINTS_MAX = 20  #: of one client
KINDS_MAX = 64
BACKOFF_SECONDS = (5, 60, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)  #: after each try that failed
JITTER_PERMILLE = 200  #: a backoff grows by up to so much, so that what failed together does not come back together
FAILS_MAX_MS = 5 * 86_400_000
GONE = 410

LOW_BALANCE = "low_balance"  #: an account fell below the amount that its owner named
ACCOUNT_KINDS = (LOW_BALANCE,)  #: of what is told of accounts, not of tasks
TEST = "webhook.test"  #: the type of a message that tells of nothing, sent when its owner asks
TESTS_AT_ONCE = 5  #: of one client, at one gateway
TEST_SECONDS = 10  #: so often one more
#: Of an endpoint that names none: how a task ends.
USUAL = ("done", "failed", "cancelled")
_HINT = "like https://server.example/webhooks"


class DeliveryState(StrEnum):
    """What became of one event for one endpoint."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What follows from one try."""

    state: DeliveryState
    due_ms: int  #: when the next one may be made
    is_gone: bool = False  #: the receiver wants no more


def is_taken(status: int) -> bool:
    """Tell whether a receiver's answer says that it has the message."""
    return 200 <= status < 300


def outcome_of(status: int, attempts: int, *, now_ms: int, chance_permille: int) -> Outcome:
    """Return what follows from the answer to a try, the `attempts`-th; status 0: there was none.

    `chance_permille`: 0 to 999, drawn by who asks.
    """
    if is_taken(status):
        return Outcome(DeliveryState.DELIVERED, now_ms)
    if attempts > len(BACKOFF_SECONDS):
        return Outcome(DeliveryState.FAILED, now_ms, status == GONE)
    backoff_ms = BACKOFF_SECONDS[attempts - 1] * 1_000
    backoff_ms += backoff_ms * JITTER_PERMILLE * chance_permille // 1_000_000
    return Outcome(DeliveryState.WAITING, now_ms + backoff_ms, status == GONE)


def check_url(url: str, *, may_be_local: bool) -> str:
    """Return an address that events may be sent to; raise InvalidField. `may_be_local`: for trying at home."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidField("this is no address", field="url", hint=_HINT) from None
    if len(url) > URL_CHARS_MAX or not parts.hostname or parts.username is not None or parts.fragment:
        raise InvalidField("an address of a server, without a name, a password or a fragment", field="url", hint=_HINT)
    if parts.scheme != "https" and not (may_be_local and parts.scheme == "http"):
        raise InvalidField("only https", field="url", hint="a gateway with --webhooks-anywhere takes http, at home")
    if port == 0:
        raise InvalidField("port 0 is none", field="url", hint=_HINT)
    return url


def may_connect(address: str) -> bool:
    """Tell whether an address that a name was resolved to is on the public network.

    Source of the ranges: IANA's special-purpose registries, as Python's `ipaddress` has them. An IPv6 address that
    carries one of IPv4 (mapped, 6to4, Teredo, NAT64) counts as that one.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return may_connect(str(inner))
    return found.is_global and not found.is_multicast and not found.is_reserved


_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def parse_kinds(texts: Iterable[str]) -> tuple[str, ...]:
    """Return kinds of events in their order, the usual ones where none is named; raise InvalidField."""
    names = sorted(set(texts)) or sorted(USUAL)
    known = {*KINDS, *ACCOUNT_KINDS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InvalidField(f"no kind of events {unknown[0][:64]!r}", field="kinds", hint=", ".join(sorted(known)))
    return tuple(names)
