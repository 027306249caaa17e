"""The store keys of this process, and the one that locks what it stores from now on.

What is stored is open, or locked under one of them; what is read says itself by which.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import structlog

from proofgrid.primitives.at_rest import JOB_INPUT, Lock, StoreKey, key_id_of
from proofgrid.primitives.sealing_errors import SealBroken, StoreKeyMissing

log = structlog.get_logger(__name__)


class Vault:
    """Locks and opens what is stored. Without a key that writes, what is stored lies open."""

    def __init__(self, keys: Iterable[StoreKey] = (), *, writes: str | None = None) -> None:
        self._keys = {key.key_id: key for key in keys}
        self._writes = writes

    @property
    def held(self) -> Sequence[str]:
        """The ids of the keys that are here."""
        return list(self._keys)

    @property
    def writes(self) -> str | None:
        """The id of the key that locks; None: nothing is locked."""
        return self._writes

    def hold(self, keys: Iterable[StoreKey]) -> None:
        """Take further keys in hand."""
        self._keys.update({key.key_id: key for key in keys})

    def write_with(self, key_id: str | None) -> bool:
        """Lock with this key from now on, which must be here; return whether that is another one than before."""
        changed, self._writes = key_id != self._writes, key_id
        return changed

    def fresh_lock(self, purpose: str) -> Lock | None:
        """Return what locks one thing; None: it is to lie open."""
        return None if self._writes is None else self._keys[self._writes].fresh_lock(purpose)

    def lock_of(self, purpose: str, header: bytes) -> Lock | None:
        """Return what opens the thing that begins with these bytes; None: it lies open.

        Raises StoreKeyMissing for one that is locked under a key that is not here.
        """
        key_id = key_id_of(header)
        return None if key_id is None else self._key(key_id).lock_of(purpose, header)

    def locked(self, purpose: str, content: bytes) -> bytes:
        """Return content as it is to be stored."""
        return content if self._writes is None else self._keys[self._writes].lock(purpose, content)

    def opened(self, purpose: str, stored: bytes) -> bytes:
        """Return what is stored. Raises StoreKeyMissing, and SealBroken for what was changed."""
        key_id = key_id_of(stored)
        return stored if key_id is None else self._key(key_id).open(purpose, stored)

    def _key(self, key_id: str) -> StoreKey:
        try:
            return self._keys[key_id]
        except KeyError:
            raise StoreKeyMissing(
                f"store key {key_id} is not on this gateway",
                field="keys",
                hint="copy its file from another gateway into the folder `keys/store` of the data directory",
            ) from None


def locked_input(vault: Vault, content: bytes | None) -> bytes | None:
    """Return a job's input as its row is to hold it; None where the row holds none."""
    return None if content is None else vault.locked(JOB_INPUT, content)


def input_of_row(vault: Vault, stored: bytes | None) -> bytes | None:
    """Return a job's input out of its row.

    What does not open is returned as it is, and does not hash to its digest: one input that is lost is one job's
    trouble, and not that of those beside it.
    """
    if stored is None:
        return None
    try:
        return vault.opened(JOB_INPUT, stored)
    except (StoreKeyMissing, SealBroken) as trouble:
        log.error("input_not_opened", reason=str(trouble))
        return stored
