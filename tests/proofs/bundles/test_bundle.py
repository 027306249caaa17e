"""Bundles: an honest one verifies offline anywhere; every way to change one that we can think of is found."""

from __future__ import annotations

import copy
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import BadBundle, BadProof, BrokenLink, ProofgridError, UnknownProofSystem
from proofgrid.proofs.bundles.bundle import BundleReport, read_bundle, verify_bundle, write_bundle
from proofgrid.proofs.bundles.container import ContainerLimits
from proofgrid.proofs.bundles.manifest import manifest_to_json
from tests.proofs.bundles.makers import CLIENT, NETWORK, STRANGER, Made, a_bundle, forge, set_at

pytestmark = pytest.mark.usefixtures("toy_system_on_path")


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return a_bundle(tmp_path)


def verify(path: Path, **expected: str) -> BundleReport:
    with tempfile.TemporaryDirectory() as workdir:
        return verify_bundle(path, workdir=Path(workdir), **expected)  # type: ignore[arg-type]


def test_an_honest_bundle_verifies_and_says_what_was_checked(made: Made) -> None:
    report = verify(made.path, expect_program=made.manifest.program.digest, expect_network=NETWORK.address)

    assert report.manifest == made.manifest
    assert [check.split(":")[0] for check in report.checks] == [
        *("container", "signature", "network", "program", "jobs", "files", "program", "proofs", "proofs")
    ]
    assert "proofs: 4 proofs verify" in report.checks
    assert "proofs: 2 chains are linked" in report.checks


def test_the_same_content_gives_the_same_bytes_and_any_zip_tool_opens_it(made: Made, tmp_path: Path) -> None:
    again = tmp_path / "again.pgb"

    assert write_bundle(again, made.manifest, contents=made.contents, key=NETWORK) == made.digest
    with zipfile.ZipFile(again) as archive:
        assert archive.testzip() is None
        assert archive.read("manifest.json") == canonical_json(manifest_to_json(made.manifest))


def test_a_proof_shared_by_equal_inputs_is_stored_once(tmp_path: Path) -> None:
    made = a_bundle(tmp_path, "same", "same", slices=1)

    report = verify(made.path)

    assert len(report.manifest.jobs) == 2
    assert len(report.manifest.files) == 2


def test_insisting_on_another_program_or_network_is_refused_by_name(made: Made) -> None:
    with pytest.raises(BadBundle) as of_program:
        verify(made.path, expect_program="0" * 64)
    with pytest.raises(BadBundle) as of_network:
        verify(made.path, expect_network=STRANGER.address)

    assert (of_program.value.field, of_network.value.field) == ("program", "network")


# --- edits without the network's key -----------------------------------------------------------------


EDITS: dict[str, Callable[[dict[str, Any]], None]] = {
    "price_buy": set_at("jobs", 0, "price_buy", to=31),
    "price_sell": set_at("jobs", 1, "price_sell", to=19),
    "paid": set_at("jobs", 1, "paid", to=199),
    "units": set_at("jobs", 0, "units", to=11),
    "operator": set_at("jobs", 0, "operator", to=STRANGER.address),
    "prover": set_at("jobs", 0, "prover", to=f"{STRANGER.address}/alpha"),
    "round": set_at("jobs", 0, "round", "number", to=999),
    "transcript": set_at("jobs", 0, "round", "transcript", to="0" * 64),
    "job id": set_at("jobs", 0, "job_id", to="00000000-0000-0000-0000-00000000ffff"),
    "client": set_at("task", "client", to=STRANGER.address),
    "time": set_at("task", "finished_ms", to=1_700_000_009_001),
    "statement": set_at("statement", "starts", 0, to="0" * 64),
    "result": set_at("result", "outputs", 0, to="0" * 64),
    "public value": set_at("jobs", 1, "public", "end", to="0" * 64),
    "memory": set_at("program", "slices", 0, "memory_bytes", to=1),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_manifest_is_refused(made: Made, name: str) -> None:
    manifest: Any = copy.deepcopy(manifest_to_json(made.manifest))
    EDITS[name](manifest)
    content = canonical_json(manifest)
    old_signature = read_bundle(made.path).signature

    with pytest.raises(BadBundle):
        verify(forge(made, content, sign=lambda message: old_signature))
    with pytest.raises(BadBundle) as by_stranger:
        verify(forge(made, content, sign=STRANGER.sign))
    assert by_stranger.value.code == "PG-410"


def test_a_bundle_signed_by_somebody_else_is_that_ones_and_not_the_networks(made: Made) -> None:
    manifest = {**manifest_to_json(made.manifest), "network": STRANGER.address}
    path = forge(made, manifest, sign=STRANGER.sign, signer=STRANGER.address)

    verify(path)
    with pytest.raises(BadBundle) as caught:
        verify(path, expect_network=NETWORK.address)
    assert caught.value.field == "network"


def test_a_signature_in_another_spelling_is_refused(made: Made) -> None:
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

    def shouted(message: bytes) -> str:
        signature = NETWORK.sign(message)
        return "0x" + signature[2:].upper()

    def mirrored(message: bytes) -> str:
        signature = NETWORK.sign(message)
        other_v = {"1b": "1c", "1c": "1b"}[signature[-2:]]
        return f"{signature[:66]}{order - int(signature[66:130], 16):064x}{other_v}"

    for spell in (shouted, mirrored, lambda message: "0x", lambda message: ""):
        with pytest.raises(BadBundle) as caught:
            verify(forge(made, manifest_to_json(made.manifest), sign=spell))
        assert caught.value.field == "signature"


# --- lies that the network itself signed -------------------------------------------------------------

LIES: dict[str, tuple[Callable[[dict[str, Any]], None], type[ProofgridError], str]] = {
    "a wrong result": (set_at("result", "outputs", 0, to="0" * 64), BadProof, "result"),
    "a wrong statement": (set_at("statement", "starts", 0, to="0" * 64), BrokenLink, "proofs"),
    "a statement without its members": (set_at("statement", to={}), BadBundle, "proofs"),
    "a statement of another kind": (set_at("statement", "starts", to=7), BadBundle, "proofs"),
    "a public value that no proof shows": (set_at("jobs", 1, "public", "end", to="0" * 64), BadProof, "proofs"),
    "a payment that is not price times units": (set_at("jobs", 0, "paid", to=1), BadBundle, "manifest.jobs[0].paid"),
    "a price above what the client paid": (
        set_at("jobs", 0, "price_buy", to=19),
        BadBundle,
        "manifest.jobs[0].price_sell",
    ),
    "a negative price": (set_at("jobs", 2, "price_buy", to=-1), BadBundle, "manifest.jobs[2].price_buy"),
    "a price that is true": (set_at("jobs", 2, "price_buy", to=True), BadBundle, "manifest.jobs[2].price_buy"),
    "a prover of another operator": (
        set_at("jobs", 0, "operator", to=STRANGER.address),
        BadBundle,
        "manifest.jobs[0].prover",
    ),
    "an operator that is no address": (set_at("jobs", 0, "operator", to="bob"), BadBundle, "manifest.jobs[0].operator"),
    "an end before the start": (set_at("task", "finished_ms", to=1), BadBundle, "manifest.task.finished_ms"),
    "a digest that is not the identity's": (
        set_at("program", "digest", to="0" * 64),
        BadBundle,
        "manifest.program.digest",
    ),
    "a job in another place": (set_at("jobs", 0, "slice", to=1), BadBundle, "manifest.jobs"),
    "a version of tomorrow": (set_at("version", to=3), BadBundle, "manifest.version"),
    "a version that is true": (set_at("version", to=True), BadBundle, "manifest.version"),
    "one proof that is many": (set_at("version", to=2), BadBundle, "manifest"),
    "wraps that no verifier needs": (
        set_at(
            *("program", "wraps"),
            to=[{"index": 2, "units": 1, "memory_bytes": 1, "depends_on": [], "files": []}],
        ),
        BadBundle,
        "manifest.program.wraps",
    ),
    "another format": (set_at("format", to="zip"), BadBundle, "manifest.format"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_of_the_network_itself_is_found_and_named(made: Made, name: str) -> None:
    edit, kind, field = LIES[name]
    manifest: Any = copy.deepcopy(manifest_to_json(made.manifest))
    edit(manifest)

    with pytest.raises(kind) as caught:
        verify(forge(made, manifest))

    assert type(caught.value) is kind
    assert caught.value.field == field


def test_proofs_swapped_between_inputs_break_the_link(made: Made) -> None:
    manifest: Any = copy.deepcopy(manifest_to_json(made.manifest))
    first, second = manifest["jobs"][1], manifest["jobs"][3]
    for member in ("proof", "public"):
        first[member], second[member] = second[member], first[member]

    with pytest.raises(BrokenLink):
        verify(forge(made, manifest))


def test_a_proof_of_another_program_is_refused(made: Made, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = a_bundle(tmp_path / "other", rounds=11)
    manifest: Any = copy.deepcopy(manifest_to_json(made.manifest))
    manifest["program"] = manifest_to_json(other.manifest)["program"]
    circuit = other.manifest.program.files["circuit"]
    proofs = {job.proof: made.contents[job.proof] for job in made.manifest.jobs}

    with pytest.raises(BadProof):
        verify(forge(made, manifest, contents={**proofs, circuit: other.contents[circuit]}))


def test_a_circuit_that_the_identity_does_not_name_is_refused(made: Made, tmp_path: Path) -> None:
    forged = tmp_path / "forged"
    forged.write_bytes(canonical_json({"rounds": 0, "slices": 2}))
    digest = digest_of(forged.read_bytes())
    manifest: Any = copy.deepcopy(manifest_to_json(made.manifest))
    manifest["program"]["files"]["circuit"] = digest
    proofs = {job.proof: made.contents[job.proof] for job in made.manifest.jobs}

    with pytest.raises(BadProof) as caught:
        verify(forge(made, manifest, contents={**proofs, digest: forged}))
    assert caught.value.field == "program"


def test_a_job_left_out_or_listed_twice_is_found(made: Made) -> None:
    whole: Any = manifest_to_json(made.manifest)
    honest: list[Any] = whole["jobs"]

    for jobs in (honest[:-1], honest + honest[-1:], honest[:0], honest[::-1]):
        with pytest.raises(BadBundle) as caught:
            verify(forge(made, {**whole, "jobs": jobs}))
        assert caught.value.field == "manifest.jobs"


def test_an_unknown_proof_system_is_not_taken_for_a_lie(made: Made) -> None:
    manifest: Any = copy.deepcopy(manifest_to_json(made.manifest))
    manifest["program"]["proof_system"] = "tomorrow"
    manifest["program"]["digest"] = replace(made.manifest.program, proof_system="tomorrow").digest

    with pytest.raises(UnknownProofSystem):
        verify(forge(made, manifest))


# --- the container -----------------------------------------------------------------------------------


def test_an_extra_or_a_missing_file_is_found(made: Made, tmp_path: Path) -> None:
    extra = tmp_path / "extra"
    extra.write_bytes(b"extra")
    manifest = manifest_to_json(made.manifest)
    fewer = dict(sorted(made.contents.items())[1:])

    for contents in ({**made.contents, digest_of(b"extra"): extra}, fewer):
        with pytest.raises(BadBundle) as caught:
            verify(forge(made, manifest, contents=contents))
        assert caught.value.field == "container"


def test_a_bundle_cut_short_anywhere_is_refused(made: Made, tmp_path: Path) -> None:
    whole = made.path.read_bytes()
    cut = tmp_path / "cut.pgb"

    for length in [*range(0, len(whole), 97), len(whole) - 1]:
        cut.write_bytes(whole[:length])
        with pytest.raises(BadBundle):
            read_bundle(cut)


@pytest.mark.parametrize("prefix", [True, False])
def test_bytes_before_or_after_the_container_are_refused(made: Made, tmp_path: Path, prefix: bool) -> None:
    path = tmp_path / "stuffed.pgb"
    whole = made.path.read_bytes()
    path.write_bytes(b"#!/bin/sh\n" + whole if prefix else whole + b"\x00\x00")

    with pytest.raises(BadBundle):
        read_bundle(path)


def rewritten(made: Made, change: Callable[[zipfile.ZipFile, dict[str, bytes]], None], **options: Any) -> Path:
    """Write the bundle's entries again with an ordinary ZIP tool, as `change` wants them."""
    with zipfile.ZipFile(made.path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    path = made.path.with_name("rewritten.pgb")
    with zipfile.ZipFile(path, "w", **options) as archive:
        change(archive, entries)
    return path


def write_all(archive: zipfile.ZipFile, entries: dict[str, bytes]) -> None:
    for name, content in entries.items():
        archive.writestr(name, content)


def test_a_compressed_container_is_refused_before_it_is_unpacked(made: Made) -> None:
    path = rewritten(made, write_all, compression=zipfile.ZIP_DEFLATED)

    with pytest.raises(BadBundle, match="compressed"):
        verify(path)


@pytest.mark.parametrize("name", ["../../escaped", "/etc/passwd", "files/../escaped", "files/" + "A" * 64, "files/"])
def test_a_name_that_is_a_path_is_refused(made: Made, name: str) -> None:
    def add(archive: zipfile.ZipFile, entries: dict[str, bytes]) -> None:
        documents = {key: entries.pop(key) for key in ("manifest.json", "signature.json")}
        write_all(archive, {**documents, **dict(sorted({**entries, name: b"x"}.items()))})

    with pytest.raises(BadBundle, match="does not belong"):
        verify(rewritten(made, add))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_is_given_twice_is_refused(made: Made) -> None:
    def add(archive: zipfile.ZipFile, entries: dict[str, bytes]) -> None:
        write_all(archive, entries)
        archive.writestr(list(entries)[-1], b"another")

    with pytest.raises(BadBundle, match="each once"):
        verify(rewritten(made, add))


def test_an_archive_comment_is_refused(made: Made) -> None:
    def comment(archive: zipfile.ZipFile, entries: dict[str, bytes]) -> None:
        write_all(archive, entries)
        archive.comment = b"hello"

    with pytest.raises(BadBundle):
        verify(rewritten(made, comment))


@pytest.mark.parametrize(
    "limits",
    [
        ContainerLimits(entries_max=3),
        ContainerLimits(total_bytes_max=1000),
        ContainerLimits(json_bytes_max=100),
    ],
)
def test_a_bundle_over_a_limit_is_refused(made: Made, limits: ContainerLimits) -> None:
    with pytest.raises(BadBundle, match=r"larger than|more than"):
        read_bundle(made.path, limits=limits)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"format":"proofgrid.bundle","version":1.0}',
        b'{"format":"proofgrid.bundle","version":1}',
        b"[" * 200_000,
        '"\\""'.encode("utf-16") + ("[" * 200_000).encode("utf-16-le"),
        b"1" * 10_000,
    ],
)
def test_a_manifest_that_is_none_is_refused(made: Made, content: bytes) -> None:
    with pytest.raises(BadBundle):
        verify(forge(made, content))


def test_a_manifest_in_another_spelling_is_refused(made: Made) -> None:
    content = canonical_json(manifest_to_json(made.manifest))

    for spelling in (content + b"\n", content.replace(b'{"format"', b'{ "format"'), b'{"format":"x",' + content[1:]):
        with pytest.raises(BadBundle):
            verify(forge(made, spelling))


@pytest.mark.parametrize("content", [b"", b"not a bundle", b"PK\x05\x06" + bytes(18), bytes(5000)])
def test_a_file_that_is_no_bundle_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "none.pgb"
    path.write_bytes(content)

    with pytest.raises(BadBundle):
        verify(path)
    with pytest.raises(BadBundle):
        verify(tmp_path / "missing.pgb")


# --- any byte ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample() -> Iterator[tuple[Path, bytes]]:
    with tempfile.TemporaryDirectory() as folder:
        made = a_bundle(Path(folder))
        yield Path(folder) / "flipped.pgb", made.path.read_bytes()


@settings(max_examples=400, deadline=None, suppress_health_check=[])
@given(place=st.floats(0, 1, exclude_max=True), mask=st.integers(1, 255))
@example(place=0.0, mask=1)
@example(place=0.999999, mask=1)
def test_a_flipped_byte_changes_nothing_or_is_found(sample: tuple[Path, bytes], place: float, mask: int) -> None:
    path, whole = sample
    path.write_bytes(whole)
    honest = verify(path)
    flipped = bytearray(whole)
    flipped[int(place * len(whole))] ^= mask
    path.write_bytes(flipped)

    try:
        report = verify(path)
    except (BadBundle, BadProof):
        return

    # What is left are bytes of the ZIP headers that say nothing, such as dates.
    assert report == honest


def test_the_network_does_not_sign_what_no_verifier_would_accept(made: Made, tmp_path: Path) -> None:
    from dataclasses import replace

    job = made.manifest.jobs[0]
    target = tmp_path / "never.pgb"

    with pytest.raises(BadBundle):
        bad = replace(made.manifest, jobs=(replace(job, paid=1), *made.manifest.jobs[1:]))
        write_bundle(target, bad, contents=made.contents, key=NETWORK)
    with pytest.raises(ValueError, match="does not speak"):
        write_bundle(target, made.manifest, contents=made.contents, key=CLIENT)
    with pytest.raises(ValueError, match="missing"):
        write_bundle(target, made.manifest, contents={}, key=NETWORK)
    made.contents[job.proof].write_bytes(b"changed")
    with pytest.raises(ValueError, match="does not hash"):
        write_bundle(target, made.manifest, contents=made.contents, key=NETWORK)
    assert list(tmp_path.glob("never.pgb")) + list(tmp_path.glob(".bundle-*")) == []
