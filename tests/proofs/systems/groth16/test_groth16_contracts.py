"""The contract of a circuit, in an EVM: a proof of the network is taken, forged ones are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidField
from proofgrid.proofs.base import PartialProof
from proofgrid.proofs.kit.contract_calls import call_of
from proofgrid.proofs.offers import WritesContract
from proofgrid.proofs.systems.groth16.adapter import Groth16System
from tests.proofs.evm.running import answers_of
from tests.proofs.systems.groth16.circom import engine_or_skip
from tests.proofs.systems.groth16.test_groth16 import built, unheard

INPUTS: list[Json] = [{"a": [2, 3, 5], "b": 7, "limit": 9}, {"a": [1, 1, 2], "b": 3, "limit": 4}]


@pytest.fixture(autouse=True)
def _engine() -> None:
    engine_or_skip()


def test_the_contract_takes_proofs_of_the_network_and_no_forged_ones(tmp_path: Path) -> None:
    system, files = Groth16System(), built("product", tmp_path)
    request = system.normalise(files, INPUTS, workdir=tmp_path / "normalise")
    outputs = [
        system.run_job(files, 0, job.input, cache=tmp_path / "cache", workdir=tmp_path / "job", report=unheard)
        for job in request.jobs
    ]
    parts = [PartialProof(slice_index=0, input_index=at, output=output) for at, output in enumerate(outputs)]
    assert isinstance(system, WritesContract)
    (contract,) = system.contracts(files, workdir=tmp_path / "contract")
    calls = system.contract_calls(files, request.statement, parts, workdir=tmp_path / "contract")
    assert [call.function for call in calls] == ["verifyProof(uint256[8],uint256[2])"] * 2
    assert calls[0].arguments[1] == ["210", "9"]

    words, (first, second) = calls[0].arguments[0], [call.calldata for call in calls]
    assert isinstance(words, list)
    point = [int(str(word)) for word in words]
    forged = [
        call_of(calls[0].function, point, public).calldata
        for public in ([211, 9], [210, 8], [6, 4], [210 + (1 << 255), 9])
    ]
    forged.append(call_of(calls[0].function, [*point[6:], *point[2:6], *point[:2]], [210, 9]).calldata)
    forged.append(call_of(calls[0].function, [0] * 8, [210, 9]).calldata)
    forged.append(first[:-2] + "00")
    answers = answers_of(contract, [first, second, *forged])
    assert [one.returned for one in answers] == ["0x", "0x", *[None] * len(forged)]
    assert answers[0].gas < 300_000, answers


def test_a_curve_that_no_contract_knows_is_refused(tmp_path: Path) -> None:
    files = built("product", tmp_path, prime="bls12377")
    with pytest.raises(InvalidField, match="BLS12-377"):
        Groth16System().contracts(files, workdir=tmp_path / "contract")
