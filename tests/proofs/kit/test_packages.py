"""A folder of texts is packed into the same bytes everywhere, and unpacked into paths that lead nowhere else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from proofgrid.primitives.errors import InvalidProgram
from proofgrid.proofs.base import PackedSource
from proofgrid.proofs.kit import packages
from proofgrid.proofs.kit.packages import pack, unpack

FORM = PackedSource(marker="Nargo.toml", suffixes=(".nr", "Nargo.toml"))
NAMES = ("Nargo.toml", "src/main.nr", "src/deep/er.nr")


def laid_out(folder: Path, names: tuple[str, ...]) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"text of {name}\n")
    return folder


def test_the_same_texts_are_the_same_bytes_whatever_lies_beside_them(tmp_path: Path) -> None:
    one = laid_out(tmp_path / "one", NAMES)
    other = laid_out(tmp_path / "other", (*reversed(NAMES), "README.md", "target/main.nr", ".git/x.nr", "a/.b/c.nr"))
    (other / "Nargo.toml").write_bytes("\ufefftext of Nargo.toml\r\n".encode())
    assert pack(one, FORM) == pack(other, FORM)


def test_what_was_packed_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "package.json"
    path.write_bytes(pack(laid_out(tmp_path / "folder", NAMES), FORM))
    assert unpack(path, field="source.package") == {name: f"text of {name}\n" for name in NAMES}
    path.write_bytes(pack(tmp_path / "folder" / "src" / "main.nr", FORM))
    assert unpack(path, field="source.package") == {"main.nr": "text of src/main.nr\n"}


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "a/../b", "a//b", "a\\b", ".hidden", "a/.git/b", "", "é", "x" * 200, "a\nb", "a/"]
)
def test_a_path_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "package.json"
    path.write_text(json.dumps({"format": 1, "files": {name: ""}}))
    with pytest.raises(InvalidProgram, match="leads downwards"):
        unpack(path, field="source.package")


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b'{"format":1,"files":{}}', b'{"format":2,"files":{"a":""}}', b'{"format":1,"files":{"a":1}}',
     b'{"format":1,"files":{"a":""},"more":1}', b"[" * 100_000, b"\xff"],
)  # fmt: skip
def test_what_is_no_packed_folder_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "package.json"
    path.write_bytes(content)
    with pytest.raises(InvalidProgram):
        unpack(path, field="source.package")


def test_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = laid_out(tmp_path / "folder", NAMES)
    with monkeypatch.context() as less:
        less.setattr(packages, "FILES_MAX", 2)
        with pytest.raises(InvalidProgram, match="1 to 2 files"):
            pack(folder, FORM)
    (folder / "src" / "main.nr").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidProgram, match="UTF-8") as refused:
        pack(folder, FORM)
    assert refused.value.field == "source.src/main.nr"
