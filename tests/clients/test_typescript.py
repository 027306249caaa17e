"""The TypeScript client beside its checkout: its vectors, its licence, and its own tests where there is Node.js."""

from __future__ import annotations

import gzip
import json
import tomllib
from pathlib import Path

import pytest

from tests.clients.packed import CLIENT
from tests.clients.vectors import ROOT, VECTORS, vectors_text


@pytest.mark.usefixtures("toy_system_on_path")
def test_its_vectors_are_what_this_code_says(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    assert gzip.decompress(VECTORS.read_bytes()).decode() == vectors_text(tmp_path / "made"), (
        "write them anew: python -m tests.clients.vectors"
    )


def test_it_has_the_project_s_version_and_licence() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert json.loads((CLIENT / "package.json").read_text())["version"] == project["version"]
    assert (CLIENT / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
