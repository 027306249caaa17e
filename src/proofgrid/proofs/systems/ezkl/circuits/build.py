"""From an ONNX file to a program: check, slice, calibrate, compile, set up, try one forward pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.digests import Digest, digest_of_file
from proofgrid.proofs.base import Program, ProgramFiles, Report, SliceSpec
from proofgrid.proofs.systems.ezkl import engine
from proofgrid.proofs.systems.ezkl.circuits import calibration
from proofgrid.proofs.systems.ezkl.circuits.blame import refusal
from proofgrid.proofs.systems.ezkl.circuits.choosing import Circuits
from proofgrid.proofs.systems.ezkl.circuits.comparing import Agreement, compare
from proofgrid.proofs.systems.ezkl.circuits.cutting import cut_that_fits
from proofgrid.proofs.systems.ezkl.circuits.drawing import Sample
from proofgrid.proofs.systems.ezkl.circuits.estimate import memory_bytes_of, units_of
from proofgrid.proofs.systems.ezkl.circuits.plan import BuildPlan, plan_build
from proofgrid.proofs.systems.ezkl.circuits.srs import write_verifier_srs
from proofgrid.proofs.systems.ezkl.identity import VERIFIER_SRS, make_identity, slice_file, verifying_files
from proofgrid.proofs.systems.ezkl.layout import PROOF_SYSTEM, ProgramTensor
from proofgrid.proofs.systems.ezkl.model.slicing import ModelSlice
from proofgrid.proofs.systems.ezkl.proving.forward import try_forward
from proofgrid.proofs.systems.ezkl.settings import decomposition_text

_SLICE_FILES = ("settings", "vk", "compiled")


def build_program(
    source: Mapping[str, Path], settings: Mapping[str, Json], *, srs: Path | None, workdir: Path, report: Report
) -> ProgramFiles:
    """Do what ProofSystem.build_program promises."""
    report("check", 0)
    plan = plan_build(source, settings, srs=srs, workdir=workdir)
    try:
        slices, circuits = cut_that_fits(plan, report)
        logrows, srs_file = _reference_string(plan, circuits.logrows, report)
        circuits = replace(circuits, logrows=logrows)
        compile_circuits(plan, circuits)
        agreement = compare(plan, slices, circuits, report)
        key_bytes = _set_up(plan, circuits, srs_file, report)
        write_verifier_srs(srs_file, workdir / VERIFIER_SRS)
        made = _program(plan, source, srs_file, slices, circuits, key_bytes, agreement)
        report("try", 940)
        _try_forward(plan, made, circuits.samples[-1])
    except engine.EngineFailed as reason:
        raise refusal(reason, plan.settings, plan.workdir) from None
    report("done", 1000)
    return made


def _reference_string(plan: BuildPlan, logrows: int, report: Report) -> tuple[int, Path]:
    """Return how many rows the circuits get, and the reference string for just them, made or cut when need be."""

    def progress(done: int, total: int) -> None:
        report("srs", 230 + 50 * done // total)

    return plan.srs.cut_to_fit(logrows, logrows_max=plan.logrows_max, workdir=plan.workdir, progress=progress)


def compile_circuits(plan: BuildPlan, circuits: Circuits) -> None:
    """Write each slice's settings and circuit."""
    for index, settings in enumerate(circuits.settings):
        folder = plan.folder(index)
        calibration.write_canonical(settings, logrows=circuits.logrows, target=folder / "settings")
        engine.run("compile_circuit", str(folder / "model"), str(folder / "compiled"), str(folder / "settings"))


def _set_up(plan: BuildPlan, circuits: Circuits, srs: Path, report: Report) -> list[int]:
    """Write each slice's verifying key; return the sizes of the proving keys."""
    sizes = []
    for index in range(len(circuits.settings)):
        count = len(circuits.settings)
        report(f"setup slice {index + 1}/{count}", 360 + 580 * index // count)  # most of a build's time
        folder = plan.folder(index)
        proving_key = folder / "pk"
        engine.run("setup", str(folder / "compiled"), str(folder / "vk"), str(proving_key), srs_path=str(srs))
        sizes.append(proving_key.stat().st_size)
        proving_key.unlink()  # large; provers derive it themselves
    return sizes


def _program(
    plan: BuildPlan,
    source: Mapping[str, Path],
    srs: Path,
    slices: Sequence[ModelSlice],
    circuits: Circuits,
    key_bytes: Sequence[int],
    agreement: Agreement,
) -> ProgramFiles:
    paths = {**source, "srs": srs, VERIFIER_SRS: plan.workdir / VERIFIER_SRS}
    for index in range(len(slices)):
        paths.update({slice_file(index, name): plan.folder(index) / name for name in _SLICE_FILES})
    files = {name: digest_of_file(path) for name, path in paths.items()}
    program = Program(
        proof_system=PROOF_SYSTEM,
        identity=_identity(plan, files, circuits, agreement),
        files=files,
        verifying_files=verifying_files(len(slices)),
        slices=tuple(_slice_spec(index, size) for index, size in enumerate(key_bytes)),
        summary=_summary(plan, slices, circuits, agreement),
    )
    return ProgramFiles(program, paths)


def _identity(
    plan: BuildPlan, files: Mapping[str, Digest], circuits: Circuits, agreement: Agreement
) -> dict[str, Json]:
    return make_identity(
        files=files,
        settings=plan.settings.canonical(),
        inputs=plan.inputs,
        outputs=_outputs(plan, circuits),
        slices=len(circuits.settings),
        agreement=agreement.to_json(),
    )


def _outputs(plan: BuildPlan, circuits: Circuits) -> list[ProgramTensor]:
    scales = circuits.settings[-1]["model_output_scales"]
    own = len(plan.model.outputs)
    if scales[own:] != [tensor.scale for tensor in plan.shown_again]:
        raise engine.EngineFailed("the engine changes the scale of public inputs")
    return [
        ProgramTensor(
            name=tensor.name,
            shape=tensor.shape,
            element_type=tensor.type_name,
            scale=scale,
            visibility=plan.output_visibility,
        )
        for tensor, scale in zip(plan.model.outputs, scales[:own], strict=True)
    ]


def _slice_spec(index: int, key_bytes: int) -> SliceSpec:
    return SliceSpec(
        index=index,
        units=units_of(key_bytes),
        memory_bytes=memory_bytes_of(key_bytes),
        files=("srs", VERIFIER_SRS, *(slice_file(index, name) for name in _SLICE_FILES)),
    )


def _summary(
    plan: BuildPlan, slices: Sequence[ModelSlice], circuits: Circuits, agreement: Agreement
) -> dict[str, Json]:
    weights = {weight.name for weight in plan.model.proto.graph.initializer}
    return {
        "inputs": [{"name": tensor.name, "shape": list(tensor.shape)} for tensor in plan.model.inputs],
        "outputs": [{"name": tensor.name, "shape": list(tensor.shape)} for tensor in plan.model.outputs],
        "parameters": sum(tensor.elements for name, tensor in plan.model.tensors.items() if name in weights),
        "logrows": circuits.logrows,
        "decomposition": decomposition_text(circuits.decomposition),
        "calibration": plan.coverage_text(circuits.samples),
        "agreement": agreement.text(),
        "slices": [_slice_summary(*pair) for pair in zip(slices, circuits.settings, strict=True)],
    }


def _slice_summary(part: ModelSlice, settings: calibration.EngineSettings) -> dict[str, Json]:
    return {
        "inputs": [tensor.name for tensor in part.inputs],
        "outputs": [tensor.name for tensor in part.outputs],
        "operators": dict(Counter(node.op_type for node in part.nodes)),
        "cells_estimated": part.cells,
        "rows": settings["num_rows"],
    }


def _try_forward(plan: BuildPlan, made: ProgramFiles, sample: Sample) -> None:
    # Shows before anybody pays that neighbouring slices commit to a tensor in the same way.
    last = try_forward(made, sample, workdir=plan.workdir)[-1]
    if [len(tensor) for tensor in last.witness.outputs] != [tensor.elements for tensor in plan.model.outputs]:
        raise engine.EngineFailed("the circuit's output has another size than the model's")
