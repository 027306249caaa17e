"""The text of a transcript is the canonical JSON of its value, whatever the round; and its input digest seals it."""

from __future__ import annotations

from typing import Any

from hypothesis import given

from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.digests import digest_of_json
from proofgrid.rules.market.rounds import JobDemand, ProverSupply, RoundInputs, RoundOutcome, TaskDemand, run_round
from tests.rules.market.stacks import StackCase, stack_cases
from tests.rules.market.test_rounds_properties import quick, rounds

RANKED = ("slots", "rank", "rank_hash")
STRANGE = 'é"\\\n\u2028\U0001f600'  #: what JSON escapes


def assert_is_canonical(outcome: RoundOutcome) -> None:
    assert outcome.transcript_text.encode() == canonical_json(outcome.transcript)


@quick
@given(rounds())
def test_a_round_is_written_in_the_one_canonical_way(inputs: RoundInputs) -> None:
    assert_is_canonical(run_round(inputs))


@quick
@given(stack_cases())
def test_every_lane_of_a_stack_is_written_in_the_one_canonical_way(case: StackCase) -> None:
    for outcome in case.run():
        assert_is_canonical(outcome)


def test_any_text_may_be_a_name() -> None:
    job = JobDemand(job_id=f"job {STRANGE}", units=2, excluded=frozenset({"z", STRANGE}))
    inputs = RoundInputs(
        lane=STRANGE,
        number=1,
        previous=None,
        beacon=b"b",
        reference=5,
        demands=[TaskDemand(task_id=f"task {STRANGE}", jobs=(job,), limit_price=9, program_digest=STRANGE)],
        supplies=[
            ProverSupply(
                prover_id=f"prover {STRANGE}",
                operator=STRANGE,
                ask_price=1,
                free_slots=1,
                reputation_bucket=0,
                cached_programs=frozenset({STRANGE, "p"}),
            )
        ],
    )
    outcome = run_round(inputs)

    assert_is_canonical(outcome)
    [bid] = outcome.transcript["bids"]
    assert bid["task_id"] == f"task {STRANGE}"
    assert bid["jobs"] == [{"job_id": f"job {STRANGE}", "units": 2, "excluded": ["z", STRANGE]}]
    [ask] = outcome.transcript["asks"]
    assert (ask["operator"], ask["cached_programs"]) == (STRANGE, [STRANGE])


@quick
@given(rounds())
def test_the_input_digest_seals_the_header_and_every_order_without_its_rank(inputs: RoundInputs) -> None:
    transcript = run_round(inputs).transcript
    header = ("format", "version", "lane", "number", "previous", "beacon", "absent", "draw", "idle_asks", "idle_bids")

    sealed: dict[str, Any] = {name: transcript[name] for name in header}
    sealed |= {"reference": inputs.reference, "anchor": inputs.anchor, "backed": inputs.backed}
    sealed["demands"] = [_without(bid, *RANKED, "covered") for bid in transcript["bids"]]
    sealed["supplies"] = [_without(ask, *RANKED) for ask in transcript["asks"]]

    assert transcript["input_digest"] == digest_of_json(sealed)


def _without(order: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in order.items() if name not in names}
