import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.jobs.unprovable import (
    UnprovableClaim,
    UnprovablePolicy,
    UnprovableVerdict,
    WastedWork,
    draw_last_word,
    judge_unprovable,
    wasted_shares,
)

POLICY = UnprovablePolicy()
LANE = ("a", "b", "c", "d")


def a_verdict(
    operators: str,
    *,
    lane: tuple[str, ...] = LANE,
    client: str = "client",
    can_be_proven: bool | None = None,
    proven: str = "",
    drawn: str = "",
    waits: bool = False,
) -> UnprovableVerdict:
    """One claim per letter, which is its operator's name."""
    claims = [UnprovableClaim(lease_id=f"lease-{number}", operator=name) for number, name in enumerate(operators)]
    return judge_unprovable(
        claims,
        client=client,
        lane_operators=lane,
        can_be_proven=can_be_proven,
        policy=POLICY,
        proven_operators=proven,
        drawn=drawn,
        waits_for_drawn=waits,
    )


def a_work(lease_id: str = "l1", *, shown_permille: int = 1_000, units: int = 10, sell_price: int = 100) -> WastedWork:
    return WastedWork(
        lease_id=lease_id, operator="a", units=units, sell_price=sell_price, shown_permille=shown_permille
    )


def test_one_provers_word_is_worth_nothing() -> None:
    assert a_verdict("a") is UnprovableVerdict.OPEN


def test_one_operator_does_not_become_three_by_saying_it_three_times() -> None:
    assert a_verdict("aaaaa") is UnprovableVerdict.OPEN


def test_the_same_lease_counts_once() -> None:
    claim = UnprovableClaim(lease_id="l", operator="a")
    verdict = judge_unprovable([claim] * 9, client="x", lane_operators=["a"], can_be_proven=None, policy=POLICY)
    assert verdict is UnprovableVerdict.OPEN


def test_three_different_operators_are_not_believed_but_somebody_else_is_asked() -> None:
    assert a_verdict("aba", proven="abcd") is UnprovableVerdict.OPEN
    assert a_verdict("abc", proven="abcd") is UnprovableVerdict.ASK
    assert a_verdict("abc", proven="abc") is UnprovableVerdict.OPEN
    assert a_verdict("abc", proven="abcd", drawn="d", waits=True) is UnprovableVerdict.OPEN
    assert a_verdict("abcd", proven="abcd", drawn="d", waits=True) is UnprovableVerdict.CHARGE


def test_who_was_drawn_counts_on_top_of_the_three() -> None:
    assert a_verdict("abd", proven="abcd", drawn="d") is UnprovableVerdict.OPEN


def test_the_last_word_is_drawn_among_the_proven_ones_who_said_nothing() -> None:
    drawn = {draw_last_word("abcdef", claimants="abc", client="f", draw=draw) for draw in range(10)}
    assert drawn == {"d", "e"}


def test_the_clients_own_word_counts_for_nothing() -> None:
    assert a_verdict("abc", client="c", proven="abcd") is UnprovableVerdict.OPEN
    assert a_verdict("abc", lane=("a", "b", "c", "d", "e"), client="d", proven="d") is UnprovableVerdict.OPEN


def test_a_client_who_is_an_operator_too_is_no_voter_in_its_own_case() -> None:
    # Its own silence does not keep the others from being all there are, and its word is not the second one needed.
    assert a_verdict("ab", lane=("a", "b", "c"), client="c") is UnprovableVerdict.STOP
    assert a_verdict("ac", lane=("a", "c"), client="c") is UnprovableVerdict.OPEN
    assert a_verdict("acc", lane=("a", "c"), client="c") is UnprovableVerdict.OPEN
    assert a_verdict("abcd", client="d") is UnprovableVerdict.STOP


def test_a_small_lane_that_agrees_stops_the_task_and_charges_nothing() -> None:
    assert a_verdict("ab", lane=("a", "b")) is UnprovableVerdict.STOP
    assert a_verdict("a", lane=("a",)) is UnprovableVerdict.OPEN
    assert a_verdict("aa", lane=("a",)) is UnprovableVerdict.STOP


def test_the_gateways_own_try_outweighs_every_prover() -> None:
    assert a_verdict("a", can_be_proven=False) is UnprovableVerdict.CHARGE
    assert a_verdict("abcd", can_be_proven=True) is UnprovableVerdict.REFUTED


@given(operators=st.text("abcdef", max_size=12), proven=st.text("abcdef", max_size=6), drawn=st.sampled_from("abcdef"))
def test_nobody_is_charged_without_three_operators_and_the_one_that_was_drawn(
    operators: str, proven: str, drawn: str
) -> None:
    verdict = a_verdict(operators, proven=proven, drawn=drawn)
    said = set(operators)
    assert (verdict is UnprovableVerdict.CHARGE) == (drawn in said and len(said) >= 4)
    assert a_verdict(operators, proven=proven) is not UnprovableVerdict.CHARGE


def test_a_policy_that_believes_one_operator_is_refused() -> None:
    with pytest.raises(InvalidField):
        UnprovablePolicy(operators_needed=1)
    with pytest.raises(InvalidField):
        UnprovablePolicy(share_permille=1_001)


def test_work_is_paid_by_what_it_shows() -> None:
    works = [a_work("l1", shown_permille=1_000), a_work("l2", shown_permille=200), a_work("l3", shown_permille=-7)]
    assert wasted_shares(works, left=10_000, policy=POLICY) == {"l1": 500, "l2": 100, "l3": 0}


def test_too_little_escrow_is_divided_in_proportion() -> None:
    works = [a_work("l1"), a_work("l2", shown_permille=500)]
    assert wasted_shares(works, left=100, policy=POLICY) == {"l1": 66, "l2": 33}
    assert wasted_shares(works, left=0, policy=POLICY) == {"l1": 0, "l2": 0}


@given(
    shown=st.lists(st.integers(-10, 2_000), max_size=8),
    price=st.integers(0, 10**9),
    units=st.integers(1, 10**6),
    left=st.integers(0, 10**16),
)
def test_the_shares_of_a_job_never_exceed_what_is_left(shown: list[int], price: int, units: int, left: int) -> None:
    works = [
        a_work(f"l{number}", shown_permille=one, units=units, sell_price=price) for number, one in enumerate(shown)
    ]
    shares = wasted_shares(works, left=left, policy=POLICY)
    assert set(shares) == {work.lease_id for work in works}
    assert sum(shares.values()) <= left
    assert all(0 <= amount <= price * units // 2 for amount in shares.values())
