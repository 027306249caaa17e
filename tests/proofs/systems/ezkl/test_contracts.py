"""A contract of a slice believes what we believe of the slice's proofs, and nothing else."""

from __future__ import annotations

import json
import re
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
from proofgrid.proofs.offers import Contract, ContractCall, WritesContract
from proofgrid.proofs.systems.ezkl.engine import COMMITMENT_BYTES
from proofgrid.proofs.systems.ezkl.felts import MODULUS, to_felt
from proofgrid.proofs.systems.ezkl.proving import contract_source, contract_text, contracts
from proofgrid.proofs.systems.ezkl.proving.contracts import FUNCTION, KEYED_FUNCTION
from proofgrid.proofs.systems.ezkl.reference.curve import times
from tests.proofs.conftest import SYSTEM, ProvenRequest
from tests.proofs.evm.placing import numbers, placed, word
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
        return numbers(self.of(input_index, slice_index).arguments[1])


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
    refused = [*(one.calldata for one in forged), placed(calls.of(0, LAST), named=proof, usual=proof)]
    answers = answers_of(made[LAST], [*right, *refused])
    assert [one.returned for one in answers] == [TRUE, TRUE, *[None] * len(refused)]


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
    asked = [files["slice/0/vk"], files["slice/0/settings"], files["srs.verifier"], tmp_path / "contract.sol", 70_000]
    homeless = dict(line.split("=") for line in contract_source.HOMELESS)
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.setblocking(False)
        environment = {**quiet_environment(tmp_path), "HTTPS_PROXY": f"http://127.0.0.1:{proxy.getsockname()[1]}"}
        command = [sys.executable, "-m", contract_source.__name__, *map(str, asked)]
        subprocess.run(command, env=environment | homeless, check=True, timeout=60)
        with pytest.raises(BlockingIOError):
            proxy.accept()
    assert "contract Halo2Verifier {" in (tmp_path / "contract.sol").read_text()
    assert "contract Halo2VerifierReusable {" in (tmp_path / "contract.sol.keyed").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"contract.sol{kind}" for kind in ("", ".key", ".keyed")
    ]


def test_a_key_that_is_none_has_no_contract(digits_program: ProgramFiles, tmp_path: Path) -> None:
    paths = {**digits_program.paths, "slice/0/vk": tmp_path / "vk"}
    (tmp_path / "vk").write_bytes(b"no key")
    with pytest.raises(InvalidField, match="writes no contract for slice 0"):
        SYSTEM.contracts(ProgramFiles(digits_program.program, paths), workdir=tmp_path)
    del paths["slice/0/vk"]
    with pytest.raises(BadProof, match="missing"):
        SYSTEM.contracts(ProgramFiles(digits_program.program, paths), workdir=tmp_path)


@pytest.mark.thorough
def test_a_contract_with_too_much_code_takes_its_key_with_each_call(
    digits_program: ProgramFiles, proven_digits: ProvenRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model with more code, as an LSTM, takes longer to build; so the limit comes down to this one."""
    monkeypatch.setattr(contracts, "SOURCE_BYTES_MAX", 70_000)
    made = SYSTEM.contracts(verifying_only(digits_program), workdir=tmp_path / "work")
    statement, part = proven_digits.request.statement, proven_digits.part(0, LAST)
    (call,) = SYSTEM.contract_calls(digits_program, statement, [part], workdir=tmp_path / "work")
    assert not list((tmp_path / "work").iterdir())
    assert call.function == KEYED_FUNCTION == "verifyProof(bytes,uint256[],bytes32[])"
    proof, values, key = part.output.proof, *(numbers(said) for said in call.arguments[1:])
    (other,) = SYSTEM.contract_calls(digits_program, statement, [proven_digits.part(0, 0)], workdir=tmp_path / "work")

    forged = [
        call_of(KEYED_FUNCTION, proof[:-1] + bytes([proof[-1] ^ 1]), values, key).calldata,
        call_of(KEYED_FUNCTION, proof, [values[0] + 1, *values[1:]], key).calldata,
        call_of(KEYED_FUNCTION, proof, values, [*key[:-1], key[-1] ^ 1]).calldata,
        call_of(KEYED_FUNCTION, proof, values, key[:-1]).calldata,
        call_of(KEYED_FUNCTION, proof, values, []).calldata,
        other.calldata,  # right, of another slice with a key of its own
        placed(call, named=proof, usual=proof),
    ]
    answers = answers_of(made[LAST], [call.calldata, *forged])
    assert [one.returned for one in answers] == [TRUE, *[None] * len(forged)]


@pytest.mark.thorough
def test_the_engines_own_contract_takes_a_forged_proof_and_ours_does_not(
    digits_program: ProgramFiles, calls: Calls, tmp_path: Path
) -> None:
    """Challenges come of a proof that is elsewhere, and its last two points, W and W', of where they usually are.

    With W' = 0 the pairing asks that a sum is zero in which W has a factor that is known beforehand.
    """
    text = contracts._written(digits_program, LAST, tmp_path).text
    call, proof = calls.of(0, LAST), calls.proof(0, LAST)
    lie = [424_242, *calls.values(0, LAST)[1:]]
    found = re.search(r"success := ec_mul_tmp\(success, sub\(R, mload\((0x\w+)\)\)\)", text)
    assert found is not None
    before = "            // Perform pairing\n"
    sum_of = "mstore(0x00, mload(PAIRING_LHS_X_MPTR)) mstore(0x20, mload(PAIRING_LHS_Y_MPTR))"
    telling = f"{sum_of} mstore(0x40, mload({found[1]})) return(0x00, 0x60)\n{before}"
    without = placed(call, named=proof, usual=proof[:-128] + bytes(128), values=lie)
    (answer,) = answers_of(_engines(text.replace(before, telling)), [without])
    assert answer.returned is not None
    x, y, factor = (int(answer.returned[2:][at : at + 64], 16) for at in (0, 64, 128))
    (point,) = times([pow(factor, -1, MODULUS)], [(x, y)])
    assert point is not None

    usual = proof[:-128] + b"".join(map(word, point)) + bytes(64)
    forged = placed(call, named=proof, usual=usual, values=lie)
    (theirs,) = answers_of(_engines(text), [forged])
    (ours,) = answers_of(contract_text.whole_contract(text, LAST), [forged])
    assert (theirs.returned, ours.returned) == (TRUE, None)


def _engines(text: str) -> Contract:
    return Contract(name=contract_text.NAME, source=text)


def test_a_text_of_the_engine_that_is_not_known_is_refused() -> None:
    for text in ("", "contract Halo2Verifier {", "contract Halo2Verifier {\n    ) public view returns (bool) {\n"):
        with pytest.raises(contract_text.OtherText):
            contract_text.whole_contract(text, 0)
        with pytest.raises(contract_text.OtherText):
            contract_text.keyed_contract(text, 0, bytes(32))
