"""A child that the kernel ends with its parent, however the parent dies; only Linux does.

    python -m proofgrid.primitives.parent PARENT PROGRAM ARGUMENT...

becomes PROGRAM, which then ends with the process PARENT: for programs that are not ours. Nothing of ours runs between
fork and exec, where threads of gRPC would be in pieces.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with_parent(parent_pid: int) -> None:
    """Have this process killed when its parent ends; `parent_pid` as it was known before: it may be gone already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent_pid:
            os._exit(1)


def ending_with_us(*command: str) -> tuple[str, ...]:
    """Return the command line that starts a program which ends with this process."""
    return (sys.executable, "-m", __name__, str(os.getpid()), *command)


if __name__ == "__main__":
    end_with_parent(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - no shell is wanted
