import json
import subprocess
import sys

import pytest

from proofgrid.primitives.errors import MalformedMessage
from proofgrid.wire.codec.texts import read_json


@pytest.mark.parametrize(
    "module",
    ["sdk.keys", "primitives.ethereum", "proofs.systems.ezkl.reference.pairing", "proofs.systems.ezkl.adapter"],
)
def test_importing_what_raises_the_recursion_limit_leaves_it_as_it_was(module: str) -> None:
    code = f"import sys; a = sys.getrecursionlimit(); import proofgrid.{module}; print(a == sys.getrecursionlimit())"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "True"


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 50_000, "[" * 40 + "]" * 40])
def test_json_nested_too_deep_is_refused_and_does_not_crash(text: str) -> None:
    with pytest.raises(MalformedMessage):
        read_json(text, field="inputs", bytes_max=1 << 20)


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "{", "\ud800", '"' + "x" * 101])
def test_what_is_not_json_or_too_long_is_refused(text: str) -> None:
    with pytest.raises(MalformedMessage):
        read_json(text, field="inputs", bytes_max=100)


def test_json_comes_through_unchanged() -> None:
    value = {"a": [1, 2.5, None, True, "é"]}
    assert read_json(json.dumps(value), field="x", bytes_max=100) == value
