"""TLS 1.3 is the least that a gateway speaks, and what may travel in plain text is said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from proofgrid.bootstrap.gateway.plain_text import plain_texts
from tests.certificates import CA, tls_settings

ASKS = """
import proofgrid.cli
import socket, ssl, sys
from concurrent import futures
import grpc
from pathlib import Path
authority, certificate, key = sys.argv[1:]
server = grpc.server(futures.ThreadPoolExecutor(1))
pair = (Path(key).read_bytes(), Path(certificate).read_bytes())
port = server.add_secure_port("localhost:0", grpc.ssl_server_credentials([pair]))
server.start()
for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
    context = ssl.create_default_context(cafile=authority)
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2"])
    try:
        with socket.create_connection(("localhost", port)) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as encrypted:
                print(encrypted.version())
    except OSError:
        print("refused")
channel = grpc.secure_channel(f"localhost:{port}", grpc.ssl_channel_credentials(Path(authority).read_bytes()))
grpc.channel_ready_future(channel).result(60)
print("a client of ours")
server.stop(0)
"""


def test_a_process_of_ours_speaks_tls_1_3_and_nothing_older(tmp_path: Path) -> None:
    paths = tls_settings(tmp_path)
    given = [str(tmp_path / CA), paths["TLS_CERTIFICATE"], paths["TLS_KEY"]]
    done = subprocess.run([sys.executable, "-c", ASKS, *given], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.split("\n")[:3] == ["refused", "TLSv1.3", "a client of ours"]


@pytest.mark.parametrize(
    ("dsn", "environment", "said"),
    [
        ("", {}, []),
        ("postgresql://u@localhost/db", {}, []),
        ("postgresql:///db?host=/run/postgresql", {}, []),
        ("postgresql://u@db.example/db", {}, ["the database at db.example"]),
        ("postgresql://u@db.example/db?sslmode=prefer", {}, ["the database at db.example"]),
        ("postgresql://u@db.example/db?sslmode=verify-full", {}, []),
        ("postgresql://u@db.example/db", {"PGSSLMODE": "require"}, []),
        ("", {"AWS_ENDPOINT": "http://127.0.0.1:9000"}, []),
        ("", {"AWS_ENDPOINT": "https://s3.example"}, []),
        ("", {"AWS_ENDPOINT": "http://s3.example:9000"}, ["the artifact store at s3.example"]),
    ],
)
def test_what_may_be_read_on_its_way_is_said(dsn: str, environment: dict[str, str], said: list[str]) -> None:
    assert [what for what, _ in plain_texts(dsn, environment)] == said
