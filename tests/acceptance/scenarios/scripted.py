"""A prover that does what a scenario says: it speaks the real stream, and lies, repeats and keeps silent at will."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from itertools import cycle
from types import TracebackType
from typing import Any

import grpc

from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.clock import SystemClock
from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.signatures import SigningKey
from proofgrid.rules.access.sessions import CallId, session_statement
from proofgrid.rules.staking.results import claim_of, sign_result
from proofgrid.sdk.signing import CONNECT_PATH
from proofgrid.sdk.tokens import bearing, fresh_nonce, make_token, purpose_of
from proofgrid.wire.addresses import parse_target
from proofgrid.wire.codec.provers import read_result
from proofgrid.wire.errors import read_error
from proofgrid.wire.v1 import prover_pb2 as messages
from proofgrid.wire.v1 import prover_pb2_grpc as services
from tests.networks import Network
from tests.toy_system import _walk

HEAR_SECONDS = 60.0

CONNECT_TRIES = 5


class ScriptedProver:
    """One stream of an operator; heartbeats for what it holds go out until it falls `silent`."""

    def __init__(
        self,
        network: Network,
        name: str,
        operator: str,
        *,
        ask: int = 500,
        slots: int = 4,
        memory_bytes: int = 8 << 30,
        clock_error_ms: int = 0,
        subnetworks: Sequence[str] = (),
    ) -> None:
        self._network = network
        self._key = network.keys[operator]
        self._hello = messages.Hello(
            name=name,
            asks=[messages.Ask(proof_system="toy@1.0", price=ask)],
            classes=["small", "medium", "large"],
            slots=slots,
            cores=1,
            memory_bytes=memory_bytes,
            subnetworks=subnetworks,
        )
        self._clock_error_ms = clock_error_ms
        self._heard: dict[str, asyncio.Queue[Any]] = defaultdict(asyncio.Queue)
        self._held: dict[str, messages.HeldLease] = {}
        self._writing = asyncio.Lock()
        self.silent = False

    async def __aenter__(self) -> ScriptedProver:
        for tries_left in reversed(range(CONNECT_TRIES)):
            try:
                return await self._connect()
            except grpc.aio.AioRpcError as error:
                # Where a refusal meets the hello under way, grpc.aio forgets the refusal; a new token asks again.
                if error.code() is not grpc.StatusCode.INTERNAL or not tries_left:
                    raise read_error(error) from None
        raise AssertionError("not reached")

    async def _connect(self) -> ScriptedProver:
        self._channel = grpc.aio.insecure_channel(self._network.address)
        call = CallId(
            operator=self._key.address,
            network=self._network.admin_key.address,
            gateway=parse_target(self._network.address).name,
            nonce=fresh_nonce(),
        )
        self._sign(call)
        hello = messages.FromProver(hello=self._hello)
        token = make_token(
            self._key,
            network=call.network,
            purpose=purpose_of(CONNECT_PATH, hello.SerializeToString(), gateway=call.gateway),
            now_ms=SystemClock().now_ms() + self._clock_error_ms,
            nonce=call.nonce,
        )
        self._call: Any = services.ProverServiceStub(self._channel).Connect(metadata=bearing(token))
        try:
            await self._call.write(hello)
            first: Any = await self._call.read()
            if first is grpc.aio.EOF:
                raise ConnectionResetError("the gateway ended the stream")
        except (grpc.RpcError, asyncio.InvalidStateError, ConnectionResetError) as ended:
            error = ended if isinstance(ended, grpc.aio.AioRpcError) else await _error_of(self._call)
            await self._channel.close()
            raise error from None
        self.welcome = first.welcome
        self._tasks = [asyncio.ensure_future(self._beat()), asyncio.ensure_future(self._listen())]
        return self

    def _sign(self, call: CallId) -> None:
        # Always the same process to the gateway: it lost its connection, and comes back.
        secret, run = SigningKey(hashlib.sha256(self._hello.name.encode()).digest()), "0" * 32
        self._hello.session_key, self._hello.run = secret.address, run
        self._hello.session_signature = secret.sign(session_statement(name=self._hello.name, run=run, call=call))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        self._call.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._channel.close()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(0.3)
            if not self.silent:
                with suppress(grpc.RpcError, asyncio.InvalidStateError):
                    await self.say(heartbeat=messages.Heartbeat(held=list(self._held.values())))

    async def _listen(self) -> None:
        with suppress(grpc.RpcError):
            while (message := await self._call.read()) is not grpc.aio.EOF:
                kind = message.WhichOneof("message")
                parts = {"leases": message.leases.leases, "acks": message.acks.acks}.get(kind, [message])
                for part in parts:
                    self._heard[kind].put_nowait(part)

    async def say(self, **message: Any) -> None:
        """Send one message: heartbeat, progress, result, failure or drain."""
        if "result" in message:
            message["results"] = messages.JobResults(results=[message.pop("result")])
        async with self._writing:  # heartbeats come in between
            await self._call.write(messages.FromProver(**message))

    async def hear(self, kind: str) -> Any:
        """Return the next message of a kind, of leases and acks the next single one."""
        async with asyncio.timeout(HEAR_SECONDS):
            return await self._heard[kind].get()

    async def take_lease(self) -> messages.Lease:
        """Wait for a lease and hold it."""
        lease: messages.Lease = await self.hear("leases")
        self._held[lease.lease_id] = messages.HeldLease(lease_id=lease.lease_id, fence=lease.fence)
        return lease

    def let_go(self, lease: messages.Lease) -> None:
        """Speak of this lease no more."""
        self._held.pop(lease.lease_id, None)

    async def verdict(self) -> messages.ResultAck:
        """Return the next answer to a result."""
        verdict: messages.ResultAck = await self.hear("acks")
        return verdict

    async def answer(self, result: messages.JobResult) -> messages.ResultAck | None:
        """Hand in a result and return the answer; None when the stream ends before."""
        await self.say(result=result)
        answered = asyncio.ensure_future(self.verdict())
        await asyncio.wait({answered, *self._tasks[1:]}, return_when=asyncio.FIRST_COMPLETED)
        if answered.done():
            return answered.result()
        answered.cancel()
        return None


async def lie_for_ever(prover: ScriptedProver, codes: Sequence[str]) -> None:
    """Answer each lease at once with the next code."""
    for code in cycle(codes):
        lease = await prover.take_lease()
        prover.let_go(lease)
        failure = messages.JobFailure(lease_id=lease.lease_id, fence=lease.fence, code=code, detail="says the liar")
        await prover.say(failure=failure)


async def _error_of(call: Any) -> Any:
    code, details, trailing = await call.code(), await call.details(), await call.trailing_metadata()
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(*(trailing or ())), details)


def prove(lease: messages.Lease, text: str = "", *, rounds: int = 10) -> messages.JobResult:
    """Return the right result of a lease of a toy task about `text`, or about the input that came with it."""
    start = (
        _walk(str(digest_of(text.encode())), rounds * lease.slice) if text else json.loads(lease.small_input)["start"]
    )
    end = _walk(start, rounds)
    return messages.JobResult(
        lease_id=lease.lease_id,
        fence=lease.fence,
        proof=canonical_json({"start": start, "end": end}),
        public_json=json.dumps({"end": end}),
        wall_ms=1,
    )


def sign(result: messages.JobResult, lease: messages.Lease, network: Network, operator: str) -> messages.JobResult:
    """Return the result with its operator's signature."""
    claim = claim_of(
        read_result(result),
        network=network.admin_key.address,
        fence=lease.fence,
        job_id=lease.job_id,
        program=lease.program_digest,
        slice_index=lease.slice,
    )
    result.signature = sign_result(claim, network.keys[operator])
    return result
