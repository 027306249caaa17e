"""What a prover signs with every result: which proof it handed in for which lease, so a lie can be shown to all.

Proofs are randomised: whoever proves a job twice has two different proofs, and both are right. What cannot be right
twice is two different sets of public values for one lease; that is an equivocation, whatever the bytes of the proofs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.primitives.reading import read_integer, read_json, read_object, read_text
from proofgrid.primitives.signatures import Signer, signer_of
from proofgrid.rules.jobs.offers import JobReport

_DOMAIN = b"proofgrid result 1 "
_MEMBERS = ("network", "lease_id", "fence", "job_id", "program", "slice", "proof", "public")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultClaim:
    """One result, as its operator stands for it."""

    network: str  #: address of the network's key
    lease_id: str
    fence: int
    job_id: str
    program: str  #: digest
    slice: int
    proof: str  #: digest of the proof's bytes
    public: str  #: digest of the public values, see `public_digest`

    @property
    def message(self) -> bytes:
        """What is signed."""
        return _DOMAIN + canonical_json(asdict(self))

    @property
    def text(self) -> str:
        """The claim as canonical JSON."""
        return canonical_json(asdict(self)).decode()


def claim_of(
    report: JobReport, *, network: str, fence: int, job_id: str, program: str, slice_index: int
) -> ResultClaim:
    """Return what its operator has to have signed for a result that came for a lease of this job and fence."""
    return ResultClaim(
        network=network,
        lease_id=str(report.held.lease_id),
        fence=fence,
        job_id=job_id,
        program=program,
        slice=slice_index,
        proof=report.proof_digest or digest_of(report.proof),
        public=public_digest(report.public),
    )


def sign_result(claim: ResultClaim, key: Signer) -> str:
    """Return the operator's signature."""
    return key.sign(claim.message)


def is_signed(claim: ResultClaim, signature: str, operator: Address | str) -> bool:
    """Did this operator sign it?"""
    return bool(signature) and signer_of(claim.message, signature) == operator


def differ(first: ResultClaim, second: ResultClaim) -> bool:
    """Do they name two different results of one and the same lease, if only other bytes for the same proof?"""
    same_lease = (first.network, first.lease_id, first.fence) == (second.network, second.lease_id, second.fence)
    return same_lease and first != second


def contradict(first: ResultClaim, second: ResultClaim) -> bool:
    """Do they say different things of one and the same lease: other public values, or of another job?"""
    return differ(first, replace(second, proof=first.proof))


def public_text(public: Mapping[str, object]) -> str:
    """Spell public values; floats as Python does, for proof systems may have some."""
    return json.dumps(dict(public), sort_keys=True, separators=(",", ":"))


def public_digest(public: Mapping[str, object]) -> Digest:
    """Return the digest of public values."""
    return digest_of(public_text(public).encode())


def claim_from_text(text: str) -> ResultClaim:
    """Return the claim that a canonical text holds; raise InvalidField."""
    try:
        said = read_object(read_json(text.encode(), field="claim"), _MEMBERS, "claim")
        claim = ResultClaim(
            network=read_text(said["network"], "network"),
            lease_id=read_text(said["lease_id"], "lease_id"),
            fence=read_integer(said["fence"], "fence"),
            job_id=read_text(said["job_id"], "job_id"),
            program=read_text(said["program"], "program"),
            slice=read_integer(said["slice"], "slice"),
            proof=read_text(said["proof"], "proof"),
            public=read_text(said["public"], "public"),
        )
        if claim.text == text:
            return claim
    except (InvalidField, UnicodeEncodeError):
        pass
    raise InvalidField("no signed result in its one spelling", field="claim")
