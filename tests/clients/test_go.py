"""The commands of docs/languages.md make a client in Go that compiles: GO_TESTS=1 runs them, and fetches modules."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.clients.vectors import ROOT
from tools.blocks.reading import SHELL, blocks_of


@pytest.mark.skipif(not os.environ.get("GO_TESTS"), reason="GO_TESTS=1 fetches Go's modules")
def test_protos_make_a_client_in_go(tmp_path: Path) -> None:
    if shutil.which("go") is None:
        pytest.skip("this needs Go")
    document = (ROOT / "docs" / "languages.md").read_text(encoding="utf-8")
    (block,) = [one for one in blocks_of(document) if one.language == SHELL and "protoc-gen-go" in one.text]
    for name in ("proto", ".venv"):
        (tmp_path / name).symlink_to(ROOT / name)
    subprocess.run(["bash", "-eu", "-c", f"M=; {block.text}"], cwd=tmp_path, check=True, timeout=800)
    assert (tmp_path / "prover" / "wire" / "client_grpc.pb.go").is_file()
