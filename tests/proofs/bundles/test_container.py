"""A container has one spelling: whatever is changed in it, header, directory or content, is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import BadBundle
from proofgrid.proofs.bundles.container import MANIFEST, SIGNATURE, ContainerLimits, open_container, write_container

FILES = {digest_of(content): content for content in (b"a proof", b"", b"another")}


@pytest.fixture
def container(tmp_path: Path) -> Path:
    path = tmp_path / "container"
    with path.open("wb") as file:
        write_container(file, {MANIFEST: b"{}", SIGNATURE: b'{"by":"me"}'}, FILES)
    return path


def read_everything(path: Path) -> None:
    with open_container(path, ContainerLimits()) as opened:
        for name in (MANIFEST, SIGNATURE):
            opened.read_json_bytes(name)
        for digest in FILES:
            opened.read(digest)


def test_what_was_written_is_read(container: Path) -> None:
    read_everything(container)


@pytest.mark.parametrize("bit", range(8))
def test_every_bit_of_it_counts(container: Path, bit: int) -> None:
    content = container.read_bytes()
    changed = container.with_name("changed")
    for place in range(len(content)):
        changed.write_bytes(content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :])

        with pytest.raises(BadBundle):
            read_everything(changed)
