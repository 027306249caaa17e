"""What is said of what a machine talks to: the database, the artifact store, the gateway."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from proofgrid.rules.diagnosis.finding import Finding, fault, good, note

POSTGRES_LEAST, POSTGRES_BEST = 14, 17  #: from 17 on a transaction that is cut off ends by itself
CLOCK_NOTE_MS, CLOCK_FAULT_MS = 1_000, 30_000  #: tokens are good for two minutes, leases renewed each second
CONNECTIONS_OF_OTHERS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFacts:
    """PostgreSQL, as it answered."""

    where: str  #: without its password
    problem: str = ""  #: it did not answer
    major: int = 0
    ahead_ms: int = 0  #: its clock, of ours
    connections_max: int = 0
    connections_wanted: int = 0
    commits_are_kept: bool = True  #: synchronous_commit
    is_encrypted: bool = True  #: or on this machine
    is_newer: bool = False  #: a later release made tables there
    pending: int = 0  #: migrations that this release will apply


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFacts:
    """An artifact store: something was written, read back and removed."""

    setting: str
    where: str
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayFacts:
    """The gateway that a client or prover calls."""

    where: str
    problem: str = ""
    version: str = ""
    ours: str = ""
    for_development: bool = False


def judge_database(facts: DatabaseFacts) -> Iterator[Finding]:
    """Yield what is said of the database."""
    if facts.problem:
        yield fault(
            "database", f"{facts.where}: {facts.problem}", "--dsn postgresql://USER:PASSWORD@HOST/DATABASE that answers"
        )
        return
    if facts.major < POSTGRES_LEAST:
        yield fault(
            "database",
            f"PostgreSQL {facts.major} is too old",
            f"PostgreSQL {POSTGRES_LEAST} or newer; {POSTGRES_BEST} is best",
        )
    elif facts.major < POSTGRES_BEST:
        yield note(
            "database", f"PostgreSQL {facts.major} at {facts.where}; {POSTGRES_BEST} ends what was cut off by itself"
        )
    else:
        yield good("database", f"PostgreSQL {facts.major} at {facts.where}")
    yield from _schema(facts)
    yield _database_clock(facts.ahead_ms)
    if facts.connections_max < facts.connections_wanted + CONNECTIONS_OF_OTHERS:
        yield fault(
            "database",
            f"{facts.connections_max} connections, and this gateway wants {facts.connections_wanted}",
            f"ALTER SYSTEM SET max_connections = {facts.connections_wanted + 10 * CONNECTIONS_OF_OTHERS}",
        )
    if not facts.commits_are_kept:
        yield fault(
            "database",
            "synchronous_commit is off: an acknowledged task may be lost",
            "ALTER SYSTEM SET synchronous_commit = on",
        )
    if not facts.is_encrypted:
        yield note("database", "the connection to another machine is plain text", "sslmode=verify-full in the DSN")


def _schema(facts: DatabaseFacts) -> Iterator[Finding]:
    if facts.is_newer:
        yield fault("schema", "a later release of proofgrid made these tables", "pip install --upgrade proofgrid")
    elif facts.pending:
        yield note("schema", f"{facts.pending} migrations will be applied at the next start")
    else:
        yield good("schema", "as this release has it")


def _database_clock(ahead_ms: int) -> Finding:
    said = f"the database's clock is {abs(ahead_ms)} ms {'ahead' if ahead_ms > 0 else 'behind'}"
    if abs(ahead_ms) >= CLOCK_FAULT_MS:
        return fault(
            "database clock", f"{said}: leases and tokens would end early", "timedatectl set-ntp true, on both machines"
        )
    if abs(ahead_ms) >= CLOCK_NOTE_MS:
        return note("database clock", said, "timedatectl set-ntp true, on both machines")
    return good("database clock", said)


def judge_store(facts: StoreFacts) -> Finding:
    """Return what is said of an artifact store."""
    if facts.problem:
        flag = facts.setting.replace("_", "-")
        return fault(
            "artifacts", f"{facts.where}: {facts.problem}", f"--{flag} that can be written and read; AWS_… for buckets"
        )
    return good("artifacts", f"{facts.where}: written, read back and removed")


def judge_gateway(facts: GatewayFacts) -> Iterator[Finding]:
    """Yield what is said of the gateway that is called."""
    if facts.problem:
        yield fault(
            "gateway", f"{facts.where}: {facts.problem}", "proofgrid gateway starts one; --gateway names another"
        )
        return
    if facts.version.split(".")[:2] != facts.ours.split(".")[:2]:
        yield note(
            "gateway",
            f"{facts.where} runs {facts.version}, this is {facts.ours}",
            f"pip install proofgrid=={facts.version}",
        )
    else:
        yield good("gateway", f"{facts.where} serves, proofgrid {facts.version}")
    if facts.for_development:
        yield note("gateway", "its reference string is for development: its maker could forge proofs")
