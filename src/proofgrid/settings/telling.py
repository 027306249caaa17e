"""Who is told of a network's incidents, and by which way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from proofgrid.settings.declared import Settings, setting
from proofgrid.settings.watching import Watching


@dataclass(frozen=True, kw_only=True)
class TellingSettings(Settings):
    """Who hears of incidents; docs/decisions/0086."""

    panel: ClassVar[str] = "Incidents"

    incidents_alertmanager: str = setting(
        "", "An Alertmanager that gets each incident as an alert.", told="none", metavar="URL"
    )
    incidents_webhook: str = setting(
        "", "A server that gets each incident as a Standard Webhook.", told="none", metavar="URL"
    )
    incidents_webhook_secret: str = setting(
        "", "What signs these: whsec_ and 32 bytes of chance in base64.", is_secret=True
    )
    incidents_mail_to: str = setting(
        "", "Who gets each incident as a mail; several with commas.", told="nobody", metavar="ADDRESS,…"
    )
    incidents_mail_from: str = setting("", "From whom that mail is.", told="the first receiver", metavar="ADDRESS")
    incidents_mail_server: str = setting("", "Where mail is handed in.", told="none", metavar="HOST:PORT")
    incidents_mail_encryption: str = setting(
        "starttls", "starttls, tls, or none for a server on this machine.", metavar="HOW"
    )
    incidents_mail_user: str = setting("", "Who hands it in.", told="nobody signs in", metavar="NAME")
    incidents_mail_password: str = setting("", "The password of who hands mail in.", is_secret=True)


@dataclass(frozen=True, kw_only=True)
class Watched(Watching, TellingSettings):
    """How a gateway is watched, and whom it tells."""

    panel: ClassVar[str] = ""
