"""What the HTTP door costs: a submit over HTTP against gRPC, and 2,000 watchers of events on one gateway.

python -m benchmarks.http_door [SUBMITS] [WATCHERS]
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx
import psutil

from benchmarks.echo_network import echo_network
from proofgrid.cli.demo.processes import stop_database
from proofgrid.primitives.signatures import SigningKey
from proofgrid.sdk.tokens import make_token, purpose_of
from tests.networks import Network

LIMIT_PRICE = 1_000


def signed(key: SigningKey, network: Network, verb: str, path: str, body: bytes = b"") -> dict[str, str]:
    """Return the header that lets a key ask this, once."""
    purpose = purpose_of(f"{verb} {path}", body, gateway=network.http.partition("//")[2])
    now_ms = time.time_ns() // 1_000_000
    token = make_token(key, network=network.admin_key.address, purpose=purpose, now_ms=now_ms)
    return {"authorization": f"Bearer {token}", "content-type": "application/json"}


class Bare:
    """One connection, kept open, of a client that costs next to nothing: what a submit takes by it the door takes."""

    def __init__(self, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._host, self._reader, self._writer = host, reader, writer

    @classmethod
    async def connect(cls, url: str) -> Bare:
        """Connect to a door at http://HOST:PORT."""
        host = url.partition("//")[2]
        return cls(host, *await asyncio.open_connection(*host.split(":")))

    async def post(self, path: str, body: bytes, headers: dict[str, str]) -> bytes:
        """Return the whole answer, its head first."""
        lines = {"Host": self._host, "Content-Length": str(len(body))} | headers
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._writer.write(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        [length] = [line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        return answer + await self._reader.readexactly(int(length.partition(b":")[2]))

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()


async def submits(network: Network, program: str, number: int) -> None:
    """Print how long a submit takes each way, one after the other, in turn; and how much of the gateway's processor."""
    took: dict[str, list[float]] = {"gRPC": [], "HTTP": [], "HTTP by httpx": []}
    spent = dict.fromkeys(took, 0.0)
    key = network.keys["client"]
    assert network.gateway is not None
    process = psutil.Process(network.gateway.pid)

    async def by_grpc(one: int) -> None:
        await client.submit(program, [f"g{one}"], limit_price=LIMIT_PRICE, idempotency_key=f"g{one}")

    def asked(name: str) -> tuple[bytes, dict[str, str]]:
        wish = {"program_digest": program, "inputs": [name], "limit_price": LIMIT_PRICE, "idempotency_key": name}
        body = json.dumps(wish).encode()
        return body, signed(key, network, "POST", "/v1/tasks", body)

    async def by_http(one: int) -> None:
        answer = await bare.post("/v1/tasks", *asked(f"h{one}"))
        assert answer.startswith(b"HTTP/1.1 200"), answer

    async def by_httpx(one: int) -> None:
        body, headers = asked(f"x{one}")
        answer = await http.post("/v1/tasks", content=body, headers=headers)
        assert answer.status_code == 200, answer.text

    bare = await Bare.connect(network.http)
    async with network.client() as client, httpx.AsyncClient(base_url=network.http, trust_env=False) as http:
        for one in range(number):
            ways = list(zip(took, (by_grpc, by_http, by_httpx), strict=True))
            for way, submit in ways[one % 3 :] + ways[: one % 3]:
                began, before = time.perf_counter(), sum(process.cpu_times()[:2])
                await submit(one)
                took[way].append(1_000 * (time.perf_counter() - began))
                spent[way] += 1_000 * (sum(process.cpu_times()[:2]) - before)
    bare.close()
    for way, times in took.items():
        p50, p95 = statistics.median(times), sorted(times)[-1 - number // 20]
        print(
            f"submit over {way}: p50 {p50:.2f} ms, p95 {p95:.2f} ms, {spent[way] / number:.2f} ms of the gateway's core"
        )


async def watchers(network: Network, program: str, number: int) -> tuple[int, int]:
    """Return the gateway's memory before and while so many follow one task, in bytes; each has got its first event."""
    key = network.keys["client"]
    async with network.client() as client:
        task = await client.submit(program, ["watched"], limit_price=LIMIT_PRICE, idempotency_key="watched")
    path = f"/v1/tasks/{task.task_id}/events"
    host, port = network.http.partition("//")[2].split(":")
    assert network.gateway is not None
    process = psutil.Process(network.gateway.pid)
    before = process.memory_info().rss
    writers = []
    for _ in range(number):
        reader, writer = await asyncio.open_connection(host, int(port), limit=1 << 14)
        writers.append(writer)
        token = signed(key, network, "GET", path)["authorization"]
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: {token}\r\n\r\n".encode())
        await reader.readuntil(b"event: accepted")
    during = process.memory_info().rss
    for writer in writers:
        writer.close()
    return before, during


async def main(number: int, watching: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with echo_network(folder, "", HTTP="127.0.0.1:0") as (network, program):
            await submits(network, program, number)
            before, during = await watchers(network, program, watching)
            each = (during - before) // watching >> 10
            print(f"{watching} watchers: {before >> 20} MiB before, {during >> 20} MiB with them, {each} KiB each")
        stop_database(folder / "gateway" / "db")


if __name__ == "__main__":
    asyncio.run(main(*(int(one) for one in [*sys.argv[1:3], "400", "2000"][:2])))
