"""Key files, and the words in which keys and signatures are spelled."""

from __future__ import annotations

import json

from proofgrid.primitives.errors import ProofgridError
from proofgrid.primitives.notes import NoteKey, opened_note
from proofgrid.primitives.signatures import parse_address, signer_of
from proofgrid.rules.audit.checkpoint import audit_key, read_checkpoint
from proofgrid.sdk.keys import read_key
from proofgrid.telemetry import redaction
from tests.fuzz.documents import scratch
from tests.makers import a_key

#: A keystore of an Ethereum wallet with the password "password" and cheap parameters.
KEYSTORE = {
    "address": "008aeeda4d805471df9b2a5b0f38a0c3bcba786b",
    "crypto": {
        "cipher": "aes-128-ctr",
        "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
        "cipherparams": {"iv": "6087dab2f9fdbbfaddc31a909735c1e6"},
        "kdf": "pbkdf2",
        "kdfparams": {
            "c": 2,
            "dklen": 32,
            "prf": "hmac-sha256",
            "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd",
        },
        "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
    },
    "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
    "version": 3,
}
SCRYPT = {"dklen": 32, "n": 2, "p": 1, "r": 1, "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"}


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
    of_scrypt = {**KEYSTORE, "crypto": {**KEYSTORE["crypto"], "kdf": "scrypt", "kdfparams": SCRYPT}}  # type: ignore[dict-item]
    opened = {"address": key.address, "private_key": "0x" + key.secret.hex()}
    return [json.dumps(one).encode() for one in (opened, KEYSTORE, of_scrypt)]


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


