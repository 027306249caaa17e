"""One lane: its prices over time, and its rounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proofgrid.doors.pages.charts import Chart, Frame, Scale, Tick, steps, ticks_between
from proofgrid.doors.pages.words import clock_time, day, price
from proofgrid.store.overview import PricePoint, RoundLine

WINDOWS: dict[str, int] = {"hour": 3_600_000, "day": 86_400_000, "week": 604_800_000}
FRAME = Frame(width=860, height=280, left=76, right=12, top=14, bottom=34)


@dataclass(frozen=True, slots=True, kw_only=True)
class LanePage:
    """A lane's page; prices are base units per PU."""

    lane: str
    window: str
    now_ms: int
    points: Sequence[PricePoint]
    chart: Chart | None
    rounds: Sequence[RoundLine]
    all_rounds: bool
    next_below: int  #: where the next page of rounds begins; 0: there is none

    @property
    def latest(self) -> PricePoint | None:
        return self.points[-1] if self.points else None

    @property
    def series(self) -> list[list[float]]:
        """Times in s, what clients paid and what operators got per million PU in tokens: for a chart that moves."""
        return [
            [one.at_ms / 1_000 for one in self.points],
            [one.buy_price / 1_000 for one in self.points],
            [one.sell_price / 1_000 for one in self.points],
        ]


def lane_page(
    lane: str,
    window: str,
    points: Sequence[PricePoint],
    rounds: Sequence[RoundLine],
    *,
    now_ms: int,
    all_rounds: bool,
    limit: int,
) -> LanePage:
    """Return what the page of a lane shows; `rounds`: newest first, `limit` of them asked for."""
    return LanePage(
        lane=lane,
        window=window,
        now_ms=now_ms,
        points=points,
        chart=price_chart(points, from_ms=now_ms - WINDOWS[window], to_ms=now_ms) if points else None,
        rounds=rounds,
        all_rounds=all_rounds,
        next_below=rounds[-1].number if len(rounds) == limit and rounds[-1].number > 0 else 0,
    )


def price_chart(points: Sequence[PricePoint], *, from_ms: int, to_ms: int) -> Chart:
    """Return what clients paid and operators got, as two lines that hold until the next round."""
    highest = max(one.buy_price for one in points)
    lowest = min(one.sell_price for one in points)
    room = max(1, (highest - lowest) // 5, highest // 20)
    low, high = max(0, lowest - room), highest + room
    across = Scale(low=from_ms, high=to_ms, begin=FRAME.left, end=FRAME.plane_right)
    up = Scale(low=low, high=high, begin=FRAME.plane_bottom, end=FRAME.top)
    return Chart(
        frame=FRAME,
        lines={
            "buy": steps([(across.at(one.at_ms), up.at(one.buy_price)) for one in points], until=across.end),
            "sell": steps([(across.at(one.at_ms), up.at(one.sell_price)) for one in points], until=across.end),
        },
        x_ticks=time_ticks(across),
        y_ticks=[Tick(at=up.at(value), text=price(value)) for value in ticks_between(low, high)],
    )


def time_ticks(across: Scale, *, parts: int = 4) -> list[Tick]:
    """Return moments on an axis of time, evenly; of days where it is long."""
    whole = across.high - across.low
    tell = day if whole > 2 * WINDOWS["day"] else clock_time
    moments = [across.low + whole * part // parts for part in range(parts + 1)]
    return [Tick(at=across.at(at), text=tell(at)) for at in moments]
