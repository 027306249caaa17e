"""Runs the commands of documents on a bare machine, as far as a fresh folder, home and environment make one.

python -m tools.blocks docs/tutorial.md            from the first to the last, with `proofgrid` of this environment
python -m tools.blocks --fresh docs/tutorial.md    with an environment of its own, made and installed first

With --free-ports others are used instead of those in the documents, which may be taken here.
"""

from __future__ import annotations

import functools
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.blocks.reading import blocks_of
from tools.blocks.running import Differs, Shell

ROOT = Path(__file__).parents[2]
_DEFAULT_PORT = "7400"
_PORT = re.compile(r"(?:127\.0\.0\.1|localhost):(\d{4,5})")
_KEPT = ("LANG", "LC_ALL", "TERM", "TMPDIR", "SSL_CERT_FILE", "PIP_INDEX_URL", "PIP_CONFIG_FILE", "HTTPS_PROXY")


def main(words: Sequence[str]) -> int:
    """Run the documents that are named, as one story; the exit status."""
    names = [word for word in words if not word.startswith("--")]
    if not names:
        print(__doc__, file=sys.stderr)
        return 2
    # A short path: the database's socket lies below it. Others may enter, because a root's database has a user.
    with tempfile.TemporaryDirectory(prefix="tut-", dir="/tmp") as folder:
        home = Path(folder)
        home.chmod(0o755)
        programs = _fresh(home) if "--fresh" in words else Path(sys.executable).parent
        ports = free_ports(names) if "--free-ports" in words else {}
        return _run(names, home, environment(home, programs, ports), ports)


def environment(home: Path, programs: Path, ports: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a reader who has just come: a home, the programs, and nothing of ours."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    ours = {"HOME": str(home), "PATH": f"{programs}:{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": "1"}
    if ports:
        place = f"127.0.0.1:{ports[_DEFAULT_PORT]}"
        ours |= {"PROOFGRID_LISTEN": place, "PROOFGRID_GATEWAY": place}
    return {**kept, **ours}


def free_ports(names: Sequence[str]) -> dict[str, str]:
    """Return a free port of this machine for each that the documents name, and for the gateway's own."""
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in names]
    named = {_DEFAULT_PORT, *(port for text in texts for port in _PORT.findall(text))}
    sockets = {port: socket.socket() for port in sorted(named)}
    try:
        for one in sockets.values():
            one.bind(("127.0.0.1", 0))
        return {port: str(one.getsockname()[1]) for port, one in sockets.items()}
    finally:
        for one in sockets.values():
            one.close()


def _fresh(home: Path) -> Path:
    """Install proofgrid as a newcomer does, from this checkout, at the versions of the lock."""
    venv = home / "venv"
    pip = [str(venv / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    subprocess.run([*pip, "--constraint", str(_constraints(home)), str(ROOT)], check=True)
    return venv / "bin"


def _constraints(home: Path) -> Path:
    """The versions of the lock, without its hashes: pip takes none for what it installs from a folder."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    path = home / "constraints.txt"
    path.write_text("".join(f"{line.rstrip(chr(92)).strip()}\n" for line in lines if "==" in line), encoding="utf-8")
    return path


def _run(names: Sequence[str], home: Path, variables: Mapping[str, str], ports: Mapping[str, str]) -> int:
    work, notes = home / "work", home / "notes"
    work.mkdir()
    notes.mkdir()
    began = time.monotonic()
    shell = Shell(work, notes, variables, ports, tell=functools.partial(print, flush=True))
    try:
        for name in names:
            shell.run(name, blocks_of((ROOT / name).read_text(encoding="utf-8")))
    except Differs as reason:
        print(reason, file=sys.stderr)
        return 1
    finally:
        shell.close()
    print(f"{', '.join(names)}: every command does what is said of it ({time.monotonic() - began:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
