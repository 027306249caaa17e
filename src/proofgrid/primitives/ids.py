"""Names of things: every kind of id is its own type, so that mypy sees a mix-up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NewType
from uuid import UUID

from proofgrid.primitives.errors import InvalidField

TaskId = NewType("TaskId", UUID)
JobId = NewType("JobId", UUID)
LeaseId = NewType("LeaseId", UUID)
SessionId = NewType("SessionId", UUID)
GatewayId = NewType("GatewayId", UUID)

Address = NewType("Address", str)  #: a secp256k1 key's Ethereum address, EIP-55 checksummed
ProverId = NewType("ProverId", str)  #: "<operator address>/<prover name>"
Engine = NewType("Engine", str)  #: "<proof system>@<version of what proves it>"; the system alone where none is told
Stack = NewType("Stack", str)  #: "<subnetwork>/<engine>": its lanes hold their rounds together
Lane = NewType("Lane", str)  #: "<subnetwork>/<engine>/<class>", and "/<constraints>" where bids carry some
AccountId = NewType("AccountId", str)

_UUID_BEGINNING = re.compile(r"[0-9a-fA-F]{1,32}")
_PROVER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


def parse_uuid(text: str, *, field: str) -> UUID:
    """Return `text` as a UUID; raise InvalidField when it is none."""
    try:
        return UUID(text)
    except ValueError:
        raise InvalidField("an id is a UUID like 0198c0de-0000-7000-8000-000000000000", field=field) from None


def parse_task_id(text: str) -> TaskId:
    """Return `text` as the id of a task; raise InvalidField when it is none."""
    return TaskId(parse_uuid(text, field="task_id"))


def uuids_between(beginning: str, *, field: str) -> tuple[UUID, UUID]:
    """Return the first and the last UUID that begin with these hex digits; hyphens do not count.

    Raises InvalidField when `beginning` is not 1 to 32 hex digits.
    """
    digits = beginning.replace("-", "")
    if not _UUID_BEGINNING.fullmatch(digits):
        raise InvalidField("the first hex digits of an id", field=field)
    return UUID(hex=digits.ljust(32, "0")), UUID(hex=digits.ljust(32, "f"))


def prover_id(operator: Address, name: str) -> ProverId:
    """Return the network-wide name of an operator's prover; raise InvalidField for a bad name."""
    if not _PROVER_NAME.fullmatch(name):
        raise InvalidField("a prover's name is 1-63 letters, digits, dots, dashes, underscores", field="name")
    return ProverId(f"{operator}/{name}")


def short_address(address: str) -> str:
    """Return an address as 0x1234…abcd; what is none as it is."""
    return f"{address[:6]}…{address[-4:]}" if len(address) == 42 else address


def short_prover(prover: str, people: Mapping[str, str] | None = None) -> str:
    """Return "<operator>/<name>" with the operator's name from `people`, or a short address."""
    operator, slash, name = prover.partition("/")
    return f"{(people or {}).get(operator) or short_address(operator)}{slash}{name}"


def uuid_at(*, now_ms: int, chance: bytes) -> UUID:
    """Return a time-ordered UUID (RFC 9562, version 7) from a time and ten random bytes."""
    if len(chance) != 10:
        raise ValueError("uuid_at takes ten random bytes")
    value = (now_ms & ((1 << 48) - 1)) << 80 | int.from_bytes(chance, "big")
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    return UUID(int=value)


def ms_of(time_ordered: UUID) -> int:
    """Return the time that such an id was made of, in ms since the epoch."""
    return time_ordered.int >> 80
