"""Proof systems: what each proves, what proves it, and in which versions it is offered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proofgrid.proofs.base import SystemDescription
from proofgrid.rules.jobs.engines import system_of, version_of
from proofgrid.store.engines import ShownEngine


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineLine:
    """A version of what proves a system."""

    version: str
    provers: int
    slots: int
    busy: int
    programs: int
    stopped_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemCard:
    """One proof system."""

    name: str
    engine: str
    program_format: str
    settings: Sequence[tuple[str, str]]
    engines: Sequence[EngineLine]

    @property
    def is_offered(self) -> bool:
        return any(one.provers and not one.stopped_reason for one in self.engines)


def system_cards(described: Sequence[SystemDescription], engines: Sequence[ShownEngine]) -> list[SystemCard]:
    """Return every proof system that this gateway has: those that somebody offers first, by name within."""
    cards = [
        SystemCard(
            name=one.name,
            engine=one.engine,
            program_format=one.program_format,
            settings=sorted(one.settings_help.items()),
            engines=[_line(engine) for engine in engines if system_of(engine.engine) == one.name],
        )
        for one in described
    ]
    return sorted(cards, key=lambda card: (not card.is_offered, card.name))


def _line(engine: ShownEngine) -> EngineLine:
    return EngineLine(
        version=version_of(engine.engine) or "any",
        provers=engine.provers,
        slots=engine.slots,
        busy=engine.slots_busy,
        programs=engine.programs,
        stopped_reason=engine.stopped_reason,
    )
