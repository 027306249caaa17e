"""What a bundle says: values, their one JSON text, and the rules they keep whoever wrote them.

The format is documented in docs/bundle.md; every change of it there and here needs a new `VERSION`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

from proofgrid.primitives.canonical import Json, canonical_json
from proofgrid.primitives.digests import Digest, parse_digest
from proofgrid.primitives.errors import BadBundle, InvalidRequest
from proofgrid.primitives.ids import Address, JobId, Lane, ProverId, TaskId, parse_uuid
from proofgrid.primitives.reading import read_integer, read_json, read_list, read_mapping, read_object, read_text
from proofgrid.primitives.signatures import parse_address
from proofgrid.proofs.base import Program
from proofgrid.proofs.manifest import program_from_json, program_to_json

FORMAT = "proofgrid.bundle"
VERSION = 1
VERSION_OF_ONE_PROOF = 2  #: of bundles that hold one proof of many jobs

_MEMBERS = ("format", "version", "network", "task", "program", "statement", "result", "jobs")
_MEMBERS_OF_ONE_PROOF = ("wrapped",)
_TASK_MEMBERS = ("task_id", "client", "created_ms", "finished_ms")
_ROUND_MEMBERS = ("lane", "number", "transcript")
_JOB_MEMBERS = (
    *("slice", "input", "proof", "public", "job_id", "operator", "prover"),
    *("round", "units", "price_buy", "price_sell", "paid"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleTask:
    """Whose task it was, and when."""

    task_id: TaskId
    client: Address
    created_ms: int
    finished_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleJob:
    """One partial proof: its place, who proved it, in which round and at what price."""

    slice_index: int
    input_index: int
    proof: Digest
    public: Mapping[str, Json]
    job_id: JobId
    operator: Address
    prover: ProverId
    lane: Lane
    round_number: int
    transcript: Digest  #: of the round's signed transcript
    units: int
    price_buy: int  #: base units per PU that the client was charged
    price_sell: int  #: base units per PU that the operator got
    paid: int  #: base units that the operator got for this job


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrapped:
    """The jobs whose proofs are inside the one proof, all together."""

    jobs: int
    units: int
    paid: int  #: base units that their operators got


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Everything a bundle says; the files only back it up."""

    network: Address
    task: BundleTask
    program: Program
    statement: Mapping[str, Json]
    result: Mapping[str, Json]
    jobs: tuple[BundleJob, ...]
    wrapped: Wrapped | None = None  #: None: every job is listed with its proof

    @property
    def version(self) -> int:
        return VERSION if self.wrapped is None else VERSION_OF_ONE_PROOF

    @property
    def files(self) -> frozenset[Digest]:
        """The digests of the files that belong to it: what verifies, and the proofs."""
        return frozenset((*self.program.files.values(), *(job.proof for job in self.jobs)))


def for_verifiers(program: Program) -> Program:
    """Return the program with only what an offline verifier needs."""
    files = {name: program.files[name] for name in program.verifying_files}
    slices = tuple(replace(spec, files=()) for spec in program.slices)
    return replace(program, files=files, slices=slices, wraps=(), summary={})


def manifest_to_json(manifest: Manifest) -> dict[str, Json]:
    """Return the manifest as JSON values."""
    return {
        "format": FORMAT,
        "version": manifest.version,
        "network": manifest.network,
        "task": {
            "task_id": str(manifest.task.task_id),
            "client": manifest.task.client,
            "created_ms": manifest.task.created_ms,
            "finished_ms": manifest.task.finished_ms,
        },
        "program": {"digest": manifest.program.digest, **program_to_json(manifest.program)},
        "statement": dict(manifest.statement),
        "result": dict(manifest.result),
        "jobs": [_job_to_json(job) for job in manifest.jobs],
        **({} if manifest.wrapped is None else {"wrapped": asdict(manifest.wrapped)}),
    }


def manifest_from_bytes(content: bytes) -> Manifest:
    """Return what `manifest.json` says; raise BadBundle unless it is the one canonical text of a lawful manifest."""
    value = json_from_canonical(content, what="manifest.json")
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise BadBundle("this is no proofgrid bundle", field="manifest.format")
    if type(value.get("version")) is not int or value["version"] not in (VERSION, VERSION_OF_ONE_PROOF):
        hint = "upgrade proofgrid to read it"
        raise BadBundle(
            f"bundle version {value.get('version')!r} is not known here", field="manifest.version", hint=hint
        )
    try:
        manifest = _manifest_from_json(value)
    except InvalidRequest as reason:
        raise BadBundle(reason.detail, field=reason.field) from reason
    check_manifest(manifest)
    return manifest


def json_from_canonical(content: bytes, *, what: str) -> Any:
    """Return the value of a canonical JSON text; raise BadBundle for any other text."""
    try:
        value = read_json(content, field=what)
        is_canonical = canonical_json(value) == content
    except (InvalidRequest, ValueError, TypeError) as reason:
        raise BadBundle(f"{what} cannot be read: {reason}", field="manifest") from reason
    if not is_canonical:
        raise BadBundle(f"{what} is not canonical JSON", field="manifest")
    return value


def check_manifest(manifest: Manifest) -> None:
    """Raise BadBundle unless times, prices and the list of jobs are consistent."""
    if manifest.task.finished_ms < manifest.task.created_ms:
        raise BadBundle("the task was finished before it was created", field="manifest.task.finished_ms")
    if set(manifest.program.files) != set(manifest.program.verifying_files):
        raise BadBundle("only the files of a verifier belong into a bundle", field="manifest.program.files")
    if manifest.program.wraps:
        raise BadBundle("what wraps need does not belong into a bundle", field="manifest.program.wraps")
    _check_jobs(manifest)
    if len({job.job_id for job in manifest.jobs}) != len(manifest.jobs):
        raise BadBundle("a job is listed twice", field="manifest.jobs")
    for position, job in enumerate(manifest.jobs):
        _check_job(job, f"manifest.jobs[{position}]")


def _check_jobs(manifest: Manifest) -> None:
    if manifest.wrapped is not None:
        if len(manifest.jobs) != 1 or not manifest.program.is_wrap(manifest.jobs[0].slice_index):
            raise BadBundle("expected the one job whose proof is of all others", field="manifest.jobs")
        return
    places = [(job.input_index, job.slice_index) for job in manifest.jobs]
    inputs = 1 + max((job.input_index for job in manifest.jobs), default=-1)
    if not inputs or places != [(i, spec.index) for i in range(inputs) for spec in manifest.program.slices]:
        raise BadBundle("expected one job for each input and slice, in this order", field="manifest.jobs")


def _check_job(job: BundleJob, field: str) -> None:
    if not job.prover.startswith(f"{job.operator}/"):
        raise BadBundle("the prover is not one of the operator", field=f"{field}.prover")
    if job.price_sell > job.price_buy:
        raise BadBundle("the operator got more per unit than the client was charged", field=f"{field}.price_sell")
    if job.paid != job.price_sell * job.units:
        raise BadBundle("what was paid is not price times units", field=f"{field}.paid")


def _job_to_json(job: BundleJob) -> dict[str, Json]:
    return {
        "slice": job.slice_index,
        "input": job.input_index,
        "proof": job.proof,
        "public": dict(job.public),
        "job_id": str(job.job_id),
        "operator": job.operator,
        "prover": job.prover,
        "round": {"lane": job.lane, "number": job.round_number, "transcript": job.transcript},
        "units": job.units,
        "price_buy": job.price_buy,
        "price_sell": job.price_sell,
        "paid": job.paid,
    }


def _manifest_from_json(value: dict[str, Json]) -> Manifest:
    one_proof = value["version"] == VERSION_OF_ONE_PROOF
    data = read_object(value, (*_MEMBERS, *_MEMBERS_OF_ONE_PROOF) if one_proof else _MEMBERS, "manifest")
    jobs = read_list(data["jobs"], "manifest.jobs")
    return Manifest(
        network=_address(data["network"], "manifest.network"),
        task=_task_from_json(data["task"], "manifest.task"),
        program=_program_from_json(data["program"], "manifest.program"),
        statement=read_mapping(data["statement"], "manifest.statement"),
        result=read_mapping(data["result"], "manifest.result"),
        jobs=tuple(_job_from_json(job, f"manifest.jobs[{position}]") for position, job in enumerate(jobs)),
        wrapped=_wrapped_from_json(data["wrapped"], "manifest.wrapped") if one_proof else None,
    )


def _wrapped_from_json(value: Json, field: str) -> Wrapped:
    data = read_object(value, ("jobs", "units", "paid"), field)
    return Wrapped(
        jobs=read_integer(data["jobs"], f"{field}.jobs", least=1),
        units=read_integer(data["units"], f"{field}.units", least=1),
        paid=read_integer(data["paid"], f"{field}.paid"),
    )


def _program_from_json(value: Json, field: str) -> Program:
    data = dict(read_mapping(value, field))
    digest = data.pop("digest", None)
    program = program_from_json(data, field=field)
    if digest != program.digest:
        raise BadBundle(f"the identity hashes to {program.digest}, not to the digest given", field=f"{field}.digest")
    return program


def _task_from_json(value: Json, field: str) -> BundleTask:
    data = read_object(value, _TASK_MEMBERS, field)
    return BundleTask(
        task_id=TaskId(_uuid(data["task_id"], f"{field}.task_id")),
        client=_address(data["client"], f"{field}.client"),
        created_ms=read_integer(data["created_ms"], f"{field}.created_ms"),
        finished_ms=read_integer(data["finished_ms"], f"{field}.finished_ms"),
    )


def _job_from_json(value: Json, field: str) -> BundleJob:
    data = read_object(value, _JOB_MEMBERS, field)
    of_round = read_object(data["round"], _ROUND_MEMBERS, f"{field}.round")
    return BundleJob(
        slice_index=read_integer(data["slice"], f"{field}.slice"),
        input_index=read_integer(data["input"], f"{field}.input"),
        proof=_digest(data["proof"], f"{field}.proof"),
        public=read_mapping(data["public"], f"{field}.public"),
        job_id=JobId(_uuid(data["job_id"], f"{field}.job_id")),
        operator=_address(data["operator"], f"{field}.operator"),
        prover=ProverId(read_text(data["prover"], f"{field}.prover")),
        lane=Lane(read_text(of_round["lane"], f"{field}.round.lane")),
        round_number=read_integer(of_round["number"], f"{field}.round.number"),
        transcript=_digest(of_round["transcript"], f"{field}.round.transcript"),
        units=read_integer(data["units"], f"{field}.units", least=1),
        price_buy=read_integer(data["price_buy"], f"{field}.price_buy"),
        price_sell=read_integer(data["price_sell"], f"{field}.price_sell"),
        paid=read_integer(data["paid"], f"{field}.paid"),
    )


def _digest(value: Json, field: str) -> Digest:
    return parse_digest(read_text(value, field), field=field)


def _uuid(value: Json, field: str) -> UUID:
    text = read_text(value, field)
    found = parse_uuid(text, field=field)
    if str(found) != text:
        raise BadBundle("an id is written in lower case with dashes", field=field)
    return found


def _address(value: Json, field: str) -> Address:
    text = read_text(value, field)
    if parse_address(text, field=field) != text:
        raise BadBundle("an address is written with its EIP-55 checksum", field=field)
    return Address(text)
