"""What the project is made of: every package is pinned by hash, under a licence that is allowed, and in the bill."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tools.supply.__main__ import main
from tools.supply.bill import bill_of, installed_with
from tools.supply.licences import EXCUSED, SHIPPED, TOOLS, permits, refused, stated
from tools.supply.locks import Package, Unpinned, lock_files, packages_of

ROOT = Path(__file__).parents[1]


def _package(name: str = "nice", kind: str = "pypi") -> Package:
    return Package(kind, name, "1.0", (("SHA-256", "ab" * 32),), "requirements.lock")


def test_every_package_of_the_project_has_a_hash_and_a_licence_that_is_allowed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["check"]) == 0
    assert "all with hash and licence" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements.lock", "nice==1.0\n"),
        ("package-lock.json", json.dumps({"packages": {"": {}, "node_modules/@a/nice": {"version": "1.0"}}})),
        ("Cargo.lock", '[[package]]\nname = "nice"\nversion = "1.0"\nsource = "git+https://somewhere"\n'),
    ],
)
def test_a_package_without_a_hash_is_an_error(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(Unpinned, match="nice has no hash"):
        packages_of(tmp_path, name)


def test_what_four_package_managers_pin_is_read(tmp_path: Path) -> None:
    (tmp_path / "requirements.lock").write_text(
        f"Nice_One==1.0 ; python_version > '3' \\\n    --hash=sha256:{'ab' * 32}\n"
    )
    (tmp_path / "package-lock.json").write_text(
        json.dumps({"packages": {"node_modules/a/node_modules/@b/c": {"version": "2.0", "integrity": "sha512-q80="}}})
    )
    (tmp_path / "Cargo.lock").write_text('[[package]]\nname = "ours"\nversion = "0"\n')
    (tmp_path / "go.sum").write_text("go.org/x v1 h1:abc=\ngo.org/x v1/go.mod h1:def=\n")
    found = [
        one
        for lock in lock_files(tmp_path, sorted(f.name for f in tmp_path.iterdir()))
        for one in packages_of(tmp_path, lock)
    ]
    assert [one.versioned_url for one in found] == [
        "pkg:golang/go.org/x@v1",
        "pkg:npm/%40b/c@2.0",
        "pkg:pypi/nice-one@1.0",
    ]
    assert found[1].hashes == (("SHA-512", "abcd"),)


@pytest.mark.parametrize(
    ("expression", "fits"),
    [
        ("MIT", True),
        ("MIT OR GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", False),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("(MIT OR GPL-3.0-only) AND Unicode-3.0", True),
        ("GPL-3.0-only", False),
        ("LGPL-3.0-only", False),
        ("unknown", False),
        ("all rights reserved, of course (", False),
        ("", False),
    ],
)
def test_a_licence_is_allowed_if_one_of_its_choices_is(expression: str, fits: bool) -> None:
    assert permits(expression, SHIPPED) is fits


def test_an_unknown_package_is_refused_by_name_and_tools_may_be_under_more() -> None:
    assert refused([_package()], {}, SHIPPED) == [
        "pkg:pypi/nice: unknown, which is not allowed here; see tools/supply/licences.py"
    ]
    assert refused([_package()], {"pkg:pypi/nice": "MPL-2.0"}, SHIPPED)
    assert not refused([_package()], {"pkg:pypi/nice": "MPL-2.0"}, TOOLS)


def test_no_excuse_outlives_its_package() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    there = {one.url for lock in lock_files(ROOT, tracked) for one in packages_of(ROOT, lock)}
    assert set(EXCUSED) <= there
    assert set(stated()) <= there


def test_the_bill_holds_what_users_install_and_is_the_same_each_time(tmp_path: Path) -> None:
    assert main(["bill", str(tmp_path / "one.json")]) == 0
    assert main(["bill", str(tmp_path / "two.json")]) == 0
    text = (tmp_path / "one.json").read_text()
    assert text == (tmp_path / "two.json").read_text()
    bill = json.loads(text)
    names = {part["name"]: part for part in bill["components"]}
    assert {"grpcio", "asyncpg", "@aztec/bb.js", "miden-prover", "github.com/consensys/gnark"} <= set(names)
    assert not {"pytest", "hypothesis", "snarkjs", "circomlib"} & set(names)
    assert all(
        part.get("hashes") or any(p["name"] == "proofgrid:go.sum" for p in part["properties"])
        for part in names.values()
    )
    assert bill["specVersion"] == "1.6"


def test_what_pip_brings_follows_extras_and_markers() -> None:
    there = installed_with("proofgrid")
    assert {"pycryptodome", "grpcio", "annotated-types"} <= there  # by an extra, directly, by others
    assert not {"proofgrid", "pytest", "matplotlib"} & there


def test_a_licence_of_one_package_stands_in_its_part_of_the_bill() -> None:
    part = json.loads(bill_of("1", [_package()], {"pkg:pypi/nice": "MIT OR Apache-2.0"}))["components"][0]
    assert part["licenses"] == [{"expression": "MIT OR Apache-2.0"}]
    assert "licenses" not in json.loads(bill_of("1", [_package()], {}))["components"][0]
