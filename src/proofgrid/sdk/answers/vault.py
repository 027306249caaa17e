"""A network's vault on a chain, and what is claimed there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Vault:
    """The vault, and what of yours waits for it; amounts are units of the ledger."""

    chain_id: int = 0
    vault: str = ""  #: its address; empty: the network has none
    token: str = ""
    unit: int = 0  #: base units of the token in one of the ledger
    delay_blocks: int = 0
    silence_blocks: int = 0
    final: int = 0  #: the block that was read
    is_frozen: bool = False
    payable: int = 0
    claimed: int = 0
    last_batch: int = 0  #: number in the contract; -1: none yet


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultProof:
    """What an account claims by."""

    account: str = ""
    number: int = 0  #: of the batch
    cumulative: str = ""  #: base units of the token, decimal
    proof: tuple[bytes, ...] = ()
    root: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultBatch:
    """A batch for everybody."""

    number: int = 0
    file: str = ""
