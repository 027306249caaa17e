"""What a round of the first edition left to the lanes below it, and whether they took just that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from proofgrid.rules.market.edition_1.rounds import unsold_slots
from proofgrid.rules.market.transcript_reading import Transcript, TranscriptMismatch

Left = Mapping[str, tuple[int, int, int]]  #: what a round left: order id -> slots, ask, the most it may be paid below


def left_of(transcript: Transcript) -> Left:
    """Return what a round that was replayed left to the lanes below."""
    result = transcript["result"]
    asks = {ask["prover_id"]: ask for ask in transcript["asks"]}
    used: dict[str, int] = defaultdict(int)
    for placed in result["placements"]:
        used[placed[2]] += placed[3]
    left = {}
    for prover_id, _ in result["still_in"]:
        ask = asks[prover_id]
        carried = ask["carried"]
        price = result["sell_price"] if carried is None else min(result["sell_price"], carried["price_max"])
        slots = unsold_slots(ask["free_slots"], units=ask["units"], used=used[prover_id])
        left[prover_id] = (slots, ask["ask_price"], price)
    return left


def check_carried(lane: str, number: int, left: Left, lower: Transcript) -> None:
    """Compare what a lane's transcript says was carried from a round above with what that round left.

    Both have been replayed. Raises TranscriptMismatch naming the first ask that the lane above did not leave like that.
    """
    for group in ("asks", "absent"):
        for place, ask in enumerate(lower[group]):
            carried = ask["carried"]
            if carried is None or (carried["lane"], carried["number"]) != (lane, number):
                continue
            if left.get(ask["prover_id"]) != (ask["free_slots"], ask["ask_price"], carried["price_max"]):
                raise TranscriptMismatch("the lane above did not leave this capacity", field=f"{group}[{place}]")
