"""A slash's evidence as a file that anybody can verify: for the operator that was slashed, and for administrators."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

from starlette.responses import Response, StreamingResponse

from proofgrid.doors.pages.site import Asked, NoSuchPage
from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import parse_uuid
from proofgrid.proofs.bundles.evidence import gather_evidence
from proofgrid.roles.intake.evidence import SealedEvidence
from proofgrid.rules.access.roles import Caller

PIECE_BYTES = 1 << 18


async def evidence(asked: Asked) -> Response:
    """The file that `proofgrid admin evidence verify` reads. What nobody signed has none."""
    caller = await asked.caller(asked.intake.evidence.get, asked.intake.artifacts.read)
    evidence_id = _evidence_id(asked)
    sealed = await asked.intake.evidence.get(caller, evidence_id)
    if not sealed.record:
        raise NoSuchPage()
    folder = tempfile.TemporaryDirectory(prefix="proofgrid-evidence-")
    try:
        path = await _written(asked, caller, sealed, Path(folder.name))
    except BaseException:
        folder.cleanup()
        raise
    headers = {
        "Content-Length": str(path.stat().st_size),
        "Content-Disposition": f'attachment; filename="{evidence_id}.evidence"',
        "Cache-Control": "private, no-store",
    }
    return StreamingResponse(_read(path, folder), media_type="application/octet-stream", headers=headers)


async def _written(asked: Asked, caller: Caller, sealed: SealedEvidence, folder: Path) -> Path:
    """Write the file, with the program's files that verify; return where it is."""

    async def fetch(digest: Digest, to: Path) -> None:
        with to.open("wb") as file:
            async for piece in asked.intake.artifacts.read(caller, digest):
                await asyncio.to_thread(file.write, piece)

    path = folder / "evidence"
    await gather_evidence(
        path, sealed.record, sealed.signature, proof=sealed.proof, keys=sealed.keys, folder=folder, fetch=fetch
    )
    return path


async def _read(path: Path, folder: tempfile.TemporaryDirectory[str]) -> AsyncIterator[bytes]:
    try:
        with path.open("rb") as file:
            while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
                yield piece
    finally:
        folder.cleanup()


def _evidence_id(asked: Asked) -> UUID:
    try:
        return parse_uuid(asked.request.path_params["evidence_id"], field="evidence_id")
    except InvalidField:
        raise NoSuchPage() from None
