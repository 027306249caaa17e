"""What a process loads that only proves: every prover's child does, so what it does not need costs each of them."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("heavy", ["numpy", "onnx", "onnxruntime", "py_ecc"])
def test_the_system_is_loaded_without_what_only_builds_and_checks_need(heavy: str) -> None:
    code = f"import sys, proofgrid.proofs.systems.ezkl.adapter; print({heavy!r} in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "False"
