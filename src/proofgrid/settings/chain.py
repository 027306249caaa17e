"""The settings of whoever stakes on a chain."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from proofgrid.settings.declared import Settings, setting


@dataclass(frozen=True, kw_only=True)
class ChainSettings(Settings):
    """Which chain, whose service, and the key that holds the stake."""

    table: ClassVar[str] = "chain"
    panel: ClassVar[str] = "Chain"
    tells_variables: ClassVar[bool] = True

    rpc: str = setting("http://127.0.0.1:8545", "JSON-RPC of an Ethereum node.", metavar="URL")
    avs: str = setting("", "Address of the network's ProofgridAvs.", metavar="ADDRESS")
    stake_key: Path | None = setting(
        None, "The EigenLayer key (cold); its password comes from PROOFGRID_STAKE_KEY_PASSWORD.", metavar="FILE"
    )
    stake_key_password: str = setting("", "The password of the key.", is_secret=True)
