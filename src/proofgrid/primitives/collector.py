"""Python's garbage collector: put off while much is made that is no garbage, and spared what never will be."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG_MAX = 10_000  #: objects that are made before the young are looked through; Python's own 700 is for small programs


@contextmanager
def no_collections(*, wanted: bool = True) -> Iterator[None]:
    """Collect nothing meanwhile; what was made is looked at with all that is old, not before.

    A million tuples of a result are no rubbish, and looking through them takes a quarter of a large clearing.
    The collector is left as it was found, and so is what somebody froze. `wanted`: False changes nothing.
    """
    was_enabled = gc.isenabled()
    if not (wanted and was_enabled):
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():  # nobody else's frozen objects: both together only call what is new old
            gc.freeze()
            gc.unfreeze()
        gc.enable()


def spare_what_stays() -> None:
    """Collect, and look never again at what is left: modules, classes, whatever a process was built of.

    They are a hundred thousand objects, and each collection of everything would look at them for 60 to 75 ms.
    """
    gc.collect()
    gc.freeze()


@contextmanager
def seldom_collections() -> Iterator[None]:
    """Let more be made before the collector looks: what lives for a batch or a call is gone by itself by then.

    In a gateway with batches of 100 it took an eighth of the time before, and a thirtieth since.
    """
    before = gc.get_threshold()
    gc.set_threshold(max(YOUNG_MAX, before[0]) if before[0] else 0, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
