"""What a process takes, and how long its certificate holds, looked up when somebody reads metrics."""

from __future__ import annotations

from pathlib import Path

import psutil
from cryptography import x509

from proofgrid.primitives.clock import Clock
from proofgrid.telemetry.metrics import of_process as shown
from proofgrid.telemetry.metrics.of_gateway import CERTIFICATE_AGE, CERTIFICATE_LEFT


class ProcessNumbers:
    """`certificate`: a chain whose first certificate is shown; None: there is none."""

    def __init__(self, certificate: Path | None, clock: Clock) -> None:
        self._process = psutil.Process()
        self._certificate = certificate
        self._clock = clock
        self._changed_ns = -1
        self._holds = (0.0, 0.0)  #: from and until when, in seconds since the epoch

    def show(self) -> None:
        """Show them as they are now."""
        with self._process.oneshot():
            times = self._process.cpu_times()
            shown.MEMORY.set(self._process.memory_info().rss)
        shown.CPU_SECONDS.show({(): times.user + times.system})
        shown.PROCESSES.set(1)
        if hasattr(self._process, "num_fds"):  # of POSIX
            shown.OPEN_FILES.set(self._process.num_fds())
        if self._certificate is not None:
            self._show_certificate(self._certificate)

    def _show_certificate(self, path: Path) -> None:
        try:
            changed_ns = path.stat().st_mtime_ns
            if changed_ns != self._changed_ns:
                first = x509.load_pem_x509_certificates(path.read_bytes())[0]
                self._holds = first.not_valid_before_utc.timestamp(), first.not_valid_after_utc.timestamp()
                self._changed_ns = changed_ns
        except (OSError, ValueError, IndexError):
            CERTIFICATE_AGE.show({})  # what is not there has no age, and an alert says so
            CERTIFICATE_LEFT.show({})
            return
        now = self._clock.now_ms() / 1_000
        CERTIFICATE_AGE.set(now - self._holds[0], "gateway")
        CERTIFICATE_LEFT.set(self._holds[1] - now, "gateway")
