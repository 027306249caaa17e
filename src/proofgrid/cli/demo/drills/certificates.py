"""Certificates of a drill's gateway: self-signed, for localhost, for so many days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from proofgrid.primitives.clock import SystemClock

CERTIFICATE_FILE, KEY_FILE = "gate.pem", "gate.key"


def write_certificate(folder: Path, *, days: int) -> tuple[Path, Path]:
    """Put a new one and its key into a folder, in the place of the one that is there; return both paths."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway of a drill")])
    now = datetime.fromtimestamp(SystemClock().now_ms() / 1_000, UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    spelled = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _replace(folder / KEY_FILE, spelled)
    _replace(folder / CERTIFICATE_FILE, certificate.public_bytes(serialization.Encoding.PEM))
    return folder / CERTIFICATE_FILE, folder / KEY_FILE


def _replace(path: Path, content: bytes) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_bytes(content)
    fresh.replace(path)
