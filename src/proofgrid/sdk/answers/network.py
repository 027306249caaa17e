"""What anybody sees of a network: its facts, lanes, provers, subnetworks and rounds. Prices are base units per PU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofSystem:
    """A proof system that a network serves."""

    name: str = ""
    engine: str = ""
    program_format: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorLimits:
    """What one operator may have, all its provers together."""

    provers: int = 0  #: connected
    slots: int = 0  #: of them
    newcomer_slots: int = 0  #: of those with fewer than eight verified jobs, before the first one


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """What a gateway says of its network."""

    address: str = ""  #: of the network's key: the audience of tokens, the signer of bundles and rounds
    version: str = ""
    proof_systems: tuple[ProofSystem, ...] = ()
    srs_files: Mapping[str, str] = field(default_factory=dict)  #: kzg<k>.srs -> digest of the artifact
    srs_for_development: bool = False
    upload_bytes_max: int = 0
    operator_limits: OperatorLimits = field(default_factory=OperatorLimits)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProverStatus:
    """A prover that is connected."""

    prover_id: str = ""
    operator: str = ""
    region: str = ""
    proof_systems: tuple[str, ...] = ()
    slots: int = 0
    busy: int = 0
    ask_price: int = 0
    seen_ms: int = 0
    jobs_proven: int = 0
    jobs_failed: int = 0
    state: str = ""  #: serving, or why nothing is sold to it: silent, draining, paused
    confinement: str = ""  #: of what it proves, in its own words: process, rules, namespaces; empty: it does not know


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large jobs of a scope are; shares are thousandths of what their proof system says."""

    proof_system: str = ""
    engine: str = ""
    scope: str = ""  #: a slice (program/number), a size (size/number), or all that the engine proves (empty)
    number: int = 0  #: of the correction in force; 0: the scope has none of its own
    units_permille: int = 0
    memory_permille: int = 0
    measured_permille: int = 0  #: what verified jobs took of late; 0: too few tell
    measured_memory_permille: int = 0
    operators: int = 0  #: who told
    proofs: int = 0  #: of theirs
    made_ms: int = 0  #: 0: there is no correction


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneStatus:
    """A lane and what waits in it."""

    lane: str = ""
    rounds: int = 0
    reference_price: int = 0
    ready_units: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkStatus:
    """What a network is doing."""

    provers: tuple[ProverStatus, ...] = ()
    tasks_by_state: Mapping[str, int] = field(default_factory=dict)
    jobs_by_state: Mapping[str, int] = field(default_factory=dict)
    lanes: tuple[LaneStatus, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A key that may use a subnetwork."""

    address: str = ""
    role: str = ""  #: client, operator
    since_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Subnetwork:
    """A named part of a network."""

    name: str = ""
    open: bool = False  #: to all; otherwise to its members
    proof_systems: tuple[str, ...] = ()  #: none: all
    reference_price: int = 0  #: of its lanes without a round; 0: the gateways' setting
    overflow_after_ms: int = 0  #: a job that waited so long goes to the common lanes; 0: never
    created_ms: int = 0
    provers: int = 0  #: that serve it now
    slots: int = 0  #: of those
    dedicated_slots: int = 0  #: of those that serve nothing else
    busy: int = 0  #: jobs of its lanes that are being proven
    ready_units: int = 0
    tasks_open: int = 0  #: not counted for `default`
    members: tuple[Member, ...] = ()  #: only in answers to administrators about one subnetwork


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One clearing of a lane."""

    lane: str = ""
    number: int = 0
    buy_price: int = 0
    sell_price: int = 0
    units: int = 0
    bids: int = 0
    asks: int = 0
    transcript_hash: str = ""
    signature: str = ""
    transcript: Mapping[str, object] | None = None  #: docs/transcripts.md; names nobody
    at_ms: int = 0
    next_reference: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderOpening:
    """What proves to anybody that an order of a round is somebody's."""

    lane: str = ""
    number: int = 0
    what: str = ""  #: a task or a prover
    nonce: str = ""  #: SHA-256 over what and nonce is the order's id in the transcript
    order_id: str = ""
