"""A tiny but honest proof system for tests: SHA-256 chains, cut into slices that are linked end to start.

    input --H^rounds--> link 0 --H^rounds--> link 1 ... --H^rounds--> output

A proof is the two ends of its piece of the chain; the verifier walks the piece again. Settings: `rounds`, `slices`,
`units` (PU of each job, whatever it really is), `behaviour` (what `run_job` does: ok, slow, hang, fill, crash, exit,
panic, memory, stderr, noise, orphan, helper, refuse, unprovable, garbage, or honest, which is ok; or `uncombinable`:
the proofs are right, and `combine` fails; or `fragile`: `combine` dies of a proof that is b"poison"; or
`panic-at-build`; with `wrap-` before it: so does `wrap`, and `run_job` is honest), `wraps` (how many proofs one wrap
takes; 0: none, and no one proof), `sleep_ms`, `padding` (bytes that every job's input is longer: large inputs are
artifacts, small ones are not), `thickness` (bytes that every proof is longer) and `bulk` (bytes that the program, and
so every bundle, is longer). Of the behaviours `unprovable-indeed` and `honest` the system can tell whether a job can be
proven, of no other. A file `toy-behaviour` in a prover's cache directory overrides the behaviour for that prover alone;
while a file `toy-hold-prove` (or `-wrap`) is there, and empty, its jobs make `toy-held-prove.part` in their cache after
their first word, and go no further. A file `toy-complaint` beside this one is what its self-check fails with.
This file is copied out and installed as a third party's package; so it imports nothing from the tests.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.digests import digest_of, digest_of_file
from proofgrid.primitives.errors import BadProof, BrokenLink, InvalidField, InvalidInput, Unprovable
from proofgrid.proofs.base import (
    JobDraft,
    JobOutput,
    NormalisedRequest,
    PartialProof,
    Program,
    ProgramFiles,
    Report,
    SliceSpec,
    SystemDescription,
)
from proofgrid.proofs.kit.batches import arranged, same_json
from proofgrid.proofs.kit.files import require
from proofgrid.proofs.kit.one_proof import folded, parts_of, the_one
from proofgrid.proofs.setup import TrustRoots

DEFAULTS: Mapping[str, Any] = {
    "rounds": 10,
    "slices": 2,
    "behaviour": "ok",
    "units": 10,
    **dict.fromkeys(("sleep_ms", "padding", "bulk", "wraps", "thickness"), 0),
}
MEMORY_BYTES = 256 << 20


class ToySystem:
    """Proves that an output is the end of a hash chain that starts at an input."""

    name = "toy"

    def describe(self) -> SystemDescription:
        return SystemDescription(
            name="toy",
            engine="toy 1.0",
            program_format="nothing",
            settings_help={name: f"default {value}" for name, value in DEFAULTS.items()},
        )

    def build_program(
        self,
        source: Mapping[str, Path],
        settings: Mapping[str, Any],
        *,
        trust: TrustRoots,
        workdir: Path,
        report: Report,
    ) -> ProgramFiles:
        if unknown := set(settings) - set(DEFAULTS):
            raise InvalidField(f"no such setting: {sorted(unknown)[0]}", field="settings")
        if settings.get("behaviour") == "panic-at-build":
            os.write(2, b"thread panicked: insertion index (is 2) should be <= len (is 1)\n")
            raise Panic("insertion index (is 2) should be <= len (is 1)")
        if odd := [name for name, value in settings.items() if type(value) is not type(DEFAULTS[name])]:
            raise InvalidField(f"of another type than {DEFAULTS[odd[0]]!r}", field=f"settings.{odd[0]}")
        whole = {**DEFAULTS, **settings}
        content = canonical_json(whole) + b" " * int(whole["bulk"])
        path = workdir / "circuit.json"
        path.write_bytes(content)
        report("compile", 1000)
        digest, count = digest_of(content), int(whole["slices"])
        specs = [
            SliceSpec(index=index, units=int(whole["units"]), memory_bytes=MEMORY_BYTES, files=("circuit",))
            for index in range(count + 1)
        ]
        program = Program(
            proof_system="toy",
            identity={"system": "toy", "circuit": digest},
            files={"circuit": digest},
            verifying_files=("circuit",),
            slices=tuple(specs[:count]),
            summary={"slices": count},
            wraps=tuple(specs[count:]) if whole["wraps"] else (),
        )
        return ProgramFiles(program, {"circuit": path})

    def check_program(self, files: ProgramFiles) -> None:
        expected = {"system": "toy", "circuit": digest_of_file(files.path("circuit"))}
        if dict(files.program.identity) != expected:
            raise BadProof("the circuit is not the one that the identity names", field="program")

    def normalise(self, files: ProgramFiles, inputs: list[Any], *, workdir: Path) -> NormalisedRequest:
        settings = _settings(files)
        if not inputs:
            raise InvalidInput("at least one input", field="inputs")
        jobs = []
        starts = []
        for number, value in enumerate(inputs):
            link = _start(value, f"inputs[{number}]")
            starts.append(link)
            for spec in files.program.slices:
                start, link = link, _walk(link, settings["rounds"])
                jobs.append(
                    JobDraft(
                        slice_index=spec.index,
                        input_index=number,
                        units=spec.units,
                        memory_bytes=spec.memory_bytes,
                        depends_on=(),
                        input=canonical_json({"start": start, "padding": "x" * settings["padding"]}),
                        facts={"start": start, "end": link},
                    )
                )
        return NormalisedRequest(statement={"starts": starts}, jobs=tuple(jobs))

    def public_names(self, program: Program) -> Mapping[str, int]:
        return {"start": 1, "end": 1}

    def input_names(self, program: Program) -> Mapping[str, int]:
        return {"start": 1}

    def with_values(self, program: Program, value: Any, name: str, values: Sequence[int]) -> Any:
        if value != {}:
            raise InvalidInput("a link gives it", field="start")
        return {"start": f"{values[0]:064x}"}

    def foreseen(self, program: Program, request: NormalisedRequest) -> Mapping[str, Any]:
        return {"outputs": [job.facts["end"] for job in request.jobs if job.slice_index == len(program.slices) - 1]}

    def public_values(self, program: Program, statement: Any, result: Any) -> list[Mapping[str, Sequence[int]]]:
        ends = zip(statement["starts"], result["outputs"], strict=True)
        return [{"start": (int(start, 16),), "end": (int(end, 16),)} for start, end in ends]

    def normalise_to_one(self, files: ProgramFiles, inputs: list[Any], *, workdir: Path) -> NormalisedRequest:
        plain = self.normalise(files, inputs, workdir=workdir)
        (spec,) = files.program.wraps
        wraps = tuple(
            JobDraft(
                slice_index=spec.index,
                input_index=number,
                units=spec.units,
                memory_bytes=spec.memory_bytes,
                depends_on=taken,
                input=b"{}",
                facts={},
            )
            for number, taken in enumerate(folded(len(plain.jobs), _settings(files)["wraps"]))
        )
        return NormalisedRequest(statement={**plain.statement, "one_proof": True}, jobs=(*plain.jobs, *wraps))

    def self_check(self, *, workdir: Path) -> str:
        complaint = Path(__file__).with_name("toy-complaint")
        if complaint.is_file():
            raise BadProof(complaint.read_text())
        return "walked a chain"

    def run_job(
        self, files: ProgramFiles, slice_index: int, job_input: bytes, *, cache: Path, workdir: Path, report: Report
    ) -> JobOutput:
        settings = _settings(files)
        behaviour = _behaviour(settings, cache)
        behaviour = "ok" if behaviour.startswith("wrap-") else behaviour
        report("prove", 0)
        start = json.loads(job_input)["start"]
        _wait_while_held(cache, "prove")
        _behave(behaviour, settings, workdir, report)
        end = _walk(start, settings["rounds"])
        report("prove", 1000)
        if behaviour == "garbage":
            end = digest_of(end.encode())
        return JobOutput(proof=_proof(settings, {"start": start, "end": end}), public={"end": end})

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
        settings = _settings(files)
        behaviour = _behaviour(settings, cache)
        behaviour = behaviour.removeprefix("wrap-") if behaviour.startswith("wrap-") else "ok"
        report("wrap", 0)
        _wait_while_held(cache, "wrap")
        for part in parts:
            if not files.program.is_wrap(part.slice_index):
                _verified(files, part.output)
        _behave(behaviour, settings, workdir, report)
        fold = _fold([_leaf(part.slice_index, part.input_index, part.output.public) for part in parts])
        if behaviour == "garbage":
            fold = digest_of(fold.encode())
        return JobOutput(proof=_proof(settings, {"fold": fold}), public={"fold": fold})

    def can_be_proven(self, files: ProgramFiles, slice_index: int, job_input: bytes, *, workdir: Path) -> bool | None:
        return {"unprovable-indeed": False, "honest": True}.get(_settings(files)["behaviour"])

    def verify_partial(
        self, files: ProgramFiles, slice_index: int, facts: Mapping[str, Any], output: JobOutput, *, workdir: Path
    ) -> None:
        if files.program.is_wrap(slice_index):
            taken = [_leaf(part.slice_index, part.input_index, part.public) for part in parts_of(facts)]
            _check_fold(_settings(files), output, _fold(taken))
            return
        proof = _verified(files, output)
        if proof["start"] != facts["start"]:
            raise BadProof("the proof starts somewhere else")

    def combine(
        self, files: ProgramFiles, statement: Mapping[str, Any], parts: list[PartialProof], *, workdir: Path
    ) -> Mapping[str, Any]:
        if _settings(files)["behaviour"] == "uncombinable":
            raise Unprovable("the toy cannot combine these")
        if _settings(files)["behaviour"] == "fragile" and any(part.output.proof == b"poison" for part in parts):
            os._exit(7)
        last = len(files.program.slices) - 1
        if statement.get("one_proof"):
            assert any(files.program.is_wrap(part.slice_index) for part in parts)
        ends = sorted((part.input_index, part.output.public["end"]) for part in parts if part.slice_index == last)
        return {"outputs": [end for _, end in ends]}

    def verify_whole(
        self,
        files: ProgramFiles,
        statement: Mapping[str, Any],
        result: Mapping[str, Any],
        parts: list[PartialProof],
        *,
        workdir: Path,
    ) -> list[str]:
        require(files, *files.program.verifying_files)
        if statement.get("one_proof"):
            return self._verify_one(files, statement, result, parts)
        rows = arranged(parts, inputs=len(statement["starts"]), slices=len(files.program.slices))
        outputs = []
        for number, (link, row) in enumerate(zip(statement["starts"], rows, strict=True)):
            for index, output in enumerate(row):
                proof = _verified(files, output)
                if proof["start"] != link:
                    raise BrokenLink(f"slice {index} of input {number} starts somewhere else")
                link = proof["end"]
            outputs.append(link)
        if not same_json(dict(result), {"outputs": outputs}):
            raise BadProof("the result is not what the proofs end with", field="result")
        return [f"{len(parts)} proofs verify", f"{len(outputs)} chains are linked"]

    def _verify_one(
        self, files: ProgramFiles, statement: Mapping[str, Any], result: Mapping[str, Any], parts: list[PartialProof]
    ) -> list[str]:
        settings, slices = _settings(files), len(files.program.slices)
        folds, outputs = [], []
        for number, link in enumerate(statement["starts"]):
            for index in range(slices):
                link = _walk(link, settings["rounds"])
                folds.append(_leaf(index, number, {"end": link}))
            outputs.append(link)
        for taken in folded(len(folds), settings["wraps"]):
            folds.append(_fold([folds[position] for position in taken]))
        _check_fold(settings, the_one(parts, index=slices).output, folds[-1])
        if not same_json(dict(result), {"outputs": outputs}):
            raise BadProof("the result is not what the proof is of", field="result")
        return [f"one proof of {len(outputs)} chains"]


def _proof(settings: Mapping[str, Any], content: Mapping[str, Any]) -> bytes:
    return bytes(canonical_json(content)) + b" " * int(settings.get("thickness", 0))


def _behaviour(settings: Mapping[str, Any], cache: Path) -> str:
    override = cache / "toy-behaviour"
    return str(override.read_text().strip() if override.exists() else settings["behaviour"])


def _leaf(slice_index: int, input_index: int, public: Mapping[str, Any]) -> str:
    """Return what a wrap folds of one part: of another wrap its own fold."""
    if "fold" in public:
        return str(public["fold"])
    return str(digest_of(canonical_json([slice_index, input_index, public["end"]])))


def _fold(folds: Sequence[str]) -> str:
    return str(digest_of("".join(folds).encode()))


def _check_fold(settings: Mapping[str, Any], output: JobOutput, fold: str) -> None:
    if output.proof != _proof(settings, {"fold": fold}) or dict(output.public) != {"fold": fold}:
        raise BadProof("the fold is not that of these proofs")


def _settings(files: ProgramFiles) -> dict[str, Any]:
    return dict(json.loads(files.path("circuit").read_bytes()))


def _start(value: Any, field: str) -> str:
    if isinstance(value, str):
        return str(digest_of(value.encode()))
    if isinstance(value, dict) and list(value) == ["start"]:  # what a link of a graph fills in
        return str(value["start"])
    raise InvalidInput("a toy input is a text", field=field)


def _walk(link: str, rounds: int) -> str:
    state = bytes.fromhex(link)
    for _ in range(rounds):
        state = hashlib.sha256(state).digest()
    return state.hex()


def _verified(files: ProgramFiles, output: JobOutput) -> dict[str, str]:
    try:
        proof = dict(json.loads(output.proof))
        start, end = str(proof["start"]), str(proof["end"])
        settings = _settings(files)
        right = _walk(start, settings["rounds"]) == end and _proof(settings, proof) == output.proof
    except (ValueError, KeyError, TypeError):
        raise BadProof("the proof cannot be read") from None
    if not right or dict(output.public) != {"end": end}:
        raise BadProof("the chain does not end where the proof says")
    return {"start": start, "end": end}


def _wait_while_held(cache: Path, stage: str) -> None:
    while (hold := cache / f"toy-hold-{stage}").exists() and not hold.read_text():
        (cache / f"toy-held-{stage}.part").touch()
        time.sleep(0.02)


def _behave(behaviour: str, settings: Mapping[str, Any], workdir: Path, report: Report) -> None:
    if behaviour == "slow":
        for step in range(1, 11):
            time.sleep(settings["sleep_ms"] / 10_000)
            report("prove", step * 90)
    if behaviour == "hang":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            time.sleep(3600)
    if behaviour in ("orphan", "helper"):  # a grandchild of the prover, as an engine might start one
        helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
        (workdir / "grandchild").write_text(str(helper.pid))
        report(behaviour, helper.pid)
        if behaviour == "orphan":
            time.sleep(3600)
    if behaviour == "fill":
        (workdir / "large").write_bytes(bytes(16 << 20))
    if behaviour == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if behaviour == "exit":
        os._exit(7)
    if behaviour == "panic":
        raise Panic("explicit panic")
    if behaviour == "memory":
        hoard = [bytearray(16 << 20)]
        while hoard:
            hoard.append(bytearray(16 << 20))
    if behaviour == "stderr":
        sys.stderr.writelines(f"complaint number {number}\n" for number in range(5000))
        sys.stderr.flush()
        os._exit(3)
    if behaviour == "noise":
        sys.stdout.write("x" * 1_000_000)
        sys.stderr.write("y" * 1_000_000)
    if behaviour in ("unprovable", "unprovable-indeed"):
        time.sleep(settings["sleep_ms"] / 1_000)
        report("prove", 500)
        raise Unprovable("this chain has no end")
    if behaviour == "refuse":
        raise InvalidInput("the toy refuses", field="inputs[0]", hint="ask nicely")


class Panic(BaseException):
    """Like pyo3's PanicException: no Exception, and of a module that nobody can import."""

    __module__ = "pyo3_runtime"
