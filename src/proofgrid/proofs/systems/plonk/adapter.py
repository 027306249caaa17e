"""PLONK: circom's circuits with keys that nobody has to make, on BN254 and the points of Aztec's Ignition ceremony.

    source    r1cs and wasm, as circom leaves them; sym names the public signals, if it is given
    keys      follow from circuit and points: the same circuit is the same program everywhere
    proof     nine points, compressed, and seven values, 512 bytes, of zero knowledge; public: the outputs in decimal

Constraints become gates of three wires each (engines/gnark/gates.go), of which there are more the longer the sums in
them are. The points that a circuit needs are a file of its program; what they are for provers, who commit to values
instead of coefficients, is derived once and kept in their caches for all circuits of a size.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.digests import Digest, digest_of_file
from proofgrid.primitives.errors import BadProof, InvalidField, InvalidProgram
from proofgrid.proofs.base import Program, ProgramFiles, Report, SliceSpec, SystemDescription
from proofgrid.proofs.kit.asking import refused_as
from proofgrid.proofs.kit.circom.engine import VERSION, Circuit, Inputs, memory_bytes
from proofgrid.proofs.kit.circom.identity import SYM, Names, identity_of, memory_of, names_in, summary_of
from proofgrid.proofs.kit.circom.system import CircomSystem, circuit_in
from proofgrid.proofs.kit.contract_calls import call_of
from proofgrid.proofs.kit.ignition import HINT, IGNITION_BN254, POINT_BYTES, IgnitionBn254, points_in
from proofgrid.proofs.kit.keys import derived_once
from proofgrid.proofs.offers import ContractCall
from proofgrid.proofs.setup import TrustRoots
from proofgrid.proofs.systems.plonk import engine

GIVEN, FILES = ("r1cs", "wasm"), ("r1cs", "wasm", "points", "verifying_key")
GATES = 1  #: how constraints become gates: keys commit to them
ROWS_MAX = 1 << 22
#: A reference core starts in 60 ms, and proves 2^13 rows in about 1,000.
_UNITS_LEAST, _ROWS_PER_UNIT = 60, 8


class PlonkSystem(CircomSystem):
    """Fits proofs.base.ProofSystem; see there for what each method promises."""

    name = engine.SYSTEM
    setups = (IgnitionBn254(),)
    contract = "PlonkVerifier"
    verify_command, solidity_command = "plonk-verify", "plonk-solidity"

    def describe(self) -> SystemDescription:
        """Say what this system is; its programs take no settings."""
        return SystemDescription(
            name=self.name,
            engine=VERSION,
            program_format="circom circuit for BN254: .r1cs, .wasm and .sym; no keys",
            settings_help={},
            source_suffixes={"r1cs": ".r1cs", "wasm": ".wasm", SYM: ".sym"},
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
        """Count gates, derive the verifying key, and cut the points to size, all of which are proven right."""
        if settings:
            raise InvalidField("circuits take no settings here", field=f"settings.{min(settings)}")
        if unknown := set(source) - {*GIVEN, SYM}:
            raise InvalidField(
                f"a circuit of PLONK has no {min(unknown)}", field=f"source.{min(unknown)}", hint="it has no keys"
            )
        if missing := [name for name in GIVEN if name not in source]:
            raise InvalidField(f"there is no {missing[0]}", field=f"source.{missing[0]}")
        setup = points_in(trust.get(IGNITION_BN254))
        paths = {name: source[name] for name in GIVEN}
        made = {"points": workdir / "points.dat", "verifying_key": workdir / "verifying.key"}
        with refused_as(InvalidProgram):
            circuit = circuit_in(source, workdir=workdir)
            gates = engine.gates_of(source["r1cs"], workdir=workdir)
            _check_gates(gates, setup)
            report("keys", 300)
            memory = max(engine.memory_bytes(gates.rows), memory_bytes(circuit.constraints, circuit.curve))
            engine.set_up(paths, setup, *made.values(), memory=memory, workdir=workdir, report=report)
        paths |= made
        return ProgramFiles(
            _program(circuit, gates, {name: digest_of_file(paths[name]) for name in FILES}, names_in(source, circuit)),
            paths,
        )

    def pinned_files(self, program: Program) -> Collection[str]:
        """Return circuit, points and key."""
        return FILES

    def check_program(self, files: ProgramFiles) -> None:
        """Raise BadProof unless the files at hand are those that the identity names, and their gates are ours."""
        if files.program.identity.get("gates_format") != GATES:
            raise BadProof("the program's gates are of another format", field="program.identity")
        super().check_program(files)

    def prove(
        self, files: ProgramFiles, inputs: Inputs, *, cache: Path, workdir: Path, report: Report
    ) -> tuple[bytes, list[str]]:
        """Do what CircomSystem.prove promises."""
        rows, points = _rows_of(files.program), files.path("points")

        def derive(path: Path) -> None:
            report("points", 10)
            engine.write_lagrange(points, rows, path, workdir=workdir, report=report)

        name = f"plonk-{digest_of_file(points).rpartition(':')[2]}-{rows}.lagrange"
        with derived_once(cache, name, derive) as lagrange:
            return engine.prove(
                {**{name: files.path(name) for name in FILES}, "lagrange": lagrange},
                inputs,
                memory=max(engine.memory_bytes(rows), memory_of(files.program)),
                workdir=workdir,
                report=report,
            )

    def contract_call(self, files: ProgramFiles, proof: bytes, public: list[int], *, workdir: Path) -> ContractCall:
        """Do what CircomSystem.contract_call promises."""
        content = engine.contract_proof(str(files.program.identity["curve"]), proof, workdir=workdir)
        return call_of("Verify(bytes,uint256[])", content, public)


def _check_gates(gates: engine.Gates, setup: Path) -> None:
    at_hand = setup.stat().st_size // POINT_BYTES
    if gates.points > at_hand:
        raise InvalidProgram(
            f"the circuit takes {gates.gates} gates, and {gates.points} points of the setup; there are {at_hand}",
            field="source.r1cs",
            hint=f"make it smaller, prove it by groth16, or have the gateway's operator get more points: {HINT}",
        )


def _program(circuit: Circuit, gates: engine.Gates, digests: Mapping[str, Digest], names: Names | None) -> Program:
    identity = identity_of(circuit, digests, names)
    identity |= {"setup": IGNITION_BN254, "gates": gates.gates, "rows": gates.rows, "gates_format": GATES}
    return Program(
        proof_system=engine.SYSTEM,
        identity=identity,
        files=dict(digests),
        verifying_files=("verifying_key",),
        slices=(
            SliceSpec(
                index=0,
                units=_UNITS_LEAST + gates.rows // _ROWS_PER_UNIT,
                memory_bytes=max(engine.memory_bytes(gates.rows), memory_bytes(circuit.constraints, circuit.curve)),
                files=FILES,
            ),
        ),
        summary={**summary_of(circuit, names), "gates": gates.gates},
    )


def _rows_of(program: Program) -> int:
    rows = program.identity.get("rows")
    if type(rows) is not int or not 0 < rows <= ROWS_MAX:
        raise BadProof("the program's identity is malformed", field="program.identity.rows")
    return rows
