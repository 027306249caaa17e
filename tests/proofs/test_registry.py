"""A proof system that lacks what it needs is named with the way out, and stops nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofgrid.primitives.errors import UnknownProofSystem
from proofgrid.proofs.kit.needs import needs_modules
from proofgrid.proofs.registry import GROUP, installed_names, installed_setups, missing_systems, proof_system
from tests.packages import install_package, on_path


def test_a_plug_in_whose_engine_is_missing_is_listed_as_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "lame.py"
    source.write_text("import an_engine_that_nobody_has")
    install_package(tmp_path / "site", "lame", source, group=GROUP, entry="LameSystem")
    with on_path([tmp_path / "site"], monkeypatch):
        assert "lame" not in installed_names()
        assert "ezkl" in installed_names()
        assert installed_setups()  # of the others
        error = missing_systems()["lame"]
        with pytest.raises(UnknownProofSystem) as refused:
            proof_system("lame")
    assert error.detail == refused.value.detail
    assert error.detail == "lame is not installed here: No module named 'an_engine_that_nobody_has'"
    assert error.hint == "the package proofgrid-lame brings it: install what that needs too"


def test_needed_modules_are_looked_for_and_not_loaded() -> None:
    needs_modules("chain", "json", "antigravity", hint="")
    with pytest.raises(UnknownProofSystem) as refused:
        needs_modules("chain", "json", "no_links", "nobody.has.it", hint="pip install links")
    assert refused.value.detail == "chain is not installed here: Python finds no no_links and no nobody.has.it"
    assert refused.value.hint == "pip install links"
