"""Every parser of strangers' bytes refuses in its own words: seeds, what fuzzing found, and mutations of both.

The same inputs at each run. `make fuzz` looks for new ones, led by coverage.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from random import Random

import pytest

from proofgrid.primitives.certificates import certified_by
from proofgrid.primitives.errors import ProofgridError
from proofgrid.wire.v1 import prover_pb2
from tests.fuzz import asking, calls, doors, proofs, sealed, showing
from tests.fuzz.bounds import taken
from tests.fuzz.likely import CALLER, NOW_MS
from tests.fuzz.mutating import mutated_bytes, mutated_json, mutated_message
from tests.fuzz.targets import CORPUS, TARGETS

SEED = 15
#: Of these a stranger could make any by mistake, so all that code makes is taken.
TAKEN_WHOLE = (
    *("prover_stream", "gateway_stream", "token", "json", "container", "bundle", "program", "evidence", "audit"),
    *("record_lines", "key_file", "inputs", "package", "circuit", "settings", "symbols", "ceremony"),
    *("credential", "seal", "sealed", "webhook", "quote", "sizes", "payouts", "audit_proof"),
    *("rotation", "job", "identity", "answers"),
)


@pytest.fixture(scope="module", autouse=True)
def _loop_closed() -> Iterator[None]:
    yield
    while doors._LOOP:
        doors._LOOP.pop().close()
    asyncio.set_event_loop_policy(None)


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_taken_raises_only_our_own_errors(name: str) -> None:
    target = TARGETS[name]
    corpus, chance = target.corpus(name), Random(SEED)
    for data in corpus:
        taken(target, data)
    for _ in range(target.tries):
        taken(target, target.mutate(chance.choice(corpus), chance))


@pytest.mark.parametrize("name", TAKEN_WHOLE)
def test_what_code_makes_is_taken_so_mutations_of_it_reach_far(name: str) -> None:
    seeds, refused = TARGETS[name].seeds(), []
    for seed in seeds:
        try:
            TARGETS[name].take(seed)
        except ProofgridError as error:
            refused.append(str(error))
    assert len(refused) <= len(seeds) // 3, refused  # a second hello, and fields that only their own code can fill


def test_nearly_every_call_is_reached_with_a_message_that_it_takes() -> None:
    reached = set()
    for seed in calls.messages():
        try:
            calls.take_call(seed)
        except doors.Reached:
            reached.add(seed[0])
        except ProofgridError:
            continue
    # Some refuse before that what a likely message says: firm quotes with constraints, lists that nobody signed.
    missed = [method.name for number, method in enumerate(calls.methods()) if number not in reached]
    assert len(missed) <= len(calls.methods()) // 8, missed


def test_a_request_is_certified_and_a_certificate_believed() -> None:
    request, certificate, of_itself, _ = showing.certificates()
    showing.AUTHORITY.certify(request, CALLER.address, serial=1, now_ms=NOW_MS)
    believed = [certified_by([showing.AUTHORITY], one, now_ms=NOW_MS) for one in (certificate, of_itself)]
    assert [one is not None and one.operator == CALLER.address for one in believed] == [True, False]


def test_signing_in_is_reached_to_the_last_step() -> None:
    for seed in showing.messages():
        with pytest.raises(doors.Reached):
            showing.take_sign_in(seed)


def test_the_corpus_has_a_seal_that_opens() -> None:
    opened = 0
    for seed in TARGETS["seal"].corpus("seal"):
        with suppress(ProofgridError):
            sealed._as_seal(seed)
            opened += 1
    assert opened == 1


def test_a_request_of_http_is_asked_for_every_route_and_nearly_all_reach_the_world(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reached: list[str] = []

    def touched(_: object, name: str) -> None:
        reached.append(name)
        raise doors.Reached(name)

    monkeypatch.setattr(doors.World, "__getattr__", touched)
    seeds = asking.requests()
    for seed in seeds:
        asking.take_request(seed)
    assert len(reached) > len(seeds) * 7 // 10


def test_no_corpus_is_left_behind_by_a_target_that_is_gone() -> None:
    assert {path.name for path in CORPUS.iterdir()} <= set(TARGETS)
    assert sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()) < 400_000


def test_mutations_follow_from_their_seed_alone() -> None:
    for name, target in TARGETS.items():
        corpus = target.corpus(name)
        assert target.mutate(corpus[0], Random(1)) == target.mutate(corpus[0], Random(1)), name


def test_mutations_take_bytes_that_are_no_form() -> None:
    for data in (b"", b"\xff", b"[", b'"'):
        chance = Random(1)
        mutated_bytes(data, chance)
        mutated_json(data, chance)
        mutated_message(prover_pb2.FromProver, data, chance)


def test_what_an_engine_believes_is_taken_whole_so_what_stands_behind_it_is_reached() -> None:
    """Of every system: a job's proof, and the result; else its fuzzing would end at the first look."""
    seen = set()
    for said in map(json.loads, proofs.proofs()):
        judged = proofs.judged(said)
        assert len(judged) == (2 if said["verdict"] else 0), (said, judged)
        seen.add(said["system"])
    assert seen == set(proofs.SYSTEMS)
