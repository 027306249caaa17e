"""Noir, proven by Barretenberg's UltraHonk: packages or compiled circuits, and no keys: they follow from the circuit.

    source    package (Noir's sources, packed) or circuit (what nargo compiled)
    input     parameter -> value, by the types that the program declares; the gateway runs it before anything is sold
    proof     of zero knowledge, 32 bytes an element; public: what the program returns, by its type

Keys rest on the points of Aztec's Ignition ceremony; the points that a circuit needs are a file of its program.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from proofgrid.primitives.canonical import Json, canonical_json
from proofgrid.primitives.digests import Digest, digest_of_file
from proofgrid.primitives.errors import BadProof, InvalidField, InvalidInput, InvalidProgram
from proofgrid.proofs.base import (
    JobOutput,
    PartialProof,
    Program,
    ProgramFiles,
    Report,
    SliceSpec,
    SystemDescription,
)
from proofgrid.proofs.kit import rehearsal
from proofgrid.proofs.kit.asking import Refused, refused_as
from proofgrid.proofs.kit.contract_calls import call_of
from proofgrid.proofs.kit.files import check_files, require
from proofgrid.proofs.kit.ignition import HINT, IGNITION_BN254, POINT_BYTES, IgnitionBn254, points_in
from proofgrid.proofs.kit.looking import prove_then_look
from proofgrid.proofs.kit.one_job_per_input import OneJobPerInput, TakenInput
from proofgrid.proofs.kit.packages import unpack
from proofgrid.proofs.kit.samples import Samples
from proofgrid.proofs.offers import Contract, ContractCall
from proofgrid.proofs.setup import TrustRoots
from proofgrid.proofs.systems.noir import abi, engine, samples
from proofgrid.proofs.systems.noir.layout import cut
from proofgrid.proofs.systems.noir.naming import NamesParameters, public_elements, signature_of
from proofgrid.proofs.systems.noir.sources import (
    CIRCUIT,
    FORM,
    checked_package,
    circuit_file,
    locations_file,
    read_circuit,
)

FORMAT = 1
GATES_MAX = 1 << 23
POINTS_LOGROWS_LEAST = 12  #: what hides the witness of a tiny circuit takes more points than its gates
FILES = ("circuit", "verifying_key", "points")
LOCATIONS = "locations"
#: Measured on one core: starting and executing about 550 ms, and 27.5 ms for each 1,000 rows.
_UNITS_LEAST, _ROWS_PER_UNIT = 550, 36
#: Measured: 40 MB for 2^15 rows, of which half is there for any; the rest is for Node.js, which executes.
_MEMORY_LEAST_BYTES, _MEMORY_PER_ROW = 768 << 20, 2 << 10


class NoirSystem(OneJobPerInput, NamesParameters):
    """Fits proofs.base.ProofSystem; see there for what each method promises."""

    name = engine.SYSTEM
    setups = (IgnitionBn254(),)

    def __init__(self) -> None:
        engine.check_here()  # or it is not installed here

    def describe(self) -> SystemDescription:
        """Say what this system is and which settings its programs take."""
        return SystemDescription(
            name=self.name,
            engine=engine.VERSION,
            program_format="Noir package (a folder with Nargo.toml, or one .nr file), or its compiled circuit (.json)",
            settings_help={"package": "the folder of the package in a workspace, such as circuits/age; a text"},
            settings_defaults={"package": ""},
            source_suffixes={"circuit": ".json"},
            source_packages={"package": FORM},
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
        """Compile, count gates, derive the verifying key, and cut the points to size."""
        folder = _folder_of(settings)
        if len(source) != 1 or not set(source) <= {"package", "circuit"}:
            raise InvalidField("a program is one package, or one compiled circuit", field="source")
        all_points = points_in(trust.get(IGNITION_BN254))
        compiled = _compiled(source, folder, workdir)
        report("compile", 400)
        paths = {"circuit": workdir / "circuit.json"}
        paths["circuit"].write_bytes(circuit_file(compiled))
        signature = abi.signature_of(compiled.get("abi"))
        if (locations := locations_file(compiled)) is not None:
            paths[LOCATIONS] = workdir / "locations.json"
            paths[LOCATIONS].write_bytes(locations)
        gates = engine.gates_of(paths["circuit"], workdir=workdir)
        _check_gates(gates, all_points)
        report("keys", 600)
        paths["verifying_key"], paths["points"] = workdir / "verifying.key", workdir / "points.dat"
        engine.write_verifying_key(paths["circuit"], all_points, paths["verifying_key"], workdir=workdir)
        key = engine.verifying_key(paths["verifying_key"])
        if key.public != signature.public_count:
            raise InvalidProgram("its ABI is not that of its circuit", field=f"{CIRCUIT}.abi")
        cut(all_points, max(key.logrows, POINTS_LOGROWS_LEAST), paths["points"])
        return ProgramFiles(_program(compiled, signature, paths, gates=gates, logrows=key.logrows), paths)

    def check_program(self, files: ProgramFiles) -> None:
        """Raise BadProof unless the files at hand are those that the identity names."""
        identity = files.program.identity
        pinned = identity.get("files")
        if identity.get("format") != FORMAT or not isinstance(pinned, Mapping) or set(pinned) != set(FILES):
            raise BadProof("the program's identity is malformed", field="program.identity")
        check_files(files, {name: Digest(str(digest)) for name, digest in pinned.items()})

    def take_input(self, files: ProgramFiles, value: Json, *, field: str, workdir: Path) -> TakenInput:
        """Check one input, and run the program on it."""
        return self.take_inputs(files, [value], fields=[field], workdir=workdir)[0]

    def take_inputs(
        self, files: ProgramFiles, values: Sequence[Json], *, fields: Sequence[str], workdir: Path
    ) -> list[TakenInput]:
        """Check inputs, and run the program on all of them in one process."""
        signature = signature_of(files.program)
        rows = [list(signature.parameters.take(value, field)) for value, field in zip(values, fields, strict=True)]
        outcomes = engine.executed(
            files.path("circuit"),
            rows,
            returned=signature.returned_count,
            locations=files.paths.get(LOCATIONS),
            workdir=workdir,
        )
        return [_taken(signature, *one) for one in zip(rows, outcomes, fields, strict=True)]

    def run_job(
        self, files: ProgramFiles, slice_index: int, job_input: bytes, *, cache: Path, workdir: Path, report: Report
    ) -> JobOutput:
        """Execute and prove one input."""
        require(files, *FILES)
        signature = signature_of(files.program)
        row, witness = _row_of(signature, job_input), (workdir / "witness.gz").absolute()
        report("witness", 100)
        outcomes = engine.executed(
            files.path("circuit"), [row], returned=signature.returned_count, workdir=workdir, witness=witness
        )
        taken = _taken(signature, row, outcomes[0], "job_input")
        report("prove", 300)

        def prove() -> JobOutput:
            paths = files.path("circuit"), witness, files.path("verifying_key"), files.path("points")
            proof, _ = engine.prove(*paths, memory=_memory_bytes(_logrows_of(files)), workdir=workdir)
            return JobOutput(proof=proof, public={"output": taken.output})

        def look(output: JobOutput) -> None:
            self.check_proof(files, taken.shown, output.public["output"], output.proof, workdir=workdir)

        output = prove_then_look(prove, look, what="the program")
        report("prove", 1000)
        return output

    def can_be_proven(self, files: ProgramFiles, slice_index: int, job_input: bytes, *, workdir: Path) -> bool | None:
        """Do what TriesInputs.can_be_proven promises: run the program."""
        try:
            signature = signature_of(files.program)
            row = _row_of(signature, job_input)
            (outcome,) = engine.executed(
                files.path("circuit"), [row], returned=signature.returned_count, workdir=workdir
            )
        except (InvalidProgram, InvalidInput, Refused):
            return None
        return not isinstance(outcome, Refused)

    def check_proof(self, files: ProgramFiles, shown: Json, claimed: Json, proof: bytes, *, workdir: Path) -> None:
        """Raise BadProof unless the proof verifies for these public parameters and this output."""
        public = public_elements(files.program, shown, claimed)
        if not engine.is_verified(files.path("verifying_key"), proof, public, workdir=workdir):
            raise BadProof("the proof does not verify for these public values")

    def check_public(self, files: ProgramFiles, shown: Json, claimed: Json) -> None:
        """Raise BadProof unless these are values of the public parameters, and of what the program returns."""
        public_elements(files.program, shown, claimed)

    def shows_inputs(self, program: Program) -> str:
        """Do what SealsInputs.shows_inputs promises."""
        signature = signature_of(program)
        if set(signature.parameters.types) == set(signature.public.types):
            return "all parameters of main are public, and stand in every bundle"
        return ""

    def contracts(self, files: ProgramFiles, *, workdir: Path) -> list[Contract]:
        """Do what WritesContract.contracts promises."""
        require(files, "verifying_key")
        source = engine.solidity_verifier(files.path("verifying_key"), workdir=workdir)
        return [Contract(name="HonkVerifier", source=source)]

    def contract_calls(
        self, files: ProgramFiles, statement: Mapping[str, Json], parts: list[PartialProof], *, workdir: Path
    ) -> list[ContractCall]:
        """Do what WritesContract.contract_calls promises."""
        values = self.shown_and_claimed(files, statement, parts)
        return [
            call_of("verify(bytes,bytes32[])", part.output.proof, public_elements(files.program, shown, claimed))
            for part, (shown, claimed) in zip(parts, values, strict=True)
        ]

    def samples(self, folder: Path) -> Samples:
        """Do what OffersSamples.samples promises; the machine needs Ignition's points, wherever it has them."""
        return samples.samples(folder, self.setups[0].find())

    def self_check(self, *, workdir: Path) -> str:
        """Do what SelfChecking.self_check promises."""
        return rehearsal.self_check(self, workdir=workdir)


def _folder_of(settings: Mapping[str, Json]) -> str:
    if unknown := set(settings) - {"package"}:
        raise InvalidField("Noir's programs have no such setting", field=f"settings.{min(unknown)}")
    folder = settings.get("package", "")
    if not isinstance(folder, str):
        raise InvalidField("the folder of the package is a text", field="settings.package")
    return folder


def _compiled(source: Mapping[str, Path], folder: str, workdir: Path) -> Mapping[str, Json]:
    if "circuit" in source:
        if folder:
            raise InvalidField("a compiled circuit has no folders", field="settings.package")
        return read_circuit(source["circuit"])
    files, chosen = checked_package(unpack(source["package"], field="source.package"), folder)
    with refused_as(InvalidProgram):
        return engine.compiled(files, chosen, workdir=workdir)


def _check_gates(gates: int, points: Path) -> None:
    if gates > GATES_MAX:
        raise InvalidProgram(f"a program has at most {GATES_MAX} gates, and this one {gates}", field="source")
    at_hand = points.stat().st_size // POINT_BYTES
    if gates > at_hand or 1 << (gates - 1).bit_length() > at_hand:
        raise InvalidProgram(
            f"the program has {gates} gates, and there are points for {1 << at_hand.bit_length() - 1}",
            field="source",
            hint=f"make it smaller, or have the gateway's operator get more points: {HINT}",
        )


def _program(
    compiled: Mapping[str, Json], signature: abi.Signature, paths: Mapping[str, Path], *, gates: int, logrows: int
) -> Program:
    digests = {name: digest_of_file(path) for name, path in paths.items()}
    declared = compiled["abi"]
    assert isinstance(declared, Mapping)  # noqa: S101 - signature_of has looked
    parameters = declared["parameters"]
    assert isinstance(parameters, list)  # noqa: S101
    identity: dict[str, Json] = {
        "format": FORMAT,
        "compiler": str(compiled["noir_version"]),
        "barretenberg": engine.BARRETENBERG_VERSION,
        "target": engine.TARGET,
        "files": {name: digests[name] for name in FILES},
        "parameters": [_bare(entry) for entry in parameters],
        "returns": declared.get("return_type"),
        "gates": gates,
        "logrows": logrows,
    }
    return Program(
        proof_system=engine.SYSTEM,
        identity=identity,
        files=digests,
        verifying_files=("verifying_key",),
        slices=(
            SliceSpec(
                index=0,
                units=_UNITS_LEAST + (1 << logrows) // _ROWS_PER_UNIT,
                memory_bytes=_memory_bytes(logrows),
                files=FILES,
            ),
        ),
        summary={
            "gates": gates,
            "compiler": str(compiled["noir_version"]),
            "inputs": signature.lines(),
            "outputs": [{"name": "returned", "shape": signature.returns.name}] if signature.returns else [],
        },
    )


def _bare(entry: Json) -> Json:
    assert isinstance(entry, Mapping)  # noqa: S101
    return {name: entry[name] for name in ("name", "type", "visibility")}


def _memory_bytes(logrows: int) -> int:
    return _MEMORY_LEAST_BYTES + (_MEMORY_PER_ROW << logrows)


def _logrows_of(files: ProgramFiles) -> int:
    logrows = files.program.identity.get("logrows")
    return logrows if type(logrows) is int and 0 <= logrows <= 32 else 0


def _taken(signature: abi.Signature, row: list[int], outcome: engine.Executed | Refused, field: str) -> TakenInput:
    if isinstance(outcome, Refused):
        raise InvalidInput(outcome.rule, field=field)
    value = abi.told(signature.parameters, row)
    assert isinstance(value, Mapping)  # noqa: S101 - parameters are a record
    shown: Json = {name: value[name] for name in signature.public.types}
    if outcome.public != [*signature.public.take(shown, field), *outcome.returned]:
        raise InvalidInput("the circuit makes other values public than its ABI says", field=field)
    return TakenInput(
        shown=shown, job_input=canonical_json({"inputs": value}), output=signature.told_output(outcome.returned)
    )


def _row_of(signature: abi.Signature, job_input: bytes) -> list[int]:
    try:
        value = json.loads(job_input)["inputs"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InvalidInput("the job's input is none of this program", field="job_input") from None
    return list(signature.parameters.take(value, "job_input"))
