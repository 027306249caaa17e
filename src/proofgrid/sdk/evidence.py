"""Evidence from a gateway into one file that anybody can verify."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

from proofgrid.primitives.errors import InvalidField
from proofgrid.proofs.bundles.evidence import gather_evidence
from proofgrid.sdk.answers.operators import Evidence
from proofgrid.sdk.answers.reading import read
from proofgrid.sdk.connection import Connection
from proofgrid.sdk.transfer import download_file
from proofgrid.wire.v1 import stake_pb2 as messages


async def export_evidence(connection: Connection, evidence_id: str, path: Path) -> Evidence:
    """Write evidence with all that verifies it to `path`; raise InvalidField when nobody else could verify it."""
    sealed = await connection.ask(
        lambda services: services.stake.GetEvidence, messages.GetEvidenceRequest(evidence_id=evidence_id)
    )
    if not sealed.record_json:
        raise InvalidField(
            f"a {sealed.evidence.kind} without a signed result cannot be shown to others",
            field="evidence_id",
            hint="proofgrid admin evidence show tells what the gateway saw",
        )
    with tempfile.TemporaryDirectory(prefix="proofgrid-evidence-") as folder:
        await gather_evidence(
            path,
            sealed.record_json,
            sealed.signature,
            proof=sealed.proof,
            keys=sealed.keys,
            folder=Path(folder),
            fetch=partial(download_file, connection),
        )
    return read(Evidence, sealed.evidence)
