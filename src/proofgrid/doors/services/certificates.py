"""The certificate that a door shows, and its key, as they lie on disk: a new pair in their place is shown at once.

a handshake --the files are as before--> the pair of before
            `--one changed--> read both --they fit--> the new pair;  they do not (yet) --> the pair of before
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

log = structlog.get_logger(__name__)

_Mark = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """A private key and the chain of its certificate, in PEM."""

    private_key: bytes
    chain: bytes


class ShownPair:
    """What is shown now; raises OSError when it is made of files that cannot be read. Of one thread at a time."""

    def __init__(self, certificate: Path, private_key: Path) -> None:
        self._certificate = certificate
        self._private_key = private_key
        self._mark = self._look()
        self.pair = self._read()

    def renewed(self) -> Pair | None:
        """Return a new pair that lies there since the last look; None: it is as before, or does not fit."""
        try:
            mark = self._look()
            if mark == self._mark:
                return None
            found = self._read()
        except OSError:
            return None  # somebody is just replacing them
        if not _fits(found):
            return None
        self._mark = mark
        if found == self.pair:
            return None
        self.pair = found
        log.info("certificate_renewed", path=str(self._certificate))
        return found

    def _read(self) -> Pair:
        return Pair(self._private_key.read_bytes(), self._certificate.read_bytes())

    def _look(self) -> _Mark:
        found = (path.stat() for path in (self._private_key, self._certificate))
        return tuple((one.st_ino, one.st_mtime_ns, one.st_size) for one in found)


def _fits(pair: Pair) -> bool:
    with suppress(ValueError, TypeError, IndexError, UnsupportedAlgorithm):
        leaf = x509.load_pem_x509_certificates(pair.chain)[0]
        return leaf.public_key() == load_pem_private_key(pair.private_key, None).public_key()
    return False
