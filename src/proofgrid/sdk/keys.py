"""Key files: one secp256k1 key each, readable by its owner only, encrypted when a password is given."""

from __future__ import annotations

import json
from pathlib import Path

from coincurve import PrivateKey

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.private_files import write_private_file
from proofgrid.primitives.signatures import SigningKey
from proofgrid.telemetry.redaction import hide


def new_key() -> SigningKey:
    """Return a fresh key from the system's entropy."""
    return SigningKey(PrivateKey().secret)


def write_key(key: SigningKey, path: Path, *, password: str | None = None) -> None:
    """Write a key file with mode 0600; refuse to overwrite one.

    With a password the file is an Ethereum keystore (version 3); without, the key lies open in it.
    """
    content = {"address": key.address, "private_key": "0x" + key.secret.hex()}
    if password is not None:
        from proofgrid.primitives.ethereum import Account

        content = Account.encrypt(key.secret, password)
    write_private_file(path, json.dumps(content) + "\n", field="key")


def read_key(path: Path, *, password: str | None = None) -> SigningKey:
    """Return the key of a file; raise InvalidField when it cannot be read."""
    try:
        content = json.loads(path.read_text())
        if "private_key" in content:
            return _kept_from_logs(SigningKey(bytes.fromhex(content["private_key"].removeprefix("0x"))))
    except FileNotFoundError:
        raise InvalidField(f"there is no key file {path}", field="key", hint="make one: proofgrid keys new") from None
    except (OSError, ValueError, TypeError, AttributeError):
        raise InvalidField(f"{path} is no key file", field="key") from None
    if password is None:
        raise InvalidField(f"{path} is encrypted", field="key", hint="give its password in PROOFGRID_KEY_PASSWORD")
    from proofgrid.primitives.ethereum import Account

    try:
        return _kept_from_logs(SigningKey(bytes(Account.decrypt(content, password))))
    except (ValueError, TypeError, KeyError):
        raise InvalidField(f"the password does not open {path}", field="key") from None


def _kept_from_logs(key: SigningKey) -> SigningKey:
    hide(key.secret.hex())
    return key
