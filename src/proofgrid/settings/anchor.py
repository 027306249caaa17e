"""The settings of the anchor, which holds a network to a chain."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from proofgrid.settings.declared import Settings, setting


@dataclass(frozen=True, kw_only=True)
class AnchorSettings(Settings):
    """Which network, which chain, and what stake stands for."""

    table: ClassVar[str] = "anchor"
    panel: ClassVar[str] = "Anchor"
    tells_variables: ClassVar[bool] = True

    dsn: str = setting("", "The network's PostgreSQL, as its gateways name it.", metavar="DSN")
    data_dir: Path | None = setting(
        None, "Or the data directory of a gateway whose database is embedded.", metavar="FOLDER"
    )
    rpc: str = setting("http://127.0.0.1:8545", "JSON-RPC of Ethereum nodes, with commas between.", metavar="URLS")
    avs: str = setting("", "Address of the network's ProofgridAvs.", metavar="ADDRESS")
    vault: str = setting(
        "", "Address of the network's ProofgridVault; without it no money goes over the chain.", metavar="ADDRESS"
    )
    slasher_key: Path | None = setting(
        None, "The key that proposes slashes and posts batches; without it the chain is only read.", metavar="FILE"
    )
    slasher_key_password: str = setting("", "The password of the key.", is_secret=True)
    stake_mode: str = setting("both", "What bonds stand on: ledger, eigenlayer or both.", metavar="MODE")
    stake_value: int = setting(1_000, "What a staked token is worth, in 1/1000 of one of the ledger.")
    lease_blocks: int = setting(300, "Longest time from a lease to the proposal of its slash, in blocks.")
    fresh_seconds: int = setting(120, "For so long stake counts after it was read last.")
    slash_least: int = setting(1, "Ask for slashes of an operator that come to so much together, in base units.")
    slash_patience_seconds: int = setting(3_600, "Or when the oldest has waited for so long.")
    batch_seconds: int = setting(3_600, "A batch of payouts is made when something changed and the last one is so old.")
    batch_folder: Path | None = setting(
        None, "Each batch's public file is written here before it is posted: serve it, and copy it.", metavar="FOLDER"
    )
    fee_cap: int = setting(200_000_000_000, "The most that a unit of gas may cost, in wei.")
    deliver_to: str = setting(
        "",
        "Bring proofs to these contracts and no others, with commas between; needs --slasher-key.",
        metavar="ADDRESSES",
    )
    deliver_price: int = setting(1_000_000, "What a client pays for a proof brought to a contract, in base units.")
    deliver_gas: int = setting(2_000_000, "The most gas that bringing one may take.")
    poll_ms: int = setting(2_000, "How often the chain is looked at.")
    log_level: str = setting("info", "debug, info, warning or error.")
    log_json: bool = setting(False, "Logs as JSON lines.")
