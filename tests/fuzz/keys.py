"""Key files, and the words in which keys and signatures are spelled."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import ProofgridError
from proofgrid.primitives.notes import NoteKey, opened_note
from proofgrid.primitives.signatures import parse_address, signer_of
from proofgrid.rules.audit.checkpoint import audit_key, read_checkpoint
from proofgrid.rules.identity.key_list import (
    FORMAT,
    KeyList,
    KeyState,
    Purpose,
    check_follows,
    first_list,
    newer,
    read_signed_list,
    with_end,
    with_key,
)
from proofgrid.sdk.keys import read_key
from proofgrid.telemetry import redaction
from tests.fuzz.documents import scratch
from tests.makers import a_key

ROOT = a_key(1)

#: Keystores as eth-account writes them, with the password "password" and the cheapest parameters.
KEYSTORE: dict[str, Any] = {
    "address": "6813Eb9362372EEF6200f3b1dbC3f819671cBA69",
    "crypto": {
        "cipher": "aes-128-ctr",
        "cipherparams": {"iv": "496a524c2e341b53084b00d5190537f6"},
        "ciphertext": "5157aadee06dc2d0c487e74ff115bb6fe1dfe2fdef0c5214f6b729a50bd469d5",
        "kdf": "pbkdf2",
        "kdfparams": {"c": 2, "dklen": 32, "prf": "hmac-sha256", "salt": "31252d12cddb9882ed7071c5a854edd4"},
        "mac": "e79bc2513301fd5a41cd4c8932af87c034a890940bbf4f2f9d3d61adca4a4dad",
    },
    "id": "b2e1f52e-28ad-4dca-98a9-8765ad196a82",
    "version": 3,
}
OF_SCRYPT: dict[str, Any] = {
    **KEYSTORE,
    "crypto": {
        "cipher": "aes-128-ctr",
        "cipherparams": {"iv": "331b42b7b88236ba425eb5b479a4d673"},
        "ciphertext": "1c0641ba03676d4c660f96935e51324bf509167b527564aadefd7bf7a68b286f",
        "kdf": "scrypt",
        "kdfparams": {"dklen": 32, "n": 2, "r": 8, "p": 1, "salt": "d8c974cbd9fa352a492f60876b98f5a7"},
        "mac": "a21da4f731ad1db96feeb985265814f62e59b816e696a61cfc450cf922177892",
    },
}


def take_key_file(data: bytes) -> None:
    """Open a key file, with a password and without, and sign with what is in it."""
    path, before = scratch() / "key.json", set(redaction._values)
    path.write_bytes(data)
    try:
        for password in (None, "password"):
            try:
                key = read_key(path, password=password)
            except ProofgridError:
                continue
            key.sign(b"message")
    finally:
        redaction._values.intersection_update(before)


def files() -> list[bytes]:
    """An open key, and a keystore of each kind."""
    key = a_key(3)
    opened = {"address": key.address, "private_key": "0x" + key.secret.hex()}
    return [json.dumps(one).encode() for one in (opened, KEYSTORE, OF_SCRYPT)]


def take_key_list(data: bytes) -> None:
    """Read a list of a network's keys, as it is and signed by its root key, and see whether it follows another."""
    with suppress(ProofgridError):
        read_signed_list(data)
    try:
        unsigned = canonical_json(json.loads(data))
    except (ValueError, TypeError, RecursionError):
        return
    signature = ROOT.sign(f"{FORMAT} {digest_of(unsigned)}".encode())
    signed = read_signed_list(canonical_json({"list": json.loads(unsigned), "signature": signature}))
    for purpose in Purpose:
        signed.list.stands_for(a_key(2).address, purpose)
    check_follows(_first_list(), signed.list)


def key_lists() -> list[bytes]:
    """The first list, and one in which a key has ended."""
    first = _first_list()
    second = with_end(first, a_key(2).address, KeyState.REVOKED, now_ms=7)
    return [canonical_json(json.loads(one.spelled)) for one in (first, second)]


def _first_list() -> KeyList:
    return with_key(first_list(ROOT.address), a_key(2).address, [Purpose.ROUNDS, Purpose.BUNDLES], now_ms=5)


def take_rotation(data: bytes) -> None:
    """Take lists one after the other, each signed by the root key: who follows them ends with the newest that holds."""
    try:
        values = json.loads(data)
    except (ValueError, RecursionError):
        return
    last, newest = _first_list(), None
    for value in values[:16] if isinstance(values, list) else [values]:
        try:
            unsigned = canonical_json(value)
        except (ValueError, TypeError, RecursionError):
            continue
        signature = ROOT.sign(f"{FORMAT} {digest_of(unsigned)}".encode())
        try:
            signed = read_signed_list(canonical_json({"list": json.loads(unsigned), "signature": signature}))
            newest = newer(newest, signed)
            check_follows(last, signed.list)
        except ProofgridError:
            continue
        _no_key_came_back(last, signed.list)
        last = signed.list
        assert newest is not None and newest.list.number >= last.number


def _no_key_came_back(before: KeyList, after: KeyList) -> None:
    for purpose in Purpose:
        ended = {key.address for key in before.keys if key.state is not KeyState.ACTIVE}
        assert not ended.intersection(after.active(purpose))


def rotations() -> list[bytes]:
    """A key that is named, retired, revoked; and one whose number was left out."""
    named = with_key(_first_list(), a_key(3).address, [Purpose.CHECKPOINTS], now_ms=6)
    retired = with_end(named, a_key(2).address, KeyState.RETIRED, now_ms=7)
    revoked = with_end(retired, a_key(2).address, KeyState.REVOKED, now_ms=8)
    chains = ([named, retired, revoked], [retired, named])
    return [canonical_json([json.loads(one.spelled) for one in chain]) for chain in chains]


def take_words(data: bytes) -> None:
    """Read the text as each of them."""
    text = data.decode("utf-8", errors="replace")
    signer_of(b"message", text)
    read_checkpoint(text)
    verifier, _, note = text.partition("\n")
    opened_note(note, verifier)
    opened_note(text, audit_key(a_key(1)).verifier)
    parse_address(text.strip())


def words() -> list[bytes]:
    """One of each."""
    key = NoteKey.derived(b"secret", "name", b"purpose")
    return [
        a_key(1).address.encode(),
        a_key(1).sign(b"message").encode(),
        f"{key.verifier}\n{key.sign('origin' + chr(10) + '0' + chr(10))}".encode(),
        b"origin\n3\nZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyISE=\n",
    ]
