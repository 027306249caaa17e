"""Packages lie in the folder that was handed in, whatever they depend on; circuits are of the compiler that we have."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path

import pytest

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidField, InvalidProgram
from proofgrid.proofs.systems.noir.engine import NOIR_VERSION
from proofgrid.proofs.systems.noir.sources import checked_package, circuit_file, locations_file, read_circuit

MAIN = "fn main() {}"


def manifest(kind: str = "bin", **dependencies: str) -> str:
    lines = [f"{name} = {entry}" for name, entry in dependencies.items()]
    return "\n".join(["[package]", 'name = "p"', f'type = "{kind}"', "[dependencies]", *lines])


def package(**dependencies: str) -> dict[str, str]:
    return {"Nargo.toml": manifest(**dependencies), "src/main.nr": MAIN}


def test_one_file_is_a_package_of_itself() -> None:
    files, folder = checked_package({"anything.nr": MAIN}, "")
    assert files["src/main.nr"] == MAIN
    assert folder == ""


def test_dependencies_of_dependencies_may_lie_anywhere_in_the_folder() -> None:
    files = {
        "app/Nargo.toml": manifest(one='{ path = "../libs/one" }'),
        "app/src/main.nr": MAIN,
        "libs/one/Nargo.toml": manifest("lib", two='{ path = "../two/" }'),
        "libs/two/Nargo.toml": manifest("lib", one='{ path = "../one" }'),
    }
    assert checked_package(files, "app") == (files, "app")


@pytest.mark.parametrize(
    ("entry", "rule"),
    [
        ('{ git = "https://github.com/noir-lang/poseidon", tag = "v0.1.1" }', "would have to be fetched"),
        ('"0.1"', "would have to be fetched"),
        ('{ path = "../outside" }', "leads out"),
        ('{ path = "/etc" }', "leads out"),
        ('{ path = "libs/../../outside" }', "leads out"),
        ('{ path = "nowhere" }', "without Nargo.toml"),
        ('{ path = "." }', "is no library"),
    ],
)
def test_what_would_be_fetched_or_leads_elsewhere_is_refused_with_a_sentence(entry: str, rule: str) -> None:
    with pytest.raises(InvalidProgram, match=rule) as refused:
        checked_package(package(thing=entry), "")
    assert "Nargo.toml" in refused.value.field or "package" in refused.value.field


def test_two_packages_of_one_name_are_refused() -> None:
    files = {
        **package(a='{ path = "a" }', b='{ path = "b" }'),
        "a/Nargo.toml": manifest("lib"),
        "b/Nargo.toml": manifest("lib", a='{ path = "../other" }'),
        "other/Nargo.toml": manifest("lib"),
    }
    with pytest.raises(InvalidProgram, match="two packages are called a"):
        checked_package(files, "")


def test_a_workspace_with_one_program_needs_no_word_and_one_with_two_does() -> None:
    files = {
        "Nargo.toml": '[workspace]\nmembers = ["a", "lib", "b"]',
        "a/Nargo.toml": manifest(),
        "lib/Nargo.toml": manifest("lib"),
        "b/Nargo.toml": manifest("lib"),
    }
    assert checked_package(files, "")[1] == "a"
    files["b/Nargo.toml"] = manifest()
    with pytest.raises(InvalidField, match="2 programs") as refused:
        checked_package(files, "")
    assert refused.value.hint == "one of: a, b"
    assert checked_package(files, "b/")[1] == "b"
    assert checked_package({**files, "Nargo.toml": files["Nargo.toml"] + '\ndefault-member = "b"'}, "")[1] == "b"


@pytest.mark.parametrize("text", ["[package", "a = " + "[" * 100_000, "", '[package]\nname = "x"\ntype = "lib"'])
def test_a_manifest_that_is_none_of_a_program_is_refused(text: str) -> None:
    with pytest.raises(InvalidProgram):
        checked_package({"Nargo.toml": text, "src/main.nr": MAIN}, "")


def circuit(**changed: Json) -> dict[str, Json]:
    bytecode = base64.b64encode(gzip.compress(b"circuit")).decode()
    return {"noir_version": f"{NOIR_VERSION}+commit", "bytecode": bytecode, "abi": {"parameters": []}, **changed}


def test_a_circuit_has_one_spelling_whatever_stands_beside_it() -> None:
    assert circuit_file(circuit(hash="1", names=["main"])) == circuit_file(circuit())


@pytest.mark.parametrize(
    "changed",
    [
        {"noir_version": "1.0.0-beta.3+x"},
        {"noir_version": None},
        {"bytecode": "no base64!"},
        {"bytecode": base64.b64encode(b"no gzip").decode()},
        {"bytecode": base64.b64encode(gzip.compress(b"cut")[:-3]).decode()},
        {"bytecode": base64.b64encode(gzip.compress(b"more") + b"rest").decode()},
        {"abi": {"parameters": [1.5]}},
    ],
)
def test_a_circuit_that_is_none_of_ours_is_refused(changed: dict[str, Json]) -> None:
    with pytest.raises(InvalidProgram) as refused:
        circuit_file(circuit(**changed))
    assert refused.value.field.startswith("source.circuit.")


def test_a_bytecode_that_grows_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofgrid.proofs.systems.noir.sources._BYTECODE_BYTES_MAX", 1 << 20)
    bomb = base64.b64encode(gzip.compress(bytes(1 << 21))).decode()
    with pytest.raises(InvalidProgram, match="too large"):
        circuit_file(circuit(bytecode=bomb))


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'"text"'])
def test_what_is_no_compiled_program_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "circuit.json"
    path.write_bytes(content)
    with pytest.raises(InvalidProgram):
        read_circuit(path)


def test_what_the_compiler_knew_of_its_sources_may_be_missing_or_malformed() -> None:
    assert locations_file(circuit()) is None
    assert locations_file(circuit(debug_symbols="", file_map={"1": 0.5})) is None
    known = locations_file(circuit(debug_symbols="x", file_map={}))
    assert known is not None and json.loads(known) == {"debug_symbols": "x", "file_map": {}}
