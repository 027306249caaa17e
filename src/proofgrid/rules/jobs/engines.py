"""Engines: a proof system by one version of what proves it, as lanes, asks and programs name it.

    engine    system@version, such as groth16@gnark-0.14.0; the system alone, where no version is told
    stack     subnetwork/engine: every version has a market of its own, as every proof system has

What an engine made, another version need not take, so orders of two versions never meet: nothing that one of them is
offered or asked for moves the other (dara.md, section 7). A prover that runs several serves several stacks.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.engine_errors import EngineNotHere, EngineNotOffered, EngineStopped
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Engine

VERSION_CHARS_MAX = 64
SYSTEM_CHARS_MAX = 64
REASON_CHARS_MAX = 500

_ODD = re.compile(r"[^a-z0-9.+_-]+")
_ENGINE = re.compile(rf"[a-z0-9.+_-]{{1,{SYSTEM_CHARS_MAX}}}(@[a-z0-9.+_-]{{1,{VERSION_CHARS_MAX}}})?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownEngine:
    """An engine that built a program, and how it stands in the network."""

    engine: Engine
    stopped: str | None = None  #: why an administrator stopped it
    is_offered: bool = False  #: by a connected prover
    others_are_offered: bool = False  #: other versions of its proof system are


def engine_of(system: str, told: str) -> Engine:
    """Return the engine of a proof system that says `told` of what proves it, such as "ezkl 23.0.5".

    The version is what is told, without the system's own name, in small letters, what is odd as hyphens; a long one
    ends in its digest. A system that tells nothing has no version.
    """
    version = _ODD.sub("-", told.lower().removeprefix(f"{system.lower()} ")).strip("-")
    if len(version) > VERSION_CHARS_MAX:
        version = f"{version[: VERSION_CHARS_MAX - 17]}-{digest_of(version.encode())[:16]}"
    return Engine(f"{system}@{version}" if version and version != system.lower() else system)


def system_of(engine: str) -> str:
    """Return the proof system of an engine."""
    return engine.partition("@")[0]


def version_of(engine: str) -> str:
    """Return the version of an engine; empty where it has none."""
    return engine.partition("@")[2]


def engine_of_lane(lane: str) -> Engine:
    """Return the engine whose jobs are sold in a lane, or in the lanes of a stack."""
    return Engine(lane.split("/")[1])


def parse_engine(text: str, *, field: str) -> Engine:
    """Return the engine named `text`; raise InvalidField for what can be none."""
    if not _ENGINE.fullmatch(text):
        raise InvalidField(f"{text[:200]!r} is no engine", field=field, hint="like groth16@gnark-0.14.0")
    return Engine(text)


def check_reason(text: str) -> str:
    """Return why an engine is stopped, without blanks around it; raise InvalidField when it says nothing."""
    reason = " ".join(text.split())
    if not 1 <= len(reason) <= REASON_CHARS_MAX or not reason.isprintable():
        raise InvalidField(f"1 to {REASON_CHARS_MAX} characters: clients and operators read it", field="reason")
    return reason


def choose_engine(known: Sequence[KnownEngine], *, here: Collection[str] | None) -> Engine:
    """Return the engine that a program's new jobs go to; `known`: those of one system that built it, the newest first.

    `here`: those whose proofs this gateway can verify; None: all. Of those that are here and not stopped, the newest
    that somebody offers; while no prover of the proof system is connected at all, the newest.
    Raises EngineNotHere, EngineStopped, or EngineNotOffered where provers of other versions only are connected.
    """
    at_hand = [one for one in known if here is None or one.engine in here]
    if not at_hand:
        raise EngineNotHere(
            f"the program was built by {_told(known[0].engine)}, which this gateway does not run"
            f"{_runs(system_of(known[0].engine), here or ())}",
            field="program_digest",
            hint="register it again here, or ask a gateway that runs its version",
        )
    running = [one for one in at_hand if one.stopped is None]
    if not running:
        raise stopped(at_hand[0].engine, at_hand[0].stopped or "", field="program_digest")
    for one in running:
        if one.is_offered:
            return one.engine
    if any(one.others_are_offered for one in running):
        raise EngineNotOffered(
            f"the program was built by {_told(running[0].engine)}, and no connected prover runs it;"
            " those that are connected run other versions",
            field="program_digest",
            hint="register the program again to have it built by a version that is offered: proofgrid status",
        )
    return running[0].engine


def stopped(engine: Engine, reason: str, *, field: str) -> EngineStopped:
    """Return the error for what would need a stopped engine."""
    return EngineStopped(
        f"{_told(engine)} was stopped by an administrator: {reason}",
        field=field,
        hint="wait until it is resumed, or register the program where another version builds it",
    )


def _told(engine: str) -> str:
    version = version_of(engine)
    return f"{system_of(engine)} {version}" if version else engine


def _runs(system: str, here: Collection[str]) -> str:
    own = sorted(version_of(one) for one in here if system_of(one) == system and version_of(one))
    return f": it runs {', '.join(own)}" if own else ""
