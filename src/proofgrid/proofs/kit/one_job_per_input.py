"""For systems whose batch is one job per input: they say how one input is taken and checked, the rest is written here.

statement   {"format", "inputs": [what is public of each input]}
job         the input as its prover needs it; facts {"shown", "output"}: what is public, and the output if known
public      {"output"}: what the prover claims that the proof shows
result      {"format", "outputs": [the output of each input]}
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof
from proofgrid.proofs.base import JobDraft, JobOutput, NormalisedRequest, PartialProof, ProgramFiles
from proofgrid.proofs.kit.batches import arranged, check_count, same_json
from proofgrid.proofs.kit.files import require

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenInput:
    """One input of a request, as a system takes it."""

    shown: Json  #: what of it is public; stands in the statement
    job_input: bytes  #: what its prover needs to know, possibly secret
    output: Json = None  #: the right output; None when only the proof will tell


class OneJobPerInput(ABC):
    """The part of ProofSystem that is about requests, for programs of one slice."""

    @abstractmethod
    def check_program(self, files: ProgramFiles) -> None:
        """See ProofSystem.check_program."""

    @abstractmethod
    def take_input(self, files: ProgramFiles, value: Json, *, field: str, workdir: Path) -> TakenInput:
        """Check one input; raise InvalidInput naming `field` ("inputs[3]") or a place inside it."""

    def take_inputs(
        self, files: ProgramFiles, values: list[Json], *, fields: list[str], workdir: Path
    ) -> list[TakenInput]:
        """Check inputs; for systems to override whose engine takes many at once for less."""
        pairs = zip(values, fields, strict=True)
        return [self.take_input(files, value, field=field, workdir=workdir) for value, field in pairs]

    @abstractmethod
    def check_proof(self, files: ProgramFiles, shown: Json, claimed: Json, proof: bytes, *, workdir: Path) -> None:
        """Raise BadProof unless `proof` shows that `claimed` is the output for the input of which `shown` is public.

        `shown` and `claimed` are of nobody to be trusted, whatever their JSON; so is `proof`.
        """

    def normalise(self, files: ProgramFiles, inputs: list[Json], *, workdir: Path) -> NormalisedRequest:
        """See ProofSystem.normalise."""
        workdir.mkdir(parents=True, exist_ok=True)
        fields = [f"inputs[{index}]" for index, _ in enumerate(check_count(inputs))]
        taken = self.take_inputs(files, inputs, fields=fields, workdir=workdir)
        (spec,) = files.program.slices
        jobs = tuple(
            JobDraft(
                slice_index=0,
                input_index=index,
                units=spec.units,
                memory_bytes=spec.memory_bytes,
                depends_on=(),
                input=one.job_input,
                facts={"shown": one.shown, "output": one.output},
            )
            for index, one in enumerate(taken)
        )
        return NormalisedRequest(statement={"format": FORMAT, "inputs": [one.shown for one in taken]}, jobs=jobs)

    def verify_partial(
        self, files: ProgramFiles, slice_index: int, facts: Mapping[str, Json], output: JobOutput, *, workdir: Path
    ) -> None:
        """See ProofSystem.verify_partial."""
        claimed = _claimed(output)
        if slice_index != 0 or (facts["output"] is not None and not same_json(claimed, facts["output"])):
            raise BadProof("the output claimed is not what the program computes")
        self.check_proof(files, facts["shown"], claimed, output.proof, workdir=workdir)

    def combine(
        self, files: ProgramFiles, statement: Mapping[str, Json], parts: list[PartialProof], *, workdir: Path
    ) -> Mapping[str, Json]:
        """See ProofSystem.combine."""
        return _result(_outputs(statement, parts))

    def verify_whole(
        self,
        files: ProgramFiles,
        statement: Mapping[str, Json],
        result: Mapping[str, Json],
        parts: list[PartialProof],
        *,
        workdir: Path,
    ) -> list[str]:
        """See ProofSystem.verify_whole."""
        require(files, *files.program.verifying_files)
        self.check_program(files)
        outputs = _outputs(statement, parts)
        if not same_json(dict(result), _result(outputs)):
            raise BadProof("the outputs of the result are not those of the proofs", field="result")
        for index, (shown, output) in enumerate(zip(_inputs(statement), outputs, strict=True)):
            try:
                self.check_proof(files, shown, _claimed(output), output.proof, workdir=workdir)
            except BadProof as reason:
                raise BadProof(f"input {index}: {reason.detail}", field=f"proofs[{index}]") from None
        return [
            f"every input is proven, exactly once ({len(outputs)})",
            f"every proof verifies, for the inputs of the statement ({len(outputs)})",
            f"the outputs of the result are those of the proofs ({len(outputs)})",
        ]


def _inputs(statement: Mapping[str, Json]) -> list[Json]:
    inputs = statement.get("inputs")
    if not isinstance(inputs, list) or not same_json(dict(statement), {"format": FORMAT, "inputs": inputs}):
        raise BadProof("the statement is not one of this program", field="statement")
    return inputs


def _outputs(statement: Mapping[str, Json], parts: list[PartialProof]) -> list[JobOutput]:
    rows = arranged(parts, inputs=len(_inputs(statement)), slices=1)
    return [output for (output,) in rows]


def _claimed(output: JobOutput) -> Json:
    if set(output.public) != {"output"} or output.public["output"] is None:
        raise BadProof("a proof comes with exactly one output")
    claimed: Json = output.public["output"]
    return claimed


def _result(outputs: list[JobOutput]) -> dict[str, Json]:
    return {"format": FORMAT, "outputs": [_claimed(output) for output in outputs]}
