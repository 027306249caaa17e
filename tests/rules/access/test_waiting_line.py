"""Who waits, for how long, and whose turn is next: one who floods takes nothing from one who asks little."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.fair_line import FairLine
from proofgrid.primitives.ids import Address
from proofgrid.rules.access.waiting_line import LinePolicy, come_again_ms, kept_back_ms, may_wait, patience_ms

POLICY = LinePolicy()
FLOOD, SMALL = Address("flood"), Address("small")
clients = st.sampled_from([Address(name) for name in "abcde"])


@given(st.lists(clients, max_size=60))
def test_turns_go_round_the_clients_and_each_ones_own_come_in_order(asked: list[Address]) -> None:
    line: FairLine[tuple[Address, int]] = FairLine()
    for number, client in enumerate(asked):
        line.join(client, (client, number))
    turns = [line.next() for _ in asked]

    assert not line
    assert len(line) == 0
    for client in set(asked):
        own = [number for name, number in turns if name == client]
        assert own == sorted(own)
    # Before anybody has one turn more than another who still waits, that one has had as many.
    had: Counter[Address] = Counter()
    left = Counter(asked)
    for client, _ in turns:
        assert all(had[client] <= had[other] for other in left if left[other] and other != client)
        had[client] += 1
        left[client] -= 1


@given(st.integers(1, 500))
def test_the_next_turn_but_one_is_that_of_who_came_late_and_asks_little(flood: int) -> None:
    line: FairLine[tuple[Address, int]] = FairLine()
    for number in range(flood):
        line.join(FLOOD, (FLOOD, number))
    line.join(SMALL, (SMALL, 0))

    assert SMALL in {line.next()[0], line.next()[0]}


@given(st.integers(0, 100_000), st.integers(1, 2_000), st.integers(0, 5_000))
def test_who_has_nobody_in_line_may_always_wait(standing_ms: int, others: int, let_in: int) -> None:
    assert may_wait(0, others, standing_ms=standing_ms, let_in_per_second=let_in, policy=POLICY)


@given(st.integers(0, 1_000), st.integers(1, 50), st.integers(0, 5_000))
def test_each_client_has_the_same_share_of_the_room(own: int, count: int, let_in: int) -> None:
    room = POLICY.standing_room + let_in * POLICY.standing_ms // 1_000
    allowed = may_wait(own, count, standing_ms=POLICY.calm_ms, let_in_per_second=let_in, policy=POLICY)
    assert allowed == (own < max(1, room // count))


def test_a_burst_may_wait_long_and_a_standing_line_is_short() -> None:
    assert patience_ms(5, standing_ms=0, policy=POLICY) == POLICY.calm_ms
    assert patience_ms(5, standing_ms=POLICY.calm_ms, policy=POLICY) == POLICY.standing_ms
    assert patience_ms(0, standing_ms=POLICY.calm_ms, policy=POLICY) == POLICY.calm_ms
    assert may_wait(500, 1, standing_ms=0, let_in_per_second=0, policy=POLICY)
    assert not may_wait(500, 1, standing_ms=POLICY.calm_ms, let_in_per_second=100, policy=POLICY)


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_the_time_to_come_again_is_bounded_and_grows_with_what_is_refused(refused: int, let_in: int) -> None:
    ms = come_again_ms(refused_per_second=refused, let_in_per_second=let_in, policy=POLICY)
    more = come_again_ms(refused_per_second=refused + 1_000, let_in_per_second=let_in, policy=POLICY)
    assert POLICY.come_again_least_ms <= ms <= more <= POLICY.come_again_most_ms


def test_who_left_is_not_called() -> None:
    line: FairLine[int] = FairLine()
    line.join(SMALL, 1)
    line.join(SMALL, 2)
    line.leave(SMALL, 1)
    line.leave(SMALL, 1)
    line.leave(FLOOD, 1)

    assert (line.of(SMALL), line.next(), bool(line)) == (1, 2, False)


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_refusal_is_kept_back_no_longer_than_its_client_was_to_wait(wait_ms: int, told: int, kept_back: int) -> None:
    policy = LinePolicy()
    kept_ms = kept_back_ms(wait_ms, told=told, kept_back=kept_back, policy=policy)
    assert 0 <= kept_ms <= wait_ms
    if told < policy.told_at_once or kept_back >= policy.kept_back_room:
        assert kept_ms == 0
    elif wait_ms >= policy.come_again_least_ms:
        assert wait_ms - kept_ms == policy.come_again_least_ms
