"""Does this machine still prove? A tiny circuit of our own, from model to verified answer, without any network."""

from __future__ import annotations

from pathlib import Path

from proofgrid.proofs.base import PartialProof, ProofSystem

_LOGROWS = 12  #: more than the circuit has rows; a reference string of this size is made in half a second


def self_check(system: ProofSystem, *, workdir: Path) -> str:
    """Build, prove and verify; return what was done in a sentence, or raise what went wrong."""
    from proofgrid.proofs.systems.ezkl.circuits.development import make_development_srs_folder

    srs, model = workdir / "srs", workdir / "model.onnx"
    make_development_srs_folder(srs, _LOGROWS)
    model.write_bytes(_tiny_model())
    folders = {name: workdir / name for name in ("build", "keys", "job")}
    for folder in folders.values():
        folder.mkdir()
    quiet = lambda stage, permille: None  # noqa: E731
    files = system.build_program({"model": model}, {"slices": 1}, srs=srs, workdir=folders["build"], report=quiet)
    request = system.normalise(files, [[1, -1]], workdir=folders["job"])
    parts = []
    for job in request.jobs:
        output = system.run_job(
            files, job.slice_index, job.input, cache=folders["keys"], workdir=folders["job"], report=quiet
        )
        system.verify_partial(files, job.slice_index, job.facts, output, workdir=folders["job"])
        parts.append(PartialProof(slice_index=job.slice_index, input_index=job.input_index, output=output))
    result = system.combine(files, request.statement, parts, workdir=folders["job"])
    system.verify_whole(files, request.statement, result, parts, workdir=folders["job"])
    return f"proved and verified {len(parts)} job of {sum(job.units for job in request.jobs)} PU"


def _tiny_model() -> bytes:
    from onnx import TensorProto, helper

    weights = helper.make_tensor("w", TensorProto.FLOAT, [2, 1], [0.5, 0.25])
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "self-check",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1])],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return bytes(model.SerializeToString(deterministic=True))
