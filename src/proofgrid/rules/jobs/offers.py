"""What provers and gateways tell each other, as frozen values; wire/codec/provers.py translates them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address, JobId, LeaseId, ProverId
from proofgrid.primitives.money import AMOUNT_MAX, UNITS_MAX, format_price, parse_price
from proofgrid.rules.access.subnetworks import check_served
from proofgrid.rules.jobs.classes import JobClass, parse_class
from proofgrid.rules.jobs.confinement import Confinement
from proofgrid.rules.jobs.engines import parse_engine
from proofgrid.rules.jobs.sealing import Certificate, LeaseSeal

SLOTS_MAX = 4_096


_LEAST_ASK = f"an ask is at least {format_price(1)} per million PU"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLease:
    """A lease as the prover names it: the fence tells an old holder from the present one."""

    lease_id: LeaseId
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProverTerms:
    """What a prover says in its hello: what it is and asks. Its word is checked where it matters: proofs and limits."""

    name: str
    asks: Mapping[str, int]  #: engine -> least base units per PU
    classes: tuple[JobClass, ...]
    slots: int  #: jobs at a time
    cores: int  #: for each job
    memory_bytes: int  #: for all jobs together
    region: str
    version: str
    held: tuple[HeldLease, ...] = ()
    cached_programs: frozenset[Digest] = frozenset()
    class_asks: Mapping[str, Mapping[JobClass, int]] = field(default_factory=dict)  #: engine -> class -> another price
    units_min: int = 0  #: of one job: a smaller one is not worth the trouble
    subnetworks: tuple[str, ...] = ()  #: that it serves; empty: the common lanes
    reserve_price: int = 0  #: least base units per PU of slots that it offers ahead, for firm quotes
    reserve_slots: int = 0  #: how many of its slots
    confinement: Confinement = Confinement.UNKNOWN  #: of what it proves, as it measured it
    sealing: Certificate | None = None  #: the key that inputs may be sealed for


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenProof:
    """A proof that a wrap takes, with its place; the gateway has verified it."""

    slice_index: int
    input_index: int
    proof_digest: Digest
    small_proof: bytes | None  #: the proof itself; None: it is fetched by its digest
    public: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseOffer:
    """A lease as a prover receives it."""

    held: HeldLease
    job_id: JobId
    program_digest: Digest
    slice_index: int
    input_digest: Digest
    small_input: bytes | None  #: the input itself; None: it is fetched by its digest
    units: int
    memory_bytes: int
    price: int  #: base units per PU, paid when the proof verifies
    timeout_ms: int
    parts: tuple[TakenProof, ...] = ()  #: of a wrap: what it takes
    seal: LeaseSeal | None = None  #: what opens its input; None: it is not sealed
    trace_context: str = ""  #: in the words of W3C Trace Context; empty: nobody traces it


@dataclass(frozen=True, slots=True, kw_only=True)
class StageReport:
    """How far a job is."""

    held: HeldLease
    stage: str
    permille: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobReport:
    """A finished job: either the proof itself or the digest under which it was uploaded."""

    held: HeldLease
    proof: bytes
    proof_digest: Digest | None
    public: Mapping[str, Any]
    wall_ms: int
    memory_peak_bytes: int
    signature: str = ""  #: the operator's, over what it hands in (rules/staking/results.py)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTrouble:
    """A job that did not work out, in the prover's words."""

    held: HeldLease
    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a report."""

    accepted: bool
    code: str = ""
    detail: str = ""
    price: int = 0  #: base units per PU that are paid for it; 0: what was agreed


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """A result that was right, and for which this prover is paid."""

    prover_id: ProverId
    price: int  #: base units per PU


# --- what a gateway says -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """The first word of a gateway to a prover that has said hello."""

    session_id: str
    prover_id: ProverId
    network: Address
    heartbeat_ms: int  #: how often the prover says that it lives
    dropped: tuple[LeaseId, ...]  #: of those that it named, the ones that are not its own any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Leases:
    """Leases offered to their prover, and the manifests of their programs by digest, as JSON texts."""

    leases: tuple[LeaseOffer, ...]
    manifests: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A lease is over: its child is to be killed."""

    lease_id: LeaseId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Acks:
    """What became of results."""

    verdicts: tuple[tuple[LeaseId, Verdict], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something for the prover's operator, or, with the code MOVE, for the prover itself."""

    code: str
    detail: str


MOVE = "move"  #: code of the notice that asks a prover to go to another gateway, with all its leases

ToProver = Welcome | Leases | Stop | Acks | Notice


@dataclass(frozen=True, slots=True)
class Drain:
    """A prover wants no new leases."""


#: What a prover says of its jobs and of itself, after its hello.
FromProver = StageReport | JobReport | JobTrouble | Drain


def check_terms(terms: ProverTerms) -> None:
    """Raise InvalidField for terms outside their rules."""
    if not terms.asks or len(terms.asks) > 64:
        raise InvalidField("1 to 64 asks, one per engine", field="asks")
    for engine, price in terms.asks.items():
        parse_engine(engine, field="asks")
        if not 1 <= price <= AMOUNT_MAX:
            raise InvalidField(_LEAST_ASK, field=f"asks[{engine}]")
    for engine, prices in terms.class_asks.items():
        if engine not in terms.asks:
            raise InvalidField(f"asks per class for {engine}, which has no ask", field="class_asks")
        for job_class, price in prices.items():
            if job_class not in terms.classes:
                raise InvalidField(f"an ask for {job_class}, which is not offered", field="class_asks")
            if not 1 <= price <= AMOUNT_MAX:
                raise InvalidField(_LEAST_ASK, field=f"class_asks[{job_class}]")
    if not 0 <= terms.units_min <= UNITS_MAX:
        raise InvalidField(f"0 to {UNITS_MAX} PU", field="units_min")
    if not terms.classes:
        raise InvalidField("at least one class", field="classes", hint="classes are small, medium, large")
    if not 1 <= terms.slots <= SLOTS_MAX:
        raise InvalidField(f"1 to {SLOTS_MAX} slots", field="slots")
    if not 1 <= terms.cores <= 4_096:
        raise InvalidField("1 to 4096 cores per job", field="cores")
    if terms.memory_bytes < 1 << 20:
        raise InvalidField("at least 1 MiB of memory", field="memory_bytes")
    if len(terms.region) > 64 or len(terms.version) > 64:
        raise InvalidField("at most 64 characters", field="region")
    if not 0 <= terms.reserve_slots <= terms.slots:
        raise InvalidField(f"0 to {terms.slots}, as many as it has slots", field="reserve_slots")
    if terms.reserve_slots and not 1 <= terms.reserve_price <= AMOUNT_MAX:
        raise InvalidField(_LEAST_ASK, field="reserve_ask", hint="slots are offered ahead at a price of their own")
    check_served(terms.subnetworks)
    if len(terms.held) > SLOTS_MAX or len(terms.cached_programs) > 10_000:
        raise InvalidField("more than a prover can hold", field="held")


def parse_class_asks(text: str) -> Mapping[JobClass, int]:
    """Return the prices that a text like `large=1.2/M,medium=900` names; an empty one: none."""
    prices = {}
    for part in text.split(",") if text.strip() else ():
        name, _, price = part.strip().partition("=")
        if not price:
            raise InvalidField(f"{part.strip()!r} is no ask", field="class_asks", hint="like large=1.2/M,medium=0.9/M")
        prices[parse_class(name, field="class_asks")] = parse_price(price, field="class_asks")
    return prices
