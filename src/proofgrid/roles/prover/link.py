"""The prover's stream to a gateway, on threads of its own: proving and files can never hold up a heartbeat.

    link thread       one attempt after the other; leaves one that gets stuck inside gRPC
    attempt thread    connect -> hello -> read what the gateway says -> deliver to the node's event loop
    heartbeat thread  every interval: "I live, and hold these leases"
    gRPC's thread     sends what is in the outgoing queue

A lost connection is made again, to the next gateway of the list, with backoff and jitter; the hello names the leases
still held, so that nothing is proven twice for a cut cable. A gateway that closes asks to `move`: the same, at once.
"""

from __future__ import annotations

import itertools
import queue
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import grpc
import structlog

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.errors import InvalidRequest, NameTaken, ProofgridError, Refused, Unavailable
from proofgrid.primitives.ids import Address
from proofgrid.primitives.signatures import Signer, parse_address
from proofgrid.roles.prover.name_wait import NameWait, WaitsForName
from proofgrid.roles.prover.session_secret import SessionSecret
from proofgrid.rules.access.sessions import CallId
from proofgrid.rules.jobs.offers import FromProver, HeldLease, ProverTerms, ToProver, Welcome
from proofgrid.rules.jobs.sealing import Certificate
from proofgrid.sdk.certificate import ShownCertificate, fetch_certificate
from proofgrid.sdk.connection import OPTIONS, channel_credentials
from proofgrid.sdk.signing import CONNECT_PATH
from proofgrid.sdk.tokens import Metadata, bearing, fresh_nonce, make_token, purpose_of
from proofgrid.wire.addresses import Target, parse_target
from proofgrid.wire.codec.provers import (
    RESULTS_PER_MESSAGE_MAX,
    read_to_prover,
    write_from_prover,
    write_held,
    write_hello,
)
from proofgrid.wire.errors import read_error
from proofgrid.wire.v1 import client_pb2, client_pb2_grpc, prover_pb2

BACKOFF_FIRST_SECONDS = 0.2
BACKOFF_MAX_SECONDS = 5.0
CONNECT_TIMEOUT_SECONDS = 10.0

log = structlog.get_logger(__name__)

Delivered: TypeAlias = ToProver | ProofgridError | WaitsForName
Deliver = Callable[[Delivered], object]  #: called on the link's threads
_Outgoing = queue.SimpleQueue[prover_pb2.FromProver | None]
_Connect: TypeAlias = "grpc.StreamStreamMultiCallable[bytes, prover_pb2.ToProver]"


@dataclass(slots=True)
class _Attempt:
    """One stream, from its beginning to its end."""

    welcomed: bool = False
    left: bool = False  #: nobody listens to it any more
    error: ProofgridError = field(default_factory=lambda: Unavailable("the gateway ended the stream"))
    heard: threading.Event = field(default_factory=threading.Event)  #: welcomed, or ended
    ended: threading.Event = field(default_factory=threading.Event)

    def end(self) -> None:
        """Nothing more will come of it."""
        self.ended.set()
        self.heard.set()


class Link:
    """Keeps one stream to one of several gateways."""

    def __init__(
        self,
        gateways: Sequence[str],
        key: Signer,
        *,
        terms: Callable[[], ProverTerms],
        held: Callable[[], tuple[HeldLease, ...]],
        secret: SessionSecret,
        certify: Callable[[Address], Certificate | None],
        deliver: Deliver,
        network: str | None,
        ca_file: Path | None,
        clock: Clock,
    ) -> None:
        self._targets = [parse_target(gateway) for gateway in gateways]
        self._key = key
        self._terms = terms
        self._held = held
        self._secret = secret
        self._certify = certify
        self._name_wait = NameWait()
        self._deliver = deliver
        self._network: Address | None = parse_address(network, field="network") if network else None
        self._ca_file = ca_file
        self._clock = clock
        self._closing = threading.Event()
        self._moving = threading.Event()
        self._outgoing: _Outgoing | None = None
        self._call: Any = None
        self._thread = threading.Thread(target=self._run, name="link", daemon=True)
        self._chance = random.Random()  # noqa: S311 - jitter, not secrets

    def start(self) -> None:
        """Connect and stay connected until `close`."""
        self._thread.start()

    def close(self) -> None:
        """End the stream; returns when the link thread has ended."""
        self._closing.set()
        if self._outgoing is not None:
            self._outgoing.put(None)
        self._cancel()
        self._thread.join(timeout=10)

    def move(self) -> None:
        """Go to the next gateway now. What this one said before was delivered, so the hello there names every lease."""
        self._moving.set()
        self._cancel()

    def send(self, said: FromProver) -> bool:
        """Say something; False when there is no connection now (what matters is sent again after the next hello)."""
        outgoing = self._outgoing
        if outgoing is None:
            return False
        outgoing.put(write_from_prover(said))
        return True

    def _run(self) -> None:
        delay_seconds = BACKOFF_FIRST_SECONDS
        attempt = 0
        while not self._closing.is_set():
            target = self._targets[attempt % len(self._targets)]
            attempt += 1
            self._moving.clear()
            tried = _Attempt()
            threading.Thread(target=self._try, args=(target, tried), name="attempt", daemon=True).start()
            # A gateway that closes may take a connection, never answer on it and never end it; then not even
            # cancelling the call or closing the channel is sure to come back.
            if tried.heard.wait(CONNECT_TIMEOUT_SECONDS):
                tried.ended.wait()
            else:
                tried.left = True
                tried.error = Unavailable(f"no welcome within {CONNECT_TIMEOUT_SECONDS:g} s")
                self._cancel()
            error = tried.error
            if tried.welcomed:
                delay_seconds = BACKOFF_FIRST_SECONDS
                self._name_wait.welcomed()
            if self._closing.is_set():
                return
            if isinstance(error, NameTaken):
                if not self._wait_for_name(error):
                    return
                continue
            self._deliver(error)
            if is_final(error):
                return
            if self._moving.is_set():
                continue
            self._closing.wait(delay_seconds * self._chance.uniform(0.5, 1.0))
            delay_seconds = min(2 * delay_seconds, BACKOFF_MAX_SECONDS)

    def _wait_for_name(self, error: NameTaken) -> bool:
        """Wait until it is time to ask again; False: there is no sense in asking."""
        seconds = self._name_wait.refused(error, now_seconds=self._clock.running_seconds())
        if seconds is None:
            self._deliver(error)
            return False
        self._deliver(WaitsForName(error, error.wait_ms / 1000))
        self._closing.wait(seconds + self._chance.uniform(0.0, 0.1))
        return True

    def _cancel(self) -> None:
        """End the call that is under way, on a thread of its own: inside gRPC it may get stuck."""
        if self._call is not None:
            threading.Thread(target=self._call.cancel, name="cancel", daemon=True).start()

    def _try(self, target: Target, tried: _Attempt) -> None:
        try:
            self._stay_connected(target, tried)
        except grpc.RpcError as rpc_error:
            tried.error = read_error(rpc_error)
        except ProofgridError as ours:
            tried.error = ours
        finally:
            tried.end()

    def _stay_connected(self, target: Target, tried: _Attempt) -> None:
        """Run one stream to its end."""
        address, credentials = target.address, channel_credentials(target, self._ca_file)
        shown = None
        if credentials is not None:
            shown = self._certificate(target, credentials)
        if shown is not None:
            address, credentials = shown.address, shown.credentials(self._ca_file)
        channel = (
            grpc.secure_channel(address, credentials, options=OPTIONS)
            if credentials is not None
            else grpc.insecure_channel(address, options=OPTIONS)
        )
        ended = threading.Event()
        with channel:
            outgoing: _Outgoing = queue.SimpleQueue()
            hello, metadata = self._hello(self._network_of(channel), target)
            connect: grpc.StreamStreamMultiCallable[bytes, prover_pb2.ToProver] = channel.stream_stream(
                CONNECT_PATH, response_deserializer=prover_pb2.ToProver.FromString
            )
            call = connect(itertools.chain([hello], _drain(outgoing)), metadata=metadata)
            if tried.left:
                call.cancel()
            else:
                self._call = call
            try:
                for message in call:
                    if tried.left:
                        break
                    said = read_to_prover(message)
                    if isinstance(said, Welcome):
                        tried.welcomed = True
                        tried.heard.set()
                        self._outgoing = outgoing
                        self._start_heartbeats(said.heartbeat_ms / 1000, outgoing, ended)
                        self._renew_in_time(shown, ended)
                    self._deliver(said)
                    if self._closing.is_set():
                        break
            except grpc.RpcError as error:
                if not tried.welcomed:
                    tried.error = read_error(error)
            finally:
                ended.set()
                if not tried.left:
                    self._outgoing = None
                outgoing.put(None)
                # Closing the channel may take for ever; the next attempt need not wait for it.
                tried.end()

    def _certificate(self, target: Target, credentials: grpc.ChannelCredentials) -> ShownCertificate | None:
        """Return what to connect with and where, None where the gateway asks for no certificate."""
        with grpc.secure_channel(target.address, credentials, options=OPTIONS) as channel:
            return fetch_certificate(channel, self._key, self._network_of(channel), target, clock=self._clock)

    def _renew_in_time(self, shown: ShownCertificate | None, ended: threading.Event) -> None:
        """Connect anew before the certificate ends: the hello then names every lease that is held, and none is lost."""
        if shown is None:
            return

        def renew() -> None:
            if not ended.wait(shown.renew_seconds):
                log.info("certificate_renewed", gateway=shown.address)
                self.move()

        threading.Thread(target=renew, name="certificate", daemon=True).start()

    def _network_of(self, channel: grpc.Channel) -> Address:
        if self._network is None:
            facts = client_pb2_grpc.ClientServiceStub(channel).GetNetwork(
                client_pb2.GetNetworkRequest(), timeout=CONNECT_TIMEOUT_SECONDS
            )
            self._network = parse_address(facts.address, field="network")
        return self._network

    def _hello(self, network: Address, target: Target) -> tuple[bytes, Metadata]:
        """Return the hello for a gateway, as it is sent, and the metadata of its call: each is signed for the other."""
        nonce, terms = fresh_nonce(), replace(self._terms(), sealing=self._certify(network))
        call = CallId(operator=self._key.address, network=network, gateway=target.name, nonce=nonce)
        hello = write_hello(terms, self._secret.sign(name=terms.name, call=call)).SerializeToString()
        purpose = purpose_of(CONNECT_PATH, hello, gateway=target.name)
        token = make_token(self._key, network=network, purpose=purpose, now_ms=self._clock.now_ms(), nonce=nonce)
        return hello, bearing(token)

    def _start_heartbeats(self, interval_seconds: float, outgoing: _Outgoing, ended: threading.Event) -> None:
        def beat() -> None:
            while not ended.wait(interval_seconds):
                held = [write_held(lease) for lease in self._held()]
                beat = prover_pb2.Heartbeat(held=held, sent_ms=self._clock.now_ms())
                outgoing.put(prover_pb2.FromProver(heartbeat=beat))

        threading.Thread(target=beat, name="heartbeat", daemon=True).start()


def is_final(error: ProofgridError) -> bool:
    """Would asking again in the same words get the same answer?"""
    return isinstance(error, InvalidRequest) and (not isinstance(error, Refused) or isinstance(error, NameTaken))


def _drain(outgoing: _Outgoing) -> Iterator[bytes]:
    waiting = [outgoing.get()]
    while (message := waiting[0]) is not None:
        waiting = _gather_results(message, outgoing)
        yield message.SerializeToString()
        waiting = waiting or [outgoing.get()]


def _gather_results(message: prover_pb2.FromProver, outgoing: _Outgoing) -> list[prover_pb2.FromProver | None]:
    """Put results that wait right behind results into the same message; return what came behind them, if anything."""
    while message.HasField("results") and len(message.results.results) < RESULTS_PER_MESSAGE_MAX:
        try:
            following = outgoing.get_nowait()
        except queue.Empty:
            break
        if following is None or not following.HasField("results"):
            return [following]
        message.results.results.extend(following.results.results)
    return []
