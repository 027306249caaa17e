"""Keys of wraps for the demo's circuit: made in a process of their own, once, and kept for later demos.

A setup takes a minute of processor time for each proof that fits in, so they lie in the user's cache, by the digest of
what they are for: the circuit, the engine's sources, how many proofs.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import platformdirs

from proofgrid.cli.demo.processes import Fleet
from proofgrid.cli.demo.telling import Telling
from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import Unprovable
from proofgrid.proofs.kit.engine_programs import GNARK
from proofgrid.proofs.systems.groth16.wrapping import SUFFIXES

CACHE = "PROOFGRID_DEMO_KEYS"  #: an environment variable: the folder to keep keys in
_DIGEST_KEPT = 16
_TOLD_EVERY_SECONDS = 20.0

_T = TypeVar("_T")


async def bring_wrap_keys(place: Path, parts: int, fleet: Fleet, telling: Telling) -> None:
    """Leave keys of wraps beside the circuit at `place`, out of the cache or of a setup. Raises Unprovable."""
    kept = _cache() / f"wraps-{_digest(place, parts)}"
    if not _keys_in(kept):
        telling.tell(f"keys of wraps, for {parts} proofs: a setup of {parts} minutes of processor time or more …")
        telling.tell("FOR DEVELOPMENT: whoever makes such keys could forge proofs of proofs", style="yellow")
        asked = fleet.run("program", "keygen", str(place), "--one-proof", str(parts), "--json")
        code, out, err = await _with_time(asked, telling)
        if code != 0:
            raise Unprovable(f"no keys of wraps: {(err or out).strip()[-500:]}")
        _keep(_keys_in(place), kept)
        telling.tell(f"they are kept for later demos: {kept}")
    else:
        telling.tell(f"keys of wraps for development, of an earlier demo: {kept}")
    for key in _keys_in(kept):
        if not (place / key.name).exists():
            shutil.copy(key, place)


async def _with_time(work: Coroutine[None, None, _T], telling: Telling) -> _T:
    """Wait for something that takes minutes, and tell from time to time that it still runs."""
    loop = asyncio.get_running_loop()
    started, running = loop.time(), asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait([running], timeout=_TOLD_EVERY_SECONDS))[0]:
            telling.tell(f"  {loop.time() - started:.0f} s …", style="dim")
        return await running
    finally:
        running.cancel()


def _cache() -> Path:
    named = os.environ.get(CACHE)
    return Path(named) if named else platformdirs.user_cache_path("proofgrid") / "demo"


def _digest(place: Path, parts: int) -> str:
    (circuit,) = place.glob("*.r1cs")
    content = b"\0".join((str(parts).encode(), GNARK.sources_digest().encode(), circuit.read_bytes()))
    return digest_of(content).rpartition(":")[2][:_DIGEST_KEPT]


def _keys_in(folder: Path) -> list[Path]:
    """Return the keys in a folder; none unless all are there."""
    found = [path for suffix in SUFFIXES.values() for path in folder.glob(f"*{suffix}")]
    return found if len(found) == len(SUFFIXES) else []


def _keep(keys: Iterable[Path], folder: Path) -> None:
    """Copy keys into the cache: all at once, so that a demo that is stopped leaves no half of them."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=folder.parent))
    for key in keys:
        shutil.copy(key, made)
    with suppress(OSError):  # another demo may have made them meanwhile
        made.replace(folder)
        return
    shutil.rmtree(made, ignore_errors=True)
