"""Evidence from a gateway into one file that anybody can verify."""

from __future__ import annotations

import tempfile
from pathlib import Path

from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.errors import InvalidField
from proofgrid.proofs.bundles.container import Content
from proofgrid.proofs.bundles.evidence import program_of_record, write_evidence
from proofgrid.rules.identity.key_list import read_signed_list
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
    program = program_of_record(sealed.record_json)
    with tempfile.TemporaryDirectory(prefix="proofgrid-evidence-") as folder:
        contents: dict[Digest, Content] = {}
        if program is not None:
            contents[digest_of(sealed.proof)] = sealed.proof
            for digest in sorted({program.files[name] for name in program.verifying_files}):
                contents[digest] = Path(folder) / digest
                await download_file(connection, digest, Path(folder) / digest)
        keys = read_signed_list(sealed.keys) if sealed.keys else None
        write_evidence(path, sealed.record_json, sealed.signature, contents, keys=keys)
    return read(Evidence, sealed.evidence)
