"""The settings of a gateway's HTTP door, and of what its doors tell of themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from proofgrid.settings.declared import Settings, setting


@dataclass(frozen=True, kw_only=True)
class HttpDoorSettings(Settings):
    """Where a gateway answers HTTP, with the certificate of its other door."""

    panel: ClassVar[str] = "HTTP"

    http: str = setting("", "host:port where HTTP and pages are answered; port 0 takes a free one.", told="nowhere")
    reflection: bool = setting(True, "Anybody may ask by gRPC reflection which calls and messages there are.")
    webhooks_anywhere: bool = setting(
        False, "Webhooks may go to http, and to private addresses: for trying at home, a hole anywhere else."
    )
