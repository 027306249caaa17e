"""What jobs need, corrected by what verified jobs needed.

    what its proof system says of a job            said: from constraints, gates, cycles, rows
      x the correction in force, the nearest of    this slice of this program < jobs of this size < the whole system
      = units and memory of the job                fixed when it is sold; the correction's number stands beside them

Corrections are learned of verified proofs only, each by its (system, engine) and scope:

    a prover's vote   its time per PU said in the scope, against its time per PU said over all that it proved
    an operator's     the median of its provers
    measured          the median of the operators, and of two in the middle what is nearer to no change
    next correction   towards what was measured: a bounded step, not before the last one is old enough, within bounds

A vote is a ratio of one machine's own times, so who is slow in everything says nothing, and all that a machine did
together is never corrected, only how it is shared out. Votes know what was said and never what was corrected before:
no correction feeds on itself. Memory is a prover's word; that is why only the median of operators moves it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from proofgrid.primitives.errors import InvalidField

SAID_PERMILLE = 1_000  #: of a correction that changes nothing
WHOLE_SYSTEM = ""  #: the scope of everything that a system proves
MEMORY_MAX = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class SizePolicy:
    """Whose word moves a correction, how far at once, and how far at all. Shares are thousandths."""

    operators_min: int = 3  #: with a vote
    proofs_min: int = 4  #: of an operator in the scope; who has fewer has no vote
    elsewhere_permille: int = 250  #: of a prover's time that was spent outside of the scope, at least
    step_permille: int = 1_250  #: the most that one correction is of the one before, or the other way round
    least_permille: int = 250
    most_permille: int = 4_000
    least_memory_permille: int = 500  #: too little memory ends jobs, too much only leaves some of it idle
    room_permille: int = 1_250  #: of the measured peak, so that jobs like it have room
    quiet_permille: int = 50  #: a smaller difference corrects nothing
    every_ms: int = 3_600_000  #: between two corrections of a scope

    def __post_init__(self) -> None:
        if min(self.operators_min, self.proofs_min) < 1 or self.step_permille <= SAID_PERMILLE:
            raise InvalidField("somebody votes, and a step goes somewhere", field="sizes")
        if not 0 < self.least_permille <= self.least_memory_permille <= SAID_PERMILLE <= self.most_permille:
            raise InvalidField("what is said lies within the bounds", field="sizes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What is made of what a proof system says of its jobs in one scope."""

    number: int  #: by which jobs name it; 0: nothing was corrected
    scope: str
    units_permille: int
    memory_permille: int
    made_ms: int = 0


AS_SAID = Correction(
    number=0, scope=WHOLE_SYSTEM, units_permille=SAID_PERMILLE, memory_permille=SAID_PERMILLE
)  #: no correction

Corrections = Mapping[str, Correction]  #: the newest of one system and engine, by scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a proof system says of a job."""

    program: str
    slice: int
    units: int
    memory_bytes: int

    @property
    def scopes(self) -> tuple[str, ...]:
        """Return the scopes that the job lies in, the nearest first."""
        # Four times as many units are another size: what is wrong with a formula changes slowly.
        return f"{self.program}/{self.slice}", f"size/{self.units.bit_length() // 2}", WHOLE_SYSTEM


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenJob:
    """A job whose proof was verified, and what it took."""

    proof_system: str
    engine: str
    said: Said
    operator: str
    prover_id: str
    ran_ms: int  #: by the gateways' clock
    memory_peak_bytes: int  #: its prover's word; 0: it said nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What verified jobs of a scope needed, of what was said; thousandths, None where too few operators tell."""

    scopes: tuple[str, ...]  #: this one, and behind it those that it lies in
    units_permille: int | None
    memory_permille: int | None
    operators: int  #: with a vote on units
    proofs: int  #: of theirs


MeasuredScopes = Mapping[str, Measured]  #: of one system and engine


def correction_of(said: Said, corrections: Corrections) -> Correction:
    """Return the correction that is in force for a job: that of the nearest scope that has one."""
    return in_force(said.scopes, corrections)


def in_force(scopes: Sequence[str], corrections: Corrections) -> Correction:
    """Return the correction of the first of these scopes, the nearest first, that has one."""
    return next((corrections[scope] for scope in scopes if scope in corrections), AS_SAID)


def corrected(said: Said, correction: Correction) -> tuple[int, int]:
    """Return units and memory in bytes of a job; rounded to the nearest unit, at least one."""
    units = (2 * said.units * correction.units_permille + SAID_PERMILLE) // (2 * SAID_PERMILLE)
    memory_bytes = -(-said.memory_bytes * correction.memory_permille // SAID_PERMILLE)
    return max(1, units), min(MEMORY_MAX, memory_bytes)


def measure(jobs: Iterable[ProvenJob], policy: SizePolicy) -> Mapping[tuple[str, str], MeasuredScopes]:
    """Return what jobs needed, by (proof system, engine) and scope."""
    whole: dict[str, _Work] = defaultdict(_Work)
    scopes: dict[tuple[str, str, tuple[str, ...]], dict[str, _Work]] = defaultdict(lambda: defaultdict(_Work))
    owners = {}
    for job in jobs:
        owners[job.prover_id] = job.operator
        whole[job.prover_id].add(job)
        chain = job.said.scopes
        for place in range(len(chain)):
            scopes[job.proof_system, job.engine, chain[place:]][job.prover_id].add(job)
    found: dict[tuple[str, str], dict[str, Measured]] = defaultdict(dict)
    for (system, engine, chain), works in scopes.items():
        measured = _measured(chain, works, whole, owners, policy)
        # A slice has one size; should its units differ from job to job, the first chain that is seen speaks for it.
        found[system, engine].setdefault(chain[0], measured)
    return found


def next_corrections(
    corrections: Corrections, measured: MeasuredScopes, policy: SizePolicy, *, now_ms: int
) -> list[tuple[Correction, Measured]]:
    """Return the corrections that follow those in force, each without a number yet, with what it rests on."""
    follow = []
    for scope, one in sorted(measured.items()):
        last = corrections.get(scope)
        if last is not None and now_ms < last.made_ms + policy.every_ms:
            continue
        now = in_force(one.scopes, corrections)
        units = _step(now.units_permille, one.units_permille, policy.least_permille, policy)
        memory = _step(now.memory_permille, one.memory_permille, policy.least_memory_permille, policy)
        if (units, memory) != (now.units_permille, now.memory_permille):
            follow.append((Correction(number=0, scope=scope, units_permille=units, memory_permille=memory), one))
    return follow


@dataclass(slots=True)
class _Work:
    """What one prover did."""

    said_units: int = 0
    ran_us: int = 0
    proofs: int = 0
    peaks_permille: list[int] = field(default_factory=list)

    def add(self, job: ProvenJob) -> None:
        self.said_units += job.said.units
        self.ran_us += max(1, job.ran_ms) * 1_000
        self.proofs += 1
        if job.memory_peak_bytes > 0:
            self.peaks_permille.append(-(-job.memory_peak_bytes * SAID_PERMILLE // max(1, job.said.memory_bytes)))

    def ratio_permille(self, whole: _Work) -> int:
        """Return its time per PU here, of its time per PU over all."""
        return SAID_PERMILLE * self.ran_us * whole.said_units // (self.said_units * whole.ran_us)


def _measured(
    chain: tuple[str, ...],
    works: Mapping[str, _Work],
    whole: Mapping[str, _Work],
    owners: Mapping[str, str],
    policy: SizePolicy,
) -> Measured:
    of_operators: dict[str, list[str]] = defaultdict(list)
    for prover_id in works:
        of_operators[owners[prover_id]].append(prover_id)
    units, memory, proofs = [], [], 0
    for provers in of_operators.values():
        able = [one for one in provers if _tells(works[one], whole[one], policy)]
        if (number := sum(works[one].proofs for one in able)) >= policy.proofs_min:
            units.append(_median([works[one].ratio_permille(whole[one]) for one in able]))
            proofs += number
        peaks = [peak for one in provers for peak in works[one].peaks_permille]
        if len(peaks) >= policy.proofs_min:
            memory.append(max(peaks) * policy.room_permille // SAID_PERMILLE)
    return Measured(
        scopes=chain,
        units_permille=_median(units) if len(units) >= policy.operators_min else None,
        memory_permille=_median(memory) if len(memory) >= policy.operators_min else None,
        operators=len(units),
        proofs=proofs,
    )


def _tells(work: _Work, whole: _Work, policy: SizePolicy) -> bool:
    """Did its prover do enough else, for its time here to be compared with?"""
    return (whole.ran_us - work.ran_us) * SAID_PERMILLE >= whole.ran_us * policy.elsewhere_permille


def _median(votes: Sequence[int]) -> int:
    """Return the vote in the middle; of two, or between them, what is nearest to no change."""
    ordered = sorted(votes)
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return max(low, min(SAID_PERMILLE, high))


def _step(now: int, target: int | None, least: int, policy: SizePolicy) -> int:
    """Return what follows `now` on the way to `target`."""
    if target is None:
        return now
    target = max(least, min(target, policy.most_permille))
    if abs(target - now) * SAID_PERMILLE <= now * policy.quiet_permille:
        return now
    most = max(now + 1, now * policy.step_permille // SAID_PERMILLE)
    return max(now * SAID_PERMILLE // policy.step_permille, min(target, most))
