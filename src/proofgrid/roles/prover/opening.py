"""Opens the inputs that were sealed for this prover, and says of a sealed job no more than that it failed."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.primitives.errors import JobCrashed, ProofgridError
from proofgrid.primitives.ids import Address, ProverId
from proofgrid.primitives.last_words import without_last_words
from proofgrid.primitives.sealing_errors import SealBroken
from proofgrid.roles.prover.sealing_keys import SealingKeys
from proofgrid.rules.jobs.offers import LeaseOffer
from proofgrid.rules.jobs.sealing import LeaseSeal, SealContext, open_seal, unlock_input


@dataclass(frozen=True, slots=True)
class Opener:
    """Has the keys of a prover's folder."""

    keys: SealingKeys
    prover: ProverId

    def open(self, lease: LeaseOffer, seal: LeaseSeal, locked: bytes, *, network: str) -> bytes:
        """Return a lease's input; raise SealBroken where it was sealed for others, or for something else.

        Program and slice are those that are going to be proven here: whoever hands this input out with others learns
        that it does not open.
        """
        key = self.keys.find(seal.key_id)
        if key is None:
            raise SealBroken("it was sealed for no key of this prover's folder, or for one that it has forgotten")
        context = SealContext(
            network=Address(network), client=seal.client, request=seal.request, program=lease.program_digest
        )
        secret = open_seal(seal.sealed, key, context, prover=self.prover, commitment=seal.commitment)
        return unlock_input(secret, locked, context, slice_index=lease.slice_index, input_index=seal.input_index)


def told_of(error: ProofgridError, lease: LeaseOffer) -> str:
    """Return what is said of a job that failed: of a sealed one nothing that its engine said, which may hold inputs."""
    if lease.seal is not None and isinstance(error, JobCrashed):
        return f"{error.code} {without_last_words(error.detail)}"
    return str(error)
