"""For systems of `chains` whose wraps verify proofs inside a proof: one of them takes all chains of a request at once.

statement   that of chains, and {"one_proof": true}
wrap        input {"shown"}: where each slice of each input begins; facts {"shown"}; public {}
result      that of chains, and {"between"}: what the slices before the last one left, where there are any

What a proof of everything shows is computed from the keys of the program, the statement and the result: nobody says it.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from proofgrid.primitives.canonical import Json, canonical_json
from proofgrid.primitives.errors import BadProof, InvalidInput
from proofgrid.proofs.base import JobDraft, JobOutput, NormalisedRequest, PartialProof, ProgramFiles, Report
from proofgrid.proofs.kit.batches import same_json
from proofgrid.proofs.kit.chains import ChainPerInput, inputs_of
from proofgrid.proofs.kit.files import require
from proofgrid.proofs.kit.looking import prove_then_look
from proofgrid.proofs.kit.one_proof import parts_of, the_one

ONE_PROOF = "one_proof"  #: in a statement
BETWEEN = "between"  #: in a result


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one part is a proof of; `shown` and `claimed` as in `ChainPerInput.check_slice`, of nobody to be trusted."""

    slice_index: int
    shown: Json
    claimed: Json


class OneProofOfChains(ChainPerInput):
    """The part of ProofSystem and MakesOneProof that is about requests."""

    @abstractmethod
    def inputs_max(self, files: ProgramFiles) -> int:
        """Return of how many inputs one proof may be; 0 for a program without wraps. By the identity alone."""

    @abstractmethod
    def check_claims(self, files: ProgramFiles, claims: Sequence[Claim], *, workdir: Path) -> None:
        """Raise InvalidInput unless parts that prove these claims, chain by chain, can be wrapped by whoever tries."""

    @abstractmethod
    def prove_wrap(
        self, files: ProgramFiles, claims: Sequence[Claim], proofs: Sequence[bytes], *, workdir: Path, report: Report
    ) -> bytes:
        """Return a proof of the claims, chain by chain, of which each has a proof."""

    @abstractmethod
    def check_wrap(self, files: ProgramFiles, claims: Sequence[Claim], proof: bytes, *, workdir: Path) -> None:
        """Raise BadProof unless `proof` is one of these claims, chain by chain. Nothing of it is to be trusted."""

    def normalise_to_one(self, files: ProgramFiles, inputs: list[Json], *, workdir: Path) -> NormalisedRequest:
        """See MakesOneProof.normalise_to_one."""
        if len(inputs) > (most := self.inputs_max(files)):
            raise InvalidInput(
                f"one proof of this program is of at most {most} inputs", field="inputs", hint="send several requests"
            )
        plain = self.normalise(files, inputs, workdir=workdir)
        (spec,) = files.program.wraps
        claims = [
            Claim(slice_index=job.slice_index, shown=job.facts["shown"], claimed=job.facts["output"])
            for job in plain.jobs
        ]
        self.check_claims(files, claims, workdir=workdir)
        shown: Json = [claim.shown for claim in claims]
        wrap = JobDraft(
            slice_index=spec.index,
            input_index=0,
            units=spec.units,
            memory_bytes=spec.memory_bytes,
            depends_on=tuple(range(len(plain.jobs))),
            input=canonical_json({"shown": shown}),
            facts={"shown": shown},
        )
        return NormalisedRequest(statement={**plain.statement, ONE_PROOF: True}, jobs=(*plain.jobs, wrap))

    def wrap(
        self,
        files: ProgramFiles,
        slice_index: int,
        job_input: bytes,
        parts: Sequence[PartialProof],
        *,
        cache: Path,
        workdir: Path,
        report: Report,
    ) -> JobOutput:
        """See MakesOneProof.wrap."""
        claims = [
            Claim(slice_index=part.slice_index, shown=shown, claimed=part.output.public["output"])
            for shown, part in zip(_shown_of(job_input), parts, strict=True)
        ]

        def prove() -> JobOutput:
            proofs = [part.output.proof for part in parts]
            return JobOutput(proof=self.prove_wrap(files, claims, proofs, workdir=workdir, report=report), public={})

        def look(output: JobOutput) -> None:
            self.check_wrap(files, claims, output.proof, workdir=workdir)

        output = prove_then_look(prove, look, what="the wrap")
        report("wrap", 1000)
        return output

    def verify_partial(
        self, files: ProgramFiles, slice_index: int, facts: Mapping[str, Json], output: JobOutput, *, workdir: Path
    ) -> None:
        """See ProofSystem.verify_partial."""
        if slice_index != len(files.program.slices) or not self.inputs_max(files):
            super().verify_partial(files, slice_index, facts, output, workdir=workdir)
            return
        taken, shown = parts_of(facts), facts["shown"]
        assert isinstance(shown, Sequence)  # noqa: S101 - our own facts
        if output.public:
            raise BadProof("a proof of everything comes with no values of its own")
        claims = [
            Claim(slice_index=part.slice_index, shown=one, claimed=part.public["output"])
            for one, part in zip(shown, taken, strict=True)
        ]
        self.check_wrap(files, claims, output.proof, workdir=workdir)

    def combine(
        self, files: ProgramFiles, statement: Mapping[str, Json], parts: list[PartialProof], *, workdir: Path
    ) -> Mapping[str, Json]:
        """See ProofSystem.combine."""
        if ONE_PROOF not in statement:
            return super().combine(files, statement, parts, workdir=workdir)
        last = len(files.program.slices) - 1
        proven = [part for part in parts if part.slice_index <= last]
        result = super().combine(files, _plain(statement), proven, workdir=workdir)
        if not last:
            return result
        left = {(part.input_index, part.slice_index): part.output.public["output"] for part in proven}
        inputs = len(proven) // (last + 1)
        return {**result, BETWEEN: [[left[index, place] for place in range(last)] for index in range(inputs)]}

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
        if ONE_PROOF not in statement:
            return super().verify_whole(files, statement, result, parts, workdir=workdir)
        require(files, *files.program.verifying_files)
        self.check_program(files)
        slices = len(files.program.slices)
        output = the_one(parts, index=slices).output
        if output.public:
            raise BadProof("a proof of everything comes with no values of its own")
        claims = self.claims_of(files, statement, result)
        self.check_wrap(files, claims, output.proof, workdir=workdir)
        inputs = len(claims) // slices
        return [f"one proof verifies, for all inputs of the statement and all outputs of the result ({inputs})"]

    def claims_of(self, files: ProgramFiles, statement: Mapping[str, Json], result: Mapping[str, Json]) -> list[Claim]:
        """Return what one proof of a request is of, chain by chain; raise BadProof for what nobody can have proven."""
        slices = len(files.program.slices)
        inputs = inputs_of(_plain(statement))
        if not 1 <= len(inputs) <= self.inputs_max(files):
            raise BadProof("it is of more inputs than one proof of this program can be", field="statement")
        left = _left(result, inputs=len(inputs), slices=slices)
        return [
            Claim(slice_index=place, shown=self.shown_to(files, place, shown, chain[:place]), claimed=chain[place])
            for shown, chain in zip(inputs, left, strict=True)
            for place in range(slices)
        ]


def _plain(statement: Mapping[str, Json]) -> dict[str, Json]:
    if statement[ONE_PROOF] is not True:
        raise BadProof("the statement is not one of this program", field="statement")
    return {name: value for name, value in statement.items() if name != ONE_PROOF}


def _shown_of(job_input: bytes) -> list[Json]:
    try:
        return cast("list[Json]", list(json.loads(job_input)["shown"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InvalidInput("the job's input is none of this program", field="job_input") from None


def _left(result: Mapping[str, Json], *, inputs: int, slices: int) -> list[list[Json]]:
    """Return what each slice of each input left; raise BadProof for a result that does not say exactly that."""
    outputs, between = result.get("outputs"), result.get(BETWEEN, [[]] * inputs if slices == 1 else None)
    spelled = {"format": 1, "outputs": outputs, **({BETWEEN: between} if slices > 1 else {})}
    wrong = BadProof("the result does not say what every slice of every input left", field="result")
    if not same_json(dict(result), spelled) or not isinstance(outputs, list) or not isinstance(between, list):
        raise wrong
    if len(outputs) != inputs or len(between) != inputs:
        raise wrong
    left: list[list[Json]] = []
    for before, output in zip(between, outputs, strict=True):
        if not isinstance(before, list) or len(before) != slices - 1 or output is None:
            raise wrong
        left.append([*before, output])
    return left
