"""One round: both clocks, who left at which price, who traded, the clearing; out of its public record alone."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proofgrid.doors.pages.charts import Chart, Frame, Mark, Scale, Tick, line, steps, ticks_between
from proofgrid.doors.pages.words import count, many, price, short
from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.market.dara import Turn, turns
from proofgrid.rules.market.round_orders import RoundOrders, orders_of
from proofgrid.rules.market.round_reading import read_inputs
from proofgrid.rules.market.transcript_reading import Transcript, TranscriptMismatch
from proofgrid.store.record import RoundView

SHOWN_MAX = 100  #: orders of a side in a table
DRAWN_MAX = 400  #: orders of a round whose clocks are drawn; of more a picture says nothing
TRANSCRIPT_CHARS_MAX = 4 << 20
CLOCKS = Frame(width=860, height=320, left=76, right=16, top=14, bottom=34)
BOOK = Frame(width=860, height=300, left=76, right=170, top=14, bottom=34)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """An order of the round; its price per PU in base units."""

    order: str
    price: int
    slots: int
    traded: int
    fate: str
    left: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundPage:
    """What the page of a round shows."""

    round: RoundView
    replay: str
    slots: int = 0  #: traded
    surplus: int = 0  #: base units
    reference: int | None = None
    floor: int = 0
    ceil: int = 0
    clocks: Chart | None = None
    book: Chart | None = None
    story: tuple[str, ...] = ()
    buyers: Sequence[OrderLine] = ()
    sellers: Sequence[OrderLine] = ()
    buyers_more: int = 0  #: that the table leaves out
    sellers_more: int = 0
    counted: int = 0  #: bids below every ask, which have no names
    sat_out: int = 0

    @property
    def is_sale(self) -> bool:
        return self.round.units > 0


def round_page(one: RoundView) -> RoundPage:
    """Return what the page shows; of a record that this version cannot read, or a huge one, the outcome alone."""
    command = f"proofgrid market replay {shlex.quote(one.lane)} --from {one.number} --to {one.number}"
    plain = RoundPage(round=one, replay=command)
    if not one.transcript or len(one.transcript) > TRANSCRIPT_CHARS_MAX:
        return plain
    transcript = json.loads(one.transcript)
    try:
        orders = orders_of(read_inputs(transcript))
    except (TranscriptMismatch, InvalidField):
        return plain
    return _page(one, command, orders, transcript)


def _page(one: RoundView, command: str, orders: RoundOrders, transcript: Transcript) -> RoundPage:
    result = transcript["result"]
    bought, sold, still_in = dict(result["bought"]), dict(result["sold"]), dict(result["still_in"])
    buy, sell = int(result["buy_price"]), int(result["sell_price"])
    buyers = [_buyer(bid.order_id, bid.price, bid.units, bought, buy) for bid in orders.bids]
    sellers = [_seller(ask.order_id, ask.price, ask.units, sold, still_in) for ask in orders.asks]
    buyers.sort(key=lambda line: (-line.price, line.order))
    sellers.sort(key=lambda line: (line.price, line.order))
    is_small = len(orders.all_bids) + len(orders.asks) <= DRAWN_MAX
    seen = list(turns(orders.all_bids, orders.asks, orders.rules)) if is_small and orders.asks else []
    return RoundPage(
        round=one,
        replay=command,
        slots=sum(bought.values()),
        surplus=int(result["surplus"]),
        reference=orders.rules.reference,
        floor=orders.rules.floor,
        ceil=orders.rules.ceil,
        clocks=clocks_chart(seen, buyers, sellers, floor=orders.rules.floor) if seen else None,
        book=book_chart(buyers, sellers, buy=buy, sell=sell) if buyers and sellers else None,
        story=tuple(_story(seen, buyers, sellers, buy, sell)),
        buyers=buyers[:SHOWN_MAX],
        sellers=sellers[:SHOWN_MAX],
        buyers_more=max(0, len(buyers) - SHOWN_MAX),
        sellers_more=max(0, len(sellers) - SHOWN_MAX),
        counted=len(orders.counted),
        sat_out=len(orders.absent) + len(orders.idle_supplies) + len(orders.idle_demands),
    )


def _buyer(order: str, its_price: int, slots: int, bought: Mapping[str, int], buy: int) -> OrderLine:
    traded = bought.get(order, 0)
    if traded:
        fate = f"buys {_slots(traded)}"
    elif its_price > buy:
        fate = f"left: {_slots(slots)} were more than the supply that was left"
    else:
        fate = f"left at its limit, {price(its_price)}"
    return OrderLine(order=order, price=its_price, slots=slots, traded=traded, fate=fate, left=not traded)


def _seller(order: str, its_price: int, slots: int, sold: Mapping[str, int], still_in: Mapping[str, int]) -> OrderLine:
    traded = sold.get(order, 0)
    if traded:
        fate = f"sells {_slots(traded)}" + (f" of {slots}" if traded < slots else "")
    elif order in still_in:
        fate = "stayed in; those before it by lot had enough slots"
    else:
        fate = f"left at its ask, {price(its_price)}"
    return OrderLine(order=order, price=its_price, slots=slots, traded=traded, fate=fate, left=order not in still_in)


def _story(
    seen: Sequence[Turn], buyers: Sequence[OrderLine], sellers: Sequence[OrderLine], buy: int, sell: int
) -> list[str]:
    """Tell the round in sentences, for who does not see a picture."""
    if not seen:
        return []
    begin, end = seen[0], seen[-1]
    told = [
        f"The buyers' clock starts at {price(begin.buy_price)} and rises, the sellers' at {price(begin.sell_price)}"
        f" and falls. Wanted: {_slots(begin.demand)}, offered: {_slots(begin.supply)}."
    ]
    gone = sum(one.left for one in buyers), sum(one.left for one in sellers)
    if any(gone):
        told.append(f"{many(gone[0], 'buyer')} and {many(gone[1], 'seller')} leave on the way.")
    if any(one.traded for one in buyers):
        told.append(
            f"They come to rest with {_slots(end.demand)} wanted and {_slots(end.supply)} offered:"
            f" clients pay {price(buy)}, operators get {price(sell)} per million PU."
        )
    else:
        told.append("Nobody trades: no price is both what a buyer pays and what a seller takes.")
    return told


def clocks_chart(
    seen: Sequence[Turn], buyers: Sequence[OrderLine], sellers: Sequence[OrderLine], *, floor: int
) -> Chart:
    """Return both clocks from turn to turn, and a mark where an order left."""
    highest = _top(seen, buyers, sellers)
    across = Scale(low=0, high=max(1, len(seen) - 1), begin=CLOCKS.left, end=CLOCKS.plane_right)
    up = Scale(low=min(floor, seen[-1].buy_price), high=highest, begin=CLOCKS.plane_bottom, end=CLOCKS.top)
    marks = []
    for side, is_buyer in ((buyers, True), (sellers, False)):
        for one in (order for order in side if order.left):
            turn = _turn_of(seen, one.price, is_buyer=is_buyer)
            who = "buyer" if is_buyer else "seller"
            text = f"{who} {short(one.order)}: {one.fate}"
            marks.append(Mark(x=across.at(turn), y=up.at(one.price), text=text, is_buyer=is_buyer))
    return Chart(
        frame=CLOCKS,
        lines={
            "buy": line([(across.at(place), up.at(turn.buy_price)) for place, turn in enumerate(seen)]),
            "sell": line([(across.at(place), up.at(turn.sell_price)) for place, turn in enumerate(seen)]),
        },
        x_ticks=[Tick(at=across.at(turn), text=str(turn)) for turn in ticks_between(0, len(seen) - 1, about=6)],
        y_ticks=[Tick(at=up.at(value), text=price(value)) for value in ticks_between(up.low, up.high)],
        marks=marks[:SHOWN_MAX],
    )


def book_chart(buyers: Sequence[OrderLine], sellers: Sequence[OrderLine], *, buy: int, sell: int) -> Chart:
    """Return demand, falling, and supply, rising, over slots; and the prices of the clearing."""
    wanted, offered = sum(one.slots for one in buyers), sum(one.slots for one in sellers)
    across = Scale(low=0, high=max(wanted, offered), begin=BOOK.left, end=BOOK.plane_right)
    prices = [one.price for one in (*buyers, *sellers)]
    highest = max(prices) + max(1, max(prices) // 10)
    up = Scale(low=0, high=highest, begin=BOOK.plane_bottom, end=BOOK.top)
    lines = {
        "demand": _staircase(buyers, across, up),
        "supply": _staircase(sellers, across, up),
        "buy": line([(across.begin, up.at(buy)), (across.end, up.at(buy))]),
        "sell": line([(across.begin, up.at(sell)), (across.end, up.at(sell))]),
    }
    slots = ticks_between(0, max(wanted, offered), about=6)
    return Chart(
        frame=BOOK,
        lines=lines,
        x_ticks=[Tick(at=across.at(one), text=count(one)) for one in slots],
        y_ticks=[Tick(at=up.at(value), text=price(value)) for value in ticks_between(0, highest)],
        marks=[
            Mark(x=across.end, y=up.at(buy), text="buy", is_buyer=True),
            Mark(x=across.end, y=up.at(sell), text="sell"),
        ],
    )


def _staircase(side: Sequence[OrderLine], across: Scale, up: Scale) -> str:
    place, points = 0, []
    for one in side:
        points.append((across.at(place), up.at(one.price)))
        place += one.slots
    return steps(points, until=across.at(place))


def _top(seen: Sequence[Turn], buyers: Sequence[OrderLine], sellers: Sequence[OrderLine]) -> int:
    """The ceiling may be the highest price there is; what is drawn ends a little above what anybody said."""
    said = max([seen[-1].sell_price, *(one.price for one in (*buyers, *sellers))])
    return min(seen[0].sell_price, said + max(1, said // 5)) if said else 1


def _turn_of(seen: Sequence[Turn], its_price: int, *, is_buyer: bool) -> int:
    for place, turn in enumerate(seen):
        if (turn.buy_price >= its_price) if is_buyer else (turn.sell_price <= its_price):
            return place
    return len(seen) - 1


def _slots(number: int) -> str:
    return f"{number:,} slot" if number == 1 else f"{number:,} slots"
