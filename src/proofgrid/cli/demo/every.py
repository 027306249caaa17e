"""`proofgrid demo --all`: the table of its requests and provers, of which those are there that work on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from proofgrid.cli.demo.digits import demo_model, read_digit
from proofgrid.cli.demo.factors import known_factors, linked_squares, two_numbers
from proofgrid.cli.demo.seen_digit import SeenDigit
from proofgrid.cli.demo.subject import Subject
from proofgrid.primitives.errors import InvalidField, ProofgridError
from proofgrid.proofs.registry import missing_systems, proof_system, proven_names
from proofgrid.proofs.setup import FindsRoot, setups_of


@dataclass(frozen=True, slots=True)
class Offer:
    """A prover of the demo."""

    operator: str
    name: str
    ask: int  #: base units per PU
    systems: tuple[str, ...] = ()  #: none: all


OFFERS = (Offer("alice", "alice-1", 700), Offer("alice", "alice-2", 800), Offer("bob", "bob-1", 900))
OFFERS_BY_SYSTEM = (
    Offer("alice", "alice-1", 700, ("ezkl",)),
    Offer("alice", "alice-2", 800, ("groth16", "plonk")),
    Offer("bob", "bob-1", 900, ("noir", "miden")),
)


def lacking_here() -> dict[str, ProofgridError]:
    """Return the proof systems that do not work here, or have no trust root that only a ceremony makes, and why."""
    lacking: dict[str, ProofgridError] = {**missing_systems()}
    for name in proven_names():
        for setup in setups_of(proof_system(name)):
            if isinstance(setup, FindsRoot) and setup.find() is None:
                rule = f"{name} rests on points of a ceremony, {setup.kind}, that are not here"
                lacking[name] = InvalidField(rule, field="srs", hint=f"see docs/{name}.md, Once per machine")
    return lacking


def _digit() -> Subject:
    return SeenDigit(model=demo_model("digits"), digit=read_digit(7), number=7)


#: The first four are what the demo is for; the others come where they can.
_SUBJECTS: Sequence[Callable[[], Subject]] = (
    _digit,
    two_numbers,
    lambda: known_factors("noir"),
    linked_squares,
    lambda: known_factors("plonk", name="factors-plonk"),
    lambda: known_factors("miden", name="factors-miden"),
)


def subjects_here(missing: Iterable[str]) -> list[Subject]:
    """Return the subjects that can be proven where some proof systems are `missing`."""
    lacking = set(missing)
    return [subject for subject in (make() for make in _SUBJECTS) if not lacking & set(subject.provers)]


def offers_here(missing: Iterable[str]) -> list[Offer]:
    """Return the provers, each with the systems that are there; one that has none is left out."""
    lacking = set(missing)
    kept = [(offer, tuple(one for one in offer.systems if one not in lacking)) for offer in OFFERS_BY_SYSTEM]
    return [Offer(offer.operator, offer.name, offer.ask, systems) for offer, systems in kept if systems]
