"""The parts that a task's proof is put together from."""

from __future__ import annotations

from proofgrid.proofs.base import JobOutput, PartialProof
from proofgrid.rules.jobs.limits import PROOF_BYTES_MAX
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.combining import ProvenJob


async def read_part(artifacts: ArtifactStore, job: ProvenJob) -> PartialProof:
    """Return what a job has proven, out of its row or the store. Raises ArtifactMissing, ArtifactCorrupt."""
    proof = job.small_proof
    if proof is None:
        proof = await artifacts.read_bytes(job.proof_digest, limit_bytes=PROOF_BYTES_MAX)
    output = JobOutput(proof=proof, public=job.public)
    return PartialProof(slice_index=job.slice, input_index=job.input, output=output)
