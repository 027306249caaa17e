"""What comes into a round: the jobs that wait in a lane, and the provers that have room for them."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.money import PRICE_MAX, UNITS_MAX

SLOTS_MAX = 2**20  #: job slots of one prover


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDemand:
    """One ready job."""

    job_id: str
    units: int
    excluded: frozenset[str] = frozenset()  #: prover ids that must not get this job, e.g. because they failed it

    def __post_init__(self) -> None:
        _check_whole(self.units, 1, UNITS_MAX, field="units")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDemand:
    """The ready jobs of one task in this lane, in the order in which they should run."""

    task_id: str
    jobs: tuple[JobDemand, ...]
    limit_price: int  #: the most the client pays per unit
    program_digest: str
    share: int = 0  #: jobs its client has in flight in the lane, plus this order's place among the client's own

    def __post_init__(self) -> None:
        _check_whole(self.limit_price, 0, PRICE_MAX - 1, field="limit_price")
        _check_whole(self.share, 0, UNITS_MAX, field="share")
        if len(self.jobs) > 1 and len({job.job_id for job in self.jobs}) < len(self.jobs):
            raise InvalidField("a task names each of its jobs once", field="jobs")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProverSupply:
    """The free capacity of one prover."""

    prover_id: str
    operator: str  #: the operator's address
    ask_price: int  #: the least the operator takes per unit
    free_slots: int  #: jobs that the prover can run at once, beside those it runs already
    reputation_bucket: int  #: 0 is best; coarse, so that nobody gains from polishing it
    cached_programs: frozenset[str] = frozenset()  #: digests of the programs that need no download

    def __post_init__(self) -> None:
        _check_whole(self.ask_price, 0, PRICE_MAX - 1, field="ask_price")
        _check_whole(self.free_slots, 0, SLOTS_MAX, field="free_slots")
        _check_whole(self.reputation_bucket, 0, PRICE_MAX, field="reputation_bucket")


def _check_whole(value: int, least: int, most: int, *, field: str) -> None:
    if type(value) is not int or not least <= value <= most:
        raise InvalidField(f"a whole number from {least} to {most} is needed", field=field)
