"""What a proof system may offer besides what it must (`base`), each a protocol that is looked for with isinstance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from proofgrid.primitives.canonical import Json
from proofgrid.proofs.base import JobOutput, NormalisedRequest, PartialProof, Program, ProgramFiles, Report


@runtime_checkable
class Preloading(Protocol):
    """What a proof system may offer besides: to load its engine before it is told what to prove."""

    def preload(self) -> None:
        """Import whatever `run_job` would import. Must not start threads, and may be called twice."""
        ...


@runtime_checkable
class SelfChecking(Protocol):
    """What a proof system may offer besides: to find out whether this machine still proves."""

    def self_check(self, *, workdir: Path) -> str:
        """Prove and verify a tiny job of its own in a few seconds; say what was done, or raise what went wrong."""
        ...


@runtime_checkable
class TriesInputs(Protocol):
    """What a proof system may offer besides: to tell, for far less than a proof, whether a job can be proven at all."""

    def can_be_proven(self, files: ProgramFiles, slice_index: int, job_input: bytes, *, workdir: Path) -> bool | None:
        """Return whether a proof of the job exists; None where that cannot be told. Needs the slice's files only."""
        ...


#: Under which name the facts of a wrap hold what it took.
PARTS = "parts"


@runtime_checkable
class MakesOneProof(Protocol):
    """What a proof system may offer besides, for programs that have `wraps`: one proof of a whole request.

    Parts that verify can be wrapped: a system promises that, and provers who say otherwise are refuted by it.
    """

    def normalise_to_one(self, files: ProgramFiles, inputs: list[Json], *, workdir: Path) -> NormalisedRequest:
        """Do what `normalise` does, with wraps behind the jobs of the inputs, as `kit.one_proof` has it.

        The last job's proof is the one that is handed out; each other job is taken by one wrap. `combine` gets all
        parts, `verify_whole` the last one alone, and the statement says that it is so.
        """
        ...

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
        """Do what `run_job` does, for a wrap; `parts`: what it takes, verified, in the order of its `depends_on`."""
        ...


@runtime_checkable
class MakesKeys(Protocol):
    """What a proof system may offer besides: keys for development, where keys are part of what a client hands in."""

    def make_keys(self, source: Mapping[str, Path], folder: Path, *, workdir: Path, report: Report) -> dict[str, Path]:
        """Write keys for a circuit into `folder`; return them by the names that `build_program` takes them under.

        Whoever makes keys could forge proofs, so those who call this say so loudly. Raises InvalidProgram.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A contract that verifies proofs of one slice of a program on a chain of Ethereum's kind."""

    name: str  #: of the contract in its source
    source: str  #: in Solidity


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractCall:
    """A proof as a contract takes it: a call that returns when the proof is right, and false or a revert otherwise."""

    function: str  #: its signature: "verifyProof(uint256[8],uint256[2])"
    arguments: tuple[Json, ...]  #: for libraries of clients: integers in decimal, bytes as 0x and hex digits
    calldata: str  #: 0x and hex digits: the whole call


@runtime_checkable
class WritesContract(Protocol):
    """What a proof system may offer besides: contracts that verify its proofs, and the calls of them."""

    def contracts(self, files: ProgramFiles, *, workdir: Path) -> list[Contract]:
        """Return a contract per slice. Needs the files of a verifier only.

        Raises InvalidField for a program whose proofs no contract can verify.
        """
        ...

    def contract_calls(
        self, files: ProgramFiles, statement: Mapping[str, Json], parts: list[PartialProof], *, workdir: Path
    ) -> list[ContractCall]:
        """Return a call per part, in the order of `parts`, which are verified; raises what `contracts` raises."""
        ...


@runtime_checkable
class WritesContractOfOneProof(WritesContract, Protocol):
    """What a proof system may offer besides: a contract for the one proof of a request, and its call."""

    def contract_of_one_proof(self, files: ProgramFiles, *, workdir: Path) -> Contract:
        """Return the contract; of the files of a verifier only. Raises InvalidField where no contract can verify it."""
        ...

    def call_of_one_proof(
        self,
        files: ProgramFiles,
        statement: Mapping[str, Json],
        result: Mapping[str, Json],
        part: PartialProof,
        *,
        workdir: Path,
    ) -> ContractCall:
        """Return the call for the one proof, which was verified; raises what `contract_of_one_proof` raises."""
        ...


@runtime_checkable
class WritesContractOfSlices(WritesContract, Protocol):
    """What a proof system may offer besides: a contract for programs of several slices, which holds theirs together."""

    def contract_of_slices(self, program: Program, contracts: Sequence[Contract]) -> Contract:
        """Return the contract of a program of several slices, whose own contracts these are, in order.

        It is deployed with a list of their addresses.
        """
        ...

    def call_of_slices(self, calls: Sequence[ContractCall]) -> ContractCall:
        """Return the call for the proofs of whole requests: these of all slices of one input, then of the next."""
        ...


@runtime_checkable
class ReadsFolders(Protocol):
    """What a proof system may offer besides: to say which files a folder hands in, where suffixes do not do."""

    def source_in(self, folder: Path) -> Mapping[str, Path]:
        """Return the files that `build_program` takes, by name. Raises InvalidField naming what is wrong or missing."""
        ...


@runtime_checkable
class SpansSystems(Protocol):
    """What a proof system may offer besides: programs whose slices are proven by provers of other systems."""

    def systems_of(self, program: Program) -> tuple[str, ...]:
        """Return by slice the name of the system whose provers prove it. Raises BadProof for a malformed program."""
        ...


@runtime_checkable
class SealsInputs(Protocol):
    """What a proof system may offer besides: to tell, of a request that a client normalised, whether it can be so.

    Then inputs may be sealed: a gateway reads statement and facts, and never what they were made of. Every job of a
    program must be as large as the program says, whatever its input.
    """

    def shows_inputs(self, program: Program) -> str:
        """Return why sealing a program's inputs hides nothing, as a sentence; empty: it hides something."""
        ...

    def check_told(self, files: ProgramFiles, told: NormalisedRequest, *, workdir: Path) -> None:
        """Raise BadProof unless statement and facts have the program's form, and say the same of the same things.

        Nothing of `told` is to be trusted, whatever its JSON; its jobs are those of the program, without their inputs.
        A right proof for these facts must make a whole that verifies for this statement.
        """
        ...


@runtime_checkable
class ProvesByServices(Protocol):
    """What a proof system may offer besides: jobs that are proven by services of the prover's operator."""

    def services(self) -> Sequence[str]:
        """Return the addresses that were named here (`kit.services`); with none, a prover leaves the system out."""
        ...


@runtime_checkable
class NamesValues(Protocol):
    """What a proof system may offer besides: names for its public values, so that they can be linked to other systems'.

    A value is a list of integers of at least 0, whatever it is in the system's own spelling.
    """

    def public_names(self, program: Program) -> Mapping[str, int]:
        """Return which values are public, of inputs and outputs: name -> how many integers it has."""
        ...

    def input_names(self, program: Program) -> Mapping[str, int]:
        """Return which of the public values are inputs, and may be filled by `with_values`."""
        ...

    def with_values(self, program: Program, value: Json, name: str, values: Sequence[int]) -> Json:
        """Return one input of a request (`value`) in which these integers are the public input `name`.

        Raises InvalidField, with the place inside the input as its field, when the input is none or gives it already.
        """
        ...

    def foreseen(self, program: Program, request: NormalisedRequest) -> Mapping[str, Json] | None:
        """Return the result that the right proofs of a request will have; None where only they will tell."""
        ...

    def public_values(
        self, program: Program, statement: Mapping[str, Json], result: Mapping[str, Json]
    ) -> Sequence[Mapping[str, Sequence[int]]]:
        """Return what is public of each input: `public_names` with their integers. Raises BadProof if malformed."""
        ...


@runtime_checkable
class MakesWrapKeys(Protocol):
    """What a proof system may offer besides: keys of wraps for development, where clients hand these in as well."""

    def make_wrap_keys(
        self, source: Mapping[str, Path], folder: Path, *, parts: int, workdir: Path, report: Report
    ) -> dict[str, Path]:
        """Write keys for wraps of `parts` proofs of a circuit into `folder`; return them as `make_keys` does.

        They serve all circuits with as many public values. Raises InvalidProgram, or InvalidField.
        """
        ...


@runtime_checkable
class TellsOperators(Protocol):
    """What a proof system may offer besides: to tell which operators of its models it proves, and in which forms."""

    def operators(self) -> list[dict[str, str]]:
        """Return a row for each operator: `operator`, `versions`, `inputs`, `attributes`, `rewritten`, `instead`."""
        ...
