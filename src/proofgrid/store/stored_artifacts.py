"""Who owns which stored bytes, and who may read or upload them; the bytes themselves where they live in the row."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.primitives.digests import Digest
from proofgrid.store.artifacts import Rows
from proofgrid.store.database import Database
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class ReadableArtifact:
    """What a reader may have."""

    allowed: bool
    content: bytes | None  #: None: its bytes are in the artifact store


RECORD_ARTIFACTS = query("record_artifacts", None)
HAND_OVER_PROOFS = query("hand_over_proofs", None)
ARTIFACT_SIZE = query("artifact_size", int, optional=True)
MAY_READ_ARTIFACT = query("may_read_artifact", bool)
READABLE_ARTIFACT = query("readable_artifact", ReadableArtifact)
ARTIFACT_IN_ROW = query("artifact_in_row", bytes)


def rows_of(database: Database) -> Rows:
    """Return what an artifact store reads of this database: the bytes that live in rows."""

    async def read(digest: Digest) -> bytes | None:
        async with database.connection() as connection:
            return await connection.first(ARTIFACT_IN_ROW, digest=digest)

    return read
