"""Makes lies that an operator signed, of one job of the toy proof system; each argument changes one thing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.proofs.base import JobOutput, ProgramFiles
from proofgrid.proofs.bundles.evidence import SignedLie
from proofgrid.proofs.manifest import program_to_json
from proofgrid.rules.staking.results import ResultClaim, public_digest, public_text, sign_result
from tests.makers import a_key
from tests.proofs.bundles.makers import NETWORK
from tests.toy_system import ToySystem

OPERATOR = a_key(2)
OTHER_PUBLIC = public_digest({"other": 1})
Files = tuple[ProgramFiles, dict[str, Any], JobOutput]


def a_proven_job(folder: Path) -> Files:
    """Return a toy program, the facts of its first job, and the right proof of it."""
    toy = ToySystem()
    built = toy.build_program({}, {"slices": 1}, trust={}, workdir=folder, report=lambda *_: None)
    (job,) = toy.normalise(built, ["hello"], workdir=folder).jobs
    output = toy.run_job(built, 0, job.input, cache=folder, workdir=folder, report=lambda *_: None)
    return built, dict(job.facts), output


def a_lie(files: Files, *, proof: bytes = b"no proof", other_public: str = OTHER_PUBLIC, **changes: Any) -> SignedLie:
    """Return an invalid proof, or an equivocation; `other_public`: of the second result, '' for the same."""
    built, facts, output = files
    claim = ResultClaim(
        network=NETWORK.address,
        lease_id="lease",
        fence=1,
        job_id="job",
        program=built.program.digest,
        slice=0,
        proof=digest_of(proof),
        public=public_digest(output.public),
    )
    row: dict[str, Any] = {
        "kind": "invalid_proof",
        "network": NETWORK.address,
        "operator": OPERATOR.address,
        "claim": claim.text,
        "signature": sign_result(claim, OPERATOR),
        "other_claim": "",
        "other_signature": "",
        "public": public_text(output.public),
        "facts": json.dumps(facts),
        "manifest": program_to_json(built.program),
    }
    if changes.get("kind") == "equivocation":
        other = replace(claim, proof=digest_of(b"other"), public=other_public or claim.public)
        row |= {"other_claim": other.text, "other_signature": sign_result(other, OPERATOR)}
    return SignedLie(**(row | changes))


def contents_of(files: Files, *, proof: bytes = b"no proof") -> dict[Digest, bytes | Path]:
    """Return what a file of evidence holds beside its record."""
    built, _, _ = files
    return {digest_of(proof): proof} | {digest: built.paths[name] for name, digest in built.program.files.items()}
