"""The EZKL proof system: neural networks as ONNX models, sliced, proven with KZG-linked circuits.

model/      what a client hands in: loading -> operators -> slicing, and a request's inputs
circuits/   build: plan -> slices -> calibration -> circuits -> identity, and the reference string they need
proving/    request: normalise (forward pass); job: prove; verdict: verify, whole; for chains: contracts
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.proofs.base import (
    JobOutput,
    NormalisedRequest,
    PartialProof,
    Program,
    ProgramFiles,
    Report,
    SystemDescription,
)
from proofgrid.proofs.kit.rehearsal import self_check
from proofgrid.proofs.kit.samples import Samples
from proofgrid.proofs.offers import Contract, ContractCall
from proofgrid.proofs.setup import TrustRoots
from proofgrid.proofs.systems.ezkl import identity, layout, settings
from proofgrid.proofs.systems.ezkl.engine import ENGINE, load_engine
from proofgrid.proofs.systems.ezkl.proving import (
    contract_of_slices,
    contracts,
    normalise,
    prove,
    sealed,
    telling,
    verify,
    whole,
)
from proofgrid.proofs.systems.ezkl.setup import KZG_BN254, KzgBn254
from proofgrid.proofs.telling import ToldProof


class EzklProofSystem:
    """Fits proofs.base.ProofSystem; see there for what each method promises."""

    name = layout.PROOF_SYSTEM
    setups = (KzgBn254(),)

    def describe(self) -> SystemDescription:
        """Say what this system is and which settings its programs take."""
        return SystemDescription(
            name=self.name,
            engine=ENGINE,
            program_format="ONNX model",
            settings_help=settings.HELP,
            settings_defaults=settings.EzklSettings().canonical(),
        )

    def operators(self) -> list[dict[str, str]]:
        """Do what TellsOperators.operators promises."""
        from proofgrid.proofs.systems.ezkl.model.operators.describing import operators_described

        return operators_described()

    def build_program(
        self,
        source: Mapping[str, Path],
        settings: Mapping[str, Json],
        *,
        trust: TrustRoots,
        workdir: Path,
        report: Report,
    ) -> ProgramFiles:
        """Make a program of the file "model" and, if given, "calibration"."""
        # Imported late: numpy and onnx are half of what it takes to load this module, and proving needs neither.
        from proofgrid.proofs.systems.ezkl.circuits import build

        return build.build_program(source, settings, srs=trust.get(KZG_BN254), workdir=workdir, report=report)

    def check_program(self, files: ProgramFiles) -> None:
        """Raise BadProof unless the files at hand are those that the program's identity names."""
        identity.check_program(files)

    def normalise(self, files: ProgramFiles, inputs: list[Json], *, workdir: Path) -> NormalisedRequest:
        """Turn inputs into statement and jobs, one job per input and slice."""
        return normalise.normalise(files, inputs, workdir=workdir)

    def preload(self) -> None:
        """Load the engine."""
        load_engine()

    def self_check(self, *, workdir: Path) -> str:
        """Prove and verify a tiny circuit of our own."""
        return self_check(self, workdir=workdir)

    def samples(self, folder: Path) -> Samples:
        """Return tiny models, and a reference string for them."""
        from proofgrid.proofs.systems.ezkl import samples

        return samples.samples(folder)

    def run_job(
        self, files: ProgramFiles, slice_index: int, job_input: bytes, *, cache: Path, workdir: Path, report: Report
    ) -> JobOutput:
        """Prove one slice; the proving key stays in `cache`."""
        return prove.run_job(files, slice_index, job_input, cache=cache, workdir=workdir, report=report)

    def can_be_proven(self, files: ProgramFiles, slice_index: int, job_input: bytes, *, workdir: Path) -> bool | None:
        """Do what TriesInputs.can_be_proven promises: a witness, looked at by the mock prover."""
        return prove.can_be_proven(files, slice_index, job_input, workdir=workdir)

    def verify_partial(
        self, files: ProgramFiles, slice_index: int, facts: Mapping[str, Json], output: JobOutput, *, workdir: Path
    ) -> None:
        """Raise BadProof unless `output` proves exactly the job that `facts` describe."""
        verify.verify_partial(files, slice_index, facts, output, workdir=workdir)

    def shows_inputs(self, program: Program) -> str:
        """Do what SealsInputs.shows_inputs promises."""
        return sealed.shows_inputs(program)

    def check_told(self, files: ProgramFiles, told: NormalisedRequest, *, workdir: Path) -> None:
        """Do what SealsInputs.check_told promises."""
        sealed.check_told(files, told)

    def combine(
        self, files: ProgramFiles, statement: Mapping[str, Json], parts: list[PartialProof], *, workdir: Path
    ) -> Mapping[str, Json]:
        """Return outputs per input, and the commitments that link the slices."""
        return whole.combine(files, statement, parts)

    def verify_whole(
        self,
        files: ProgramFiles,
        statement: Mapping[str, Json],
        result: Mapping[str, Json],
        parts: list[PartialProof],
        *,
        workdir: Path,
    ) -> list[str]:
        """Check everything from public data alone; return one sentence per check that passed."""
        return whole.verify_whole(files, statement, result, parts, workdir=workdir)

    def contracts(self, files: ProgramFiles, *, workdir: Path) -> list[Contract]:
        """Do what WritesContract.contracts promises: one for each slice."""
        return contracts.contracts(files, workdir=workdir)

    def contract_calls(
        self, files: ProgramFiles, statement: Mapping[str, Json], parts: list[PartialProof], *, workdir: Path
    ) -> list[ContractCall]:
        """Do what WritesContract.contract_calls promises."""
        return contracts.contract_calls(files, statement, parts, workdir=workdir)

    def contract_of_slices(self, program: Program, contracts: Sequence[Contract]) -> Contract:
        """Do what WritesContractOfSlices.contract_of_slices promises."""
        return contract_of_slices.contract_of_slices(program, contracts)

    def call_of_slices(self, calls: Sequence[ContractCall]) -> ContractCall:
        """Do what WritesContractOfSlices.call_of_slices promises."""
        return contract_of_slices.call_of_slices(calls)

    def tell_proofs(
        self, program: Program, statement: Mapping[str, Json], result: Mapping[str, Json]
    ) -> list[ToldProof]:
        """Return the tensors of each input, by the model's names."""
        return telling.tell_proofs(program, statement, result)

    def tell_agreement(self, program: Program) -> Mapping[str, Json]:
        """Return what the identity says of circuit and model."""
        return telling.tell_agreement(program)
