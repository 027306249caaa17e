"""Order ids and nonces are the hashes that docs/transcripts.md names, so that anybody can open one."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter

import pytest

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.market.blinding import SECRET_BYTES, Blinding, order_id, order_nonce
from proofgrid.rules.scheduling.demand_and_supply import JobDemand, TaskDemand

SECRET = bytes(range(SECRET_BYTES))


def a_demand(number: int, *, excluded: frozenset[str] = frozenset()) -> TaskDemand:
    jobs = (JobDemand(job_id=f"job {number}", units=3, excluded=excluded),)
    return TaskDemand(
        task_id=f"task {number}", jobs=jobs, limit_price=7, program_digest=f"program {number % 2}", share=1
    )


@pytest.mark.parametrize("what", ["task", "o1/prover", "ü" * 90])
def test_an_order_id_is_the_hash_of_what_and_its_nonce(what: str) -> None:
    nonce = hmac.digest(SECRET, b"order\0" + what.encode(), "sha256")
    content = b"proofgrid/order/v1" + len(what.encode()).to_bytes(4, "big") + what.encode() + nonce

    assert order_nonce(SECRET, what) == nonce
    assert order_id(what, nonce) == hashlib.sha256(content).hexdigest()
    assert [Blinding(SECRET).order(what) for _ in range(2)] == [order_id(what, nonce)] * 2


def test_one_blinding_names_many_orders_as_many_blindings_would() -> None:
    blinding = Blinding(SECRET)
    together = blinding.demands([a_demand(number) for number in range(9)])
    assert together == [Blinding(SECRET).demands([a_demand(number)])[0] for number in range(9)]
    assert sorted(Counter(demand.program_digest for demand in together).values()) == [4, 5]


def test_a_job_and_an_order_of_one_name_are_hidden_apart_and_exclusions_follow_the_orders() -> None:
    blinding = Blinding(SECRET)
    [demand] = blinding.demands([a_demand(1, excluded=frozenset({"o1/prover"}))])
    assert demand.jobs[0].excluded == {blinding.order("o1/prover")}
    assert len({demand.task_id, demand.jobs[0].job_id, demand.program_digest, blinding.order("job 1")}) == 4


def test_a_secret_of_another_length_is_refused() -> None:
    with pytest.raises(InvalidField, match="32 bytes"):
        Blinding(b"short")
