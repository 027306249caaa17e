"""A key file is read as what it is, or refused in words that help; what it asks for is bounded before it is done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.errors import InvalidField
from proofgrid.sdk.keys import read_key, write_key
from tests.fuzz.keys import KEYSTORE, OF_SCRYPT
from tests.makers import a_key


def a_file(folder: Path, content: Any) -> Path:
    path = folder / "key.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def a_keystore(**params: Any) -> dict[str, Any]:
    crypto = OF_SCRYPT["crypto"]
    return {**OF_SCRYPT, "crypto": {**crypto, "kdfparams": {**crypto["kdfparams"], **params}}}


def test_a_key_comes_back_as_it_was_written_open_or_encrypted(tmp_path: Path) -> None:
    write_key(a_key(5), tmp_path / "open.json")
    assert read_key(tmp_path / "open.json") == a_key(5)
    for keystore in (KEYSTORE, OF_SCRYPT):
        assert read_key(a_file(tmp_path, keystore), password="password") == a_key(3)


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"[", b"[" * 100_000, b"7", b'"private_key"', b'["private_key"]', b"\xff", b"{}" + b" " * 100_000),
        {"private_key": 7},
        {"private_key": None},
        {"private_key": "0x"},
        {"private_key": "0xzz"},
        {"private_key": "0x" + "00" * 32},
        {"private_key": "0x" + "ff" * 32},
        {"private_key": "0x" + "11" * 31},
        {"private_key": "0x" + "11" * 33},
    ],
)
def test_what_is_no_key_is_refused_when_it_is_read(tmp_path: Path, content: Any) -> None:
    """Found by fuzzing: some were keys until somebody signed with them."""
    with pytest.raises(InvalidField, match="is no key file"):
        read_key(a_file(tmp_path, content), password="password")


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"version": 4},
        {"version": 3},
        {"version": 3, "crypto": 7},
        {"version": 3, "crypto": {"kdf": "scrypt", "kdfparams": []}},
        a_keystore(n="many"),
        a_keystore(n=1 << 40),
        a_keystore(r=1 << 40),
        a_keystore(p=1 << 20),
        a_keystore(dklen=1 << 40),
        a_keystore(dklen=1),
        {**KEYSTORE, "crypto": {**KEYSTORE["crypto"], "kdfparams": {"c": 1 << 40, "dklen": 32}}},
    ],
)
def test_a_keystore_that_asks_for_more_than_wallets_do_is_refused_before_it_gets_it(
    tmp_path: Path, content: Any
) -> None:
    with pytest.raises(InvalidField) as caught:
        read_key(a_file(tmp_path, content), password="password")
    assert caught.value.field.startswith("key")
    assert "does not open" not in caught.value.detail


@pytest.mark.parametrize("change", [{"mac": {}}, {"mac": "zz"}, {"cipherparams": 7}, {"ciphertext": "00"}])
def test_a_keystore_that_is_damaged_is_not_opened(tmp_path: Path, change: dict[str, Any]) -> None:
    crypto = KEYSTORE["crypto"]
    with pytest.raises(InvalidField, match="does not open"):
        read_key(a_file(tmp_path, {**KEYSTORE, "crypto": {**crypto, **change}}), password="password")
