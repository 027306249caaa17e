"""Who may wait for a place in the window, and how long; whose turn is next says primitives/fair_line.py.

    client asks --a place is free and nobody waits--> in
        |  `--its share of the line is full, or it waited too long--> refused, with a time to come again
        `--> [line of this client] --its turn--> in

How long one may wait follows "Fail at Scale" (Maurer 2015), after CoDel: long while the line is empty now and then, so
that a burst is served; short once it has stood for as long as that, so that nobody waits for what will not come.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePolicy:
    """How long one waits, and how many do."""

    calm_ms: int = 2_000  #: while the line was empty within this time, one may wait as long
    standing_ms: int = 250  #: else
    calm_room: int = 1_024  #: waiting ones of all clients
    standing_room: int = 8  #: and as many more as are let in within the time that one waits
    come_again_least_ms: int = 250
    come_again_most_ms: int = 4_000
    told_at_once: int = 64  #: refusals of one client in a second
    kept_back_room: int = 4_096  #: refusals of all clients that wait to be told


def is_standing(standing_ms: int, policy: LinePolicy) -> bool:
    """Has the line been there for so long that more comes than is let in?"""
    return standing_ms >= policy.calm_ms


def patience_ms(own: int, *, standing_ms: int, policy: LinePolicy) -> int:
    """Return how long one may wait in a line that was empty `standing_ms` ago, behind `own` of the same client.

    Who comes first of its client's has its turn after one of each other client: that is waited for.
    """
    return policy.standing_ms if own and is_standing(standing_ms, policy) else policy.calm_ms


def places_of_one(window: int) -> int:
    """Return how many places of the window one client may hold: not all, or work that takes long shuts others out.

    A window of less than four is everybody's in turn: there a place is soon free again, or the gateway is late.
    """
    return window - window // 4


def places_of_askers(window: int) -> int:
    """Return how many places of the window may be held by those who only ask for a price."""
    return max(1, window // 2)


def may_wait(own: int, clients: int, *, standing_ms: int, let_in_per_second: int, policy: LinePolicy) -> bool:
    """May one more of a client wait that has `own` in the line already? `clients`: those in the line, it included.

    Each has the same share of the room, and one place at least: who floods fills its own share only.
    """
    room = policy.calm_room
    if is_standing(standing_ms, policy):
        room = policy.standing_room + let_in_per_second * policy.standing_ms // 1_000
    return own < max(1, room // max(1, clients))


def come_again_ms(*, refused_per_second: int, let_in_per_second: int, policy: LinePolicy) -> int:
    """Return after how long it is worth trying again: the time in which those who were refused could be let in."""
    ms = 1_000 * refused_per_second // max(1, let_in_per_second)
    return min(max(ms, policy.come_again_least_ms), policy.come_again_most_ms)


def kept_back_ms(wait_ms: int, *, told: int, kept_back: int, policy: LinePolicy) -> int:
    """Return for how long a refusal is kept back that says to come again after `wait_ms`.

    A client that obeys is refused a few times a second and told at once. Whoever asks on whatever it is told hears of
    it when it may come again, so each of its calls asks no more often than one that obeys; nobody waits longer for it
    than it was to wait anyway. `told`: refusals of this client in this second; `kept_back`: those of all clients that
    wait to be told.
    """
    if told < policy.told_at_once or kept_back >= policy.kept_back_room:
        return 0
    return max(0, wait_ms - policy.come_again_least_ms)
