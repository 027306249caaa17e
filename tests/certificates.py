"""Certificates for gateways of tests."""

from __future__ import annotations

from pathlib import Path

import trustme

CA = "ca.pem"  #: what clients and provers trust


def tls_settings(folder: Path) -> dict[str, str]:
    """Write a certificate for localhost, its key, and the authority behind it; return a gateway's settings."""
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(str(folder / CA))
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
    certificate.cert_chain_pems[0].write_to_path(str(folder / "chain.pem"))
    return {"TLS_CERTIFICATE": str(folder / "chain.pem"), "TLS_KEY": str(folder / "key.pem")}
