"""Looks at what a machine talks to: the database, the artifact store, the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import proofgrid
from proofgrid.primitives.clock import Clock, fresh_bytes
from proofgrid.primitives.errors import ProofgridError
from proofgrid.primitives.last_words import without_last_words
from proofgrid.rules.diagnosis.services import DatabaseFacts, GatewayFacts, StoreFacts
from proofgrid.sdk.client import Client
from proofgrid.sdk.keys import new_key
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.looking import look_at_database

PATIENCE_SECONDS = 5.0
PROBE_BYTES = 4_096


async def look_at_dsn(dsn: str, *, connections: int, clock: Clock) -> DatabaseFacts:
    """Return what the database of the settings says of itself."""
    parts = urlsplit(dsn)
    where = f"{parts.hostname or 'this machine'}{parts.path}"
    try:
        seen = await look_at_database(dsn, clock)
    except ProofgridError as reason:
        return DatabaseFacts(where=where, problem=reason.detail)
    return DatabaseFacts(
        where=where,
        major=seen.major,
        ahead_ms=seen.ahead_ms,
        connections_max=seen.connections_max,
        connections_wanted=connections,
        commits_are_kept=seen.commits_are_kept,
        is_encrypted=seen.is_private,
        is_newer=seen.is_newer,
        pending=seen.pending,
    )


async def look_at_store(setting: str, url_or_path: str, config: Mapping[str, str] | None = None) -> StoreFacts:
    """Write something new to an artifact store, read it back, remove it."""
    content = fresh_bytes(PROBE_BYTES)
    try:
        store = ArtifactStore.open(url_or_path, config=config)
        digest = await store.put_bytes(content)
        try:
            read = await store.read_bytes(digest, limit_bytes=PROBE_BYTES)
        finally:
            await store.delete(digest)
    except ProofgridError as reason:
        return StoreFacts(setting=setting, where=url_or_path, problem=reason.detail)
    problem = "" if read == content else "what was read is not what was written"
    return StoreFacts(setting=setting, where=url_or_path, problem=problem)


async def look_at_gateway(gateway: str, *, network: str, tls_ca: Path | None) -> GatewayFacts:
    """Ask a gateway what it is; everybody may, so a key is made for it and forgotten."""
    try:
        client = Client(gateway, new_key(), network=network or None, ca_file=tls_ca, patience_seconds=PATIENCE_SECONDS)
        async with client:
            facts = await client.facts()
    except ProofgridError as reason:
        return GatewayFacts(where=gateway, problem=without_last_words(reason.detail), ours=proofgrid.__version__)
    return GatewayFacts(
        where=gateway,
        version=facts.version,
        ours=proofgrid.__version__,
        for_development=facts.srs_for_development,
    )
