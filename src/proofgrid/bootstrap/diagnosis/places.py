"""Looks at files and addresses: keys, certificates, the data directory, ports."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from proofgrid.bootstrap.diagnosis.machine import existing
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.reading import read_json, read_mapping
from proofgrid.rules.diagnosis.places import CertificateFacts, FolderFacts, KeyFacts, KeyForm, PortFacts
from proofgrid.sdk.health import check_health
from proofgrid.wire.addresses import Target

_FILE_BYTES_MAX = 1 << 16


def look_at_key(path: Path, *, has_password: bool, is_made_when_missing: bool = False) -> KeyFacts:
    """Return what a key file is, without opening what is encrypted."""
    path = path.expanduser()
    form, mode = KeyForm.MISSING, 0
    if path.exists():
        mode = path.stat().st_mode & 0o777
        form = _form_of(path)
    return KeyFacts(
        path=str(path), form=form, mode=mode, has_password=has_password, is_made_when_missing=is_made_when_missing
    )


def _form_of(path: Path) -> KeyForm:
    try:
        if path.stat().st_size > _FILE_BYTES_MAX:
            return KeyForm.BROKEN
        content = read_mapping(read_json(path.read_bytes(), field="key"), "key")
    except (OSError, InvalidField):
        return KeyForm.BROKEN
    if "pkcs11" in content:
        return KeyForm.IN_MODULE
    if "private_key" in content:
        return KeyForm.OPEN
    return KeyForm.ENCRYPTED if content.get("version") == 3 else KeyForm.BROKEN


def look_at_certificate(path: Path, key: Path | None) -> CertificateFacts:
    """Return what a certificate says, and whether its key is the one that is named."""
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as reason:
        return _no_certificate(path, f"it cannot be read: {reason}")
    key_mode = 0
    if key is None:
        return _no_certificate(path, "no key is named for it")
    try:
        key_mode = key.stat().st_mode & 0o777
        held = serialization.load_pem_private_key(key.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as reason:
        return _no_certificate(path, f"its key {key} cannot be read: {reason}")
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    belongs = held.public_key().public_bytes(*form) == certificate.public_key().public_bytes(*form)
    return CertificateFacts(
        path=str(path),
        names=_names_of(certificate),
        begins_ms=int(certificate.not_valid_before_utc.timestamp() * 1_000),
        ends_ms=int(certificate.not_valid_after_utc.timestamp() * 1_000),
        problem="" if belongs else f"the key {key} is another one's",
        key_path=str(key),
        key_mode=key_mode,
    )


def _no_certificate(path: Path, problem: str) -> CertificateFacts:
    return CertificateFacts(path=str(path), names=(), begins_ms=0, ends_ms=0, problem=problem)


def _names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = [str(one) for one in names.get_values_for_type(x509.IPAddress)]
    return (*names.get_values_for_type(x509.DNSName), *addresses)


def look_at_folder(path: Path, *, holds_socket: bool) -> FolderFacts:
    """Return what the data directory is, or what it could be made in."""
    is_there = path.is_dir()
    return FolderFacts(
        path=str(path),
        is_there=is_there,
        is_writable=os.access(existing(path), os.W_OK | os.X_OK) and not path.is_file(),
        mode=path.stat().st_mode & 0o777 if is_there else 0,
        holds_socket=holds_socket,
    )


def look_at_port(setting: str, host: str, port: int) -> PortFacts:
    """Return whether somebody can listen there now."""
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((host, port))
        except OSError as reason:
            return PortFacts(setting=setting, address=address, problem=reason.strerror or str(reason))
    return PortFacts(setting=setting, address=address)


async def serves_at(target: Target, certificate: Path | None) -> bool:
    """Does a gateway serve there already?"""
    try:
        await check_health(target, certificate=certificate)
    except Exception:  # whoever listens there may answer anything
        return False
    return True
