"""What leaves a machine is encrypted: TLS end to end, and no way to leave it out by accident."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from proofgrid.doors.grpc.server import bind, new_server
from proofgrid.doors.services.listening import Listen
from proofgrid.primitives.errors import InvalidField, Recoverable
from proofgrid.sdk.client import Client
from proofgrid.wire.addresses import parse_target
from tests.acceptance.tasks import register_toy
from tests.certificates import CA, tls_settings
from tests.cli.commands import proofgrid
from tests.networks import running_network


async def test_client_gateway_and_prover_talk_tls(
    tmp_path: Path, database_dsn: str, toy_system_on_path: Path, srs_file: Path
) -> None:
    settings = {**tls_settings(tmp_path), "SRS_FILE": str(srs_file), "LISTEN_PROVERS": "127.0.0.1:0"}

    async with running_network(
        tmp_path, database_dsn, scheme="grpcs", ca_file=str(tmp_path / CA), **settings
    ) as network:
        await network.start_prover("p", "alice", ask=700, TLS_CA=str(tmp_path / CA))
        async with network.client() as client:
            program = await register_toy(client, tmp_path, slices=2)
            task = await client.submit(program.digest, ["secret"], limit_price=1_500)
            assert (await client.wait(task.task_id)).state == "done"
        assert network.gateway is not None
        assert "prover_certified" in network.gateway.log.read_text()
        port = network.port
        check = ("gateway", "--check", "--listen", f"0.0.0.0:{port}", "--tls-certificate", settings["TLS_CERTIFICATE"])
        checked = await asyncio.to_thread(proofgrid, *check, "--tls-key", settings["TLS_KEY"], home=tmp_path)
        assert checked.returncode == 0, checked.stderr
        async with Client(f"grpc://127.0.0.1:{port}", network.keys["client"], patience_seconds=1) as plain:
            with pytest.raises(Recoverable):
                await plain.status()
        async with Client(f"grpcs://localhost:{port}", network.keys["client"], patience_seconds=1) as unknown_authority:
            with pytest.raises(Recoverable):
                await unknown_authority.status()


async def test_a_gateway_beyond_this_machine_needs_a_certificate() -> None:
    with pytest.raises(InvalidField) as caught:
        bind(new_server(), Listen(host="0.0.0.0", port=0))  # noqa: S104 - that is what must not work
    assert "--tls-certificate" in caught.value.hint


@pytest.mark.parametrize(
    "text", ["grpc://gateway.example:7400", "http://localhost", "grpc://localhost:99999", "", "grpc://"]
)
def test_an_address_that_would_be_plain_text_or_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidField):
        parse_target(text)


def test_an_address_elsewhere_is_encrypted_unless_said_otherwise() -> None:
    assert parse_target("gateway.example:7400").encrypted
    assert not parse_target("127.0.0.1:7400").encrypted
    assert str(parse_target("grpcs://[::1]:1")) == "grpcs://[::1]:1"
