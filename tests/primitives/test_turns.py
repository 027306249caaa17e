"""Turns: the more urgent first, nobody beyond their share, clients in turn, and nobody waits for ever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.turns import LONGEST_EVERY, Turns, Urgency, Waiting

SHARES = {Urgency.ROUNDS: 3, Urgency.SEALING: 2, Urgency.BACKGROUND: 1}


def the_next(turns: Turns[str]) -> str | None:
    waiting = turns.next()
    return None if waiting is None else waiting.item


def drained(turns: Turns[str], most: int = 100) -> list[str]:
    """Whoever is served, one after the other, each giving back before the next."""
    order = []
    for _ in range(most):
        waiting = turns.next()
        if waiting is None:
            break
        order.append(waiting.item)
        turns.give_back(waiting.urgency)
    return order


def test_a_flood_of_the_less_urgent_leaves_places_for_the_more_urgent() -> None:
    turns: Turns[str] = Turns(4, SHARES)
    for number in range(100):
        turns.wait(f"seal {number}", Urgency.SEALING, "", 0.0)
        turns.wait(f"tidy {number}", Urgency.BACKGROUND, "", 0.0)

    running = [the_next(turns) for _ in range(4)]

    assert running == ["seal 0", "seal 1", None, None]
    assert turns.take(Urgency.ADMISSION)
    assert not turns.take(Urgency.ROUNDS)  # rounds and all below hold their three
    assert turns.take(Urgency.MONEY)
    assert not turns.take(Urgency.MONEY)


def test_who_is_more_urgent_comes_first_whenever_it_came() -> None:
    turns: Turns[str] = Turns(1, {})
    for urgency in reversed(Urgency):
        turns.wait(urgency.name, urgency, "", 0.0)

    assert drained(turns) == [urgency.name for urgency in Urgency]


def test_clients_take_turns_and_each_keeps_its_own_order() -> None:
    turns: Turns[str] = Turns(1, {})
    for item in ("a1", "a2", "a3", "b1", "b2", "c1"):
        turns.wait(item, Urgency.ADMISSION, item[0], 0.0)

    assert drained(turns) == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_one_turn_in_so_many_goes_to_who_waits_longest() -> None:
    turns: Turns[str] = Turns(1, {})
    turns.wait("old seal", Urgency.SEALING, "", 0.0)
    for number in range(2 * LONGEST_EVERY):
        turns.wait("verify", Urgency.MONEY, "", 1.0 + number)

    order = drained(turns)

    assert order.index("old seal") == LONGEST_EVERY - 1


def test_the_longest_wait_lifts_nobody_over_its_share() -> None:
    turns: Turns[str] = Turns(2, {Urgency.ROUNDS: 1})
    assert turns.take(Urgency.SEALING)
    turns.wait("old seal", Urgency.SEALING, "", 0.0)
    for _ in range(LONGEST_EVERY):
        turns.wait("verify", Urgency.MONEY, "", 1.0)

    assert set(drained(turns)) == {"verify"}


def test_who_comes_new_does_not_pass_those_like_it_that_wait() -> None:
    turns: Turns[str] = Turns(1, {})
    assert turns.take(Urgency.READING)
    turns.wait("first", Urgency.READING, "", 0.0)
    turns.give_back(Urgency.READING)

    assert not turns.take(Urgency.READING)
    assert the_next(turns) == "first"


def test_who_withdrew_is_not_served_and_who_stands_in_line_again_is_first() -> None:
    turns: Turns[str] = Turns(1, {})
    first, second, third = (turns.wait(item, Urgency.MONEY, "", 0.0) for item in "123")
    assert turns.withdraw(first)
    assert not turns.withdraw(first)
    assert turns.next() is second
    turns.wait_again(second)

    assert drained(turns) == ["2", "3"]
    assert not turns.withdraw(third)


def test_the_age_of_the_oldest_is_told_by_urgency() -> None:
    turns: Turns[str] = Turns(1, {})
    turns.wait("a", Urgency.SEALING, "x", 1.0)
    turns.wait("b", Urgency.SEALING, "y", 2.0)
    turns.wait("c", Urgency.READING, "", 3.0)

    assert turns.waiting_seconds(5.0) == {Urgency.SEALING: 4.0, Urgency.READING: 2.0}


STEP = st.tuples(st.sampled_from(["wait", "take", "next", "give", "withdraw", "again"]), st.sampled_from(Urgency))


@given(st.integers(1, 6), st.dictionaries(st.sampled_from(Urgency), st.integers(0, 6)), st.lists(STEP, max_size=120))
def test_whatever_comes_no_share_is_passed_and_no_place_idles_that_somebody_may_have(
    places: int, shares: dict[Urgency, int], steps: list[tuple[str, Urgency]]
) -> None:
    turns: Turns[int] = Turns(places, shares)
    running: list[tuple[Urgency, Waiting[int] | None]] = []
    waiting: list[Waiting[int]] = []
    for number, (step, urgency) in enumerate(steps):
        if step == "wait":
            waiting.append(turns.wait(number, urgency, str(number % 3), float(number)))
        elif step == "take":
            likes_wait = any(other.urgency == urgency for other in waiting)
            if turns.take(urgency):
                assert not likes_wait
                running.append((urgency, None))
        elif step == "next" and (served := turns.next()) is not None:
            waiting.remove(served)
            running.append((served.urgency, served))
        elif step == "give" and running:
            turns.give_back(running.pop()[0])
        elif step == "withdraw" and waiting:
            assert turns.withdraw(waiting.pop())
        elif step == "again" and running and (again := running[-1][1]) is not None:
            running.pop()
            turns.wait_again(again)
            waiting.append(again)
        for each in Urgency:
            most = min(places, max(1, shares.get(each, places)))
            assert sum(other >= each for other, _ in running) <= most
    while (served := turns.next()) is not None:
        waiting.remove(served)
        running.append((served.urgency, served))
    assert not turns.could_use_a_place()
    assert {other.urgency for other in waiting} == turns.waiting_seconds(1e9).keys()
    for each in {other.urgency for other in waiting}:  # whoever is left lacks room, in its own share or one above
        assert any(
            sum(other >= above for other, _ in running) == min(places, max(1, shares.get(above, places)))
            for above in Urgency
            if above <= each
        )
