"""Text that fails a column, a terminal or an eye, in every field that a stranger can fill: refused there, by name.

Pins down: the table of `wire/fields.py` is complete; what stands in it is checked before anybody else reads a message,
in calls, in the hello and in every message of a prover's stream; a failure's own words are escaped, never refused.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from typing import Any, cast
from uuid import uuid4

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import example, given
from hypothesis import strategies as st

from proofgrid.doors.services.client import ClientService
from proofgrid.primitives.errors import InvalidField, MalformedMessage
from proofgrid.primitives.plain_text import TextKind, check_text, escaped, one_line
from proofgrid.wire import fields, v1
from proofgrid.wire.codec import provers as codec
from proofgrid.wire.codec.texts import read_json
from proofgrid.wire.v1 import client_pb2, prover_pb2
from tests.toy_call import told, toy_call

HOSTILE = {
    "NUL": "eu\x00west",
    "a clipboard write": "eu\x1b]52;c;cm0gLXJmIH4=\x07",
    "a control of eight bits": "eu\x9b31m",
    "text from right to left": "eu\u202ewest",
    "isolated text": "eu\u2066west\u2069",
    "nothing to be seen": "eu\u200bwest",
    "another line": "eu\u2028west",
    "tags": "eu\U000e0041west",
    "not composed": "Mu\u0308nchen",
}
BOTH_KINDS = (fields.WORD, fields.KEY, fields.LABEL, fields.REGION, fields.LINES)


def requests() -> Iterator[Descriptor]:
    """Yield what callers send, of every service."""
    for module in pkgutil.iter_modules(v1.__path__):
        if module.name.endswith("_pb2"):
            file = importlib.import_module(f"proofgrid.wire.v1.{module.name}").DESCRIPTOR
            for service in file.services_by_name.values():
                yield from (method.input_type for method in service.methods)


def fields_of(descriptors: Iterable[Descriptor]) -> Iterator[tuple[Descriptor, FieldDescriptor]]:
    """Yield every field that they hold, those of messages inside them too."""
    waiting, seen = list(descriptors), set[str]()
    while waiting:
        descriptor = waiting.pop()
        if descriptor.full_name in seen:
            continue
        seen.add(descriptor.full_name)
        for field in descriptor.fields:
            yield descriptor, field
            if field.message_type is not None:
                waiting.append(field.message_type)


ALL = list(fields_of(requests()))
TEXT_FIELDS = [(one, field) for one, field in ALL if field.type == FieldDescriptor.TYPE_STRING]


def test_every_text_and_every_count_that_a_stranger_can_fill_stands_in_the_table() -> None:
    texts = {f"{one.name}.{field.name}" for one, field in TEXT_FIELDS}
    repeated = {f"{one.name}.{field.name}" for one, field in ALL if field.is_repeated}
    assert texts == set(fields.TEXTS)
    assert repeated == set(fields.COUNTS)


def holding(descriptor: Descriptor, field: FieldDescriptor, value: Any) -> Message:
    """Return a message with one field."""
    if field.is_repeated:
        return GetMessageClass(descriptor)(**{field.name: [value]})
    return GetMessageClass(descriptor)(**{field.name: value})


@pytest.mark.parametrize("how", HOSTILE)
def test_hostile_text_is_refused_in_every_field_that_names_the_field(how: str) -> None:
    checked = 0
    for descriptor, field in TEXT_FIELDS:
        if descriptor.GetOptions().map_entry or fields.TEXTS[f"{descriptor.name}.{field.name}"] is None:
            continue
        with pytest.raises(InvalidField) as caught:
            fields.check_message(holding(descriptor, field, HOSTILE[how]))
        assert caught.value.field == field.name
        checked += 1
    assert checked > 60


def test_hostile_names_and_digests_in_a_map_are_refused() -> None:
    for source in ({"mo\x00del": "0" * 64}, {"model": "0\x1b" * 8}):
        with pytest.raises(InvalidField) as caught:
            fields.check_message(client_pb2.RegisterProgramRequest(source=source))
        assert caught.value.field == "source"


def test_the_field_is_named_with_those_it_stands_in() -> None:
    request = client_pb2.SubmitRequest(constraints=client_pb2.Constraints(regions=["eu", "\x1b[2J"]))
    with pytest.raises(InvalidField) as caught:
        fields.check_message(request)
    assert caught.value.field == "constraints.regions"
    assert "character 1, U+001B" in caught.value.hint
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(("name", "at_most"), sorted(fields.COUNTS.items()))
def test_one_more_than_a_field_may_have_is_refused_by_its_count(name: str, at_most: int) -> None:
    descriptor, field = next((one, field) for one, field in ALL if f"{one.name}.{field.name}" == name)
    message = cast(Any, GetMessageClass(descriptor)())
    values = getattr(message, field.name)
    for number in range(at_most + 1):
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            values[f"{number}\x00"] = type(values[""])() if name == "Ask.class_prices" else "\x00"
        elif field.message_type is not None:
            values.add()
        else:
            values.append("\x00")  # looked at after the count only
    with pytest.raises(InvalidField) as caught:
        fields.check_message(message)
    assert (caught.value.field, caught.value.detail.split(",")[0]) == (field.name, f"at most {at_most}")


def test_numbers_that_no_column_holds_are_refused() -> None:
    fields.check_message(client_pb2.WatchTaskRequest(cursor=2**63 - 1))
    numbers = [(one, field) for one, field in ALL if field.type == FieldDescriptor.TYPE_UINT64]
    assert len(numbers) > 10
    for descriptor, field in numbers:
        with pytest.raises(InvalidField) as caught:
            fields.check_message(holding(descriptor, field, 2**63))
        assert caught.value.field == field.name


@pytest.mark.parametrize("kind", BOTH_KINDS, ids=lambda kind: kind.name)
def test_what_people_write_is_taken(kind: TextKind) -> None:
    check_text("eu-west-1", kind, field="x")
    check_text("x" * kind.chars_max, kind, field="x")
    with pytest.raises(InvalidField, match="at most"):
        check_text("x" * (kind.chars_max + 1), kind, field="x")
    for text in ("München", "東京", "Ἀθῆναι", "👩‍🔬"):
        if kind.ascii:
            with pytest.raises(InvalidField, match="ASCII"):
                check_text(text, kind, field="x")
        else:
            check_text(text, kind, field="x")
    if kind.lines:
        check_text("one\n\ttwo ö", kind, field="x")
    else:
        with pytest.raises(InvalidField):
            check_text("one\ntwo", kind, field="x")


#: Python calls them printable, and no eye sees them: a joiner, fillers of Hangul, vowels of Khmer, selectors.
NOT_SEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")


@given(text=st.text(st.characters(exclude_categories=[])))
@example(text="\u034f")
def test_escaped_text_holds_nothing_that_would_be_refused(text: str) -> None:
    anything = TextKind(name="x", chars_max=10_000, lines=True)
    for shown in (escaped(text), one_line(text)):
        try:
            check_text(shown, anything, field="x")
        except InvalidField as error:
            assert "NFC" in error.detail
    assert "\n" not in one_line(text)
    assert escaped(text) == text or not text.isprintable() or not NOT_SEEN.isdisjoint(text)


class NoIntake:
    """Nobody may be asked."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the intake was asked for {name}")


async def test_a_call_with_hostile_text_ends_at_the_door() -> None:
    service = ClientService(cast(Any, NoIntake()), cast(Any, NoIntake()))
    call = toy_call()
    with pytest.raises(ConnectionAbortedError):
        await service.Submit(client_pb2.SubmitRequest(idempotency_key="a\x00b"), call)
    assert "[idempotency_key]" in told(call)


def test_what_a_dying_engine_said_is_escaped_and_not_refused() -> None:
    message = prover_pb2.FromProver(
        failure=prover_pb2.JobFailure(
            lease_id=str(uuid4()), code="PG-3\x0001", detail="\x1b[31mpanicked\x1b[0m\nat 1\x00"
        )
    )
    fields.check_message(message)
    trouble = codec.read_failure(message.failure)
    assert (trouble.code, trouble.detail) == ("PG-3\\x0001", "\\x1b[31mpanicked\\x1b[0m\nat 1\\x00")


@pytest.mark.parametrize(
    "text",
    ['["\\u0000"]', '{"\\u0000":1}', '["\\ud800"]', '["\\udc00\\ud800"]', "[1e400]", "[-1E+999]", f"[{'9' * 400}.0]"],
)
def test_json_that_no_column_holds_is_refused(text: str) -> None:
    with pytest.raises(MalformedMessage):
        read_json(text, field="inputs", bytes_max=1 << 20)


@pytest.mark.parametrize(
    ("text", "value"),
    [('["\\\\u0000"]', ["\\u0000"]), ('["\\ud83d\\ude00"]', ["😀"]), ("[1e300, 1e-400]", [1e300, 0.0])],
)
def test_json_that_only_looks_like_it_is_read(text: str, value: Any) -> None:
    assert read_json(text, field="inputs", bytes_max=1 << 20) == value
