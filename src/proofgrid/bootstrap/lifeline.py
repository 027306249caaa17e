"""How a process ends that must not outlive its parent: politely at first, then however it must."""

from __future__ import annotations

import os
import signal
import time


def end_this_process() -> None:
    """Let this process end; called on a thread that may die with it."""
    # The first stops a gateway, the second also a prover that would rather finish its jobs; nobody is left to be paid.
    for number, patience_seconds in ((signal.SIGTERM, 1), (signal.SIGTERM, 30), (signal.SIGKILL, 0)):
        os.kill(os.getpid(), number)
        time.sleep(patience_seconds)
