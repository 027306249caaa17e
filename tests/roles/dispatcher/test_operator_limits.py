"""How many provers and slots an operator may have connected, all names together, also when several come at once."""

from __future__ import annotations

import asyncio

import pytest

from proofgrid.primitives.errors import TooManyOpen
from proofgrid.primitives.ids import Address
from proofgrid.roles.dispatcher.desk import DispatchSettings
from proofgrid.rules.access.operator_limits import OperatorLimits
from tests.makers import OWN, some_terms
from tests.roles.lanes import LaneUnderTest

LIMITS = DispatchSettings(operator_limits=OperatorLimits(provers=2, slots=6))


async def test_a_third_name_of_an_operator_is_refused_and_another_operators_is_not(lane: LaneUnderTest) -> None:
    lane.settings = LIMITS
    for name in ("a", "b"):
        await lane.desk.open_session(Address("alice"), some_terms(name=name, slots=1), OWN)

    with pytest.raises(TooManyOpen, match="at most 2 provers") as refused:
        await lane.desk.open_session(Address("alice"), some_terms(name="c", slots=1), OWN)
    await lane.desk.open_session(Address("bob"), some_terms(name="c", slots=1), OWN)

    assert refused.value.field == "name"
    assert refused.value.hint


async def test_slots_add_up_and_a_prover_that_comes_back_counts_once(lane: LaneUnderTest) -> None:
    lane.settings = LIMITS
    await lane.desk.open_session(Address("alice"), some_terms(name="a", slots=4), OWN)
    await lane.desk.open_session(Address("alice"), some_terms(name="a", slots=6), OWN)

    with pytest.raises(TooManyOpen, match="at most 6 slots in all, these would be 7"):
        await lane.desk.open_session(Address("alice"), some_terms(name="b", slots=1), OWN)


async def test_names_that_come_at_once_do_not_pass_the_limit_together(lane: LaneUnderTest) -> None:
    lane.settings = LIMITS
    desk = lane.desk
    came = await asyncio.gather(
        *(desk.open_session(Address("alice"), some_terms(name=f"n{number}", slots=1), OWN) for number in range(6)),
        return_exceptions=True,
    )

    assert sum(isinstance(one, TooManyOpen) for one in came) == 4
    assert len(await lane.fetch("SELECT 1 FROM sessions WHERE open")) == 2
