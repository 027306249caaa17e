"""Functions, events and errors of other people's contracts, written as they are read in their sources.

    function delegateTo(address operator, (bytes signature, uint256 expiry) approval, bytes32 salt)
    function isOperator(address operator) view returns (bool)
    event OperatorSlashed(address operator, (address avs, uint32 id) operatorSet, address[] strategies)

becomes the JSON that web3 reads. A tuple is written as its types in brackets; names may be left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from eth_hash.auto import keccak

Abi = list[dict[str, object]]


def abi_of(lines: str) -> Abi:
    """Return what the lines of a text say; raise ValueError for one that says nothing. Empty lines are left out."""
    return [_entry(line.strip()) for line in lines.splitlines() if line.strip()]


def signature_of(entry: dict[str, object]) -> str:
    """Return the spelling whose hash is a function's selector or an event's topic: `name(type,type)`."""
    inputs = entry.get("inputs")
    assert isinstance(inputs, list)  # noqa: S101 - of an ABI
    return f"{entry['name']}({','.join(_spelled(one) for one in inputs)})"


def selector_of(entry: dict[str, object]) -> str:
    """Return the first four bytes of the hash of a function's or an error's signature, as hex digits after 0x."""
    return f"0x{keccak(signature_of(entry).encode())[:4].hex()}"


def topic_of(entry: dict[str, object]) -> str:
    """Return the hash of an event's signature, as hex digits after 0x."""
    return f"0x{keccak(signature_of(entry).encode()).hex()}"


def _spelled(parameter: dict[str, object]) -> str:
    kind = str(parameter["type"])
    components = parameter.get("components")
    if not isinstance(components, list):
        return kind
    return kind.replace("tuple", f"({','.join(_spelled(one) for one in components)})", 1)


def _entry(line: str) -> dict[str, object]:
    kind, _, rest = line.partition(" ")
    if kind not in ("function", "event", "error"):
        raise ValueError(f"no function, event or error: {line}")
    name, _, _ = rest.partition("(")
    inputs, after = _bracket(rest[len(name) :])
    entry: dict[str, object] = {"type": kind, "inputs": [_parameter(one, is_event=kind == "event") for one in inputs]}
    if kind == "event":
        return entry | {"name": name.strip(), "anonymous": False}
    if kind == "error":
        return entry | {"name": name.strip()}
    words, _, returns = after.partition("returns")
    mutability = words.strip() or "nonpayable"
    if mutability not in ("view", "pure", "payable", "nonpayable"):
        raise ValueError(f"neither view, pure nor payable: {line}")
    entry["stateMutability"] = mutability
    outputs = _bracket(returns.strip())[0] if returns else []
    return entry | {"name": name.strip(), "outputs": [_parameter(one) for one in outputs]}


def _bracket(text: str) -> tuple[list[str], str]:
    """Split what begins with a bracket into the parts that its commas divide, and what comes after it."""
    parts, depth, begin = [], 0, 1
    for at, letter in enumerate(text):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth == 0 or (depth == 1 and letter == ","):
            parts.append(text[begin:at].strip())
            begin = at + 1
        if depth == 0:
            return [part for part in parts if part], text[at + 1 :]
    raise ValueError(f"no bracket ends: {text}")


def _parameter(text: str, *, is_event: bool = False) -> dict[str, object]:
    if text.startswith("("):
        components, after = _bracket(text)
        array, words = _array(after)
        found: dict[str, object] = {"type": f"tuple{array}", "components": [_parameter(one) for one in components]}
    else:
        kind, *words = text.split()
        found = {"type": kind}
    if is_event:
        found["indexed"] = "indexed" in words
    found["name"] = next((word for word in reversed(words) if word not in ("indexed", "memory", "calldata")), "")
    return found


def _array(after: str) -> tuple[str, Sequence[str]]:
    brackets = re.match(r"(?:\[\d*\])*", after)
    ends = brackets.end() if brackets else 0
    return after[:ends], after[ends:].split()
