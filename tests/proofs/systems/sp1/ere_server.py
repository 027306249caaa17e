"""A service like ere's on a real socket, honest or not. Its messages are the protobuf library's, not ours."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_BYTES, _TEXT, _MESSAGE = 12, 9, 11


def _messages() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="ere.proto", package="api", syntax="proto3")

    def message(name: str, *fields: tuple[str, int, str]) -> None:
        made = file.message_type.add(name=name)
        for number, (called, kind, of_type) in enumerate(fields, 1):
            made.field.add(name=called, number=number, label=1, type=kind, type_name=of_type or None)

    message("ProveRequest", ("input_stdin", _BYTES, ""), ("input_proofs", _BYTES, ""))
    message("ProveOk", ("public_values", _BYTES, ""), ("proof", _BYTES, ""), ("report", _BYTES, ""))
    message("ExecuteOk", ("public_values", _BYTES, ""), ("report", _BYTES, ""))
    message("ProgramVkOk", ("program_vk", _BYTES, ""))
    for call in ("Prove", "Execute", "ProgramVk"):
        message(f"{call}Response", ("ok", _MESSAGE, f".api.{call}Ok"), ("err", _TEXT, ""))
        answer = file.message_type[-1]
        answer.oneof_decl.add(name="result")
        for one in answer.field:
            one.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    names = [one.name for one in file.message_type]
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"api.{name}")) for name in names}


MESSAGES = _messages()
Handler = BaseHTTPRequestHandler


def sends(status: int, content: bytes, **headers: str) -> Callable[[Handler], None]:
    """Return an answer that is sent as it is."""

    def answer(handler: Handler) -> None:
        handler.send_response(status)
        given = {
            "Content-Length": str(len(content)),
            **{name.replace("_", "-"): text for name, text in headers.items()},
        }
        for name, text in given.items():
            if text:
                handler.send_header(name, text)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def complains(call: str, words: str) -> Callable[[Handler], None]:
    """Return an answer that says why there is no result."""
    return sends(200, MESSAGES[f"{call}Response"](err=words).SerializeToString())


def names_key(key: bytes) -> Callable[[Handler], None]:
    """Return an answer that names a program's key."""
    return sends(200, MESSAGES["ProgramVkResponse"](ok=MESSAGES["ProgramVkOk"](program_vk=key)).SerializeToString())


def runs(public_values: bytes, cycles: int, *, report: bytes = b"regions, seconds") -> Callable[[Handler], None]:
    """Return an answer with what a run came to."""
    ok = MESSAGES["ExecuteOk"](public_values=public_values, report=cycles.to_bytes(8, "little") + report)
    return sends(200, MESSAGES["ExecuteResponse"](ok=ok).SerializeToString())


def hands_over(public_values: bytes, proof: bytes) -> Callable[[Handler], None]:
    """Return an answer with a proof."""
    ok = MESSAGES["ProveOk"](public_values=public_values, proof=proof, report=b"seconds")
    return sends(200, MESSAGES["ProveResponse"](ok=ok).SerializeToString())


@dataclass(slots=True)
class EreServer:
    """A service: what it answers to each call, and what it was asked."""

    answers: dict[str, Callable[[Handler], None]] = field(default_factory=dict)
    asked: list[tuple[str, bytes]] = field(default_factory=list)
    port: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stdins(self) -> list[bytes]:
        """Return what it was asked to prove."""
        return [MESSAGES["ProveRequest"].FromString(said).input_stdin for call, said in self.asked if call == "Prove"]

    def hangs(self, handler: Handler) -> None:
        """Answer never."""
        self.over.wait()

    def trickles(self, handler: Handler) -> None:
        """Answer without an end, a byte at a time."""
        handler.send_response(200)
        handler.end_headers()
        with suppress(OSError):
            while not self.over.wait(0.01):
                handler.wfile.write(b"\x0a")

    def floods(self, handler: Handler) -> None:
        """Answer without an end, as fast as it goes."""
        handler.send_response(200)
        handler.end_headers()
        with suppress(OSError):
            while not self.over.is_set():
                handler.wfile.write(bytes(1 << 16))


@contextmanager
def ere_server() -> Iterator[EreServer]:
    """Serve until the block ends."""
    state = EreServer()

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            call = self.path.rpartition("/twirp/api.ZkvmService/")[2]
            state.asked.append((call, content))
            state.answers.get(call, sends(404, b"bad route"))(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    state.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield state
    finally:
        state.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
