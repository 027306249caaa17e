"""What a gateway answers, as the SDK makes values of it: whoever put it into somebody's list may say anything.

An answer is one byte that says of which kind, and its message.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from random import Random

from google.protobuf.message import DecodeError, Message

from proofgrid.sdk.answers.reading import read
from proofgrid.sdk.audit import _entry, _head
from proofgrid.wire.codec.sealing import read_recipient
from proofgrid.wire.v1 import audit_pb2, sealing_pb2
from tests.fuzz.likely import NETWORK, filled
from tests.fuzz.mutating import mutated_bytes, mutated_message
from tests.sdk.test_answers import MESSAGES, PAIRS, VALUES

_OTHERS: Sequence[type[Message]] = (audit_pb2.AuditHead, audit_pb2.AuditEntry, sealing_pb2.Recipient)


@cache
def kinds() -> Sequence[tuple[type | None, type[Message]]]:
    """Every value of the SDK with its message, and what is read otherwise."""
    return (*((VALUES[value], MESSAGES[message]) for value, message in PAIRS), *((None, one) for one in _OTHERS))


def take_answer(data: bytes) -> None:
    """Read a message as the value that the SDK returns of it."""
    if not data:
        return
    value, kind = kinds()[data[0] % len(kinds())]
    message = kind()
    try:
        message.MergeFromString(data[1:])
    except DecodeError:
        return
    if value is not None:
        read(value, message)
    elif isinstance(message, audit_pb2.AuditHead):
        _head(message, NETWORK)
    elif isinstance(message, audit_pb2.AuditEntry):
        _entry(message)
    elif isinstance(message, sealing_pb2.Recipient):
        read_recipient(message)


def answers() -> list[bytes]:
    """A filled one of each."""
    return [bytes([number]) + filled(kind()).SerializeToString() for number, (_, kind) in enumerate(kinds())]


def mutated_answer(data: bytes, chance: Random) -> bytes:
    """Change some fields."""
    if not data or chance.randrange(50) == 0:
        return mutated_bytes(data, chance)
    return data[:1] + mutated_message(kinds()[data[0] % len(kinds())][1], data[1:], chance)
