"""Who may go by a prover's name: one live session has it, and a second one is refused.

    hello of the same run            its older stream is dead, or soon will be      -> replaces it at once
    hello by the same session secret restarted, or copied with its disk             -> after `RESTART_BEATS` of silence
    hello of anybody else            another machine, or one that lost its folder   -> after the limit of silence

A session that was closed is nobody's: whoever is killed and starts again finds the name free, as its stream broke.
A *session secret* is a key in a prover's folder. A *run* is one life of its process, named by chance, in memory only:
a copy of the disk has the secret and not the run, so of two copies the one that lives keeps the name.
A copy of the operator's key has neither.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.errors import BadToken, InvalidField, NameTaken
from proofgrid.primitives.ids import Address, ProverId
from proofgrid.primitives.signatures import parse_address, signer_of

RESTART_BEATS = 2.5  #: a process that lives is heard once in each

_RUN = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallId:
    """Which call a hello belongs to, as its token says: the token itself is made of the hello, and comes after it."""

    operator: Address
    network: Address
    gateway: str
    nonce: str  #: the token's `jti`, which is used up


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedSession:
    """What a hello says of the process that sends it."""

    key: str  #: address of the session secret
    run: str
    signature: str  #: by the session secret, over `session_statement`


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a hello comes from, as its door found out."""

    peer: str = ""  #: its network address
    key: str = ""  #: address of the session secret that signed it; empty: nobody did
    run: str = ""


@dataclass(frozen=True, slots=True)
class OpenSession:
    """The session that has a prover's name, by the database's clock."""

    peer: str
    key: str
    run: str
    opened_ms: int
    seen_ms: int
    now_ms: int


def session_statement(*, name: str, run: str, call: CallId) -> bytes:
    """Return what a session secret signs: a call is made once, by one operator at one gateway: nobody replays it."""
    said = {
        "for": "proofgrid session",
        "name": name,
        "run": run,
        "operator": call.operator,
        "network": call.network,
        "gateway": call.gateway,
        "nonce": call.nonce,
    }
    return canonical_json(said)


def origin_of(signed: SignedSession | None, *, name: str, call: CallId, peer: str) -> Origin:
    """Return where a hello comes from. Raises BadToken when its session secret did not sign it, or InvalidField."""
    if signed is None:
        return Origin(peer=peer)
    key: Address = parse_address(signed.key, field="session_key")
    if not _RUN.fullmatch(signed.run):
        raise InvalidField("a run is 32 hex digits", field="run")
    if signer_of(session_statement(name=name, run=signed.run, call=call), signed.signature) != key:
        raise BadToken("the hello is not signed by the session secret that it names", field="session_signature")
    return Origin(peer=peer, key=key, run=signed.run)


def check_name(prover: ProverId, taken: OpenSession, origin: Origin, *, heartbeat_ms: int, silent_ms: int) -> None:
    """Raise NameTaken, with how long to wait, unless a hello may replace the session that has its name."""
    limit_ms = silence_needed_ms(taken, origin, heartbeat_ms=heartbeat_ms, silent_ms=silent_ms)
    silence_ms = max(0, taken.now_ms - taken.seen_ms)
    if silence_ms >= limit_ms:
        return
    raise NameTaken(
        f"a prover {prover.rpartition('/')[2]} of this operator is connected"
        f"{f' from {taken.peer}' if taken.peer else ''}"
        f" for {_age(taken.now_ms - taken.opened_ms)}, last heard {silence_ms / 1000:.1f} s ago",
        field="name",
        hint="give every machine a name of its own: --name",
        wait_ms=limit_ms - silence_ms,
    )


def silence_needed_ms(taken: OpenSession, origin: Origin, *, heartbeat_ms: int, silent_ms: int) -> int:
    """Return for how long nothing must have been heard in a session before this hello may replace it."""
    if taken.key != origin.key:
        return silent_ms
    if taken.key and taken.run == origin.run:
        return 0
    # Provers of earlier versions have no secrets: they are told apart by their silence alone, as copies are.
    return min(round(RESTART_BEATS * heartbeat_ms), silent_ms)


def _age(milliseconds: int) -> str:
    seconds = max(0, milliseconds) // 1000
    for unit, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds // unit} {name}"
    return f"{seconds} s"
