"""Who comes first: public orders of buyers and sellers that know no price.

Rank breaks ties and decides who is filled first. If it knew a price, asking less would sell more, and the truth would
no longer be the best ask (dara.md, section 3). The beacon is drawn after the orders are sealed, so an order id cannot
be ground for a good place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from proofgrid.rules.scheduling.demand_and_supply import ProverSupply, TaskDemand


class RankHashes(dict[str, str]):
    """The lots of all orders of a round: `hashes[order_id]`, each made when it is first asked for.

    A lot is SHA-256 over the beacon's length, the beacon and the order id, as hex.
    """

    def __init__(self, beacon: bytes) -> None:
        super().__init__()
        # The length keeps (beacon "a", order "bc") and (beacon "ab", order "c") apart.
        self._begun = hashlib.sha256(len(beacon).to_bytes(4, "big") + beacon)

    def __missing__(self, order_id: str) -> str:
        hasher = self._begun.copy()
        hasher.update(order_id.encode())
        made = self[order_id] = hasher.hexdigest()
        return made


def bid_ranks(demands: Iterable[TaskDemand], *, hashes: RankHashes) -> dict[str, int]:
    """Return the rank of every bid: whose client has least in flight, then by lot.

    So of equal bids those of a client who floods the lane wait for everybody else's; what is in flight and the place
    among the client's own orders know no price.
    """
    return _places([(demand.share, hashes[demand.task_id], demand.task_id) for demand in demands])


def ask_ranks(supplies: Iterable[ProverSupply], *, demanded: frozenset[str], hashes: RankHashes) -> dict[str, int]:
    """Return the rank of every ask: best reputation bucket, then a demanded program in the cache, then by lot."""
    return _places(
        [
            (
                supply.reputation_bucket,
                not has_demanded_program(supply, demanded),
                hashes[supply.prover_id],
                supply.prover_id,
            )
            for supply in supplies
        ]
    )


def has_demanded_program(supply: ProverSupply, demanded: frozenset[str]) -> bool:
    """Does the prover hold the program of any task in the round?"""
    return not supply.cached_programs.isdisjoint(demanded)


def _places(keys: Sequence[tuple[Any, ...]]) -> dict[str, int]:
    return {key[-1]: place for place, key in enumerate(sorted(keys))}
