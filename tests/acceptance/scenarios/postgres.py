"""A PostgreSQL of a scenario's own, to be killed and started again."""

from __future__ import annotations

from pathlib import Path

import psutil

from proofgrid.store.embedded import EmbeddedPostgres, start_embedded


class OwnPostgres:
    """An embedded server with its durability on."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._server: EmbeddedPostgres | None = None

    @property
    def dsn(self) -> str:
        assert self._server is not None
        return self._server.dsn

    def start(self) -> None:
        """Start it, recovering from whatever happened to it."""
        self._server = start_embedded(self._data_dir)

    def kill(self) -> None:
        """kill -9 of the postmaster; its backends end themselves when they notice, within moments."""
        postmaster = psutil.Process(int((self._data_dir / "postmaster.pid").read_text().splitlines()[0]))
        backends = postmaster.children(recursive=True)
        postmaster.kill()
        psutil.wait_procs([postmaster, *backends], timeout=30)

    def stop(self) -> None:
        """Stop it for good."""
        if self._server is not None:
            self._server.stop()
