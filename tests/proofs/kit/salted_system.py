"""A toy proof system that is built of nothing but the kit, with an engine and a trust root of its own.

    input --H--> start --H^rounds--> end       the proof is a seal on start and end, with a key derived from the salt

Whoever knows the salt can seal whatever he likes, as with the trapdoor of a ceremony; the verifier walks again.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from proofgrid.primitives.canonical import Json, canonical_json
from proofgrid.primitives.digests import Digest, digest_of_file
from proofgrid.primitives.errors import BadProof, InvalidField, InvalidInput, InvalidProgram
from proofgrid.proofs.base import JobOutput, Program, ProgramFiles, Report, SliceSpec, SystemDescription
from proofgrid.proofs.kit.engine import EngineFailed, EngineLimits, run_engine
from proofgrid.proofs.kit.files import check_files
from proofgrid.proofs.kit.keys import derived_once
from proofgrid.proofs.kit.looking import prove_then_look
from proofgrid.proofs.kit.one_job_per_input import OneJobPerInput, TakenInput
from proofgrid.proofs.kit.rehearsal import self_check
from proofgrid.proofs.kit.samples import Samples, Source
from proofgrid.proofs.setup import TrustRoots
from tests.proofs.kit.salted_engine import key_of, seal, walk

ENGINE = Path(__file__).with_name("salted_engine.py")
LIMITS = EngineLimits(timeout_seconds=60, memory_bytes=256 << 20, file_bytes_max=1 << 20)
SALT = "salt"


class SaltSetup:
    """Fits proofs.setup.Setup: a file of 32 random bytes."""

    kind = SALT

    def files(self, root: Path) -> dict[str, Path]:
        """Return the one file."""
        path = root / "salt.bin" if root.is_dir() else root
        if not path.is_file() or path.stat().st_size != 32:
            raise InvalidField("a salt is a file of 32 bytes", field="salt")
        return {"salt.bin": path}

    def make_for_development(self, folder: Path, logrows: int, secret: bytes) -> None:
        """Draw a salt."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "salt.bin").write_bytes(hashlib.sha256(secret).digest())


class SaltedSystem(OneJobPerInput):
    """Fits proofs.base.ProofSystem; see there for what each method promises."""

    name = "salted"
    setups = (SaltSetup(),)

    def describe(self) -> SystemDescription:
        return SystemDescription(name="salted", engine="salted 1.0", program_format="JSON", settings_help={})

    def build_program(
        self,
        source: Mapping[str, Path],
        settings: Mapping[str, Json],
        *,
        trust: TrustRoots,
        workdir: Path,
        report: Report,
    ) -> ProgramFiles:
        if settings or set(source) != {"circuit"}:
            raise InvalidField("one file, the circuit, and no settings", field="source")
        self.read_circuit(source["circuit"])
        if SALT not in trust:
            raise InvalidField("proving needs a salt", field="salt")
        paths = {"circuit": source["circuit"], **SaltSetup().files(trust[SALT])}
        digests = {name: digest_of_file(path) for name, path in paths.items()}
        program = Program(
            proof_system="salted",
            identity=self.identity_of(digests),
            files=digests,
            verifying_files=tuple(digests),
            slices=(SliceSpec(index=0, units=1, memory_bytes=LIMITS.memory_bytes, files=tuple(digests)),),
        )
        return ProgramFiles(program, paths)

    def check_program(self, files: ProgramFiles) -> None:
        identity = files.program.identity
        try:
            check_files(files, {name: Digest(str(identity[name])) for name in ("circuit", "salt.bin")})
        except KeyError:
            raise BadProof("the program's identity is malformed", field="program.identity") from None

    def take_input(self, files: ProgramFiles, value: Json, *, field: str, workdir: Path) -> TakenInput:
        if not isinstance(value, str):
            raise InvalidInput("an input is a text", field=field)
        start = hashlib.sha256(value.encode()).digest()
        return TakenInput(shown=start.hex(), job_input=start, output=self.end_of(files, start).hex())

    def run_job(
        self, files: ProgramFiles, slice_index: int, job_input: bytes, *, cache: Path, workdir: Path, report: Report
    ) -> JobOutput:
        def prove() -> JobOutput:
            key = self.key_in(cache, files, workdir)
            rounds = str(self.read_circuit(files.path("circuit"))["rounds"])
            said = self.engine(["prove", rounds], workdir, key + job_input, report)
            return JobOutput(proof=said[32:], public={"output": said[:32].hex()})

        def look(output: JobOutput) -> None:
            claimed: Json = output.public["output"]
            self.check_proof(files, job_input.hex(), claimed, output.proof, workdir=workdir)

        return prove_then_look(prove, look, what="the chain")

    def check_proof(self, files: ProgramFiles, shown: Json, claimed: Json, proof: bytes, *, workdir: Path) -> None:
        try:
            start = bytes.fromhex(str(shown))
        except ValueError:
            raise BadProof("the start is no text in hex") from None
        end = self.end_of(files, start)
        if claimed != end.hex() or shown != start.hex():
            raise BadProof("the chain ends somewhere else")
        if not self.is_seal(proof, self.seal_of(files, start, end)):
            raise BadProof("the seal is broken")

    def self_check(self, *, workdir: Path) -> str:
        return self_check(self, workdir=workdir)

    def samples(self, folder: Path) -> Samples:
        SaltSetup().make_for_development(folder, logrows=0, secret=b"salt")
        return Samples(
            source=a_circuit(folder / "circuit", rounds=5),
            other=a_circuit(folder / "other", rounds=6),
            inputs=("one", "two"),
            trust={SALT: folder},
            malformed=(Source(), a_circuit(folder / "wrong", rounds=-1)),
            refused_inputs=(1, None, ["one"]),
        )

    # --- what broken variants change ------------------------------------------------------------------

    def read_circuit(self, path: Path) -> dict[str, int]:
        """Return what a circuit says; raise InvalidProgram for any other file."""
        try:
            circuit = json.loads(path.read_bytes())
            if set(circuit) != {"rounds", "key_ms"} or not all(type(n) is int and n >= 0 for n in circuit.values()):
                raise ValueError
        except (ValueError, TypeError):
            raise InvalidProgram("this is no circuit", field="circuit") from None
        return dict(circuit)

    def identity_of(self, digests: Mapping[str, str]) -> Mapping[str, Json]:
        """Return what a program with these files is."""
        return dict(digests)

    def end_of(self, files: ProgramFiles, start: bytes) -> bytes:
        """Return where a program's chain ends."""
        return walk(start, self.read_circuit(files.path("circuit"))["rounds"])

    def seal_of(self, files: ProgramFiles, start: bytes, end: bytes) -> bytes:
        """Return the right seal."""
        return seal(key_of(files.path("salt.bin").read_bytes()), start, end)

    def is_seal(self, proof: bytes, right: bytes) -> bool:
        """Return whether a proof is the right seal."""
        return proof == right

    def key_in(self, cache: Path, files: ProgramFiles, workdir: Path) -> bytes:
        """Return the key, derived from the salt if the cache has none."""
        name = f"{files.program.files['salt.bin']}.key"
        with derived_once(cache, name, lambda target: self.write_key(files, target, workdir)) as key:
            return key.read_bytes()

    def write_key(self, files: ProgramFiles, target: Path, workdir: Path) -> None:
        """Have the engine write the key."""
        milliseconds = str(self.read_circuit(files.path("circuit"))["key_ms"])
        self.engine(["key", str(target.absolute()), milliseconds], workdir, files.path("salt.bin").read_bytes(), None)

    def engine(self, arguments: list[str], workdir: Path, content: bytes, report: Report | None) -> bytes:
        """Run the engine; raise InvalidProgram when it fails."""
        command = [sys.executable, "-I", "-S", str(ENGINE), *arguments]
        try:
            return run_engine(command, limits=LIMITS, workdir=workdir, content=content, report=report)
        except EngineFailed as reason:
            raise InvalidProgram(f"the engine fails: {reason}") from None


def a_circuit(path: Path, *, rounds: int, key_ms: int = 0) -> Source:
    """Write a circuit: so many rounds, and a key that takes so long to derive."""
    path.write_bytes(canonical_json({"rounds": rounds, "key_ms": key_ms}))
    return Source(files={"circuit": path})
