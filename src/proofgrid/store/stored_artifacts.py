"""Who owns which stored bytes, and who may read or upload them."""

from __future__ import annotations

from proofgrid.store.queries import query

RECORD_ARTIFACTS = query("record_artifacts", None)
STORED_BYTES = query("stored_bytes", int)
ARTIFACT_SIZE = query("artifact_size", int, optional=True)
MAY_READ_ARTIFACT = query("may_read_artifact", bool)
LEASE_ALLOWS_UPLOAD = query("lease_allows_upload", bool)
