"""All slices proven: combine them, verify the whole as any client would, seal the bundle, end the task."""

from __future__ import annotations

import structlog

CLAIM_MS = 600_000
COMBINE_TIMEOUT_SECONDS = 540.0
PROOF_BYTES_MAX = 64 << 20
AFTER_TROUBLE_SECONDS = 1.0

log = structlog.get_logger(__name__)
