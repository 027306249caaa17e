"""What is committed of contracts is what their sources say, and how we spell the core is how it is deployed."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from proofgrid.chain import artifacts, eigenlayer
from proofgrid.chain.abi import abi_of, selector_of, signature_of, topic_of
from proofgrid.chain.devnet.downloads import NotFetched, core
from tests.proofs.npm import installed

CONTRACTS = Path(__file__).parents[2] / "contracts"


@pytest.mark.thorough
def test_our_contracts_are_compiled_from_their_sources(tmp_path: Path) -> None:
    sources = [f"src/{path.name}" for path in sorted((CONTRACTS / "src").glob("*.sol"))]
    place = installed(CONTRACTS, "package.json", "compile.js", *sources)
    node = shutil.which("node") or pytest.skip("contracts are compiled in Node.js")
    subprocess.run([node, "compile.js", str(tmp_path)], cwd=place, check=True)
    assert sorted(path.stem for path in tmp_path.iterdir()) == list(artifacts.NAMES)
    for name in artifacts.NAMES:
        made = json.loads((tmp_path / f"{name}.json").read_text())
        assert artifacts.abi(name) == made["abi"], name
        assert artifacts.bytecode(name) == f"0x{made['bytecode']}", f"make contracts: {name} was changed"


@pytest.mark.parametrize("name", artifacts.NAMES)
def test_every_contract_can_be_deployed(name: str) -> None:
    assert len(artifacts.bytecode(name)) // 2 - 1 <= 24_576, "EIP-170"


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (eigenlayer.ALLOCATIONS, "allocation_manager"),
        (eigenlayer.DELEGATION, "delegation_manager"),
        (eigenlayer.STRATEGIES, "strategy_manager"),
        (eigenlayer.STRATEGY, "strategy_base"),
    ],
)
def test_the_core_has_every_function_that_we_spell(ours: list[dict[str, object]], theirs: str) -> None:
    try:
        entries = core()[theirs].abi
    except NotFetched as error:
        pytest.skip(str(error))
    there = {selector_of(entry): entry for entry in entries if entry["type"] == "function"}
    for entry in ours:
        same = there[selector_of(entry)]
        assert entry["stateMutability"] == same["stateMutability"]
        outputs = [{"name": "", "inputs": one.get("outputs", [])} for one in (entry, same)]
        assert signature_of(outputs[0]) == signature_of(outputs[1]), entry["name"]


def test_every_refusal_that_we_explain_is_one_of_the_core() -> None:
    try:
        contracts = core()
    except NotFetched as error:
        pytest.skip(str(error))
    errors = {entry["name"] for one in contracts.values() for entry in one.abi if entry["type"] == "error"}
    assert set(eigenlayer.REFUSALS) <= errors


def test_functions_and_events_are_read_as_they_are_written() -> None:
    (slashed, pay, wrong) = abi_of(
        """
        event OperatorSlashed(address indexed operator, (address avs, uint32 id) set, (bytes32, uint64[])[2][] parts)
        function pay((address to, uint256 amount)[] many) payable returns (bool, bytes memory answer)
        error Wrong(uint256 left)
        """
    )
    assert signature_of(slashed) == "OperatorSlashed(address,(address,uint32),(bytes32,uint64[])[2][])"
    assert signature_of(pay) == "pay((address,uint256)[])"
    assert (selector_of(abi_of("function transfer(address to, uint256 n)")[0])) == "0xa9059cbb"
    transfer = abi_of("event Transfer(address indexed a, address indexed b, uint256 n)")[0]
    assert topic_of(transfer) == "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
    assert wrong["type"] == "error"


@pytest.mark.parametrize("line", ["modifier x()", "function f(address", "function f() external", "f()"])
def test_what_says_nothing_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"no |neither"):
        abi_of(line)
