"""Write the OpenAPI document of the HTTP door anew: `python -m tools.openapi`."""

from __future__ import annotations

import json
from pathlib import Path

from proofgrid.doors.http.document import document

DOCUMENT = Path(__file__).parents[1] / "src" / "proofgrid" / "doors" / "http" / "openapi.json"


def document_text() -> str:
    """Return the document as it is checked in."""
    return json.dumps(document(), indent=1) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(document_text(), encoding="utf-8")
