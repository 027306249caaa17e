"""A batch of the vault: what everybody was paid out and is owed, as a public file, and when the next one is due.

The file is canonical JSON. Amounts are base units of the token as decimal texts, accounts stand in the order of their
small letters; whoever has the file has both trees, and can claim, or leave, with nobody's help.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from eth_hash.auto import keccak

from proofgrid.primitives.canonical import Json, canonical_json
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.primitives.signatures import parse_address
from proofgrid.rules.ledger.accounts import NETWORK_CLIENT, TREASURY
from proofgrid.rules.ledger.payout_tree import PayoutTree
from proofgrid.rules.ledger.payouts import on_chain

FORMAT = "proofgrid vault batch 1"
_FILE_CHARS_MAX = 64 << 20
_NUMBER = re.compile(r"0|[1-9][0-9]{0,38}")
_DIGEST = re.compile(r"0x[0-9a-f]{64}")
_COUNTS = ("chain_id", "deposits_seen", "from_ms", "sequence", "to_ms", "unit")
_FIELDS = {*_COUNTS, "balances", "format", "payouts", "records", "vault"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What one owner holds in the ledger, in its units."""

    owner: str  #: an address, or the treasury
    owed: int  #: if the network ended now
    payable: int
    claimed: int


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What is posted; amounts in base units of the token."""

    chain_id: int
    vault: Address
    unit: int
    sequence: int
    deposits_seen: int
    from_ms: int  #: rounds from then
    to_ms: int  #: until then are in `records`
    records: bytes  #: 32 bytes
    payouts: Mapping[Address, int]  #: ever paid out
    balances: Mapping[Address, int]  #: owed if the network ended now

    @cached_property
    def paid(self) -> PayoutTree:
        """The tree that claims go by."""
        return PayoutTree(self.payouts)

    @cached_property
    def owed(self) -> PayoutTree:
        """The tree that exits go by."""
        return PayoutTree(self.balances)

    @cached_property
    def text(self) -> str:
        """The file."""
        return canonical_json(
            {
                "format": FORMAT,
                "chain_id": self.chain_id,
                "vault": self.vault,
                "unit": self.unit,
                "sequence": self.sequence,
                "deposits_seen": self.deposits_seen,
                "from_ms": self.from_ms,
                "to_ms": self.to_ms,
                "records": f"0x{self.records.hex()}",
                "payouts": _spelled(self.payouts),
                "balances": _spelled(self.balances),
            }
        ).decode()


def split(standings: Iterable[Standing], unit: int) -> tuple[dict[Address, int], dict[Address, int]]:
    """Return (payouts, balances) in base units of the token. What is the treasury's is nobody's to take out."""
    payouts, balances = {}, {}
    for one in standings:
        if one.owner in (TREASURY, NETWORK_CLIENT):
            continue
        owner = Address(one.owner)
        if paid := one.payable + one.claimed:
            payouts[owner] = on_chain(paid, unit)
        if one.owed:
            balances[owner] = on_chain(one.owed, unit)
    return payouts, balances


def digest_of_records(rounds: Iterable[tuple[str, int, str]]) -> bytes:
    """Return the digest of rounds (lane, number, hash of the transcript), in the order of lanes and numbers."""
    lines = "".join(f"{lane} {number} {digest}\n" for lane, number, digest in sorted(rounds))
    return keccak(lines.encode()) if lines else bytes(32)


def missing(*, tokens: int, held: int, unit: int) -> int:
    """Return by how much the vault's tokens fall short of what the ledger owes; 0: they do not."""
    return max(0, on_chain(held, unit) - tokens)


def is_silent(*, blocks: int, silence_blocks: int) -> bool:
    """Is it so long since the last batch that the next one says nothing but that the network lives?"""
    return 2 * blocks >= silence_blocks


def is_due(*, age_ms: int, every_ms: int, is_silent: bool) -> bool:
    """Is a batch made now, if something changed since the last one?"""
    return age_ms >= every_ms or is_silent


def parse_batch(text: str) -> Batch:
    """Return the batch that a file is. Raises InvalidField for anything else than its one spelling."""
    if len(text) > _FILE_CHARS_MAX:
        raise InvalidField("the file is too long for a batch", field="file")
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidField("a batch is a JSON file", field="file") from error
    if not isinstance(said, dict) or said.get("format") != FORMAT or set(said) != _FIELDS:
        raise InvalidField("it is no file of a batch of a vault", field="file", hint="proofgrid vault batch --out FILE")
    if any(type(said[name]) is not int or not 0 <= said[name] < 1 << 63 for name in _COUNTS) or not said["unit"]:
        raise InvalidField("its numbers are no numbers", field="file")
    if not isinstance(said["records"], str) or not _DIGEST.fullmatch(said["records"]):
        raise InvalidField("its digest of records is none", field="file")
    batch = Batch(
        **{name: said[name] for name in _COUNTS},
        vault=_address(said["vault"]),
        records=bytes.fromhex(said["records"][2:]),
        payouts=_read(said["payouts"]),
        balances=_read(said["balances"]),
    )
    if batch.text != text.strip():
        raise InvalidField("it is not spelled as batches are", field="file")
    return batch


def _spelled(amounts: Mapping[Address, int]) -> list[Json]:
    return [[account, str(amounts[account])] for account in sorted(amounts, key=str.lower)]


def _read(said: Json) -> dict[Address, int]:
    found: dict[Address, int] = {}
    if not isinstance(said, list):
        raise InvalidField("its leaves are no list", field="file")
    for leaf in said:
        if not isinstance(leaf, list) or len(leaf) != 2 or not isinstance(leaf[1], str):
            raise InvalidField("a leaf is an account and an amount", field="file")
        if not _NUMBER.fullmatch(leaf[1]) or int(leaf[1]) >= 1 << 128:
            raise InvalidField("an amount is from 0 to below 2^128", field="file")
        found[_address(leaf[0])] = int(leaf[1])
    return found


def _address(said: Json) -> Address:
    if not isinstance(said, str):
        raise InvalidField("an address is a text", field="file")
    return parse_address(said, field="file")
