"""How a service of ere's is asked: calls of protocol buffers over HTTP, all of one program.

    POST /twirp/api.ZkvmService/ProgramVk {}         -> 1: {1: key}, or 2: complaint
    POST /twirp/api.ZkvmService/Execute   {1: stdin} -> 1: {1: public values, 2: report}, or 2: complaint
    POST /twirp/api.ZkvmService/Prove     {1: stdin} -> 1: {1: public values, 2: proof, 3: report}, or 2: complaint

A service of ere's is started with one program and proves that program only; its key says which. The fourth call,
Verify, is not needed: we verify ourselves. A report begins with the cycles, a little-endian integer of 64 bits.
Source: eth-act/ere 0.16, crates/server/api/proto/api.proto; Protocol Buffers, "Encoding"; Twirp, version 7.
"""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.proofs.kit.services import Service, ServiceFailed, ask_service
from proofgrid.proofs.systems.sp1.key import KEY_BYTES

RUN_BYTES_MAX = 1 << 20
PROOF_BYTES_MAX = 8 << 20
KEY_SECONDS = 30.0
RUN_SECONDS = 3_600.0
PROVE_SECONDS = 24 * 3_600.0  #: a job's own time is shorter, and ends its process

_SERVICE = "/twirp/api.ZkvmService"
_KEY_ANSWER_BYTES_MAX = 64 << 10
_CONTENT = "application/protobuf"
_OK, _COMPLAINT = 1, 2
_STDIN = 1
_PUBLIC_VALUES, _REPORT, _PROOF = 1, 2, 2  #: the last is of Prove, the second of Execute
_CYCLES_BYTES = 8
_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5
_VARINT_BYTES_MAX = 10
_FIXED = {_FIXED_64: 8, _FIXED_32: 4}


class ServiceComplains(Exception):
    """A service says why it has no result; whoever handles its words knows that they may quote an input."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a service says that a run came to. Its own prover believes it that a job is not worth a try; nobody else."""

    public_values: bytes
    cycles: int


@dataclass(frozen=True, slots=True)
class Proven:
    """What a service says that it proved. Nothing in it is believed."""

    public_values: bytes
    proof: bytes  #: as SP1's own tools write one


def key_of(service: Service) -> bytes:
    """Return the key of the program that a service says it proves. Raises ServiceFailed, ServiceComplains."""
    said = _call(service, "ProgramVk", b"", seconds=KEY_SECONDS, bytes_max=_KEY_ANSWER_BYTES_MAX)
    key = fields_in(said).get(1, b"")
    if len(key) != KEY_BYTES:
        raise ServiceFailed(f"{service} names a key that is none of SP1's")
    return key


def execute(service: Service, stdin: bytes) -> Run:
    """Have a service run its program on this input. Raises ServiceFailed, ServiceComplains."""
    said = _call(service, "Execute", field_of(_STDIN, stdin), seconds=RUN_SECONDS, bytes_max=RUN_BYTES_MAX)
    found = fields_in(said)
    report = found.get(_REPORT, b"")
    if len(report) < _CYCLES_BYTES:
        raise ServiceFailed(f"{service} does not report the cycles of a run")
    return Run(found.get(_PUBLIC_VALUES, b""), int.from_bytes(report[:_CYCLES_BYTES], "little"))


def prove(service: Service, stdin: bytes) -> Proven:
    """Have a service prove its program on this input. Raises ServiceFailed, ServiceComplains."""
    said = _call(service, "Prove", field_of(_STDIN, stdin), seconds=PROVE_SECONDS, bytes_max=PROOF_BYTES_MAX)
    found = fields_in(said)
    return Proven(public_values=found.get(_PUBLIC_VALUES, b""), proof=found.get(_PROOF, b""))


def _call(service: Service, call: str, content: bytes, *, seconds: float, bytes_max: int) -> bytes:
    said = ask_service(
        service, f"{_SERVICE}/{call}", content, content_type=_CONTENT, seconds=seconds, answer_bytes_max=bytes_max
    )
    try:
        found = fields_in(said)
        fields_in(found.get(_OK, b""))
    except ValueError:
        raise ServiceFailed(f"{service} answers what is no answer of ere's") from None
    if _OK in found:
        return found[_OK]
    if _COMPLAINT in found:
        raise ServiceComplains(found[_COMPLAINT].decode(errors="replace"))
    raise ServiceFailed(f"{service} answers what is no answer of ere's")


def field_of(number: int, content: bytes) -> bytes:
    """Return a field of bytes as it stands in a message; an empty one is left out."""
    return bytes([number << 3 | _BYTES]) + _varint(len(content)) + content if content else b""


def fields_in(message: bytes) -> dict[int, bytes]:
    """Return a message's fields of bytes by their numbers, the last of each; raise ValueError when it is malformed."""
    found: dict[int, bytes] = {}
    at = 0
    while at < len(message):
        tag, at = _read_varint(message, at)
        kind, number = tag & 7, tag >> 3
        if number == 0:
            raise ValueError("a field is numbered from 1")
        if kind == _VARINT:
            _, at = _read_varint(message, at)
            continue
        if kind == _BYTES:
            size, at = _read_varint(message, at)
        elif kind in _FIXED:
            size = _FIXED[kind]
        else:
            raise ValueError("a field of another kind")
        if size > len(message) - at:
            raise ValueError("a field ends behind its message")
        if kind == _BYTES:
            found[number] = message[at : at + size]
        at += size
    return found


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 127:
        written.append(value & 127 | 128)
        value >>= 7
    return bytes([*written, value])


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(_VARINT_BYTES_MAX):
        if at + place >= len(message):
            break
        one = message[at + place]
        value |= (one & 127) << 7 * place
        if one < 128:
            return value, at + place + 1
    raise ValueError("a number without an end")
