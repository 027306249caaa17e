"""A gRPC call without a wire: everything that gRPC's own context has, so that the door may ask it anything."""

from __future__ import annotations

from unittest.mock import Mock, create_autospec

from grpc.aio import ServicerContext

PEER = "ipv4:10.0.0.1:4711"


def toy_call(*, peer: str = PEER, token: str = "") -> Mock:
    """Return a call of a peer, with a token if one is given; aborting it raises ConnectionAbortedError."""
    call: Mock = create_autospec(ServicerContext, instance=True)
    call.peer.return_value = peer
    call.invocation_metadata.return_value = (("authorization", f"Bearer {token}"),) if token else ()
    call.abort.side_effect = ConnectionAbortedError
    return call


def told(call: Mock) -> str:
    """Return what the caller of an aborted call was told."""
    return str(call.abort.call_args.args[1])
