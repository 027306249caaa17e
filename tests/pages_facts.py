"""A network for pages, without a database: facts as the intake gives them, and an intake that knows nothing else."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import UnknownRound
from proofgrid.primitives.ids import Address, Engine, Lane, ProverId
from proofgrid.proofs.base import SystemDescription
from proofgrid.roles.intake.intake import Intake
from proofgrid.roles.intake.overview import Figures, NetworkNow, OperatorsShown
from proofgrid.rules.jobs.speed import Speed
from proofgrid.rules.market.rounds import JobDemand, ProverSupply, RoundInputs, TaskDemand, run_round
from proofgrid.rules.reputation.counters import ONE, Counters
from proofgrid.rules.reputation.reports import MeasuredSpeed, report_operator, report_prover
from proofgrid.rules.reputation.standing import Standing
from proofgrid.rules.staking.slashing import SlashReason
from proofgrid.store.engines import ShownEngine
from proofgrid.store.overview import (
    BondOfOperator,
    Capacity,
    LaneOfOverview,
    PricePoint,
    ProvenInLane,
    Punctuality,
    RoundLine,
    Slash,
    Waiting,
)
from proofgrid.store.record import RoundView
from proofgrid.store.status import ConnectedProver
from tests.makers import a_key

NOW_MS = 1_796_000_000_000
SMALL = Lane("default/ezkl@23.0.5/small")
LARGE = Lane("default/groth16@gnark-0.14.0/large")
EVIL = "<script>alert(1)</script>"  #: what strangers choose for a region, a name, a reason
ALICE, BOB = a_key(11).address, a_key(12).address


def a_connected(operator: str, name: str, **changes: Any) -> ConnectedProver:
    """Return a prover that serves."""
    prover = ConnectedProver(
        prover_id=ProverId(f"{operator}/{name}"),
        operator=Address(operator),
        region="eu-central",
        confinement="namespaces",
        asks={"ezkl@23.0.5": 900},
        slots=4,
        busy=1,
        seen_ms=NOW_MS,
        jobs_proven=120,
        jobs_failed=2,
        state="serving",
    )
    return replace(prover, **changes)


def a_network(**changes: Any) -> NetworkNow:
    """Return a network with two lanes, one of which is new."""
    network = NetworkNow(
        now_ms=NOW_MS,
        provers=[
            a_connected(ALICE, "berlin-1"),
            a_connected(ALICE, "berlin-2", busy=4),
            a_connected(BOB, "osaka", region=EVIL),
            a_connected(BOB, "lima", region="sa-west", state="paused"),
        ],
        jobs_by_state={"ready": 7, "leased": 6, "proven": 900},
        lanes=[LaneOfOverview(SMALL, 318, 1_250, NOW_MS - 4_000)],
        capacity=[Capacity(SMALL, 3, 12, 6, 900), Capacity(LARGE, 1, 2, 0, 4_000)],
        waiting=[
            Waiting(SMALL, 5, 12_000, NOW_MS - 95_000),
            Waiting(Lane(f"{SMALL}/c0ffee"), 2, 3_000, NOW_MS - 400_000),
        ],
    )
    return replace(network, **changes)


def some_prices(lane: Lane = SMALL) -> list[PricePoint]:
    """Return an hour of prices that rise and fall."""
    return [
        PricePoint(lane, NOW_MS - (60 - minute) * 60_000, 1_200 + 40 * (minute % 9), 1_150 + 30 * (minute % 7), 4_000)
        for minute in range(0, 60, 2)
    ]


def some_figures(**changes: Any) -> Figures:
    """Return an hour in which one task of a hundred got nothing: the p99 is a miss."""
    figures = Figures(
        proven=[ProvenInLane(SMALL, 640, 1_900_000), ProvenInLane(Lane(f"{SMALL}/c0ffee"), 10, 20_000)],
        punctuality=[Punctuality(SMALL, 100, 2, 4_200, 19_500, None)],
        prices=some_prices(),
    )
    return replace(figures, **changes)


def a_round(*, number: int = 318, reference: int | None = 1_000) -> RoundView:
    """Return a round in which buyers and sellers left and others traded."""
    outcome = run_round(
        RoundInputs(
            lane=SMALL,
            number=number,
            previous=None,
            beacon=b"\x07" * 32,
            reference=reference,
            demands=[
                TaskDemand(
                    task_id=f"{place:064x}",
                    jobs=tuple(
                        JobDemand(job_id=f"j{place}-{job}", units=500, excluded=frozenset()) for job in range(slots)
                    ),
                    limit_price=limit,
                    program_digest="p",
                    share=0,
                )
                for place, (limit, slots) in enumerate(
                    [(2_400, 2), (2_000, 1), (1_700, 2), (1_300, 1), (1_100, 1), (900, 2), (600, 1)]
                )
            ],
            supplies=[
                ProverSupply(
                    prover_id=f"{place + 100:064x}",
                    operator=f"o{place}",
                    ask_price=ask,
                    free_slots=slots,
                    reputation_bucket=1,
                    cached_programs=frozenset(),
                )
                for place, (ask, slots) in enumerate([(500, 1), (800, 2), (950, 1), (1_200, 1), (1_900, 2), (2_600, 1)])
            ],
        )
    )
    digest = digest_of(outcome.transcript_text.encode())
    return RoundView(
        lane=SMALL,
        number=number,
        buy_price=outcome.buy_price,
        sell_price=outcome.sell_price,
        units=sum(one.units for one in outcome.placements),
        bids=outcome.bids,
        asks=len(outcome.took_part),
        transcript_hash=digest,
        signature=a_key(1).sign(bytes.fromhex(digest)),
        transcript=outcome.transcript_text,
        at_ms=NOW_MS - 4_000,
        next_reference=outcome.next_reference,
        is_blinded=True,
    )


def round_lines(newest: int = 318, number: int = 30) -> list[RoundLine]:
    """Return the list of a lane's rounds; every fifth sold nothing."""
    return [
        RoundLine(one, 1_250, 1_200, 0 if one % 5 == 0 else 4_000, 9, 6, NOW_MS - (newest - one) * 7_000, 1_240)
        for one in range(newest, newest - number, -1)
    ]


def some_operators() -> OperatorsShown:
    """Return a good operator, and one that lied and was slashed for it."""
    good = Counters(proven=120 * ONE, late=2 * ONE, at_ms=NOW_MS)
    bad = Counters(proven=3 * ONE, crashed=4 * ONE, invalid=ONE, at_ms=NOW_MS)
    reports = []
    for operator, name, counters, speed in (
        (ALICE, "berlin-1", good, Speed(units=900_000, wall_ms=1_000_000, samples=60)),
        (BOB, "osaka", bad, Speed(units=4_000, wall_ms=90_000, samples=2)),
    ):
        measured = [MeasuredSpeed(proof_system="ezkl@23.0.5", job_class="small", speed=speed)]
        prover = report_prover(
            ProverId(f"{operator}/{name}"),
            Standing(counters=counters, last_faults=(f"crashed: {EVIL}",)),
            shared=None,
            speeds=measured,
            connected=True,
            jobs_proven=counters.proven // ONE,
            jobs_failed=counters.crashed // ONE,
            half_life_ms=604_800_000,
            now_ms=NOW_MS,
        )
        reports.append(report_operator(Address(operator), [prover]))
    return OperatorsShown(
        now_ms=NOW_MS,
        reports=reports,
        bonds={ALICE: BondOfOperator(ALICE, 25_000_000_000, 5_000_000_000)},
        slashes=[a_slash()],
        regions={
            f"{ALICE}/berlin-1": "eu-central",
            f"{ALICE}/berlin-2": "europe-central2",
            f"{BOB}/osaka": EVIL,
            f"{BOB}/lima": "sa-west",
            f"{BOB}/ohio": f"us-east {EVIL}",
        },
    )


def a_slash(**changes: Any) -> Slash:
    """Return what was taken for an invalid proof that was signed."""
    slash = Slash(
        evidence_id=UUID(int=7),
        kind=SlashReason.INVALID_PROOF,
        operator=BOB,
        prover_id=ProverId(f"{BOB}/osaka"),
        program_digest=digest_of(b"p"),
        amount=1_250_000,
        at_ms=NOW_MS - 7_200_000,
        state="appealed",
        given_back=0,
        can_be_verified=True,
    )
    return replace(slash, **changes)


def some_systems() -> list[SystemDescription]:
    """Return two proof systems, one of which nobody offers."""
    return [
        SystemDescription(
            name="ezkl",
            engine="ezkl 23.0.5",
            program_format="ONNX model: what a neural network says of an input",
            settings_help={"input_visibility": "public, hashed or private"},
        ),
        SystemDescription(name="plonk", engine="gnark 0.14.0", program_format="circom circuit", settings_help={}),
    ]


class OverviewOfFacts:
    """An overview that was told what to say."""

    def __init__(self, network: NetworkNow | None = None, figures: Figures | None = None) -> None:
        self.network = network or a_network()
        self.hour = figures or some_figures()

    async def now(self) -> NetworkNow:
        return self.network

    async def figures(self) -> Figures:
        return self.hour

    async def prices(self, lane: str, *, window_ms: int) -> list[PricePoint]:
        self._check(lane)
        return some_prices()

    async def rounds(self, lane: str, *, below: int, limit: int, all_rounds: bool) -> list[RoundLine]:
        self._check(lane)
        return [one for one in round_lines(below or 318, limit) if all_rounds or one.units]

    async def round(self, lane: str, number: int) -> RoundView:
        self._check(lane)
        if number > 318:
            raise UnknownRound(f"{lane} has no such round", field="number")
        return a_round(number=number)

    async def operators(self) -> OperatorsShown:
        return some_operators()

    async def slashes_of(self, operator: Address) -> list[Slash]:
        return [one for one in some_operators().slashes if one.operator == operator]

    async def engines(self) -> list[ShownEngine]:
        return [
            ShownEngine(Engine("ezkl@23.0.5"), True, 3, 0, 12, 6, 4, 2, 9, "", 0, ""),
            ShownEngine(Engine("ezkl@22.1.0"), False, 1, 0, 2, 0, 1, 0, 0, EVIL, NOW_MS, "0xad"),
        ]

    def _check(self, lane: str) -> None:
        if lane != SMALL:
            raise UnknownRound(f"there is no lane {lane!r}", field="lane")


class FreeRates:
    """Callers of whom nothing is counted, and whose keys and sessions are good."""

    def now_ms(self) -> int:
        return NOW_MS

    async def check_api_key(self, key_id: str) -> None:
        pass

    async def check_session(self, session: object) -> None:
        pass

    def admit_stranger(self, host: str) -> None:
        pass


def an_intake(overview: OverviewOfFacts | None = None, **more: Any) -> Intake:
    """Return as much of an intake as the public pages ask."""
    facts = SimpleNamespace(
        address=a_key(1).address, version="0.1.0", setup_for_development=True, proof_systems=some_systems()
    )
    parts = {
        "overview": overview or OverviewOfFacts(),
        "status": SimpleNamespace(facts=facts),
        "callers": FreeRates(),
        "keys": SimpleNamespace(ever_named=lambda purpose: [a_key(1).address]),
        **more,
    }
    return cast(Intake, SimpleNamespace(**parts))
