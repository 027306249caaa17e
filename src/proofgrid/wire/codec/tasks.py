"""Programs, tasks with their jobs and events, transfers, rounds and artifacts, as clients see them."""

from __future__ import annotations

import json

import asyncpg

from proofgrid.primitives.digests import Digest
from proofgrid.wire.v1 import client_pb2 as client
from proofgrid.wire.v1 import common_pb2 as common


def write_task(row: asyncpg.Record, jobs: list[asyncpg.Record]) -> client.Task:
    return client.Task(
        task_id=str(row["task_id"]),
        state=row["state"],
        program_digest=row["program_digest"],
        limit_price=row["limit_price"],
        escrow=row["escrow"],
        spent=row["spent"],
        units=row["units"],
        deadline_ms=row["deadline_ms"],
        created_ms=row["created_ms"],
        finished_ms=row["finished_ms"] or 0,
        failure_code=row["failure_code"],
        failure_detail=row["failure_detail"],
        bundle_digest=row["bundle_digest"] or "",
        inputs=row["inputs"],
        quote_id=str(row["quote_id"] or ""),
        jobs=[_write_job(job) for job in jobs],
    )


def _write_job(row: asyncpg.Record) -> client.Job:
    return client.Job(
        job_id=str(row["job_id"]),
        slice=row["slice"],
        input=row["input"],
        state=row["state"],
        units=row["units"],
        attempts=row["attempts"],
        operator=row["operator"] or "",
        prover=row["prover_id"] or "",
        price=row["buy_price"] or 0,
        stage=row["stage"],
        permille=row["permille"],
        **{"class": row["class"]},
    )


def write_event(row: asyncpg.Record) -> client.TaskEvent:
    return client.TaskEvent(
        cursor=row["seq"],
        kind=row["kind"],
        at_ms=row["at_ms"],
        data_json=json.dumps(row["data"], separators=(",", ":")),
    )


def write_program(row: asyncpg.Record) -> client.Program:
    return client.Program(
        digest=row["digest"],
        proof_system=row["proof_system"],
        label=row["label"],
        manifest_json=json.dumps(row["manifest"], separators=(",", ":")),
        slices=row["slices"],
        units=row["units"],
        created_ms=row["created_ms"],
    )


def write_round(row: asyncpg.Record, *, with_transcript: bool) -> client.Round:
    return client.Round(
        lane=row["lane"],
        number=row["number"],
        buy_price=row["buy_price"],
        sell_price=row["sell_price"],
        units=row["units"],
        bids=row["bids"],
        asks=row["asks"],
        transcript_hash=row["transcript_hash"],
        signature=row["signature"],
        transcript_json=row["transcript"] if with_transcript else "",
        at_ms=row["at_ms"],
        next_reference=row["next_reference"] or 0,
    )


def write_artifact(digest: Digest, size_bytes: int) -> common.ArtifactRef:
    return common.ArtifactRef(digest=digest, size_bytes=size_bytes)
