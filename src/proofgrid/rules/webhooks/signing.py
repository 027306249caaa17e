"""How a delivery is signed: https://www.standardwebhooks.com, symmetric (v1) and asymmetric (v1a) beside each other.

    webhook-id: msg_…   webhook-timestamp: seconds   webhook-signature: v1,<base64> v1a,<base64>

What is signed is `id.timestamp.body`. Whoever holds `whsec_…` checks v1; `whpk_…`, a public key, checks v1a, and is no
secret. The key of v1a follows from the secret one way.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from proofgrid.primitives.errors import BadToken

SECRET_BYTES = 32
SECRET_PREFIX, PUBLIC_PREFIX = "whsec_", "whpk_"
TOLERANCE_SECONDS = 300
_LABEL = b"proofgrid webhook v1a"


def spell_secret(secret: bytes) -> str:
    """Return a secret as receivers are given it."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def public_key_of(secret: bytes) -> str:
    """Return the public key that checks v1a."""
    return PUBLIC_PREFIX + base64.b64encode(_signer(secret).public_key().public_bytes_raw()).decode()


def headers_of(secret: bytes, message_id: str, body: bytes, *, now_seconds: int) -> dict[str, str]:
    """Return the headers of a delivery."""
    signed = _signed(message_id, str(now_seconds), body)
    symmetric = base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()
    asymmetric = base64.b64encode(_signer(secret).sign(signed)).decode()
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(now_seconds),
        "webhook-signature": f"v1,{symmetric} v1a,{asymmetric}",
    }


def verify(key: str, headers: Mapping[str, str], body: bytes, *, now_seconds: int) -> str:
    """Return the id of a delivery that is signed for `key`, a `whsec_…` or a `whpk_…`; raise BadToken if it is not."""
    message_id, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not moment.isascii() or not moment.isdigit() or abs(int(moment[:20]) - now_seconds) > TOLERANCE_SECONDS:
        raise BadToken("the delivery's time is not now", field="webhook-timestamp", hint="is your clock right?")
    signed = _signed(message_id, moment, body)
    for one in headers.get("webhook-signature", "").split(" ")[:16]:
        version, _, text = one.partition(",")
        if _holds(key, version, text, signed):
            return message_id
    raise BadToken("the delivery is not signed for this key", field="webhook-signature")


def _holds(key: str, version: str, text: str, signed: bytes) -> bool:
    try:
        if key.startswith(SECRET_PREFIX) and version == "v1":
            secret = base64.b64decode(key.removeprefix(SECRET_PREFIX), validate=True)
            return hmac.compare_digest(hmac.digest(secret, signed, "sha256"), base64.b64decode(text, validate=True))
        if key.startswith(PUBLIC_PREFIX) and version == "v1a":
            public = base64.b64decode(key.removeprefix(PUBLIC_PREFIX), validate=True)
            Ed25519PublicKey.from_public_bytes(public).verify(base64.b64decode(text, validate=True), signed)
            return True
    except (binascii.Error, ValueError, InvalidSignature):
        return False
    return False


def _signed(message_id: str, moment: str, body: bytes) -> bytes:
    return f"{message_id}.{moment}.".encode(errors="replace") + body


def _signer(secret: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(_LABEL + secret).digest())
