"""A contract of several slices takes whole requests, and no proofs that are right but do not go together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.chain.accounts import TransactionReverted
from proofgrid.chain.devnet.anvil import Anvil, running
from proofgrid.chain.devnet.downloads import NotFetched
from proofgrid.primitives.errors import InvalidField
from proofgrid.proofs.base import ProgramFiles
from proofgrid.proofs.bundles.contracts import contracts_of, spell_call
from proofgrid.proofs.kit.contract_calls import call_of, selector_of
from proofgrid.proofs.offers import Contract, ContractCall, WritesContractOfSlices
from proofgrid.proofs.systems.ezkl.layout import FORMAT, Layout, ProgramTensor
from proofgrid.proofs.systems.ezkl.proving import contract_of_slices, contracts
from proofgrid.proofs.systems.ezkl.proving.contract_of_slices import SLICES_FUNCTION
from proofgrid.proofs.systems.ezkl.proving.contract_text import PROOF_AT
from proofgrid.proofs.systems.ezkl.proving.verify import head_of
from proofgrid.proofs.systems.ezkl.settings import COMMITTED, PUBLIC
from tests.chain.deploying import TAKES_ADDRESSES, deploying
from tests.proofs.conftest import SYSTEM, ProvenRequest, build, prove_all
from tests.proofs.evm.running import compiled
from tests.proofs.systems.ezkl.models import save
from tests.proofs.systems.ezkl.test_visibility import FITTING, INPUTS, KINDS, a_joining_model

TRUE = "0x" + "1".zfill(64)


@pytest_asyncio.fixture
async def chain(tmp_path: Path) -> AsyncIterator[Anvil]:
    try:
        async with running(tmp_path / "anvil.log") as anvil:
            yield anvil
    except (InvalidField, NotFetched) as error:
        pytest.skip(f"no local chain here: {error}")


class Sliced:
    """A program of several slices whose contracts are on a chain, and the calls of a proven request by input."""

    def __init__(self, chain: Anvil, address: str, calls: Sequence[Sequence[ContractCall]]) -> None:
        self._chain = chain
        self._address = address
        self.calls = calls

    @classmethod
    async def deployed(cls, chain: Anvil, files: ProgramFiles, proven: ProvenRequest, folder: Path) -> Sliced:
        made = contracts_of(files, workdir=folder)
        assert made[-1].name == "Halo2Verifiers"
        *of_slices, joint = [one async for one in deploying(chain.person(0), [compiled(one) for one in made])]
        calls = SYSTEM.contract_calls(files, proven.request.statement, proven.parts, workdir=folder)
        slices = len(of_slices)
        return cls(chain, joint.address, [calls[at : at + slices] for at in range(0, len(calls), slices)])

    async def said(self, calls: Sequence[ContractCall]) -> str:
        """Return what the contract answers, or by which error it reverts, with its number."""
        return await self.said_of(SYSTEM.call_of_slices(calls).calldata)

    async def said_of(self, calldata: str) -> str:
        answer: Any = await self._chain.web3.provider.make_request(
            "eth_call",  # type: ignore[arg-type]
            [{"to": self._address, "data": calldata}, "latest"],
        )
        if "error" not in answer:
            return str(answer["result"])
        data = answer["error"].get("data", "0x")[2:]
        for name in ("NotOfSlices", "NoContract", "OtherFunction", "ProofRefused", "OtherTensor"):
            if data.startswith(selector_of(f"{name}(uint256)").hex()):
                return f"{name} {int(data[8:], 16)}"
        return "reverted"


def altered(call: ContractCall, at: int) -> ContractCall:
    """Return a call with a bit of its proof turned."""
    proof, *rest = call.arguments
    content = bytearray.fromhex(str(proof)[2:])
    content[at] ^= 1
    numbers = [[int(str(one), 0) for one in values] for values in rest if isinstance(values, list)]
    return call_of(call.function, bytes(content), *numbers)


@pytest.mark.parametrize(
    "source_bytes_max", [contracts.SOURCE_BYTES_MAX, pytest.param(0, marks=pytest.mark.thorough)], ids=["", "keyed"]
)
async def test_a_contract_of_slices_takes_requests_and_nothing_that_is_put_together(
    chain: Anvil, srs: Path, key_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source_bytes_max: int
) -> None:
    """Of two slices; inputs and outputs are committed to as well, so commitments stand in different places."""
    monkeypatch.setattr(contracts, "SOURCE_BYTES_MAX", source_bytes_max)
    settings = FITTING | KINDS["committed"]
    files = build(save(a_joining_model(), tmp_path / "model"), settings, srs=srs, workdir=tmp_path)
    proven = prove_all(files, INPUTS, cache=key_cache, workdir=tmp_path)
    it = await Sliced.deployed(chain, files, proven, tmp_path)
    one, other = it.calls

    assert [await it.said(calls) for calls in (one, other, [*one, *other])] == [TRUE] * 3
    (tmp_path / "spelled").mkdir()
    spelled = spell_call("ezkl", files, proven.request.statement, list(reversed(proven.parts)), tmp_path / "spelled")
    assert spelled == SYSTEM.call_of_slices([*one, *other]).calldata
    assert await it.said_of(spelled) == TRUE

    for calls, said in (
        ([one[0], other[1]], "OtherTensor 1"),
        ([*one, other[0], one[1]], "OtherTensor 3"),
        ([], "NotOfSlices 0"),
        ([one[0]], "NotOfSlices 1"),
        ([*one, other[0]], "NotOfSlices 3"),
        ([one[1], one[0]], "ProofRefused 0"),
        ([altered(one[0], 0), one[1]], "ProofRefused 0"),  # of its commitments
        ([one[0], altered(one[1], -1)], "ProofRefused 1"),
        ([*one, *it.calls[1][:1], altered(other[1], 70)], "ProofRefused 3"),
        ([call_of("verify(bytes,uint256[])", b"", []), one[1]], "OtherFunction 0"),
    ):
        assert await it.said(calls) == said
    assert await it.said_of(call_of(SLICES_FUNCTION, [b"", bytes.fromhex(one[1].calldata[2:])]).calldata) == (
        "OtherFunction 0"
    )


@pytest.mark.thorough
async def test_a_request_of_a_model_in_four_slices_is_taken_and_no_mixture_of_two(
    chain: Anvil, digits_program: ProgramFiles, proven_digits: ProvenRequest, tmp_path: Path
) -> None:
    it = await Sliced.deployed(chain, digits_program, proven_digits, tmp_path)
    one, other = it.calls
    assert [await it.said(calls) for calls in (one, other, [*other, *one])] == [TRUE] * 3
    for cut in range(1, 4):
        assert await it.said([*one[:cut], *other[cut:]]) == f"OtherTensor {cut}"
        assert await it.said([*other[:cut], *one[cut:]]) == f"OtherTensor {cut}"


async def test_it_is_deployed_with_a_contract_for_each_slice(chain: Anvil, digits_program: ProgramFiles) -> None:
    assert isinstance(SYSTEM, WritesContractOfSlices)
    code = compiled(SYSTEM.contract_of_slices(digits_program.program, [Contract(name="X", source="")] * 4))
    nobody = chain.person(1).address
    for addresses, error in (([], "NotOfSlices"), ([nobody] * 5, "NotOfSlices"), ([nobody] * 4, "NoContract")):
        with pytest.raises(TransactionReverted) as caught:
            await chain.person(0).deploy(TAKES_ADDRESSES, code, addresses)
        assert caught.value.reason == "0x" + selector_of(f"{error}(uint256)").hex()


def a_layout(slices: int, inputs: int, outputs: int, *, hides: bool, hides_outputs: bool) -> Layout:
    def tensors(count: int, is_committed: bool) -> tuple[ProgramTensor, ...]:
        visibility = COMMITTED if is_committed else PUBLIC
        return tuple(
            ProgramTensor(name=f"t{number}", shape=(1,), element_type="float32", scale=7, visibility=visibility)
            for number in range(count)
        )

    return Layout(format=FORMAT, slices=slices, inputs=tensors(inputs, hides), outputs=tensors(outputs, hides_outputs))


@given(st.integers(2, 5), st.integers(1, 3), st.integers(1, 3), st.booleans(), st.booleans())
def test_commitments_are_looked_for_where_the_head_of_a_proof_has_them(
    slices: int, inputs: int, outputs: int, hides: bool, hides_outputs: bool
) -> None:
    layout = a_layout(slices, inputs, outputs, hides=hides, hides_outputs=hides_outputs)
    proof = bytes(range(256)) * 4
    call = bytes(PROOF_AT) + proof
    whole = Contract(name="X", source="")
    for index in range(slices):
        shape = contract_of_slices._shape(layout, index, whole)
        takes_in, puts_out = int.from_bytes(shape[4:6], "big"), int.from_bytes(shape[6:], "big")
        head = head_of(layout, index, proof)
        if index > 0:
            assert call[takes_in : takes_in + 64].hex() == head.input_commitment
        if index < slices - 1:
            assert call[puts_out : puts_out + 64].hex() == head.output_commitment
