"""Was a bundle made by an engine that its network has stopped? Asked of a file, so that it works offline."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadBundle, InvalidField
from proofgrid.primitives.reading import read_list, read_mapping, read_text
from proofgrid.proofs.bundles.manifest import Manifest
from proofgrid.rules.jobs.engines import engine_of, engine_of_lane, version_of

FILE_BYTES_MAX = 16 << 20


def check_engines(manifest: Manifest, file: Path) -> int:
    """Return how many engines made a bundle; `file`: what `proofgrid engines --json` wrote.

    Raises BadBundle when one of them is stopped, InvalidField for a file that is none.
    """
    stopped = _stopped(file)
    made_by = {engine_of_lane(job.lane) for job in manifest.jobs}
    told = manifest.program.identity.get("engine")
    if isinstance(told, str):  # bundles from before lanes had versions
        made_by.add(engine_of(manifest.program.proof_system, told))
    for engine in sorted(made_by):
        if engine in stopped:
            raise BadBundle(
                f"it was made by {engine}, which its network has stopped: {stopped[engine]}",
                field="manifest.jobs",
                hint="have it proven again by a version that is not stopped",
            )
    return sum(1 for engine in made_by if version_of(engine))


def _stopped(file: Path) -> Mapping[str, str]:
    """Return the engines of a file that are stopped, with the reasons."""
    if file.stat().st_size > FILE_BYTES_MAX:
        raise InvalidField("this is no list of engines: it is too large", field="--engines")
    try:
        rows: Json = json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        raise InvalidField("this is no JSON", field="--engines", hint="proofgrid engines --json > FILE") from None
    stopped = {}
    for place, row in enumerate(read_list(rows, "engines")):
        field = f"engines[{place}]"
        engine = read_mapping(row, field)
        missing = {"engine", "stopped_ms", "stopped_reason"} - set(engine)
        if missing:
            raise InvalidField(f"there is no {min(missing)}", field=field, hint="proofgrid engines --json > FILE")
        if engine["stopped_ms"]:
            stopped[read_text(engine["engine"], f"{field}.engine")] = read_text(
                engine["stopped_reason"], f"{field}.stopped_reason"
            )
    return stopped
