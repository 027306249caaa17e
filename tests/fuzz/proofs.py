"""What provers hand in as proofs, keys of programs, and what services answer, as far as Python reads it.

Engines are away: the bytes would go to processes of their own, and only an engine's own fuzzers see into them. In
their place stands one that believes everything, or nothing, so that what comes before and after them is reached.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import ProofgridError
from proofgrid.proofs.base import JobOutput, PartialProof, Program, ProgramFiles, ProofSystem, SliceSpec
from proofgrid.proofs.kit import asking, services
from proofgrid.proofs.kit.engine import EngineFailed
from proofgrid.proofs.kit.engine_programs import EngineProgram
from proofgrid.proofs.kit.one_proof_of_chains import ONE_PROOF
from proofgrid.proofs.systems.ezkl import engine as ezkl_engine
from proofgrid.proofs.systems.ezkl.adapter import EzklProofSystem
from proofgrid.proofs.systems.ezkl.identity import VERIFIER_SRS
from proofgrid.proofs.systems.ezkl.proving import verify
from proofgrid.proofs.systems.graph.adapter import GraphSystem
from proofgrid.proofs.systems.groth16 import adapter as of_groth16
from proofgrid.proofs.systems.groth16 import wrapping
from proofgrid.proofs.systems.miden import adapter as of_miden
from proofgrid.proofs.systems.miden import engine as miden_engine
from proofgrid.proofs.systems.miden.settings import Settings as MidenSettings
from proofgrid.proofs.systems.noir import adapter as of_noir
from proofgrid.proofs.systems.noir import engine as noir_engine
from proofgrid.proofs.systems.plonk import adapter as of_plonk
from proofgrid.proofs.systems.sp1 import adapter as of_sp1
from proofgrid.proofs.systems.sp1 import engine as sp1_engine
from proofgrid.proofs.systems.sp1 import ere
from proofgrid.proofs.systems.sp1.key import read_key
from proofgrid.proofs.systems.sp1.settings import Settings as Sp1Settings
from tests.fuzz.archives import circuits
from tests.fuzz.documents import scratch

if TYPE_CHECKING:
    from collections.abc import Iterator

SYSTEMS: Mapping[str, type[ProofSystem]] = {
    "ezkl": EzklProofSystem,
    "graph": GraphSystem,
    "groth16": of_groth16.Groth16System,
    "miden": of_miden.MidenSystem,
    "noir": of_noir.NoirSystem,
    "plonk": of_plonk.PlonkSystem,
    "sp1": of_sp1.Sp1System,
}
_SERVICE = services.Service(host="localhost", port=1, is_encrypted=False)


def take_proof(data: bytes) -> None:
    """Judge what bytes say that a prover handed in."""
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        return
    if isinstance(said, dict) and str(said.get("system")) in SYSTEMS:
        judged(said)


def judged(said: Mapping[str, Any]) -> list[str]:
    """Judge what a prover hands in for a job, as a gateway does, then the whole, as whoever has the bundle does.

    `facts` are the client's where a request is sealed: their members are always there, whatever they hold. Those of a
    wrap are the gateway's own. Returns what was believed.
    """
    name = str(said["system"])
    public, facts, index = (said.get(name) for name in ("public", "facts", "slice"))
    proof = str(said.get("proof")).encode("latin-1", errors="replace")
    output = JobOutput(proof=proof, public=public if isinstance(public, dict) else {})
    place = int(index == 1)
    believed = []
    with _engines_that_say(said.get("verdict") is True):
        system, files, workdir = SYSTEMS[name](), _files(name), scratch() / "proofs"
        with suppress(ProofgridError):
            wrapped = name == "groth16" and place == 1
            told = _WRAPPED if wrapped else {**_FACTS[name], **(facts if isinstance(facts, dict) else {})}
            system.verify_partial(files, place, told, output, workdir=workdir)
            believed.append("job")
        parts = [PartialProof(slice_index=place, input_index=0, output=output)]
        statement, result = (said.get(name) for name in ("statement", "result"))
        if isinstance(statement, dict) and isinstance(result, dict):
            with suppress(ProofgridError):
                system.combine(files, statement, parts, workdir=workdir)
            with suppress(ProofgridError):
                system.verify_whole(files, statement, result, parts, workdir=workdir)
                believed.append("whole")
    return believed


@contextmanager
def _engines_that_say(is_right: bool) -> Iterator[None]:
    """Put an engine in the place of each, for as long as it is entered."""
    wrong = "" if is_right else "it is wrong"
    answer = json.dumps({"verdicts": [wrong], "verdict": wrong}).encode()

    def barretenberg(*_: object, **__: object) -> bytes:
        if not is_right:
            raise EngineFailed("env: exit status 1; it is wrong")
        return b""

    with ExitStack() as stack:
        for place, name, instead in (
            (asking, "run_engine", lambda *_, **__: answer),
            (EngineProgram, "path", lambda *_, **__: Path("/engine")),
            (noir_engine, "check_here", lambda: None),
            (noir_engine, "_start_bb", barretenberg),
            (ezkl_engine, "verifies", lambda proof, *_, **__: is_right and proof.endswith(b".")),
        ):
            stack.enter_context(patch.object(place, name, instead))
        stack.enter_context(patch.dict(verify._proof_lengths))
        yield


_STACK = ["1"] * 16
_SHOWN = {"values": ["0.0078125", "0.015625"], "integers": [1, 2]}
_FACTS: Mapping[str, Mapping[str, Any]] = {
    **{name: {"shown": ["1"], "output": ["2"]} for name in ("groth16", "plonk")},
    "miden": {"shown": _STACK, "output": _STACK},
    "graph": {"shown": _STACK, "output": _STACK},
    "noir": {"shown": {"f": "1"}, "output": {"x": "1"}},
    "sp1": {"shown": {"public_values": "0x01"}, "output": "0x01"},
    "ezkl": {
        "input_commitment": None,
        "output_commitment": None,
        "public_input": [1, 2],
        "public_output": [3],
    },
}


_WRAPPED: Mapping[str, Any] = {
    "shown": [["1"]],
    "parts": [{"slice": 0, "input": 0, "proof": "0" * 64, "public": {"output": ["2"]}}],
}


@cache
def _files(name: str) -> ProgramFiles:
    """A program as each system has it, by its identity; its files hold nothing, because no engine reads them."""
    empty = scratch() / "empty"
    empty.write_bytes(b"")
    pinned = _PINNED.get(name, ())
    wraps = (SliceSpec(index=1, units=1, memory_bytes=1),) if name == "groth16" else ()
    program = Program(
        proof_system=name,
        identity={"files": dict.fromkeys(pinned, _EMPTY), **_identities()[name]},
        files=dict.fromkeys(pinned, _EMPTY),
        verifying_files=(),
        slices=(SliceSpec(index=0, units=1, memory_bytes=1),),
        wraps=wraps,
        summary={},
    )
    return ProgramFiles(program, dict.fromkeys(pinned, empty))


_EMPTY = digest_of(b"")
_PINNED: Mapping[str, Sequence[str]] = {
    "ezkl": ("model", VERIFIER_SRS, *verify.slice_files(0)),
    "groth16": (*of_groth16.FILES, *wrapping.KEYS),
    "miden": (of_miden.PROGRAM,),
    "noir": of_noir.FILES,
    "plonk": of_plonk.FILES,
    "sp1": (of_sp1.ELF,),
}


def _identities() -> Mapping[str, dict[str, Any]]:
    signature = json.loads(circuits()[0])["abi"]
    tensor = {"name": "x", "shape": [2], "type": "float32", "scale": 7, "visibility": "public"}
    circom = {"format": 1, "outputs": 1, "public_inputs": 1, "constraints": 3}
    miden = {"format": 1, "engine": miden_engine.VERSION, "root": "0x" + "0" * 64, "security_bits": 96}
    miden["settings"] = MidenSettings().to_json()
    return {
        "ezkl": {
            "format": 2,
            "proof_system": "ezkl",
            "engine": ezkl_engine.ENGINE,
            "model": _EMPTY,
            "calibration": None,
            VERIFIER_SRS: _EMPTY,
            "slices": [{"settings": _EMPTY, "vk": _EMPTY}],
            "inputs": [tensor],
            "outputs": [{**tensor, "name": "y", "shape": [1]}],
        },
        "graph": {
            "format": 1,
            "order": ["a"],
            "nodes": {"a": {"proof_system": "miden", "slices": 1, "identity": {**miden, "files": {"program": _EMPTY}}}},
            "links": [],
        },
        "groth16": {**circom, "curve": "bls12377", "wrap": {"parts": 2, "constraints": 60_000}},
        "miden": miden,
        "noir": {"format": 1, "parameters": signature["parameters"], "returns": signature["return_type"]},
        "plonk": {**circom, "curve": "bn254", "gates_format": of_plonk.GATES},
        "sp1": {
            "format": 1,
            "engine": sp1_engine.VERSION,
            "key": "0x" + "0" * 63 + "1",
            "settings": Sp1Settings().to_json(),
        },
    }


def proofs() -> list[bytes]:
    """One of each system, believed and not; and of a wrap."""
    made: list[dict[str, Any]] = []
    for name, facts in _FACTS.items():
        public = {"outputs": [3]} if name == "ezkl" else {"output": facts["output"]}
        statement: dict[str, Any] = {"format": 1, "inputs": [facts.get("shown")]}
        if name == "graph":
            statement = {"format": 1, "nodes": {"a": statement}}
        if name == "ezkl":
            statement = {"format": 2, "inputs": [{"x": _SHOWN}]}
        output = JobOutput(proof=b"a proof.", public=public)
        parts = [PartialProof(slice_index=0, input_index=0, output=output)]
        with _engines_that_say(True):
            result = SYSTEMS[name]().combine(_files(name), statement, parts, workdir=scratch() / "proofs")
        one = {"system": name, "slice": 0, "proof": "a proof.", "public": public, "facts": facts}
        told = {"statement": statement, "result": dict(result)}
        made += [{**one, **told, "verdict": verdict} for verdict in (True, False)]
    wrap = {"public": {}, "slice": 1, "verdict": True}
    told = {"statement": {"format": 1, "inputs": [["1"]], ONE_PROOF: True}, "result": {"format": 1, "outputs": [["2"]]}}
    made.append({"system": "groth16", "proof": "one proof", **wrap, **told})
    return [json.dumps(one).encode() for one in made]


def take_key(data: bytes) -> None:
    """Read bytes as a verifying key of Noir, and as a key of SP1."""
    path = scratch() / "key"
    path.write_bytes(data)
    with suppress(ProofgridError):
        noir_engine.verifying_key(path)
    read_key(data)


def program_keys() -> list[bytes]:
    """One of each."""
    return [(5).to_bytes(32) + (9).to_bytes(32) + b"\1" * 64, b"\0" * 31 + b"\1", b"0x" + b"0" * 63 + b"1\n"]


def take_service(data: bytes) -> None:
    """Take bytes for what a service says of a program, of a run, and of a proof."""
    with patch.object(ere, "ask_service", lambda *_, **__: data):
        for ask in (ere.key_of, lambda service: ere.execute(service, b"in"), lambda service: ere.prove(service, b"in")):
            with suppress(services.ServiceFailed, ere.ServiceComplains):
                ask(_SERVICE)


def service_answers() -> Sequence[bytes]:
    """An answer to each call, and a complaint."""
    told = (
        ere.field_of(1, b"\0" * 31 + b"\1"),
        ere.field_of(1, b"out") + ere.field_of(2, (1_000).to_bytes(8, "little")),
        ere.field_of(1, b"out") + ere.field_of(2, b"proof") + ere.field_of(3, b"report"),
    )
    return [*(ere.field_of(1, one) for one in told), ere.field_of(2, b"no such program"), b"\x08\x01\x15\0\0\0\0"]
