"""What every proof system offers the network: one Protocol, plain values, no network and no database.

The life of a proof, as a proof system sees it (who calls it stands on the right):

    build_program   model or circuit + settings -> a program, named by its content   gateway, `proofgrid program build`
    check_program   do these files make this program?                                gateway, verifier
    normalise       a request's inputs -> public statement + jobs (a DAG of slices)   gateway, before anything is stored
    run_job         one slice -> one partial proof                                   prover, in a child process
    verify_partial  is this the proof that this job asked for?                       gateway, before anybody is paid
    combine         partial proofs -> the public result                              gateway
    verify_whole    statement + result + proofs, and how they are linked             gateway and `proofgrid verify`

All calls block and may take all the CPU they get: callers run them in worker or child processes, never on
an event loop. All values are frozen, picklable, and JSON where they leave the machine. A third party ships a
proof system as a package with an entry point in the group `proofgrid.proof_systems`.

What a system may offer besides stands in `offers`, `setup.NeedsSetup` and `kit.samples.OffersSamples`.
`proofs.kit` is there to build on, and `proofs.kit.conformance` to be tried by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.digests import Digest, digest_of_json
from proofgrid.primitives.errors import InvalidField
from proofgrid.proofs.setup import TrustRoots

#: Progress of a long call: (stage, share of its time in 1/1000). Stages are short: "prove", "calibrate slice 2/4".
Report = Callable[[str, int], None]


#: Where an identity names its proof system; the framework puts it there for systems that do not.
SYSTEM_IN_IDENTITY = "proof_system"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedSource:
    """A folder of texts that a client hands in as one file (`kit.packages`): a package of some language."""

    marker: str  #: the file at its root by which such a folder is known, such as "Nargo.toml"
    suffixes: tuple[str, ...]  #: how the names of those of its files end that belong to it


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemDescription:
    """What a proof system says of itself, for listings and error messages."""

    name: str  #: as in lanes and requests, e.g. "ezkl"
    engine: str  #: the proving engine and its version, e.g. "ezkl 23.0.5"
    program_format: str  #: what a client hands in, e.g. "ONNX model"
    settings_help: Mapping[str, str]  #: setting name -> its rule, in one sentence
    settings_defaults: Mapping[str, Json] = field(default_factory=dict)  #: setting name -> what it is when not given
    #: how the files that a client hands in are named, and by which end of their names a folder's are told apart
    source_suffixes: Mapping[str, str] = field(default_factory=lambda: {"model": ".onnx"})
    source_packages: Mapping[str, PackedSource] = field(
        default_factory=dict
    )  #: folders that become one file, by its name


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceSpec:
    """One slice of a program: what every job of this slice needs and costs."""

    index: int
    units: int  #: PU, an integer >= 1
    memory_bytes: int  #: peak memory of the job's child process
    depends_on: tuple[int, ...] = ()  #: slices whose proofs must exist before this one can be proven
    files: tuple[str, ...] = ()  #: names in `Program.files` that a prover needs for this slice


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What is proven. `identity` is its content; two builds of the same content have equal identities.

    An identity need not name its proof system; one that names another is refused with InvalidField.
    """

    proof_system: str
    identity: Mapping[str, Json]  #: JSON without floats: model digest, canonical settings, verifying keys, trust root
    files: Mapping[str, Digest]  #: every file by name; also build products that differ from build to build
    verifying_files: tuple[str, ...]  #: the names in `files` that an offline verifier needs; all pinned by `identity`
    slices: tuple[SliceSpec, ...]
    summary: Mapping[str, Json] = field(default_factory=dict)  #: for people: shapes, operators, sizes; JSON
    #: what folds proofs into one; their indexes go on behind those of the slices. None: there is a proof for each slice
    wraps: tuple[SliceSpec, ...] = ()

    @property
    def digest(self) -> Digest:
        """The program's name: the digest of its identity, in which `proof_system` names the system.

        So programs of two systems never share a digest, whatever their identities say.
        """
        return digest_of_json({**self.identity, SYSTEM_IN_IDENTITY: self.proof_system})

    def spec(self, index: int) -> SliceSpec:
        """Return what a job of this slice, or wrap, needs; raise IndexError when there is none."""
        return (*self.slices, *self.wraps)[index]

    def is_wrap(self, index: int) -> bool:
        """Tell whether a job of this index takes other jobs' proofs."""
        return index >= len(self.slices)

    @property
    def memory_bytes_max(self) -> int:
        """The most that any of its jobs needs."""
        return max(spec.memory_bytes for spec in (*self.slices, *self.wraps))

    def __post_init__(self) -> None:
        if self.identity.get(SYSTEM_IN_IDENTITY, self.proof_system) != self.proof_system:
            raise InvalidField("the identity names another proof system", field="program.identity")


@dataclass(frozen=True, slots=True)
class ProgramFiles:
    """A program with its files at hand. `paths` may hold fewer files than the program has."""

    program: Program
    paths: Mapping[str, Path]

    def path(self, name: str) -> Path:
        """Return where the file `name` lies; raise KeyError when it was not provided."""
        return self.paths[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDraft:
    """One job of a normalised request."""

    slice_index: int
    input_index: int  #: which input of a batch, from 0; of a wrap: which of its index
    units: int
    memory_bytes: int
    depends_on: tuple[int, ...]  #: positions in `NormalisedRequest.jobs`, ascending: whose proofs it takes
    input: bytes  #: what the prover needs to know, possibly secret; becomes an artifact
    facts: Mapping[str, Json]  #: what the gateway knows of the right proof (JSON), for `verify_partial`


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalisedRequest:
    """A request in the network's own form: what will be public, and the jobs that prove it."""

    statement: Mapping[str, Json]  #: JSON: public inputs and what the verifier must know beforehand
    jobs: tuple[JobDraft, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOutput:
    """What a prover hands in for one job. Nothing in it is believed."""

    proof: bytes
    public: Mapping[str, Json]  #: JSON: public values that the prover claims, e.g. the output of the last slice

    def __reduce__(self) -> tuple[Callable[..., JobOutput], tuple[bytes, Mapping[str, Json]]]:
        # Hundreds of them go to a worker in one call; how dataclasses with slots are pickled costs ten times as much.
        return job_output, (self.proof, self.public)


def job_output(proof: bytes, public: Mapping[str, Json]) -> JobOutput:
    """Return an output, as it is written for other processes."""
    return JobOutput(proof=proof, public=public)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialProof:
    """A verified job output with its place in the task."""

    slice_index: int
    input_index: int
    output: JobOutput


@runtime_checkable
class ProofSystem(Protocol):
    """The one interface between the network and a family of proofs."""

    name: str

    def describe(self) -> SystemDescription:
        """Say what this system is and which settings its programs take."""
        ...

    def build_program(
        self,
        source: Mapping[str, Path],
        settings: Mapping[str, Json],
        *,
        trust: TrustRoots,
        workdir: Path,
        report: Report,
    ) -> ProgramFiles:
        """Validate what a client handed in and make a program of it, slices and verifying keys included.

        `source` holds the client's files by name (ezkl: "model", optionally "calibration"); new files are written
        below `workdir`. The same source, settings and trust roots give the same `Program.digest` on every machine.
        Raises InvalidProgram, UnsupportedOperator or InvalidField, with a hint.
        """
        ...

    def check_program(self, files: ProgramFiles) -> None:
        """Raise BadProof unless the files at hand are the ones that the program's identity names."""
        ...

    def normalise(self, files: ProgramFiles, inputs: list[Json], *, workdir: Path) -> NormalisedRequest:
        """Turn a request's inputs (one per batch element, JSON values) into statement and jobs.

        Raises InvalidInput naming the field (`inputs[3][0]`) and the rule: shape, type, NaN, range.
        """
        ...

    def run_job(
        self, files: ProgramFiles, slice_index: int, job_input: bytes, *, cache: Path, workdir: Path, report: Report
    ) -> JobOutput:
        """Prove one slice. `cache` outlives the job and holds what can be derived once, such as proving keys.

        Must survive two processes filling `cache` at once and a process killed while filling it.
        """
        ...

    def verify_partial(
        self, files: ProgramFiles, slice_index: int, facts: Mapping[str, Json], output: JobOutput, *, workdir: Path
    ) -> None:
        """Raise BadProof unless `output` proves exactly the job that `facts` (from normalise) describe.

        The facts of a wrap have besides, under `parts`, what it took: a list of {"slice", "input", "proof": its digest,
        "public"}, all of it verified before.
        """
        ...

    def combine(
        self, files: ProgramFiles, statement: Mapping[str, Json], parts: list[PartialProof], *, workdir: Path
    ) -> Mapping[str, Json]:
        """Return the public result of the whole (JSON): outputs per input, and how the parts are linked."""
        ...

    def verify_whole(
        self,
        files: ProgramFiles,
        statement: Mapping[str, Json],
        result: Mapping[str, Json],
        parts: list[PartialProof],
        *,
        workdir: Path,
    ) -> list[str]:
        """Check everything from public data alone: each proof, each link, inputs and outputs.

        Returns one sentence per check that passed; raises BadProof or BrokenLink naming the first that did not.
        Believes nothing but `files.program.identity` (whose digest the caller compares).
        """
        ...
