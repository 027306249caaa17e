"""A real S3 server for tests: versitygw, built once from the Go module proxy into the virtual environment."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

MODULE = "github.com/versity/versitygw/cmd/versitygw"
VERSION = "v1.8.0"
GO_LEAST = (1, 25)  #: what its go.mod asks for
BUILD_SECONDS = 1_500
BUCKET = "artifacts"
START_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class S3Server:
    """A running server with one bucket, whose objects are files below `bucket`."""

    endpoint: str
    bucket: Path
    environment: dict[str, str]  #: what a client of it needs


def versitygw() -> Path:
    """Return the server's binary, building it when it is not there; skip the test where there is no Go."""
    binary = Path(sys.prefix) / "tools" / f"versitygw-{VERSION}" / "versitygw"
    if binary.exists():
        return binary
    go = shutil.which("go")
    if go is None:
        pytest.skip("there is no Go here to build the S3 server versitygw with")
    said = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=True, timeout=60).stdout
    found = re.match(r"go(\d+)\.(\d+)", said)
    if found is None or (int(found[1]), int(found[2])) < GO_LEAST:
        pytest.skip(f"the S3 server versitygw needs Go {GO_LEAST[0]}.{GO_LEAST[1]}, this is {said.strip()}")
    binary.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=binary.parent) as folder:
        environment = {**os.environ, "GOBIN": folder, "GOFLAGS": "-trimpath"}
        command = [go, "install", "-ldflags=-s -w", f"{MODULE}@{VERSION}"]
        subprocess.run(command, env=environment, check=True, timeout=BUILD_SECONDS)
        (Path(folder) / "versitygw").replace(binary)  # two runs that build at once do not see half a file
    return binary


@contextmanager
def running_s3(root: Path) -> Iterator[S3Server]:
    """Run a server whose data lies in `root`; stop it in the end."""
    binary = versitygw()
    bucket = root / "data" / BUCKET
    bucket.mkdir(parents=True)
    (root / "metadata").mkdir()
    for _ in range(START_ATTEMPTS):
        address = f"127.0.0.1:{_free_port()}"
        process = _start(binary, address, root)
        try:
            if _answers(process, address):
                environment = {
                    "AWS_ENDPOINT": f"http://{address}",
                    "AWS_ALLOW_HTTP": "true",
                    "AWS_ACCESS_KEY_ID": "test",
                    "AWS_SECRET_ACCESS_KEY": "test-secret",
                    "AWS_REGION": "us-east-1",
                }
                yield S3Server(f"http://{address}", bucket, environment)
                return
        finally:
            process.terminate()
            process.wait(timeout=30)
    raise AssertionError(f"versitygw does not start:\n{(root / 'log').read_text()[-2000:]}")


def _start(binary: Path, address: str, root: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "ROOT_ACCESS_KEY_ID": "test", "ROOT_SECRET_ACCESS_KEY": "test-secret"}
    # The sidecar folder spares the tests a file system with extended attributes.
    command = [str(binary), "--quiet", "--port", address, "posix", "--sidecar", str(root / "metadata")]
    with (root / "log").open("ab") as log:
        return subprocess.Popen([*command, str(root / "data")], env=environment, stdout=log, stderr=log)


def _answers(process: subprocess.Popen[bytes], address: str) -> bool:
    host, _, port = address.rpartition(":")
    while process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                return True
        time.sleep(0.05)
    return False  # somebody took the port meanwhile


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
