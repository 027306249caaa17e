"""Programs of Miden VM, a virtual machine whose executions are proven by a STARK; no setup, no keys.

    source    masm (Miden assembly, assembled with the standard library) or package (compiled); no kernel
    settings  steps: the program is applied so often, each time to the stack that the time before left
    input     stack (public) and advice (private), for each step; see `elements`
    proof     that the program of this root turns one stack of 16 elements into another; public: the stack after

A slice is a step. The gateway executes all of them first, so it knows every stack between them, and the steps are
proven side by side by different provers. Those stacks are public. Proofs are NOT zero-knowledge: Miden's STARK blinds
nothing, so a proof may tell of the advice, and of a short program nearly all of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from proofgrid.primitives.canonical import Json, canonical_json
from proofgrid.primitives.digests import Digest, digest_of_file
from proofgrid.primitives.errors import BadProof, InvalidField, InvalidInput, InvalidProgram
from proofgrid.proofs.base import JobOutput, Program, ProgramFiles, Report, SliceSpec, SystemDescription
from proofgrid.proofs.kit.asking import Refused, refused_as
from proofgrid.proofs.kit.chains import ChainPerInput, TakenChain, TakenSlice
from proofgrid.proofs.kit.engine_programs import MIDEN
from proofgrid.proofs.kit.files import check_files, pinned_settings
from proofgrid.proofs.kit.looking import prove_then_look
from proofgrid.proofs.kit.rehearsal import self_check
from proofgrid.proofs.kit.samples import Samples
from proofgrid.proofs.setup import TrustRoots
from proofgrid.proofs.systems.miden import engine, samples
from proofgrid.proofs.systems.miden.elements import Advice, is_stack, read_input, read_step
from proofgrid.proofs.systems.miden.naming import NamesStacks
from proofgrid.proofs.systems.miden.settings import HELP, Settings, memory_bytes, read_settings

FORMAT = 1
SECURITY_BITS = 96
PROGRAM = "program"
PROOF_BYTES_MAX = 4 << 20
SOURCE_BYTES_MAX = 16 << 20
_SUFFIXES = {"masm": ".masm", "package": ".masp"}
_ROOT = re.compile(r"0x[0-9a-f]{64}")


class MidenSystem(ChainPerInput, NamesStacks):
    """Fits proofs.base.ProofSystem; see there for what each method promises."""

    name = engine.SYSTEM

    def __init__(self) -> None:
        MIDEN.path(system=self.name)  # or it is not installed here

    def describe(self) -> SystemDescription:
        """Say what this system is, and that its proofs hide nothing."""
        return SystemDescription(
            name=self.name,
            engine=engine.VERSION,
            program_format="Miden assembly (.masm) or package (.masp); proofs do not hide private inputs",
            settings_help=HELP,
            settings_defaults=Settings().to_json(),
            source_suffixes=_SUFFIXES,
        )

    def build_program(
        self,
        source: Mapping[str, Path],
        settings: Mapping[str, Json],
        *,
        trust: TrustRoots,
        workdir: Path,
        report: Report,
    ) -> ProgramFiles:
        """Assemble a program."""
        chosen = read_settings(settings)
        if len(source) != 1 or not set(source) <= set(_SUFFIXES):
            raise InvalidField("a program is made of one file: masm or package", field="source")
        ((name, path),) = source.items()
        if path.stat().st_size > SOURCE_BYTES_MAX:
            raise InvalidProgram(f"a program has at most {SOURCE_BYTES_MAX >> 20} MiB", field=f"source.{name}")
        workdir.mkdir(parents=True, exist_ok=True)
        made = workdir / "program.json"
        report("assemble", 100)
        with refused_as(InvalidProgram):
            root = engine.assemble(source, made, workdir=workdir)
        return ProgramFiles(_program(root, digest_of_file(made), chosen), {PROGRAM: made})

    def check_program(self, files: ProgramFiles) -> None:
        """Raise BadProof unless the files at hand, and the number of slices, are those that the identity names."""
        identity = files.program.identity
        pinned = identity.get("files")
        if identity.get("format") != FORMAT or not isinstance(pinned, Mapping) or set(pinned) != {PROGRAM}:
            raise BadProof("the program's identity is malformed", field="program.identity")
        if identity.get("engine") != engine.VERSION:
            raise BadProof(f"the program is for another engine than {engine.VERSION}", field="program.identity.engine")
        _root(files)
        if len(files.program.slices) != _settings(files).steps:
            raise BadProof("the program has another number of slices than of steps", field="program.slices")
        check_files(files, {PROGRAM: Digest(str(pinned[PROGRAM]))})

    def take_chain(self, files: ProgramFiles, value: Json, *, field: str, workdir: Path) -> TakenChain:
        """Run all steps on one input."""
        settings = _settings(files)
        given = read_input(value, steps=settings.steps, place=field)
        try:
            done = engine.execute(_call(files), given.stack, given.steps, workdir=workdir)
        except Refused as reason:
            place = reason.field
            if settings.steps == 1 and not (isinstance(value, Mapping) and "steps" in value):
                place = place.removeprefix("steps[0]").removeprefix(".")
            raise InvalidInput(reason.rule, field=f"{field}.{place}" if place else field) from None
        begun: list[Json] = [list(given.stack), *(list(one.stack) for one in done)]
        slices = tuple(
            TakenSlice(
                shown=begun[index],
                job_input=canonical_json({"stack": begun[index], "step": given.steps[index].to_json()}),
                output=begun[index + 1],
                units=settings.units(one.rows),
                memory_bytes=memory_bytes(one.rows),
            )
            for index, one in enumerate(done)
        )
        return TakenChain(shown=begun[0], slices=slices)

    def shown_to(self, files: ProgramFiles, slice_index: int, shown: Json, before: Sequence[Json]) -> Json:
        """Return the stack that the step before left, or the input's."""
        return before[-1] if before else shown

    def run_job(
        self, files: ProgramFiles, slice_index: int, job_input: bytes, *, cache: Path, workdir: Path, report: Report
    ) -> JobOutput:
        """Prove one step."""
        stack, step = _job(job_input)

        def prove() -> JobOutput:
            with refused_as(InvalidInput, field="job_input"):
                proof, left = engine.prove(_call(files), stack, step, workdir=workdir, report=report)
            return JobOutput(proof=proof, public={"output": list(left)})

        def look(output: JobOutput) -> None:
            claimed = output.public["output"]
            self.check_slice(files, slice_index, list(stack), claimed, output.proof, workdir=workdir)

        output = prove_then_look(prove, look, what=f"step {slice_index}")
        report("prove", 1000)
        return output

    def can_be_proven(self, files: ProgramFiles, slice_index: int, job_input: bytes, *, workdir: Path) -> bool | None:
        """Do what TriesInputs.can_be_proven promises: run the step."""
        try:
            stack, step = _job(job_input)
            engine.execute(_call(files), stack, [step], workdir=workdir)
        except Refused as reason:
            return False if reason.field.startswith("steps") else None
        except (InvalidProgram, InvalidInput):
            return None
        return True

    def check_slice(
        self, files: ProgramFiles, slice_index: int, shown: Json, claimed: Json, proof: bytes, *, workdir: Path
    ) -> None:
        """Raise BadProof unless the proof shows that the program turns one stack into the other."""
        if not is_stack(shown) or not is_stack(claimed):
            raise BadProof("a stack is 16 field elements, in decimal")
        if len(proof) > PROOF_BYTES_MAX:
            raise BadProof(f"a proof has at most {PROOF_BYTES_MAX} bytes")
        assert isinstance(shown, list) and isinstance(claimed, list)  # noqa: S101 - looked at above
        wrong = engine.complaint_about(_root(files), _settings(files), shown, claimed, proof, workdir=workdir)
        if wrong:
            raise BadProof(wrong)

    def samples(self, folder: Path) -> Samples:
        """Do what OffersSamples.samples promises."""
        return samples.write_samples(folder)

    def self_check(self, *, workdir: Path) -> str:
        """Do what SelfChecking.self_check promises."""
        return self_check(self, workdir=workdir)


def _program(root: str, made: Digest, settings: Settings) -> Program:
    rows = settings.rows_max
    return Program(
        proof_system=engine.SYSTEM,
        identity={
            "format": FORMAT,
            "engine": engine.VERSION,
            "root": root,
            "security_bits": SECURITY_BITS,
            "settings": settings.to_json(),
            "files": {PROGRAM: made},
        },
        files={PROGRAM: made},
        verifying_files=(),  # the root says it all
        slices=tuple(
            SliceSpec(index=index, units=settings.units(rows), memory_bytes=memory_bytes(rows), files=(PROGRAM,))
            for index in range(settings.steps)
        ),
        summary={"root": root, **settings.to_json()},
    )


def _settings(files: ProgramFiles) -> Settings:
    return pinned_settings(files, HELP, read_settings)


def _root(files: ProgramFiles) -> str:
    root = files.program.identity.get("root")
    if not isinstance(root, str) or not _ROOT.fullmatch(root):
        raise BadProof("the program's identity is malformed", field="program.identity.root")
    if files.program.identity.get("security_bits") != SECURITY_BITS:
        raise BadProof("the program's identity is malformed", field="program.identity.security_bits")
    return root


def _call(files: ProgramFiles) -> engine.Call:
    return engine.Call(program=files.path(PROGRAM), root=_root(files), settings=_settings(files))


def _job(job_input: bytes) -> tuple[list[str], Advice]:
    try:
        content = json.loads(job_input)
        stack, step = content["stack"], content["step"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InvalidInput("the job's input is none of this program", field="job_input") from None
    if not is_stack(stack):
        raise InvalidInput("the job's input is none of this program", field="job_input.stack")
    return stack, read_step(step, place="job_input.step")
