"""The generated code is what proto/ says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from proofgrid.wire import v1

ROOT = Path(__file__).parents[2]


def test_the_generated_code_is_that_of_the_protos(tmp_path: Path) -> None:
    outputs = [f"--{kind}_out={tmp_path}" for kind in ("python", "grpc_python", "mypy", "mypy_grpc")]
    protos = sorted(str(path) for path in (ROOT / "proto").rglob("*.proto"))
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I", str(ROOT / "proto"), *outputs, *protos]
    subprocess.run(command, env={**os.environ, "PATH": path}, check=True)

    made = {file.name: file.read_bytes() for file in (tmp_path / "proofgrid" / "wire" / "v1").iterdir()}
    kept = {file.name: file.read_bytes() for file in Path(v1.__path__[0]).iterdir() if "_pb2" in file.name}
    assert sorted(made) == sorted(kept)
    assert [name for name in made if made[name] != kept[name]] == [], "run `make proto`"
