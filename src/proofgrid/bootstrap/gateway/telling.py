"""By which ways a gateway tells of incidents, as its settings say."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from urllib.parse import urlsplit

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.roles.telling.channels import Alertmanager, Encryption, Mail, MailServer, SignedWebhook, Way
from proofgrid.roles.telling.telling import Telling
from proofgrid.rules.webhooks.endpoints import check_url
from proofgrid.rules.webhooks.signing import SECRET_BYTES, SECRET_PREFIX
from proofgrid.settings.telling import TellingSettings
from proofgrid.store.database import Database

MAIL_PORT = 587
RECEIVERS_MAX = 32
NOT_IN_ADDRESSES = '<>",;:()\\'


def build_telling(settings: TellingSettings, database: Database, clock: Clock, *, network: Address) -> Telling:
    """Return what tells of incidents. Raises InvalidField where a way is half set up."""
    return Telling(database, network=network, ways=ways_of(settings, clock))


def ways_of(settings: TellingSettings, clock: Clock) -> Sequence[Way]:
    """Return the ways to tell somebody. Raises InvalidField where one is half set up."""
    found: list[Way] = []
    if settings.incidents_alertmanager:
        found.append(Alertmanager(_url(settings.incidents_alertmanager, field="incidents_alertmanager")))
    if settings.incidents_webhook:
        url = _url(settings.incidents_webhook, field="incidents_webhook")
        found.append(SignedWebhook(url, _secret(settings.incidents_webhook_secret), clock))
    if settings.incidents_mail_to:
        found.append(Mail(_mail_server(settings)))
    return found


def _mail_server(settings: TellingSettings) -> MailServer:
    receivers = tuple(_mail_address(one, field="incidents_mail_to") for one in settings.incidents_mail_to.split(","))
    if len(receivers) > RECEIVERS_MAX:
        raise InvalidField(f"at most {RECEIVERS_MAX} receivers", field="incidents_mail_to")
    try:
        parts = urlsplit(f"//{settings.incidents_mail_server}")
        host, port = parts.hostname, parts.port or MAIL_PORT
    except ValueError:
        host, port = None, 0
    if not host:
        raise InvalidField("where is mail handed in?", field="incidents_mail_server", hint="like mail.example:587")
    if settings.incidents_mail_encryption not in list(Encryption):
        raise InvalidField("no such way", field="incidents_mail_encryption", hint=", ".join(Encryption))
    encryption = Encryption(settings.incidents_mail_encryption)
    if encryption is Encryption.NONE and settings.incidents_mail_password:
        raise InvalidField("no password goes over an open line", field="incidents_mail_encryption")
    sender = settings.incidents_mail_from
    return MailServer(
        host=host,
        port=port,
        encryption=encryption,
        user=settings.incidents_mail_user,
        password=settings.incidents_mail_password,
        sender=_mail_address(sender, field="incidents_mail_from") if sender else receivers[0],
        receivers=receivers,
    )


def _url(text: str, *, field: str) -> str:
    try:
        return check_url(text, may_be_local=True)
    except InvalidField as error:
        raise InvalidField(error.detail, field=field) from None


def _secret(text: str) -> bytes:
    try:
        secret = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) < SECRET_BYTES:
        raise InvalidField(
            f"{SECRET_PREFIX} and at least {SECRET_BYTES} bytes in base64", field="incidents_webhook_secret"
        )
    return secret


def _mail_address(text: str, *, field: str) -> str:
    address = text.strip()
    name, at, host = address.rpartition("@")
    is_plain = address.isascii() and not any(one.isspace() or one in NOT_IN_ADDRESSES for one in address)
    if not (at and name and host and is_plain):
        raise InvalidField("a mail address", field=field, hint="like duty@network.example")
    return address
