"""Stacks of lanes for tests: some by hand, valid by default, and any small one for Hypothesis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from proofgrid.rules.market.rounds import JobDemand, ProverSupply, RoundOutcome, TaskDemand
from proofgrid.rules.market.stack import LaneDemands, run_stack

LARGE, MEDIUM, SMALL = (f"net/toy/{name}" for name in ("large", "medium", "small"))
NARROW, OTHER = f"{SMALL}/aaaa", f"{SMALL}/bbbb"
LANES = (f"{LARGE}/cccc", LARGE, MEDIUM, NARROW, OTHER, SMALL)  #: in the order of a stack
BEACON = bytes(range(32))
EXCLUDED = st.just(frozenset[str]()) | st.frozensets(st.sampled_from(["o0", "o1", "o2"]), max_size=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackCase:
    """What waits in a stack and who is there."""

    lanes: Sequence[LaneDemands]
    provers: Sequence[Mapping[str, ProverSupply]]
    beacon: bytes = BEACON

    def run(self) -> tuple[RoundOutcome, ...]:
        return run_stack(self.lanes, self.provers, beacon=self.beacon)

    def with_ask(self, prover_id: str, price: int) -> StackCase:
        """The same, but one prover asks another price everywhere."""
        provers = [
            {
                lane: replace(supply, ask_price=price) if supply.prover_id == prover_id else supply
                for lane, supply in supplies.items()
            }
            for supplies in self.provers
        ]
        return replace(self, provers=provers)

    def with_bid(self, task_id: str, price: int) -> StackCase:
        """The same, but one task bids another price."""
        lanes = [
            replace(
                lane,
                demands=[
                    replace(demand, limit_price=price) if demand.task_id == task_id else demand
                    for demand in lane.demands
                ],
            )
            for lane in self.lanes
        ]
        return replace(self, lanes=lanes)

    def and_bid(self, lane: str, price: int, *, jobs: int = 1, excluded: frozenset[str] = frozenset()) -> StackCase:
        """The same, with one more task in a lane, whose lot is as good as any."""
        task = TaskDemand(
            task_id="one more task",
            jobs=tuple(JobDemand(job_id=f"one more {job}", units=5, excluded=excluded) for job in range(jobs)),
            limit_price=price,
            program_digest="q",
        )
        lanes = [replace(one, demands=[*one.demands, task]) if one.lane == lane else one for one in self.lanes]
        return replace(self, lanes=lanes)

    def and_prover(self, lane: str, *, ask: int) -> StackCase:
        """The same, with one more prover for a lane."""
        return replace(self, provers=[*self.provers, a_prover("one more", lane, ask=ask, slots=9)])


def a_lane(lane: str, *bids: int, reference: int | None = None, jobs: int = 1, units: int = 10) -> LaneDemands:
    """A lane with one task of equal jobs for every bid."""
    demands = [
        TaskDemand(
            task_id=f"{lane} {place}",
            jobs=tuple(JobDemand(job_id=f"{lane} {place} {job}", units=units) for job in range(jobs)),
            limit_price=bid,
            program_digest="p",
        )
        for place, bid in enumerate(bids)
    ]
    return LaneDemands(lane=lane, number=7, previous=None, reference=reference, demands=demands)


def a_prover(name: str, *lanes: str, ask: int = 5, slots: int = 4, **changes: Any) -> dict[str, ProverSupply]:
    """What a prover supplies: the same in all its lanes."""
    values: dict[str, Any] = {"operator": name, "ask_price": ask, "free_slots": slots, "reputation_bucket": 0}
    return dict.fromkeys(lanes, ProverSupply(prover_id=name, **(values | changes)))


@st.composite
def stack_cases(draw: st.DrawFn, *, price_max: int = 6) -> StackCase:
    """Any small stack; prices are few, so that ties are many."""
    prices = st.integers(0, price_max)
    names = draw(st.lists(st.sampled_from(LANES), min_size=1, max_size=4, unique=True))
    lanes = [
        LaneDemands(
            lane=lane,
            number=1,
            previous=None,
            reference=draw(st.none() | prices),
            demands=[
                TaskDemand(
                    task_id=f"{lane} {place}",
                    jobs=tuple(
                        JobDemand(job_id=f"{lane} {place} {job}", units=units, excluded=draw(EXCLUDED))
                        for job, units in enumerate(draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
                    ),
                    limit_price=draw(prices),
                    program_digest="p",
                    share=place,
                )
                for place in range(draw(st.integers(1, 3)))
            ],
            anchor=draw(st.none() | prices),
            backed=draw(st.booleans()),
        )
        for lane in sorted(names, key=LANES.index)
    ]
    provers = [
        a_prover(
            f"o{place}",
            *LANES[draw(st.integers(0, len(LANES) - 1)) :],
            ask=draw(prices),
            slots=draw(st.integers(1, 3)),
        )
        for place in range(draw(st.integers(1, 4)))
    ]
    return StackCase(lanes=lanes, provers=provers, beacon=draw(st.binary(min_size=32, max_size=32)))
