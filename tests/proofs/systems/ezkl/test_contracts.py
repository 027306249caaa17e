"""A contract of a slice believes what we believe of the slice's proofs, and nothing else."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import ezkl
import pytest
from eth_abi.abi import decode

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof, InvalidField
from proofgrid.proofs.base import ProgramFiles
from proofgrid.proofs.kit.contract_calls import call_of
from proofgrid.proofs.kit.engine import quiet_environment
from proofgrid.proofs.offers import ContractCall, WritesContract
from proofgrid.proofs.systems.ezkl.engine import COMMITMENT_BYTES
from proofgrid.proofs.systems.ezkl.felts import MODULUS, to_felt
from proofgrid.proofs.systems.ezkl.proving import contract_source, contracts
from proofgrid.proofs.systems.ezkl.proving.contracts import FUNCTION
from tests.proofs.conftest import SYSTEM, ProvenRequest
from tests.proofs.evm.running import answers_of

TRUE = "0x" + "1".zfill(64)
PROOF_AT = 4 + 3 * 32  #: where the proof's bytes begin in a call: behind the function, two places and a length
LAST = 3  #: of the slices; it takes a tensor of the third, and its outputs are public


@pytest.fixture(scope="module")
def calls(
    digits_program: ProgramFiles, proven_digits: ProvenRequest, tmp_path_factory: pytest.TempPathFactory
) -> Calls:
    folder = tmp_path_factory.mktemp("calls")
    statement, parts = proven_digits.request.statement, proven_digits.parts
    return Calls(proven_digits, SYSTEM.contract_calls(digits_program, statement, parts, workdir=folder))


class Calls:
    """The calls of a request, by input and slice."""

    def __init__(self, proven: ProvenRequest, calls: list[ContractCall]) -> None:
        self._proven = proven
        self._calls = calls

    def of(self, input_index: int, slice_index: int) -> ContractCall:
        return self._calls[self._proven.position(input_index, slice_index)]

    def proof(self, input_index: int, slice_index: int) -> bytes:
        return self._proven.part(input_index, slice_index).output.proof

    def values(self, input_index: int, slice_index: int) -> list[int]:
        said = self.of(input_index, slice_index).arguments[1]
        assert isinstance(said, list)
        return [int(str(value)) for value in said]


def verifying_only(files: ProgramFiles) -> ProgramFiles:
    return ProgramFiles(files.program, {name: files.path(name) for name in files.program.verifying_files})


def test_a_contract_takes_proofs_of_its_slice_and_no_forged_ones(
    digits_program: ProgramFiles, calls: Calls, tmp_path: Path
) -> None:
    assert isinstance(SYSTEM, WritesContract)
    made = SYSTEM.contracts(verifying_only(digits_program), workdir=tmp_path / "work")
    assert [one.name for one in made] == [f"Halo2Verifier{index}" for index in range(4)]
    assert not list((tmp_path / "work").iterdir())

    proof, values = calls.proof(0, LAST), calls.values(0, LAST)
    right = [calls.of(number, LAST).calldata for number in (0, 1)]
    forged = [
        call_of(FUNCTION, altered, values)
        for altered in (
            bytes([proof[0] ^ 1]) + proof[1:],
            calls.proof(1, LAST)[:COMMITMENT_BYTES] + proof[COMMITMENT_BYTES:],  # of another image's tensor
            proof[:-1] + bytes([proof[-1] ^ 1]),
            proof[:-1],
            proof + b"\0",
            b"",
            calls.proof(1, LAST),
        )
    ]
    others: list[list[int]] = [
        [values[0] + 1, *values[1:]],
        [values[0] + MODULUS, *values[1:]],
        values[:-1],
        [*values, 0],
        [],
    ]
    forged += [call_of(FUNCTION, proof, public) for public in others]
    forged += [calls.of(0, 1)]
    answers = answers_of(made[LAST], [*right, *(one.calldata for one in forged)])
    assert [one.returned for one in answers] == [TRUE, TRUE, *[None] * len(forged)]


def test_calls_say_what_the_engine_says(
    digits_program: ProgramFiles, proven_digits: ProvenRequest, calls: Calls, tmp_path: Path
) -> None:
    """It puts a word of zeros behind each proof, which no contract looks at."""
    encode: Any = ezkl.encode_evm_calldata
    for slice_index in (0, 2, LAST):
        facts = proven_digits.facts(0, slice_index)
        public = [to_felt(integer) for name in ("public_input", "public_output") for integer in facts[name]]
        proof = calls.proof(0, slice_index)
        (tmp_path / "proof").write_text(said_to_the_engine(proof, public))
        theirs = bytes(encode(str(tmp_path / "proof"), str(tmp_path / "call")))
        ours = bytes.fromhex(calls.of(0, slice_index).calldata[2:])
        assert ours[:4] == theirs[:4]
        assert decode(["bytes", "uint256[]"], ours[4:]) == decode(["bytes", "uint256[]"], theirs[4:])
        assert len(theirs) - len(ours) == 32


def said_to_the_engine(proof: bytes, public: list[str]) -> str:
    known: dict[str, Json] = {"instances": [public], "proof": list(proof), "hex_proof": "0x" + proof.hex()}
    unknown = ("protocol", "split", "pretty_public_inputs", "timestamp", "version")
    return json.dumps({**known, **dict.fromkeys(unknown)})


def test_whoever_calls_several_contracts_finds_the_links_in_the_calls(calls: Calls) -> None:
    """The document says where: a contract of one slice does not look at its neighbours."""
    for number in (0, 1):
        whole = [bytes.fromhex(calls.of(number, index).calldata[2:])[PROOF_AT:] for index in range(LAST + 1)]
        goes_out = [
            whole[0][:COMMITMENT_BYTES],
            *(one[COMMITMENT_BYTES : 2 * COMMITMENT_BYTES] for one in whole[1:LAST]),
        ]
        comes_in = [one[:COMMITMENT_BYTES] for one in whole[1:]]
        assert goes_out == comes_in
    assert calls.proof(0, LAST)[:COMMITMENT_BYTES] != calls.proof(1, LAST)[:COMMITMENT_BYTES]


def test_the_engine_is_kept_from_getting_a_compiler(digits_program: ProgramFiles, tmp_path: Path) -> None:
    """It asks a network for one, whose proxy we are, unless it is told that it has no home."""
    files = digits_program.paths
    asked = [files["slice/0/vk"], files["slice/0/settings"], files["srs.verifier"], tmp_path / "contract.sol"]
    homeless = dict(line.split("=") for line in contract_source.HOMELESS)
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.setblocking(False)
        environment = {**quiet_environment(tmp_path), "HTTPS_PROXY": f"http://127.0.0.1:{proxy.getsockname()[1]}"}
        command = [sys.executable, "-m", contract_source.__name__, *map(str, asked)]
        subprocess.run(command, env=environment | homeless, check=True, timeout=60)
        with pytest.raises(BlockingIOError):
            proxy.accept()
    assert "contract Halo2Verifier {" in (tmp_path / "contract.sol").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["contract.sol"]


def test_a_key_that_is_none_has_no_contract(digits_program: ProgramFiles, tmp_path: Path) -> None:
    paths = {**digits_program.paths, "slice/0/vk": tmp_path / "vk"}
    (tmp_path / "vk").write_bytes(b"no key")
    with pytest.raises(InvalidField, match="writes no contract for slice 0"):
        SYSTEM.contracts(ProgramFiles(digits_program.program, paths), workdir=tmp_path)
    del paths["slice/0/vk"]
    with pytest.raises(BadProof, match="missing"):
        SYSTEM.contracts(ProgramFiles(digits_program.program, paths), workdir=tmp_path)


def test_a_contract_that_no_chain_would_take_is_refused(
    digits_program: ProgramFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contracts, "SOURCE_BYTES_MAX", 70_000)
    with pytest.raises(InvalidField, match="slice 0 has more code than a chain takes") as caught:
        SYSTEM.contracts(digits_program, workdir=tmp_path)
    assert "more slices" in caught.value.hint
