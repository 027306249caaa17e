"""What slashes are based on: operators see theirs and appeal, administrators answer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from uuid import UUID

import structlog

from proofgrid.primitives.distant import in_turn_of
from proofgrid.primitives.errors import InvalidField, UnknownEvidence
from proofgrid.primitives.ids import Address
from proofgrid.primitives.pages import Page, before_uuid, page_of
from proofgrid.proofs.bundles.evidence import SignedLie, evidence_record, seal_record
from proofgrid.roles.intake.bond_moves import resolve_appeal, write_appeal
from proofgrid.roles.intake.bonds import OTHERS
from proofgrid.rules.access.rights import needs, own_or_admin
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.identity.key_list import Purpose
from proofgrid.rules.identity.network_keys import NetworkKeys
from proofgrid.rules.jobs.limits import list_limit
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.database import Database
from proofgrid.store.evidence import EVIDENCE_TO_SEAL, GET_EVIDENCE, LIST_EVIDENCE, Evidence, EvidenceToSeal

TEXT_CHARS_MAX = 4_000
PROOF_BYTES_MAX = 12 << 20  #: of one answer
STATES = ("", "stands", "appealed", "upheld", "overturned")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedEvidence:
    """Evidence as anybody can verify it; empty where nothing was signed or proven."""

    evidence: Evidence
    record: bytes  #: what the network signs
    signature: str
    keys: str  #: the list that names the key of the signature; empty: the root key, or nothing was signed
    proof: bytes


class EvidenceDesk:
    """An operator has its own evidence, an administrator sees all. Raises UnknownEvidence for any other."""

    def __init__(self, database: Database, artifacts: ArtifactStore, keys: NetworkKeys) -> None:
        self._database = database
        self._artifacts = artifacts
        self._keys = keys

    @needs(Role.OPERATOR, Role.ADMIN)
    async def list_for(
        self, caller: Caller, operator: Address | None, *, state: str, limit: int, cursor: str = ""
    ) -> Page[Evidence]:
        """Return the newest evidence against an operator, or against everybody when an administrator names none.

        Raises NotAllowed for another operator's, InvalidField for a state that there is not; empty means any.
        """
        if state not in STATES:
            raise InvalidField(f"no state {state!r}", field="state", hint=", ".join(STATES[1:]))
        whose = own_or_admin(caller, operator, refusal=OTHERS, field="operator")
        if operator is None and caller.is_admin:
            whose = Address("")
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                LIST_EVIDENCE,
                operator=whose,
                state=state,
                **before_uuid(cursor, "evidence"),
                limit=list_limit(limit) + 1,
            )
        return page_of(
            rows, limit=list_limit(limit), of="evidence", place=lambda one: (one.at_ms, str(one.evidence_id))
        )

    @needs(Role.OPERATOR, Role.ADMIN)
    async def get(self, caller: Caller, evidence_id: UUID) -> SealedEvidence:
        """Return one piece of evidence with everything that shows it to others, if there is such."""
        evidence = await self._read(caller, evidence_id)
        async with self._database.connection() as connection:
            lie = await connection.value(EVIDENCE_TO_SEAL, evidence_id=evidence_id)
        record = evidence_record(_signed_lie(lie)) if lie.claim else b""
        voice = self._keys.voice(Purpose.BUNDLES)
        return SealedEvidence(
            evidence=evidence,
            record=record,
            signature=await in_turn_of(voice.signer, partial(seal_record, record, voice)) if record else "",
            keys=voice.beside.text if record and voice.beside else "",
            proof=await self._proof(lie),
        )

    @needs(Role.OPERATOR, once=True)
    async def appeal(self, caller: Caller, evidence_id: UUID, text: str) -> Evidence:
        """Say why a slash is wrong, once; only the operator that was slashed may."""
        await self._read(caller, evidence_id, only_own=True)
        await write_appeal(self._database, evidence_id, _checked_text(text, field="text"))
        return await self._read(caller, evidence_id)

    @needs(Role.ADMIN, once=True)
    async def resolve(self, caller: Caller, evidence_id: UUID, *, overturned: bool, answer: str) -> Evidence:
        """Answer an appeal: uphold the slash, or give back what it took as far as the treasury can."""
        await self._read(caller, evidence_id)
        answer = _checked_text(answer, field="answer")
        await resolve_appeal(self._database, evidence_id, overturned=overturned, answer=answer)
        log.info("appeal_resolved", evidence=str(evidence_id), overturned=overturned, by=caller.address)
        return await self._read(caller, evidence_id)

    async def _read(self, caller: Caller, evidence_id: UUID, *, only_own: bool = False) -> Evidence:
        async with self._database.connection() as connection:
            evidence = await connection.first(GET_EVIDENCE, evidence_id=evidence_id)
        may_see_all = caller.is_admin and not only_own
        if evidence is None or (evidence.operator != caller.address and not may_see_all):
            raise UnknownEvidence(field="evidence_id")
        return evidence

    async def _proof(self, lie: EvidenceToSeal) -> bytes:
        if lie.proof is not None:
            return lie.proof
        if lie.proof_digest is not None:
            return await self._artifacts.read_bytes(lie.proof_digest, limit_bytes=PROOF_BYTES_MAX)
        return b""


def _signed_lie(lie: EvidenceToSeal) -> SignedLie:
    return SignedLie(
        kind=lie.kind,
        network=lie.network,
        operator=lie.operator,
        claim=lie.claim,
        signature=lie.signature,
        other_claim=lie.other_claim,
        other_signature=lie.other_signature,
        public=lie.public,
        facts=lie.facts,
        manifest=lie.manifest,
    )


def _checked_text(text: str, *, field: str) -> str:
    if not text.strip() or len(text) > TEXT_CHARS_MAX:
        raise InvalidField(f"1 to {TEXT_CHARS_MAX} characters", field=field)
    return text
