"""The network now: its lanes, what waits and what is free, prices, and how long things take, misses counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from proofgrid.doors.pages.charts import spark
from proofgrid.roles.intake.overview import Figures, NetworkNow
from proofgrid.rules.jobs.classes import wide_lane_of
from proofgrid.store.overview import Capacity, LaneOfOverview, PricePoint, ProvenInLane, Punctuality, Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentile:
    """How long the faster share of tasks took at most; `ms` None: a miss, which is longer than anything."""

    name: str
    ms: int | None

    @property
    def is_miss(self) -> bool:
        return self.ms is None


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneCard:
    """One lane, with those of its class that have constraints; prices in base units per PU."""

    lane: str
    subnetwork: str
    engine: str
    job_class: str
    price: int | None = None  #: what clients paid in the latest round that sold in the last hour
    sell_price: int | None = None
    reference_price: int | None = None
    least_ask: int | None = None
    spark: str = ""
    rounds: int = 0
    round_ms: int | None = None
    waiting_jobs: int = 0
    waiting_units: int = 0
    oldest_ms: int | None = None  #: since when it waits
    provers: int = 0
    slots: int = 0
    free: int = 0
    proven_jobs: int = 0  #: in the last hour
    proven_units: int = 0
    tasks: int = 0  #: that ended in the last hour
    misses: int = 0
    times: tuple[Percentile, ...] = ()

    @property
    def shown_price(self) -> int | None:
        return self.price or self.reference_price


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPage:
    """What the first page shows."""

    now_ms: int
    lanes: Sequence[LaneCard]
    provers: int
    operators: int
    slots: int
    busy: int
    waiting: int
    running: int
    proven_jobs: int
    proven_units: int

    @property
    def free(self) -> int:
        return max(0, self.slots - self.busy)

    @property
    def units_per_second(self) -> int:
        return self.proven_units // 3_600


def network_page(now: NetworkNow, figures: Figures) -> NetworkPage:
    """Return what the first page shows: lanes with work or capacity first, by name within."""
    serving = [one for one in now.provers if one.state == "serving"]
    return NetworkPage(
        now_ms=now.now_ms,
        lanes=lane_cards(now, figures),
        provers=len(now.provers),
        operators=len({one.operator for one in now.provers}),
        slots=sum(one.slots for one in serving),
        busy=sum(min(one.busy, one.slots) for one in serving),
        waiting=now.jobs_by_state.get("ready", 0),
        running=now.jobs_by_state.get("leased", 0),
        proven_jobs=sum(one.jobs for one in figures.proven),
        proven_units=sum(one.units for one in figures.proven),
    )


def lane_cards(now: NetworkNow, figures: Figures) -> list[LaneCard]:
    """Return every wide lane that had a round, has capacity, or for which something waits."""
    capacity = {str(one.lane): one for one in now.capacity}
    rounds = {str(one.lane): one for one in now.lanes}
    waiting = _waiting_of_wide(now.waiting)
    proven = _proven_of_wide(figures.proven)
    prices: dict[str, list[PricePoint]] = defaultdict(list)
    for point in figures.prices:
        prices[str(point.lane)].append(point)
    punctual = {str(one.lane): one for one in figures.punctuality}
    cards = [
        _card(
            lane,
            rounds.get(lane),
            capacity.get(lane),
            waiting.get(lane),
            proven.get(lane),
            punctual.get(lane),
            prices.get(lane, ()),
        )
        for lane in {*rounds, *capacity, *waiting}
    ]
    return sorted(cards, key=lambda one: (not one.rounds, not one.slots, one.lane))


def _card(
    lane: str,
    last: LaneOfOverview | None,
    capacity: Capacity | None,
    waiting: Waiting | None,
    proven: ProvenInLane | None,
    punctual: Punctuality | None,
    prices: Sequence[PricePoint],
) -> LaneCard:
    subnetwork, engine, job_class = lane.split("/")
    card = LaneCard(lane=lane, subnetwork=subnetwork, engine=engine, job_class=job_class)
    if last is not None:
        card = replace(card, rounds=last.rounds, round_ms=last.round_ms, reference_price=last.reference_price)
    if capacity is not None:
        free = capacity.slots - capacity.busy
        card = replace(card, provers=capacity.provers, slots=capacity.slots, free=free, least_ask=capacity.least_ask)
    if waiting is not None:
        card = replace(card, waiting_jobs=waiting.jobs, waiting_units=waiting.units, oldest_ms=waiting.oldest_ms)
    if proven is not None:
        card = replace(card, proven_jobs=proven.jobs, proven_units=proven.units)
    if punctual is not None:
        times = tuple(
            Percentile(name=name, ms=ms)
            for name, ms in (("p50", punctual.p50_ms), ("p95", punctual.p95_ms), ("p99", punctual.p99_ms))
        )
        card = replace(card, tasks=punctual.tasks, misses=punctual.misses, times=times)
    if prices:
        newest = prices[-1]
        card = replace(
            card,
            price=newest.buy_price,
            sell_price=newest.sell_price,
            spark=spark([one.buy_price for one in prices]),
        )
    return card


def _waiting_of_wide(waiting: Sequence[Waiting]) -> Mapping[str, Waiting]:
    sums: dict[str, Waiting] = {}
    for one in waiting:
        lane = str(wide_lane_of(one.lane))
        known = sums.get(lane)
        sums[lane] = (
            replace(one, lane=wide_lane_of(one.lane))
            if known is None
            else replace(
                known,
                jobs=known.jobs + one.jobs,
                units=known.units + one.units,
                oldest_ms=min(known.oldest_ms, one.oldest_ms),
            )
        )
    return sums


def _proven_of_wide(proven: Sequence[ProvenInLane]) -> Mapping[str, ProvenInLane]:
    sums: dict[str, ProvenInLane] = {}
    for one in proven:
        lane = wide_lane_of(one.lane)
        known = sums.get(lane)
        jobs, units = (one.jobs, one.units) if known is None else (known.jobs + one.jobs, known.units + one.units)
        sums[lane] = ProvenInLane(lane, jobs, units)
    return sums
