"""`proofgrid program solidity` and `calldata`, as people run them."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from proofgrid.proofs.kit.engine import ENGINES_FOLDER
from proofgrid.proofs.systems.groth16.adapter import Groth16System
from tests.cli.commands import proofgrid
from tests.proofs.bundles.makers import a_bundle, a_bundle_of
from tests.proofs.systems.groth16.circom import engine_or_skip, files_of, with_keys


def test_folder_and_bundle_give_one_contract_and_the_bundle_its_calls(tmp_path: Path) -> None:
    engine_or_skip()
    folder = tmp_path / "circuit"
    source = with_keys(files_of("product"), folder)
    for name in ("r1cs", "wasm"):
        shutil.copy(source.files[name], folder)
    files = Groth16System().build_program(
        {name: path for name, path in source.files.items() if name != "sym"},
        {},
        trust={},
        workdir=tmp_path,
        report=lambda _stage, _permille: None,
    )
    bundle = a_bundle_of(Groth16System(), files, [{"a": [2, 3, 5], "b": 7, "limit": 9}], tmp_path).path

    engines = {ENGINES_FOLDER: os.environ[ENGINES_FOLDER]}
    ours, theirs = tmp_path / "ours.sol", tmp_path / "theirs.sol"
    made = proofgrid("program", "solidity", str(folder), "--out", str(ours), "--json", home=tmp_path, **engines)
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["program"] == files.program.digest
    pin = ("--program", files.program.digest)
    made = proofgrid("program", "solidity", str(bundle), *pin, "--out", str(theirs), home=tmp_path, **engines)
    assert made.returncode == 0, made.stderr
    assert ours.read_text() == theirs.read_text()
    assert "contract Verifier" in ours.read_text()

    called = proofgrid("program", "calldata", str(bundle), *pin, home=tmp_path, **engines)
    assert called.returncode == 0, called.stderr
    assert called.stdout.startswith("0x")
    assert len(called.stdout.strip()) == 2 + 8 + 64 * (8 + 2)

    other = proofgrid("program", "calldata", str(bundle), "--program", "0" * 64, home=tmp_path, **engines)
    assert other.returncode != 0
    assert not other.stdout


def test_a_system_without_contracts_says_so(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    said = proofgrid("program", "solidity", str(tmp_path / "model"), "--system", "graph", home=tmp_path)
    assert said.returncode != 0
    assert "no contract verifies proofs of graph" in said.stderr
    bundle = a_bundle(tmp_path).path
    said = proofgrid("program", "calldata", str(bundle), home=tmp_path)
    assert said.returncode != 0
