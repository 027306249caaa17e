"""A small signed record of rounds over two lanes, as the market makes it."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.signatures import Signer, SigningKey
from proofgrid.rules.identity.key_list import SignedKeyList
from proofgrid.rules.market.blinding import SECRET_BYTES, Blinding
from proofgrid.rules.market.record_file import RecordHeader, header_line, round_line, trailer_line
from proofgrid.rules.market.rounds import RoundOutcome
from proofgrid.rules.market.stack import LaneDemands, run_stack
from proofgrid.rules.scheduling.demand_and_supply import JobDemand, ProverSupply, TaskDemand
from tests.makers import a_key

LARGE, SMALL = "default/toy/large", "default/toy/small"
NETWORK = a_key(7)


def a_record(
    *,
    rounds: int = 4,
    seed: int = 1,
    key: SigningKey = NETWORK,
    rounds_by: Sequence[Signer] = (),
    ends: Signer | None = None,
    keys: SignedKeyList | None = None,
) -> dict[str, list[bytes]]:
    """Return the lines of the files of both lanes; every round of one has a round of the other.

    `rounds_by`: who signs them in turn; `ends`: who signs the trailer; by default `key`, which is the network.
    """
    signers = rounds_by or (key,)
    chance = Random(seed)
    lines: dict[str, list[bytes]] = {lane: [] for lane in (LARGE, SMALL)}
    last: dict[str, RoundOutcome] = {}
    hashes: dict[str, Digest] = {}
    for number in range(1, rounds + 1):
        for outcome in _round(chance, number, last, hashes):
            text = canonical_json(outcome.transcript)
            hashes[outcome.lane] = digest_of(text)
            lines[outcome.lane].append(
                round_line(text.decode(), signers[number % len(signers)].sign(bytes.fromhex(hashes[outcome.lane])))
            )
            last[outcome.lane] = outcome
    for lane, of_lane in lines.items():
        header = RecordHeader(network=key.address, lane=lane, first=1, last=rounds, rounds=rounds, keys=keys)
        of_lane.insert(0, header_line(header))
        of_lane.append(trailer_line(header, hashes[lane], ends or key))
    return lines


def _round(
    chance: Random, number: int, last: dict[str, RoundOutcome], hashes: dict[str, Digest]
) -> tuple[RoundOutcome, ...]:
    blinding = Blinding(chance.randbytes(SECRET_BYTES))
    lanes = [
        LaneDemands(
            lane=lane,
            number=number,
            previous=hashes.get(lane),
            reference=last[lane].next_reference if lane in last else 1_000,
            demands=blinding.demands(_demands(chance, lane, number)),
        )
        for lane in (LARGE, SMALL)
    ]
    supplies = [blinding.supplies(_supplies(chance, place), demanded=frozenset({"p"})) for place in range(4)]
    return run_stack(lanes, supplies, beacon=chance.randbytes(32))


def _demands(chance: Random, lane: str, number: int) -> list[TaskDemand]:
    return [
        TaskDemand(
            task_id=f"{lane} {number} {place}",
            jobs=tuple(
                JobDemand(job_id=f"{lane} {number} {place} {job}", units=chance.randint(1, 9))
                for job in range(chance.randint(1, 3))
            ),
            limit_price=chance.randint(900, 2_000),
            program_digest="p",
            share=place,
        )
        for place in range(3)
    ]


def _supplies(chance: Random, place: int) -> dict[str, ProverSupply]:
    supply = ProverSupply(
        prover_id=f"o{place % 2}/p{place}",
        operator=f"o{place % 2}",
        ask_price=chance.randint(500, 1_500),
        free_slots=chance.randint(1, 4),
        reputation_bucket=0,
        cached_programs=frozenset({"p"} if place else ()),
    )
    return {LARGE: supply, SMALL: supply} if place < 3 else {SMALL: supply}
