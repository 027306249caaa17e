"""Operators: how reliable and fast they are and how sure that is, where they are, what they have at stake and lost."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proofgrid.doors.pages.views.world import WorldMap, world_map
from proofgrid.primitives.ids import Address
from proofgrid.roles.intake.overview import OperatorsShown
from proofgrid.rules.jobs.speed import Speed, sum_of
from proofgrid.rules.reputation.breaker import BreakerState
from proofgrid.rules.reputation.buckets import share_permille, speed_confidence_permille
from proofgrid.rules.reputation.reports import MeasuredSpeed, OperatorReport, ProverReport
from proofgrid.store.overview import BondOfOperator, Slash

NO_REGION = "not told"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedLine:
    """How fast provers are in one engine and class."""

    engine: str
    job_class: str
    units_per_second_milli: int
    samples: int
    confidence_permille: int

    @property
    def units_per_second(self) -> int:
        return self.units_per_second_milli // 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorLine:
    """One operator in the list; amounts in base units."""

    operator: str
    share_permille: int
    bucket: int
    provers: int
    connected: int
    jobs_proven: int
    jobs_failed: int
    fastest: SpeedLine | None
    bond: int  #: with the network
    staked: int  #: what stake on a chain adds to it
    slashed: int
    slashes: int
    regions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorsPage:
    """What the page of all operators shows."""

    now_ms: int
    lines: Sequence[OperatorLine]
    regions: Sequence[tuple[str, int]]  #: region -> connected provers, most first
    region_most: int
    world: WorldMap
    slashes: Sequence[Slash]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProverCard:
    """One prover of an operator."""

    prover_id: str
    connected: bool
    is_paused: bool
    share_permille: int
    bucket: int
    reasons: tuple[str, ...]
    speeds: tuple[SpeedLine, ...]
    jobs_proven: int
    jobs_failed: int
    region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorPage:
    """What the page of one operator shows."""

    now_ms: int
    line: OperatorLine
    reasons: tuple[str, ...]
    provers: Sequence[ProverCard]
    slashes: Sequence[Slash]


def operators_page(shown: OperatorsShown) -> OperatorsPage:
    """Return the list: who is there first, then by what was verified."""
    slashes = _slashes_by_operator(shown.slashes)
    lines = [
        _line(report, bond=_bond_of(report.operator, shown), slashes=slashes[report.operator], regions=shown.regions)
        for report in shown.reports
    ]
    regions = Counter(region or NO_REGION for region in shown.regions.values())
    by_number = sorted(regions.items(), key=lambda one: (-one[1], one[0]))
    return OperatorsPage(
        now_ms=shown.now_ms,
        lines=sorted(lines, key=lambda one: (not one.connected, -one.jobs_proven, one.operator)),
        regions=by_number,
        region_most=max(regions.values(), default=1),
        world=world_map(by_number),
        slashes=shown.slashes,
    )


def operator_page(shown: OperatorsShown, operator: Address, slashes: Sequence[Slash]) -> OperatorPage | None:
    """Return what is shown of one operator; None: nobody of that name ever came with a prover."""
    report = next((one for one in shown.reports if one.operator == operator), None)
    if report is None:
        return None
    return OperatorPage(
        now_ms=shown.now_ms,
        line=_line(report, bond=_bond_of(operator, shown), slashes=slashes, regions=shown.regions),
        reasons=report.reasons,
        provers=[prover_card(one, shown.regions) for one in report.provers],
        slashes=slashes,
    )


def prover_card(report: ProverReport, regions: Mapping[str, str]) -> ProverCard:
    """Return how one prover stands, and why."""
    return ProverCard(
        prover_id=report.prover_id,
        connected=report.connected,
        is_paused=report.breaker is BreakerState.OPEN,
        share_permille=share_permille(report.counters),
        bucket=report.bucket,
        reasons=report.reasons,
        speeds=tuple(speed_lines(report.speeds)),
        jobs_proven=report.jobs_proven,
        jobs_failed=report.jobs_failed,
        region=regions.get(str(report.prover_id), ""),
    )


def speed_lines(speeds: Sequence[MeasuredSpeed]) -> list[SpeedLine]:
    """Return speeds by engine and class, those of several provers together."""
    together: dict[tuple[str, str], Speed] = {}
    for one in speeds:
        key = one.proof_system, one.job_class
        together[key] = sum_of(together[key], one.speed) if key in together else one.speed
    return [
        SpeedLine(
            engine=engine,
            job_class=job_class,
            units_per_second_milli=speed.units_per_second_milli,
            samples=speed.samples,
            confidence_permille=speed_confidence_permille(speed),
        )
        for (engine, job_class), speed in sorted(together.items())
        if speed.samples
    ]


def _line(
    report: OperatorReport, *, bond: BondOfOperator, slashes: Sequence[Slash], regions: Mapping[str, str]
) -> OperatorLine:
    speeds = speed_lines([one for prover in report.provers for one in prover.speeds])
    its_regions = {regions[str(one.prover_id)] for one in report.provers if regions.get(str(one.prover_id))}
    return OperatorLine(
        operator=report.operator,
        share_permille=share_permille(report.counters),
        bucket=report.bucket,
        provers=len(report.provers),
        connected=sum(one.connected for one in report.provers),
        jobs_proven=sum(one.jobs_proven for one in report.provers),
        jobs_failed=sum(one.jobs_failed for one in report.provers),
        fastest=max(speeds, key=lambda one: one.units_per_second_milli, default=None),
        bond=bond.balance,
        staked=bond.staked,
        slashed=sum(one.amount - one.given_back for one in slashes),
        slashes=len(slashes),
        regions=tuple(sorted(its_regions)),
    )


def _bond_of(operator: Address, shown: OperatorsShown) -> BondOfOperator:
    return shown.bonds.get(operator, BondOfOperator(operator, 0, 0))


def _slashes_by_operator(slashes: Sequence[Slash]) -> Mapping[str, list[Slash]]:
    by_operator: dict[str, list[Slash]] = defaultdict(list)
    for one in slashes:
        by_operator[one.operator].append(one)
    return by_operator
