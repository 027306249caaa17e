"""The ways to tell somebody: Alertmanager's API, a Standard Webhook, mail by SMTP; what a receiver does is no error."""

from __future__ import annotations

import asyncio
import json
import smtplib
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from enum import StrEnum
from typing import Protocol

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.plain_text import one_line
from proofgrid.roles.posting import Answer, post
from proofgrid.rules.incidents.telling import Channel, Message, alert, body, event, headline
from proofgrid.rules.webhooks.signing import headers_of

MAIL_SECONDS = 20.0
ANSWER_CHARS_MAX = 1_024
TAKEN = 250

Post = Callable[[str, Mapping[str, str], bytes], Awaitable[Answer]]


class Way(Protocol):
    """One way to tell somebody."""

    @property
    def channel(self) -> Channel: ...

    async def tell(self, message: Message) -> Answer:
        """Say it; a status of 2xx means that it was taken."""
        ...


class Encryption(StrEnum):
    """How the way to a mail server is protected."""

    STARTTLS = "starttls"
    TLS = "tls"  #: from the first byte
    NONE = "none"  #: for a server on this machine


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where mail is handed in, and for whom it is."""

    host: str
    port: int
    encryption: Encryption
    user: str
    password: str
    sender: str
    receivers: tuple[str, ...]
    trusted: ssl.SSLContext | None = None  #: None: the authorities that this machine trusts


async def post_ours(url: str, headers: Mapping[str, str], content: bytes) -> Answer:
    """Send to an address that the network's owner chose: it may be inside."""
    return await post(url, headers, content, may_be_local=True)


class Alertmanager:
    """Posts alerts; Alertmanager groups, silences and routes them."""

    channel = Channel.ALERTMANAGER

    def __init__(self, url: str, send: Post = post_ours) -> None:
        self._url = f"{url.rstrip('/')}/api/v2/alerts"
        self._send = send

    async def tell(self, message: Message) -> Answer:
        return await self._send(self._url, {"content-type": "application/json"}, _spelled(alert(message)))


class SignedWebhook:
    """A Standard Webhook of the network's owner."""

    channel = Channel.WEBHOOK

    def __init__(self, url: str, secret: bytes, clock: Clock, send: Post = post_ours) -> None:
        self._url = url
        self._secret = secret
        self._clock = clock
        self._send = send

    async def tell(self, message: Message) -> Answer:
        content = _spelled(event(message))
        headers = headers_of(self._secret, message.name, content, now_seconds=self._clock.now_ms() // 1_000)
        return await self._send(self._url, headers, content)


class Mail:
    """One mail to all receivers, in a thread: smtplib waits."""

    channel = Channel.MAIL

    def __init__(self, server: MailServer) -> None:
        self._server = server

    async def tell(self, message: Message) -> Answer:
        mail = mail_of(message, self._server)
        try:
            return await asyncio.to_thread(_hand_in, self._server, mail)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            return Answer(0, one_line(f"{type(error).__name__}: {error}")[:ANSWER_CHARS_MAX])


def mail_of(message: Message, server: MailServer) -> EmailMessage:
    """Return the mail. Headers are single lines: what strangers wrote is escaped, and the library refuses the rest."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = server.sender
    mail["To"] = ", ".join(server.receivers)
    mail["Subject"] = headline(message)
    mail["Message-ID"] = f"<{message.name}@proofgrid.invalid>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday answers it
    if message.change != "opened":
        mail["References"] = f"<{message.name.rpartition('_')[0]}_opened@proofgrid.invalid>"
    mail.set_content(body(message))
    return mail


def _hand_in(server: MailServer, mail: EmailMessage) -> Answer:
    trusted = server.trusted or ssl.create_default_context()
    with _connected(server, trusted) as smtp:
        if server.encryption is Encryption.STARTTLS:
            smtp.starttls(context=trusted)  # raises where the server has none: nothing is said in the clear
        if server.user:
            smtp.login(server.user, server.password)
        refused = smtp.send_message(mail, from_addr=server.sender, to_addrs=server.receivers)
    said = f"; refused: {', '.join(refused)}" if refused else ""
    return Answer(TAKEN, one_line(f"{server.host} took it{said}")[:ANSWER_CHARS_MAX])


def _connected(server: MailServer, trusted: ssl.SSLContext) -> smtplib.SMTP:
    if server.encryption is Encryption.TLS:
        return smtplib.SMTP_SSL(server.host, server.port, timeout=MAIL_SECONDS, context=trusted)
    return smtplib.SMTP(server.host, server.port, timeout=MAIL_SECONDS)


def _spelled(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
