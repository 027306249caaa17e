"""A folder that somebody hands on as an exported audit log is refused by name, whatever stands in its files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.audit.checkpoint import Checkpoint, RewrittenLog, audit_key, origin_of, verified_checkpoint
from proofgrid.rules.audit.merkle import root_of
from proofgrid.sdk.audit_folder import verify_folder
from tests.makers import a_key

KEY = a_key(1)
NOTE = audit_key(KEY).sign(Checkpoint(origin_of(KEY.address), 0, root_of([])).text)
ABOUT = {"network": KEY.address, "verifier": audit_key(KEY).verifier, "statement": "0x"}


@pytest.mark.parametrize(
    "about",
    [
        *(b"", b"[]", b"[" * 100_000, b"\xff", b'{"a":' * 5_000, b"7"),
        {**ABOUT, "verifier": None},
        {**ABOUT, "network": 7},
        {**ABOUT, "more": 1},
        {"network": KEY.address},
    ],
)
def test_what_is_no_description_of_a_key_is_no_log(tmp_path: Path, about: Any) -> None:
    (tmp_path / "key.json").write_bytes(about if isinstance(about, bytes) else json.dumps(about).encode())
    (tmp_path / "checkpoint").write_text(NOTE)
    with pytest.raises(InvalidField, match="no exported audit log"):
        verify_folder(tmp_path, KEY.address)


@pytest.mark.parametrize("verifier", ["\ud800", "\ud800+00+AAAA", "a+b", "", "é+00+AAAA"])
def test_a_verifier_that_has_no_bytes_is_confirmed_by_nobody(tmp_path: Path, verifier: str) -> None:
    """Found by fuzzing: JSON may spell half of a surrogate pair."""
    with pytest.raises(RewrittenLog, match="not confirmed"):
        verified_checkpoint(NOTE, verifier, "0x", KEY.address)
