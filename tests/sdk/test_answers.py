"""What the SDK answers says all that the wire does: a field that one of them lacks is found here."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

import proofgrid.sdk.answers
import proofgrid.wire.v1
from proofgrid.sdk.answers.network import NetworkStatus
from proofgrid.sdk.answers.operators import ProverStanding
from proofgrid.sdk.answers.quotes import FirmTerms, Quote
from proofgrid.sdk.answers.reading import read
from proofgrid.sdk.answers.work import Job, Program, Task
from proofgrid.wire.v1 import client_pb2, quotes_pb2, reputation_pb2

#: Where a value has a better name than its message, or one value is enough for two.
NAMED_OTHERWISE = {
    "DeletedProgram": "DeleteProgramResponse",
    "Standings": "ListOperatorsResponse",
    "Canaries": "ListCanariesResponse",
    "WebhookTest": "TestWebhookResponse",
}
ALSO_READ_FROM = [("Treasury", "TreasuryFunds")]
SCALARS = {
    str: FieldDescriptor.CPPTYPE_STRING,
    bytes: FieldDescriptor.CPPTYPE_STRING,
    bool: FieldDescriptor.CPPTYPE_BOOL,
}
WHOLE_NUMBERS = {
    FieldDescriptor.CPPTYPE_INT32,
    FieldDescriptor.CPPTYPE_INT64,
    FieldDescriptor.CPPTYPE_UINT32,
    FieldDescriptor.CPPTYPE_UINT64,
}


def values() -> dict[str, type]:
    found = pkgutil.iter_modules(proofgrid.sdk.answers.__path__)
    modules = [importlib.import_module(f"proofgrid.sdk.answers.{one.name}") for one in found]
    return {
        name: kind
        for module in modules
        for name, kind in vars(module).items()
        if is_dataclass(kind) and isinstance(kind, type) and kind.__module__ == module.__name__
    }


def messages() -> dict[str, type[Message]]:
    found = pkgutil.iter_modules(proofgrid.wire.v1.__path__)
    modules = [importlib.import_module(f"proofgrid.wire.v1.{one.name}") for one in found if one.name.endswith("_pb2")]
    return {name: vars(module)[name] for module in modules for name in module.DESCRIPTOR.message_types_by_name}


VALUES, MESSAGES = values(), messages()
PAIRS = [(name, NAMED_OTHERWISE.get(name, name)) for name in VALUES] + ALSO_READ_FROM


@pytest.mark.parametrize(("value", "message"), PAIRS)
def test_a_value_has_the_fields_of_its_message_in_their_order(value: str, message: str) -> None:
    said = [name.removesuffix("_json") for name in MESSAGES[message].DESCRIPTOR.fields_by_name]
    assert [one.name.removesuffix("_") for one in fields(VALUES[value])] == said


@pytest.mark.parametrize(("value", "message"), PAIRS)
def test_a_value_has_the_types_of_its_message(value: str, message: str) -> None:
    described: Any = MESSAGES[message].DESCRIPTOR
    for name, hint in get_type_hints(VALUES[value]).items():
        field = described.fields_by_name.get(name.removesuffix("_"))
        if field is None:  # …_json
            assert get_origin(hint) is UnionType
        else:
            assert fits(hint, field), name


def fits(hint: Any, field: FieldDescriptor) -> bool:
    is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
    if get_origin(hint) is Mapping or is_map:
        return is_map and get_origin(hint) is get_origin(Mapping[str, str])
    if get_origin(hint) is tuple:
        return field.is_repeated and is_one(get_args(hint)[0], field)
    if get_origin(hint) is UnionType:
        [hint] = (one for one in get_args(hint) if one is not NoneType)
        return field.has_presence and is_one(hint, field)
    return not field.is_repeated and is_one(hint, field)


def is_one(hint: type, field: FieldDescriptor) -> bool:
    if is_dataclass(hint):
        return field.message_type is not None and field.message_type.name == hint.__name__
    return field.cpp_type in WHOLE_NUMBERS if hint is int else field.cpp_type == SCALARS[hint]


@pytest.mark.parametrize(("value", "message"), PAIRS)
def test_an_empty_message_is_read(value: str, message: str) -> None:
    assert isinstance(read(VALUES[value], MESSAGES[message]()), VALUES[value])


def test_what_a_message_says_is_what_the_value_says() -> None:
    job = client_pb2.Job(units=3)
    setattr(job, "class", "small")
    task = read(Task, client_pb2.Task(task_id="t", jobs=[job]))
    assert (task.task_id, task.jobs) == ("t", (Job(units=3, class_="small"),))
    assert read(NetworkStatus, client_pb2.NetworkStatus(tasks_by_state={"open": 2})).tasks_by_state == {"open": 2}
    assert read(Program, client_pb2.Program(manifest_json='{"a": [1]}')).manifest == {"a": [1]}
    firm = quotes_pb2.FirmTerms(cost=7)
    assert [read(Quote, quotes_pb2.Quote(firm=one)).firm for one in (None, firm)] == [None, FirmTerms(cost=7)]
    standing = reputation_pb2.ProverStanding(counts=reputation_pb2.FactCounts(late_milli=5), reasons=["new"])
    seen = read(ProverStanding, standing)
    assert (seen.counts.late_milli, seen.reasons, seen.speeds) == (5, ("new",), ())
