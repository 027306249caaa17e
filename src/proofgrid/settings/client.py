"""The settings of every command that a client, an operator or an administrator types."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from proofgrid.settings.declared import Settings, setting


@dataclass(frozen=True, kw_only=True)
class ClientSettings(Settings):
    """Which network is asked, and as whom."""

    table: ClassVar[str] = "client"
    panel: ClassVar[str] = "Connection"
    tells_variables: ClassVar[bool] = True

    gateway: str = setting("127.0.0.1:7400", "host:port or grpcs://host:port; several with commas.", metavar="ADDRESS")
    key: Path | None = setting(
        None,
        "Your key file; its password: PROOFGRID_KEY_PASSWORD. Or an API key: PROOFGRID_API_KEY.",
        metavar="FILE",
    )
    key_password: str = setting("", "The password of the key.", is_secret=True)
    api_key: str = setting("", "An API key, instead of your key.", is_secret=True)
    network: str = setting("", "Address of the network's key; pins the network.", metavar="ADDRESS")
    tls_ca: Path | None = setting(None, "Certificates to trust.", metavar="FILE")
