"""Completion in a shell: the script that `--show-completion` prints, in a real bash."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def completed(words: str, folder: Path) -> set[str]:
    """What bash offers for the last of the words."""
    (folder / "proofgrid").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m proofgrid.cli.main "$@"\n')
    (folder / "proofgrid").chmod(0o755)
    script = f"""
        eval "$(proofgrid --show-completion bash)"
        COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        _proofgrid_completion proofgrid; printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    ran = subprocess.run(
        ["bash", "--noprofile", "--norc", "-c", script],
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(ran.stdout.split())


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("proofgrid sub", {"submit"}),
        ("proofgrid admin dead-letters re", {"replay"}),
        ("proofgrid doctor ''", {"client", "prover", "gateway"}),
        ("proofgrid submit --limit", {"--limit-price"}),
    ],
)
def test_bash_completes_commands_and_options(words: str, offered: set[str], tmp_path: Path) -> None:
    assert completed(words, tmp_path) == offered


def test_help_says_how_to_install_it(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "proofgrid.cli.main", "--help"], capture_output=True, text=True, check=True
    )
    assert "--install-completion" in ran.stdout
