"""A machine with Python and nothing else: proofgrid and its engines by pip, then a proof of each system.

Installs wheels out of the folder ENGINE_WHEELS, and what they require from the index: `make test-wheels`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

WHEELS = os.environ.get("ENGINE_WHEELS", "")
SYSTEMS = {"gnark": "groth16", "noir": "noir", "miden": "miden"}
NOBODY_BRINGS = ("env", "sh")  #: programs that any machine has

pytestmark = pytest.mark.skipif(not WHEELS, reason="downloads hundreds of megabytes: make test-wheels")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process there; its PATH has no compiler and no Node.js."""
    place = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", str(place / "venv")], check=True)
    engines = [f"proofgrid-engine-{name}" for name in SYSTEMS if list(Path(WHEELS).glob(f"*engine_{name}-*"))]
    pip = [str(place / "venv" / "bin" / "pip"), "install", "--quiet", "--find-links", WHEELS]
    subprocess.run([*pip, "proofgrid", *engines], check=True)
    (place / "few").mkdir()
    for name in NOBODY_BRINGS:
        (place / "few" / name).symlink_to(str(shutil.which(name)))
    # How the index and npm's registry are reached stays as it is.
    kept = {name: value for name, value in os.environ.items() if name not in ("CRS_PATH", "VIRTUAL_ENV", "PYTHONPATH")}
    return {**kept, "PATH": f"{place}/venv/bin:{place}/few", "HOME": str(place)}


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("engine", SYSTEMS)
def test_an_engine_that_pip_brought_proves(engine: str, machine: dict[str, str]) -> None:
    if not list(Path(WHEELS).glob(f"*engine_{engine}-*")):
        pytest.skip(f"there is no wheel of {engine} in {WHEELS}")
    assert not [name for name in ("go", "cargo", "node", "npm", "cc") if shutil.which(name, path=machine["PATH"])]
    program = shutil.which("proofgrid", path=machine["PATH"])
    command = [str(program), "demo", "--system", SYSTEMS[engine], "--json", "--data-dir", f"/tmp/bare-{os.getpid()}"]
    told = subprocess.run(command, env=machine, cwd=machine["HOME"], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr[-3000:]
    report = json.loads(told.stdout)
    assert (report["ok"], report["is_right"]) == (True, True)
