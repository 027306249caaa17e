"""The types of a program's parameters, and how their values become field elements, one after the other.

    what people write   integers, also in decimal or hexadecimal as texts; true, false; texts; lists; objects by name
    what we write       integers of up to 32 bits as numbers, wider ones and fields as texts in decimal: one spelling
    elements            integers from 0 to the modulus; negative ones in two's complement; texts byte by byte

Whatever is refused is named by its place, such as `inputs[0].account.balance`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidInput, InvalidProgram
from proofgrid.proofs.kit.batches import same_json

#: The scalar field of BN254.
MODULUS = 21888242871839275222246405745257275088548364400416034343698204186575808495617
ELEMENTS_MAX = 1 << 18  #: of a program's parameters, and of what it returns

_DEPTH_MAX = 32
_NAME_SHOWN = 80
_NUMBER_BITS = 32  #: wider integers are written as texts, for readers that have no integers beyond 2^53
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,77})|0x[0-9a-fA-F]{1,64}")


@dataclass(frozen=True, slots=True)
class Number:
    """An integer of a range: fields, and integers of every width."""

    name: str  #: "Field", "u8", "i64"
    least: int
    most: int
    modulus: int  #: of two's complement

    count = 1

    def take(self, value: Json, place: str) -> Iterator[int]:
        number = int(value, 0) if isinstance(value, str) and _INTEGER.fullmatch(value) else value
        if type(number) is not int or not self.least <= number <= self.most:
            raise InvalidInput(f"{self.name}: {self._rule()}", field=place)
        yield number % self.modulus

    def told(self, elements: Iterator[int]) -> Json:
        element = next(elements)
        number = element - self.modulus if element > self.most else element
        if not 0 <= element < self.modulus or not self.least <= number <= self.most:
            raise InvalidInput(f"a value is none of {self.name}", field="output")
        return number if self.modulus <= 1 << _NUMBER_BITS else str(number)

    def _rule(self) -> str:
        if self.name == "Field":
            return (
                "an integer from 0 to the modulus of BN254's scalar field, or one in decimal or hexadecimal as a text"
            )
        bits = self.most.bit_length()
        least = "at least 0" if self.least == 0 else f"at least -2^{bits}"
        return f"an integer, {least}, at most 2^{bits}-1"


@dataclass(frozen=True, slots=True)
class Boolean:
    """true or false."""

    name = "bool"
    count = 1

    def take(self, value: Json, place: str) -> Iterator[int]:
        if not isinstance(value, bool):
            raise InvalidInput("bool: true or false", field=place)
        yield int(value)

    def told(self, elements: Iterator[int]) -> Json:
        element = next(elements)
        if element > 1:
            raise InvalidInput("a value is none of bool", field="output")
        return bool(element)


@dataclass(frozen=True, slots=True)
class Text:
    """A text of so many bytes in UTF-8; bytes that are no text are {"bytes": "c0ff…"}."""

    count: int

    @property
    def name(self) -> str:
        return f"str<{self.count}>"

    def take(self, value: Json, place: str) -> Iterator[int]:
        content = _bytes_of(value)
        if content is None or len(content) != self.count:
            found = "" if content is None else f", and these are {len(content)}"
            raise InvalidInput(f"{self.name}: a text of exactly {self.count} bytes in UTF-8{found}", field=place)
        yield from content

    def told(self, elements: Iterator[int]) -> Json:
        values = [next(elements) for _ in range(self.count)]
        if any(value > 0xFF for value in values):
            raise InvalidInput(f"a value is none of {self.name}", field="output")
        try:
            return bytes(values).decode()
        except UnicodeDecodeError:
            return {"bytes": bytes(values).hex()}


@dataclass(frozen=True, slots=True)
class Items:
    """An array or a tuple: values of types, in a list."""

    types: Sequence[Type]
    name: str
    count: int

    def take(self, value: Json, place: str) -> Iterator[int]:
        if not isinstance(value, list) or len(value) != len(self.types):
            raise InvalidInput(f"{self.name}: a list of {len(self.types)}", field=place)
        for at, (kind, one) in enumerate(zip(self.types, value, strict=True)):
            yield from kind.take(one, f"{place}[{at}]")

    def told(self, elements: Iterator[int]) -> Json:
        return [kind.told(elements) for kind in self.types]


@dataclass(frozen=True, slots=True)
class Record:
    """A struct, or a program's parameters: values by name."""

    types: Mapping[str, Type]
    name: str
    count: int

    def take(self, value: Json, place: str) -> Iterator[int]:
        if not isinstance(value, Mapping):
            raise InvalidInput(f"{self.name}: an object with {', '.join(self.types) or 'nothing in it'}", field=place)
        for name in self.types:
            if name not in value:
                raise InvalidInput(f"{self.name} has {name}", field=f"{place}.{name}")
        for name in value:
            if name not in self.types:
                raise InvalidInput(f"{self.name} has no such name", field=f"{place}.{name[:40]}")
        for name, kind in self.types.items():
            yield from kind.take(value[name], f"{place}.{name}")

    def told(self, elements: Iterator[int]) -> Json:
        return {name: kind.told(elements) for name, kind in self.types.items()}


Type = Number | Boolean | Text | Items | Record


@dataclass(frozen=True, slots=True)
class Signature:
    """What a program takes, of which some is public, and what it returns, which all is."""

    parameters: Record
    public: Record
    returns: Type | None

    @property
    def public_count(self) -> int:
        """How many field elements are public: parameters first, then what is returned."""
        return self.public.count + self.returned_count

    @property
    def returned_count(self) -> int:
        return self.returns.count if self.returns is not None else 0

    def told_output(self, elements: Sequence[int]) -> Json:
        """Return what a program returned, in our spelling; {} for a program that returns nothing."""
        return told(self.returns, elements) if self.returns is not None else {}

    def output_elements(self, claimed: Json) -> list[int]:
        """Return the elements of an output in our spelling; raise InvalidInput for any other."""
        if self.returns is None:
            return exactly(Record({}, "output", 0), claimed, "output")
        return exactly(self.returns, claimed, "output")

    def lines(self) -> list[Json]:
        """Say what it takes, for people: name and type of each parameter."""
        rows: list[Json] = []
        for name, kind in self.parameters.types.items():
            rows.append({"name": name, "shape": f"{'pub ' if name in self.public.types else ''}{kind.name}"})
        return rows


def told(kind: Type, elements: Sequence[int]) -> Json:
    """Return the value that so many elements are, in our spelling; raise InvalidInput when they are none."""
    return kind.told(iter(elements))


def exactly(kind: Type, value: Json, place: str) -> list[int]:
    """Return the elements of a value that is in our spelling; raise InvalidInput for any other."""
    elements = list(kind.take(value, place))
    if not same_json(value, kind.told(iter(elements))):
        raise InvalidInput("it is not in its one spelling", field=place)
    return elements


def signature_of(abi: Json) -> Signature:
    """Read the ABI that the compiler wrote; raise InvalidProgram naming what in it is malformed, or not supported."""
    if not isinstance(abi, Mapping) or not isinstance(parameters := abi.get("parameters"), list):
        raise InvalidProgram("its ABI is malformed", field="source.circuit.abi")
    types: dict[str, Type] = {}
    public: dict[str, Type] = {}
    for entry in parameters:
        name = _name_of(entry, types)
        types[name] = _type_of(entry.get("type"), 0)
        if entry.get("visibility") not in ("public", "private"):
            raise InvalidProgram(f"{name} is neither public nor private", field=f"source.circuit.abi.{name}")
        if entry["visibility"] == "public":
            public[name] = types[name]
    returned = abi.get("return_type")
    if returned is None:
        return Signature(_record(types, "an input"), _record(public, "what is public"), None)
    if not isinstance(returned, Mapping) or returned.get("visibility") != "public":
        raise InvalidProgram("what it returns is not public", field="source.circuit.abi.return_type")
    kind = _type_of(returned.get("abi_type"), 0)
    return Signature(_record(types, "an input"), _record(public, "what is public"), kind)


def _type_of(node: Json, depth: int) -> Type:
    if depth > _DEPTH_MAX or not isinstance(node, Mapping):
        raise InvalidProgram(f"a type is an object, at most {_DEPTH_MAX} deep", field="source.circuit.abi")
    match node.get("kind"):
        case "field":
            return Number("Field", 0, MODULUS - 1, MODULUS)
        case "boolean":
            return Boolean()
        case "integer":
            return _integer(node)
        case "string":
            return Text(_length(node))
        case "array":
            item, length = _type_of(node.get("type"), depth + 1), _length(node)
            if item.count == 0:
                raise InvalidProgram("an array of nothing is not supported", field="source.circuit.abi")
            return Items([item] * length, _short(f"[{item.name}; {length}]"), _bounded(item.count * length))
        case "tuple" if isinstance(fields := node.get("fields"), list):
            kinds = [_type_of(one, depth + 1) for one in fields]
            return Items(kinds, _short(f"({', '.join(kind.name for kind in kinds)})"), _total(kinds))
        case "struct" if isinstance(fields := node.get("fields"), list):
            types: dict[str, Type] = {}
            for one in fields:
                name = _name_of(one, types)
                types[name] = _type_of(one.get("type"), depth + 1)
            return _record(types, _short(str(node.get("path", "struct"))))
    raise InvalidProgram(f"the type {str(node.get('kind'))[:40]!r} is not supported", field="source.circuit.abi")


def _integer(node: Mapping[str, Json]) -> Number:
    width, sign = node.get("width"), node.get("sign")
    if type(width) is not int or not 1 <= width <= 128 or sign not in ("signed", "unsigned"):
        raise InvalidProgram("an integer has 1 to 128 bits and a sign, or none", field="source.circuit.abi")
    if sign == "unsigned":
        return Number(f"u{width}", 0, (1 << width) - 1, 1 << width)
    return Number(f"i{width}", -(1 << width - 1), (1 << width - 1) - 1, 1 << width)


def _record(types: Mapping[str, Type], name: str) -> Record:
    return Record(types, name, _total(list(types.values())))


def _total(kinds: Sequence[Type]) -> int:
    return _bounded(sum(kind.count for kind in kinds))


def _length(node: Mapping[str, Json]) -> int:
    length = node.get("length")
    if type(length) is not int or length < 0:
        raise InvalidProgram("a length is an integer, at least 0", field="source.circuit.abi")
    return _bounded(length)


def _short(name: str) -> str:
    return name if len(name) <= _NAME_SHOWN else f"{name[: _NAME_SHOWN - 1]}…"


def _bounded(count: int) -> int:
    if count > ELEMENTS_MAX:
        raise InvalidProgram(f"a program takes and returns at most {ELEMENTS_MAX} values", field="source.circuit.abi")
    return count


def _name_of(entry: Json, known: Mapping[str, Type]) -> str:
    name = entry.get("name") if isinstance(entry, Mapping) else None
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name in known:
        raise InvalidProgram("every parameter and field has a name of its own", field="source.circuit.abi")
    return name


def _bytes_of(value: Json) -> bytes | None:
    if isinstance(value, Mapping) and list(value) == ["bytes"] and isinstance(value["bytes"], str):
        try:
            return bytes.fromhex(value["bytes"])
        except ValueError:
            return None
    if not isinstance(value, str):
        return None
    try:
        return value.encode()
    except UnicodeEncodeError:
        return None
