"""A contract on a chain believes what we believe of a proof, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from proofgrid.primitives.canonical import Json
from proofgrid.proofs.base import PartialProof
from proofgrid.proofs.kit.contract_calls import call_of
from proofgrid.proofs.systems.noir.adapter import NoirSystem
from tests.proofs.evm.placing import placed
from tests.proofs.evm.running import answers_of
from tests.proofs.systems.noir.programs import built, engine_or_skip, of_a_slice, unheard

VALUE: dict[str, Json] = {"a": [2, 3, 5], "b": 7, "limit": 9, "unused": 1}
TRUE = "0x" + "1".zfill(64)


@pytest.mark.thorough
def test_a_contract_takes_the_proof_and_no_other(tmp_path: Path) -> None:
    engine_or_skip()
    system, files = NoirSystem(), built("product", tmp_path)
    request = system.normalise(files, [VALUE], workdir=tmp_path / "normalise")
    held = of_a_slice(files, tmp_path / "files")
    output = system.run_job(
        held, 0, request.jobs[0].input, cache=tmp_path / "cache", workdir=tmp_path / "job", report=unheard
    )
    part = PartialProof(slice_index=0, input_index=0, output=output)
    (contract,) = system.contracts(files, workdir=tmp_path / "contract")
    (right,) = system.contract_calls(files, request.statement, [part], workdir=tmp_path / "contract")
    other_output = replace(part, output=replace(output, public={"output": 211}))
    (other,) = system.contract_calls(files, request.statement, [other_output], workdir=tmp_path / "contract")
    forged = call_of("verify(bytes,bytes32[])", output.proof[:-1] + bytes([output.proof[-1] ^ 1]), [9, 1, 210])
    nothing = bytes(len(output.proof))
    moved = [placed(right, named=output.proof, usual=nothing), placed(right, named=nothing, usual=output.proof)]
    answers = answers_of(contract, [right.calldata, moved[0], other.calldata, forged.calldata, moved[1]])
    assert [one.returned == TRUE for one in answers] == [True, True, False, False, False]
