"""The keys of a prover's folder that inputs are sealed for: a new one each day, forgotten after two.

    sealing/<when it is forgotten, in ms>.key     the private key, readable by its owner only

Whatever was sealed for a key that is forgotten opens no more, for nobody, whoever gets the disk, or the operator's key.
"""

from __future__ import annotations

import os
from pathlib import Path

import structlog

from proofgrid.primitives.clock import Clock, fresh_bytes
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.hpke import SealingKey
from proofgrid.primitives.ids import Address, prover_id
from proofgrid.primitives.private_files import private_folder
from proofgrid.primitives.signatures import Signer
from proofgrid.rules.jobs.sealing import KEY_IS_NEW_MS, KEY_LIVES_MS, Certificate, certificate_statement, key_id_of

SUFFIX = ".key"
FOLDER = "sealing"

log = structlog.get_logger(__name__)


class SealingKeys:
    """May be asked from several threads: what is there is read anew, and a key made twice is one too many, no more."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    @classmethod
    def of_folder(cls, folder: Path, clock: Clock) -> SealingKeys:
        """Return the keys of a prover's folder. Raises OSError when it cannot be written."""
        return cls(private_folder(folder / FOLDER), clock)

    @property
    def is_due(self) -> bool:
        """Is it time for a new key?"""
        return max(self._live(), default=0) < self._clock.now_ms() + KEY_LIVES_MS - KEY_IS_NEW_MS

    def certificate(self, operator: Signer, *, network: Address, name: str) -> Certificate:
        """Return the newest key with its operator's word; make one where it is time."""
        if self.is_due:
            self._make()
        live = self._live()
        until_ms = max(live)
        key = live[until_ms].public
        statement = certificate_statement(
            network=network, prover=prover_id(operator.address, name), key=key, until_ms=until_ms
        )
        return Certificate(key=key, until_ms=until_ms, signature=operator.sign(statement))

    def find(self, key_id: str) -> SealingKey | None:
        """Return the key of this name, unless it is forgotten, or never was of this folder."""
        return next((key for key in self._live().values() if key_id_of(key.public) == key_id), None)

    def forget_old(self) -> None:
        """Take away what is too old."""
        for path in self._folder.glob(f"*{SUFFIX}"):
            if _until_ms(path) <= self._clock.now_ms():
                path.unlink(missing_ok=True)

    def _live(self) -> dict[int, SealingKey]:
        self.forget_old()
        found = {}
        for path in self._folder.glob(f"*{SUFFIX}"):
            try:
                found[_until_ms(path)] = SealingKey(path.read_bytes())
            except (OSError, InvalidField):  # half written when the machine died
                log.warning("sealing_key_unreadable", path=str(path))
                path.unlink(missing_ok=True)
        return found

    def _make(self) -> None:
        path = self._folder / f"{self._clock.now_ms() + KEY_LIVES_MS}{SUFFIX}"
        part = path.with_name(f".{fresh_bytes(8).hex()}.part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(SealingKey.fresh().secret)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        log.info("sealing_key_made")


def _until_ms(path: Path) -> int:
    """Return when a key is forgotten, by its name; a name of ours is a number."""
    return int(path.stem) if path.stem.isdecimal() else 0
