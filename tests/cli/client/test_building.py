"""`proofgrid program build`: an engine that panics is heard by nobody."""

from __future__ import annotations

from pathlib import Path

from proofgrid.proofs.systems.ezkl.circuits.development import make_development_srs_folder
from tests.cli.commands import proofgrid
from tests.proofs.systems.ezkl.models import a_model, node, weights


def test_what_an_engine_says_of_its_insides_reaches_no_screen(tmp_path: Path, toy_system_on_path: Path) -> None:
    (tmp_path / "source").write_text("a program")
    ended = proofgrid(
        "program", "build", str(tmp_path / "source"), "--system", "toy", "-s", "behaviour=panic-at-build",
        "--srs", str(tmp_path), home=tmp_path,
    )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stdout == ""
    code, hint = ended.stderr.splitlines()[-2:]
    assert code.startswith("PG-110 [model] the proof system failed on this program: an unexpected Panic at ")
    assert hint.startswith("Hint: ")
    assert "insertion index" not in ended.stderr


def test_a_built_program_leaves_its_files_and_nothing_else(tmp_path: Path) -> None:
    model, srs, out = tmp_path / "model.onnx", tmp_path / "srs", tmp_path / "out"
    model.write_bytes(a_model([node("MatMul", "x w", "y")], [weights("w", 6, 2)]).SerializeToString())
    make_development_srs_folder(srs, 12)
    ended = proofgrid("program", "build", str(model), "--srs", str(srs), "--out", str(out), home=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert {path.name for path in out.iterdir()} == {"program.json", "slice", "srs.cut8", "srs.verifier"}
