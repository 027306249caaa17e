"""What the TypeScript client has of this project is what this project says."""

from __future__ import annotations

from proofgrid.primitives.digests import digest_of_file
from tools.typescript import CODES, DOCUMENT, TYPES, codes_text


def test_its_types_are_made_of_the_document_that_is_checked_in() -> None:
    head = TYPES.read_text(encoding="utf-8").split("\n\n")[0]
    assert head.endswith(f"SHA-256 of openapi.json: {digest_of_file(DOCUMENT)}"), (
        "make the client's types anew: python -m tools.openapi (needs npm), or npm run types in clients/typescript"
    )


def test_it_knows_every_error() -> None:
    assert CODES.read_text(encoding="utf-8") == codes_text(), "write them anew: python -m tools.typescript"
