"""How provers came to their lanes, on record: one table for all lanes of a stack that held a round together.

    {"lanes": [[lane, wanted], ...], "provers": [[prover, [[lane, slots], ...], drawn], ...]}

The first of the lanes, in the order of a stack, has it in its transcript, the others its digest. Whoever has the files
of all lanes finds that the lots were drawn as the rules say, and that each lane held just whom it was given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from proofgrid.primitives.canonical import canonical_list, canonical_text
from proofgrid.primitives.digests import Digest, digest_of, digest_of_json
from proofgrid.rules.market.transcript_reading import Transcript, TranscriptMismatch
from proofgrid.rules.scheduling.lots import Draw, assign
from proofgrid.rules.scheduling.rank import RankHashes

DrawnTo = Mapping[str, frozenset[str]]  #: lane -> whom it was given


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawRecord:
    """What a lane's transcript says of the draw."""

    digest: Digest
    table: str | None  #: canonical JSON; None: another lane's transcript has it


def record_of(draw: Draw) -> DrawRecord:
    """Return the record with its table."""
    text = canonical_text
    lanes = [f"[{text(lane)},{jobs}]" for lane, jobs in draw.wanted.items()]
    provers = []
    for one in draw.provers:
        served = canonical_list([f"[{text(lane)},{slots}]" for lane, slots in one.lanes])
        provers.append(f"[{text(one.prover_id)},{served},{text(one.drawn)}]")
    table = f'{{"lanes":{canonical_list(lanes)},"provers":{canonical_list(provers)}}}'
    return DrawRecord(digest=digest_of(table.encode()), table=table)


def read_table(table: Transcript, *, digest: Digest, beacon: bytes) -> DrawnTo:
    """Return whom each lane was given; raise TranscriptMismatch for another table, or one that lots did not draw."""
    if digest_of_json(table) != digest:
        raise TranscriptMismatch("the table of the draw has another digest", field="draw")
    try:
        wanted = {str(lane): int(jobs) for lane, jobs in table["lanes"]}
        provers = {
            str(prover_id): tuple([(str(lane), int(slots)) for lane, slots in lanes])
            for prover_id, lanes, _ in table["provers"]
        }
        drawn = [str(lane) for _, _, lane in table["provers"]]
        again = assign(provers, wanted, hashes=RankHashes(beacon))
    except (KeyError, TypeError, ValueError, IndexError):
        raise TranscriptMismatch("this is no table of a draw", field="draw.table") from None
    if [one.drawn for one in again] != drawn or list(provers) != [one.prover_id for one in again]:
        raise TranscriptMismatch("lots draw other lanes", field="draw.table.provers")
    return {lane: frozenset(one.prover_id for one in again if one.drawn == lane) for lane in wanted}


def check_drawn(transcript: Transcript, drawn: DrawnTo) -> None:
    """Compare the provers in a lane's transcript with those that it was given; raise TranscriptMismatch."""
    there = {ask["prover_id"] for group in ("asks", "absent", "idle_asks") for ask in transcript[group]}
    if there != drawn.get(transcript["lane"], frozenset()):
        raise TranscriptMismatch("lots gave this lane other provers", field="asks")
