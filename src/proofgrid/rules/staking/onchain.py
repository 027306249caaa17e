"""What stake on a chain stands for in the network: what could be slashed whatever happens meanwhile.

    usable = ledger's bond + member x min(slashable at each block from the final one to the newest) x value - waiting

A decrease counts at once and an increase when it is final, because the least of these blocks decides. `slashable` is
asked for a block `horizon` ahead, so that what is being deallocated has gone from it already. Slashes that wait for
their execution are taken off. Source: step 11, and trap 3 of its design: withdrawals lower it at once, which is safe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.staking.bonds import PERMILLE


@dataclass(frozen=True, slots=True, kw_only=True)
class StakeSample:
    """An operator's stake as one block has it."""

    block: int
    is_member: bool
    slashable: int  #: base units of the token, `horizon` blocks ahead


@dataclass(frozen=True, slots=True, kw_only=True)
class StakeTerms:
    """How a token's base units become the ledger's."""

    unit: int = 10**9  #: base units of the token in one of the ledger
    value_permille: int = PERMILLE  #: of a token of the ledger that a staked one is worth

    def __post_init__(self) -> None:
        if self.unit < 1 or self.value_permille < 0:
            raise InvalidField("a unit is at least 1, a value not negative", field="stake")


def horizon(*, lease: int, finality: int, veto: int, deallocation: int) -> int:
    """Return how many blocks ahead stake is asked for: until the last slash for a lease was executed.

    `lease`: blocks from a lease to the proposal of its slash. Raises InvalidField when stake may be gone before, which
    is so when it is taken back faster than that (`deallocation`).
    """
    ahead = lease + finality + veto
    if ahead >= deallocation:
        raise InvalidField(
            f"a slash may take {ahead} blocks, and stake is gone after {deallocation}",
            field="lease_blocks",
            hint="shorter leases, or another service",
        )
    return ahead


def staked(samples: Sequence[StakeSample], terms: StakeTerms) -> int:
    """Return what the samples of all blocks from the final to the newest stand for, in units of the ledger; floored."""
    if not samples or not all(sample.is_member for sample in samples):
        return 0
    return min(sample.slashable for sample in samples) // terms.unit * terms.value_permille // PERMILLE


def usable_bond(ledger: int, samples: Sequence[StakeSample], terms: StakeTerms, *, waiting: int = 0) -> int:
    """Return the bond that leases may bind; `waiting`: slashes that are decided and not executed. Never negative."""
    return max(0, ledger + staked(samples, terms) - waiting)
