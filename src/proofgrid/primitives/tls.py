"""TLS 1.3 and nothing older, for the processes that this package starts.

gRPC's Python has no setting for the least version. It has one for the cipher suites of TLS 1.2, read once when gRPC is
loaded: of a suite that needs a key shared beforehand, which nobody has, no connection of TLS 1.2 comes about. Those of
TLS 1.3 are not chosen by it. Set by the command line before anything else is imported: in a program that uses our SDK
beside other services of gRPC it is nobody's business but its own, and a gateway refuses TLS 1.2 whoever calls.
"""

from __future__ import annotations

import os

_NOBODY_HAS_ITS_KEY = "PSK-AES128-CBC-SHA"
LEAST: dict[str, str] = {"GRPC_SSL_CIPHER_SUITES": _NOBODY_HAS_ITS_KEY, "PGSSLMINPROTOCOLVERSION": "TLSv1.3"}


def speak_tls_1_3_only() -> None:
    """From now on, unless its user set something else, this process and what it starts speaks nothing older."""
    for name, value in LEAST.items():
        os.environ.setdefault(name, value)


def is_tls_1_3_only() -> bool:
    """Was it said in time for gRPC?"""
    return os.environ.get("GRPC_SSL_CIPHER_SUITES") == _NOBODY_HAS_ITS_KEY
