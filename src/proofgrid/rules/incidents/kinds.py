"""Incidents: one table of what a network notices by itself, what it does then, and how that ends.

    signal --past its threshold--> incident --act--> told --> ends by hand, by time, or when the signal is gone

Every row says why nobody can cause it for somebody else: an act that a stranger can aim is a weapon. Rows of
`incidents` name a kind of this table; one that is not here (a hand in the database, another release) is told and ends
by hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


class Act(StrEnum):
    """What is done about an incident."""

    STOP_SETTLEMENT = "stop_settlement"
    QUARANTINE = "quarantine"
    STOP_ENGINE = "stop_engine"
    BLOCK_ADDRESS = "block_address"
    STOP_ADMINISTRATION = "stop_administration"
    STOP_BATCHES = "stop_batches"
    END_CREDENTIALS = "end_credentials"
    SHED = "shed"
    STOP_LEADING = "stop_leading"
    TELL = "tell"  #: nothing but telling


#: Acts that are done once, to rows of their own; of all others the open incident is the act.
DEEDS = frozenset({Act.QUARANTINE, Act.STOP_ENGINE, Act.END_CREDENTIALS})


class Severity(StrEnum):
    """How soon somebody has to look."""

    PAGE = "page"  #: now
    TICKET = "ticket"  #: in daylight


class Told(StrEnum):
    """Who hears of it by the network itself."""

    ADMINISTRATORS = "administrators"
    OPERATOR = "operator"  #: that it is about: the notice that its provers get
    CALLERS = "callers"  #: whose calls it refuses: the error says so


class Ends(StrEnum):
    """How an incident ends. An administrator may always end it before."""

    BY_HAND = "by_hand"
    BY_TIME = "by_time"
    WHEN_OVER = "when_over"  #: when its signal is gone


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentKind:
    """A row of the table; the texts are whole phrases for people."""

    kind: str
    signal: str  #: what is looked at, by whom
    threshold: str
    act: Act
    does: str  #: what the act is
    told: tuple[Told, ...] = (Told.ADMINISTRATORS,)
    severity: Severity = Severity.TICKET
    ends: Ends = Ends.BY_HAND
    stranger: str  #: why nobody can cause it for somebody else
    subject: str  #: what it is about
    runbook: str = "ProofgridOpenIncident"  #: in docs/runbooks
    first_ms: int = 0  #: of one that ends by time: how long the act holds at first
    longest_ms: int = 0  #: and at most
    forgotten_ms: int = 0  #: earlier ones that ended longer ago do not count

    @property
    def stops_settlement(self) -> bool:
        return self.act is Act.STOP_SETTLEMENT


def _ledger(kind: str, signal: str, subject: str) -> IncidentKind:
    return IncidentKind(
        kind=kind,
        signal=f"the ledger check: {signal}",
        threshold="one",
        act=Act.STOP_SETTLEMENT,
        does="nothing is paid, given back or taken out, by any gateway; requests are accepted and jobs are sold",
        severity=Severity.PAGE,
        stranger="only who writes to the database past the gateways can make it",
        subject=subject,
        runbook="ProofgridSettlementStopped",
    )


_LIES = "only results and claims count that a gateway looked at itself, on a stream of the operator's own key"

_ROWS = (
    _ledger("sum", "the accounts do not sum to nothing", "the ledger"),
    _ledger("balance", "a balance is not the sum of its transfers", "an account"),
    _ledger("payment", "a job was paid twice, wrongly or without a proof, or a proof was not paid", "a task"),
    _ledger("escrow", "more left a task's escrow than was set aside", "a task"),
    _ledger("rest", "an ended task keeps money", "a task"),
    _ledger("quote", "an ended task's firm quote is open or keeps money", "a task"),
    IncidentKind(
        kind="invalid_proofs",
        signal="proofs of an operator that did not verify",
        threshold="5 in ten minutes, and one in twenty of its results",
        act=Act.QUARANTINE,
        does="the breakers of all its provers open, those of new names too: nothing is sold to it",
        told=(Told.ADMINISTRATORS, Told.OPERATOR),
        ends=Ends.BY_TIME,
        stranger=_LIES,
        subject="an operator",
        runbook="ProofgridInvalidProofs",
        first_ms=10 * MINUTE_MS,
        longest_ms=DAY_MS,
        forgotten_ms=7 * DAY_MS,
    ),
    IncidentKind(
        kind="false_claims",
        signal="claims of an operator that a gateway found to be false (docs/excuses.md)",
        threshold="5 in ten minutes",
        act=Act.QUARANTINE,
        does="as for invalid proofs",
        told=(Told.ADMINISTRATORS, Told.OPERATOR),
        ends=Ends.BY_TIME,
        stranger=_LIES,
        subject="an operator",
        runbook="ProofgridFalseClaims",
        first_ms=5 * MINUTE_MS,
        longest_ms=DAY_MS,
        forgotten_ms=7 * DAY_MS,
    ),
    IncidentKind(
        kind="equivocation",
        signal="two results of one lease, both signed by its operator, that contradict each other",
        threshold="one",
        act=Act.QUARANTINE,
        does="as for invalid proofs",
        told=(Told.ADMINISTRATORS, Told.OPERATOR),
        severity=Severity.PAGE,
        ends=Ends.BY_TIME,
        stranger="both results carry the operator's signature, and anybody can verify the evidence",
        subject="an operator",
        runbook="ProofgridFalseClaims",
        first_ms=HOUR_MS,
        longest_ms=7 * DAY_MS,
        forgotten_ms=30 * DAY_MS,
    ),
    IncidentKind(
        kind="engine_broken",
        signal="invalid proofs of one version of an engine, by operators that had proven 8 jobs before",
        threshold="3 operators in ten minutes, and half of those that handed in proofs by it",
        act=Act.STOP_ENGINE,
        does="it is stopped: refused, open tasks refunded; bundles that it made since are listed, to be distrusted",
        severity=Severity.PAGE,
        stranger="it takes half of the version's operators, each let in by an administrator and proven before",
        subject="an engine",
        runbook="ProofgridEngineBroken",
    ),
    IncidentKind(
        kind="engines",
        signal="a proof that one version of an engine accepted, and another one of it refuses",
        threshold="one",
        act=Act.TELL,
        does="nothing: nobody can tell which of the two is broken; `proofgrid admin engine stop` stops one",
        severity=Severity.PAGE,
        stranger="both looks are gateways' own",
        subject="two engines and a program",
        runbook="ProofgridEngineBroken",
    ),
    IncidentKind(
        kind="lane_starves",
        signal="the age of the oldest job of a lane that a connected prover would take at its price",
        threshold="ten minutes",
        act=Act.TELL,
        does="nothing: only a price or a machine could be changed, which are their owners', and a round is held anyway",
        ends=Ends.WHEN_OVER,
        stranger="nothing is done; who bids more than a lane can serve waits for himself",
        subject="a lane",
        runbook="ProofgridLaneStarves",
    ),
    IncidentKind(
        kind="token_abuse",
        signal="credentials that are good for nothing (tokens, API keys, sign-ins), from one network address",
        threshold="100 in a minute at one gateway",
        act=Act.BLOCK_ADDRESS,
        does="no gateway looks at credentials of strangers from there",
        told=(Told.ADMINISTRATORS, Told.CALLERS),
        ends=Ends.BY_TIME,
        stranger="an address is what the kernel says; known keys go on from there, so who shares it loses nothing",
        subject="a network address",
        runbook="ProofgridTokenAbuse",
        first_ms=MINUTE_MS,
        longest_ms=HOUR_MS,
        forgotten_ms=DAY_MS,
    ),
    IncidentKind(
        kind="audit_log",
        signal="the entries of the audit log, hashed again, against its signed checkpoints",
        threshold="one difference",
        act=Act.STOP_ADMINISTRATION,
        does="nothing that only administrators may change is changed, but incidents are closed and keys are taken",
        told=(Told.ADMINISTRATORS, Told.CALLERS),
        severity=Severity.PAGE,
        stranger="only who writes to the database past the gateways can make it",
        subject="the audit log",
        runbook="ProofgridAuditLogBroken",
    ),
    IncidentKind(
        kind="vault",
        signal="what the vault holds in the final block, against all that the ledger owes; a batch that is struck",
        threshold="a unit too little, or one",
        act=Act.STOP_BATCHES,
        does="the anchor makes no batch, so nothing new can be claimed; what is in force can be",
        severity=Severity.PAGE,
        stranger="only money that is brought into the ledger by hand, the guardian, or who writes past the gateways",
        subject="the vault",
        runbook="ProofgridVaultShort",
    ),
    IncidentKind(
        kind="key_compromised",
        signal="an administrator, or a key about itself, says that it is in other hands",
        threshold="one",
        act=Act.END_CREDENTIALS,
        does="its roles, API keys, sessions and streams end; an online key of the network counts no more",
        severity=Severity.PAGE,
        stranger="only an administrator and the key itself may say so",
        subject="a key",
        runbook="ProofgridKeyCompromised",
    ),
    IncidentKind(
        kind="database_slow",
        signal="how long a gateway waits for an answer of the database to a question of nothing",
        threshold="more than a second each, for 2.5 seconds together; an answer that is not there yet counts too",
        act=Act.SHED,
        does="the gateways that see it let no submissions and quotes in; results, payments and bundles go on",
        told=(Told.ADMINISTRATORS, Told.CALLERS),
        severity=Severity.PAGE,
        ends=Ends.WHEN_OVER,
        stranger="the gate lets in less before it comes to this (docs/decisions/0045), each client in turn",
        subject="the database",
        runbook="ProofgridSheds",
    ),
    IncidentKind(
        kind="store_slow",
        signal="how long the artifact store takes to keep and give back a few bytes, or that it cannot",
        threshold="two seconds, or an error, twice in a row",
        act=Act.SHED,
        does="as for the database",
        told=(Told.ADMINISTRATORS, Told.CALLERS),
        severity=Severity.PAGE,
        ends=Ends.WHEN_OVER,
        stranger="the probe is the gateway's own; uploads are paced and bounded for each caller",
        subject="the artifact store",
        runbook="ProofgridSheds",
    ),
    IncidentKind(
        kind="disk_full",
        signal="what is free on the disk of a gateway's data directory, and whether it takes a file of 4 MiB",
        threshold="less than 256 MiB, or it is refused",
        act=Act.SHED,
        does="as for the database",
        told=(Told.ADMINISTRATORS, Told.CALLERS),
        severity=Severity.PAGE,
        ends=Ends.WHEN_OVER,
        stranger="what a caller may store is bounded by quotas; it stops new work for everybody, and takes nobody's",
        subject="a disk",
        runbook="ProofgridSheds",
    ),
    IncidentKind(
        kind="certificate_ends",
        signal="the last day of the certificate of a gateway's port",
        threshold="less than seven days",
        act=Act.TELL,
        does="nothing: the certificate is its owner's; a new one in its place is served from the next connection on",
        ends=Ends.WHEN_OVER,
        stranger="only the gateway's own file is read",
        subject="a certificate",
        runbook="ProofgridCertificateEnds",
    ),
    IncidentKind(
        kind="clock_skew",
        signal="a gateway's clock against the database's",
        threshold="two seconds more than asking takes, three times in a row",
        act=Act.STOP_LEADING,
        does="that gateway holds no rounds until its clock is right, as long as another one lives to lead",
        ends=Ends.WHEN_OVER,
        stranger="each gateway reads its own clock",
        subject="a gateway",
        runbook="ProofgridClockSkew",
    ),
    IncidentKind(
        kind="region_silent",
        signal="the provers of one region that were serving lately",
        threshold="3 of 2 operators and more, and none is heard for six seconds",
        act=Act.TELL,
        does="nothing more: each was sold nothing after 4.5 s of silence, and its leases were taken back after six",
        ends=Ends.WHEN_OVER,
        stranger="a region is what operators say of themselves; nothing is done to it",
        subject="a region",
        runbook="ProofgridProversLost",
    ),
)

KINDS: dict[str, IncidentKind] = {row.kind: row for row in _ROWS}
"""Every kind by its name, in the order in which people read them."""


def kind_of(name: str) -> IncidentKind:
    """Return the kind of that name; of one that this release does not know: it is told, and ends by hand."""
    known = KINDS.get(name)
    if known is not None:
        return known
    return IncidentKind(
        kind=name,
        signal="not known to this release",
        threshold="",
        act=Act.TELL,
        does="what its row says",
        stranger="it was written by a hand or by another release",
        subject="",
    )
