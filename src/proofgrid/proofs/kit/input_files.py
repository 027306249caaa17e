"""Files of inputs as people have them: JSON, EZKL's `input_data`, NPY, NPZ and CSV, told apart by their content.

    [0.5, 1]                           one input: a model's only tensor
    {"x": [0.5, 1], "mask": [1]}       one input: tensors by name
    {"input_data": [[0.5, 1], [1]]}    one input as EZKL writes it: tensors in the model's order
    {"inputs": [..., ...]}             many inputs, each in one of the forms above
    NPY                                one input: a model's only tensor
    NPZ                                one input: tensors by the names of its arrays
    CSV                                an input per line; a header of x[0], x[1], mask[0] ... names tensors

Nothing in a file is run: arrays that hold objects would be, and are refused.
"""

from __future__ import annotations

import csv
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Sequence
from math import prod
from typing import Any

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidField, InvalidInput
from proofgrid.primitives.reading import read_json

BATCH = "inputs"  #: the member of a JSON file that holds many inputs

_NPY = b"\x93NUMPY"
_ZIP = b"PK\x03\x04"
_ARRAYS_BYTES_MAX = 256 << 20
_DIMENSIONS_MAX = 16
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  #: others unfold without end in one step
_KINDS = "fiub"  # floats, signed and unsigned integers, booleans
_INTEGER = re.compile(r"[+-]?\d{1,40}")
_PLACED = re.compile(r"(.+)\[(\d{1,9})\]")
_FORMS = "JSON, EZKL's input_data, NPY, NPZ or CSV"


def read_batch(content: bytes, *, field: str) -> list[Json]:
    """Return the inputs that a file holds, as JSON values; raise InvalidInput naming `field`, and the place in it."""
    if content.startswith(_NPY):
        return [_array(content, field)]
    if content.startswith(_ZIP):
        return [_arrays(content, field)]
    start = content[:64].removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if start in (b"[", b"{", b'"'):
        return batch_of(_json(content, field), field=field)
    return _lines(content, field)


def batch_of(value: Json, *, field: str) -> list[Json]:
    """Return the inputs of a JSON value: {"inputs": [...]} is many, anything else is one."""
    if not isinstance(value, dict) or BATCH not in value:
        return [value]
    many = value[BATCH]
    if not isinstance(many, list):
        raise InvalidInput('"inputs" is no list', field=field, hint='{"inputs": [[…], […]]}')
    return many


def _json(content: bytes, field: str) -> Json:
    try:
        return read_json(content.removeprefix(b"\xef\xbb\xbf"), field=field)
    except InvalidField as reason:
        raise InvalidInput(reason.detail, field=field, hint=f"a file is {_FORMS}") from None


def _array(content: bytes, field: str) -> Json:
    import numpy as np  # here, because command lines start without it

    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        read: Any = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, is_fortran, kind = read(stream)
    except Exception:  # its header is read as a piece of Python, which fails in any way that Python knows
        raise InvalidInput("the NPY file is malformed", field=field) from None
    if any(size < 1 for size in shape):  # of nothing in so many rows a list has so many rows
        raise InvalidInput(f"an array of the shape {list(shape)} holds no numbers", field=field)
    if kind.hasobject or kind.kind not in _KINDS:
        raise InvalidInput(f"an array of {kind} holds no plain numbers", field=field, hint="save floats or integers")
    start, size = stream.tell(), prod(shape) * kind.itemsize
    if len(content) - start != size:
        raise InvalidInput(f"the NPY file ends at another place than its shape {list(shape)} says", field=field)
    if len(shape) > _DIMENSIONS_MAX:
        raise InvalidInput(f"an array has at most {_DIMENSIONS_MAX} dimensions", field=field)
    array = np.frombuffer(content, dtype=kind, offset=start).reshape(shape, order="F" if is_fortran else "C")
    numbers: Json = array.tolist()
    return numbers if isinstance(numbers, list) else [numbers]


def _arrays(content: bytes, field: str) -> Json:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _ARRAYS_BYTES_MAX:
                raise InvalidInput(f"the NPZ file holds more than {_ARRAYS_BYTES_MAX >> 20} MiB", field=field)
            if any(entry.compress_type not in _COMPRESSIONS for entry in archive.infolist()):
                raise InvalidInput("the NPZ file is compressed in another way than numpy does", field=field)
            names = [entry.filename for entry in archive.infolist()]
            found = {name.removesuffix(".npy"): archive.read(name) for name in names if name.endswith(".npy")}
    except (zipfile.BadZipFile, zlib.error, struct.error, RuntimeError, EOFError, OSError, ValueError):
        raise InvalidInput("the NPZ file is malformed", field=field) from None
    if not found or len(found) != len(names):
        raise InvalidInput("the file holds other things than arrays", field=field, hint="save it with numpy.savez")
    return {name: _array(array, f"{field}.{name}") for name, array in found.items()}


def _lines(content: bytes, field: str) -> list[Json]:
    try:
        rows = [row for row in csv.reader(io.StringIO(content.decode("utf-8-sig")), strict=True) if row]
    except (ValueError, csv.Error) as reason:
        raise InvalidInput(f"this is no CSV: {reason}", field=field, hint=f"a file is {_FORMS}") from None
    if not rows:
        raise InvalidInput("the file is empty", field=field, hint=f"a file is {_FORMS}")
    header = rows.pop(0) if all(_number(cell) is None for cell in rows[0]) else None
    if not rows:
        raise InvalidInput("this is neither JSON nor lines of numbers", field=field, hint=f"a file is {_FORMS}")
    first = 2 if header else 1
    lines = [_line(row, f"{field}: line {number}") for number, row in enumerate(rows, start=first)]
    places = [_PLACED.fullmatch(cell.strip()) for cell in header or ()]
    if not places or not all(places):
        return list(lines)
    names = [place[1] for place in places if place]
    return [_by_name(line, names, f"{field}: line {number}") for number, line in enumerate(lines, start=first)]


def _line(row: Sequence[str], field: str) -> list[Json]:
    numbers: list[Json] = []
    for column, cell in enumerate(row, start=1):
        number = _number(cell)
        if number is None:
            raise InvalidInput(f"{cell[:40]!r} is no number", field=f"{field}, column {column}")
        numbers.append(number)
    return numbers


def _number(cell: str) -> Json:
    text = cell.strip()
    if _INTEGER.fullmatch(text):
        return int(text)
    try:
        return float(text)
    except ValueError:
        return None


def _by_name(line: list[Json], names: Sequence[str], field: str) -> Json:
    if len(line) != len(names):
        raise InvalidInput(f"{len(line)} numbers under a header of {len(names)}", field=field)
    tensors: dict[str, list[Json]] = {name: [] for name in names}
    for name, number in zip(names, line, strict=True):
        tensors[name].append(number)
    return dict(tensors)
