"""A batch that nobody thought of is the next one that fails whole: every place that batches stands in this table.

Pins down: whoever writes another batch says here which test poisons it; and firm quotes that end, each alone.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from structlog.testing import capture_logs

import proofgrid
from proofgrid.store import firm_quotes
from tests.attacks.test_poisoned_batches import refuse
from tests.roles.intake.test_reserving import ALICE, BOB, buy, offer
from tests.roles.lanes import LaneUnderTest

SOURCES, TESTS = Path(proofgrid.__file__).parent, Path(__file__).parents[1]
BATCHES = re.compile(r"(?<!def )\b(Batches\(|each_alone\(|await together\(|await each_in_the_end\(|\.part\(\))")

HERE = "attacks/test_poisoned_batches.py::"
#: where something is done for many at once -> how often, and the tests that poison one of them
POISONED: dict[str, tuple[int, tuple[str, ...]]] = {
    "roles/settlement/settlement.py": (
        4,
        (
            HERE + "test_reports_of_leases",
            "roles/settlement/test_together.py::test_a_proof_that_the_ledger_refuses_takes_no_others_down",
        ),
    ),
    "roles/dispatcher/hearing.py": (2, (HERE + "test_heartbeats", HERE + "test_progress")),
    "roles/intake/looking_around.py": (1, (HERE + "test_looks_around",)),
    "roles/intake/normalising.py": (
        1,
        ("roles/intake/test_normalising.py::test_one_that_kills_the_worker_takes_nobody_down",),
    ),
    "roles/intake/watching.py": (1, (HERE + "test_watchers",)),
    "roles/intake/admission.py": (1, (HERE + "test_submissions",)),
    "roles/dispatcher/overflow.py": (1, (HERE + "test_what_fails_of_one_is_logged_and_the_rest_is_done",)),
    "roles/dispatcher/watch.py": (2, (HERE + "test_leases_that_ran_out_and_tasks_that_are_overdue",)),
    "roles/dispatcher/ladders.py": (1, (HERE + "test_limits_that_rise",)),
    "roles/dispatcher/stragglers.py": (1, (HERE + "test_what_fails_of_one_is_logged_and_the_rest_is_done",)),
    "roles/dispatcher/handing_out.py": (1, (HERE + "test_what_fails_of_one_is_logged_and_the_rest_is_done",)),
    "roles/incidents/responding.py": (2, (HERE + "test_what_fails_of_one_is_logged_and_the_rest_is_done",)),
    "store/firm_quotes.py": (1, ("attacks/test_every_batch.py::test_firm_quotes_that_end",)),
}
MACHINERY = {"store/batches.py", "roles/apart.py"}  #: what they are made of; its properties are tried with any item


def test_every_place_that_batches_has_a_test_that_poisons_it() -> None:
    found: Counter[str] = Counter()
    for path in sorted(SOURCES.rglob("*.py")):
        name = path.relative_to(SOURCES).as_posix()
        if name not in MACHINERY:
            found[name] += len(BATCHES.findall(path.read_text(encoding="utf-8")))
    assert {name: number for name, number in found.items() if number} == {
        name: number for name, (number, _) in POISONED.items()
    }
    for tests in (tests for _, tests in POISONED.values()):
        for test in tests:
            file, _, function = test.partition("::")
            assert re.search(
                rf"^(?:async )?def {function}", (TESTS / file).read_text(encoding="utf-8"), re.MULTILINE
            ), test


async def test_firm_quotes_that_end(lane: LaneUnderTest) -> None:
    await offer(lane, ALICE, 800)
    await offer(lane, BOB, 900)
    poisoned, other = await buy(lane, "one"), await buy(lane, "two")
    assert poisoned is not None
    await lane.fetch("UPDATE firm_quotes SET held_until_ms = 0")
    await refuse(lane, "firm_quotes", poisoned, column="quote_id")

    with capture_logs() as told:
        await firm_quotes.expire(lane.database)

    assert [one["quote_id"] for one in told if one["event"] == "quote_not_expired"] == [str(poisoned)]
    rows = await lane.fetch("SELECT quote_id, state FROM firm_quotes")
    assert {row["quote_id"]: row["state"] for row in rows} == {poisoned: "held", other: "expired"}
    await lane.check_money()
