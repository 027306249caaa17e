"""Where a demo keeps its files, and how it makes sure that it removes nobody else's.

<folder>/.proofgrid-demo   says that this folder is ours, and which process uses it
<folder>/net/…             the gateway's and the provers' data
<folder>/*.log, *.key, digit-N.bundle
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

import psutil

from proofgrid.primitives.errors import InvalidField

MARKER = ".proofgrid-demo"
# What PostgreSQL's socket needs below the folder, and what its path may have (103 bytes on the strictest system).
_ROOM_BYTES = 103 - len("/net/db/.s.PGSQL.5432")
_PLAIN_PATH = re.compile(r"[\w./+@%=:-]+", re.ASCII)


def fresh_folder(path: Path) -> Path:
    """Return an empty folder at `path`; an earlier demo's is removed, anything else is refused."""
    folder = path.expanduser().absolute()
    if folder.exists():
        _check_ours(folder)
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARKER).write_text(str(os.getpid()))
    # Instead of the user's settings, which are not for the demo. Three provers that check themselves first would only
    # make it longer: they prove a moment later anyway.
    (folder / "proofgrid.toml").write_text("[prover]\ncheck_at_start = false\n")
    return folder


def network_folder(folder: Path) -> Path:
    """Return where the network's data goes: below `folder` unless PostgreSQL cannot live there."""
    real = folder.resolve()
    if len(os.fsencode(real)) <= _ROOM_BYTES and _PLAIN_PATH.fullmatch(str(real)):
        (real / "net").mkdir()
        return real / "net"
    return Path(tempfile.mkdtemp(prefix="proofgrid-demo-")).resolve()


def tidy_up(folder: Path, network: Path) -> None:
    """Remove what nobody will look at again: proving keys and caches, gigabytes of them; or a folder elsewhere."""
    if network.parent != folder.resolve():
        shutil.rmtree(network, ignore_errors=True)
        return
    for bulky in (network / "provers", network / "cache", network / "scratch"):
        shutil.rmtree(bulky, ignore_errors=True)


def _check_ours(folder: Path) -> None:
    marker = folder / MARKER
    if not folder.is_dir() or (any(folder.iterdir()) and not marker.exists()):
        raise InvalidField(
            f"{folder} exists and is no demo's folder", field="data_dir", hint="choose one that does not exist"
        )
    text = marker.read_text().strip() if marker.exists() else ""
    if text.isdigit() and int(text) != os.getpid() and _is_demo(int(text)):
        raise InvalidField(f"a demo is running in {folder}", field="data_dir", hint="wait for it, or give --data-dir")


def _is_demo(pid: int) -> bool:
    try:
        return "demo" in psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
