"""A round of many jobs is made beside the event loop, which answers meanwhile; a small one is not worth a thread."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from proofgrid.roles.market import rounds
from proofgrid.roles.market.granting import ASIDE_FROM, Granting
from tests.roles.lanes import STACK, LaneUnderTest


@pytest.mark.parametrize(("jobs", "beside"), [(4, False), (2 * ASIDE_FROM, True)])
async def test_what_is_made_of_many_jobs_is_made_on_a_thread(
    lane: LaneUnderTest, monkeypatch: pytest.MonkeyPatch, jobs: int, beside: bool
) -> None:
    threads = dict[str, int]()

    def noting(name: str, work: Any) -> Any:
        def noted(*args: Any, **named: Any) -> Any:
            threads[name] = threading.get_ident()
            return work(*args, **named)

        return noted

    monkeypatch.setattr(rounds, "_cleared", noting("rules", rounds._cleared))
    monkeypatch.setattr(Granting, "_written", noting("leases", Granting._written))
    await lane.add_prover("0xa", slots=20 * jobs)
    await lane.add_prover("0xb", slots=20 * jobs)
    await lane.fetch("UPDATE provers SET jobs_proven = 100")  # new ones have few slots

    sold = 0
    while sold < jobs:  # now and then chance leaves most of them to the next round
        await lane.fetch("UPDATE jobs SET state = 'failed'")
        await lane.add_task(jobs=jobs)
        held = await lane.market.hold_rounds(STACK)
        assert held is not None
        assert held.orders == 1
        sold = held.sold
    assert {name: thread != threading.get_ident() for name, thread in threads.items()} == {
        "rules": beside,
        "leases": beside,
    }
