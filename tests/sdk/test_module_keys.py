"""Keys in a PKCS#11 module, tried with SoftHSM: what it signs is a signature like any other, and no key gets out."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.errors import InvalidField, Unavailable
from proofgrid.primitives.signatures import HALF_ORDER, is_spelled_once, signer_of
from proofgrid.rules.identity.key_list import Purpose, first_list, read_signed_list, sign_list, with_key
from proofgrid.sdk.keys import new_key, read_key, read_signer, write_module_key
from proofgrid.sdk.module_keys import ORDER, ModulePlace, make_module_key, spelled_signature
from tests.makers import a_key

LIBRARIES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
)
PIN = "1234"
KEY = a_key(5)


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A fresh token `proofgrid` of SoftHSM; its library reads where tokens are once for each process."""
    pytest.importorskip("pkcs11", reason="python-pkcs11 is not installed: pip install 'proofgrid[pkcs11]'")
    library = next((Path(path) for path in LIBRARIES if Path(path).exists()), None)
    tool = shutil.which("softhsm2-util")
    if library is None or tool is None:
        pytest.skip("SoftHSM is not installed: apt install softhsm2")
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "conf").write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(folder / "conf")
    command = [tool, "--init-token", "--free", "--label", "proofgrid", "--pin", PIN, "--so-pin", PIN]
    subprocess.run(command, check=True, capture_output=True)
    try:
        yield library
    finally:
        os.environ.pop("SOFTHSM2_CONF")
        if before is not None:
            os.environ["SOFTHSM2_CONF"] = before


def _place(module: Path, label: str) -> ModulePlace:
    return ModulePlace(module=module, token="proofgrid", label=label)


def test_a_key_is_made_in_the_module_found_by_its_file_and_signs_as_any_other(module: Path, tmp_path: Path) -> None:
    made = make_module_key(_place(module, "root"), PIN, field="--module")
    path = tmp_path / "network.key"
    write_module_key(made, path)
    assert set(json.loads(path.read_text())) == {"address", "pkcs11"}
    found = read_signer(path, password=PIN)
    assert found.address == made.address
    for number in range(20):  # half of all s come out high, half of all v are 28
        message = f"message {number}".encode()
        signature = found.sign(message)
        assert signer_of(message, signature) == made.address
        assert is_spelled_once(signature)
    online = with_key(first_list(found.address), KEY.address, [Purpose.ROUNDS], now_ms=1)
    signed = sign_list(online, found)
    assert read_signed_list(signed.text) == signed


def test_a_key_is_never_made_over_another(module: Path) -> None:
    make_module_key(_place(module, "twice"), PIN, field="--module")
    with pytest.raises(InvalidField, match="has a key twice already"):
        make_module_key(_place(module, "twice"), PIN, field="--module")


def test_what_does_not_fit_is_refused_with_what_to_look_at(module: Path, tmp_path: Path) -> None:
    made = make_module_key(_place(module, "fits"), PIN, field="--module")
    path = tmp_path / "a.key"
    write_module_key(made, path)
    with pytest.raises(InvalidField, match="give its PIN"):
        read_signer(path)
    with pytest.raises(InvalidField, match="the PIN its user's"):
        read_signer(path, password="4321")
    with pytest.raises(InvalidField, match="lies in a module, and this needs the key itself"):
        read_key(path, password=PIN)
    content: dict[str, Any] = json.loads(path.read_text())
    wrongs: tuple[dict[str, Any], ...] = (
        {"address": KEY.address},
        {"pkcs11": content["pkcs11"] | {"label": "no such key"}},
        {"pkcs11": content["pkcs11"] | {"token": "no such token"}},
        {"pkcs11": content["pkcs11"] | {"module": str(tmp_path / "missing.so")}},
        {"pkcs11": []},
        {"pkcs11": {"module": 1}},
        {"more": 1},
    )
    for wrong in wrongs:
        path.write_text(json.dumps(content | wrong))
        with pytest.raises(InvalidField):
            read_signer(path, password=PIN)


def test_the_low_s_and_its_v_are_found_whatever_the_module_gives() -> None:
    key = new_key()
    for number in range(20):
        message = str(number).encode()
        signature = key.sign(message)
        r, s = bytes.fromhex(signature[2:66]), int(signature[66:130], 16)
        for given in (s, ORDER - s):
            assert spelled_signature(r + given.to_bytes(32, "big"), message, key.address) == signature
    assert HALF_ORDER * 2 + 1 == ORDER


@pytest.mark.parametrize("raw", [b"", b"\0" * 64, b"\xff" * 64, b"\x01" * 63, b"\x01" * 64])
def test_what_is_no_signature_of_the_key_is_no_answer(raw: bytes) -> None:
    with pytest.raises(Unavailable, match="another key"):
        spelled_signature(raw, b"message", KEY.address)
