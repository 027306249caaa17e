"""For systems whose batch is one job per input: chains of one slice (`chains`), of which less has to be said."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.proofs.base import ProgramFiles
from proofgrid.proofs.kit.chains import ChainPerInput, TakenChain, TakenSlice


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenInput:
    """One input of a request, as a system takes it."""

    shown: Json  #: what of it is public; stands in the statement
    job_input: bytes  #: what its prover needs to know, possibly secret
    output: Json = None  #: the right output; None when only the proof will tell


class OneJobPerInput(ChainPerInput):
    """The part of ProofSystem that is about requests, for programs of one slice."""

    @abstractmethod
    def take_input(self, files: ProgramFiles, value: Json, *, field: str, workdir: Path) -> TakenInput:
        """Check one input; raise InvalidInput naming `field` ("inputs[3]") or a place inside it."""

    @abstractmethod
    def check_proof(self, files: ProgramFiles, shown: Json, claimed: Json, proof: bytes, *, workdir: Path) -> None:
        """Raise BadProof unless `proof` shows that `claimed` is the output for the input of which `shown` is public.

        `shown` and `claimed` are of nobody to be trusted, whatever their JSON; so is `proof`.
        """

    def take_chain(self, files: ProgramFiles, value: Json, *, field: str, workdir: Path) -> TakenChain:
        """See ChainPerInput.take_chain."""
        return _chain_of(self.take_input(files, value, field=field, workdir=workdir))

    def take_chains(
        self, files: ProgramFiles, values: Sequence[Json], *, fields: Sequence[str], workdir: Path
    ) -> list[TakenChain]:
        """See ChainPerInput.take_chains."""
        return [_chain_of(one) for one in self.take_inputs(files, values, fields=fields, workdir=workdir)]

    def take_inputs(
        self, files: ProgramFiles, values: Sequence[Json], *, fields: Sequence[str], workdir: Path
    ) -> list[TakenInput]:
        """Check the inputs of a request; for systems to override whose engine takes many at once for less."""
        pairs = zip(values, fields, strict=True)
        return [self.take_input(files, value, field=field, workdir=workdir) for value, field in pairs]

    def shown_to(self, files: ProgramFiles, slice_index: int, shown: Json, before: Sequence[Json]) -> Json:
        """See ChainPerInput.shown_to."""
        return shown

    def check_slice(
        self, files: ProgramFiles, slice_index: int, shown: Json, claimed: Json, proof: bytes, *, workdir: Path
    ) -> None:
        """See ChainPerInput.check_slice."""
        self.check_proof(files, shown, claimed, proof, workdir=workdir)


def _chain_of(one: TakenInput) -> TakenChain:
    only = TakenSlice(shown=one.shown, job_input=one.job_input, output=one.output)
    return TakenChain(shown=one.shown, slices=(only,))
