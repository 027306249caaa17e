"""What is special about Miden: a state over eight steps, programs that go wrong, the one form of a proof."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof, InvalidInput, InvalidProgram
from proofgrid.proofs.base import JobOutput, PartialProof, ProgramFiles
from proofgrid.proofs.kit.engine_programs import MIDEN
from proofgrid.proofs.kit.rehearsal import Rehearsed, rehearse
from proofgrid.proofs.systems.miden import engine
from proofgrid.proofs.systems.miden.adapter import MidenSystem
from proofgrid.proofs.systems.miden.elements import MODULUS
from proofgrid.proofs.systems.miden.samples import LEDGER, payments
from tests.proofs.systems.miden.engines import engine_or_skip

STEPS = 8
AMOUNTS = (5, 7, 1, 20, 3, 4, 6, 9)


@pytest.fixture(autouse=True, scope="module")
def _engine() -> None:
    engine_or_skip()


def unheard(_stage: str, _permille: int) -> None:
    pass


def built(text: str, folder: Path, **settings: Json) -> ProgramFiles:
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "program.masm"
    source.write_text(text)
    return MidenSystem().build_program({"masm": source}, settings, trust={}, workdir=folder / "build", report=unheard)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> tuple[ProgramFiles, Rehearsed]:
    """Eight payments, each a slice of its own."""
    folder = tmp_path_factory.mktemp("ledger")
    files = built(LEDGER, folder, steps=STEPS, cycles_max=1024)
    request = payments(100, *AMOUNTS)
    return files, rehearse(MidenSystem(), files, [request], cache=folder / "cache", workdir=folder / "jobs")


def output_of(done: Rehearsed) -> list[str]:
    outputs: Any = done.result["outputs"]
    assert len(outputs) == 1
    return [str(one) for one in outputs[0]]


def whole(files: ProgramFiles, done: Rehearsed, parts: Sequence[PartialProof], folder: Path) -> list[str]:
    at_hand = ProgramFiles(files.program, {})  # a verifier needs no file
    return MidenSystem().verify_whole(at_hand, done.request.statement, done.result, list(parts), workdir=folder)


def test_the_engine_is_the_one_that_the_system_says_it_is() -> None:
    said = subprocess.run([MIDEN.path(system="miden"), "describe"], capture_output=True, check=True)
    assert json.loads(said.stdout) == {"engine": engine.VERSION, "protocol": 1}


def test_a_state_is_carried_over_eight_slices(ledger: tuple[ProgramFiles, Rehearsed], tmp_path: Path) -> None:
    files, done = ledger
    assert [job.depends_on for job in done.request.jobs] == [()] * STEPS
    last = output_of(done)
    assert last[:2] == [str(100 - sum(AMOUNTS)), str(STEPS)]
    assert all(int(text) for text in last[2:6])  # the digest of all payments
    said = whole(files, done, done.parts, tmp_path)
    assert f"every slice begins where the one before it ended ({STEPS - 1})" in said


def test_steps_cannot_change_places_nor_begin_elsewhere(ledger: tuple[ProgramFiles, Rehearsed], tmp_path: Path) -> None:
    files, done = ledger
    for first, second in ((0, 1), (3, 6)):
        swapped = list(done.parts)
        swapped[first] = replace(done.parts[first], output=done.parts[second].output)
        swapped[second] = replace(done.parts[second], output=done.parts[first].output)
        with pytest.raises(BadProof):
            whole(files, done, swapped, tmp_path)
    # A right proof of the right program for a right amount, from a balance that nobody had left.
    richer = rehearse(
        MidenSystem(), files, [payments(1000, *AMOUNTS)], cache=tmp_path / "cache", workdir=tmp_path / "jobs"
    )
    broken = [*done.parts[:4], richer.parts[4], *done.parts[5:]]
    with pytest.raises(BadProof, match="slice 4"):
        whole(files, done, broken, tmp_path)
    with pytest.raises(BadProof):
        whole(files, done, [*done.parts[:4], *richer.parts[4:]], tmp_path)


def test_a_proof_has_one_form_whatever_the_library_takes(
    ledger: tuple[ProgramFiles, Rehearsed], tmp_path: Path
) -> None:
    # The library reads any 64 bits as a field element: x and x + modulus would be two proofs of one.
    files, done = ledger
    job, output = done.request.jobs[0], done.parts[0].output
    elements = [
        at
        for at in range(len(output.proof) - 8)
        if int.from_bytes(output.proof[at : at + 8], "little") < (1 << 64) - MODULUS
    ]
    assert elements
    for at in elements[:: max(1, len(elements) // 40)]:
        other = int.from_bytes(output.proof[at : at + 8], "little") + MODULUS
        forged = output.proof[:at] + other.to_bytes(8, "little") + output.proof[at + 8 :]
        with pytest.raises(BadProof):
            MidenSystem().verify_partial(files, 0, job.facts, replace(output, proof=forged), workdir=tmp_path)


def test_a_proof_with_another_hash_function_is_another(tmp_path: Path) -> None:
    text = "begin adv_push swap.1 drop end"
    made: list[tuple[ProgramFiles, Rehearsed]] = []
    for name in ("blake3", "poseidon2"):
        files = built(text, tmp_path / name, hash=name, cycles_max=64)
        done = rehearse(MidenSystem(), files, [{"advice": [7]}], cache=tmp_path, workdir=tmp_path / f"{name}-jobs")
        assert output_of(done) == ["7"] + ["0"] * 15
        made.append((files, done))
    (blake3, by_blake3), (poseidon2, by_poseidon2) = made
    for files, done in ((blake3, by_poseidon2), (poseidon2, by_blake3)):
        with pytest.raises(BadProof, match="another hash function"):
            whole(files, done, done.parts, tmp_path)


@pytest.mark.parametrize(
    ("text", "value", "rule"),
    [
        ("begin push.1 while.true push.1 end end", {}, "has not ended after 256 cycles"),
        ('begin adv_push assert.err="not the right one" end', {"advice": [0]}, "not the right one"),
        ("begin adv_push assert end", {"advice": [0]}, "an assertion fails"),
        ("begin adv_push drop end", {}, "reads more advice than there is"),
        ("begin push.1 end", {}, "1 elements too many"),
        ("begin push.0 u32div drop end", {}, "divides by zero"),
        ("begin repeat.40 hperm end end", {}, "rows of trace"),
        ("begin adv_push mem_load drop end", {"advice": [str(MODULUS - 1)]}, "memory where it may not"),
        ("begin push.7 if.true nop else nop end end", {}, "neither 0 nor 1"),
    ],
)
def test_a_program_that_goes_wrong_is_refused_in_a_sentence(
    tmp_path: Path, text: str, value: dict[str, Any], rule: str
) -> None:
    files = built(text, tmp_path, cycles_max=256)
    with pytest.raises(InvalidInput, match=rule) as refused:
        MidenSystem().normalise(files, [value], workdir=tmp_path / "normalise")
    assert refused.value.field == "inputs[0]"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("begin\n    push.1\n    no_such_word\nend", "line 3"),
        ("begin\n    exec.foo::bar\nend", ""),
        ("proc nothing\n    push.1\nend", ""),
        ("begin " + "if.true " * 5000 + "nop" + " end" * 5000 + " end", ""),
        ("", ""),
        ("\0" * 100, ""),
    ],
)
def test_a_source_that_is_none_is_refused_with_its_line(tmp_path: Path, text: str, rule: str) -> None:
    with pytest.raises(InvalidProgram) as refused:
        built(text, tmp_path)
    assert rule in refused.value.detail


def test_a_secret_is_in_nothing_that_is_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    secret = "12345678901234567"
    text = 'begin adv_push debug.stack dup u32assert.err="too large" drop end'
    files = built(text, tmp_path)
    with pytest.raises(InvalidInput, match="too large") as refused:
        MidenSystem().normalise(files, [{"advice": [secret]}], workdir=tmp_path / "normalise")
    said = capfd.readouterr()
    for told in (said.out, said.err, str(refused.value), refused.value.hint):
        assert secret not in told


def test_another_program_under_the_same_root_is_refused(tmp_path: Path) -> None:
    files, other = (built(f"begin push.{number} drop end", tmp_path / str(number)) for number in (1, 2))
    mixed = ProgramFiles(files.program, other.paths)
    with pytest.raises(InvalidInput, match="another root"):
        MidenSystem().normalise(mixed, [{}], workdir=tmp_path / "normalise")
    right = MidenSystem().normalise(files, [{}], workdir=tmp_path / "normalise").jobs
    content = json.loads(files.path("program").read_bytes())
    for at in range(0, len(content["forest"]), 7):
        digit = "0" if content["forest"][at] != "0" else "1"
        path = tmp_path / "changed.json"
        path.write_text(json.dumps({**content, "forest": content["forest"][:at] + digit + content["forest"][at + 1 :]}))
        changed = ProgramFiles(files.program, {"program": path})
        try:
            jobs = MidenSystem().normalise(changed, [{}], workdir=tmp_path / "normalise").jobs
        except InvalidInput:
            continue
        assert jobs == right  # what the root does not cover changes nothing


def test_the_standard_library_and_merkle_trees_are_at_hand(tmp_path: Path) -> None:
    leaves = ["0x" + f"{number:02x}" + "00" * 31 for number in (5, 6)]
    text = """
    use miden::core::sys
    use miden::core::math::u64
    begin
        hmerge
        # => [ROOT, ...]
        push.0 push.1 mtree_get
        # => [LEAF, ROOT, ...]
        exec.u64::wrapping_add
        exec.sys::truncate_stack
    end
    """
    files = built(text, tmp_path, cycles_max=1024)
    value: dict[str, Json] = {"stack": [5, 0, 0, 0, 6, 0, 0, 0], "merkle_trees": [list(leaves)]}
    (job,) = MidenSystem().normalise(files, [value], workdir=tmp_path / "normalise").jobs
    assert MidenSystem().can_be_proven(files, 0, job.input, workdir=tmp_path / "try") is True
    with pytest.raises(InvalidInput, match="node that is not there"):
        MidenSystem().normalise(files, [{"stack": value["stack"]}], workdir=tmp_path / "normalise")


def test_a_job_output_of_another_kind_is_refused(ledger: tuple[ProgramFiles, Rehearsed], tmp_path: Path) -> None:
    files, done = ledger
    output = done.parts[0].output
    for public in ({}, {"output": output.public["output"], "more": 1}, {"output": None}):
        with pytest.raises(BadProof):
            MidenSystem().verify_partial(
                files, 0, done.request.jobs[0].facts, JobOutput(proof=output.proof, public=public), workdir=tmp_path
            )
