"""Write the OpenAPI document of the HTTP door anew, and the types that the TypeScript client makes of it.

`python -m tools.openapi`; the types need npm.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from proofgrid.doors.http.document import document
from tools.typescript import main as write_types

DOCUMENT = Path(__file__).parents[1] / "src" / "proofgrid" / "doors" / "http" / "openapi.json"


def document_text() -> str:
    """Return the document as it is checked in."""
    return json.dumps(document(), indent=1) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(document_text(), encoding="utf-8")
    sys.exit(write_types())
