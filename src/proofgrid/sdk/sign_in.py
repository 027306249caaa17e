"""Sign in over HTTP as a wallet does, with a key: what browsers get by a cookie, for scripts and curl."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from proofgrid.primitives.error_codes import error_of_code
from proofgrid.primitives.errors import InvalidField, ProofgridError, Unavailable, WrongAudience
from proofgrid.primitives.ids import Address
from proofgrid.primitives.signatures import Signer
from proofgrid.rules.access.sign_in import COOKIE, read_sign_in
from proofgrid.wire.addresses import is_loopback

_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A session. Who has `cookie` and `csrf` is you, until it ends."""

    address: Address
    roles: list[str]
    expires_ms: int
    cookie: str  #: the header Cookie of requests
    csrf: str  #: the header X-CSRF-Token of requests that change something


def sign_in(url: str, key: Signer, *, ca_file: Path | None = None) -> SignedIn:
    """Return the session of a key at the HTTP door at `url`.

    Raises InvalidField for what is no address or would carry a session in plain text, WrongAudience for a message that
    is for another place, Unavailable, or what the gateway refuses.
    """
    place = urlsplit(url)
    if place.scheme not in ("http", "https") or not place.hostname or place.path not in ("", "/"):
        raise InvalidField(f"{url!r} is no HTTP door", field="http", hint="like https://gateway.example:7480")
    if place.scheme == "http" and not is_loopback(place.hostname):
        raise InvalidField("http:// is plain text and only for this machine", field="http", hint="use https://")
    verify: ssl.SSLContext | bool = True if ca_file is None else ssl.create_default_context(cafile=str(ca_file))
    with httpx.Client(base_url=url, verify=verify, timeout=_SECONDS, trust_env=False) as client:
        asked = _post(client, "/v1/sign-in/nonce", {"address": key.address}).json()
        message = str(asked["message"])
        said = read_sign_in(message)
        # What a stranger makes us sign must be for the stranger's own place, or it could sign in elsewhere with it.
        if said.domain != place.netloc.lower() or said.address != key.address:
            raise WrongAudience(f"it asks to sign for {said.domain}, this is {place.netloc}", field="message.domain")
        answer = _post(client, "/v1/sign-in", {"message": message, "signature": key.sign(message.encode())})
        told = answer.json()
        return SignedIn(
            address=Address(told["address"]),
            roles=list(told["roles"]),
            expires_ms=int(told["expires_ms"]),
            cookie=f"{COOKIE}={answer.cookies[COOKIE]}",
            csrf=str(told["csrf"]),
        )


def _post(client: httpx.Client, path: str, content: dict[str, str]) -> httpx.Response:
    try:
        answer = client.post(path, json=content)
    except httpx.HTTPError as error:
        raise Unavailable(f"nobody answers at {client.base_url}: {error}", hint="is it started with --http?") from None
    if answer.is_success:
        return answer
    try:
        told = answer.json()
        raise error_of_code(told["code"], told["detail"], field=told["field"], hint=told["hint"])
    except (ValueError, KeyError, TypeError):
        raise ProofgridError(f"{client.base_url} answers {answer.status_code}, and is no HTTP door of ours") from None
