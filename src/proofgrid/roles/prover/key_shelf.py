"""The keys that jobs derived and left for later jobs: kept within the prover's limit, and told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from proofgrid.proofs.kit.keys import keep_within
from proofgrid.telemetry.metrics.of_prover import KEYS, KEYS_BYTES

log = structlog.get_logger(__name__)


class KeyShelf:
    """A prover's folder of keys. A job may leave more than fits; what was not used for longest goes after it."""

    def __init__(self, folder: Path, bytes_max: int, *, tell: Callable[..., None]) -> None:
        self._folder = folder
        self._bytes_max = bytes_max
        self._tell = tell
        self._turn = asyncio.Lock()

    async def open(self) -> None:
        """Make the folder, let it fit, and tell what it holds."""
        await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True)
        await self._tidy(tells_always=True)

    async def tidy(self) -> None:
        """Let it fit; tell when keys had to go."""
        await self._tidy(tells_always=False)

    async def _tidy(self, *, tells_always: bool) -> None:
        try:
            async with self._turn:
                kept = await asyncio.to_thread(keep_within, self._folder, self._bytes_max)
        except OSError as error:  # jobs will say so too, where it matters
            log.warning("keys_not_tidied", reason=f"{type(error).__name__}: {error.strerror}")
            return
        KEYS.set(kept.keys)
        KEYS_BYTES.set(kept.bytes)
        if kept.removed or tells_always:
            self._tell("keys", kept=kept.keys, bytes=kept.bytes, bytes_max=self._bytes_max, removed=kept.removed)
