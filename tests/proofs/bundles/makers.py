"""Makes a whole bundle of the toy proof system, and edits one as a cheat would."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from proofgrid.primitives.canonical import Json, canonical_json
from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.ids import JobId, Lane, ProverId, TaskId
from proofgrid.primitives.signatures import SigningKey
from proofgrid.proofs.base import PartialProof, ProgramFiles, ProofSystem
from proofgrid.proofs.bundles.bundle import write_bundle
from proofgrid.proofs.bundles.container import MANIFEST, SIGNATURE, write_container
from proofgrid.proofs.bundles.manifest import BundleJob, BundleTask, Manifest, Wrapped, for_verifiers
from proofgrid.proofs.kit.one_proof import check_one_proof, prove_job
from proofgrid.proofs.offers import PARTS
from tests.toy_system import ToySystem

NETWORK = SigningKey(b"\x01" * 32)
CLIENT = SigningKey(b"\x02" * 32)
OPERATOR = SigningKey(b"\x03" * 32)
STRANGER = SigningKey(b"\x04" * 32)


class Made(NamedTuple):
    """A bundle on disk, with what it was made of."""

    path: Path
    manifest: Manifest
    contents: dict[Digest, Path]
    digest: Digest


def a_bundle(folder: Path, *inputs: str, **settings: Any) -> Made:
    """Prove a request with the toy system and write its bundle."""
    toy = ToySystem()
    program_dir = folder / "program"
    program_dir.mkdir()
    files = toy.build_program({}, settings, trust={}, workdir=program_dir, report=lambda stage, share: None)
    return a_bundle_of(toy, files, list(inputs or ("seven", "eight")), folder)


def a_bundle_of(system: ProofSystem, files: ProgramFiles, inputs: list[Json], folder: Path) -> Made:
    """Prove a request with any system and write its bundle."""
    request = system.normalise(files, inputs, workdir=folder)
    parts = []
    jobs = []
    contents = {files.program.files[name]: files.paths[name] for name in files.program.verifying_files}
    for number, job in enumerate(request.jobs):
        output = system.run_job(
            files, job.slice_index, job.input, cache=folder, workdir=folder, report=lambda stage, share: None
        )
        parts.append(PartialProof(slice_index=job.slice_index, input_index=job.input_index, output=output))
        proof = digest_of(output.proof)
        contents[proof] = folder / f"proof-{number}"
        contents[proof].write_bytes(output.proof)
        jobs.append(a_bundle_job(number, job.slice_index, job.input_index, proof, output.public))
    manifest = Manifest(
        network=NETWORK.address,
        task=BundleTask(
            task_id=TaskId(UUID(int=7)),
            client=CLIENT.address,
            created_ms=1_700_000_000_000,
            finished_ms=1_700_000_009_000,
        ),
        program=for_verifiers(files.program),
        statement=request.statement,
        result=system.combine(files, request.statement, parts, workdir=folder),
        jobs=tuple(jobs),
    )
    path = folder / "result.pgb"
    return Made(path, manifest, contents, write_bundle(path, manifest, contents=contents, key=NETWORK))


def one_proof_of(folder: Path, *inputs: str, **settings: Any) -> Made:
    """Prove a request as one proof with the toy system, and write its bundle."""
    toy = ToySystem()
    program_dir = folder / "program"
    program_dir.mkdir(parents=True)
    say: Any = lambda stage, share: None  # noqa: E731
    files = toy.build_program({}, settings, trust={}, workdir=program_dir, report=say)
    request = toy.normalise_to_one(files, list(inputs), workdir=folder)
    check_one_proof(files.program, request)
    parts: list[PartialProof] = []
    for job in request.jobs:
        taken = [parts[position] for position in job.depends_on]
        place = files, job.slice_index, job.input, taken
        output = prove_job(toy, *place, cache=folder, workdir=folder, report=say)
        facts = {**job.facts, PARTS: [taken_json(part) for part in taken]} if taken else job.facts
        toy.verify_partial(files, job.slice_index, facts, output, workdir=folder)
        parts.append(PartialProof(slice_index=job.slice_index, input_index=job.input_index, output=output))
    last = parts[-1]
    proof = digest_of(last.output.proof)
    contents = {files.program.files["circuit"]: files.paths["circuit"], proof: folder / "proof"}
    contents[proof].write_bytes(last.output.proof)
    manifest = Manifest(
        network=NETWORK.address,
        task=BundleTask(task_id=TaskId(UUID(int=7)), client=CLIENT.address, created_ms=1, finished_ms=2),
        program=for_verifiers(files.program),
        statement=request.statement,
        result=toy.combine(files, request.statement, parts, workdir=folder),
        jobs=(a_bundle_job(0, last.slice_index, last.input_index, proof, last.output.public),),
        wrapped=Wrapped(jobs=len(parts) - 1, units=10 * (len(parts) - 1), paid=200 * (len(parts) - 1)),
    )
    path = folder / "result.pgb"
    return Made(path, manifest, contents, write_bundle(path, manifest, contents=contents, key=NETWORK))


def taken_json(part: PartialProof) -> dict[str, Any]:
    """Return what the gateway says of a proof that a wrap takes, as `parts_of` in the database spells it."""
    output = part.output
    place = {"slice": part.slice_index, "input": part.input_index}
    return {**place, "proof": digest_of(output.proof), "public": output.public}


def a_bundle_job(number: int, slice_index: int, input_index: int, proof: Digest, public: Any) -> BundleJob:
    """Return the record of one sold and proven job."""
    return BundleJob(
        slice_index=slice_index,
        input_index=input_index,
        proof=proof,
        public=public,
        job_id=JobId(UUID(int=100 + number)),
        operator=OPERATOR.address,
        prover=ProverId(f"{OPERATOR.address}/alpha"),
        lane=Lane("main/toy/small"),
        round_number=number + 1,
        transcript=digest_of(f"round {number}".encode()),
        units=10,
        price_buy=30,
        price_sell=20,
        paid=200,
    )


def forge(
    made: Made,
    manifest: Any,
    *,
    contents: dict[Digest, Path] | None = None,
    sign: Callable[[bytes], str] | None = None,
    signer: str = NETWORK.address,
) -> Path:
    """Write a bundle with any manifest (JSON), signed by the network itself unless `sign` says otherwise."""
    content = manifest if isinstance(manifest, bytes) else canonical_json(manifest)
    message = f"proofgrid bundle 1 {digest_of(content)}".encode()
    signature = (sign or NETWORK.sign)(message)
    documents = {MANIFEST: content, SIGNATURE: canonical_json({"signature": signature, "signer": signer})}
    with tempfile.NamedTemporaryFile(dir=made.path.parent, suffix=".pgb", delete=False) as file:
        write_container(file, documents, made.contents if contents is None else contents)
    return Path(file.name)


def set_at(*path: str | int, to: Any) -> Callable[[dict[str, Any]], None]:
    """Return what sets a place of a manifest to another value, or a new member."""

    def edit(manifest: dict[str, Any]) -> None:
        place: Any = manifest
        for step in path[:-1]:
            place = place[step]
        assert repr(place.get(path[-1]) if isinstance(place, dict) else place[path[-1]]) != repr(to)  # True == 1
        place[path[-1]] = to

    return edit
