"""Whose a program is, and who may use it: its owners, and whom one of them shares it with.

An audience is everybody (`*`), one key by its address, or the clients of a subnetwork (`subnetwork:NAME`), in its
lanes only. Sharing lets others prove with a program; its source and its proving keys stay with its owners and with the
provers that need them. What verifiers need, its identity and its verifying keys, is everybody's from the start.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from proofgrid.primitives.errors import InvalidField, NotAllowed, UnknownProgram
from proofgrid.primitives.ids import Address
from proofgrid.primitives.signatures import parse_address
from proofgrid.rules.access.subnetworks import parse_subnetwork

EVERYBODY = "*"
SUBNETWORK_PREFIX = "subnetwork:"
AUDIENCES_MAX = 256  #: of one program and owner
_HINT = "an address, subnetwork:NAME, or * for everybody"
_MANY = "a subnetwork has any number of members"

PRIVATE, SHARED, PUBLIC = "private", "shared", "public"


@dataclass(frozen=True, slots=True)
class ProgramAccess:
    """What connects one key with one program; `audiences`: those of the program's that the key belongs to."""

    is_owner: bool = False
    audiences: frozenset[str] = field(default_factory=frozenset)

    @property
    def sees(self) -> bool:
        """Is the program listed for this key, with its label and summary?"""
        return self.is_owner or bool(self.audiences)


def parse_audience(text: str, *, field: str = "audience") -> str:
    """Return an audience in the one way it is spelled; raise InvalidField for anything else."""
    if text == EVERYBODY:
        return text
    if text.startswith(SUBNETWORK_PREFIX):
        return SUBNETWORK_PREFIX + parse_subnetwork(text.removeprefix(SUBNETWORK_PREFIX), field=field)
    try:
        return parse_address(text, field=field)
    except InvalidField:
        raise InvalidField(f"{text[:64]!r} is no audience", field=field, hint=_HINT) from None


def checked_audiences(texts: Iterable[str], *, beside: frozenset[str] = frozenset()) -> frozenset[str]:
    """Return audiences as they are spelled; raise InvalidField for none, or too many `beside` those there are."""
    audiences = frozenset(parse_audience(text, field="audiences") for text in islice(texts, AUDIENCES_MAX + 1))
    if not audiences:
        raise InvalidField("whom to share it with?", field="audiences", hint=_HINT)
    if len(audiences | beside) > AUDIENCES_MAX:
        raise InvalidField(f"a program is shared with at most {AUDIENCES_MAX} audiences", field="audiences", hint=_MANY)
    return audiences


def visibility_of(audiences: frozenset[str]) -> str:
    """Return how visible a program is whose owner shares it with these."""
    if EVERYBODY in audiences:
        return PUBLIC
    return SHARED if audiences else PRIVATE


def may_use(access: ProgramAccess, reader: Address, *, subnetwork: str) -> bool:
    """Tell whether a key may have the program proven in the lanes of a subnetwork."""
    return access.is_owner or bool(access.audiences & {EVERYBODY, reader, SUBNETWORK_PREFIX + subnetwork})


def check_may_use(access: ProgramAccess | None, reader: Address, *, subnetwork: str) -> None:
    """Raise UnknownProgram where nobody owns the program (None), NotAllowed where the key may not use it there."""
    if access is None:
        raise UnknownProgram("no such program is registered", field="program_digest", hint="register it first")
    if may_use(access, reader, subnetwork=subnetwork):
        return
    if access.audiences:
        shared = ", ".join(sorted(audience.removeprefix(SUBNETWORK_PREFIX) for audience in access.audiences))
        raise NotAllowed(
            f"this program is shared with the subnetwork {shared}, in its lanes only",
            field="subnetwork",
            hint="name that subnetwork: --subnetwork",
        )
    raise NotAllowed(
        "this program is private, and its owner has not shared it with you",
        field="program_digest",
        hint=f"its owner can: proofgrid program share DIGEST --with {reader}; or register the same content yourself",
    )
