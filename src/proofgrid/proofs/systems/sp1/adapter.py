"""Programs of SP1, a virtual machine of RISC-V, proven by services that provers name: no setup, one proof a run.

    source    elf: a static program for riscv64im; key: SP1's digest of its verifying key (see `key`)
    settings  cycles_max: the most that a run may take; a job costs that
    input     stdin: what the program reads (private); public_values: what it writes then, as its client found by a run
    proof     compressed, of constant size: the program of this key ran to a good end and wrote these public values

Provers do not prove here: each asks a service of its operator (`ere`), which is believed nothing: its proof is verified
by our own engine before it is handed in, and by everybody else as any proof. Whoever verifies needs the key alone, so
who relies on a program compares its key. Compressed proofs are NOT zero-knowledge: they may tell of the input.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from proofgrid.primitives.canonical import Json, canonical_json
from proofgrid.primitives.digests import Digest, digest_of_file
from proofgrid.primitives.errors import (
    BadProof,
    InvalidField,
    InvalidInput,
    InvalidProgram,
    JobCrashed,
    LeaseLost,
    Unprovable,
)
from proofgrid.proofs.base import JobOutput, Program, ProgramFiles, Report, SliceSpec, SystemDescription
from proofgrid.proofs.kit.asking import Refused
from proofgrid.proofs.kit.engine_programs import SP1
from proofgrid.proofs.kit.files import check_files, pinned_settings
from proofgrid.proofs.kit.looking import prove_then_look
from proofgrid.proofs.kit.one_job_per_input import OneJobPerInput, TakenInput
from proofgrid.proofs.kit.services import Service, ServiceFailed, services_of
from proofgrid.proofs.setup import TrustRoots
from proofgrid.proofs.systems.sp1 import engine, ere
from proofgrid.proofs.systems.sp1.elf import ELF_BYTES_MAX, check_elf
from proofgrid.proofs.systems.sp1.key import KEY_FILE_BYTES_MAX, is_key, read_key
from proofgrid.proofs.systems.sp1.settings import HELP, MEMORY_BYTES, Settings, read_settings, units

FORMAT = 1
ELF, KEY = "elf", "key"
PROOF_BYTES_MAX = 4 << 20
STDIN_BYTES_MAX = 2 << 20
PUBLIC_VALUES_BYTES_MAX = 64 << 10
_BYTES = re.compile(r"0x(?:[0-9a-f]{2})*")


class Sp1System(OneJobPerInput):
    """Fits proofs.base.ProofSystem; see there for what each method promises."""

    name = engine.SYSTEM

    def __init__(self) -> None:
        SP1.path(system=self.name)  # or it is not installed here

    def describe(self) -> SystemDescription:
        """Say what this system is, and that its proofs hide nothing."""
        return SystemDescription(
            name=self.name,
            engine=engine.VERSION,
            program_format="program for riscv64im (.elf), proven by services of provers; proofs do not hide inputs",
            settings_help=HELP,
            settings_defaults=Settings().to_json(),
            source_suffixes={ELF: ".elf", KEY: ".vk"},
        )

    def services(self) -> Sequence[str]:
        """Do what ProvesByServices.services promises."""
        return [str(service) for service in services_of(self.name)]

    def build_program(
        self,
        source: Mapping[str, Path],
        settings: Mapping[str, Json],
        *,
        trust: TrustRoots,
        workdir: Path,
        report: Report,
    ) -> ProgramFiles:
        """Look at the program and its key."""
        chosen = read_settings(settings)
        if set(source) != {ELF, KEY}:
            raise InvalidField("a program is made of two files: elf and key", field="source")
        key = read_key(_content(source, KEY, KEY_FILE_BYTES_MAX))
        check_elf(_content(source, ELF, ELF_BYTES_MAX))
        return ProgramFiles(_program(key, digest_of_file(source[ELF]), chosen), {ELF: source[ELF]})

    def check_program(self, files: ProgramFiles) -> None:
        """Raise BadProof unless the files at hand are those that the identity names."""
        identity = files.program.identity
        pinned = identity.get("files")
        if identity.get("format") != FORMAT or not isinstance(pinned, Mapping) or set(pinned) != {ELF}:
            raise BadProof("the program's identity is malformed", field="program.identity")
        if identity.get("engine") != engine.VERSION:
            raise BadProof(f"the program is for another engine than {engine.VERSION}", field="program.identity.engine")
        _key(files)
        _settings(files)
        if len(files.program.slices) != 1:
            raise BadProof("a program has one slice", field="program.slices")
        check_files(files, {ELF: Digest(str(pinned[ELF]))})

    def take_input(self, files: ProgramFiles, value: Json, *, field: str, workdir: Path) -> TakenInput:
        """Take what a client says of one run."""
        stdin, public_values = _run(value, field)
        job = canonical_json({"stdin": stdin, "public_values": public_values})
        return TakenInput(shown=_shown(public_values), job_input=job, output=public_values)

    def run_job(
        self, files: ProgramFiles, slice_index: int, job_input: bytes, *, cache: Path, workdir: Path, report: Report
    ) -> JobOutput:
        """Have a service run the program, then prove it, and look at what it says."""
        stdin, public_values = _job(job_input)
        service = _service_for(_key(files))
        given = bytes.fromhex(stdin.removeprefix("0x"))
        report("run", 0)
        _run_first(service, given, public_values, _settings(files))
        report("prove", 10)

        def prove() -> JobOutput:
            try:
                proof, said = engine.take(ere.prove(service, given), workdir=workdir)
            except (ServiceFailed, ere.ServiceComplains) as reason:
                raise _trouble(service, reason) from None
            except Refused as reason:
                raise BadProof(f"{service} hands over what is no proof: {reason.rule}") from None
            if said != public_values:
                raise BadProof(f"{service} hands over a proof of other public values")
            return JobOutput(proof=proof, public={"output": public_values})

        def look(output: JobOutput) -> None:
            self.check_proof(files, _shown(public_values), public_values, output.proof, workdir=workdir)

        output = prove_then_look(prove, look, what="this run")
        report("prove", 1000)
        return output

    def check_proof(self, files: ProgramFiles, shown: Json, claimed: Json, proof: bytes, *, workdir: Path) -> None:
        """Raise BadProof unless the proof shows that the program wrote these public values."""
        if not _is_public(claimed) or shown != _shown(claimed):
            raise BadProof("the output is not the public values of the statement, 0x and hexadecimal digits")
        if len(proof) > PROOF_BYTES_MAX:
            raise BadProof(f"a proof has at most {PROOF_BYTES_MAX} bytes")
        if wrong := engine.complaint_about(_key(files), str(claimed), proof, workdir=workdir):
            raise BadProof(wrong)

    def self_check(self, *, workdir: Path) -> str:
        """Do what SelfChecking.self_check promises: ask every service which program it proves."""
        asked = services_of(self.name)
        if not asked:
            raise InvalidField("no service proves for this machine", field="services", hint=_HINT)
        keys = []
        for service in asked:
            try:
                keys.append(f"0x{ere.key_of(service).hex()[:16]}…")
            except (ServiceFailed, ere.ServiceComplains) as reason:
                raise _trouble(service, reason) from None
        return f"{len(asked)} services answer, for the keys {', '.join(keys)}"


_HINT = "proofgrid prover --services sp1=https://gpu.example:3000"


def _service_for(key: str) -> Service:
    """Return the first service that says it proves the program of this key."""
    asked = services_of(engine.SYSTEM)
    failed = []
    for service in asked:
        try:
            if f"0x{ere.key_of(service).hex()}" == key:
                return service
        except (ServiceFailed, ere.ServiceComplains):
            failed.append(str(service))
    away = f"; no answer from {', '.join(failed)}" if failed else ""
    raise LeaseLost(f"none of {len(asked)} services proves the program of key {key[:18]}…{away}")


def _run_first(service: Service, stdin: bytes, public_values: str, settings: Settings) -> None:
    """Raise Unprovable unless the run is the one that the client promised: a run costs a thousandth of a proof."""
    try:
        run = ere.execute(service, stdin)
    except ServiceFailed as reason:
        raise _trouble(service, reason) from None
    except ere.ServiceComplains:
        raise Unprovable("the program does not run to a good end on this input") from None
    if run.cycles > settings.cycles_max:
        raise Unprovable(f"the run takes {run.cycles} cycles, more than the program's cycles_max")
    if f"0x{run.public_values.hex()}" != public_values:
        raise Unprovable("the program writes other public values than its client says")


def _trouble(service: Service, reason: ServiceFailed | ere.ServiceComplains) -> JobCrashed:
    # What a service complains of may quote the input; it stands in its own log. ServiceFailed holds nothing of it.
    return JobCrashed(
        str(reason) if isinstance(reason, ServiceFailed) else f"{service} complains; its log says of what"
    )


def _content(source: Mapping[str, Path], name: str, bytes_max: int) -> bytes:
    if source[name].stat().st_size > bytes_max:
        raise InvalidProgram(f"this file has at most {bytes_max} bytes", field=f"source.{name}")
    return source[name].read_bytes()


def _program(key: str, elf: Digest, settings: Settings) -> Program:
    return Program(
        proof_system=engine.SYSTEM,
        identity={
            "format": FORMAT,
            "engine": engine.VERSION,
            "key": key,
            "settings": settings.to_json(),
            "files": {ELF: elf},
        },
        files={ELF: elf},
        verifying_files=(),  # the key says it all
        slices=(SliceSpec(index=0, units=units(settings.cycles_max), memory_bytes=MEMORY_BYTES, files=()),),
        summary={"key": key, **settings.to_json()},
    )


def _settings(files: ProgramFiles) -> Settings:
    return pinned_settings(files, HELP, read_settings)


def _key(files: ProgramFiles) -> str:
    key = files.program.identity.get("key")
    if not is_key(key):
        raise BadProof("the program's identity is malformed", field="program.identity.key")
    return str(key)


def _shown(public_values: Json) -> dict[str, Json]:
    return {"public_values": public_values}


def _is_public(value: Json) -> bool:
    return _is_bytes(value, PUBLIC_VALUES_BYTES_MAX)


def _is_bytes(value: Json, most: int) -> bool:
    return isinstance(value, str) and len(value) <= 2 * most + 2 and bool(_BYTES.fullmatch(value))


_RUN = {"stdin": STDIN_BYTES_MAX, "public_values": PUBLIC_VALUES_BYTES_MAX}


def _run(value: Json, field: str) -> tuple[str, str]:
    """Return what a program is given to read, and what it writes then."""
    if not isinstance(value, Mapping) or set(value) != set(_RUN):
        raise InvalidInput('an input is an object: {"stdin": "0x…", "public_values": "0x…"}', field=field)
    for name, most in _RUN.items():
        if not _is_bytes(value[name], most):
            raise InvalidInput(
                f"at most {most >> 10} KiB, as 0x and hexadecimal digits in lower case", field=f"{field}.{name}"
            )
    return str(value["stdin"]), str(value["public_values"])


def _job(job_input: bytes) -> tuple[str, str]:
    try:
        return _run(json.loads(job_input), "job_input")
    except (ValueError, RecursionError):
        raise InvalidInput("the job's input is none of this program", field="job_input") from None
