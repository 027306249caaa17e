"""The only place that asks the engine: Noir's compiler and executor in a program of ours, and Barretenberg's `bb`."""

from __future__ import annotations

import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidProgram, UnknownProofSystem
from proofgrid.proofs.kit.asking import Refused, ask_engine, refused_in
from proofgrid.proofs.kit.engine import EngineFailed, EngineLimits, run_engine
from proofgrid.proofs.kit.engine_programs import NOIR
from proofgrid.proofs.kit.engine_recipes import NPM, find_node
from proofgrid.proofs.systems.noir.abi import MODULUS
from proofgrid.proofs.systems.noir.layout import laid_out

SYSTEM = "noir"
NOIR_VERSION, BARRETENBERG_VERSION = "1.0.0-beta.26", "5.0.0"  #: as the packages say; tests hold it
VERSION = f"Barretenberg {BARRETENBERG_VERSION}, Noir {NOIR_VERSION}"
TARGET = "evm"  #: keccak and zero knowledge: what a contract can check, too
ELEMENT_BYTES = 32
PROOF_BYTES_MAX = 64 << 10  #: six times what a proof of the largest circuit has

_ANSWER_BYTES_MAX = 256 << 20
_FILE_BYTES_MAX = 4 << 30
_QUICK_SECONDS, _PROVE_SECONDS = 600.0, 7_200.0
_NODE_BYTES, _BUILD_BYTES, _VERIFY_BYTES = 3 << 30, 8 << 30, 512 << 20
#: Barretenberg's threads, and the name under which ours are told how many they may be.
_THREADS, _OURS = "HARDWARE_CONCURRENCY", "RAYON_NUM_THREADS"
#: WebAssembly is compiled as it comes: optimising it takes three times what most programs take to run.
_NODE_FLAGS = ("--liftoff-only", "--max-old-space-size=2048")
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_SYSTEMS = {"Linux": "linux", "Darwin": "macos"}


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """What the head of a verifying key says."""

    logrows: int
    public: int  #: field elements that are public


def check_here() -> None:
    """Raise UnknownProofSystem, saying what gets it, unless the engine can run on this machine."""
    NOIR.path(system=SYSTEM)
    if find_node() is None:
        raise UnknownProofSystem(
            f"{SYSTEM} is not installed here: there is no Node.js", field="proof_system", hint=f"install {NPM.needs}"
        )
    if not _bb().is_file():
        raise UnknownProofSystem(
            f"{SYSTEM} is not installed here: Barretenberg has no program for {platform.system()} {platform.machine()}",
            field="proof_system",
            hint="use Linux or macOS",
        )


def compiled(files: Mapping[str, str], folder: str, *, workdir: Path) -> dict[str, Json]:
    """Return a package's circuit: abi, bytecode, noir_version, debug_symbols, file_map. Raises Refused."""
    return _ask("compile", {"files": files, "folder": folder}, workdir=workdir, memory=_NODE_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """What came out of one execution: elements in the circuit's own order."""

    returned: list[int]
    public: list[int]


def executed(
    circuit: Path,
    rows: Sequence[Sequence[int]],
    *,
    returned: int,
    workdir: Path,
    locations: Path | None = None,
    witness: Path | None = None,
) -> list[Executed | Refused]:
    """Run a circuit on rows of parameters; of each say what came out, or which rule refuses it.

    `witness`: where to write that of the first row.
    """
    request = {
        "circuit": circuit,
        "locations": locations,
        "rows": [[hex(value) for value in row] for row in rows],
        "returned": returned,
        "witness": witness,
    }
    answer = _ask("execute", request, workdir=workdir, memory=_NODE_BYTES)
    outcomes = answer.get("outcomes")
    assert isinstance(outcomes, list)  # noqa: S101 - our own program's
    return [_outcome(one) for one in outcomes]


def gates_of(circuit: Path, *, workdir: Path) -> int:
    """Return how many gates a circuit has. Raises InvalidProgram for what Barretenberg cannot read or prove."""
    said = _run_bb("gates", [], None, circuit=circuit, workdir=workdir, memory=_BUILD_BYTES)
    try:
        functions = json.loads(said[said.index(b"{") :])["functions"]
        (count,) = (int(function["circuit_size"]) for function in functions)
    except (ValueError, KeyError, TypeError):
        raise InvalidProgram(
            "Barretenberg proves programs of one circuit", field="source", hint="no #[fold] functions"
        ) from None
    return count


def write_verifying_key(circuit: Path, points: Path, target: Path, *, workdir: Path) -> None:
    """Derive a circuit's verifying key. Raises InvalidProgram."""
    with _scratch(workdir) as scratch:
        flags = ["-o", str(scratch)]
        _run_bb("write_vk", flags, points, circuit=circuit, workdir=workdir, memory=_BUILD_BYTES)
        (scratch / "vk").replace(target)


def verifying_key(path: Path) -> VerifyingKey:
    """Read the head of a verifying key; raise InvalidProgram when it is none."""
    with path.open("rb") as file:
        head = file.read(2 * ELEMENT_BYTES)
    logrows, public = int.from_bytes(head[:ELEMENT_BYTES]), int.from_bytes(head[ELEMENT_BYTES:])
    if len(head) != 2 * ELEMENT_BYTES or logrows > 32 or public < _ACCUMULATOR:
        raise InvalidProgram("the verifying key is malformed", field="program.files.verifying_key")
    return VerifyingKey(logrows, public - _ACCUMULATOR)


_ACCUMULATOR = 8  #: elements that stand before the public values of every circuit, for recursion; part of the proof


def prove(
    circuit: Path, witness: Path, key: Path, points: Path, *, memory: int, workdir: Path
) -> tuple[bytes, list[int]]:
    """Return a proof and its public values. Raises InvalidProgram when Barretenberg fails."""
    with _scratch(workdir) as scratch:
        flags = ["-w", str(witness), "-k", str(key.absolute()), "-o", str(scratch)]
        _run_bb("prove", flags, points, circuit=circuit, workdir=workdir, memory=memory, seconds=_PROVE_SECONDS)
        return (scratch / "proof").read_bytes(), _elements_in((scratch / "public_inputs").read_bytes())


def is_verified(key: Path, proof: bytes, public: Sequence[int], *, workdir: Path) -> bool:
    """Say whether a proof verifies for these public values; raise InvalidProgram for troubles that are our own."""
    if any(not 0 <= value < MODULUS for value in public) or len(proof) > PROOF_BYTES_MAX:
        return False
    with _scratch(workdir) as scratch:
        given, values = scratch / "proof", scratch / "public_inputs"
        given.write_bytes(proof)
        values.write_bytes(b"".join(value.to_bytes(ELEMENT_BYTES) for value in public))
        flags = ["-p", str(given), "-i", str(values), "-k", str(key.absolute())]
        try:
            _start_bb("verify", flags, None, workdir=workdir, memory=_VERIFY_BYTES)
        except EngineFailed as reason:
            if not _is_verdict(str(reason)):
                raise InvalidProgram(f"Barretenberg fails: {reason}") from None
            return False
    return True


def solidity_verifier(key: Path, *, workdir: Path) -> str:
    """Return a contract that verifies proofs of this key."""
    with _scratch(workdir) as scratch:
        target = scratch / "verifier.sol"
        flags = ["-k", str(key.absolute()), "-o", str(target), "--optimized"]  # the other needs libraries linked to it
        _run_bb("write_solidity_verifier", flags, None, workdir=workdir, memory=_VERIFY_BYTES)
        return target.read_text()


def _outcome(answer: Json) -> Executed | Refused:
    assert isinstance(answer, Mapping)  # noqa: S101
    if (refused := refused_in(answer)) is not None:
        return refused
    return Executed(returned=_numbers(answer["returned"]), public=_numbers(answer["public"]))


def _numbers(texts: Json) -> list[int]:
    assert isinstance(texts, list)  # noqa: S101
    return [int(str(text), 16) for text in texts]


def _elements_in(content: bytes) -> list[int]:
    return [int.from_bytes(content[at : at + ELEMENT_BYTES]) for at in range(0, len(content), ELEMENT_BYTES)]


def _ask(command: str, request: Mapping[str, object], *, workdir: Path, memory: int) -> dict[str, Json]:
    node = find_node()
    if node is None:
        raise InvalidProgram("there is no Node.js on this machine")
    limits = EngineLimits(timeout_seconds=_QUICK_SECONDS, memory_bytes=memory, file_bytes_max=_FILE_BYTES_MAX)
    asked = [node, *_NODE_FLAGS, str(NOIR.path(system=SYSTEM)), command]
    return ask_engine(asked, request, workdir=workdir, limits=limits, answer_bytes_max=_ANSWER_BYTES_MAX)


def _run_bb(
    command: str,
    flags: Sequence[str],
    points: Path | None,
    *,
    workdir: Path,
    memory: int,
    circuit: Path | None = None,
    seconds: float = _QUICK_SECONDS,
) -> bytes:
    """Do what `_start_bb` does; raise InvalidProgram when it fails."""
    try:
        return _start_bb(command, flags, points, workdir=workdir, memory=memory, circuit=circuit, seconds=seconds)
    except EngineFailed as reason:
        raise InvalidProgram(f"Barretenberg refuses: {reason}") from None


def _start_bb(
    command: str,
    flags: Sequence[str],
    points: Path | None,
    *,
    workdir: Path,
    memory: int,
    circuit: Path | None = None,
    seconds: float = _QUICK_SECONDS,
) -> bytes:
    """Run Barretenberg with a circuit's points, or with what a verifier needs. Raises EngineFailed."""
    workdir.mkdir(parents=True, exist_ok=True)
    limits = EngineLimits(timeout_seconds=seconds, memory_bytes=memory, file_bytes_max=_FILE_BYTES_MAX)
    threads = os.environ.get(_OURS) or str(os.cpu_count() or 1)
    with _scratch(workdir) as folder:
        told = [f"CRS_PATH={laid_out(folder, points)}", f"{_THREADS}={threads}"]
        asked = [command, *flags, "-t", TARGET]
        if circuit is not None:
            named = folder / "circuit.json"  # files of other names are taken for gzip
            named.symlink_to(circuit.absolute())
            asked += ["-b", str(named)]
        return run_engine(["env", *told, str(_bb()), *asked], limits=limits, workdir=workdir)


def _is_verdict(reason: str) -> bool:
    """Say whether Barretenberg ended because of what it was given, and not for lack of memory, time or points."""
    ended = ("env: exit status 1;", "env: killed by SIGABRT", "env: killed by SIGSEGV")
    return f"{reason};".startswith(ended) and "HTTP request failed" not in reason


def _bb() -> Path:
    system = _SYSTEMS.get(platform.system(), "none")
    machine = _MACHINES.get(platform.machine().lower(), "none")
    folder = NOIR.path(system=SYSTEM).parent
    return folder / "node_modules" / "@aztec" / "bb.js" / "build" / f"{machine}-{system}" / "bb"


@contextmanager
def _scratch(workdir: Path) -> Iterator[Path]:
    workdir.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=workdir)).absolute()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
