"""`proofgrid verify` parsed 12 MB of brackets for 79 s before it found that nobody had signed them.

Pins down: the signature is looked at before a byte of the manifest is read as JSON, and so is whose it is where
somebody's is insisted on; what a stranger did sign is bounded before it is read.
"""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import BadBundle
from proofgrid.primitives.signatures import SigningKey
from proofgrid.proofs.bundles import bundle as bundle_module
from proofgrid.proofs.bundles.bundle import verify_bundle
from proofgrid.proofs.bundles.container import MANIFEST, SIGNATURE, write_container
from proofgrid.proofs.bundles.manifest import manifest_from_bytes
from tests.makers import a_key

BRACKETS = b"[" + b"[]," * 4_000_000 + b"[]]"
NETWORK, STRANGER = a_key(1), a_key(2)


def a_bundle(manifest: bytes, key: SigningKey, *, signer: str = "") -> bytes:
    message = f"proofgrid bundle 1 {digest_of(manifest)}".encode()
    signature = canonical_json({"signature": key.sign(message), "signer": signer or key.address})
    target = io.BytesIO()
    write_container(target, {MANIFEST: manifest, SIGNATURE: signature}, {})
    return target.getvalue()


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the list of the sizes of the manifests that were read."""
    sizes: list[int] = []

    def counting(content: bytes) -> object:
        sizes.append(len(content))
        return manifest_from_bytes(content)

    monkeypatch.setattr(bundle_module, "manifest_from_bytes", counting)
    return sizes


def test_what_nobody_signed_is_not_read(read: list[int], tmp_path: Path) -> None:
    forged = a_bundle(BRACKETS, STRANGER, signer=NETWORK.address)
    with pytest.raises(BadBundle) as caught:
        verify_bundle(forged, workdir=tmp_path)
    assert caught.value.field == "signature"
    assert read == []


def test_what_another_network_signed_is_not_read_where_one_is_insisted_on(read: list[int], tmp_path: Path) -> None:
    with pytest.raises(BadBundle) as caught:
        verify_bundle(a_bundle(BRACKETS, STRANGER), workdir=tmp_path, expect_network=NETWORK.address)
    assert caught.value.field == "network"
    assert read == []


def test_what_a_stranger_signed_is_bounded(read: list[int], tmp_path: Path) -> None:
    with pytest.raises(BadBundle, match="lists, objects and members"):
        verify_bundle(a_bundle(BRACKETS, STRANGER), workdir=tmp_path)
    assert read == [len(BRACKETS)]


def test_a_signature_of_a_megabyte_is_not_read(read: list[int], tmp_path: Path) -> None:
    target = io.BytesIO()
    write_container(target, {MANIFEST: b"{}", SIGNATURE: b"[" * (1 << 20)}, {})
    with pytest.raises(BadBundle, match=r"signature\.json is larger"):
        verify_bundle(target.getvalue(), workdir=tmp_path)
    assert read == []
