"""Kills the gateway that it is installed in at the transaction boundary that the file `crash-at` beside it names.

`<transaction>:<side> <n>`: there, the n-th time from now. The order is taken back first: the next gateway lives.

This file is copied out and installed as a third party's package (tests/packages.py); it imports nothing from the tests.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

from proofgrid.store import mirror, retention

ORDER = Path(__file__).with_name("crash-at")
REACHED = Path(__file__).with_name("reached")


def crash_hook() -> Callable[[str], None]:
    """Return what is told of every boundary."""
    # What a gateway does every hour must come round within a test.
    retention.FIRST_LOOK_SECONDS = retention.LOOK_SECONDS = 0.5
    mirror.REPAIR_SECONDS = 0.5
    passed = 0

    def reach(point: str) -> None:
        nonlocal passed
        try:
            wanted, number = ORDER.read_text().split()
        except FileNotFoundError:
            passed = 0
            return
        if point != wanted:
            return
        passed += 1
        if passed == int(number):
            ORDER.replace(REACHED)
            os.kill(os.getpid(), signal.SIGKILL)

    return reach
