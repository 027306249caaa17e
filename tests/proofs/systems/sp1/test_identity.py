"""What a program of SP1's is, and what services and engines that misbehave come to. A script plays the engine."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import (
    BadProof,
    InvalidField,
    InvalidInput,
    InvalidProgram,
    JobCrashed,
    LeaseLost,
    UnknownProofSystem,
    Unprovable,
)
from proofgrid.proofs import registry
from proofgrid.proofs.base import JobOutput, ProgramFiles
from proofgrid.proofs.kit.engine import SERVICES
from proofgrid.proofs.kit.engine_programs import EngineProgram
from proofgrid.proofs.systems.sp1 import engine
from proofgrid.proofs.systems.sp1.adapter import (
    PROOF_BYTES_MAX,
    PUBLIC_VALUES_BYTES_MAX,
    STDIN_BYTES_MAX,
    Sp1System,
)
from proofgrid.proofs.systems.sp1.settings import CYCLES_MAX, MEMORY_BYTES, Settings, read_settings, units
from proofgrid.settings.prover import ProverSettings
from tests.proofs.systems.sp1.elves import program
from tests.proofs.systems.sp1.ere_server import EreServer, complains, ere_server, hands_over, names_key, runs, sends

KEY, OTHER_KEY = bytes(range(32)), bytes([0, *range(2, 33)])
STDIN = b"seed: secret"
SHOWN: dict[str, Json] = {"public_values": "0x6576656e"}
RUN: dict[str, Json] = {"stdin": f"0x{STDIN.hex()}", **SHOWN}
_SCRIPT = """#!{python}
import json, pathlib, sys
home = pathlib.Path({home!r})
(home / f"{{sys.argv[1]}}.asked").write_text(sys.stdin.read())
sys.stdout.write((home / f"{{sys.argv[1]}}.says").read_text())
"""


class Played:
    """An engine that answers what it is told to, by command."""

    def __init__(self, folder: Path, python: str) -> None:
        self.home = folder
        self.program = folder / "engine"
        self.program.write_text(_SCRIPT.format(python=python, home=str(folder)))
        self.program.chmod(self.program.stat().st_mode | stat.S_IXUSR)
        self.says("take", {"proof": "0x70726f6f66", "public_values": SHOWN["public_values"]})
        self.says("verify", {"verdicts": [""]})

    def says(self, command: str, answer: Json) -> None:
        (self.home / f"{command}.says").write_text(json.dumps(answer))

    def asked(self, command: str) -> Any:
        return json.loads((self.home / f"{command}.asked").read_text())


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Played:
    played = Played(tmp_path, sys.executable)
    monkeypatch.setattr(EngineProgram, "path", lambda _self, *, system: played.program)
    return played


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[EreServer]:
    """A service that proves the program, named to this process as the second of two."""
    with ere_server() as other, ere_server() as server:
        other.answers["ProgramVk"] = names_key(OTHER_KEY)
        server.answers = {
            "ProgramVk": names_key(KEY),
            "Execute": runs(b"even", 800),
            "Prove": hands_over(b"even", b"said"),
        }
        monkeypatch.setenv(SERVICES, f"sp1={other.address},sp1={server.address},groth16=http://127.0.0.1:1")
        yield server
        assert [call for call, _ in other.asked if call != "ProgramVk"] == []


def unheard(_stage: str, _permille: int) -> None:
    pass


def built(folder: Path, content: bytes | None = None, key: bytes = KEY, **settings: Json) -> ProgramFiles:
    elf, kept = folder / "program.elf", folder / "program.vk"
    elf.write_bytes(program() if content is None else content)
    kept.write_bytes(key)
    source = {"elf": elf, "key": kept}
    return Sp1System().build_program(source, settings, trust={}, workdir=folder / "build", report=unheard)


def proven(files: ProgramFiles, folder: Path) -> JobOutput:
    job = json.dumps(RUN).encode()
    return Sp1System().run_job(files, 0, job, cache=folder / "cache", workdir=folder / "job", report=unheard)


def test_a_program_is_its_key_its_settings_its_bytes_and_the_engine(played: Played, tmp_path: Path) -> None:
    files = built(tmp_path, cycles_max=1000)
    identity = files.program.identity
    assert identity["key"] == f"0x{KEY.hex()}"
    assert identity["engine"] == engine.VERSION
    assert identity["settings"] == {"cycles_max": 1000}
    (spec,) = files.program.slices
    assert (spec.units, spec.memory_bytes, spec.files) == (units(1000), MEMORY_BYTES, ())
    assert files.program.verifying_files == ()
    others = {
        built(tmp_path).program.digest,
        built(tmp_path, program(b"more"), cycles_max=1000).program.digest,
        built(tmp_path, key=OTHER_KEY, cycles_max=1000).program.digest,
    }
    assert len(others | {files.program.digest}) == 4
    spelled = built(tmp_path, key=f"0x{KEY.hex().upper()}\n".encode(), cycles_max=1000)
    assert spelled.program.digest == files.program.digest
    Sp1System().check_program(ProgramFiles(files.program, {}))


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"engine": "sp1-circuits 5.0.0"},
        {"key": f"0x{KEY.hex()}".upper()},
        {"key": f"0x{KEY.hex()}0"},
        {"key": None},
        {"settings": {}},
        {"settings": {"cycles_max": CYCLES_MAX + 1}},
        {"files": {}},
        {"files": {"elf": "sha256:" + "00" * 32}},
    ],
)
def test_an_identity_that_is_malformed_is_refused(played: Played, tmp_path: Path, change: dict[str, Json]) -> None:
    files = built(tmp_path)
    changed = replace(files.program, identity={**files.program.identity, **change})
    with pytest.raises(BadProof):
        Sp1System().check_program(ProgramFiles(changed, files.paths))
    with pytest.raises(BadProof, match="one slice"):
        Sp1System().check_program(ProgramFiles(replace(files.program, slices=()), {}))


def test_a_file_that_is_no_program_is_refused(played: Played, tmp_path: Path) -> None:
    for content in (b"", b"#!/bin/sh", program()[:4500]):
        with pytest.raises(InvalidProgram, match=r"no ELF|segment"):
            built(tmp_path, content)
    with pytest.raises(InvalidField, match="two files"):
        Sp1System().build_program({}, {}, trust={}, workdir=tmp_path, report=unheard)


@pytest.mark.parametrize(
    "key",
    [b"", KEY[:-1], KEY + KEY, b"\xff" * 32, b"\x7f" + bytes(31), bytes(28) + b"\x7f\x00\x00\x01", bytes(200), b"0x00"],
)
def test_a_file_that_is_no_key_is_refused(played: Played, tmp_path: Path, key: bytes) -> None:
    with pytest.raises(InvalidProgram) as refused:
        built(tmp_path, key=key)
    assert refused.value.field == "source.key"


def test_the_gateway_takes_what_a_client_promises_and_shows_no_input(played: Played, tmp_path: Path) -> None:
    files = built(tmp_path)
    given: list[Json] = [RUN, {"stdin": "0x", "public_values": "0x"}]
    request = Sp1System().normalise(files, given, workdir=tmp_path / "normalise")
    assert request.statement["inputs"] == [SHOWN, {"public_values": "0x"}]
    assert [job.units for job in request.jobs] == [units(Settings().cycles_max)] * 2
    assert [json.loads(job.input) for job in request.jobs] == given
    told = json.dumps([dict(request.statement), *(dict(job.facts) for job in request.jobs)])
    assert STDIN.hex() not in told


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (1, "inputs[0]"),
        ({}, "inputs[0]"),
        ({"stdin": "0x"}, "inputs[0]"),
        ({**RUN, "more": 1}, "inputs[0]"),
        ({**RUN, "stdin": ""}, "inputs[0].stdin"),
        ({**RUN, "stdin": "0x0"}, "inputs[0].stdin"),
        ({**RUN, "stdin": "0x0G"}, "inputs[0].stdin"),
        ({**RUN, "stdin": "0x0A"}, "inputs[0].stdin"),
        ({**RUN, "stdin": "0x00\n"}, "inputs[0].stdin"),
        ({**RUN, "stdin": [1]}, "inputs[0].stdin"),
        ({**RUN, "stdin": "0x" + "00" * (STDIN_BYTES_MAX + 1)}, "inputs[0].stdin"),
        ({**RUN, "public_values": "0x" + "00" * (PUBLIC_VALUES_BYTES_MAX + 1)}, "inputs[0].public_values"),
        ({**RUN, "public_values": None}, "inputs[0].public_values"),
    ],
)
def test_an_input_that_is_none_is_refused(played: Played, tmp_path: Path, value: Json, field: str) -> None:
    files = built(tmp_path)
    with pytest.raises(InvalidInput) as refused:
        Sp1System().normalise(files, [value], workdir=tmp_path / "normalise")
    assert refused.value.field == field


def test_a_job_is_proven_by_the_service_of_its_program_and_looked_at(
    played: Played, server: EreServer, tmp_path: Path
) -> None:
    files = built(tmp_path)
    output = proven(files, tmp_path)
    assert output == JobOutput(proof=b"proof", public={"output": "0x6576656e"})
    assert server.stdins() == [STDIN]
    assert [call for call, _ in server.asked] == ["ProgramVk", "Execute", "Prove"]
    assert Path(played.asked("take")["said"]).read_bytes() == b"said"
    claims = [{"public_values": "0x6576656e", "proof": "0x70726f6f66"}]
    assert played.asked("verify") == {"key": f"0x{KEY.hex()}", "claims": claims}


def test_a_service_that_lies_costs_the_network_nothing(played: Played, server: EreServer, tmp_path: Path) -> None:
    files = built(tmp_path)
    played.says("verify", {"verdicts": ["the proof does not verify"]})
    with pytest.raises(BadProof, match="our own proof"):
        proven(files, tmp_path)
    played.says("take", {"proof": "0x00", "public_values": "0x6f6464"})
    with pytest.raises(BadProof, match="of other public values"):
        proven(files, tmp_path)
    played.says("take", {"refused": {"field": "said", "rule": "this is no proof of SP1's"}})
    with pytest.raises(BadProof, match="hands over what is no proof"):
        proven(files, tmp_path)
    server.answers["Prove"] = complains("Prove", "panicked at seed: secret")
    with pytest.raises(JobCrashed, match="complains") as crashed:
        proven(files, tmp_path)
    assert "secret" not in str(crashed.value)
    for call in ("Prove", "Execute"):
        server.answers[call] = sends(500, b"secret")
        with pytest.raises(JobCrashed, match="status 500"):
            proven(files, tmp_path)


def test_a_run_that_is_not_the_one_promised_is_not_proven(played: Played, server: EreServer, tmp_path: Path) -> None:
    files = built(tmp_path, cycles_max=800)
    server.answers["Execute"] = runs(b"even", 801)
    with pytest.raises(Unprovable, match="801 cycles"):
        proven(files, tmp_path)
    server.answers["Execute"] = runs(b"odd", 800)
    with pytest.raises(Unprovable, match="other public values"):
        proven(files, tmp_path)
    server.answers["Execute"] = complains("Execute", "panicked at seed: secret")
    with pytest.raises(Unprovable, match="good end") as unprovable:
        proven(files, tmp_path)
    assert "secret" not in str(unprovable.value)
    assert server.stdins() == []


def test_a_job_that_no_service_proves_is_declined(played: Played, server: EreServer, tmp_path: Path) -> None:
    files = built(tmp_path)
    server.answers["ProgramVk"] = complains("ProgramVk", "secret")
    with pytest.raises(LeaseLost, match=f"none of 2 services.*no answer from {server.address}") as declined:
        proven(files, tmp_path)
    assert "secret" not in str(declined.value)
    assert server.stdins() == []


@pytest.mark.parametrize("claimed", [None, 1, "", "0x0", "0xZZ", "even", "0x" + "00" * (1 << 17), ["0x"], {"a": 1}])
def test_public_values_of_a_stranger_never_reach_the_engine(played: Played, tmp_path: Path, claimed: Json) -> None:
    files = built(tmp_path)
    for shown, said in (({"public_values": claimed}, claimed), (SHOWN, claimed), (claimed, "0x"), ({}, "0x6576656e")):
        with pytest.raises(BadProof):
            Sp1System().check_proof(files, shown, said, b"proof", workdir=tmp_path / "check")
    with pytest.raises(BadProof, match="at most"):
        Sp1System().check_proof(
            files, SHOWN, SHOWN["public_values"], bytes(PROOF_BYTES_MAX + 1), workdir=tmp_path / "check"
        )
    assert not (tmp_path / "verify.asked").exists()


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"stdin": "0x"}', b"\xff", b"[" * 100_000])
def test_a_jobs_input_that_is_none_is_refused(
    played: Played, server: EreServer, tmp_path: Path, content: bytes
) -> None:
    files = built(tmp_path)
    with pytest.raises(InvalidInput):
        Sp1System().run_job(files, 0, content, cache=tmp_path, workdir=tmp_path, report=unheard)
    assert server.asked == []


def test_a_self_check_asks_every_service(played: Played, server: EreServer, tmp_path: Path) -> None:
    assert f"0x{KEY.hex()[:16]}" in Sp1System().self_check(workdir=tmp_path)
    server.answers["ProgramVk"] = sends(503, b"")
    with pytest.raises(JobCrashed, match="status 503"):
        Sp1System().self_check(workdir=tmp_path)


def test_without_a_service_nothing_is_proven_here(
    played: Played, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(registry, "_names", lambda: ["sp1"])
    monkeypatch.setattr(registry, "proof_system", lambda _name: Sp1System())
    monkeypatch.setenv(SERVICES, "")
    assert registry.installed_names() == ["sp1"]
    assert registry.proven_names() == ["sp1"]  # gateways sell its jobs
    settings = ProverSettings(data_dir=tmp_path, proof_systems="sp1")
    with pytest.raises(UnknownProofSystem):
        replace(settings, proof_systems="").node()
    with pytest.raises(InvalidField, match="none is named for it") as refused:
        settings.node()
    assert refused.value.field == "services"
    with pytest.raises(InvalidField, match="no service proves"):
        Sp1System().self_check(workdir=tmp_path)
    named = replace(settings, services="sp1=http://127.0.0.1:3000")
    assert [str(engine) for engine in named.node().asks] == ["sp1@sp1-circuits-6.1.0"]
    with pytest.raises(InvalidField, match="only for this machine"):
        replace(settings, services="sp1=http://gpu.example").node()


def test_a_setting_is_named_when_it_is_wrong() -> None:
    assert read_settings({}) == Settings()
    for name, value in (("cycles_max", 0), ("cycles_max", True), ("cycles_max", CYCLES_MAX + 1), ("steps", 2)):
        with pytest.raises(InvalidField) as refused:
            read_settings({name: value})
        assert refused.value.field == f"settings.{name}"
