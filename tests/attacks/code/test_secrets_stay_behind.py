"""Who reads a prover's environment or memory from a process beside it finds no password there."""

from __future__ import annotations

import subprocess
import sys

import pytest

SECRET = "hunter2-that-nobody-else-has"
FORGETS = """
import ctypes, os
from pathlib import Path
from proofgrid.proofs.confinement.kernel import forget_secrets, hide_memory
before = Path("/proc/self/environ").read_bytes()
hide_memory()
forget_secrets()
after = Path("/proc/self/environ").read_bytes()
hidden = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) == 0
kept = [name for name in ("PROOFGRID_KEY_PASSWORD", "AWS_SECRET_ACCESS_KEY", "HARMLESS") if name in os.environ]
print(before.count(b"@"), after.count(b"@"), hidden, kept, os.environ["HARMLESS"], b"HARMLESS=yes" in after)
""".replace("@", SECRET)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel shows no environment elsewhere")
def test_secrets_leave_the_environment_and_the_memory_that_shows_it() -> None:
    variables = {"PROOFGRID_KEY_PASSWORD": SECRET, "AWS_SECRET_ACCESS_KEY": SECRET, "HARMLESS": "yes", "PATH": "/bin"}

    said = subprocess.run([sys.executable, "-c", FORGETS], env=variables, capture_output=True, text=True, check=True)

    assert said.stdout.split(maxsplit=3)[:3] == ["2", "0", "True"]
    assert said.stdout.split(maxsplit=3)[3].strip() == "['HARMLESS'] yes True"
