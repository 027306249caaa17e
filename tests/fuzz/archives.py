"""What clients hand in of programs, and of their inputs, as far as Python reads it."""

from __future__ import annotations

import base64
import gzip
import io
import json
import struct
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from proofgrid.primitives.errors import ProofgridError
from proofgrid.proofs.base import Program, SliceSpec
from proofgrid.proofs.kit.circom.curves import CURVES
from proofgrid.proofs.kit.circom.signals import public_names, read_inputs
from proofgrid.proofs.kit.input_files import read_batch
from proofgrid.proofs.kit.packages import unpack
from proofgrid.proofs.systems.ezkl.layout import ProgramTensor, layout_of
from proofgrid.proofs.systems.ezkl.model.inputs import one_by_one, quantised_inputs
from proofgrid.proofs.systems.ezkl.reference.curve import FIELD
from proofgrid.proofs.systems.ezkl.reference.files import ReferenceFile
from proofgrid.proofs.systems.ezkl.reference.importing import open_source
from proofgrid.proofs.systems.ezkl.settings import check_visibilities, parse_settings, range_in, widest_range
from proofgrid.proofs.systems.graph.plan import read_graph
from proofgrid.proofs.systems.miden import elements as miden_elements
from proofgrid.proofs.systems.miden import settings as miden_settings
from proofgrid.proofs.systems.noir import abi
from proofgrid.proofs.systems.noir.engine import NOIR_VERSION
from proofgrid.proofs.systems.noir.sources import checked_package, circuit_file, locations_file, read_circuit
from proofgrid.proofs.systems.sp1 import settings as sp1_settings
from proofgrid.proofs.systems.sp1.elf import check_elf
from proofgrid.proofs.systems.sp1.key import read_key
from tests.fuzz.documents import scratch
from tests.proofs.systems.sp1.elves import program as an_elf


def _file(content: bytes) -> Path:
    path = scratch() / "handed-in"
    path.write_bytes(content)
    return path


# --- inputs ---------------------------------------------------------------------------------------

_TENSORS = (
    ProgramTensor(name="x", shape=(1, 2), element_type="float32", scale=7, visibility="public"),
    ProgramTensor(name="mask", shape=(2,), element_type="int64", scale=0, visibility="public"),
)


def take_inputs(data: bytes) -> None:
    """Read a file of inputs, and quantise what is in it for a model of one tensor and one of two."""
    values = read_batch(data, field="inputs")
    json.dumps(values)
    for value in values[:16]:
        for tensors in (_TENSORS[:1], _TENSORS):
            for one in one_by_one(value, tensors)[:4]:
                try:
                    quantised_inputs(one, tensors, field="inputs[0]")
                except ProofgridError:
                    continue


def input_files() -> list[bytes]:
    """One of each form."""
    npy, npz = io.BytesIO(), io.BytesIO()
    np.save(npy, np.array([[0.5, 1.0]], dtype=np.float32))
    np.savez(npz, x=np.array([0.5, 1.0]), mask=np.array([1, 0]))
    return [
        *(b"[0.5, 1]", b'{"x": [[0.5, 1]], "mask": [1, 0]}', b'{"input_data": [[0.5, 1, 2, 3], [1, 0, 1, 0]]}'),
        *(b'{"inputs": [[1, 2], [3, 4]]}', npy.getvalue(), npz.getvalue()),
        *(b"0.5,1\n2,3\n", b"x[0],x[1],mask[0],mask[1]\n0.5,1,1,0\n"),
    ]


# --- packages and circuits ------------------------------------------------------------------------


def take_package(data: bytes) -> None:
    """Unpack a folder, and look at it as a package of Noir."""
    files = unpack(_file(data), field="source.package")
    for folder in ("", "lib"):
        try:
            checked_package(files, folder)
        except ProofgridError:
            continue


def packages() -> list[bytes]:
    """A file, a package with a library, a workspace."""
    program = '[package]\nname="p"\ntype="bin"\n'
    library = '[package]\nname="l"\ntype="lib"\n'
    folders: list[dict[str, str]] = [
        {"main.nr": "fn main() {}"},
        {"Nargo.toml": program + '[dependencies]\nl = { path = "lib" }\n', "lib/Nargo.toml": library},
        {"Nargo.toml": '[workspace]\nmembers=["a", "lib"]\n', "a/Nargo.toml": program, "lib/Nargo.toml": library},
    ]
    return [json.dumps({"format": 1, "files": files}).encode() for files in folders]


def take_circuit(data: bytes) -> None:
    """Read a compiled circuit, its signature, and a value that is none of its types."""
    compiled = read_circuit(_file(data))
    locations_file(compiled)
    with suppress(ProofgridError):
        circuit_file(compiled)
    signature = abi.signature_of(compiled.get("abi"))
    signature.lines()
    for value in (compiled.get("input"), {}, []):
        try:
            elements = abi.exactly(signature.parameters, value, "inputs[0]")
            abi.told(signature.parameters, elements)
        except ProofgridError:
            continue
    zeros = [0] * signature.returned_count
    signature.output_elements(signature.told_output(zeros))


def circuits() -> list[bytes]:
    """A circuit that takes one of each type."""
    field, small = {"kind": "field"}, {"kind": "integer", "sign": "signed", "width": 8}
    kinds: dict[str, Any] = {
        "f": field,
        "i": small,
        "b": {"kind": "boolean"},
        "t": {"kind": "string", "length": 3},
        "a": {"kind": "array", "length": 2, "type": small},
        "p": {"kind": "tuple", "fields": [field, small]},
        "s": {"kind": "struct", "path": "S", "fields": [{"name": "x", "type": field}]},
    }
    value = {"f": "0x5", "i": -1, "b": True, "t": "abc", "a": [1, 2], "p": ["1", 2], "s": {"x": "7"}}
    compiled = {
        "noir_version": NOIR_VERSION,
        "bytecode": base64.b64encode(gzip.compress(b"code", mtime=0)).decode(),
        "abi": {
            "parameters": [
                {"name": name, "type": kind, "visibility": "public" if name == "f" else "private"}
                for name, kind in kinds.items()
            ],
            "return_type": {"abi_type": kinds["s"], "visibility": "public"},
        },
        "debug_symbols": "",
        "file_map": {},
        "input": value,
    }
    return [json.dumps(compiled).encode()]


# --- settings, inputs, plans ----------------------------------------------------------------------


def take_settings(data: bytes) -> None:
    """Read a value as the settings, inputs and plans of every system."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return
    for read in (_ezkl, _identity, _graph, _miden, _sp1, _circom):
        try:
            read(value if isinstance(value, dict) else {"value": value})
        except ProofgridError:
            continue


def _ezkl(value: dict[str, Any]) -> None:
    settings = parse_settings(value)
    settings.canonical()
    widest_range(settings)
    range_in(settings, "x")
    check_visibilities(settings, ["x", "mask"], ["y"])


def _identity(value: dict[str, Any]) -> None:
    spec = SliceSpec(index=0, units=1, memory_bytes=1, files=())
    layout = layout_of(
        Program(proof_system="ezkl", identity=value, files={}, verifying_files=(), slices=(spec,), summary={})
    )
    _ = layout.input_visibility, layout.output_visibility, layout.shown_again
    for tensor in (*layout.inputs, *layout.outputs):
        _ = tensor.elements


def _graph(value: dict[str, Any]) -> None:
    graph = read_graph(value, field="source.graph")
    for node in graph.nodes:
        graph.links_to(node.name)
    for link in graph.links:
        link.to_json()


def _miden(value: dict[str, Any]) -> None:
    for steps in (1, 2):
        try:
            read = miden_elements.read_input(value, steps=steps, place="inputs[0]")
            json.dumps([one.to_json() for one in read.steps])
        except ProofgridError:
            continue
    chosen = miden_settings.read_settings(value)
    chosen.units(chosen.rows_max)


def _sp1(value: dict[str, Any]) -> None:
    sp1_settings.units(sp1_settings.read_settings(value).cycles_max)


def _circom(value: dict[str, Any]) -> None:
    read_inputs(value, CURVES["bn254"], field="inputs[0]")


def settings() -> list[bytes]:
    """One of each."""
    tensor = {"name": "x", "shape": [1, 2], "type": "float32", "scale": 7, "visibility": "public"}
    of_ezkl = {"scale": 7, "slices": 4, "decomposition": "1024x3", "lookup_margin": 2, "input_range": {"x": [-4, 4]}}
    shown = {"fixed": {"mask": [1, "0.5e-3"]}, "input_visibility": {"x": "private"}, "output_visibility": "public"}
    values: list[dict[str, Any]] = [
        {**of_ezkl, **shown},
        {"format": 2, "proof_system": "ezkl", "slices": 1, "inputs": [tensor], "outputs": [tensor]},
        {
            "nodes": {"a": {"system": "toy", "settings": {"rounds": 2}}, "b": {"system": "toy"}},
            "links": [{"from": "a.end[0]", "to": "b.start"}],
        },
        {
            "stack": [1, "2"],
            "advice": [5],
            "advice_map": {"0x" + "0" * 64: [1]},
            "merkle_trees": [["0x" + "0" * 64] * 2],
        },
        {"stack": [], "steps": [{"advice": [5]}, {}]},
        {"steps": 3, "cycles_max": 4_096, "hash": "blake3"},
        {"cycles_max": 1_000_000},
        {"a": ["1", [2, 3]], "b": 7},
    ]
    return [json.dumps(value).encode() for value in values]


# --- binary files ---------------------------------------------------------------------------------


def take_elf(data: bytes) -> None:
    """Read the bytes as a program, and as its key."""
    with suppress(ProofgridError):
        read_key(data[:128])
    check_elf(data)


def elves() -> list[bytes]:
    """A program, and keys."""
    return [an_elf()[:0x1100], an_elf(), b"\0" * 32, b"0x" + b"0" * 64]


def take_symbols(data: bytes) -> None:
    """Read a table of symbols for a few counts of public signals."""
    for outputs, inputs in ((1, 1), (0, 2), (3, 1)):
        try:
            public_names(_file(data), outputs=outputs, inputs=inputs)
        except ProofgridError:
            continue


def symbols() -> list[bytes]:
    """A small one."""
    return [b"1,1,2,main.out\n2,2,2,main.a[0]\n3,3,2,main.a[1]\n4,4,2,main.b\n5,-1,2,main.c.d\n"]


def take_ceremony(data: bytes) -> None:
    """Open a ceremony's file; write what it holds in the engine's form."""
    source = open_source(_file(data))
    with tempfile.TemporaryDirectory(dir=scratch()) as folder:
        if isinstance(source, ReferenceFile):
            _ = source.monomial(0, 2), source.lagrange(0, 2), source.g2(), source.tau_g2()
        else:
            source.write_as_engine(Path(folder) / "whole.srs", min(source.logrows, 12))


def ceremonies() -> list[bytes]:
    """The smallest of each form, of points that are none."""
    sections = {
        1: struct.pack("<I", 32) + FIELD.to_bytes(32, "little") + struct.pack("<II", 1, 1),
        2: bytes(64 * 2),
        3: bytes(128 * 2),
        12: bytes(64 * 3),
    }
    ptau = b"ptau" + struct.pack("<II", 1, len(sections))
    ptau += b"".join(struct.pack("<IQ", kind, len(content)) + content for kind, content in sections.items())
    return [ptau, struct.pack("<I", 1) + bytes(64 * 4 + 256)]
