"""The settings of whoever has money in a vault on a chain."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from proofgrid.settings.declared import Settings, setting


@dataclass(frozen=True, kw_only=True)
class VaultSettings(Settings):
    """Which chain, which vault, and the key that signs there."""

    table: ClassVar[str] = "vault"
    panel: ClassVar[str] = "Vault"
    tells_variables: ClassVar[bool] = True

    rpc: str = setting("http://127.0.0.1:8545", "JSON-RPC of an Ethereum node.", metavar="URL")
    vault: str = setting("", "Address of the network's ProofgridVault.", metavar="ADDRESS")
    chain_key: Path | None = setting(
        None, "The key that signs and pays gas; its password comes from PROOFGRID_CHAIN_KEY_PASSWORD.", metavar="FILE"
    )
    chain_key_password: str = setting("", "The password of the key.", is_secret=True)
