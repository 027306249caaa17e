"""Order ids that say nothing to strangers, and that their owners can open.

    nonce = HMAC-SHA256(secret of the round, what)      order id = SHA-256("proofgrid/order/v1", what, nonce)

`what` is a task or a prover. All lanes of a stack share a round's secret, so that the table of a draw names a prover
as its lane does; two rounds share nothing. Jobs, programs and operators are hidden too, and are never opened: whoever
proved a job must not learn from its id which order, at which limit price, it belonged to.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import replace

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.quick_values import maker_of
from proofgrid.rules.market.counted import LoneBid
from proofgrid.rules.market.rounds import RoundOutcome
from proofgrid.rules.scheduling.demand_and_supply import JobDemand, ProverSupply, TaskDemand
from proofgrid.rules.scheduling.placement import Placement

SECRET_BYTES = 32
_DOMAIN = b"proofgrid/order/v1"
_HIDDEN_BYTES = 16
# Copies of orders that were checked.
_job, _demand, _supply = maker_of(JobDemand), maker_of(TaskDemand), maker_of(ProverSupply)


def order_nonce(secret: bytes, what: str) -> bytes:
    """Return what opens the order of a task or prover in the round with this secret."""
    return _nonce(_nonces(secret), what)


def _nonces(secret: bytes) -> hmac.HMAC:
    return hmac.new(secret, b"order\0", "sha256")


def _nonce(nonces: hmac.HMAC, what: str) -> bytes:
    # What all nonces of a round begin with is hashed once.
    one = nonces.copy()
    one.update(what.encode())
    return one.digest()


def order_id(what: str, nonce: bytes) -> str:
    """Return the public id of an order."""
    content = what.encode()
    return hashlib.sha256(_DOMAIN + len(content).to_bytes(4, "big") + content + nonce).hexdigest()


class Blinding:
    """Hides the ids of one round, and finds them again in its outcome."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != SECRET_BYTES:
            raise InvalidField(f"a round's secret has {SECRET_BYTES} bytes", field="secret")
        self.secret = secret
        self._nonces = _nonces(secret)
        self._keyed = hashlib.blake2b(key=secret, digest_size=_HIDDEN_BYTES)
        self._orders: dict[str, str] = {}  #: what -> order id
        self._names: dict[str, str] = {}  #: hidden -> what it hides
        self._pseudonyms: dict[tuple[str, str], str] = {}  #: kind, what -> pseudonym, of what many orders name

    def order(self, what: str) -> str:
        """Return the public id of a task's or prover's order."""
        found = self._orders.get(what)
        if found is None:
            found = self._orders[what] = order_id(what, _nonce(self._nonces, what))
            self._names[found] = what
        return found

    def demands(self, demands: Iterable[TaskDemand]) -> list[TaskDemand]:
        """Return orders of tasks without their names."""
        return [
            _demand(
                self.order(demand.task_id),
                tuple([self._job(job) for job in demand.jobs]),
                demand.limit_price,
                self._shared("program", demand.program_digest),
                demand.share,
            )
            for demand in demands
        ]

    def lone_bids(self, bids: Mapping[LoneBid, int]) -> dict[LoneBid, int]:
        """Return bids that have no names without those of their programs."""
        return {
            LoneBid(one.limit_price, one.units, self._shared("program", one.program_digest)): number
            for one, number in bids.items()
        }

    def supplies(self, supplies: Mapping[str, ProverSupply], *, demanded: frozenset[str]) -> dict[str, ProverSupply]:
        """Return what one prover offers, lane by lane, without its name; of its programs those that are demanded."""
        return {lane: self._supply(supply, demanded) for lane, supply in supplies.items()}

    def opened(self, outcome: RoundOutcome) -> RoundOutcome:
        """Return the outcome with the names of jobs, tasks and provers in its placements; the record stays as it is."""
        names = self._names
        return replace(
            outcome,
            placements=tuple(
                [
                    Placement(
                        job_id=names[placement.job_id],
                        task_id=names[placement.task_id],
                        prover_id=names[placement.prover_id],
                        units=placement.units,
                        sell_price=placement.sell_price,
                    )
                    for placement in outcome.placements
                ]
            ),
            unsold=tuple(names[job_id] for job_id in outcome.unsold),
        )

    def _job(self, job: JobDemand) -> JobDemand:
        return _job(
            self._hidden("job", job.job_id),
            job.units,
            frozenset(map(self.order, job.excluded)) if job.excluded else job.excluded,
        )

    def _supply(self, supply: ProverSupply, demanded: frozenset[str]) -> ProverSupply:
        return _supply(
            self.order(supply.prover_id),
            self._shared("operator", supply.operator),
            supply.ask_price,
            supply.free_slots,
            supply.reputation_bucket,
            frozenset([self._shared("program", program) for program in supply.cached_programs & demanded]),
        )

    def _shared(self, kind: str, what: str) -> str:
        """Hide what many orders name: programs and operators."""
        found = self._pseudonyms.get((kind, what))
        if found is None:
            found = self._pseudonyms[kind, what] = self._hidden(kind, what)
        return found

    def _hidden(self, kind: str, what: str) -> str:
        hasher = self._keyed.copy()
        hasher.update(f"{kind}\0{what}".encode())
        hidden = hasher.hexdigest()
        self._names[hidden] = what
        return hidden
