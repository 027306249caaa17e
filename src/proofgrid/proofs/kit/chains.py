"""For systems whose jobs are slices in a chain, one per slice and input: what one leaves is where the next begins.

The gateway executes an input first, so it knows what every slice leaves: the slices wait for nobody, and are proven
side by side. A system says how an input is taken and how a slice is checked; the rest is written here.

statement   {"format", "inputs": [what is public of each input]}
job         the slice's input as its prover needs it; facts {"shown", "output"}: what is public of it, the right output
public      {"output"}: what the prover claims that the proof shows
result      {"format", "outputs": [what the last slice of each input left]}

Nobody claims where a slice begins: it is computed from the statement and from what the slices before it are proven to
leave (`shown_to`), so a broken link is a proof that does not verify.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof
from proofgrid.proofs.base import JobDraft, JobOutput, NormalisedRequest, PartialProof, ProgramFiles
from proofgrid.proofs.kit.batches import arranged, check_count, same_json
from proofgrid.proofs.kit.files import require

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenSlice:
    """One slice of an input, executed."""

    shown: Json  #: what is public of where it begins, as `shown_to` computes it
    job_input: bytes  #: what its prover needs to know, possibly secret
    output: Json = None  #: what it leaves; None when only the proof will tell, which a chain's last slice may
    units: int = 0  #: PU of this job; 0: those of the program's slice
    memory_bytes: int = 0  #: peak memory of this job; 0: that of the program's slice


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenChain:
    """One input of a request, as a system takes it: as many slices as the program has."""

    shown: Json  #: what of it is public; stands in the statement
    slices: tuple[TakenSlice, ...]


class ChainPerInput(ABC):
    """The part of ProofSystem that is about requests, for programs of one slice or a chain of them."""

    @abstractmethod
    def check_program(self, files: ProgramFiles) -> None:
        """See ProofSystem.check_program."""

    @abstractmethod
    def take_chain(self, files: ProgramFiles, value: Json, *, field: str, workdir: Path) -> TakenChain:
        """Check and execute one input; raise InvalidInput naming `field` ("inputs[3]") or a place inside it."""

    def take_chains(
        self, files: ProgramFiles, values: Sequence[Json], *, fields: Sequence[str], workdir: Path
    ) -> list[TakenChain]:
        """Take all inputs of a request; for systems to override whose engine takes many at once for less."""
        pairs = zip(values, fields, strict=True)
        return [self.take_chain(files, value, field=field, workdir=workdir) for value, field in pairs]

    @abstractmethod
    def shown_to(self, files: ProgramFiles, slice_index: int, shown: Json, before: Sequence[Json]) -> Json:
        """Return what is public of where a slice begins.

        `shown` is what the statement shows of the input, `before` what the slices before this one are claimed to leave;
        both are of nobody to be trusted. Raises BadProof, or BrokenLink, when they do not fit the program.
        """

    @abstractmethod
    def check_slice(
        self, files: ProgramFiles, slice_index: int, shown: Json, claimed: Json, proof: bytes, *, workdir: Path
    ) -> None:
        """Raise BadProof unless `proof` shows that the slice, begun with what is `shown`, leaves what is `claimed`.

        `shown` and `claimed` are of nobody to be trusted, whatever their JSON; so is `proof`.
        """

    def normalise(self, files: ProgramFiles, inputs: list[Json], *, workdir: Path) -> NormalisedRequest:
        """See ProofSystem.normalise."""
        workdir.mkdir(parents=True, exist_ok=True)
        fields = [f"inputs[{index}]" for index, _ in enumerate(check_count(inputs))]
        taken = self.take_chains(files, inputs, fields=fields, workdir=workdir)
        jobs = tuple(
            JobDraft(
                slice_index=spec.index,
                input_index=index,
                units=one.units or spec.units,
                memory_bytes=one.memory_bytes or spec.memory_bytes,
                depends_on=(),
                input=one.job_input,
                facts={"shown": one.shown, "output": one.output},
            )
            for index, chain in enumerate(taken)
            for spec, one in zip(files.program.slices, chain.slices, strict=True)
        )
        return NormalisedRequest(statement={"format": FORMAT, "inputs": [chain.shown for chain in taken]}, jobs=jobs)

    def verify_partial(
        self, files: ProgramFiles, slice_index: int, facts: Mapping[str, Json], output: JobOutput, *, workdir: Path
    ) -> None:
        """See ProofSystem.verify_partial."""
        claimed = _claimed(output)
        if not 0 <= slice_index < len(files.program.slices):
            raise BadProof("the program has no such slice")
        if facts["output"] is not None and not same_json(claimed, facts["output"]):
            raise BadProof("the output claimed is not what the program computes")
        self.check_slice(files, slice_index, facts["shown"], claimed, output.proof, workdir=workdir)

    def check_told(self, files: ProgramFiles, told: NormalisedRequest, *, workdir: Path) -> None:
        """Do what SealsInputs.check_told promises: facts are what `shown_to` computes of the statement."""
        inputs = inputs_of(told.statement)
        slices = len(files.program.slices)
        if len(inputs) * slices != len(told.jobs):
            raise BadProof("the statement is about another number of inputs", field="statement")
        for index, shown in enumerate(inputs):
            jobs = told.jobs[index * slices : (index + 1) * slices]
            before: list[Json] = []
            for place, job in enumerate(jobs):
                self._check_facts(files, place, shown, before, job.facts)
                before.append(job.facts["output"])

    def _check_facts(
        self, files: ProgramFiles, place: int, shown: Json, before: Sequence[Json], facts: Mapping[str, Json]
    ) -> None:
        if set(facts) != {"shown", "output"} or facts["output"] is None:
            raise BadProof("facts are what is shown and the output", field="facts")
        if not same_json(facts["shown"], self.shown_to(files, place, shown, before)):
            raise BadProof("the facts show something else than the statement", field="facts.shown")
        self.check_public(files, facts["shown"], facts["output"])

    def check_public(self, files: ProgramFiles, shown: Json, claimed: Json) -> None:
        """Raise BadProof unless these may be public values of a proof; for systems whose inputs may be sealed."""
        raise BadProof("this system cannot tell what its public values may be")

    def combine(
        self, files: ProgramFiles, statement: Mapping[str, Json], parts: list[PartialProof], *, workdir: Path
    ) -> Mapping[str, Json]:
        """See ProofSystem.combine."""
        return _result(_chains(files, statement, parts))

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
        chains = _chains(files, statement, parts)
        if not same_json(dict(result), _result(chains)):
            raise BadProof("the outputs of the result are not those of the proofs", field="result")
        for index, (shown, chain) in enumerate(zip(inputs_of(statement), chains, strict=True)):
            self._check_chain(files, index, shown, chain, workdir)
        slices = len(files.program.slices)
        linked = [f"every slice begins where the one before it ended ({len(chains) * (slices - 1)})"]
        return [
            f"every input is proven, exactly once ({len(chains)})",
            f"every proof verifies, for the inputs of the statement ({len(chains) * slices})",
            *(linked if slices > 1 else []),
            f"the outputs of the result are those of the proofs ({len(chains)})",
        ]

    def shown_and_claimed(
        self, files: ProgramFiles, statement: Mapping[str, Json], parts: list[PartialProof]
    ) -> Iterator[tuple[Json, Json]]:
        """Yield of each part, in the order of `parts`: what is public of where it begins, and what it leaves."""
        chains = _chains(files, statement, parts)
        inputs = inputs_of(statement)
        for part in parts:
            claims = [_claimed(output) for output in chains[part.input_index]]
            shown = self.shown_to(files, part.slice_index, inputs[part.input_index], claims[: part.slice_index])
            yield shown, claims[part.slice_index]

    def _check_chain(
        self, files: ProgramFiles, index: int, shown: Json, chain: Sequence[JobOutput], workdir: Path
    ) -> None:
        claims = [_claimed(output) for output in chain]
        for place, output in enumerate(chain):
            try:
                begun = self.shown_to(files, place, shown, claims[:place])
                self.check_slice(files, place, begun, claims[place], output.proof, workdir=workdir)
            except BadProof as reason:
                where = f"input {index}" if len(chain) == 1 else f"input {index}, slice {place}"
                field = f"proofs[{index * len(chain) + place}]"
                raise type(reason)(f"{where}: {reason.detail}", field=field) from None


def inputs_of(statement: Mapping[str, Json]) -> list[Json]:
    """Return what a statement shows of each input; raise BadProof for one of another form."""
    inputs = statement.get("inputs")
    if not isinstance(inputs, list) or not same_json(dict(statement), {"format": FORMAT, "inputs": inputs}):
        raise BadProof("the statement is not one of this program", field="statement")
    return inputs


def _chains(files: ProgramFiles, statement: Mapping[str, Json], parts: Sequence[PartialProof]) -> list[list[JobOutput]]:
    return arranged(parts, inputs=len(inputs_of(statement)), slices=len(files.program.slices))


def _claimed(output: JobOutput) -> Json:
    if set(output.public) != {"output"} or output.public["output"] is None:
        raise BadProof("a proof comes with exactly one output")
    claimed: Json = output.public["output"]
    return claimed


def _result(chains: Sequence[Sequence[JobOutput]]) -> dict[str, Json]:
    return {"format": FORMAT, "outputs": [_claimed(chain[-1]) for chain in chains]}
