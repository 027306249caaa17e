"""Garbage in: each refused at the door with code, field and hint; nothing is stored, sold or run for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio

from proofgrid.primitives.errors import (
    BudgetTooSmall,
    DeadlinePassed,
    InsufficientFunds,
    InvalidField,
    InvalidInput,
    InvalidProgram,
    InvalidRequest,
    MalformedMessage,
    TooLarge,
    UnknownProgram,
    UnknownProofSystem,
    UnsupportedOperator,
)
from proofgrid.sdk.answers.work import Program
from proofgrid.sdk.services import Services
from proofgrid.sdk.signing import CONNECT_PATH
from proofgrid.wire.errors import read_error
from proofgrid.wire.v1 import client_pb2 as messages
from proofgrid.wire.v1 import prover_pb2, prover_pb2_grpc
from tests.acceptance.tasks import database_of
from tests.networks import Network
from tests.proofs.systems.ezkl.models import a_model, an_mlp, node, save

SETTINGS = {"slices": 2, "decomposition": "128x4"}
GOOD = [0.5, 0.25, 0.125, 0.75]


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def program(network_of_file: Network, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A small network of four inputs and two outputs."""
    model = await asyncio.to_thread(save, an_mlp(4, 4, 2), tmp_path_factory.mktemp("model") / "good.onnx")
    async with network_of_file.client() as client:
        return await client.register_program({"model": model}, settings=SETTINGS)


async def test_what_cannot_be_a_program_is_refused(shared_network: Network, program: Program, tmp_path: Path) -> None:
    not_onnx = tmp_path / "not.onnx"
    not_onnx.write_bytes(b"this is no model" * 100)
    erf = save(a_model([node("Det", "x", "y")], inputs=[("x", (2, 2))]), tmp_path / "det.onnx")
    good = save(an_mlp(4, 4, 2), tmp_path / "good.onnx")

    async with shared_network.client() as client:
        refusals: list[tuple[type[InvalidRequest], Path, dict[str, Any], str]] = [
            (InvalidProgram, not_onnx, {}, "ezkl"),
            (UnsupportedOperator, erf, {}, "ezkl"),
            (InvalidField, good, {"slices": 0}, "ezkl"),
            (InvalidField, good, {"colour": "red"}, "ezkl"),
            (InvalidRequest, good, {"slices": 64}, "ezkl"),
            (UnknownProofSystem, good, {}, "abacus"),
        ]
        for kind, model, settings, system in refusals:
            with pytest.raises(kind) as caught:
                await client.register_program({"model": model}, settings=settings, proof_system=system)
            assert caught.value.code.startswith("PG-1")
            assert caught.value.field, str(caught.value)
            assert caught.value.hint, str(caught.value)
        assert {one.digest for one in await client.programs()} <= {program.digest}


@pytest.mark.parametrize(
    ("inputs", "field"),
    [
        ([[0.5, 0.25, 0.125]], "inputs[0]"),
        ([GOOD, [[0.5], [0.25]]], "inputs[1]"),
        ([["a", "b", "c", "d"]], "inputs[0]"),
        ([[True, False, True, False]], "inputs[0]"),
        ([[1e300, 0, 0, 0]], "inputs[0]"),
        ([None], "inputs[0]"),
        ([], "inputs"),
    ],
)
async def test_an_input_that_does_not_fit_is_refused_by_field(
    shared_network: Network, program: Program, inputs: list[Any], field: str
) -> None:
    async with shared_network.client() as client:
        with pytest.raises((InvalidInput, InvalidField)) as caught:
            await client.submit(program.digest, inputs, limit_price=1_000)
        assert caught.value.field.startswith(field)
        assert (await client.account()).escrowed == 0
        assert await client.tasks() == []


async def test_a_submit_outside_the_rules_is_refused_before_anything_is_stored(
    shared_network: Network, program: Program
) -> None:
    async with shared_network.client() as client:
        with pytest.raises(UnknownProgram) as unknown:
            await client.submit("0" * 64, [GOOD], limit_price=1_000)
        with pytest.raises(InvalidField):
            await client.submit("no digest", [GOOD], limit_price=1_000)
        with pytest.raises(BudgetTooSmall) as budget:
            await client.submit(program.digest, [GOOD], limit_price=1_000, budget=10)
        with pytest.raises(DeadlinePassed) as deadline:
            await client.submit(program.digest, [GOOD], limit_price=1_000, deadline_ms=1_000)
        with pytest.raises(InvalidField):
            await client.submit(program.digest, [GOOD], limit_price=-1)
        with pytest.raises(InsufficientFunds):
            await client.submit(program.digest, [GOOD], limit_price=10**9)
        account, tasks = await client.account(), await client.tasks()

    assert (unknown.value.field, budget.value.field, deadline.value.field) == (
        "program_digest",
        "budget",
        "deadline_ms",
    )
    assert all(caught.value.hint for caught in (unknown, budget, deadline))
    assert (account.balance, account.escrowed, tasks) == (10_000_000_000, 0, [])
    async with database_of(shared_network) as connection:
        assert await connection.fetchval("SELECT count(*) FROM jobs") == 0


@pytest.mark.parametrize("text", ["[NaN]", "[[1, 2, Infinity, 4]]", "{", "[" * 100_000, '"text"', "[1e999999]"])
async def test_inputs_that_are_no_json_are_refused(shared_network: Network, program: Program, text: str) -> None:
    async with shared_network.client() as client:
        request = messages.SubmitRequest(
            program_digest=program.digest, inputs_json=text, limit_price=1_000, idempotency_key="k"
        )
        with pytest.raises((MalformedMessage, InvalidInput)) as caught:
            await client.connection.call(lambda services: services.client.Submit, request)
        assert caught.value.field.startswith("inputs")


async def test_an_upload_over_the_limit_is_refused_by_its_header_and_while_it_lies(shared_network: Network) -> None:
    gigabyte = 1 << 30

    async def uploads() -> Any:
        async with database_of(shared_network) as connection:
            return await connection.fetchval("SELECT count(*) FROM artifacts WHERE owner <> ''")

    async def upload(size_bytes: int) -> AsyncIterator[messages.UploadRequest]:
        yield messages.UploadRequest(header=messages.UploadHeader(size_bytes=size_bytes))
        for _ in range(gigabyte >> 19):
            yield messages.UploadRequest(chunk=bytes(1 << 19))

    before = await uploads()
    async with shared_network.client() as client:
        for declared in (gigabyte, 10):
            header = messages.UploadRequest(header=messages.UploadHeader(size_bytes=declared))
            metadata = await client.connection.metadata(
                "/proofgrid.v1.ArtifactService/Upload", header.SerializeToString()
            )
            with pytest.raises(grpc.RpcError) as caught:
                await Services(client.connection.channel).artifacts.Upload(upload(declared), metadata=metadata)
            # gRPC loses the gateway's answer when the refusal overtakes a chunk that is just being written.
            lost = "Internal error from Core" in str(caught.value)
            assert lost or isinstance(read_error(caught.value), TooLarge), caught.value
    assert await uploads() == before
    assert not list((shared_network.root / "gateway" / "artifacts").rglob("*.part"))


async def test_garbage_on_the_provers_stream_ends_that_stream_alone(shared_network: Network) -> None:
    garbage = [
        prover_pb2.FromProver(),
        prover_pb2.FromProver(heartbeat=prover_pb2.Heartbeat()),
        prover_pb2.FromProver(hello=prover_pb2.Hello(name="../../etc")),
        prover_pb2.FromProver(hello=prover_pb2.Hello(name="x", asks=[prover_pb2.Ask(proof_system="e", price=-1)])),
        prover_pb2.FromProver(hello=prover_pb2.Hello(name="x", classes=["huge"])),
    ]
    for message in garbage:

        async def stream(first: prover_pb2.FromProver = message) -> AsyncIterator[prover_pb2.FromProver]:
            yield first
            await asyncio.sleep(3600)

        async with shared_network.client("alice") as alice:
            stub = prover_pb2_grpc.ProverServiceStub(alice.connection.channel)
            metadata = await alice.connection.metadata(CONNECT_PATH, message.SerializeToString())
            call = stub.Connect(stream(), metadata=metadata)
            with pytest.raises(grpc.RpcError) as caught:
                async for _ in call:
                    pass
            assert isinstance(read_error(caught.value), InvalidRequest)
            assert len((await alice.status()).provers) == 0
