"""The public record of a lane as a file, one canonical JSON value per line, and everything a stranger can check in it.

    {"first","format","lane","last","network","rounds","version"}     header
    {"signature","transcript"}                                        one per round, in order
    {"signature","trailer":{header's fields, "last_hash"}}            signed too: nothing can be cut off at the end

The network's key signs the digest of each transcript and of the trailer (EIP-191). Every byte counts: a line is the
one canonical text of its value, signatures are spelled in lower-case hex, so a flipped bit anywhere is found.

Version 2 is of a network that has split its key: the header has the root key's list of the others, "keys". A round may
be signed by any that was ever for rounds, because the trailer, through the chain of hashes, stands behind all of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.digests import Digest, digest_of_json
from proofgrid.primitives.distant import sign_hash_of
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.primitives.signatures import Signer, is_spelled_once, parse_address, signer_of
from proofgrid.rules.identity.key_list import Purpose, SignedKeyList, newer, signed_list_of
from proofgrid.rules.identity.network_keys import Voice
from proofgrid.rules.market.draw_record import DrawnTo, check_drawn, read_table
from proofgrid.rules.market.edition_1.carried import Left, check_carried, left_of
from proofgrid.rules.market.edition_1.transcript import VERSION as VERSION_OF_EDITION_1
from proofgrid.rules.market.rounds import Transcript, TranscriptMismatch, replay

FORMAT = "proofgrid/rounds"
VERSION = 1  #: the root key signs everything
VERSION_WITH_KEYS = 2
LINE_BYTES_MAX = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordHeader:
    """Which rounds a file holds."""

    network: Address
    lane: str
    first: int
    last: int
    rounds: int
    keys: SignedKeyList | None = None  #: None: the root key signs everything

    def to_json(self) -> dict[str, Any]:
        plain = {
            "format": FORMAT,
            "version": VERSION if self.keys is None else VERSION_WITH_KEYS,
            "network": self.network,
            "lane": self.lane,
            "first": self.first,
            "last": self.last,
            "rounds": self.rounds,
        }
        return plain if self.keys is None else {**plain, "keys": self.keys.to_json()}


def header_line(header: RecordHeader) -> bytes:
    """Return the first line of a file."""
    return canonical_json(header.to_json()) + b"\n"


def round_line(transcript_text: str, signature: str) -> bytes:
    """Return the line of a round, from its canonical transcript as it was hashed and signed."""
    return b'{"signature":"' + signature.encode() + b'","transcript":' + transcript_text.encode() + b"}\n"


def trailer_line(header: RecordHeader, last_hash: Digest, key: Signer | Voice) -> bytes:
    """Return the last line of a file."""
    trailer = {**header.to_json(), "last_hash": last_hash}
    spelled = canonical_json(trailer)
    signature = key.sign_hash_of(spelled) if isinstance(key, Voice) else sign_hash_of(key, spelled)
    return canonical_json({"signature": signature, "trailer": trailer}) + b"\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedRound:
    """A round whose line, hash, signature, place in the chain and outcome are right."""

    number: int
    transcript_hash: Digest
    transcript: Transcript


@dataclass(slots=True)
class OtherLanes:
    """What the rounds of some lanes tell of rounds that other lanes held together with them."""

    drawn: dict[Digest, DrawnTo] = field(default_factory=dict)  #: digest of a draw -> whom it gave to which lane
    left: dict[tuple[str, int], Left] = field(default_factory=dict)  #: lane, round of the first edition -> what it left


class RecordCheck:
    """Checks a file line by line. Feed it every line, then call `finish`; each raises TranscriptMismatch.

    `known`: what the checked files of other lanes told; rounds that were held together are compared where it is there.
    `keys`: the newest list of the network's keys that the caller has; a key that it revokes ends no file.
    """

    def __init__(
        self, *, network: Address | None = None, known: OtherLanes | None = None, keys: SignedKeyList | None = None
    ) -> None:
        self._network = network
        self._keys = keys
        self.known = known or OtherLanes()  #: with what this lane's rounds tell, for the files of the other lanes
        self._last: Transcript | None = None
        self._last_hash: Digest | None = None
        self._count = 0
        self._over = False
        self.header: RecordHeader | None = None
        self.not_compared = 0  #: rounds that tell of another lane's round whose file is not there

    @property
    def last_number(self) -> int | None:
        """The last round that was right."""
        return None if self._last is None else int(self._last["number"])

    def line(self, line: bytes) -> CheckedRound | None:
        """Check the next line; return its round, or None for the first and the last line."""
        value = _strict(line)
        if self._over:
            raise TranscriptMismatch("nothing follows the trailer", field="line")
        if self.header is None:
            self.header = self._read_header(value)
            return None
        if set(value) == {"signature", "trailer"}:
            self._check_trailer(self.header, value)
            return None
        if set(value) != {"signature", "transcript"}:
            raise TranscriptMismatch("a line holds a transcript or the trailer, with its signature", field="line")
        return self._check_round(self.header, value)

    def finish(self) -> RecordHeader:
        """All lines are read; return what the file holds."""
        if self.header is None or not self._over:
            raise TranscriptMismatch("the file is cut off: its last line is not the trailer", field="trailer")
        return self.header

    def _read_header(self, value: dict[str, Any]) -> RecordHeader:
        try:
            header = RecordHeader(
                network=parse_address(str(value["network"])),
                lane=str(value["lane"]),
                first=int(value["first"]),
                last=int(value["last"]),
                rounds=int(value["rounds"]),
                keys=signed_list_of(value["keys"]) if "keys" in value else None,
            )
        except (KeyError, TypeError, ValueError, InvalidField):
            raise TranscriptMismatch("the first line is no header of a record of rounds", field="header") from None
        if header.to_json() != value:
            raise TranscriptMismatch(f"this is no {FORMAT} of version {VERSION} or {VERSION_WITH_KEYS}", field="header")
        if header.keys is not None and header.keys.list.network != header.network:
            raise TranscriptMismatch("the list of keys is of another network", field="header.keys")
        if self._network is not None and header.network != self._network:
            raise TranscriptMismatch(f"the record is of network {header.network}", field="header.network")
        return header

    def _check_round(self, header: RecordHeader, value: dict[str, Any]) -> CheckedRound:
        transcript = value["transcript"]
        if type(transcript) is not dict:
            raise TranscriptMismatch("a transcript is a JSON object", field="transcript")
        hashed = digest_of_json(transcript)
        self._check_signature(header, hashed, value["signature"])
        number = header.first if self._last is None else self._last["number"] + 1
        if (transcript.get("lane"), transcript.get("number")) != (header.lane, number):
            raise TranscriptMismatch(f"round {number} of {header.lane} comes next", field="number")
        if self._last is not None and transcript.get("previous") != self._last_hash:
            raise TranscriptMismatch("the hash of the round before is another one", field="previous")
        replay(transcript)
        if self._last is not None and transcript["parameters"]["reference"] != self._last["next_reference"]:
            raise TranscriptMismatch("the round before handed on another reference price", field="parameters.reference")
        self._compare(transcript)
        self._last, self._last_hash = transcript, hashed
        self._count += 1
        return CheckedRound(number=number, transcript_hash=hashed, transcript=transcript)

    def _compare(self, transcript: Transcript) -> None:
        """Compare a round that was replayed with what other lanes told, and take note of what it tells."""
        if transcript["version"] == VERSION_OF_EDITION_1:
            self._compare_carried(transcript)
        elif transcript["draw"] is not None:
            draw = transcript["draw"]
            if draw["table"] is not None:
                beacon = bytes.fromhex(transcript["beacon"])
                self.known.drawn[draw["digest"]] = read_table(draw["table"], digest=draw["digest"], beacon=beacon)
            if draw["digest"] in self.known.drawn:
                check_drawn(transcript, self.known.drawn[draw["digest"]])
            else:
                self.not_compared += 1

    def _compare_carried(self, transcript: Transcript) -> None:
        for place in _sources(transcript):
            if place in self.known.left:
                check_carried(*place, self.known.left[place], transcript)
            else:
                self.not_compared += 1
        self.known.left[transcript["lane"], transcript["number"]] = left_of(transcript)

    def _check_trailer(self, header: RecordHeader, value: dict[str, Any]) -> None:
        trailer = value["trailer"]
        if type(trailer) is not dict:
            raise TranscriptMismatch("a trailer is a JSON object", field="trailer")
        self._check_signature(header, digest_of_json(trailer), value["signature"], ends=True)
        if trailer != {**header.to_json(), "last_hash": self._last_hash}:
            raise TranscriptMismatch("the trailer is of another record", field="trailer")
        last = header.first - 1 if self._last is None else self._last["number"]
        if (last, self._count) != (header.last, header.rounds):
            raise TranscriptMismatch("rounds are missing before the trailer", field="trailer")
        self._over = True

    def _check_signature(self, header: RecordHeader, hashed: Digest, signature: Any, *, ends: bool = False) -> None:
        """Raise TranscriptMismatch unless the network signed; `ends`: a trailer, whose key must still count."""
        spelled = type(signature) is str and is_spelled_once(signature)
        signer = signer_of(bytes.fromhex(hashed), signature) if spelled else None
        if not self._is_of_network(header, signer, ends=ends):
            raise TranscriptMismatch("this is not signed by the network's key", field="signature")
        newest = self._newest(header)
        if ends and newest is not None and not newest.list.stands_for(signer, Purpose.ROUNDS):
            raise TranscriptMismatch(
                f"the network has revoked the key {signer} (list {newest.list.number})", field="signature"
            )

    def _is_of_network(self, header: RecordHeader, signer: Address | None, *, ends: bool) -> bool:
        if header.keys is None:
            return signer == header.network
        keys = header.keys.list
        return keys.may_sign(signer, Purpose.ROUNDS) if ends else keys.knows(signer, Purpose.ROUNDS)

    def _newest(self, header: RecordHeader) -> SignedKeyList | None:
        if self._keys is None or self._keys.list.network != header.network:
            return header.keys
        return newer(header.keys, self._keys)


def _sources(transcript: Transcript) -> Iterator[tuple[str, int]]:
    """Yield the rounds from which capacity was carried, each once."""
    seen = set()
    for group in ("asks", "absent"):
        for ask in transcript[group]:
            carried = ask["carried"]
            if carried is not None and (place := (carried["lane"], carried["number"])) not in seen:
                seen.add(place)
                yield place


def _strict(line: bytes) -> dict[str, Any]:
    """Return the value of a line that is the one canonical text of a JSON object."""
    if len(line) > LINE_BYTES_MAX:
        raise TranscriptMismatch(f"a line has at most {LINE_BYTES_MAX} bytes", field="line")
    try:
        value = json.loads(line)
        canonical = canonical_json(value) + b"\n"
    except (ValueError, TypeError, RecursionError):
        raise TranscriptMismatch("a line is a JSON object", field="line") from None
    if type(value) is not dict or canonical != line:
        raise TranscriptMismatch("a line is spelled in the one canonical way", field="line")
    return value
