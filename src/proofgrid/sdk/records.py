"""The market's public record: fetch it, check it, prove that an order in it is yours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from proofgrid.primitives.errors import BadBundle, InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.primitives.whole_files import written_whole
from proofgrid.proofs.bundles.manifest import Manifest
from proofgrid.rules.identity.key_list import SignedKeyList
from proofgrid.rules.jobs.classes import lane_order
from proofgrid.rules.jobs.late import Prices, may_be_paid
from proofgrid.rules.market.firm_quote import ROUND_OF_QUOTES
from proofgrid.rules.market.record_file import LINE_BYTES_MAX, CheckedRound, OtherLanes, RecordCheck, RecordHeader
from proofgrid.rules.market.rounds import TranscriptMismatch
from proofgrid.sdk.answers.network import OrderOpening
from proofgrid.sdk.answers.reading import read
from proofgrid.sdk.connection import Connection
from proofgrid.wire.v1 import market_pb2 as messages

OnRounds = Callable[[int, int], None]  #: (rounds so far, rounds in all)


async def export_rounds(
    connection: Connection,
    lane: str,
    path: Path,
    *,
    first: int = 0,
    last: int = 0,
    since_ms: int = 0,
    on_rounds: OnRounds = lambda done, total: None,
) -> int:
    """Write a lane's rounds to a file, which appears whole or not at all; return how many there are.

    `first`, `last`: numbers, 0 for open ends. Raises UnknownRound when there are none, Recoverable when the connection
    is lost: export again.
    """
    request = messages.ExportRoundsRequest(lane=lane, first=first, last=last, since_ms=since_ms)
    total = 0
    with written_whole(path) as part, part.open("wb") as file:
        done = -1  # the header is no round
        async for message in connection.read(lambda services: services.market.ExportRounds, request):
            await asyncio.to_thread(file.write, message.lines)
            total = total or message.rounds
            done += 1
            on_rounds(min(done, total), total)
    return total


async def open_order(connection: Connection, lane: str, number: int, what: str) -> OrderOpening:
    """Return what proves to anybody that the order of a task or prover of yours is in a round."""
    request = messages.OpenOrderRequest(lane=lane, number=number, what=what)
    return read(OrderOpening, await connection.ask(lambda services: services.market.OpenOrder, request))


@dataclass(frozen=True, slots=True)
class FileReport:
    """A record that was checked whole."""

    path: Path
    header: RecordHeader
    not_compared: int  #: rounds that were held together with those of a lane whose file is not there


def check_records(
    paths: Sequence[Path],
    *,
    network: Address | None = None,
    keys: SignedKeyList | None = None,
    on_round: Callable[[CheckedRound], None] = lambda checked: None,
) -> list[FileReport]:
    """Check files of one network's lanes, each alone and against each other. Blocking; needs nothing but the files.

    `keys`: the newest list of the network's keys that the caller has.
    Raises TranscriptMismatch, whose detail names the file, the line and the rule that is broken.
    """
    known = OtherLanes()
    reports: list[FileReport] = []
    for path in sorted(paths, key=_lane_order_of):
        check = RecordCheck(network=network, known=known, keys=keys)
        header = _check_file(check, path, on_round)
        network = network or header.network
        reports.append(FileReport(path, header, check.not_compared))
    return reports


def _check_file(check: RecordCheck, path: Path, on_round: Callable[[CheckedRound], None]) -> RecordHeader:
    place = 0
    try:
        for line in _lines(path):
            place += 1
            checked = check.line(line)
            if checked is not None:
                on_round(checked)
        return check.finish()
    except TranscriptMismatch as error:
        last = f", after round {check.last_number}" if check.last_number is not None else ""
        raise TranscriptMismatch(f"{path}, line {place}{last}: {error.detail}", field=error.field) from None


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while line := file.readline(LINE_BYTES_MAX + 1):
                yield line
    except OSError as error:
        raise InvalidField(f"{path} cannot be read: {error.strerror}", field="file") from None


def _lane_order_of(path: Path) -> tuple[object, ...]:
    """Return where a file's lane stands among the others; what cannot be read comes first and is refused."""
    check = RecordCheck()
    try:
        check.line(next(_lines(path), b""))
    except TranscriptMismatch:
        return (0, str(path))
    try:
        return (1, *lane_order(check.header.lane), check.header.first) if check.header else (0, str(path))
    except (ValueError, IndexError):
        return (0, str(path))


def check_prices(manifest: Manifest, paths: Sequence[Path], *, keys: SignedKeyList | None = None) -> int:
    """Check that every job of a bundle was sold in a recorded round, and paid at its price or as a late proof.

    Return how many rounds that were.

    The files are checked as `check_records` does, for the network that signed the bundle. Raises TranscriptMismatch,
    and BadBundle for a job whose round is another one or not there.
    """
    found: dict[tuple[str, int], CheckedRound] = {}
    wanted = {(str(job.lane), job.round_number) for job in manifest.jobs}

    def note(checked: CheckedRound) -> None:
        place = (checked.transcript["lane"], checked.number)
        if place in wanted:
            found[place] = checked

    check_records(paths, network=manifest.network, keys=keys, on_round=note)
    for job in manifest.jobs:
        if job.round_number == ROUND_OF_QUOTES:
            raise BadBundle(
                "a firm quote sold a job, outside rounds: its price stands on no public record",
                field="rounds",
                hint="verify the bundle without --rounds",
            )
        checked = found.get((str(job.lane), job.round_number))
        if checked is None:
            raise BadBundle(f"no file holds round {job.round_number} of {job.lane}", field="rounds")
        result = checked.transcript["result"]
        sold = {(placed[3], placed[4]) for placed in result["placements"]}
        if checked.transcript_hash != job.transcript:
            raise BadBundle(f"round {job.round_number} of {job.lane} is another one", field="rounds")
        paid = Prices(buy=job.price_buy, sell=job.price_sell)
        agreed = [Prices(buy=result["buy_price"], sell=price) for units, price in sold if units == job.units]
        if not any(may_be_paid(paid, prices) for prices in agreed):
            raise BadBundle(f"round {job.round_number} of {job.lane} made another price", field="rounds")
    return len(wanted)


def round_of(paths: Iterable[Path], lane: str, number: int) -> CheckedRound:
    """Return one round out of checked files; raise InvalidField when none of them has it."""
    found: list[CheckedRound] = []

    def note(checked: CheckedRound) -> None:
        if (checked.transcript["lane"], checked.number) == (lane, number):
            found.append(checked)

    check_records(list(paths), on_round=note)
    if not found:
        raise InvalidField(f"no file holds round {number} of {lane}", field="file")
    return found[0]
