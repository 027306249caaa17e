"""Says loudly where what a gateway stores may travel in plain text: to its database, and to its artifact store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import parse_qs, urlsplit

import structlog

from proofgrid.wire.addresses import is_loopback

SURE_MODES = ("require", "verify-ca", "verify-full")
ENDPOINTS = ("AWS_ENDPOINT", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AZURE_STORAGE_ENDPOINT", "GOOGLE_BASE_URL")

log = structlog.get_logger(__name__)


def warn_of_plain_text(dsn: str, environment: Mapping[str, str]) -> None:
    """Warn of connections to other machines that TLS does not protect for sure."""
    for what, hint in plain_texts(dsn, environment):
        log.warning("plain_text_possible", what=what, hint=hint)


def plain_texts(dsn: str, environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what may be read on its way, and what to do about it."""
    parts = urlsplit(dsn)
    said = parse_qs(parts.query)
    mode = said.get("sslmode", [environment.get("PGSSLMODE", "")])[0]
    hosts = [*said.get("host", []), *([parts.hostname] if parts.hostname else [])]
    elsewhere = [host for host in hosts if not host.startswith("/") and not is_loopback(host)]
    if elsewhere and mode not in SURE_MODES:
        yield f"the database at {elsewhere[0]}", "end the DSN with ?sslmode=verify-full"
    for name in ENDPOINTS:
        endpoint = urlsplit(environment.get(name, ""))
        if endpoint.scheme == "http" and not is_loopback(endpoint.hostname or ""):
            yield f"the artifact store at {endpoint.hostname}", f"give {name} an address that begins with https"
