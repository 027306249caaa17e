"""Inputs of a program as clients write them: a public stack, and private advice for each step.

    {"stack": [1, 2], "advice": [5]}                              one step
    {"stack": [1, 2], "steps": [{"advice": [5]}, {}, ...]}        several; a step without advice is {}

A step's advice: `advice`, a list that the program reads from; `advice_map`, lists by word; `merkle_trees`, each the
words of its leaves. Elements are integers from 0 to the modulus of Goldilocks, or the same in decimal as texts; a word
is 0x and 64 hexadecimal digits: four elements, each in little-endian bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidInput

MODULUS = 0xFFFF_FFFF_0000_0001
STACK_SIZE = 16
ELEMENTS_MAX = 1 << 18  #: of one step
TREE_LEAVES_MAX = 1 << 14

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,19}")
_WORD = re.compile(r"0x[0-9a-f]{64}")
_ADVICE = ("advice", "advice_map", "merkle_trees")


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What is private of a step."""

    stack: tuple[str, ...] = ()
    map: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    trees: tuple[tuple[str, ...], ...] = ()

    def to_json(self) -> dict[str, Json]:
        """Return it as the engine takes it, and as clients may write it."""
        return {
            "advice": list(self.stack),
            "advice_map": {word: list(values) for word, values in self.map.items()},
            "merkle_trees": [list(leaves) for leaves in self.trees],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One input of a request: where the first step begins, and the advice of each."""

    stack: tuple[str, ...]  #: 16 elements, the top first
    steps: tuple[Advice, ...]


def read_input(value: Json, *, steps: int, place: str) -> Input:
    """Return one input of a program of so many steps; raise InvalidInput naming the place ("inputs[3].stack[0]")."""
    if not isinstance(value, Mapping):
        raise InvalidInput('an input is an object: {"stack": [...], "advice": [...]}', field=place)
    known = ("stack", "steps", *_ADVICE)
    if unknown := [name for name in value if name not in known]:
        raise InvalidInput(f"an input has {', '.join(known)}", field=f"{place}.{unknown[0][:40]}")
    stack = _elements(value.get("stack", []), f"{place}.stack")
    if len(stack) > STACK_SIZE:
        raise InvalidInput(f"at most {STACK_SIZE} elements: they are the public inputs", field=f"{place}.stack")
    return Input(stack=stack + ("0",) * (STACK_SIZE - len(stack)), steps=_steps(value, steps, place))


def read_step(value: Json, *, place: str) -> Advice:
    """Return the advice of one step; raise InvalidInput naming the place."""
    if not isinstance(value, Mapping):
        raise InvalidInput('a step is an object: {"advice": [...]}', field=place)
    if unknown := [name for name in value if name not in _ADVICE]:
        raise InvalidInput(f"a step has {', '.join(_ADVICE)}", field=f"{place}.{unknown[0][:40]}")
    words = value.get("advice_map", {})
    if not isinstance(words, Mapping):
        raise InvalidInput("a map is an object: word -> elements", field=f"{place}.advice_map")
    advice = Advice(
        stack=_elements(value.get("advice", []), f"{place}.advice"),
        map={
            _word(word, f"{place}.advice_map"): _elements(values, f"{place}.advice_map.{word[:80]}")
            for word, values in words.items()
        },
        trees=tuple(
            _leaves(leaves, f"{place}.merkle_trees[{index}]")
            for index, leaves in enumerate(_list(value.get("merkle_trees", []), f"{place}.merkle_trees"))
        ),
    )
    held = len(advice.stack) + sum(4 + len(values) for values in advice.map.values()) + 4 * sum(map(len, advice.trees))
    if held > ELEMENTS_MAX:
        raise InvalidInput(f"a step has at most {ELEMENTS_MAX} elements of advice", field=place)
    return advice


def is_stack(value: Json) -> bool:
    """Return whether a value is a whole stack in its one spelling: 16 texts in decimal, each below the modulus."""
    return isinstance(value, list) and len(value) == STACK_SIZE and all(map(_is_element, value))


def _steps(value: Mapping[str, Json], steps: int, place: str) -> tuple[Advice, ...]:
    if "steps" not in value:
        flat = {name: value[name] for name in _ADVICE if name in value}
        if flat and steps > 1:
            raise InvalidInput(
                f'the program has {steps} steps, each with advice of its own: "steps": [{{"advice": [...]}}, ...]',
                field=f"{place}.{next(iter(flat))}",
            )
        return (read_step(flat, place=place),) if steps == 1 else (Advice(),) * steps
    given = _list(value["steps"], f"{place}.steps")
    if mixed := [name for name in _ADVICE if name in value]:
        raise InvalidInput("advice stands either here or in the steps", field=f"{place}.{mixed[0]}")
    if len(given) != steps:
        raise InvalidInput(f"the program has {steps} steps, these are {len(given)}", field=f"{place}.steps")
    return tuple(read_step(one, place=f"{place}.steps[{index}]") for index, one in enumerate(given))


def _elements(value: Json, place: str) -> tuple[str, ...]:
    return tuple(_element(one, f"{place}[{index}]") for index, one in enumerate(_list(value, place)))


def _element(value: Json, place: str) -> str:
    text = str(value) if type(value) is int and 0 <= value < MODULUS else value
    if not _is_element(text):
        raise InvalidInput(
            f"an element is an integer from 0 to {MODULUS - 1}, or one in decimal as a text", field=place
        )
    return str(text)


def _is_element(value: Json) -> bool:
    return isinstance(value, str) and bool(_DECIMAL.fullmatch(value)) and int(value) < MODULUS


def _leaves(value: Json, place: str) -> tuple[str, ...]:
    leaves = _list(value, place)
    if not 2 <= len(leaves) <= TREE_LEAVES_MAX or len(leaves) & (len(leaves) - 1):
        raise InvalidInput(f"a tree has 2, 4, 8 … {TREE_LEAVES_MAX} leaves", field=place)
    return tuple(_word(leaf, f"{place}[{index}]") for index, leaf in enumerate(leaves))


def _word(value: Json, place: str) -> str:
    if not isinstance(value, str) or not _WORD.fullmatch(value) or any(one >= MODULUS for one in _parts(value)):
        raise InvalidInput("a word is 0x and 64 hexadecimal digits: four field elements", field=place)
    return value


def _parts(word: str) -> Sequence[int]:
    content = bytes.fromhex(word[2:])
    return [int.from_bytes(content[at : at + 8], "little") for at in range(0, 32, 8)]


def _list(value: Json, place: str) -> list[Json]:
    if not isinstance(value, list) or len(value) > ELEMENTS_MAX:
        raise InvalidInput(f"a list of at most {ELEMENTS_MAX}", field=place)
    return value
