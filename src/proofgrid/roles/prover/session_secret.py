"""A machine's session secret: by it a prover that comes back shows that it is the same one.

It is a key in the prover's folder that only its owner can read. It signs each hello, for the one
call that it begins, and is never sent. Which life of the process says hello, its run, is drawn here and never written.
"""

from __future__ import annotations

from pathlib import Path

import structlog

from proofgrid.primitives.clock import fresh_bytes
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.signatures import SigningKey
from proofgrid.rules.access.sessions import CallId, SignedSession, session_statement
from proofgrid.sdk.keys import new_key, read_key, write_key

FILE_NAME = "session.key"
OWNER_ONLY = 0o600

log = structlog.get_logger(__name__)


class SessionSecret:
    """The secret of a prover's folder, in one run of its process."""

    def __init__(self, key: SigningKey) -> None:
        self._key = key
        self._run = fresh_bytes(16).hex()

    @classmethod
    def of_folder(cls, folder: Path) -> SessionSecret:
        """Return the secret of a folder, made on the first start. Raises InvalidField when it cannot be written."""
        return cls(_read_or_make(folder / FILE_NAME))

    def sign(self, *, name: str, call: CallId) -> SignedSession:
        """Say in a hello under this name, sent with this call, who says it."""
        statement = session_statement(name=name, run=self._run, call=call)
        return SignedSession(key=self._key.address, run=self._run, signature=self._key.sign(statement))


def _read_or_make(path: Path) -> SigningKey:
    if not path.exists():
        _make(path)
    try:
        return _read(path)
    except InvalidField as error:
        # Half written when the machine died, most likely. A new one only waits for the silence of the old session.
        log.warning("session_secret_made_anew", path=str(path), reason=error.detail)
    path.unlink(missing_ok=True)
    _make(path)
    return _read(path)


def _read(path: Path) -> SigningKey:
    if path.stat().st_mode & 0o077:
        log.warning("session_secret_was_readable_by_others", path=str(path))
        path.chmod(OWNER_ONLY)
    return read_key(path)


def _make(path: Path) -> None:
    try:
        write_key(new_key(), path)
    except InvalidField:
        if not path.exists():  # else another process of this folder was quicker
            raise
