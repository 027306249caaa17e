"""Key files: one secp256k1 key each, readable by its owner only, encrypted when a password is given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from coincurve import PrivateKey

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.private_files import write_private_file
from proofgrid.primitives.reading import read_json, read_mapping, read_text
from proofgrid.primitives.signatures import Signer, SigningKey
from proofgrid.sdk.keystores import check_keystore
from proofgrid.telemetry.redaction import hide

if TYPE_CHECKING:
    from proofgrid.sdk.module_keys import ModuleKey

_FILE_BYTES_MAX = 1 << 16
_SECRET_BYTES = 32


def new_key() -> SigningKey:
    """Return a fresh key from the system's entropy."""
    return SigningKey(PrivateKey().secret)


def write_key(key: SigningKey, path: Path, *, password: str | None = None) -> None:
    """Write a key file with mode 0600; refuse to overwrite one.

    With a password the file is an Ethereum keystore (version 3); without, the key lies open in it.
    """
    content: Mapping[str, object] = {"address": key.address, "private_key": "0x" + key.secret.hex()}
    if password is not None:
        from proofgrid.primitives.ethereum import Account

        content = Account.encrypt(key.secret, password)
    _write(content, path)


def _write(content: Mapping[str, object], path: Path) -> None:
    write_private_file(path, json.dumps(content) + "\n", field="key")


def read_signer(path: Path, *, password: str | None = None) -> Signer:
    """Return what signs with the key of a file, which may lie in a module; `password` is the module's PIN then.

    Raises InvalidField when it cannot be read, or the module does not know it.
    """
    content = _content_of(path)
    if "pkcs11" in content:
        from proofgrid.sdk.module_keys import open_module_key

        return open_module_key(content, pin=password, field="key")
    return read_key(path, password=password)


def write_module_key(key: ModuleKey, path: Path) -> None:
    """Write the file by which a key in a module is found; it holds no secret."""
    _write({"address": key.address, "pkcs11": key.place.to_json()}, path)


def encrypt_key(path: Path, *, password: str) -> SigningKey:
    """Encrypt a key file that lies open, in its place; return its key. Raises InvalidField for one that does not."""
    content = _content_of(path)
    if "private_key" not in content:
        raise InvalidField(f"{path} does not lie open", field="key")
    key = read_key(path)
    part = path.with_name(f".{path.name}.encrypted")
    part.unlink(missing_ok=True)
    write_key(key, part, password=password)
    part.replace(path)
    return key


def read_key(path: Path, *, password: str | None = None) -> SigningKey:
    """Return the key of a file; raise InvalidField when it cannot be read, or lies in a module."""
    content = _content_of(path)
    if "pkcs11" in content:
        raise InvalidField(
            f"{path} lies in a module, and this needs the key itself", field="key", hint="a key that lies in a file"
        )
    if "private_key" in content:
        try:
            return _key_of(bytes.fromhex(read_text(content["private_key"], "key").removeprefix("0x")))
        except (InvalidField, ValueError):
            raise InvalidField(f"{path} is no key file", field="key") from None
    check_keystore(content, field="key")
    if password is None:
        raise InvalidField(f"{path} is encrypted", field="key", hint="give its password in PROOFGRID_KEY_PASSWORD")
    from proofgrid.primitives.ethereum import Account

    try:
        return _key_of(bytes(Account.decrypt(dict(content), password)))
    except Exception:  # its packages fail in their own ways, also for a file that is damaged
        raise InvalidField(f"the password does not open {path}", field="key") from None


def _content_of(path: Path) -> Mapping[str, Json]:
    try:
        if path.stat().st_size > _FILE_BYTES_MAX:
            raise InvalidField("it is too large", field="key")
        return read_mapping(read_json(path.read_bytes(), field="key"), "key")
    except FileNotFoundError:
        raise InvalidField(f"there is no key file {path}", field="key", hint="make one: proofgrid keys new") from None
    except (OSError, InvalidField):
        raise InvalidField(f"{path} is no key file", field="key") from None


def _key_of(secret: bytes) -> SigningKey:
    """Raises ValueError for bytes that are no key of secp256k1."""
    if len(secret) != _SECRET_BYTES:
        raise ValueError(f"a key has {_SECRET_BYTES} bytes")
    PrivateKey(secret)
    hide(secret.hex())
    return SigningKey(secret)
