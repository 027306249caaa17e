"""Groth16: circom's circuits, as their compiler leaves them, with keys that the client brings.

    source    r1cs, wasm, proving_key and verifying_key, or instead of both the zkey of a ceremony;
              sym names the public signals, if it is given
    curve     BN254 or BLS12-377, as the circuit's prime says
    input     signal name -> values; the gateway runs the circuit's program, so it knows every public value beforehand
    proof     three points, compressed, 128 or 192 bytes; public: the outputs in decimal

Keys are random, so they are part of what a client hands in and of a program's identity, and their setup is whoever
made them to be trusted with: `proofgrid program keygen` makes some for development.

With keys of wraps as well (`wrapping`), a program makes one proof of many inputs; on BN254 a contract verifies it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.digests import Digest, digest_of_file
from proofgrid.primitives.errors import InvalidField, InvalidProgram
from proofgrid.proofs.base import Program, ProgramFiles, Report, SliceSpec, SystemDescription
from proofgrid.proofs.kit.asking import refused_as
from proofgrid.proofs.kit.circom.engine import VERSION, Circuit, Inputs, memory_bytes
from proofgrid.proofs.kit.circom.identity import SYM, Names, identity_of, memory_of, names_in, summary_of
from proofgrid.proofs.kit.circom.system import CircomSystem, circuit_in
from proofgrid.proofs.kit.contract_calls import call_of
from proofgrid.proofs.offers import ContractCall
from proofgrid.proofs.setup import TrustRoots
from proofgrid.proofs.systems.groth16 import engine, wrapping
from proofgrid.proofs.systems.groth16.one_proof import WrapsProofs, checked_wrap, wrap_parts, wrap_spec

FILES = ("r1cs", "wasm", "proving_key", "verifying_key")
ZKEY = "zkey"
#: A reference core starts in 20 ms, and proves 62,528 constraints on BN254 in about 1,280.
_UNITS_LEAST = 20
_CONSTRAINTS_PER_UNIT = {"bn254": 50, "bls12377": 30}


class Groth16System(WrapsProofs, CircomSystem):
    """Fits proofs.base.ProofSystem; see there for what each method promises."""

    name = engine.SYSTEM
    contract = "Verifier"
    verify_command, solidity_command = "verify", "solidity"

    def describe(self) -> SystemDescription:
        """Say what this system is; its programs take no settings."""
        return SystemDescription(
            name=self.name,
            engine=VERSION,
            program_format="circom circuit: .r1cs, .wasm, keys (.pk and .vk, or .zkey) and .sym",
            settings_help={
                "wrap_parts": "with wrap keys: of how many inputs one proof may be, as the keys were made for"
            },
            source_suffixes={
                "r1cs": ".r1cs",
                "wasm": ".wasm",
                "sym": ".sym",
                "proving_key": ".pk",
                "verifying_key": ".vk",
                ZKEY: ".zkey",
                **wrapping.SUFFIXES,
            },
        )

    def make_keys(self, source: Mapping[str, Path], folder: Path, *, workdir: Path, report: Report) -> dict[str, Path]:
        """Do what MakesKeys.make_keys promises."""
        if "r1cs" not in source:
            raise InvalidField("keys are made of a circuit's .r1cs", field="source")
        made = {name: folder / f"circuit{self.describe().source_suffixes[name]}" for name in FILES[2:]}
        with refused_as(InvalidProgram):
            engine.make_keys(source["r1cs"], *made.values(), workdir=workdir, report=report)
        return made

    def build_program(
        self,
        source: Mapping[str, Path],
        settings: Mapping[str, Json],
        *,
        trust: TrustRoots,
        workdir: Path,
        report: Report,
    ) -> ProgramFiles:
        """Make a program of circuit and keys."""
        parts = wrap_parts(source, settings)
        if unknown := set(source) - {*FILES, SYM, ZKEY, *wrapping.KEYS}:
            raise InvalidField(f"a circuit has no {min(unknown)}", field=f"source.{min(unknown)}")
        with refused_as(InvalidProgram):
            taken = self._with_keys(source, workdir, report)
            if missing := [name for name in FILES if name not in taken]:
                hint = "proofgrid program keygen makes keys for development" if "key" in missing[0] else ""
                raise InvalidField(f"there is no {missing[0]}", field=f"source.{missing[0]}", hint=hint)
            paths = {name: taken[name] for name in (*FILES, *(wrapping.KEYS if parts else ()))}
            circuit = circuit_in(paths, workdir=workdir)
            report("keys", 300)
            memory = memory_bytes(circuit.constraints, circuit.curve)
            engine.check_keys({name: paths[name] for name in FILES}, memory=memory, workdir=workdir)
            wrap = checked_wrap(circuit, parts, paths, workdir=workdir, report=report) if parts else None
        names = names_in(source, circuit)
        zkey = digest_of_file(source[ZKEY]) if ZKEY in source else None
        digests = {name: digest_of_file(path) for name, path in paths.items()}
        return ProgramFiles(_program(circuit, digests, names, zkey, wrap), paths)

    def _with_keys(self, source: Mapping[str, Path], workdir: Path, report: Report) -> dict[str, Path]:
        """Return a source with gnark's keys made of those of snarkjs, where it brings such."""
        if ZKEY not in source or "r1cs" not in source:
            return dict(source)
        if twice := sorted({"proving_key", "verifying_key"} & set(source)):
            raise InvalidField(
                f"a .zkey holds the {twice[0]} too", field=f"source.{twice[0]}", hint="bring one of them"
            )
        made = {name: workdir / f"circuit{self.describe().source_suffixes[name]}" for name in FILES[2:]}
        engine.convert_keys(source["r1cs"], source[ZKEY], *made.values(), workdir=workdir, report=report)
        return {**source, **made}

    def pinned_files(self, program: Program) -> Collection[str]:
        """Return circuit and keys, and the keys of wraps where there are some."""
        return FILES + (wrapping.KEYS if wrapping.WRAP in program.identity else ())

    def prove(
        self, files: ProgramFiles, inputs: Inputs, *, cache: Path, workdir: Path, report: Report
    ) -> tuple[bytes, list[str]]:
        """Do what CircomSystem.prove promises."""
        return engine.prove(
            {name: files.path(name) for name in ("r1cs", "wasm", "proving_key")},
            inputs,
            snarkjs=ZKEY in files.program.identity,
            memory=memory_of(files.program),
            workdir=workdir,
            report=report,
        )

    def contract_call(self, files: ProgramFiles, proof: bytes, public: list[int], *, workdir: Path) -> ContractCall:
        """Do what CircomSystem.contract_call promises."""
        words = engine.words_of(str(files.program.identity["curve"]), proof, workdir=workdir)
        return call_of(f"verifyProof(uint256[{len(words)}],uint256[{len(public)}])", words, public)


def _program(
    circuit: Circuit,
    digests: Mapping[str, Digest],
    names: Names | None,
    zkey: Digest | None,
    wrap: Mapping[str, Json] | None,
) -> Program:
    identity = identity_of(circuit, digests, names)
    if zkey is not None:
        identity[ZKEY] = zkey  # where the keys came from, and which rows bind the public values
    if wrap is not None:
        identity[wrapping.WRAP] = wrap
    return Program(
        proof_system=engine.SYSTEM,
        identity=identity,
        files=dict(digests),
        verifying_files=("verifying_key", *(("wrap_verifying_key",) if wrap else ())),
        wraps=() if wrap is None else (wrap_spec(circuit.curve, int(str(wrap["constraints"]))),),
        slices=(
            SliceSpec(
                index=0,
                units=_UNITS_LEAST + circuit.constraints // _CONSTRAINTS_PER_UNIT[circuit.curve.name],
                memory_bytes=memory_bytes(circuit.constraints, circuit.curve),
                files=FILES,
            ),
        ),
        summary={
            **summary_of(circuit, names),
            **({} if wrap is None else {"inputs in one proof": wrap["parts"]}),
        },
    )
