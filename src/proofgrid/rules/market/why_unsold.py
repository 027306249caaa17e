"""Decides why nothing is sold to a prover, out of what is known of it and of its lanes; told to its operator.

    prover -> away? silent? draining? paused? -> all slots in use? -> a bond that carries nothing?
    lane   -> nothing for sale? -> the best bid below its ask? -> rounds that come to less than its ask? -> in line

The first question that has an answer is the reason. What others ask is not looked at; prices of rounds are public.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from proofgrid.primitives.money import format_price


class Unsold(StrEnum):
    """What keeps a prover from being sold a job."""

    AWAY = "away"
    SILENT = "silent"
    DRAINING = "draining"
    PAUSED = "paused"
    FULL = "full"
    NO_BOND = "no_bond"
    NO_DEMAND = "no_demand"
    TOO_DEAR = "too_dear"
    ABOVE_PRICES = "above_prices"
    IN_LINE = "in_line"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProverNow:
    """A prover as the network sees it."""

    is_connected: bool = True
    is_silent: bool = False
    is_draining: bool = False
    paused_ms: int = 0  #: for so long yet
    slots: int = 1
    busy: int = 0
    lacks_bond: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneMet:
    """What it meets in a lane; prices are base units per PU."""

    ask: int
    jobs: int = 0  #: for sale
    best_bid: int = 0
    sales: int = 0  #: rounds of the last day that sold something
    within: int = 0  #: of these, in how many operators got its ask or more
    best_price: int = 0  #: the most that operators got


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyUnsold:
    """The reason, in a sentence, and what its operator can do; empty: nothing but to wait."""

    reason: Unsold
    sentence: str
    todo: str = ""


def why_prover_unsold(prover: ProverNow) -> WhyUnsold | None:
    """Return what holds wherever it offers itself; None: that depends on the lane."""
    if not prover.is_connected:
        return _why(Unsold.AWAY, "it is not connected", "start it: proofgrid prover; its log says why it ended")
    if prover.is_silent:
        return _why(Unsold.SILENT, "it was not heard of for seconds", "look whether its machine hangs or swaps")
    if prover.is_draining:
        return _why(Unsold.DRAINING, "it was asked to stop, and finishes what it has", "start it again")
    if prover.paused_ms:
        seconds = -(-prover.paused_ms // 1_000)
        return _why(
            Unsold.PAUSED,
            f"it failed too often and is paused for {seconds} s yet, then gets one job at a time until one verifies",
            "its last faults stand below: mend those",
        )
    if prover.busy >= prover.slots:
        return _why(Unsold.FULL, f"all of its {prover.slots} slots are in use: it is sold what it can take")
    if prover.lacks_bond:
        return _why(
            Unsold.NO_BOND,
            "its operator's bond carries no further slot",
            "pay into the bond: proofgrid stake deposit, or wait until leases end",
        )
    return None


def why_lane_unsold(met: LaneMet) -> WhyUnsold:
    """Return why a prover that could work is sold nothing in a lane now."""
    ask = format_price(met.ask)
    if not met.jobs:
        return _why(Unsold.NO_DEMAND, "nothing is for sale here")
    if met.best_bid < met.ask:
        return _why(
            Unsold.TOO_DEAR,
            f"it asks {ask}, and the best bid that waits is {format_price(met.best_bid)} per million PU",
            "ask less, if that still pays: --ask",
        )
    if met.sales and not met.within:
        return _why(
            Unsold.ABOVE_PRICES,
            f"it asks {ask}, and no round of the last day came to more than {format_price(met.best_price)}"
            " per million PU for operators",
            "ask less, if that still pays: --ask",
        )
    return _why(
        Unsold.IN_LINE,
        f"{met.jobs} jobs are for sale at its price: others are served first, by bucket, program at hand and lot",
    )


def _why(reason: Unsold, sentence: str, todo: str = "") -> WhyUnsold:
    return WhyUnsold(reason=reason, sentence=sentence, todo=todo)
