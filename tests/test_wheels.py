"""What `make wheels` looks for: what the project needs where, in the versions of the lock. The index is not asked."""

from __future__ import annotations

import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.tags import Tag

from tools.wheels import MACHINES, PYTHONS, ROOT, Place, place_of, tags_of

DIRECT = [
    Requirement(text)
    for text in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
LINUX, ARM, MAC = MACHINES


def names(pinned: frozenset[str]) -> set[str]:
    return {one.partition("==")[0] for one in pinned}


@pytest.mark.parametrize("python", PYTHONS)
def test_ezkl_is_left_out_where_it_has_no_wheel_and_all_else_is_needed_everywhere(python: str) -> None:
    on_linux, on_arm, on_mac = (place_of(machine, python, DIRECT, LOCK) for machine in MACHINES)
    assert names(on_arm.left_out) == {"ezkl", "onnx", "onnxruntime"}
    assert names(on_linux.needed) - names(on_arm.needed) == {
        "ezkl",
        "onnx",
        "ml-dtypes",
        "onnxruntime",
        "flatbuffers",
        "packaging",
    }
    assert names(on_mac.needed) == names(on_linux.needed)
    # What is needed by what is needed, and nothing of the developers' own.
    assert {"numpy", "pydantic-core", "cytoolz"} <= names(on_arm.needed)
    assert not {"pytest", "mypy", "scikit-learn", "matplotlib"} & names(on_linux.needed)


def test_versions_are_those_that_the_lock_chooses_there() -> None:
    chosen = [
        next(one for one in place_of(LINUX, python, DIRECT, LOCK).needed if one.startswith("numpy=="))
        for python in PYTHONS
    ]
    assert chosen[0] != chosen[1] == chosen[2]


def test_a_place_says_what_it_lacks_and_what_need_not_be_left_out() -> None:
    anywhere = [frozenset({Tag("py3", "none", "any")})]
    on_glibc = [frozenset({Tag("cp311", "abi3", "manylinux_2_28_aarch64")})]
    too_new = [frozenset({Tag("cp311", "cp311", "manylinux_2_39_aarch64")})]
    wheels = {"pure==1": anywhere, "fast==1": on_glibc, "new==1": too_new, "none==1": []}
    place = Place(ARM, "3.13", frozenset({"pure==1", "fast==1"}), frozenset({"none==1"}))
    assert place.report(wheels) == (True, "Linux arm64   Python 3.13: 2 packages, a wheel of each; without none==1")
    place = Place(ARM, "3.13", frozenset({"new==1", "pure==1"}), frozenset({"fast==1"}))
    holds, line = place.report(wheels)
    assert not holds
    assert "no wheel of new==1; without fast==1, though there is one of fast==1" in line


def test_wheels_for_older_systems_run_on_newer_ones() -> None:
    assert Tag("cp37", "abi3", "manylinux_2_17_x86_64") in tags_of(LINUX, "3.13")
    assert Tag("cp312", "cp312", "macosx_11_0_arm64") in tags_of(MAC, "3.12")
    assert Tag("cp312", "cp312", "musllinux_1_2_aarch64") not in tags_of(ARM, "3.12")
