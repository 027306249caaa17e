"""All messages live in one process under different names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from proofgrid.wire import v1


def test_all_generated_files_can_be_loaded_together() -> None:
    names = sorted(path.stem for path in Path(v1.__path__[0]).glob("*_pb2*.py"))
    program = "; ".join(f"import proofgrid.wire.v1.{name}" for name in names)
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert loaded.returncode == 0, loaded.stderr
