"""Which request is which call of which service: the one table that the door answers by and its document is made of.

What stands in braces in a path is a field of the call's message; the other fields are the body's, or the query's where
a request has no body. A new call of a service needs one row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from google.protobuf.descriptor import Descriptor, MethodDescriptor

from proofgrid.wire.v1 import (
    audit_pb2,
    canary_pb2,
    client_pb2,
    engines_pb2,
    incidents_pb2,
    market_pb2,
    programs_pb2,
    quotes_pb2,
    reputation_pb2,
    stake_pb2,
    statements_pb2,
    subnetworks_pb2,
    treasury_pb2,
)

_FILES = (
    audit_pb2,
    canary_pb2,
    client_pb2,
    engines_pb2,
    incidents_pb2,
    market_pb2,
    programs_pb2,
    quotes_pb2,
    reputation_pb2,
    stake_pb2,
    statements_pb2,
    subnetworks_pb2,
    treasury_pb2,
)
_SERVICES = {name: one for file in _FILES for name, one in file.DESCRIPTOR.services_by_name.items()}


@dataclass(frozen=True, kw_only=True)
class Route:
    """One request, and the call that answers it."""

    verb: str
    path: str
    call: str  #: service and method, as in the protos
    says: str  #: a sentence
    about: str  #: the heading that it stands under
    key: str = ""  #: the field that the header Idempotency-Key fills
    is_open: bool = False  #: to anybody, without a token
    body: bool | None = None  #: are fields in a body? None: as the verb says

    @cached_property
    def service(self) -> str:
        """The name of the service."""
        return self.call.partition(".")[0]

    @cached_property
    def method(self) -> MethodDescriptor:
        """The call as the protos describe it."""
        found: MethodDescriptor = _SERVICES[self.service].methods_by_name[self.call.partition(".")[2]]
        return found

    @cached_property
    def asked(self) -> Descriptor:
        """The message that asks."""
        return self.method.input_type

    @cached_property
    def answer(self) -> Descriptor:
        """The message that answers."""
        return self.method.output_type

    @cached_property
    def in_path(self) -> Sequence[str]:
        """The fields that stand in the path."""
        return [part.strip("{}").partition(":")[0] for part in self.path.split("/") if part.startswith("{")]

    @cached_property
    def has_body(self) -> bool:
        """Is there a body with fields?"""
        rest = [one for one in self.asked.fields if one.name not in self.in_path]
        return self.verb in ("POST", "PUT", "PATCH") and bool(rest) if self.body is None else self.body


def _of(about: str, *rows: tuple[str, str, str, str], **more: object) -> list[Route]:
    return [
        Route(verb=verb, path=path, call=call, says=says, about=about, **more)  # type: ignore[arg-type]
        for verb, path, call, says in rows
    ]


ROUTES: Sequence[Route] = [
    Route(
        verb="GET",
        path="/v1/network",
        call="ClientService.GetNetwork",
        says="What this network is: the address of its key, its proof systems and its limits.",
        about="Network",
        is_open=True,
    ),
    *_of(
        "Network",
        ("GET", "/v1/status", "ClientService.GetStatus", "Who is connected, and how much there is to do."),
        ("GET", "/v1/operators", "ReputationService.ListOperators", "How operators and their provers stand, and why."),
        ("GET", "/v1/engines", "EngineService.ListEngines", "The engines of proof systems, and which are stopped."),
        ("GET", "/v1/recipients", "SealingService.ListRecipients", "Whom inputs of a program can be sealed for."),
        ("GET", "/v1/subnetworks", "SubnetworkService.ListSubnetworks", "The subnetworks that you may use."),
    ),
]
