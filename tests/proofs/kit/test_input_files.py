"""Inputs come in files as people have them, and a file that is none is refused at the place that is wrong."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from typing import Any

import numpy as np
import pytest

from proofgrid.primitives.errors import InvalidInput
from proofgrid.proofs.kit.input_files import read_batch


def npy(array: Any, *, allow_pickle: bool = False) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=allow_pickle)
    return stream.getvalue()


def npz(**arrays: Any) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def zipped(name: str, content: bytes, compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        # Without the time of day: tests have one name.
        archive.writestr(zipfile.ZipInfo(name), content, compress_type=compression)
    return stream.getvalue()


def moved_back(archive: bytes) -> bytes:
    """Let the directory say that it begins far behind where it does, so that its files begin before the file."""
    return archive[:-6] + (70_000).to_bytes(4, "little") + archive[-2:]


@pytest.mark.parametrize(
    ("content", "inputs"),
    [
        (b"[1, 2.5]", [[1, 2.5]]),
        (b"\xef\xbb\xbf [[1], [2]]", [[[1], [2]]]),
        (b'{"x": [1], "z": [true]}', [{"x": [1], "z": [True]}]),
        (b'{"inputs": [[1], {"x": [2]}]}', [[1], {"x": [2]}]),
        (b'{"input_data": [[1, 2], [3]]}', [{"input_data": [[1, 2], [3]]}]),
        (b"1,2.5\n-3, 4e2\n", [[1, 2.5], [-3, 400.0]]),
        (b"wide,high\r\n1,2\r\n", [[1, 2]]),
        (b"x[0],x[1],mask[0]\n0.5,1,0\n2,3,1\n", [{"x": [0.5, 1], "mask": [0]}, {"x": [2, 3], "mask": [1]}]),
        (npy(np.array([[0.5, -1]], np.float32)), [[[0.5, -1.0]]]),
        (npy(np.asfortranarray([[1, 2], [3, 4]])), [[[1, 2], [3, 4]]]),
        (npy(np.array([True, False])), [[True, False]]),
        (npy(np.array([1, 2], ">i2")), [[1, 2]]),
        (npy(np.float64(3)), [[3.0]]),
        (npz(x=np.array([1.5]), mask=np.array([[1]])), [{"x": [1.5], "mask": [[1]]}]),
    ],
)
def test_every_form_becomes_the_same_json(content: bytes, inputs: Any) -> None:
    assert read_batch(content, field="inputs") == inputs


@pytest.mark.parametrize(
    ("content", "field", "rule"),
    [
        (b"", "inputs", "empty"),
        (b"nonsense", "inputs", "neither JSON nor lines of numbers"),
        (b"\x00\xff\x80", "inputs", "no CSV"),
        (b"[1,", "inputs", "no JSON"),
        (b"[" * 5000, "inputs", "nested deeper"),
        (b'{"inputs": {"x": 1}}', "inputs", "no list"),
        (b"1,2\n3,x\n", "inputs: line 2, column 2", "'x' is no number"),
        (b"x[0],x[1]\n3\n", "inputs: line 2", "1 numbers under a header of 2"),
        (npy(np.array(["a"])), "inputs", "no plain numbers"),
        (npy(np.array([1j])), "inputs", "no plain numbers"),
        (npy(np.array([1.0]))[:-1], "inputs", "ends at another place"),
        (npy(np.array([1.0]))[:20], "inputs", "malformed"),
        (npy(np.array([1.0])).replace(b"(1,)", b"(9,)"), "inputs", "ends at another place"),
        (npz(x=np.array(["a"])), "inputs.x", "no plain numbers"),
        (zipped("notes.txt", b"hello"), "inputs", "other things"),
        (zipped("x.npy", b"hello"), "inputs.x", "malformed"),
        (zipped("x.npy", b"hello")[:40], "inputs", "malformed"),
        # Found by fuzzing: an open bracket in a header that is read as Python, sizes below 0 and beyond everything,
        # a million rows of nothing, a directory before the file, compressions that unfold in one step.
        (npy(np.array([1.0])).replace(b"(1,)", b"(1(1"), "inputs", "malformed"),
        (npy(np.zeros((11, 11))).replace(b"(11, 11)", b"(-1, -1)")[:136], "inputs", "holds no numbers"),
        (npy(np.zeros((0, 1_000_000))), "inputs", "holds no numbers"),
        (npy(np.zeros((1,) * 20)), "inputs", "at most 16 dimensions"),
        (zipped("x.npy", b"hello").replace(b"x.npy", b"x.np\xff", 1), "inputs", "malformed"),
        (zipped("x.npy", npy(np.zeros(9)), zipfile.ZIP_LZMA), "inputs", "another way than numpy"),
        (zipped("x.npy", npy(np.zeros(9)), zipfile.ZIP_BZIP2), "inputs", "another way than numpy"),
        (moved_back(zipped("x.npy", b"hello")), "inputs", "malformed"),
    ],
)
def test_what_is_no_file_of_inputs_is_refused_at_its_place(content: bytes, field: str, rule: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_batch(content, field="inputs")

    assert caught.value.field == field
    assert rule in caught.value.detail


class Trap:
    """What a pickle would call when it is read."""

    called = False

    def __reduce__(self) -> Any:
        return (setattr, (Trap, "called", True))


def test_no_pickle_is_ever_read() -> None:
    for content in (
        npy(np.array([Trap()], object), allow_pickle=True),
        zipped("x.npy", npy(np.array([Trap()], object), allow_pickle=True)),
    ):
        with pytest.raises(InvalidInput, match="no plain numbers"):
            read_batch(content, field="inputs")
    with pytest.raises(InvalidInput):
        read_batch(pickle.dumps(Trap()), field="inputs")

    assert not Trap.called


def test_nan_is_left_to_whoever_knows_what_cannot_be_proven() -> None:
    (line,) = read_batch(b"1,nan\n", field="inputs")
    assert json.dumps(line) == "[1, NaN]"
