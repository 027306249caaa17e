"""How much memory is given to what, where nobody said: shares of what the machine has."""

from __future__ import annotations


def worker_bytes() -> int:
    """Return what a call in a gateway's worker may use."""
    return max(_of_the_machine() // 8, 2 << 30)


def warm_bytes() -> int:
    """Return what a prover's children may hold that wait for another job."""
    return min(_of_the_machine() // 8, 1 << 30)


def _of_the_machine() -> int:
    import psutil

    return int(psutil.virtual_memory().total)
