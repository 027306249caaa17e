"""`placement.place_jobs` on columns: the same places for many jobs, of which few are excluded anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

import numpy as np
from numpy.typing import NDArray

UNSOLD = -1  #: no prover still in may run the job or has room for it


def place_columns(
    job_slots: NDArray[np.int64],
    sold: NDArray[np.int64],
    slots: NDArray[np.int64],
    excluded: Mapping[int, AbstractSet[int]],
) -> NDArray[np.int64]:
    """Return for each job its place on the line of provers, or UNSOLD; everything is in rank order.

    `excluded` holds, for the few jobs that have any, the places on the line where the job must not go.
    """
    first_slots = np.cumsum(job_slots) - job_slots
    places = np.searchsorted(np.cumsum(sold), first_slots, side="right").astype(np.int64)
    hindered = [job for job in sorted(excluded) if int(places[job]) in excluded[job]]
    if not hindered:
        return places

    lies_well = np.ones(len(job_slots), dtype=np.bool_)
    lies_well[hindered] = False
    room = slots.copy()
    np.subtract.at(room, places[lies_well], job_slots[lies_well])
    for job in hindered:
        places[job] = _next_with_room(int(job_slots[job]), room, excluded[job], after=int(places[job]))
        if places[job] != UNSOLD:
            room[places[job]] -= job_slots[job]
    return places


def _next_with_room(units: int, room: NDArray[np.int64], excluded: AbstractSet[int], *, after: int) -> int:
    around = (after + np.arange(1, len(room))) % max(1, len(room))
    for place in around[room[around] >= units].tolist():
        if place not in excluded:
            return int(place)
    return UNSOLD
