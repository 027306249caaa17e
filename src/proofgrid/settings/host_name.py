"""The name that a prover has unless it is given one: its machine's, so that two machines have two.

host name --first part--> letters, digits, dots, dashes, underscores; at most 63, a longer one ends in its digest
  `--nobody's own (localhost), or drawn anew at every start (a container's) --> drawn once, kept in the data directory
"""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path

from proofgrid.primitives.clock import fresh_bytes
from proofgrid.primitives.digests import digest_of

CHARACTERS_MAX = 63
DRAWN_NAME_FILE = "prover-name"

_DIGEST_CHARACTERS = 8
_NOBODYS_OWN = frozenset({"", "localhost", "localhost4", "localhost6", "ip6-localhost"})
_RANDOM = re.compile(r"[0-9a-f]{12}|[0-9a-f]{64}")  #: what container engines call a container that nobody named


def name_of_machine(host: str, data_dir: Path) -> str:
    """Return the prover's name for a host name; one that is drawn is kept in `data_dir`."""
    return name_of_host(host) or _drawn_name(data_dir)


def name_of_host(host: str) -> str | None:
    """Return a valid prover's name for a host name, always the same; None where it would not tell machines apart."""
    host = host.strip().rstrip(".").lower()
    first = host if _is_ip_address(host) else host.partition(".")[0]
    if first in _NOBODYS_OWN or _RANDOM.fullmatch(first):
        return None
    name = re.sub(r"[^a-z0-9._-]", "-", first).lstrip("._-")
    if name != first or len(name) > CHARACTERS_MAX:
        # What was left out may have been the difference.
        digest = digest_of(first.encode())[:_DIGEST_CHARACTERS]
        name = f"{name[: CHARACTERS_MAX - _DIGEST_CHARACTERS - 1].rstrip('._-') or 'prover'}-{digest}"
    return name


def _is_ip_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _drawn_name(data_dir: Path) -> str:
    path = data_dir / DRAWN_NAME_FILE
    data_dir.mkdir(parents=True, exist_ok=True)
    mine = data_dir / f"{DRAWN_NAME_FILE}.{os.getpid()}"
    mine.write_text(f"prover-{fresh_bytes(4).hex()}\n")
    try:
        os.link(mine, path)  # whole or not at all, and the first of several has it
    except FileExistsError:
        pass
    finally:
        mine.unlink()
    return path.read_text().strip()
