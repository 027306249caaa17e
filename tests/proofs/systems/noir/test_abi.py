"""Values of every type become field elements and are told again in one spelling; what is wrong has its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidInput, InvalidProgram
from proofgrid.proofs.systems.noir import abi
from proofgrid.proofs.systems.noir.abi import MODULUS, Boolean, Items, Number, Record, Text, Type

U8, U32 = Number("u8", 0, 255, 1 << 8), Number("u32", 0, (1 << 32) - 1, 1 << 32)
I8, I64 = Number("i8", -128, 127, 1 << 8), Number("i64", -(1 << 63), (1 << 63) - 1, 1 << 64)
FIELD = Number("Field", 0, MODULUS - 1, MODULUS)


def _items(kinds: list[Type]) -> Type:
    return Items(kinds, "items", sum(kind.count for kind in kinds))


def _record(kinds: list[Type]) -> Type:
    return Record({f"f{at}": kind for at, kind in enumerate(kinds)}, "record", sum(kind.count for kind in kinds))


TYPES: st.SearchStrategy[Type] = st.recursive(
    st.sampled_from([U8, U32, I8, I64, FIELD, Boolean(), Text(0), Text(5)]),
    lambda inner: st.one_of(st.lists(inner, max_size=3).map(_items), st.lists(inner, max_size=3).map(_record)),
    max_leaves=6,
)


@given(st.data(), TYPES)
def test_elements_in_range_are_told_and_taken_again(data: st.DataObject, kind: Type) -> None:
    def elements_of(one: Type) -> list[int]:
        match one:
            case Number():
                return [data.draw(st.integers(one.least, one.most)) % one.modulus]
            case Boolean():
                return [data.draw(st.integers(0, 1))]
            case Text():
                return list(data.draw(st.binary(min_size=one.count, max_size=one.count)))
            case Items():
                return [element for part in one.types for element in elements_of(part)]
            case Record():
                return [element for part in one.types.values() for element in elements_of(part)]

    elements = elements_of(kind)
    assert len(elements) == kind.count
    told = abi.told(kind, elements)
    assert abi.exactly(kind, told, "value") == elements


@pytest.mark.parametrize(
    ("kind", "value", "elements"),
    [
        (I8, -1, [255]),
        (I8, "-128", [128]),
        (I64, -1, [(1 << 64) - 1]),
        (FIELD, "0x0A", [10]),
        (FIELD, str(MODULUS - 1), [MODULUS - 1]),
        (Text(3), "é!", [0xC3, 0xA9, 0x21]),
        (Text(2), {"bytes": "fffe"}, [255, 254]),
    ],
)
def test_people_may_write_it_in_other_ways(kind: Type, value: Json, elements: list[int]) -> None:
    assert list(kind.take(value, "x")) == elements


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *((U8, value) for value in (256, -1, True, None, "1e1", "01", " 1", "0b1", "1_0", 1.0, [1])),
        *((I8, value) for value in (128, -129, "-0x1")),
        *((FIELD, value) for value in (MODULUS, str(MODULUS), -1, "9" * 90, "0x" + "f" * 65)),
        *((Text(2), value) for value in ("a", "abc", 12, {"bytes": "0"}, {"bytes": "00"}, "\ud800", None)),
        *((Boolean(), value) for value in (0, 1, "true", None)),
        (_items([U8, U8]), [1]),
        (_record([U8]), {}),
        (_record([U8]), {"f0": 1, "f1": 1}),
        (_record([U8]), [1]),
    ],
)
def test_what_is_no_value_of_the_type_is_refused(kind: Type, value: Json) -> None:
    with pytest.raises(InvalidInput):
        list(kind.take(value, "x"))


def test_other_spellings_of_an_output_are_refused() -> None:
    # A claim is known by its bytes, so a value has one spelling wherever it is claimed.
    others: list[tuple[Type, Json]] = [(U8, "1"), (FIELD, 1), (FIELD, "0x1"), (I64, -1), (Text(1), {"bytes": "61"})]
    for kind, value in others:
        with pytest.raises(InvalidInput):
            abi.exactly(kind, value, "output")


def test_the_place_of_what_is_wrong_is_named() -> None:
    kind = _record([_items([_record([U32])])])
    with pytest.raises(InvalidInput, match="at most 2\\^32-1") as refused:
        list(kind.take({"f0": [{"f0": 1 << 32}]}, "inputs[0]"))
    assert refused.value.field == "inputs[0].f0[0].f0"


def test_types_are_read_as_the_compiler_writes_them() -> None:
    kinds: list[Json] = [
        {"kind": "integer", "sign": sign, "width": width} for sign, width in (("unsigned", 8), ("signed", 64))
    ]
    read = abi.signature_of(
        {
            "parameters": [
                {"name": f"x{at}", "type": kind, "visibility": visibility}
                for at, (kind, visibility) in enumerate(zip(kinds, ("private", "public"), strict=True))
            ],
            "return_type": None,
        }
    )
    assert list(read.parameters.types.values()) == [U8, I64]
    assert list(read.public.types) == ["x1"]
    assert read.returned_count == 0


def deep(levels: int) -> Json:
    return {"kind": "field"} if levels == 0 else {"kind": "tuple", "fields": [deep(levels - 1)]}


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        {"kind": "slice"},
        {"kind": "integer", "sign": "unsigned", "width": 0},
        {"kind": "integer", "sign": "unsigned", "width": 1 << 40},
        {"kind": "integer", "sign": "neither", "width": 8},
        {"kind": "string", "length": -1},
        {"kind": "string", "length": 1 << 30},
        {"kind": "array", "length": 1 << 18, "type": {"kind": "array", "length": 2, "type": {"kind": "field"}}},
        {"kind": "array", "length": 1 << 18, "type": {"kind": "tuple", "fields": []}},
        {"kind": "struct", "path": "S", "fields": [{"name": "a b", "type": {"kind": "field"}}]},
        {"kind": "struct", "path": "S", "fields": [{"name": "a", "type": {"kind": "field"}}] * 2},
        deep(40),
    ],
)
def test_an_abi_of_strangers_is_refused_for_what_it_would_cost(wrong: Json) -> None:
    with pytest.raises(InvalidProgram):
        abi.signature_of({"parameters": [{"name": "x", "type": wrong, "visibility": "public"}]})


@pytest.mark.parametrize("wrong", [None, [], {}, {"parameters": [1]}, {"parameters": [{"name": "x"}]}])
def test_a_malformed_abi_is_refused(wrong: Json) -> None:
    with pytest.raises(InvalidProgram):
        abi.signature_of(wrong)


def test_what_is_returned_to_a_databus_is_not_supported() -> None:
    returned: Json = {"abi_type": {"kind": "field"}, "visibility": "databus"}
    with pytest.raises(InvalidProgram):
        abi.signature_of({"parameters": [], "return_type": returned})
